import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decideSave, type SaveDecision, type SaveFacts } from "../../src/documents/savePolicy.ts";

const storedAt = "2026-11-21T08:15:00Z";
const earlier = "2026-11-21T08:14:59Z";

/** A plain save: locked by this editor, which stands on what is stored. */
const plainSave: SaveFacts = {
  heldLockId: "mine",
  requestLockId: "mine",
  storedVersion: "v7",
  storedSizeBytes: 100,
  storedModifiedAt: storedAt,
  baseVersion: "v7",
  timestamp: storedAt,
  isForced: false,
  isExitSave: false,
  wasTakenOver: false,
  isShielded: true,
  equalsStored: false,
  needsNoVersion: false,
};

const unknownBase = { baseVersion: undefined };
const changed = { baseVersion: "v6", timestamp: earlier };
const unlocked = { heldLockId: undefined };
const noHeader = { requestLockId: undefined };
const theirs = { heldLockId: "theirs" };
const forced = { isForced: true, timestamp: undefined };
const exit = { isExitSave: true };
const same = { equalsStored: true };
const noVersion = { needsNoVersion: true };
const empty = { storedSizeBytes: 0 };
const takenOver = { wasTakenOver: true };

const write = "write";
const acknowledge = "acknowledge";
const refuseForTheirs = "refuse: locked by theirs";
const refuseUnlocked = "refuse: not locked";
const refuseChanged = "refuse: changed in storage";
const copyForTheirs = "copyBeside: locked by theirs";
const copyUnlocked = "copyBeside: not locked";
const copyChanged = "copyBeside: changed in storage";

function inWords(decision: SaveDecision): string {
  if (!("because" in decision)) return decision.do;
  const { because } = decision;
  if (because.kind === "changedInStorage") return `${decision.do}: changed in storage`;
  return `${decision.do}: ${because.currentLockId === "" ? "not locked" : `locked by ${because.currentLockId}`}`;
}

