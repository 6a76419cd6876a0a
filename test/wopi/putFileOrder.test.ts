import { readdir } from "node:fs/promises";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperationsStage } from "../support/operationsStage.ts";
import { expectRefusal, operationsEditor, type SavingEditor } from "../support/savingEditor.ts";
import { until } from "../support/until.ts";
import type { WopiClient } from "../support/wopiClient.ts";

let editor: SavingEditor<OperationsStage>;
beforeAll(async () => {
  editor = await operationsEditor();
});
afterAll(() => editor.close());

/** A save whose first byte has come, and whose rest comes when asked. */
async function begun(client: WopiClient, text: string, headers: Record<string, string> = {}, lockId = "A") {
  const before = (await readdir(editor.bridge.spoolDir)).length;
  const body = new PassThrough();
  const call = { "X-WOPI-Override": "PUT", "X-WOPI-Lock": lockId, "Content-Length": String(text.length), ...headers };
  const answering = client.send("POST", client.address("/contents"), call, body);
  body.write(text.slice(0, 1));
  await until("its head has come", async () => (await readdir(editor.bridge.spoolDir)).length > before);
  return {
    end: async () => {
      body.end(text.slice(1));
      const answer = await answering;
      const version = answer.header("x-wopi-itemversion") ?? undefined;
      return { status: answer.status, version, time: /"LastModifiedTime":"([^"]+)"/.exec(answer.text)?.[1] };
    },
  };
}

const plain = {};
const exit = { "X-COOL-WOPI-IsExitSave": "true" };
const auto = { "X-COOL-WOPI-IsAutosave": "true", "X-COOL-WOPI-IsExitSave": "false" };

describe("of two overlapping saves of one copy", () => {
  it.each([
    ["autosave", "autosave", auto, auto],
    ["autosave", "exit save", auto, exit],
    ["exit save", "exit save", exit, exit],
    ["save", "autosave", plain, auto],
  ])("the later wins, whichever ends last: %s, then %s", async (_first, _second, firstHeaders, secondHeaders) => {
    for (const earlierEndsLast of [true, false]) {
      const { client, path } = await editor.openAndLock("A");
      const earlier = await begun(client, "the earlier text", firstHeaders);
      const later = await begun(client, "the later text", secondHeaders);
      const ending = earlierEndsLast ? [later, earlier] : [earlier, later];
      const answers = [];
      for (const save of ending) answers.push(await save.end());
      expect(answers.map(({ status }) => status)).toEqual([200, 200]);
      expect(await editor.bridge.alice.read(path)).toBe("the later text");
      // Both are told what the document is: the editor goes on from there without a conflict.
      if (earlierEndsLast) expect(answers[1]).toEqual(answers[0]);
      const timestamp = answers[1]?.time ?? "";
      const headers = { "X-COOL-WOPI-Timestamp": timestamp, "X-COOL-WOPI-IsModifiedByUser": "true" };
      expect((await client.put("and on", "A", headers)).status).toBe(200);
      expect(await editor.bridge.alice.read(path)).toBe("and on");
    }
  });

  it("the earlier goes in when the later was refused", async () => {
    const { client, path } = await editor.openAndLock("A");
    const earlier = await begun(client, "the earlier text");
    const later = await begun(client, "the later text", plain, "B");
    expect((await later.end()).status).toBe(409);
    expect((await earlier.end()).status).toBe(200);
    expect(await editor.bridge.alice.read(path)).toBe("the earlier text");
  });

  it("the earlier goes in when the later waits in the spool, which goes in after it", async () => {
    const { client, path } = await editor.openAndLock("A");
    const earlier = await begun(client, "the earlier text");
    const later = await begun(client, "the later text", exit);
    editor.proxy.intercept = (request, response) => {
      if (request.headers["x-wopi-override"] !== "PUT") return false;
      request.resume();
      response.writeHead(500).end();
      return true;
    };
    expect((await later.end()).status).toBeGreaterThanOrEqual(500);
    editor.proxy.intercept = undefined;
    expect((await earlier.end()).status).toBe(200);
    expect(await editor.bridge.alice.read(path)).toBe("the earlier text");
    expect(await editor.bridge.bridge.replay()).toBe(0);
    expect(await editor.bridge.alice.read(path)).toBe("the later text");
  });

  it("the earlier is not mistaken for a part of a later one that became a copy", async () => {
    const { client, path, folder } = await editor.openAndLock("A");
    const earlier = await begun(client, "the earlier text");
    const later = await begun(client, "the later text", exit);
    await client.unlock("A");
    expect(await editor.bridge.alice.put(path, "a stranger's")).toBe(0);
    expect((await later.end()).status).toBe(409);
    expect((await editor.bridge.alice.list(folder)).length).toBe(2);
    expect((await earlier.end()).status).toBe(409);
    expect(await editor.bridge.alice.read(path)).toBe("a stranger's");
  });

  it("the earlier does not bless what a stranger has stored after the later", async () => {
    const { client, path } = await editor.openAndLock("A");
    const earlier = await begun(client, "the earlier text");
    const later = await begun(client, "the later text");
    const placed = await later.end();
    await client.unlock("A");
    expect(await editor.bridge.alice.put(path, "a stranger's")).toBe(0);
    expect(await earlier.end()).toEqual(placed);
    expect(await editor.bridge.alice.read(path)).toBe("a stranger's");
    await client.lock("A");
    expectRefusal(await client.put("and on", "A"), "A", "change");
  });

  // A lock that ran out under a slow save, and a second editor that got it: to the bridge both are one editor.
  it.each([
    ["save", plain, 0],
    ["exit save", exit, 1],
  ] as const)("a later one under another lock does not hold the earlier: %s", async (_what, headers, copies) => {
    const { client, path, folder } = await editor.openAndLock("A");
    const earlier = await begun(client, "the first editor's", headers);
    await client.unlock("A");
    await client.lock("B");
    const later = await begun(client, "the second editor's", plain, "B");
    expect((await later.end()).status).toBe(200);
    await client.unlock("B");
    expect((await earlier.end()).status).toBe(409);
    expect(await editor.bridge.alice.read(path)).toBe("the second editor's");
    const names = (await editor.bridge.alice.list(folder)).filter((name) => name.includes("conflict"));
    expect(names.length).toBe(copies);
    for (const name of names) expect(await editor.bridge.alice.read(`${folder}/${name}`)).toBe("the first editor's");
  });
});
