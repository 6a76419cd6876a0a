import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { BytePath, type Purpose, type Transmission } from "../../src/cloudreve/bytePath.ts";
import { CloudreveClient } from "../../src/cloudreve/client.ts";
import { ConnectionPool } from "../../src/cloudreve/connectionPool.ts";
import { until } from "../support/until.ts";

/** As usual, only forty times as fast. */
const timing = {
  answerWithinMs: 200,
  connectionWithinMs: 200,
  stallMs: 400,
  answerStallMs: 600,
  storedWithinMs: 400,
};

let server: Server;
let url = "";
let answer: (request: IncomingMessage, response: ServerResponse) => void = () => {};
beforeAll(async () => {
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1", backlog: 2_048 }, resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
beforeEach(() => {
  answer = (request, response) => {
    request.resume();
    request.once("end", () => response.end("done"));
  };
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const call = (purpose: Purpose, more: Partial<Transmission> = {}): Transmission => ({
  purpose,
  method: more.body === undefined ? "GET" : "POST",
  url,
  headers: {},
  ...more,
});
const body = (bytes: number) => ({
  body: Readable.from([Buffer.alloc(bytes, "x")]),
  headers: { "Content-Length": String(bytes) },
});
const textOf = async (sending: ReturnType<BytePath["send"]>): Promise<string> =>
  (await buffer((await sending).body)).toString("utf8");

describe("the connections to a drive", () => {
  it.each<[Purpose, number, Purpose]>([
    ["download", 768, "save"],
    ["download", 768, "small"],
    ["save", 128, "small"],
    ["small", 128, "save"],
  ])("that are all taken by a %s (%i of them) leave those of a %s free", async (taken, count, other) => {
    const path = new BytePath();
    let begun = 0;
    answer = (request, response) => {
      request.resume();
      if (request.headers["x-stalls"] === undefined) response.end("done");
      else begun++;
    };
    const gone = new AbortController();
    const stalled = Array.from({ length: count + 1 }, () =>
      path.send(call(taken, { headers: { "X-Stalls": "1" }, signal: gone.signal })).catch((error: Error) => error),
    );
    await until("all are begun", () => begun === count, 20_000);
    expect(await textOf(path.send(call(other, other === "save" ? body(10) : {})))).toBe("done");
    gone.abort();
    await Promise.all(stalled);
    // And none is lost: as many can be had again.
    expect(await textOf(path.send(call(taken)))).toBe("done");
  });

  it("are waited for a while and no longer, and a caller who goes waits no more", async () => {
    const pool = new ConnectionPool(1);
    const leave = await pool.enter(1_000, undefined);
    await expect(pool.enter(20, undefined)).rejects.toMatchObject({ code: "EPOOLFULL" });
    const gone = new AbortController();
    const waiting = pool.enter(60_000, gone.signal);
    gone.abort();
    await expect(waiting).rejects.toMatchObject({ code: "ABORT_ERR" });
    const order: string[] = [];
    const next = ["first", "second"].map(async (name) => {
      const done = await pool.enter(60_000, undefined);
      order.push(name);
      done();
    });
    leave();
    await Promise.all(next);
    expect(order).toEqual(["first", "second"]);
    (await pool.enter(0, undefined))();
  });

  it("are given back by calls that can't even be made", async () => {
    const path = new BytePath(timing);
    for (let times = 0; times < 200; times++) {
      const broken = path.send(call("small", { headers: { "X-Broken": "a\nb" } }));
      await expect(broken).rejects.toMatchObject({ code: "UND_ERR_INVALID_ARG" });
    }
    expect(await textOf(path.send(call("small")))).toBe("done");
  });
});

describe("a call with a body", () => {
  it.each<[string, number, typeof answer]>([
    // The larger it is, the longer a drive may take to store it.
    ["takes all of it and never answers", 800_000, (request) => void request.resume()],
    ["takes none of it", 8_000_000, () => {}],
  ])("ends in time when the drive %s", async (_name, bytes, given) => {
    answer = given;
    const path = new BytePath(timing);
    await expect(path.send(call("save", body(bytes)))).rejects.toMatchObject({ code: expect.any(String) });
  });

  it("may take longer than that as a whole, while the drive takes more and more of it", async () => {
    const path = new BytePath(timing);
    let taken = 0;
    answer = (request, response) => {
      request.on("data", (chunk: Buffer) => {
        taken += chunk.length;
        request.pause();
        setTimeout(() => request.resume(), 5);
      });
      request.once("end", () => response.end("done"));
    };
    const startedAtMs = performance.now();
    const pieces = Readable.from(Array.from({ length: 300 }, () => Buffer.alloc(65_536, "x")));
    const headers = { "Content-Length": String(300 * 65_536) };
    expect(await textOf(path.send(call("save", { body: pieces, headers })))).toBe("done");
    expect(taken).toBe(300 * 65_536);
    expect(performance.now() - startedAtMs).toBeGreaterThan(2 * timing.stallMs);
  });

  it("lets go of the body when there is no connection for it", async () => {
    const path = new BytePath(timing);
    const gone = AbortSignal.abort();
    const { body: unsent } = body(10);
    await expect(path.send(call("save", { body: unsent, signal: gone }))).rejects.toMatchObject({ code: "ABORT_ERR" });
    expect(unsent.destroyed).toBe(true);
  });
});

describe("an answer", () => {
  it("that breaks off in the middle of a download without a word is cut in time", async () => {
    answer = (_request, response) => {
      response.writeHead(200, { "Content-Length": "100" });
      response.write("half");
    };
    const path = new BytePath(timing);
    await expect(textOf(path.send(call("download")))).rejects.toThrow();
  });

  it("of JSON that comes at a byte a second is not waited for", async () => {
    answer = (request, response) => {
      request.resume();
      response.writeHead(200, { "Content-Length": "1000" });
      const drip = setInterval(() => response.write(" "), 100);
      response.once("close", () => clearInterval(drip));
    };
    const client = new CloudreveClient(url, undefined, undefined, timing);
    const { body: sent, headers } = body(10);
    await expect(client.ask(call("save", { body: sent, headers }))).rejects.toMatchObject({
      failure: { kind: "driveUnreachable" },
    });
  });
});