const table: readonly [sentence: string, facts: readonly Partial<SaveFacts>[], decision: string][] = [
  // Locked by this editor.
  ["writes a save under its own lock on the version it was made from", [], write],
  ["writes when the base is known and right, whether or not a time was sent", [{ timestamp: undefined }], write],
  ["writes when the base is known and right, though the time is another", [{ timestamp: earlier }], write],
  ["writes when the base is known and right, though the time is Collabora's none", [{ timestamp: none() }], write],
  ["writes when the base is known and right, though the time is garbage", [{ timestamp: "soon" }], write],
  ["tells the user when somebody has saved in between", [changed], refuseChanged],
  ["goes by the base, not by a time that happens to be the same", [{ baseVersion: "v6" }], refuseChanged],
  ["tells the user of a change also when no time was sent", [changed, { timestamp: undefined }], refuseChanged],
  ["writes over a change when the user chose to overwrite", [changed, forced], write],
  ["gives bytes that are stored already a version of their own", [same], write],
  ["acknowledges them when nothing was changed, or the answer was missed", [same, noVersion], acknowledge],
  ["writes other bytes though the editor says that nothing was changed", [noVersion], write],
  ["acknowledges them also when the version is not the one it stands on", [changed, same], acknowledge],
  ["gives them a version also when forced", [changed, forced, same], write],
  ["keeps a copy of an exit save that met a change, since nobody is left to ask", [changed, exit], copyChanged],
  ["writes an exit save on the version it was made from", [exit], write],
  ["acknowledges an exit save of what is stored", [changed, exit, same], acknowledge],
  ["writes over a change on exit when forced", [changed, exit, forced], write],
  ["writes into an empty file under its own lock", [empty], write],
  ["tells of a change under its own lock even when the file is empty now", [empty, changed], refuseChanged],

  // Locked by this editor, the base forgotten.
  ["goes by the time when the base is not known: the same time writes", [unknownBase], write],
  [
    "goes by the time when the base is not known: another time is a change",
    [unknownBase, { timestamp: earlier }],
    refuseChanged,
  ],
  ["trusts an unbroken lock when neither base nor time is known", [unknownBase, { timestamp: undefined }], write],
  [
    "does not trust it for a file that the drive can't lock",
    [unknownBase, { timestamp: undefined, isShielded: false }],
    refuseChanged,
  ],
  [
    "writes into such a file while it is empty",
    [unknownBase, empty, { timestamp: undefined, isShielded: false }],
    write,
  ],
  ["writes into such a file when its version is known to be the same", [{ isShielded: false }], write],
  ["tells of a change of such a file", [changed, { isShielded: false }], refuseChanged],
  ["takes 1970 for no time at all", [unknownBase, { timestamp: none() }], write],
  ["takes garbage for no time at all", [unknownBase, { timestamp: "yesterday 5 pm" }], write],
  ["takes a bare number for no time at all", [unknownBase, { timestamp: "0" }], write],
  ["takes an impossible date for no time at all", [unknownBase, { timestamp: "2026-13-45T08:15:00Z" }], write],
  [
    "compares whole seconds, since old editors reformat to microseconds",
    [unknownBase, { timestamp: "2026-11-21T08:15:00.987654Z" }],
    write,
  ],
  [
    "takes a fraction of the second before for another time",
    [unknownBase, { timestamp: "2026-11-21T08:14:59.999999Z" }],
    refuseChanged,
  ],
  [
    "takes a later time than the stored one for another too",
    [unknownBase, { timestamp: "2026-11-21T08:15:01Z" }],
    refuseChanged,
  ],
  [
    "compares moments, not texts: another zone is the same moment",
    [unknownBase, { timestamp: "2026-11-21T10:15:00+02:00" }],
    write,
  ],
  [
    "compares moments, not texts: the same digits in another zone are not",
    [unknownBase, { timestamp: "2026-11-21T08:15:00+02:00" }],
    refuseChanged,
  ],
  [
    "reads a time without a zone as UTC, wherever the bridge stands",
    [unknownBase, { timestamp: "2026-11-21T08:15:00" }],
    write,
  ],
  ["keeps a copy of an exit save whose time is another", [unknownBase, exit, { timestamp: earlier }], copyChanged],
  ["writes over another time when the user chose to overwrite", [unknownBase, forced], write],
  ["acknowledges equal bytes though the time is another", [unknownBase, same, { timestamp: earlier }], acknowledge],

  // Locked by somebody else.
  ["refuses a save with another editor's lock and names that lock", [theirs], refuseForTheirs],
  ["refuses a save without a lock on a locked file and names that lock", [theirs, noHeader], refuseForTheirs],
  ["does not let overwriting break another editor's lock", [theirs, forced], refuseForTheirs],
  ["calls a lock conflict a lock conflict, even when the file has changed too", [theirs, changed], refuseForTheirs],
  ["refuses also equal bytes under another editor's lock", [theirs, same], refuseForTheirs],
  ["refuses also on an empty file that another editor has locked", [theirs, empty], refuseForTheirs],
  [
    "refuses also without a lock on an empty file that another editor has locked",
    [theirs, empty, noHeader],
    refuseForTheirs,
  ],
  ["keeps a copy of an exit save under another editor's lock", [theirs, exit], copyForTheirs],
  ["keeps a copy of a forced exit save under another editor's lock", [theirs, exit, forced], copyForTheirs],
  ["keeps a copy of an exit save without a lock under another editor's lock", [theirs, exit, noHeader], copyForTheirs],
  ["keeps no copy of an exit save whose bytes are stored anyway", [theirs, exit, same], refuseForTheirs],

  // Not locked, a lock header: the late save, or the session that a reader opened first.
  ["accepts a late save on the version it was made from", [unlocked], write],
  ["tells a late save that somebody has saved in between", [unlocked, changed], refuseChanged],
  ["keeps a copy of a late exit save that met a change", [unlocked, changed, exit], copyChanged],
  ["accepts a late exit save on the version it was made from", [unlocked, exit], write],
  ["writes a late save over a change when the user chose to overwrite", [unlocked, changed, forced], write],
  ["acknowledges a late save of what is stored", [unlocked, changed, same], acknowledge],
  ["goes by the time of a late save when the base is not known", [unlocked, unknownBase], write],
  [
    "tells a late save whose time is another of the change",
    [unlocked, unknownBase, { timestamp: earlier }],
    refuseChanged,
  ],
  ["refuses a late save of which nothing is known", [unlocked, unknownBase, { timestamp: undefined }], refuseUnlocked],
  [
    "refuses a late save with Collabora's none and no base",
    [unlocked, unknownBase, { timestamp: none() }],
    refuseUnlocked,
  ],
  ["refuses a late save with a garbled time and no base", [unlocked, unknownBase, { timestamp: "2" }], refuseUnlocked],
  [
    "keeps a copy of a late exit save of which nothing is known",
    [unlocked, unknownBase, exit, { timestamp: undefined }],
    copyUnlocked,
  ],
  [
    "acknowledges a late save of which nothing is known when its bytes are stored",
    [unlocked, unknownBase, same, { timestamp: undefined }],
    acknowledge,
  ],

  // Not locked, no lock header.
  ["refuses a save without a lock on a file that nobody has locked", [unlocked, noHeader], refuseUnlocked],
  ["refuses it also when forced", [unlocked, noHeader, forced], refuseUnlocked],
  ["refuses it also when the bytes are stored", [unlocked, noHeader, same], refuseUnlocked],
  [
    "calls it a missing lock, not a change, when the file has changed too",
    [unlocked, noHeader, changed],
    refuseUnlocked,
  ],
  ["keeps a copy of an exit save without a lock", [unlocked, noHeader, exit], copyUnlocked],

  // A new, empty file.
  ["fills a new, empty file without a lock", [unlocked, noHeader, empty], write],
  ["fills a new, empty file with a lock header that nobody holds", [unlocked, empty], write],
  [
    "fills a new, empty file of which nothing is known",
    [unlocked, noHeader, empty, unknownBase, { timestamp: undefined }],
    write,
  ],
  ["fills an empty file though the editor had another version: nothing is lost", [unlocked, empty, changed], write],
  ["fills an empty file on exit", [unlocked, noHeader, empty, exit], write],
  ["writes nothing into nothing", [unlocked, noHeader, empty, same], write],

  // The owner has ended this editor's lock.
  ["keeps a copy of a save under a lock that was taken over", [unlocked, takenOver], copyUnlocked],
  ["keeps a copy of it also when somebody else has locked the file since", [theirs, takenOver], copyForTheirs],
  ["keeps a copy of it also when the user chose to overwrite", [unlocked, takenOver, forced], copyUnlocked],
  ["keeps a copy of it also when the file is empty", [unlocked, takenOver, empty], copyUnlocked],
  ["keeps a copy of it also on exit", [unlocked, takenOver, exit], copyUnlocked],
  ["calls it a lost lock, not a change, when the file has changed too", [unlocked, takenOver, changed], copyUnlocked],
  ["keeps no copy of it when its bytes are stored anyway", [unlocked, takenOver, same], refuseUnlocked],
];

