import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type OperationsStage, operationsStage } from "../support/operationsStage.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { watchedOperations } from "../support/watchedDrive.ts";
import type { WopiAnswer, WopiClient } from "../support/wopiClient.ts";

describe("a drive that is down", () => {
  let bridge: OperationsStage;
  beforeAll(async () => {
    bridge = await operationsStage();
  });
  afterAll(() => bridge.close());

  it("is 503 to every call that needs it, changes no lock, and works again when it is back", async () => {
    await bridge.alice.put("held.docx", "before");
    await bridge.alice.put("free.docx", "before");
    const held = await bridge.open("held.docx");
    const free = await bridge.open("free.docx");
    await held.get();
    await held.lock("A");
    await bridge.stopDrive();

    expect((await held.check()).json()).toMatchObject({ BaseFileName: "held.docx", Size: 6 });
    const calls: (() => Promise<WopiAnswer>)[] = [
      () => free.check(),
      () => held.get(),
      () => held.put("after", "A"),
      () => free.lock("B"),
      () => free.put("after", "B"),
    ];
    for (const call of calls) {
      const answer = await call();
      expect(answer.status).toBe(503);
      expect(answer.text).toBe("");
    }
    // What the bridge knows by itself it still says: whose lock it is, and that a wrong one is wrong.
    expect((await held.getLock()).header("x-wopi-lock")).toBe("A");
    expect((await free.getLock()).header("x-wopi-lock")).toBe("");
    expect((await held.lock("wrong")).header("x-wopi-lock")).toBe("A");
    expect((await held.lock("A")).status).toBe(200);

    await bridge.startDrive();
    expect((await held.check()).status).toBe(200);
    expect((await held.get()).text).toBe("before");
    expect((await held.put("after", "A")).status).toBe(200);
    expect(await bridge.alice.put("held.docx", "theirs")).toBe(40073);
    expect((await free.lock("B")).status).toBe(200);
    expect((await held.unlock("A")).status).toBe(200);
    expect(await bridge.alice.read("held.docx")).toBe("after");
  });

  it("keeps a lock given back meanwhile from standing for ever", async () => {
    await bridge.alice.put("back.docx", "before");
    const client = await bridge.open("back.docx");
    await client.lock("A");
    await bridge.stopDrive();
    expect((await client.unlock("A")).status).toBe(200);
    await bridge.startDrive();
    await bridge.bridge.sweep();
    expect(await bridge.alice.put("back.docx", "theirs")).toBe(0);
  });
});

describe("a drive that is down, over HTTP", () => {
  let bridge: TestBridge;
  beforeAll(async () => {
    bridge = await testBridge();
    await bridge.alice.put("held.docx", "before");
  });
  afterAll(() => bridge.close());

  it("is 503 to a portal too", async () => {
    await bridge.stopDrive();
    expect((await bridge.postSession({ uri: "cloudreve://my/held.docx", action: "edit" })).status).toBe(503);
    await bridge.startDrive();
    expect((await bridge.postSession({ uri: "cloudreve://my/held.docx", action: "edit" })).status).toBe(201);
  });

  it("shows in readyz, which stays ready: editors may still ask for locks", async () => {
    await bridge.stopDrive();
    const answered = await fetch(`${bridge.url}/readyz`);
    expect(answered.status).toBe(200);
    expect(await answered.json()).toMatchObject({ store: true, drive: false });
    await bridge.startDrive();
    expect(await (await fetch(`${bridge.url}/readyz`)).json()).toMatchObject({ drive: true });
  });
});

describe("a drive that takes calls and never answers", () => {
  const at = watchedOperations();

  /** Each call on a document of its own: calls on one document wait for each other. */
  const calls: readonly [string, number, (client: WopiClient) => Promise<WopiAnswer>][] = [
    ["CheckFileInfo", 503, (client) => client.check()],
    ["CheckFileInfo of a locked document", 200, (client) => client.check()],
    ["GetFile", 503, (client) => client.get()],
    ["LOCK", 503, (client) => client.lock("new")],
    ["PutFile under the lock", 503, (client) => client.put("after", "A")],
    ["LOCK as a refresh", 200, (client) => client.lock("A")],
    ["REFRESH_LOCK", 200, (client) => client.refresh("A")],
    ["UnlockAndRelock", 200, (client) => client.relock("A", "B")],
    ["UNLOCK", 200, (client) => client.unlock("A")],
  ];

  it("makes nobody wait ten seconds, and what the bridge can do alone it does", async () => {
    const clients = await Promise.all(
      calls.map(async ([name], index) => {
        const path = `hang-${index}.docx`;
        await at.bridge.alice.put(path, "before");
        const client = await at.bridge.open(path);
        await client.get();
        if (name !== "LOCK" && name !== "CheckFileInfo") expect((await client.lock("A")).status).toBe(200);
        return { path, client };
      }),
    );
    at.drive.intercept = (request, response) => {
      // One of them is told that an answer comes, and nothing more.
      if (request.url?.includes("/file/info") === true)
        response.writeHead(200, { "Content-Type": "application/json" }).write("{");
      return true;
    };
    const startedAtMs = performance.now();
    await Promise.all(
      calls.map(async ([name, status, call], index) => {
        const { client } = clients[index] as { client: WopiClient };
        const answer = await call(client);
        expect(answer.status, name).toBe(status);
        expect(performance.now() - startedAtMs, name).toBeLessThan(10_000);
      }),
    );
    at.drive.intercept = undefined;
    for (const { path } of clients) expect(await at.bridge.alice.read(path)).toBe("before");
    const [, , , locking, saving] = clients;
    expect((await locking?.client.getLock())?.header("x-wopi-lock")).toBe("");
    expect((await saving?.client.put("after", "A"))?.status).toBe(200);
  });
});
