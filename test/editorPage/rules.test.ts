import { describe, expect, it } from "vitest";
import {
  backoffMs,
  nameAfterRename,
  pollInMs,
  renewalDueInMs,
  reopenPath,
  soonestRenewalInMs,
} from "../../src/editorPage/browser/rules.ts";

const secondMs = 1000;
const minuteMs = 60_000;

describe("a token's renewal", () => {
  it.each([
    [
      "of ten hours comes before Collabora warns people, fifteen minutes before the end",
      600 * minuteMs,
      580 * minuteMs,
    ],
    ["of one hour comes twenty minutes before the end", 60 * minuteMs, 40 * minuteMs],
    ["of two minutes comes forty seconds before the end", 120 * secondMs, 80 * secondMs],
    ["of a quarter of a minute leaves time for a second try", 15 * secondMs, 10 * secondMs],
  ])("%s", (_sentence, lifeMs, dueMs) => {
    expect(renewalDueInMs({ gotAtMs: 1000, endsAtMs: 1000 + lifeMs }, 1000)).toBeCloseTo(dueMs);
  });

  it("is due at once when the machine slept through it", () => {
    expect(renewalDueInMs({ gotAtMs: 0, endsAtMs: minuteMs }, 10 * minuteMs)).toBe(0);
  });

  it("is not made without end for an editor that warns as soon as it has the token", () => {
    expect(soonestRenewalInMs({ gotAtMs: 0, endsAtMs: 40 * secondMs }, 0)).toBe(10 * secondMs);
    expect(soonestRenewalInMs({ gotAtMs: 0, endsAtMs: 600 * minuteMs }, 0)).toBe(minuteMs);
    expect(soonestRenewalInMs({ gotAtMs: 0, endsAtMs: 600 * minuteMs }, 595 * minuteMs)).toBe(0);
  });

  it("is tried again ever more slowly while the network is away", () => {
    expect([1, 2, 3, 10].map(backoffMs)).toEqual([1000, 2000, 4000, 30_000]);
  });
});

describe("the page's questions to the bridge", () => {
  it("come often while something is unsaved, seldom while nobody looks", () => {
    const facing = { isHidden: false, isBusy: false, failures: 0 };
    expect(pollInMs(facing)).toBe(10_000);
    expect(pollInMs({ ...facing, isBusy: true })).toBe(2000);
    expect(pollInMs({ ...facing, isBusy: true, isHidden: true })).toBe(60_000);
    expect(pollInMs({ ...facing, failures: 3 })).toBe(4000);
  });
});

describe("the address under which a reload opens the document anew", () => {
  it("is the link's or the file's", () => {
    expect(reopenPath("#/l/kJ3vXq8Zr1Yt5Wm2Nb4Lc6Hd")).toBe("/l/kJ3vXq8Zr1Yt5Wm2Nb4Lc6Hd");
    expect(reopenPath("#/open?file_id=A8fz")).toBe("/open?file_id=A8fz");
  });

  it.each([
    "",
    "#",
    "#//evil.example",
    "#/l/short",
    "#/l/kJ3vXq8Zr1Yt5Wm2Nb4Lc6Hd/../../api",
    "#/open?file_id=A8fz&x=1",
    "#/open?file_id=../x",
    "#@evil.example/l/kJ3vXq8Zr1Yt5Wm2Nb4Lc6Hd",
    "#/l/kJ3vXq8Zr1Yt5Wm2Nb4Lc6Hd\n",
  ])("is nothing else: %j", (hash) => {
    expect(reopenPath(hash)).toBeUndefined();
  });
});

describe("a name after a rename", () => {
  it.each([
    ["Plan.docx", "Budget", "Budget.docx"],
    ["Plan.docx", "Budget.docx", "Budget.docx"],
    ["Plan.docx", "v1.2", "v1.2.docx"],
    ["Plan.DOCX", "Budget.docx", "Budget.docx"],
    ["README", "NOTES", "NOTES"],
    [".env", "settings", "settings"],
  ])("of %s to %s is %s", (oldName, newName, name) => {
    expect(nameAfterRename(oldName, newName)).toBe(name);
  });
});
