import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rawConnection, rawRequest, rawStatus } from "../support/rawHttp.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { until } from "../support/until.ts";
import { fetchedAnswer, type WopiClient } from "../support/wopiClient.ts";

const limitBytes = 1024 * 1024;
const lockId = "body";

describe("the body of PutFile", () => {
  let bridge: TestBridge;
  let documents = 0;
  beforeAll(async () => {
    bridge = await testBridge({ settings: { MAX_FILE_MB: "1" } });
  });
  afterAll(() => bridge.close());

  const openAndLock = async () => {
    const path = `body-${++documents}.docx`;
    expect(await bridge.alice.put(path, "before")).toBe(0);
    const client = await bridge.open(path);
    await client.get();
    expect((await client.lock(lockId)).status).toBe(200);
    return { path, client };
  };
  /** Begins a save on a socket; the caller sends what it likes and finishes or breaks off. */
  const begin = async (client: WopiClient, headers: readonly string[]) => {
    const { pathname, search } = new URL(client.address("/contents"));
    const connection = await rawConnection(bridge.url);
    const head = [
      `POST ${pathname}${search} HTTP/1.1`,
      "Host: bridge",
      "X-WOPI-Override: PUT",
      `X-WOPI-Lock: ${lockId}`,
      ...headers,
      "",
      "",
    ];
    connection.socket.write(head.join("\r\n"));
    return connection;
  };
  const expectUntouched = async (path: string, client: WopiClient) => {
    // Only when the spool has let go of it is a save over, one way or the other.
    await until("the spool is empty", async () => (await readdir(bridge.spoolDir)).length === 0);
    expect(await bridge.alice.read(path)).toBe("before");
    expect((await client.getLock()).header("x-wopi-lock")).toBe(lockId);
  };

  describe("is bytes and nothing else", () => {
    it.each([
      ["application/json", '{"a": [1, 2,   3]}\n'],
      ["application/json", "this is not JSON"],
      ["application/xml", "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e 'e'>]><x>&e;</x>"],
      ["application/x-www-form-urlencoded", "a=1&b=%20+&access_token=garbage"],
      ["multipart/form-data; boundary=b", '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'],
      ["text/plain; charset=utf-16", "text"],
      ["nonsense", "\u0000\u0001\uffff"],
    ])("as %s: %j", async (type, text) => {
      const { client, path } = await openAndLock();
      expect((await client.put(text, lockId, { "Content-Type": type })).status).toBe(200);
      expect(await bridge.alice.read(path)).toBe(text);
    });

    it("without a Content-Type", async () => {
      const { client, path } = await openAndLock();
      const lines = ["POST", "X-WOPI-Override: PUT", `X-WOPI-Lock: ${lockId}`, "Content-Length: 5"];
      expect(rawStatus(await rawRequest(client.address("/contents"), lines, "after"))).toBe(200);
      expect(await bridge.alice.read(path)).toBe("after");
    });

    it.each([
      ["identity", 200],
      ["gzip", 400],
      ["br, identity", 400],
    ])("said to be %s: %i, since nobody could open a compressed document", async (encoding, status) => {
      const { client, path } = await openAndLock();
      expect((await client.put("not gzip at all", lockId, { "Content-Encoding": encoding })).status).toBe(status);
      expect(await bridge.alice.read(path)).toBe(status === 200 ? "not gzip at all" : "before");
    });

    it("said to be compressed, after the session's end: the editor hears of the end, and nothing is kept", async () => {
      const path = "encoded/Report.docx";
      expect(await bridge.alice.put(path, "before")).toBe(0);
      const client = await bridge.open(path);
      await bridge.endSession(client.session.id);
      expect((await client.put("not gzip at all", lockId, { "Content-Encoding": "gzip" })).status).toBe(401);
      expect(await bridge.alice.list("encoded")).toEqual(["Report.docx"]);
    });

    it("of random bytes up to the limit", async () => {
      const { client } = await openAndLock();
      const bytes = randomBytes(limitBytes);
      expect((await client.put(bytes, lockId)).status).toBe(200);
      expect((await client.get()).bytes.equals(bytes)).toBe(true);
      const hash = createHash("sha256").update(bytes).digest("base64");
      expect((await client.check()).json()["SHA256"]).toBe(hash);
    });
  });

  describe("of no announced length", () => {
    it("is stored whole: to the drive it goes with one", async () => {
      const { client, path } = await openAndLock();
      const pieces = ["one, ", "two, ", "", "three"];
      const body = new ReadableStream({
        pull: (controller) => {
          const piece = pieces.shift();
          if (piece === undefined) controller.close();
          else if (piece !== "") controller.enqueue(new TextEncoder().encode(piece));
        },
      });
      const sent = { method: "POST", headers: { "X-WOPI-Override": "PUT", "X-WOPI-Lock": lockId }, body };
      const answer = await fetchedAnswer(
        fetch(client.address("/contents"), { ...sent, duplex: "half" } as RequestInit),
      );
      expect(answer.status).toBe(200);
      expect(await bridge.alice.read(path)).toBe("one, two, three");
    });

    it("and of no bytes is an empty text", async () => {
      const path = "chunked/Empty.txt";
      expect(await bridge.alice.put(path, "before")).toBe(0);
      const client = await bridge.open(path);
      expect((await client.lock(lockId)).status).toBe(200);
      const connection = await begin(client, ["Transfer-Encoding: chunked", "Connection: close"]);
      connection.socket.write("0\r\n\r\n");
      expect(rawStatus(await connection.ended())).toBe(200);
      expect((await bridge.alice.info(path)).size).toBe(0);
    });

    it("that breaks off before its last piece writes nothing", async () => {
      const { client, path } = await openAndLock();
      const connection = await begin(client, ["Transfer-Encoding: chunked"]);
      connection.socket.write("5\r\nhello\r\n");
      await until("the spool has it", async () => (await readdir(bridge.spoolDir)).length > 0);
      connection.socket.destroy();
      await expectUntouched(path, client);
    });
  });

  describe("that is cut off", () => {
    it("writes nothing and leaves the lock", async () => {
      const { client, path } = await openAndLock();
      const connection = await begin(client, ["Content-Length: 1000"]);
      connection.socket.write("x".repeat(500));
      await until("the spool has it", async () => (await readdir(bridge.spoolDir)).length > 0);
      connection.socket.destroy();
      await expectUntouched(path, client);
      expect((await client.put("after", lockId)).status).toBe(200);
    });

    it("by closing only the sending half writes nothing either", async () => {
      const { client, path } = await openAndLock();
      const connection = await begin(client, ["Content-Length: 1000"]);
      connection.socket.end("x".repeat(999));
      expect(rawStatus(await connection.ended())).not.toBe(200);
      await expectUntouched(path, client);
    });

    it("before its first byte writes nothing", async () => {
      const { client, path } = await openAndLock();
      const connection = await begin(client, ["Content-Length: 1000"]);
      await until("the spool has it", async () => (await readdir(bridge.spoolDir)).length > 0);
      connection.socket.destroy();
      await expectUntouched(path, client);
    });
  });

  describe("that is slow", () => {
    it("keeps nobody waiting: lock calls and other saves go on, and a later one that was quicker stays", async () => {
      const { client, path } = await openAndLock();
      const connection = await begin(client, ["Content-Length: 10", "Connection: close"]);
      connection.socket.write("slow ");
      await until("the spool has it", async () => (await readdir(bridge.spoolDir)).length > 0);
      expect((await client.lock(lockId)).status).toBe(200);
      expect((await client.refresh(lockId)).status).toBe(200);
      expect((await client.put("quick", lockId)).status).toBe(200);
      expect(await bridge.alice.read(path)).toBe("quick");
      connection.socket.write("save!");
      expect(rawStatus(await connection.ended())).toBe(200);
      expect(await bridge.alice.read(path)).toBe("quick");
    });

    it("is judged by the lock that stands when it is whole", async () => {
      const { client, path } = await openAndLock();
      const connection = await begin(client, ["Content-Length: 10", "Connection: close"]);
      connection.socket.write("slow ");
      await until("the spool has it", async () => (await readdir(bridge.spoolDir)).length > 0);
      expect((await client.relock(lockId, "another")).status).toBe(200);
      connection.socket.write("save!");
      const answer = await connection.ended();
      expect(rawStatus(answer)).toBe(409);
      expect(answer).toMatch(/^x-wopi-lock: another\r$/im);
      expect(await bridge.alice.read(path)).toBe("before");
    });

    it("is asked for when the editor waits to be told to go on", async () => {
      const { client, path } = await openAndLock();
      const connection = await begin(client, ["Content-Length: 5", "Expect: 100-continue", "Connection: close"]);
      await until("100 Continue has come", () => connection.received().startsWith("HTTP/1.1 100"));
      connection.socket.write("after");
      expect(await connection.ended()).toMatch(/HTTP\/1\.1 200/);
      expect(await bridge.alice.read(path)).toBe("after");
    });
  });

  it("that the bridge's own disk does not take reaches the drive from memory, since it is small", async () => {
    const { client, path } = await openAndLock();
    await rm(bridge.spoolDir, { recursive: true });
    expect((await client.put("after", lockId)).status).toBe(200);
    await mkdir(bridge.spoolDir);
    expect(await bridge.alice.read(path)).toBe("after");
  });

  describe("over the limit", () => {
    const over = Buffer.alloc(limitBytes + 1, "x");

    it("is 413 when its length says so, and nothing is written", async () => {
      const { client, path } = await openAndLock();
      expect((await client.put(over, lockId)).status).toBe(413);
      await expectUntouched(path, client);
    });

    it("is 413 by the length alone: not a byte has to be sent", async () => {
      const { client, path } = await openAndLock();
      const connection = await begin(client, [`Content-Length: ${limitBytes + 1}`, "Connection: close"]);
      await until("the answer has come", () => rawStatus(connection.received()) === 413);
      connection.socket.destroy();
      await expectUntouched(path, client);
    });

    it("is 413 when it grows over it on the way, and nothing is written", async () => {
      const { client, path } = await openAndLock();
      const connection = await begin(client, ["Transfer-Encoding: chunked", "Connection: close"]);
      for (let sent = 0; sent < 3; sent++) {
        connection.socket.write(`80000\r\n${"x".repeat(0x80000)}\r\n`);
      }
      connection.socket.write("0\r\n\r\n");
      expect(rawStatus(await connection.ended())).toBe(413);
      await expectUntouched(path, client);
    });

    it("is told so as soon as it is over, while there is still more to send", async () => {
      const { client, path } = await openAndLock();
      const connection = await begin(client, ["Transfer-Encoding: chunked"]);
      connection.socket.write(`100001\r\n${"x".repeat(0x100001)}\r\n`);
      await until("the answer has come", () => rawStatus(connection.received()) === 413);
      connection.socket.destroy();
      await expectUntouched(path, client);
    });

    it("leaves the way open for a save that fits", async () => {
      const { client, path } = await openAndLock();
      await client.put(over, lockId);
      expect((await client.put("after", lockId)).status).toBe(200);
      expect(await bridge.alice.read(path)).toBe("after");
    });
  });

  it.each([
    ["in UTF-8", Buffer.from("schlüssel").toString("latin1")],
    ["in latin1", "schl\u00fcssel"],
  ])("is not even looked at under a lock id that is not ASCII: %s", async (_name, id) => {
    const { client, path } = await openAndLock();
    const lines = ["POST", "X-WOPI-Override: PUT", `X-WOPI-Lock: ${id}`, "Content-Length: 5"];
    expect(rawStatus(await rawRequest(client.address("/contents"), lines, "after"))).toBe(400);
    await expectUntouched(path, client);
  });
});