describe("a save", () => {
  // Far from Greenwich, where a time read as local would not be noticed.
  const zoneBefore = process.env["TZ"];
  beforeAll(() => {
    process.env["TZ"] = "Asia/Tokyo";
    expect(new Date(storedAt).getTimezoneOffset()).toBe(-9 * 60);
  });
  afterAll(() => {
    if (zoneBefore === undefined) delete process.env["TZ"];
    else process.env["TZ"] = zoneBefore;
  });

  it.each(table)("%s", (_sentence, facts, decision) => {
    expect(inWords(decideSave(Object.assign({}, plainSave, ...facts)))).toBe(decision);
  });

  it("gets each sentence once", () => {
    expect(new Set(table.map(([sentence]) => sentence)).size).toBe(table.length);
  });
});

/** Each combination of what can be known; few enough to try all. */
const everything: readonly SaveFacts[] = [undefined, "mine", "theirs"].flatMap((heldLockId) =>
  [undefined, "mine"].flatMap((requestLockId) =>
    [undefined, "v7", "v6"].flatMap((baseVersion) =>
      [undefined, storedAt, earlier, none(), "soon", ""].flatMap((timestamp) =>
        [false, true].flatMap((isForced) =>
          [false, true].flatMap((isExitSave) =>
            [false, true].flatMap((equalsStored) =>
              [false, true].flatMap((needsNoVersion) =>
                [false, true].flatMap((wasTakenOver) =>
                  [0, 100].map((storedSizeBytes) => ({
                    ...plainSave,
                    heldLockId,
                    requestLockId,
                    baseVersion,
                    timestamp,
                    isForced,
                    isExitSave,
                    equalsStored,
                    needsNoVersion,
                    wasTakenOver,
                    storedSizeBytes,
                  })),
                ),
              ),
            ),
          ),
        ),
      ),
    ),
  ),
);

