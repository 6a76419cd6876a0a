import { describe, expect, it } from "vitest";
import { ContentRecord, type EditorLoad, loadBehindSave } from "../../src/documents/contentRecord.ts";
import type { DriveFile } from "../../src/model/drive.ts";
import { put } from "../../src/model/keyValueStore.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";

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
/** The time that editors are told for it. */
const toldFor = ({ modifiedAt }: DriveFile): string => modifiedAt.replace("Z", ".0000000Z");

function freshRecord() {
  const store = openMemoryStore(() => 0);
  return { store, content: new ContentRecord(store) };
}

describe("the time an editor is told", () => {
  it("is the drive's own for a version seen for the first time", async () => {
    const { content } = freshRecord();
    expect(await content.lastModifiedTime(file)).toBe(toldFor(file));
  });

  it("stays the same when a rename moves the drive's, since an editor takes another time for another content", async () => {
    const { content } = freshRecord();
    await content.lastModifiedTime(file);
    expect(await content.lastModifiedTime(renamed(file))).toBe(toldFor(file));
  });

  it("is the new one after a save, and stays that", async () => {
    const { content } = freshRecord();
    await content.lastModifiedTime(file);
    await content.stored(saved, "hash");
    expect(await content.lastModifiedTime(saved)).toBe(toldFor(saved));
    expect(await content.lastModifiedTime(renamed(saved))).toBe(toldFor(saved));
  });

  it("is the one that was told already when a question came between the drive's save and our note of it", async () => {
    const { content } = freshRecord();
    await content.lastModifiedTime(saved);
    await content.stored(renamed(saved), "hash");
    expect(await content.lastModifiedTime(renamed(saved))).toBe(toldFor(saved));
  });

  it("is not moved by a question that was asked before a save and answered after it", async () => {
    const { content } = freshRecord();
    await content.stored(saved, "hash");
    await content.lastModifiedTime(file);
    expect(await content.lastModifiedTime(renamed(saved))).toBe(toldFor(saved));
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

  it("stays as an earlier bridge told it, without a fraction, for editors that still have it open", async () => {
    const { store, content } = freshRecord();
    await put(store, "versions:f1", JSON.stringify([{ version: "v1", lastModifiedTime: "2026-11-21T08:15:00Z" }]));
    expect(await content.lastModifiedTime(file)).toBe("2026-11-21T08:15:00Z");
    expect(await content.lastModifiedTime(saved)).toBe("2026-11-21T08:20:00.0000000Z");
  });

  it("is kept per file", async () => {
    const { content } = freshRecord();
    await content.lastModifiedTime(file);
    expect(await content.lastModifiedTime({ ...renamed(file), id: "f2" })).toBe("2026-11-21T09:00:00.0000000Z");
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

const told = "2026-11-21T08:15:00Z";

describe("the copy in an editor's hands", () => {
  const collabora = "https://collabora.example";
  const onlyOffice = "https://onlyoffice.example";
  const baseOf = async (content: ContentRecord, fileId: string, editor: string) =>
    (await content.arrived(fileId, editor, undefined)).baseVersion;

  it("stands on nothing known until the editor has been given something", async () => {
    const { content } = freshRecord();
    expect(await baseOf(content, "f1", collabora)).toBeUndefined();
  });

  it("stands on what was handed out last", async () => {
    const { content } = freshRecord();
    await content.loaded("f1", collabora, "v1", told);
    await content.loaded("f1", collabora, "v2", told);
    expect(await baseOf(content, "f1", collabora)).toBe("v2");
  });

  it("is each editor's own, and each file's", async () => {
    const { content } = freshRecord();
    await content.loaded("f1", collabora, "v1", told);
    await content.loaded("f1", onlyOffice, "v2", told);
    await content.loaded("f2", collabora, "v3", told);
    expect(await baseOf(content, "f1", collabora)).toBe("v1");
    expect(await baseOf(content, "f1", onlyOffice)).toBe("v2");
  });

  it("is not moved by telling a time, which a joiner asks for after a foreign change", async () => {
    const { content } = freshRecord();
    await content.loaded("f1", collabora, "v1", told);
    await content.lastModifiedTime(saved);
    expect(await baseOf(content, "f1", collabora)).toBe("v1");
  });

  it("survives with the store, for another instance", async () => {
    const { store, content } = freshRecord();
    await content.loaded("f1", collabora, "v1", told);
    expect(await baseOf(new ContentRecord(store), "f1", collabora)).toBe("v1");
  });

  it("is the same one from save to save, and another with each loading, of the same version too", async () => {
    const { content } = freshRecord();
    await content.loaded("f1", collabora, "v1", told);
    const first = await content.arrived("f1", collabora, undefined);
    const second = await content.arrived("f1", collabora, undefined);
    await content.loaded("f1", collabora, "v1", told);
    const third = await content.arrived("f1", collabora, undefined);
    expect(second.loadId).toBe(first.loadId);
    expect(third.loadId).not.toBe(first.loadId);
    expect([first.order, second.order, third.order]).toEqual([1, 2, 3]);
  });

  it("is moved by its own save, and not by one of the copy that was in hand before", async () => {
    const { content } = freshRecord();
    await content.loaded("f1", collabora, "v1", told);
    const before = await content.arrived("f1", collabora, undefined);
    await content.loaded("f1", collabora, "v1", told);
    const after = await content.arrived("f1", collabora, undefined);
    await content.accepted("f1", collabora, before, "v2", told);
    expect(await baseOf(content, "f1", collabora)).toBe("v1");
    expect((await content.findLoad("f1", collabora, before.loadId))?.version).toBe("v2");
    await content.accepted("f1", collabora, after, "v3", told);
    expect(await baseOf(content, "f1", collabora)).toBe("v3");
  });

  it("remembers what was sent of it until a save is known to have got through", async () => {
    const { content } = freshRecord();
    await content.loaded("f1", collabora, "v1", told);
    const baseline = await content.arrived("f1", collabora, undefined);
    for (const hash of ["one", "two", "one"]) await content.sending("f1", collabora, baseline.loadId, hash);
    expect((await content.findLoad("f1", collabora, baseline.loadId))?.unheard).toEqual(["one", "two"]);
    await content.accepted("f1", collabora, baseline, "v2", told);
    expect(await content.findLoad("f1", collabora, baseline.loadId)).toMatchObject({
      unheard: [],
      placedOrder: baseline.order,
    });
  });

  it("is known by the order of its saves, whichever goes in first", async () => {
    const { content } = freshRecord();
    const early = await content.arrived("f1", collabora, undefined);
    const late = await content.arrived("f1", collabora, undefined);
    await content.accepted("f1", collabora, late, "v2", told);
    await content.accepted("f1", collabora, early, "v3", told);
    expect((await content.findLoad("f1", collabora, early.loadId))?.placedOrder).toBe(late.order);
  });

  it("of before the store was lost is remembered anew with its next save", async () => {
    const { content } = freshRecord();
    const baseline = { loadId: "of before", order: 7, baseVersion: "v1" };
    expect(await content.findLoad("f1", collabora, baseline.loadId)).toBeUndefined();
    await content.accepted("f1", collabora, baseline, "v2", told);
    expect(await baseOf(content, "f1", collabora)).toBe("v2");
  });

  it("knows after ten loadings what went in of the copy before, so that an old kept save is known as superseded", async () => {
    const { content } = freshRecord();
    await content.loaded("f1", collabora, "v1", told);
    const kept = await content.arrived("f1", collabora, undefined);
    const again = await content.arrived("f1", collabora, undefined);
    await content.accepted("f1", collabora, again, "v2", told);
    for (let round = 0; round < 10; round++) await content.loaded("f1", collabora, "v2", told);
    expect(await content.findLoad("f1", collabora, kept.loadId)).toMatchObject({
      version: "v2",
      placedOrder: again.order,
    });
  });

  it("takes no more room with each loading", async () => {
    const { store, content } = freshRecord();
    for (let round = 0; round < 50; round++) {
      await content.loaded("f1", collabora, `v${round}`, told);
      const { loadId } = await content.arrived("f1", collabora, undefined);
      for (let save = 0; save < 20; save++) await content.sending("f1", collabora, loadId, `${save}`.repeat(44));
    }
    for await (const [, value] of store.list("copies:")) expect(value.length).toBeLessThan(5000);
    expect(await baseOf(content, "f1", collabora)).toBe("v49");
  });
});

describe("which copy a save is of", () => {
  const copy = (id: string, ...toldTimes: string[]): EditorLoad => ({ id, unheard: [], placedOrder: 0, toldTimes });
  const eight = "2026-11-21T08:00:00Z";
  const nine = "2026-11-21T09:00:00Z";
  const ten = "2026-11-21T10:00:00Z";
  const copies = [copy("loaded at ten", ten), copy("saved at nine", nine, eight)];

  it.each<[string, string | undefined, string | undefined]>([
    ["is the one loaded last when the editor tells no time", undefined, "loaded at ten"],
    ["is the one loaded last when the editor was never told a time", "1970-01-01T00:00:00.000000Z", "loaded at ten"],
    ["is the one loaded last when the time is garbage", "yesterday", "loaded at ten"],
    ["is the one that was told this time", ten, "loaded at ten"],
    ["is an older one, whatever somebody else has loaded since", nine, "saved at nine"],
    ["is the one whose last answers were lost", eight, "saved at nine"],
    ["goes by the second, whatever fraction the editor makes of it", "2026-11-21T09:00:00.000000Z", "saved at nine"],
    ["goes by the moment, not by the zone", "2026-11-21T11:00:00+02:00", "saved at nine"],
    ["is none of those known when none was told this time", "2026-11-21T09:30:00Z", undefined],
  ])("%s", (_what, timestamp, expected) => {
    expect(loadBehindSave(copies, timestamp, "")?.id).toBe(expected);
  });

  it("is not one that was saved under another lock since, when its last answer was not lost but another's", () => {
    const saved = { ...copy("saved at nine under A", nine, eight), placedUnder: "A" };
    expect(loadBehindSave([saved], eight, "A")?.id).toBe("saved at nine under A");
    expect(loadBehindSave([saved], eight, "B")).toBeUndefined();
    expect(loadBehindSave([saved], nine, "B")?.id).toBe("saved at nine under A");
  });

  it("may be one that was noted before times were", () => {
    const old: EditorLoad = { id: "old", unheard: [], placedOrder: 0 };
    expect(loadBehindSave([copies[0] as EditorLoad, old], nine, "")?.id).toBe("old");
  });
});

describe("a time that no copy was told", () => {
  it("leaves the base unknown, so that the time decides", async () => {
    const { content } = freshRecord();
    await content.loaded("f1", "e", "v2", "2026-11-21T10:00:00Z");
    expect(await content.arrived("f1", "e", "2026-11-21T09:00:00Z")).not.toHaveProperty("baseVersion");
  });

  it("does not become the copy in the editor's hands", async () => {
    const { content } = freshRecord();
    await content.loaded("f1", "e", "v2", "2026-11-21T10:00:00Z");
    await content.arrived("f1", "e", "2026-11-21T09:00:00Z");
    expect((await content.arrived("f1", "e", undefined)).baseVersion).toBe("v2");
  });

  it("is known from the next save on, once that one went in", async () => {
    const { content } = freshRecord();
    const baseline = await content.arrived("f1", "e", "2026-11-21T09:00:00Z");
    await content.accepted("f1", "e", baseline, "v3", "2026-11-21T11:00:00Z");
    expect(await content.arrived("f1", "e", "2026-11-21T11:00:00Z")).toMatchObject({
      loadId: baseline.loadId,
      baseVersion: "v3",
    });
  });
});
