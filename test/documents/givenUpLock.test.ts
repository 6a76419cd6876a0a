import { describe, expect, it } from "vitest";
import { type GivenUpBecause, type LockSigns, whyGivenUp } from "../../src/documents/givenUpLock.ts";

const second = 1_000;
const minute = 60 * second;
/** Somebody edits; another person's editor asks for nothing. */
const living: LockSigns = {
  hasServerEnded: false,
  isOpenedAnew: false,
  areOthersThere: true,
  isSaving: false,
  quietMs: 0,
};

const table: readonly (readonly [string, Partial<LockSigns>, GivenUpBecause | undefined])[] = [
  ["somebody edits", {}, undefined],
  ["silence between two refreshes", { quietMs: 15 * minute }, undefined],
  ["silence for as long as the lock lasts, nobody asking", { quietMs: 30 * minute }, undefined],
  ["all pages closed, the last save still to come", { areOthersThere: false, quietMs: 10 * minute }, undefined],
  ["another id from the same editor, while others edit", { isOpenedAnew: true, quietMs: 15 * minute }, undefined],
  [
    "another id a moment after the last page was closed",
    { isOpenedAnew: true, areOthersThere: false, quietMs: 44 * second },
    undefined,
  ],
  ["another server's name, while pages are open and nobody asks", { hasServerEnded: true, quietMs: minute }, undefined],
  [
    "a save under way through this bridge",
    { hasServerEnded: true, isOpenedAnew: true, areOthersThere: false, isSaving: true, quietMs: 29 * minute },
    undefined,
  ],
  ["a clock set back", { isOpenedAnew: true, areOthersThere: false, quietMs: -minute }, undefined],
  ["another server opens the file anew", { hasServerEnded: true, isOpenedAnew: true }, "serverEnded"],
  ["another server, and nobody has the file open", { hasServerEnded: true, areOthersThere: false }, "serverEnded"],
  [
    "opened anew, everybody gone and quiet",
    { isOpenedAnew: true, areOthersThere: false, quietMs: 45 * second },
    "leftByAll",
  ],
  ["opened anew, the refresh long missing", { isOpenedAnew: true, quietMs: 20 * minute }, "refreshMissing"],
];

describe("a lock of an editor that may have died", () => {
  it.each(table)("%s: %o → %s", (_case, signs, because) => {
    expect(whyGivenUp({ ...living, ...signs })).toBe(because);
  });

  it("is never given up for one sign alone", () => {
    const alone: Partial<LockSigns>[] = [
      { hasServerEnded: true },
      { isOpenedAnew: true },
      { areOthersThere: false },
      { quietMs: 24 * 60 * minute },
    ];
    for (const sign of alone) expect(whyGivenUp({ ...living, ...sign })).toBeUndefined();
  });
});