describe("in every one of the combinations", () => {
  const decided = everything.map((facts) => ({ facts, decision: decideSave(facts) }));
  const having = (kind: SaveDecision["do"]) => decided.filter(({ decision }) => decision.do === kind);

  it("tries them all", () => {
    expect(everything).toHaveLength(3 * 2 * 3 * 6 * 2 * 2 * 2 * 2 * 2 * 2);
    for (const kind of ["write", "acknowledge", "refuse", "copyBeside"] as const) expect(having(kind)).not.toEqual([]);
  });

  it("never writes over a version that is known to be another, unless the user said so or nothing is there", () => {
    for (const { facts } of having("write")) {
      if (facts.isForced || (facts.storedSizeBytes === 0 && facts.heldLockId === undefined)) continue;
      expect(facts.baseVersion ?? facts.storedVersion).toBe(facts.storedVersion);
      if (facts.baseVersion === undefined) expect(facts.timestamp).not.toBe(earlier);
    }
  });

  it("never writes while another lock stands", () => {
    for (const { facts } of [...having("write"), ...having("acknowledge")]) {
      if (facts.heldLockId !== undefined) expect(facts.requestLockId).toBe(facts.heldLockId);
    }
  });

  it("never calls a lock conflict a change in storage", () => {
    for (const { facts, decision } of [...having("refuse"), ...having("copyBeside")]) {
      if (facts.heldLockId === undefined || facts.heldLockId === facts.requestLockId) continue;
      expect("because" in decision && decision.because).toEqual({
        kind: "lockMismatch",
        currentLockId: facts.heldLockId,
      });
    }
  });

  it("never names a lock that is not there, nor hides one that is", () => {
    for (const { facts, decision } of decided) {
      if ("because" in decision && decision.because.kind === "lockMismatch") {
        expect(decision.because.currentLockId).toBe(facts.heldLockId ?? "");
      }
    }
  });

  it("never writes what is stored already when that needs no version, nor acknowledges what is not stored", () => {
    for (const { facts } of having("write")) expect(facts.equalsStored && facts.needsNoVersion).toBe(false);
    for (const { facts } of having("acknowledge")) expect(facts.equalsStored).toBe(true);
  });

  it("never drops the bytes of an exit save: refused ones become a copy", () => {
    for (const { facts } of having("refuse")) expect(facts.isExitSave && !facts.equalsStored).toBe(false);
  });

  it("never lets a lock that was taken over into the document", () => {
    for (const { facts } of [...having("write"), ...having("acknowledge")]) expect(facts.wasTakenOver).toBe(false);
  });

  it("never makes a copy while the user can still answer, nor of bytes that are stored", () => {
    for (const { facts } of having("copyBeside")) {
      expect(facts.isExitSave || facts.wasTakenOver).toBe(true);
      expect(facts.equalsStored).toBe(false);
    }
  });

  it("decides an exit save as any other, but for the copy", () => {
    for (const { facts, decision } of decided) {
      const { do: answer, ...reason } = decideSave({ ...facts, isExitSave: false });
      const { do: onExit, ...reasonOnExit } = facts.isExitSave ? decision : decideSave({ ...facts, isExitSave: true });
      expect(reasonOnExit).toEqual(reason);
      expect(onExit).toBe(answer === "refuse" && !facts.equalsStored ? "copyBeside" : answer);
    }
  });
});

/** How Collabora says that it was never told a time. */
function none(): string {
  return "1970-01-01T00:00:00.000000Z";
}
