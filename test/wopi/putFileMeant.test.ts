import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { OperationsStage } from "../support/operationsStage.ts";
import { operationsEditor, type SavingEditor } from "../support/savingEditor.ts";
import { collabora } from "../support/wopiClient.ts";

const zip = "PK\u0003\u0004a document";
const page = "<html>502 Bad Gateway</html>";
const exit = collabora({ exitSave: true, timestamp: "2020-01-01T00:00:00Z" });

describe("A save that nobody can have meant", () => {
  let editor: SavingEditor<OperationsStage>;
  beforeAll(async () => {
    editor = await operationsEditor();
  });
  afterEach(() => {
    editor.proxy.intercept = undefined;
  });
  afterAll(() => editor.close());

  const nothingKept = async (folder: string): Promise<void> => {
    expect(await editor.bridge.alice.list(folder)).toEqual(["Report.docx"]);
    expect(editor.bridge.services.spool.waiting()).toEqual([]);
  };

  it.each([
    ["no bytes", "", "What the editor sent is empty. The document was left as it is.\n"],
    ["an error page", page, "What the editor sent is not a file of this type. The document was left as it is.\n"],
  ])("%s: is refused with its reason and kept nowhere, at exit too", async (_what, body, reason) => {
    const { client, path, folder } = await editor.openAndLock("A", zip);
    for (const headers of [{}, exit]) {
      const answer = await client.put(body, "A", headers);
      expect([answer.status, answer.text]).toEqual([400, reason]);
    }
    expect(await editor.bridge.alice.read(path)).toBe(zip);
    await nothingKept(folder);
    const { lastFailedSave } = await editor.bridge.services.activity.of((await editor.bridge.alice.info(path)).id);
    expect(lastFailedSave).toMatchObject({ why: "contentInvalid" });
    expect(lastFailedSave?.keptIn).toBeUndefined();
  });

  it.each(["", page])("becomes no copy when somebody has changed the document meanwhile: %j", async (body) => {
    const { client, path, folder } = await editor.openAndLock("A", zip);
    editor.bridge.drive.forgetLocks();
    expect(await editor.bridge.alice.put(path, `${zip} of others`)).toBe(0);
    expect((await client.put(body, "A", exit)).status).toBe(400);
    await nothingKept(folder);
  });

  it("becomes no copy while another program holds the document in the drive", async () => {
    const { client, path, folder } = await editor.openAndLock("A", zip);
    editor.bridge.drive.forgetLocks();
    editor.bridge.drive.plantLock("alice@example.com", `/${path}`, { type: "dav" });
    expect((await client.put(page, "A", exit)).status).toBe(400);
    await nothingKept(folder);
  });

  it("of no bytes waits in no spool while the drive is away", async () => {
    const { client, path, folder } = await editor.openAndLock("A", zip);
    await editor.bridge.stopDrive();
    expect((await client.put("", "A", exit)).status).toBe(503);
    await editor.bridge.startDrive();
    expect(await editor.bridge.alice.read(path)).toBe(zip);
    await nothingKept(folder);
  });

  it("of wrong bytes that waited because the drive was away becomes a copy: it was promised to be safe", async () => {
    const { client, path, folder } = await editor.openAndLock("A", zip);
    await editor.bridge.stopDrive();
    expect((await client.put(page, "A", exit)).status).toBe(503);
    await editor.bridge.startDrive();
    expect(await editor.bridge.bridge.replay()).toBe(0);
    expect(await editor.bridge.alice.read(path)).toBe(zip);
    const copy = (await editor.bridge.alice.list(folder)).find((name) => name !== "Report.docx");
    expect(await editor.bridge.alice.read(`${folder}/${copy}`)).toBe(page);
  });

  it("is nothing over an empty file: anything may fill it", async () => {
    const { client, path } = await editor.openAndLock("A", "");
    expect((await client.put("", "A")).status).toBe(200);
    expect((await client.put(page, "A")).status).toBe(200);
    expect(await editor.bridge.alice.read(path)).toBe(page);
  });

  it("costs a read of the document only when its own beginning is wrong", async () => {
    const { client } = await editor.openAndLock("A", zip);
    const reads: string[] = [];
    editor.proxy.intercept = (request) => {
      if (request.method === "GET" && /content|\/file\/url/.test(request.url ?? "")) reads.push(request.url ?? "");
      return false;
    };
    expect((await client.put(`${zip} changed`, "A")).status).toBe(200);
    expect(reads).toEqual([]);
  });
});
