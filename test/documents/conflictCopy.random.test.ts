import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConflictCopies } from "../../src/documents/conflictCopy.ts";
import { ContentRecord } from "../../src/documents/contentRecord.ts";
import { LastCopies } from "../../src/documents/lastCopy.ts";
import type { SaveNews } from "../../src/documents/saveEvents.ts";
import type { PlacingFacts } from "../../src/documents/saveFacts.ts";
import type { SpooledSave } from "../../src/documents/saveSpool.ts";
import { VersionRecord } from "../../src/documents/versionRecord.ts";
import type { Drive, DriveFile } from "../../src/model/drive.ts";
import { BridgeError, type Failure, failureOf } from "../../src/model/failure.ts";
import { conflictCopyName } from "../../src/model/fileName.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { setClock } from "../support/clock.ts";
import { randomRuns } from "../support/tier.ts";

const atMs = Date.parse("2026-11-21T08:15:59.999Z");
const bytesOf = (name: string) => Buffer.byteLength(name);
const halfACharacter = /\p{Cs}/u;
const illegal = /[\\/:*?"<>|]/;

describe("the name of a conflict copy", () => {
  it("tells the document, the person and the moment, and keeps the extension", () => {
    expect(conflictCopyName("Report.docx", "Ann Lee", atMs, 0)).toBe(
      "Report (conflict, Ann Lee, 2026-11-21 08.15).docx",
    );
  });

  it("counts up while the name is taken", () => {
    expect(conflictCopyName("Report.docx", "Ann", atMs, 1)).toBe("Report (conflict, Ann, 2026-11-21 08.15) 2.docx");
    expect(conflictCopyName("Report.docx", "Ann", atMs, 11)).toBe("Report (conflict, Ann, 2026-11-21 08.15) 12.docx");
  });

  it("is another for each attempt, also when the stem is cut", () => {
    const names = Array.from({ length: 120 }, (_, attempt) => conflictCopyName("x".repeat(251), "Ann", atMs, attempt));
    expect(new Set(names).size).toBe(120);
    for (const name of names) expect(bytesOf(name)).toBeLessThanOrEqual(255);
  });

  it.each([
    ["no extension", "Makefile", "Makefile (conflict, Ann, 2026-11-21 08.15)"],
    ["a dot in front alone", ".profile", ".profile (conflict, Ann, 2026-11-21 08.15)"],
    ["a dot in front and an extension", ".notes.txt", ".notes (conflict, Ann, 2026-11-21 08.15).txt"],
    ["two extensions", "backup.tar.gz", "backup.tar (conflict, Ann, 2026-11-21 08.15).gz"],
    ["a dot at the end", "Report.", "Report (conflict, Ann, 2026-11-21 08.15)."],
    ["spaces and brackets", "a (1) .docx", "a (1)  (conflict, Ann, 2026-11-21 08.15).docx"],
  ])("can be made for a document with %s", (_name, fileName, copy) => {
    expect(conflictCopyName(fileName, "Ann", atMs, 0)).toBe(copy);
  });

  it.each([
    ["what names may not hold", 'A\\n/n:*?"<>|e', "A n n       e"],
    ["control characters", "An\u0000n\u0007\te\u0085x\u007f", "An n  e x"],
    ["nothing", "", "unknown"],
    ["nothing but spaces and slashes", " // ", "unknown"],
    ["more than forty characters", `${"n".repeat(39)} family`, "n".repeat(39)],
    ["emoji", "Ann 👩‍💻", "Ann 👩‍💻"],
  ])("can be made for a person whose name holds %s", (_name, person, shown) => {
    expect(conflictCopyName("a.docx", person, atMs, 0)).toBe(`a (conflict, ${shown}, 2026-11-21 08.15).docx`);
  });

  it("counts forty characters by code points and never half an emoji", () => {
    const name = conflictCopyName("a.docx", "😀".repeat(60), atMs, 0);
    expect(name).toBe(`a (conflict, ${"😀".repeat(40)}, 2026-11-21 08.15).docx`);
  });

  it.each([
    ["Chinese", "报".repeat(83)],
    ["emoji", "😀".repeat(62)],
    ["a mixture that does not come out even", `a${"报😀".repeat(35)}`],
  ])("has room for the words Cloudreve adds on its disk, the stem cut between two characters: %s", (_name, stem) => {
    const name = conflictCopyName(`${stem}.docx`, "Ann", atMs, 0);
    expect(bytesOf(name)).toBeLessThanOrEqual(230);
    expect(bytesOf(name)).toBeGreaterThan(230 - 4);
    expect(name).not.toMatch(halfACharacter);
    const kept = name.slice(0, name.indexOf(" (conflict"));
    expect(stem.startsWith(kept)).toBe(true);
    expect(name.endsWith(".docx")).toBe(true);
  });

  it("is not all extension when the name has its one dot at the beginning of a long text", () => {
    const name = conflictCopyName(`v1.${"x".repeat(250)}`, "Ann", atMs, 0);
    expect(bytesOf(name)).toBeLessThanOrEqual(255);
    expect(name).toMatch(/^v1\.x+ \(conflict, Ann, 2026-11-21 08\.15\)$/);
  });

  it("is one that Cloudreve takes, whatever the document and the person are called", () => {
    const legalName = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 255 })
      .filter((name) => bytesOf(name) <= 255 && !illegal.test(name));
    const anyPerson = fc.string({ unit: "grapheme", maxLength: 300 });
    fc.assert(
      fc.property(legalName, anyPerson, fc.nat(200), (fileName, person, attempt) => {
        const name = conflictCopyName(fileName, person, atMs, attempt);
        expect(bytesOf(name)).toBeLessThanOrEqual(255);
        expect(name).not.toMatch(illegal);
        expect(name).toContain(" (conflict, ");
        expect(name).not.toMatch(halfACharacter);
      }),
      randomRuns(100),
    );
  });
});

