import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { expect, it } from "vitest";
import type { Drive, DriveAccount, DriveOrder } from "../../src/model/drive.ts";
import type { DriveAccountClient } from "../support/driveAccount.ts";

interface FolderStage {
  readonly drive: Drive;
  readonly account: DriveAccount;
  /** Somebody at the drive who knows nothing of the bridge. */
  readonly outside: DriveAccountClient;
  /** A folder for the tests, which has a file in it. */
  readonly path: string;
}

/** What the bridge takes for granted of a drive's folders, whichever server is behind it. */
export function foldersContract(
  stage: () => Promise<FolderStage>,
  failureOf: (work: Promise<unknown>) => Promise<unknown>,
): void {
  const inFolder = async () => {
    const { drive, account, outside, path } = await stage();
    const name = account.account;
    const folder = await drive.folder(name, { uri: `cloudreve://my/${path}` });
    const names = async () => (await drive.list(name, folder.uri)).entries.map((entry) => entry.name);
    return { drive, name, outside, path, folder, names };
  };

  it("reaches a folder by its address and by its id", async () => {
    const { drive, name, path, folder } = await inFolder();
    expect(folder.name).toBe(path);
    expect(await drive.folder(name, { folderId: folder.id })).toEqual(folder);
  });

  it("reaches the root by its address and by its id, and tells no name for it", async () => {
    const { drive, name } = await inFolder();
    const root = await drive.folder(name, { uri: "cloudreve://my" });
    expect(root).toEqual({ id: expect.stringMatching(/^\w+$/), name: "", uri: "cloudreve://my" });
    expect(await drive.folder(name, { folderId: root.id })).toEqual(root);
  });

  it("says that a folder is not there: of a file, of an unknown id, and of somebody else's address", async () => {
    const { drive, name, folder } = await inFolder();
    const file = await drive.createIn(name, folder, "file", "no folder.docx");
    for (const target of [
      { folderId: file.id },
      { folderId: "zzzzzz" },
      { uri: file.uri },
      { uri: `${folder.uri}/nowhere` },
      { uri: "cloudreve://abc@share/x" },
    ]) {
      expect(await failureOf(drive.folder(name, target)), JSON.stringify(target)).toEqual({ kind: "fileMissing" });
    }
  });

  it("names the folders above, from the root to the parent", async () => {
    const { drive, name, folder } = await inFolder();
    const within = await drive.createIn(name, folder, "folder", "100 % & more");
    const above = await drive.foldersAbove(name, `${within.uri}/any.docx`);
    expect(above.map(({ name }) => name)).toEqual(["", folder.name, "100 % & more"]);
    expect(above.at(-1)?.id).toBe(within.id);
    expect(await drive.foldersAbove(name, "cloudreve://my")).toEqual([]);
  });

  it("creates an empty file and an empty folder, and overwrites neither", async () => {
    const { drive, name, folder } = await inFolder();
    const file = await drive.createIn(name, folder, "file", "Büro #1.docx");
    expect(file).toMatchObject({ kind: "file", name: "Büro #1.docx", sizeBytes: 0 });
    const within = await drive.createIn(name, folder, "folder", "Drafts");
    expect(within).toMatchObject({ kind: "folder", name: "Drafts", uri: `${folder.uri}/Drafts` });
    for (const kind of ["file", "folder"] as const) {
      expect(await failureOf(drive.createIn(name, folder, kind, "Drafts"))).toEqual({ kind: "nameTaken" });
      expect(await failureOf(drive.createIn(name, folder, kind, "Büro #1.docx"))).toEqual({ kind: "nameTaken" });
    }
  });

  it("leaves nothing behind in the place of a folder that somebody has moved away", async () => {
    const { drive, name, outside, path, folder, names } = await inFolder();
    const within = await drive.folder(name, { uri: (await drive.createIn(name, folder, "folder", "Moves")).uri });
    expect(await outside.rename(`${path}/Moves`, "Moved")).toBe(0);
    expect(await failureOf(drive.createIn(name, within, "file", "late.docx"))).toEqual({ kind: "fileUnproven" });
    const moved = await drive.folder(name, { folderId: within.id });
    expect(moved.uri).toBe(`${folder.uri}/Moved`);
    expect((await drive.list(name, moved.uri)).entries).toEqual([]);
    expect(await names()).not.toContain("Moves");
  });

  it("renames a folder, which keeps its id and what is in it", async () => {
    const { drive, name, folder } = await inFolder();
    const made = await drive.createIn(name, folder, "folder", "Before");
    const before = await drive.folder(name, { folderId: made.id });
    await drive.createIn(name, before, "file", "inside.docx");
    const after = await drive.renameFolder(name, before, "After");
    expect(after).toEqual({ id: before.id, name: "After", uri: `${folder.uri}/After` });
    expect((await drive.list(name, after.uri)).entries.map((entry) => entry.name)).toEqual(["inside.docx"]);
    expect(await failureOf(drive.renameFolder(name, after, "Drafts"))).toEqual({ kind: "nameTaken" });
    for (const illegal of [".", "..", "a/b"]) {
      expect(await failureOf(drive.renameFolder(name, after, illegal)), illegal).toMatchObject({ kind: "nameIllegal" });
    }
    expect(await drive.folder(name, { folderId: before.id })).toEqual(after);
  });

  it("removes an empty folder only", async () => {
    const { drive, name, folder, names } = await inFolder();
    const made = await drive.createIn(name, folder, "folder", "Soon gone");
    const soon = await drive.folder(name, { folderId: made.id });
    const file = await drive.createIn(name, soon, "file", "inside.docx");
    expect(await failureOf(drive.removeFolder(name, soon))).toEqual({ kind: "folderNotEmpty" });
    await drive.remove({ account: name, fileId: file.id }, await drive.find(name, { fileId: file.id }));
    await drive.removeFolder(name, soon);
    expect(await names()).not.toContain("Soon gone");
    expect(await failureOf(drive.folder(name, { folderId: soon.id }))).toEqual({ kind: "fileMissing" });
  });

  it("moves a full folder to the trash with all that is in it, and back, but not while something there is locked", async () => {
    const { drive, name, folder, outside, path, names } = await inFolder();
    const { account } = await stage();
    await outside.put(`${path}/Full/below/deep.docx`, "deep");
    const full = await drive.folder(name, { uri: `${folder.uri}/Full` });
    const deep = { uri: `${full.uri}/below/deep.docx` };
    const { document } = await drive.open(account, { target: deep, action: "edit" });
    const token = randomBytes(16).toString("hex");
    await drive.lock(document, token);
    const remove = () => drive.removeFolder(name, full, { evenFull: true });
    expect(await failureOf(remove())).toMatchObject({ kind: "lockedElsewhere" });
    expect((await drive.find(name, deep)).id).toBe(document.fileId);
    await drive.unlock(document, token);
    await remove();
    expect(await names()).not.toContain("Full");
    expect(await failureOf(drive.find(name, { fileId: document.fileId }))).toEqual({ kind: "fileMissing" });
    expect(await drive.findInTrash(name, full.id)).toMatchObject({ kind: "folder", name: "Full" });
    await drive.restore(name, full.id);
    expect(await outside.read(`${path}/Full/below/deep.docx`)).toBe("deep");
    expect((await drive.find(name, deep)).id).toBe(document.fileId);
  });

  it("creates a file from what arrives piece by piece, under a name that is free", async () => {
    const { drive, name, outside, path, folder } = await inFolder();
    const pieces = ["first, ", "second, ", "third"].map((text) => Buffer.from(text));
    const made = await drive.createFrom(name, folder, "from pieces.docx", {
      sizeBytes: 20,
      body: Readable.from(pieces),
    });
    expect(made).toMatchObject({ name: "from pieces.docx", sizeBytes: 20 });
    expect(await outside.read(`${path}/from pieces.docx`)).toBe("first, second, third");
    const again = { sizeBytes: 3, body: Readable.from([Buffer.from("new")]) };
    expect(await failureOf(drive.createFrom(name, folder, "from pieces.docx", again))).toEqual({ kind: "nameTaken" });
    expect(await outside.read(`${path}/from pieces.docx`)).toBe("first, second, third");
    expect(await drive.createFrom(name, folder, "empty.docx", { sizeBytes: 0, body: Readable.from([]) })).toMatchObject(
      {
        name: "empty.docx",
        sizeBytes: 0,
      },
    );
  });

  it("leaves nothing of a file whose content was cut off, and the name is free again", async () => {
    const { drive, name, folder, names } = await inFolder();
    const half = new Readable({ read() {} });
    half.push(Buffer.alloc(1000));
    setTimeout(() => half.destroy(new Error("the line broke")), 20);
    const cut = { sizeBytes: 2000, body: half };
    expect(await failureOf(drive.createFrom(name, folder, "cut.docx", cut))).toEqual({ kind: "bodyCut" });
    const short = { sizeBytes: 2000, body: Readable.from([Buffer.alloc(1000)]) };
    expect(await failureOf(drive.createFrom(name, folder, "cut.docx", short))).toEqual({ kind: "bodyCut" });
    expect(await names()).not.toContain("cut.docx");
    const whole = { sizeBytes: 5, body: Readable.from([Buffer.from("whole")]) };
    expect((await drive.createFrom(name, folder, "cut.docx", whole)).sizeBytes).toBe(5);
  });

  it("lists a folder by name, time and size, both ways", async () => {
    const { drive, name, outside, path, folder } = await inFolder();
    const within = await drive.createIn(name, folder, "folder", "sorted");
    for (const [file, size] of [
      ["b.docx", 2],
      ["C.docx", 1],
      ["a 10.docx", 3],
      ["a 9.docx", 4],
    ] as const) {
      await outside.put(`${path}/sorted/${file}`, "x".repeat(size));
    }
    const listed = async (by: DriveOrder["by"], direction: DriveOrder["direction"]) =>
      (await drive.list(name, within.uri, undefined, { by, direction })).entries.map((entry) => entry.name[0] ?? "");
    expect((await listed("name", "asc")).join("")).toBe("aabC");
    expect((await listed("name", "desc")).join("")).toBe("Cbaa");
    expect((await listed("size", "asc")).join("")).toBe("Cbaa");
    expect((await listed("size", "desc")).join("")).toBe("aabC");
    expect((await listed("modifiedAt", "asc")).join("")).toBe("bCaa");
    expect((await listed("modifiedAt", "desc")).join("")).toBe("aaCb");
  });

  it("finds documents by a part of their names, wherever they lie", async () => {
    const { drive, name, outside, path } = await inFolder();
    const word = `q${randomBytes(5).toString("hex")}`;
    await outside.put(`${path}/found/deep/100 % & ${word}?`.replace("?", "+.docx"), "x");
    await outside.put(`${path}/${word.toUpperCase()} two.docx`, "x");
    const found: string[] = [];
    for (let next: string | undefined, more = true; more; more = next !== undefined) {
      const page = await drive.search(name, word, next);
      found.push(...page.entries.map((entry) => entry.name));
      next = page.next;
    }
    expect(found.sort()).toEqual([`100 % & ${word}+.docx`, `${word.toUpperCase()} two.docx`]);
    expect((await drive.search(name, `% & ${word}+`)).entries.map((entry) => entry.name)).toEqual([found[0]]);
    expect((await drive.search(name, `${word}nothing`)).entries).toEqual([]);
  });

  it("takes a file out of the trash, unless its name is taken or it is not there", async () => {
    const { drive, name, outside, path, folder } = await inFolder();
    const { id } = await drive.createFrom(name, folder, "back.docx", {
      sizeBytes: 4,
      body: Readable.from([Buffer.from("back")]),
    });
    const remove = async () => drive.remove({ account: name, fileId: id }, await drive.find(name, { fileId: id }));
    expect(await failureOf(drive.findInTrash(name, id))).toEqual({ kind: "fileMissing" });
    await remove();
    expect(await drive.findInTrash(name, id)).toMatchObject({ id, name: "back.docx" });
    expect(await drive.restore(name, id)).toMatchObject({ id, uri: `${folder.uri}/back.docx` });
    expect(await outside.read(`${path}/back.docx`)).toBe("back");
    await remove();
    await outside.put(`${path}/back.docx`, "another");
    expect(await failureOf(drive.restore(name, id))).toEqual({ kind: "nameTaken" });
    expect(await outside.read(`${path}/back.docx`)).toBe("another");
    expect(await failureOf(drive.restore(name, "zzzzzz"))).toEqual({ kind: "fileMissing" });
  });
}
