import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperationsStage } from "../support/operationsStage.ts";
import { expectRefusal, operationsEditor, type SavingEditor } from "../support/savingEditor.ts";
import { collabora, type WopiClient } from "../support/wopiClient.ts";

const minuteMs = 60_000;

/** How an editor tells the time it knows. */
const spellings: readonly (readonly [string, (timestamp: string) => Record<string, string>])[] = [
  ["Collabora", (timestamp) => collabora({ timestamp })],
  ["ONLYOFFICE", (timestamp) => ({ "X-LOOL-WOPI-Timestamp": timestamp })],
];

const viewer = (id: string, path: string) => {
  const address = `http://editor.example${path}?`;
  return {
    id,
    type: "wopi" as const,
    display_name: id,
    exts: ["docx"],
    wopi_actions: { docx: { view: address, edit: address } },
  };
};

describe("what an editor's save stands on, after somebody has changed the document in the drive", () => {
  let editor: SavingEditor<OperationsStage>;
  beforeAll(async () => {
    editor = await operationsEditor({
      drive: {
        viewers: [viewer("collabora", "/browser/1/cool.html"), viewer("onlyoffice", "/hosting/wopi/word/edit")],
      },
    });
  });
  afterAll(() => editor.close());

  /** An editor holds "before" under lock A; the drive has forgotten the lock and holds "theirs" by now. */
  const openBehind = async () => {
    const opened = await editor.openAndLock("A");
    editor.bridge.drive.forgetLocks();
    editor.bridge.clock.advance(minuteMs);
    expect(await editor.bridge.alice.put(opened.path, "theirs")).toBe(0);
    // Until its next refresh the lock is believed to stand, and others are shown what stood under it.
    expect((await opened.client.lock("A")).status).toBe(200);
    return opened;
  };
  const load = async (client: WopiClient): Promise<void> => {
    await client.check();
    expect((await client.get()).text).toBe("theirs");
  };
  const refusedForChange = async (path: string, answer: ReturnType<WopiClient["put"]>): Promise<void> => {
    expectRefusal(await answer, "A", "change");
    expect(await editor.bridge.alice.read(path)).toBe("theirs");
  };

  it("is not moved by a viewer who loads the new content, when the editor tells no time", async () => {
    const { client, path } = await openBehind();
    await load(await editor.bridge.open(path, { action: "view" }));
    await refusedForChange(path, client.put("mine", "A"));
  });

  it.each(spellings)("is not moved by a viewer, a second editor or a guest with curl: %s", async (_suite, headers) => {
    const { client, path, timestamp } = await openBehind();
    await load(await editor.bridge.open(path, { action: "view" }));
    await load(await editor.bridge.open(path));
    for (let loads = 0; loads < 20; loads++) await load(await editor.bridge.open(path));
    await refusedForChange(path, client.put("mine", "A", headers(timestamp)));
  });

  it.each(spellings)("is not what a second editor of the same address has saved since: %s", async (_suite, headers) => {
    const { client, path, timestamp } = await editor.openAndLock("A");
    const second = await editor.bridge.open(path);
    await second.check();
    expect((await second.get()).text).toBe("before");
    editor.bridge.clock.advance(minuteMs);
    expect((await client.put("the first editor's", "A", headers(timestamp))).status).toBe(200);
    await client.unlock("A");
    expect((await second.lock("B")).status).toBe(200);
    expectRefusal(await second.put("the second editor's", "B", headers(timestamp)), "B", "change");
    expect(await editor.bridge.alice.read(path)).toBe("the first editor's");
  });

  it("is not moved by another suite behind the same address", async () => {
    const { client, path } = await openBehind();
    await load(await editor.bridge.open(path, { viewer_id: "onlyoffice" }));
    await refusedForChange(path, client.put("mine", "A"));
  });

  it.each(spellings)("is not moved by refused saves that tell made-up times: %s", async (_suite, headers) => {
    const { client, path, timestamp } = await openBehind();
    for (let minute = 10; minute < 40; minute++) {
      await client.put("made up", "A", headers(`2026-01-01T00:${minute}:00Z`));
    }
    await refusedForChange(path, client.put("mine", "A", headers(timestamp)));
  });

  it("is the new content for whoever has loaded that", async () => {
    const { path } = await openBehind();
    const second = await editor.bridge.open(path);
    const timestamp = String((await second.check()).json()["LastModifiedTime"]);
    await load(second);
    expect((await second.put("on theirs", "A", collabora({ timestamp }))).status).toBe(200);
    expect(await editor.bridge.alice.read(path)).toBe("on theirs");
  });
});

describe("what an editor's save stands on, when nobody else has changed anything", () => {
  let editor: SavingEditor<OperationsStage>;
  beforeAll(async () => {
    editor = await operationsEditor();
  });
  afterAll(() => editor.close());

  it.each(spellings)("is its own last save, also when the answers of some were lost: %s", async (_suite, headers) => {
    const { client, path, timestamp } = await editor.openAndLock("A");
    for (let save = 0; save < 5; save++) {
      editor.bridge.clock.advance(minuteMs);
      // The editor never hears the new time, and goes on telling the old one.
      expect((await client.put(`save ${save}`, "A", headers(timestamp))).status).toBe(200);
    }
    expect(await editor.bridge.alice.read(path)).toBe("save 4");
  });

  it.each(spellings)("is what it has, when others load the document between its saves: %s", async (_suite, headers) => {
    const { client, path, timestamp } = await editor.openAndLock("A");
    let known = timestamp;
    for (let save = 0; save < 3; save++) {
      const other = await editor.bridge.open(path, save === 1 ? { action: "view" } : {});
      await other.check();
      await other.get();
      editor.bridge.clock.advance(minuteMs);
      const answer = await client.put(`save ${save}`, "A", headers(known));
      expect(answer.status).toBe(200);
      known = String(answer.json()["LastModifiedTime"]);
    }
    expect(await editor.bridge.alice.read(path)).toBe("save 2");
  });

  it.each(spellings)("is what a reader had loaded before the first writer came: %s", async (_suite, headers) => {
    const { path } = await editor.openNew();
    const reader = await editor.bridge.open(path, { action: "view" });
    const timestamp = String((await reader.check()).json()["LastModifiedTime"]);
    await reader.get();
    const writer = await editor.bridge.open(path);
    await writer.check();
    expect((await writer.put("mine", "never locked", headers(timestamp))).status).toBe(200);
    expect(await editor.bridge.alice.read(path)).toBe("mine");
  });

  it("is what a reader had loaded, a week after an earlier session of the same editor", async () => {
    const { client, path, timestamp } = await editor.openAndLock("A");
    expect((await client.put("last week", "A", collabora({ timestamp }))).status).toBe(200);
    await client.unlock("A");
    editor.bridge.clock.advance(60 * minuteMs);
    expect(await editor.bridge.alice.put(path, "this week")).toBe(0);
    const reader = await editor.bridge.open(path, { action: "view" });
    const known = String((await reader.check()).json()["LastModifiedTime"]);
    await reader.get();
    const writer = await editor.bridge.open(path);
    expect((await writer.put("mine", "never locked", collabora({ timestamp: known }))).status).toBe(200);
  });
});
