import { describe, expect, it } from "vitest";
import {
  backoffMs,
  hasArrived,
  mayReloadEditor,
  movedBy,
  nameAfterRename,
  pollInMs,
  renewalDueInMs,
  reopenPath,
  soonestRenewalInMs,
  type UnsavedWork,
  unsavedAfterWord,
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
    const facing = { isHidden: false, isBusy: false, quietMs: 0, failures: 0 };
    expect(pollInMs(facing)).toBe(10_000);
    expect(pollInMs({ ...facing, isBusy: true })).toBe(2000);
    expect(pollInMs({ ...facing, isBusy: true, isHidden: true })).toBe(60_000);
    expect(pollInMs({ ...facing, failures: 3 })).toBe(4000);
  });

  it("are fewer when work has been unsaved for long and nothing happens, yet tell of a save within seconds", () => {
    const unsaved = { isHidden: false, isBusy: true, failures: 0 };
    expect(pollInMs({ ...unsaved, quietMs: 59_999 })).toBe(2000);
    expect(pollInMs({ ...unsaved, quietMs: 60_000 })).toBe(5000);
    expect(pollInMs({ ...unsaved, isBusy: false, quietMs: 3_600_000 })).toBe(10_000);
  });
});

describe("the address under which a reload opens the document anew", () => {
  it("is the link's or the file's", () => {
    expect(reopenPath("#/l/kJ3vXq8Zr1Yt5Wm2Nb4Lc6Hd")).toBe("/l/kJ3vXq8Zr1Yt5Wm2Nb4Lc6Hd");
    expect(reopenPath("#/l/kJ3vXq8Zr1Yt5Wm2Nb4Lc6Hd/A8fz")).toBe("/l/kJ3vXq8Zr1Yt5Wm2Nb4Lc6Hd/A8fz");
    expect(reopenPath("#/open?file_id=A8fz")).toBe("/open?file_id=A8fz");
  });

  it.each([
    "",
    "#",
    "#//evil.example",
    "#/l/short",
    "#/l/kJ3vXq8Zr1Yt5Wm2Nb4Lc6Hd/../../api",
    "#/l/kJ3vXq8Zr1Yt5Wm2Nb4Lc6Hd/A8fz/renew",
    "#/l/kJ3vXq8Zr1Yt5Wm2Nb4Lc6Hd/",
    "#/l/kJ3vXq8Zr1Yt5Wm2Nb4Lc6Hd?folder=A8fz",
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

const atMs = 1_000_000;
const work = {
  kind: "handedOver",
  beganMs: atMs - 20 * secondMs,
  editedMs: atMs - 10 * secondMs,
  toldMs: atMs,
} as const;
const stillHere = { now: atMs + 5 * secondMs, saving_since: null, last_save: null, not_saved: null };
const saved = (ms: number) => ({ last_save: { at: ms, by: "Ann", is_mine: true } });
const refused = (ms: number, kept_in: "spool" | "copy" | null) => ({
  not_saved: { at: ms, by: "Ann", is_mine: true, why: "changedInStorage", kept_in, copy_name: null } as const,
});

describe("unsaved work", () => {
  it.each([
    ["has arrived with a save after the editor handed it over", work, saved(atMs + 300), true],
    ["has arrived with a save that was quicker than the editor's word of it", work, saved(atMs - 300), true],
    ["has not arrived with a save of long before", work, saved(atMs - 5 * secondMs), false],
    [
      "has not arrived with a save from before the last edit",
      { ...work, editedMs: atMs - 200 },
      saved(atMs - 300),
      false,
    ],
    ["has not arrived while there is no save", work, {}, false],
    ["is still being edited, whatever is saved", { ...work, kind: "edited" as const }, saved(atMs + 300), false],
    ["that an editor noticed has arrived with the next save", { ...work, kind: "noticed" as const }, saved(atMs), true],
    ["was undone when no upload began for half a minute", work, { now: atMs + 30 * secondMs }, true],
    [
      "of an editor that tells no saves is never taken for undone",
      { ...work, kind: "noticed" as const },
      { now: atMs + 900 * secondMs },
      false,
    ],
    ["is still edited after a quiet hour", { ...work, kind: "edited" as const }, { now: atMs + 60 * minuteMs }, false],
    ["is on its way while an upload lasts", work, { now: atMs + 90 * secondMs, saving_since: atMs + secondMs }, false],
    ["was refused, however long ago", work, { now: atMs + 900 * secondMs, ...refused(atMs + secondMs, null) }, false],
    [
      "was refused before it was handed over again",
      work,
      { now: atMs + 900 * secondMs, ...refused(atMs - 15 * secondMs, "copy") },
      false,
    ],
    [
      "does not belong to a copy made before it",
      work,
      { now: atMs + 30 * secondMs, ...refused(atMs - 60 * minuteMs, "copy") },
      true,
    ],
    ["waiting in the spool arrives when it is placed", work, { ...refused(atMs, "spool"), ...saved(atMs + 300) }, true],
  ])("%s", (_sentence, unsaved, status, arrived) => {
    expect(hasArrived(unsaved, { ...stillHere, ...status })).toBe(arrived);
  });

  it("begins with the first edit, and is handed over by the first word of it", () => {
    const told = (before: UnsavedWork | undefined, isModified: boolean, ms: number, tellsLocalSaves = true) =>
      unsavedAfterWord(before, isModified, { atMs: ms, tellsLocalSaves });
    expect(told(undefined, false, 1)).toBeUndefined();
    const first = told(undefined, true, 1);
    expect(first).toEqual({ kind: "edited", beganMs: 1, editedMs: 1, toldMs: 1 });
    const handedOver = told(first, false, 2);
    expect(handedOver).toEqual({ kind: "handedOver", beganMs: 1, editedMs: 1, toldMs: 2 });
    expect(told(handedOver, false, 3)).toEqual(handedOver);
    expect(told(handedOver, true, 4)).toEqual({ kind: "edited", beganMs: 1, editedMs: 4, toldMs: 4 });
    expect(told(first, false, 2, false)).toBeUndefined();
  });

  it("keeps its times when the page learns how wrong its clock was", () => {
    expect(movedBy(-5, { kind: "edited", beganMs: 11, editedMs: 12, toldMs: 13 })).toEqual({
      kind: "edited",
      beganMs: 6,
      editedMs: 7,
      toldMs: 8,
    });
  });
});

describe("an editor that takes a token only with the form", () => {
  const minuteMs = 60_000;
  const quiet = {
    isModified: false,
    mayBeUnheard: false,
    nowMs: 40 * minuteMs,
    renewedAtMs: 40 * minuteMs,
    savedAtMs: 0,
    tokenEndsAtMs: 60 * minuteMs,
  };
  it.each([
    ["is loaded anew at once when nothing was edited", {}, true],
    ["is left alone while something is unsaved", { isModified: true }, false],
    ["is left alone while something is unsaved, to the end", { isModified: true, nowMs: 61 * minuteMs }, false],
    ["is left alone when there may be edits that it has not reported", { mayBeUnheard: true }, false],
    ["is left alone after a save from before", { mayBeUnheard: true, savedAtMs: 39 * minuteMs }, false],
    ["is loaded anew after the next save", { mayBeUnheard: true, savedAtMs: 41 * minuteMs }, true],
    ["is left alone with time to spare", { mayBeUnheard: true, nowMs: 57 * minuteMs }, false],
    ["is loaded anew before its token ends", { mayBeUnheard: true, nowMs: 58 * minuteMs }, true],
  ])("%s", (_sentence, more, expected) => {
    expect(mayReloadEditor({ ...quiet, ...more })).toBe(expected);
  });
});
