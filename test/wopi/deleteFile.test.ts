import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openAsOwner } from "../support/namedDocument.ts";
import { type OperationsStage, operationsStage } from "../support/operationsStage.ts";
import type { WopiAnswer, WopiClient } from "../support/wopiClient.ts";

const minuteMs = 60_000;

describe("DeleteFile", () => {
  let bridge: OperationsStage;
  let documents = 0;
  beforeAll(async () => {
    bridge = await operationsStage({
      settings: { GRANT_HOURS: "200" },
      drive: { settings: { accessTokenTtlSeconds: 1_000_000, viewerSessionTimeoutSeconds: 1_000_000 } },
    });
  });
  afterAll(() => bridge.close());

  /** A document in a folder of its own; by its owner, or through a portal as `more` says. */
  const openNew = async (more: Record<string, unknown> = {}) => {
    const folder = `delete ${++documents}`;
    const path = `${folder}/Report.docx`;
    expect(await bridge.alice.put(path, "before")).toBe(0);
    const isOwners = Object.keys(more).length === 0;
    const client = await (isOwners ? openAsOwner(bridge, path) : bridge.open(path, more));
    await client.check();
    await client.get();
    return { folder, path, client };
  };
  const remove = (client: WopiClient, headers: Record<string, string> = {}) => client.post("DELETE", headers);
  const isThere = async (folder: string) => (await bridge.alice.list(folder)).includes("Report.docx");
  const trash = async (): Promise<string[]> => {
    const { data } = await bridge.alice.call("GET", "/file?uri=cloudreve%3A%2F%2Ftrash&page_size=1000");
    return (data as { files: { metadata: Record<string, string> }[] }).files.map(
      ({ metadata }) => metadata["sys:restore_uri"] ?? "",
    );
  };

  it("by the owner moves the file to the drive's trash, from where a person can take it back", async () => {
    const { client, folder, path } = await openNew();
    const answer = await remove(client);
    expect(answer.status).toBe(200);
    expect(answer.text).toBe("");
    expect(await isThere(folder)).toBe(false);
    expect((await trash()).map(decodeURIComponent)).toContain(bridge.alice.uriOf(path).replaceAll("%20", " "));
  });

  it("makes everything after it 404, through every token for the file", async () => {
    const { client, path } = await openNew();
    const reader = await bridge.open(path, { action: "view" });
    const editor = await bridge.open(path, { user: { id: "e", name: "Editor" } });
    expect((await remove(client)).status).toBe(200);
    const name = { "X-WOPI-RequestedName": "Other" };
    const calls: readonly [string, (from: WopiClient) => Promise<WopiAnswer>][] = [
      ["CheckFileInfo", (from) => from.check()],
      ["GetFile", (from) => from.get()],
      ["Lock", (from) => from.lock("A")],
      ["GetLock", (from) => from.getLock()],
      ["RefreshLock", (from) => from.refresh("A")],
      ["Unlock", (from) => from.unlock("A")],
      ["UnlockAndRelock", (from) => from.relock("A", "B")],
      ["PutFile with a lock", (from) => from.put("after", "A")],
      ["PutFile without one", (from) => from.put("after")],
      ["PutRelativeFile", (from) => from.post("PUT_RELATIVE", { "X-WOPI-SuggestedTarget": ".odt" }, "copy")],
      ["RenameFile", (from) => from.post("RENAME_FILE", name)],
      ["DeleteFile", (from) => remove(from)],
      ["PutUserInfo", (from) => from.post("PUT_USER_INFO", {}, "info")],
      ["AddActivities", (from) => from.post("ADD_ACTIVITIES", {}, '{"Activities":[]}')],
    ];
    for (const [what, call] of calls) {
      expect((await call(client)).status, what).toBe(404);
      expect((await call(editor)).status, what).toBe(404);
      // Save As is told to a reader as what no reader can do.
      expect((await call(reader)).status, what).toBe(what === "PutRelativeFile" ? 501 : 404);
    }
  });

  it("leaves what is made anew at the same place alone: old tokens neither read, lock nor write it", async () => {
    const { client, path } = await openNew();
    expect((await remove(client)).status).toBe(200);
    expect(await bridge.alice.put(path, "a new file")).toBe(0);
    for (const call of [client.check(), client.get(), client.lock("A"), client.put("x", "A"), client.unlock("A")]) {
      expect((await call).status).toBe(404);
    }
    expect(await bridge.alice.put(path, "nobody holds it")).toBe(0);
    const fresh = await bridge.open(path);
    expect(fresh.src).not.toBe(client.src);
    expect((await fresh.get()).text).toBe("nobody holds it");
  });

  it.each<[string, Record<string, string>]>([
    ["the right lock", { "X-WOPI-Lock": "A" }],
    ["another", { "X-WOPI-Lock": "B" }],
    ["none", {}],
  ])("while it is locked is 409 with the lock's id, whoever asks: with %s", async (_what, headers) => {
    const { client, folder } = await openNew();
    await client.lock("A");
    const answer = await remove(client, headers);
    expect(answer.status).toBe(409);
    expect(answer.header("x-wopi-lock")).toBe("A");
    expect(await isThere(folder)).toBe(true);
    expect((await client.put("after", "A")).status).toBe(200);
    expect((await client.unlock("A")).status).toBe(200);
    expect((await remove(client)).status).toBe(200);
  });

  it("under a lock that ran out a moment ago is done", async () => {
    const { client, folder } = await openNew();
    await client.lock("A");
    bridge.clock.advance(20 * minuteMs);
    expect((await client.put("after", "A")).status).toBe(200);
    bridge.clock.advance(11 * minuteMs);
    expect((await remove(client)).status).toBe(200);
    expect(await isThere(folder)).toBe(false);
  });

  it("while something else holds it in the drive is 409 that says so", async () => {
    const { client, folder, path } = await openNew();
    bridge.drive.plantLock("alice@example.com", `/${path}`, { type: "dav" });
    const answer = await remove(client);
    expect(answer.status).toBe(409);
    expect(answer.header("x-wopi-lock")).toBe("");
    expect(answer.header("x-wopi-lockedbyotherinterface")).toBe("true");
    bridge.drive.forgetLocks();
    expect(await isThere(folder)).toBe(true);
  });

  it.each<[string, Record<string, unknown>]>([
    ["a colleague who may edit", { user: { id: "c", name: "Colleague" } }],
    ["a portal that names nobody", { action: "edit" }],
    ["a portal that names nobody and only looks", { action: "view" }],
    ["a reader", { action: "view", user: { id: "r", name: "Reader" } }],
  ])("by %s is 404, as CheckFileInfo promises nothing else", async (_who, more) => {
    const { client, folder } = await openNew(more);
    expect((await client.check()).json()["SupportsDeleteFile"]).toBe(false);
    expect((await remove(client)).status).toBe(404);
    expect(await isThere(folder)).toBe(true);
  });

  it("of an old version deletes nothing", async () => {
    const { path, folder } = await openNew();
    const { primary_entity: version } = await bridge.alice.info(path);
    await bridge.alice.put(path, "newer");
    const old = await bridge.open(path, { version });
    expect((await remove(old)).status).toBe(404);
    expect(await isThere(folder)).toBe(true);
  });

  it("through a file id deletes that file, wherever it has been moved", async () => {
    const { client, folder, path } = await openNew();
    await bridge.alice.put(`${folder}/other.docx`, "other");
    expect(await bridge.alice.rename(path, "Renamed.docx")).toBe(0);
    expect(await bridge.alice.put(path, "an impostor")).toBe(0);
    expect((await remove(client)).status).toBe(200);
    expect(await bridge.alice.list(folder)).toEqual(["Report.docx", "other.docx"]);
  });
});