const placing: PlacingFacts = {
  grantId: "g1",
  document: { account: "alice", fileId: "f0" },
  personName: "Ann",
  editor: "https://office.example",
  fileName: "Report.docx",
  receivedAtMs: atMs,
};
const copyName = "Report (conflict, Ann, 2026-11-21 08.15).docx";

/** Report.docx in a folder of the drive, and whoever keeps copies beside it. */
function freshFolder() {
  const clock = setClock(atMs);
  const files: { file: DriveFile; text: string }[] = [];
  const fault: { next?: Failure } = {};
  let versions = 0;
  const store = (id: string, name: string, text: string): DriveFile => {
    const file: DriveFile = {
      id,
      name,
      uri: `cloudreve://my/${name}`,
      sizeBytes: bytesOf(text),
      version: `v${++versions}`,
      modifiedAt: "2026-11-21T08:15:00Z",
    };
    const at = files.findIndex((other) => other.file.id === id);
    files.splice(at < 0 ? files.length : at, at < 0 ? 0 : 1, { file, text });
    return file;
  };
  const found = (id: string) => {
    const standing = files.find(({ file }) => file.id === id);
    if (standing === undefined) throw new BridgeError({ kind: "fileMissing" });
    return standing;
  };
  const drive: Pick<Drive, "stat" | "read" | "write" | "createBeside" | "findBeside"> = {
    stat: async ({ fileId }) => found(fileId).file,
    read: async ({ fileId }) => {
      const { file, text } = found(fileId);
      const { sizeBytes, version } = file;
      return { body: Readable.from([Buffer.from(text)]), lengthBytes: sizeBytes, sizeBytes, version, range: undefined };
    },
    write: async ({ fileId }, { name }, bytes) => store(fileId, name, String(await buffer(bytes.open()))),
    createBeside: async (_document, _file, name, bytes) => {
      if (fault.next !== undefined) throw new BridgeError(fault.next);
      if (files.some(({ file }) => file.name === name)) throw new BridgeError({ kind: "nameTaken" });
      return store(`f${files.length}`, name, String(await buffer(bytes.open())));
    },
    findBeside: async (_document, _file, name) => files.find(({ file }) => file.name === name)?.file,
  };
  store("f0", "Report.docx", "what the drive has");
  const told: [PlacingFacts, SaveNews][] = [];
  const memory = openMemoryStore(clock.now);
  const lastCopies = new LastCopies(memory, clock.now);
  const tell = async (save: PlacingFacts, news: SaveNews) => {
    told.push([save, news]);
  };
  const copies = new ConflictCopies({
    content: new ContentRecord(memory),
    versionRecord: new VersionRecord(memory, clock.now),
    drive: drive as Drive,
    lastCopies,
    now: clock.now,
    tell,
  });
  const names = () => files.map(({ file }) => file.name);
  return { clock, files, fault, store, copies, names, news: () => told.map(([, news]) => news), told };
}

function saveOf(text: string, facts: PlacingFacts = placing): SpooledSave {
  return {
    id: "1",
    facts,
    sizeBytes: bytesOf(text),
    sha256: createHash("sha256").update(text).digest("base64"),
    open: () => Readable.from([Buffer.from(text)]),
    discard: async () => {},
    keep: async () => {},
    claim: () => true,
    release: async () => {},
    restated: () => Promise.reject(new TypeError("not asked for here")),
  };
}

