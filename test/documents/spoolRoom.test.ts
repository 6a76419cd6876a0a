import { describe, expect, it } from "vitest";
import { hasRoom, leftFreeBytes, type RoomTaken, roomBytes } from "../../src/documents/spoolRoom.ts";

const disk = { sizeBytes: 10_000_000, freeBytes: 10_000_000 };
const maxBytes = 1000;
const holder = { grantId: "g1", fileId: "f1", origin: "link:l1" };
const another = { grantId: "g2", fileId: "f2", origin: "link:l2" };

function taken(bytes: number, more: Partial<RoomTaken> = {}): RoomTaken {
  return { holder, seriesKey: undefined, isKept: false, reservedBytes: bytes, writtenBytes: 0, ...more };
}
const wish = (bytes: number, more: Partial<RoomTaken> = {}) => ({ holder, seriesKey: undefined, bytes, ...more });

describe("room in the spool", () => {
  it.each([
    ["a quarter, in one session", [], wish(250), true],
    ["more than a quarter, in one session", [], wish(251), false],
    ["a quarter together with what the session is sending", [taken(200)], wish(50), true],
    ["more than that", [taken(200)], wish(51), false],
    ["half, by sessions of one link", [taken(250)], wish(250, { holder: { ...another, origin: "link:l1" } }), true],
    [
      "more than half, by sessions of one link on several files",
      [taken(251)],
      wish(250, { holder: { ...another, origin: "link:l1" } }),
      false,
    ],
    [
      "the owner's largest save, of a file on which one link has taken its half",
      [taken(250), taken(250, { holder: { ...holder, grantId: "g4" } })],
      wish(250, { holder: { grantId: "g3", fileId: "f1", origin: "person:p" } }),
      true,
    ],
    [
      "more than three quarters, by sessions of several links on one file",
      [taken(250), taken(251, { holder: { grantId: "g3", fileId: "f1", origin: "link:l3" } })],
      wish(250, { holder: { ...another, fileId: "f1" } }),
      false,
    ],
    [
      "what is left, while one link has its half",
      [taken(250), taken(250, { holder: { ...another, origin: "link:l1" } })],
      wish(250, { holder: { grantId: "g3", fileId: "f3", origin: "portal:p" } }),
      true,
    ],
    [
      "more than all",
      [1, 2, 3, 4].map((n) => taken(240, { holder: { grantId: `g${n}`, fileId: `f${n}`, origin: `link:l${n}` } })),
      wish(41, { holder: { grantId: "g9", fileId: "f9", origin: "link:l9" } }),
      false,
    ],
  ] as const)("is given or not: %s", (_what, others, wanted, expected) => {
    expect(hasRoom(others, wanted, disk, maxBytes)).toBe(expected);
  });

  it("is there for the newer save of a copy whose older one waits, and not for another copy", () => {
    const kept = [taken(250, { isKept: true, seriesKey: "copy" })];
    expect(hasRoom(kept, wish(250, { seriesKey: "copy" }), disk, maxBytes)).toBe(true);
    expect(hasRoom(kept, wish(1, { seriesKey: "other" }), disk, maxBytes)).toBe(false);
    // Half-sent bodies of the same copy are no kept ones.
    expect(hasRoom([taken(250, { seriesKey: "copy" })], wish(1, { seriesKey: "copy" }), disk, maxBytes)).toBe(false);
  });

  it("is what the disk has, less the part that is left for the store, and less what half-sent bodies will take", () => {
    const small = { sizeBytes: 8000, freeBytes: 3000 };
    expect(leftFreeBytes(small)).toBe(1000);
    expect(roomBytes([], small, Number.POSITIVE_INFINITY)).toBe(2000);
    expect(roomBytes([taken(500, { writtenBytes: 500 })], small, Number.POSITIVE_INFINITY)).toBe(2500);
    const far = { holder: another, seriesKey: undefined, bytes: 500 };
    expect(hasRoom([taken(1500)], far, small, Number.POSITIVE_INFINITY)).toBe(true);
    expect(hasRoom([taken(1501)], far, small, Number.POSITIVE_INFINITY)).toBe(false);
    expect(roomBytes([], { sizeBytes: 8000, freeBytes: 900 }, 5000)).toBe(0);
  });

  it("leaves 64 MB of a large disk free, and an eighth of a small one", () => {
    expect(leftFreeBytes({ sizeBytes: 2 ** 40 })).toBe(64 * 2 ** 20);
    expect(leftFreeBytes({ sizeBytes: 64 * 2 ** 20 })).toBe(8 * 2 ** 20);
  });
});
