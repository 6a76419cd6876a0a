import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type SavingEditor, savingEditor } from "../support/savingEditor.ts";
import { editorUrl } from "../support/testBridge.ts";
import type { WopiClient } from "../support/wopiClient.ts";
import { refusedSavesFrom, suites } from "./refusedSaves.ts";

const minuteMs = 60_000;
let editor: SavingEditor;

refusedSavesFrom(["onlyoffice"]);

describe("an ONLYOFFICE that sends exit saves without end", () => {
  const exit = { "X-LOOL-WOPI-IsExitSave": "true" };

  beforeAll(async () => {
    const actions = { edit: editorUrl + suites.onlyoffice, view: editorUrl + suites.onlyoffice };
    editor = await savingEditor({
      store: "file",
      drive: {
        viewers: [{ id: "o", type: "wopi", display_name: "o", exts: ["docx"], wopi_actions: { docx: actions } }],
      },
    });
  });
  afterAll(() => editor.close());

  const toldTo = async (client: WopiClient) => (await client.check()).json()["Version"];

  it("is told another Version after each that is not in the document, the same one by all bridges", async () => {
    const { client, path } = await editor.openAndLock("A");
    const seen = new Set([await toldTo(client)]);
    for (const text of ["one", "two", "three"]) {
      expect((await client.put(text, "B", exit)).status).toBe(200);
      seen.add(await toldTo(client));
    }
    expect(seen.size).toBe(4);
    const before = await toldTo(client);
    await editor.bridge.restart();
    expect(await toldTo(client)).toBe(before);
    const { version, told } = { version: (await client.put("four", "A")).header("x-wopi-itemversion"), told: before };
    expect(version).not.toBe(told);
    expect(version).toBe((await editor.bridge.alice.info(path)).primary_entity);
  });

  it("goes on saving into the document afterwards", async () => {
    const { client, path, timestamp } = await editor.openAndLock("A");
    expect((await client.put("aside", "B", exit)).status).toBe(200);
    const again = { ...exit, "X-LOOL-WOPI-Timestamp": timestamp };
    expect((await client.put("into it", "A", again)).status).toBe(200);
    expect(await editor.bridge.alice.read(path)).toBe("into it");
  });

  it("with an ended token writes nothing, leaves one copy, and can't move the Version for ever", async () => {
    const { client, path, folder } = await editor.openAndLock("A");
    const other = await editor.bridge.open(path);
    await editor.bridge.endSession(client.session.id);
    const told = new Set<unknown>();
    for (let round = 0; round < 60; round++) {
      await client.put(`round ${round}`, "A", exit);
      told.add(await toldTo(other));
    }
    expect(told.size).toBeLessThanOrEqual(21);
    expect(await editor.bridge.alice.read(path)).toBe("before");
    expect((await editor.bridge.alice.list(folder)).length).toBe(2);
    editor.bridge.clock.advance(5 * minuteMs);
    const before = await readdir(editor.bridge.spoolDir);
    for (const text of ["late", "later"]) expect((await client.put(text, "A", exit)).status).toBe(401);
    expect((await editor.bridge.alice.list(folder)).length).toBe(2);
    expect(await readdir(editor.bridge.spoolDir)).toEqual(before);
  });

  it("with a token of another file, or a forged one, moves nothing", async () => {
    const { client } = await editor.openAndLock("A");
    const another = (await editor.openNew()).client;
    const before = await toldTo(client);
    for (const token of [another.session.access_token, `${client.session.access_token.slice(0, -4)}AAAA`]) {
      const headers = { "X-WOPI-Override": "PUT", ...exit };
      const answer = await fetch(`${client.src}/contents?access_token=${token}`, {
        method: "POST",
        headers,
        body: "x",
      });
      expect(answer.status).toBe(401);
    }
    expect(await toldTo(client)).toBe(before);
  });

  it("hears 401 of a last copy that a person has thrown away: it is kept nowhere", async () => {
    const { client, folder } = await editor.openAndLock("A");
    await editor.bridge.endSession(client.session.id);
    expect((await client.put("first", "A", exit)).status).toBe(200);
    const copy = (await editor.bridge.alice.list(folder)).find((name) => name.includes("conflict"));
    expect(await editor.bridge.alice.remove(`${folder}/${copy}`)).toBe(0);
    expect((await client.put("second", "A", exit)).status).toBe(401);
  });
});