describe("keeping a save beside the document", () => {
  it("makes a copy of it, leaves the document alone, and tells the copy's name", async () => {
    const { copies, files, names, told } = freshFolder();
    await copies.copyBeside(saveOf("Ann's work"), "changedInStorage");
    expect(names()).toEqual(["Report.docx", copyName]);
    expect(files.map(({ text }) => text)).toEqual(["what the drive has", "Ann's work"]);
    expect(told).toEqual([[placing, { is: "copied", copyName, copyId: "f1", why: "changedInStorage" }]]);
  });

  it("makes no second copy of the same bytes, and tells the name of the one that is there", async () => {
    const { clock, copies, names, news } = freshFolder();
    await copies.copyBeside(saveOf("Ann's work"), "changedInStorage");
    clock.advance(24 * 3_600_000);
    await copies.copyBeside(saveOf("Ann's work", { ...placing, receivedAtMs: clock.now() }), "changedInStorage");
    expect(names()).toEqual(["Report.docx", copyName]);
    expect(news()).toEqual([
      { is: "copied", copyName, copyId: "f1", why: "changedInStorage" },
      { is: "copied", copyName, copyId: "f1", why: "changedInStorage" },
    ]);
  });

  it("tells the name that the copy has now", async () => {
    const { copies, store, names, news } = freshFolder();
    await copies.copyBeside(saveOf("Ann's work"), "changedInStorage");
    store("f1", "Ann's own.docx", "Ann's work");
    await copies.copyBeside(saveOf("Ann's work"), "changedInStorage");
    expect(names()).toEqual(["Report.docx", "Ann's own.docx"]);
    expect(news().at(-1)).toEqual({ is: "copied", copyName: "Ann's own.docx", copyId: "f1", why: "changedInStorage" });
  });

  it("makes it anew when somebody has thrown the copy away or worked on in it", async () => {
    const { copies, files, store, names, news } = freshFolder();
    await copies.copyBeside(saveOf("Ann's work"), "changedInStorage");
    files.splice(1, 1);
    await copies.copyBeside(saveOf("Ann's work"), "changedInStorage");
    expect(names()).toEqual(["Report.docx", copyName]);
    store("f1", copyName, "something else since");
    await copies.copyBeside(saveOf("Ann's work"), "changedInStorage");
    const second = copyName.replace(".docx", " 2.docx");
    expect(names()).toEqual(["Report.docx", copyName, second]);
    expect(news().at(-1)).toEqual({ is: "copied", copyName: second, copyId: "f2", why: "changedInStorage" });
  });

  it("makes none of bytes that the document holds, and tells that they are saved", async () => {
    const { copies, names, news } = freshFolder();
    await copies.copyBeside(saveOf("what the drive has"), "changedInStorage");
    expect(names()).toEqual(["Report.docx"]);
    expect(news()).toEqual([{ is: "saved", version: "v1" }]);
  });

  it("finds another name when that is another content's, and tells it", async () => {
    const { copies, store, names, news } = freshFolder();
    store("f1", copyName, "Ann's work of before");
    await copies.copyBeside(saveOf("Ann's work"), "changedInStorage");
    const second = copyName.replace(".docx", " 2.docx");
    expect(names()).toEqual(["Report.docx", copyName, second]);
    expect(news()).toEqual([{ is: "copied", copyName: second, copyId: "f2", why: "changedInStorage" }]);
  });

  it.each(["", "Ann's work"])("completes what an earlier try has left, and tells its name: %j", async (left) => {
    const { copies, files, store, names, news } = freshFolder();
    store("f1", copyName, left);
    await copies.copyBeside(saveOf("Ann's work"), "changedInStorage");
    expect(names()).toEqual(["Report.docx", copyName]);
    expect(files[1]?.text).toBe("Ann's work");
    expect(news()).toEqual([{ is: "copied", copyName, copyId: "f1", why: "changedInStorage" }]);
  });

  it("is named after what the document is called today", async () => {
    const { copies, store, news } = freshFolder();
    store("f0", "Summary.docx", "what the drive has");
    await copies.copyBeside(saveOf("Ann's work"), "changedInStorage");
    expect(news()).toEqual([
      { is: "copied", copyName: copyName.replace("Report", "Summary"), copyId: "f1", why: "changedInStorage" },
    ]);
  });

  it.each([
    [{ kind: "driveUnreachable" }, "driveUnreachable"],
    [{ kind: "quotaExceeded" }, "quotaExceeded"],
    // Whoever took a conflict about the copy for one about the document would let go of the bytes.
    [{ kind: "lockedElsewhere", holder: "webdav" }, "driveBusy"],
    [{ kind: "changedInStorage" }, "driveBusy"],
  ] as const)("tells nothing when the drive refuses the copy: %j", async (next, kind) => {
    const { copies, fault, news } = freshFolder();
    fault.next = next;
    const reason = await copies.copyBeside(saveOf("Ann's work"), "changedInStorage").catch((error: unknown) => error);
    expect(failureOf(reason, kind)).toBeDefined();
    expect(news()).toEqual([]);
  });
});
