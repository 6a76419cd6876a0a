import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { afterEach, describe, expect, it } from "vitest";
import { boundedServer, type ConnectionLimits } from "../../src/http/connectionLimits.ts";
import { requireMovement } from "../../src/http/movement.ts";
import { type RawConnection, rawConnection, rawStatus } from "../support/rawHttp.ts";
import { until } from "../support/until.ts";

/** As usual, only some hundred times as fast. */
const timing = { everyMs: 300, leastBytes: 200, restWithinMs: 200 };

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serverOf(limits: Partial<ConnectionLimits> = {}): Promise<string> {
  const app = express();
  app.use(requireMovement(timing));
  app.get("/large", (_request, response) => void response.end(Buffer.alloc(64 * 1024 * 1024)));
  app.get("/slow", (_request, response) => void setTimeout(() => response.end("done"), 4 * timing.everyMs));
  app.post("/refused", (_request, response) => void response.status(413).end());
  app.post("/taken", (request, response) => {
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.once("end", () => response.end(String(bytes)));
  });
  server = boundedServer(app, limits);
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

async function send(url: string, ...lines: readonly string[]): Promise<RawConnection> {
  const connection = await rawConnection(url);
  connection.socket.write(lines.join("\r\n"));
  return connection;
}

/** A piece every so often, until the other side has closed. @returns how much was sent */
async function trickle(connection: RawConnection, bytes: number, everyMs: number, atMostMs: number): Promise<number> {
  const endsAtMs = performance.now() + atMostMs;
  let sent = 0;
  while (!connection.socket.destroyed && performance.now() < endsAtMs) {
    connection.socket.write("x".repeat(bytes));
    sent += bytes;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  return sent;
}

describe("a connection", () => {
  it("whose body stands still is cut", async () => {
    const url = await serverOf();
    const half = await send(url, "POST /taken HTTP/1.1", "Host: b", "Content-Length: 1000000", "", "half");
    expect(await half.ended()).toBe("");
  });

  it("whose body comes at a byte a time is cut", async () => {
    const url = await serverOf();
    const slow = await send(url, "POST /taken HTTP/1.1", "Host: b", "Content-Length: 1000000", "", "");
    await trickle(slow, 1, 10, 5_000);
    expect(await slow.ended()).toBe("");
  });

  it("whose body moves is served, however long it takes", async () => {
    const url = await serverOf();
    const steady = await send(url, "POST /taken HTTP/1.1", "Host: b", "Content-Length: 1000000", "", "");
    const sent = await trickle(steady, 1_000, 15, 4 * timing.everyMs);
    expect(steady.received()).toBe("");
    steady.socket.write("x".repeat(1_000_000 - sent));
    await until("it is answered", () => rawStatus(steady.received()) === 200);
  });

  it("whose answer nobody reads is cut", async () => {
    const url = await serverOf();
    const stalled = await send(url, "GET /large HTTP/1.1", "Host: b", "", "");
    stalled.socket.once("data", () => stalled.socket.pause());
    await until("the server has let go of it", async () => {
      const open = await new Promise<number>((resolve) => server?.getConnections((_error, count) => resolve(count)));
      return open === 0;
    });
    stalled.socket.destroy();
  });

  it("on which the server itself takes its time is not cut", async () => {
    const url = await serverOf();
    expect(await (await fetch(`${url}/slow`)).text()).toBe("done");
  });

  it("that sends on and on what was refused is cut, and has its answer", async () => {
    const url = await serverOf();
    const refused = await send(url, "POST /refused HTTP/1.1", "Host: b", "Content-Length: 100000000", "", "");
    await trickle(refused, 2_000, 5, 5_000);
    expect(rawStatus(await refused.ended())).toBe(413);
  });

  it("whose head does not come to an end is cut, also one on which nothing was ever said", async () => {
    const url = await serverOf({ headersWithinMs: 200, lookEveryMs: 50 });
    const silent = await rawConnection(url);
    const slow = await send(url, "GET /slow HTTP/1.1", "Host: b", "X-Long: ");
    await trickle(slow, 1, 20, 5_000);
    expect(rawStatus(await slow.ended())).toBe(408);
    expect(rawStatus(await silent.ended())).toBe(408);
  });

  it("too many is not taken, and room is made where connections only wait for a next call", async () => {
    const url = await serverOf({ connections: 20, crowdedAt: 15 });
    const waiting: RawConnection[] = [];
    for (let count = 0; count < 14; count++) waiting.push(await send(url, "GET /slow HTTP/1.1", "Host: b", "", ""));
    await until("all are answered", () => waiting.every((one) => one.received().includes("done")));
    expect(waiting.every(({ socket }) => !socket.destroyed)).toBe(true);
    const next = await send(url, "GET /slow HTTP/1.1", "Host: b", "", "");
    await until("room is made", () => waiting.every(({ socket }) => socket.destroyed));
    await until("the new one is served", () => next.received().includes("done"));
  });
});
