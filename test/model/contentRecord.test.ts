import { describe, expect, it } from "vitest";
import { ContentRecord } from "../../src/model/contentRecord.ts";
import type { DriveFile } from "../../src/model/drive.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { setClock } from "../support/clock.ts";

const file: DriveFile = {
  id: "f1",
  name: "Report.docx",
  uri: "cloudreve://my/Report.docx",
  sizeBytes: 10,
  version: "v1",
  modifiedAt: "2026-11-21T08:15:00Z",
};
const saved: DriveFile = { ...file, version: "v2", modifiedAt: "2026-11-21T08:20:00Z" };
const renamed = (of: DriveFile): DriveFile => ({ ...of, name: "New.docx", modifiedAt: "2026-11-21T09:00:00Z" });

function freshRecord() {
  const store = openMemoryStore(() => 0);
  return { store, content: new ContentRecord(store) };
}

describe("the time an editor is told", () => {
  it("is the drive's own for a version seen for the first time", async () => {
    const { content } = freshRecord();
    expect(await content.lastModifiedTime(file)).toBe(file.modifiedAt);
  });

  it("stays the same when a rename moves the drive's, since an editor takes another time for another content", async () => {
    const { content } = freshRecord();
    await content.lastModifiedTime(file);
    expect(await content.lastModifiedTime(renamed(file))).toBe(file.modifiedAt);
  });

  it("is the new one after a save, and stays that", async () => {
    const { content } = freshRecord();
    await content.lastModifiedTime(file);
    await content.stored(saved, "hash");
    expect(await content.lastModifiedTime(saved)).toBe(saved.modifiedAt);
    expect(await content.lastModifiedTime(renamed(saved))).toBe(saved.modifiedAt);
  });

  it("is the one that was told already when a question came between the drive's save and our note of it", async () => {
    const { content } = freshRecord();
    await content.lastModifiedTime(saved);
    await content.stored(renamed(saved), "hash");
    expect(await content.lastModifiedTime(renamed(saved))).toBe(saved.modifiedAt);
  });

  it("is not moved by a question that was asked before a save and answered after it", async () => {
    const { content } = freshRecord();
    await content.stored(saved, "hash");
    await content.lastModifiedTime(file);
    expect(await content.lastModifiedTime(renamed(saved))).toBe(saved.modifiedAt);
    expect(await content.sha256(saved)).toBe("hash");
  });

  it("is the same for two instances that are asked at the same time", async () => {
    const { store } = freshRecord();
    const times = await Promise.all([
      new ContentRecord(store).lastModifiedTime(file),
      new ContentRecord(store).lastModifiedTime(renamed(file)),
    ]);
    expect(times[0]).toBe(times[1]);
  });

  it("is kept per file", async () => {
    const { content } = freshRecord();
    await content.lastModifiedTime(file);
    expect(await content.lastModifiedTime({ ...renamed(file), id: "f2" })).toBe("2026-11-21T09:00:00Z");
  });

  it("takes no more room with each save", async () => {
    const { store, content } = freshRecord();
    for (let save = 0; save < 100; save++) await content.stored({ ...saved, version: `v${save}` }, "hash".repeat(11));
    for await (const [, value] of store.list("")) expect(value.length).toBeLessThan(1000);
    expect(await content.sha256({ ...saved, version: "v99" })).toBeDefined();
  });
});

describe("the hash of what is stored", () => {
  it("is known for what the bridge has saved", async () => {
    const { content } = freshRecord();
    await content.stored(saved, "hash");
    expect(await content.sha256(saved)).toBe("hash");
  });

  it("is known also when somebody asked for the time before the save was noted", async () => {
    const { content } = freshRecord();
    await content.lastModifiedTime(saved);
    await content.stored(saved, "hash");
    expect(await content.sha256(saved)).toBe("hash");
  });

  it("is not known for what came from elsewhere", async () => {
    const { content } = freshRecord();
    await content.stored(saved, "hash");
    expect(await content.sha256({ ...saved, version: "foreign" })).toBeUndefined();
    await content.lastModifiedTime(file);
    expect(await content.sha256(file)).toBeUndefined();
  });

  it("outlives a question about the time", async () => {
    const { content } = freshRecord();
    await content.stored(saved, "hash");
    await content.lastModifiedTime(saved);
    expect(await content.sha256(saved)).toBe("hash");
  });
});

describe("the base of an editor's copy", () => {
  const collabora = "https://collabora.example";

  it("is unknown until the editor has been given something", async () => {
    const { content } = freshRecord();
    expect(await content.base("f1", collabora)).toBeUndefined();
  });

  it("is what was handed out last", async () => {
    const { content } = freshRecord();
    await content.moveBase("f1", collabora, "v1");
    await content.moveBase("f1", collabora, "v2");
    await content.moveBase("f1", collabora, "v2");
    expect(await content.base("f1", collabora)).toBe("v2");
  });

  it("is each editor's own, and each file's", async () => {
    const { content } = freshRecord();
    await content.moveBase("f1", collabora, "v1");
    await content.moveBase("f1", "https://onlyoffice.example", "v2");
    await content.moveBase("f2", collabora, "v3");
    expect(await content.base("f1", collabora)).toBe("v1");
    expect(await content.base("f1", "https://onlyoffice.example")).toBe("v2");
  });

  it("is not moved by telling a time, which a joiner asks for after a foreign change", async () => {
    const { content } = freshRecord();
    await content.moveBase("f1", collabora, "v1");
    await content.lastModifiedTime(saved);
    expect(await content.base("f1", collabora)).toBe("v1");
  });

  it("survives with the store, for another instance", async () => {
    const { store, content } = freshRecord();
    await content.moveBase("f1", collabora, "v1");
    expect(await new ContentRecord(store).base("f1", collabora)).toBe("v1");
  });
});

describe("a conflict copy", () => {
  it("is remembered by file and content until its moment, so that the same content makes no second one", async () => {
    const clock = setClock(1000);
    const content = new ContentRecord(openMemoryStore(clock.now));
    expect(await content.hasCopy("f1", "hash")).toBe(false);
    await content.copied("f1", "hash", 2000);
    expect(await content.hasCopy("f1", "hash")).toBe(true);
    expect(await content.hasCopy("f1", "other")).toBe(false);
    expect(await content.hasCopy("f2", "hash")).toBe(false);
    clock.advance(1000);
    expect(await content.hasCopy("f1", "hash")).toBe(false);
  });
});

describe("a save whose answer was lost", () => {
  const attempt = { editor: "https://collabora.example", onVersion: "v1", sizeBytes: 10, sha256: "hash" };

  it("is remembered per file, also by another instance, until its moment", async () => {
    const clock = setClock(1000);
    const store = openMemoryStore(clock.now);
    await new ContentRecord(store).noteAttempt("f1", attempt, 2000);
    const content = new ContentRecord(store);
    expect(await content.attempt("f1")).toEqual(attempt);
    expect(await content.attempt("f2")).toBeUndefined();
    clock.advance(1000);
    expect(await content.attempt("f1")).toBeUndefined();
  });

  it("can be forgotten, also when there is none", async () => {
    const { content } = freshRecord();
    await content.noteAttempt("f1", attempt, 2000);
    await content.forgetAttempt("f1");
    await content.forgetAttempt("f1");
    expect(await content.attempt("f1")).toBeUndefined();
  });
});
