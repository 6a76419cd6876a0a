import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { Drain, type DrainTiming } from "../../src/http/drain.ts";
import { until } from "../support/until.ts";

const quick: DrainTiming = { drainMs: 600, lastCallsMs: 200, noticeMs: 150, watchedForMs: 10_000 };
let server: Server;
let agent: Agent;
afterEach(() => {
  agent.destroy();
  server.close();
  server.closeAllConnections();
});

/** A server whose answers to `/slow` come when they are told to. */
async function draining(timing: Partial<DrainTiming> = quick) {
  const drain = new Drain(timing);
  const slow: ServerResponse[] = [];
  server = createServer((asked, response) => {
    if (asked.url === "/slow") slow.push(response);
    else if (asked.url === "/ready") response.end(String(drain.isReady()));
    else response.end("done");
  });
  drain.watch(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  agent = new Agent({ keepAlive: true });
  const { port } = server.address() as AddressInfo;
  const ask = (path: string) =>
    new Promise<{ text: string; connection: string | undefined; isReused: boolean }>((resolve, reject) => {
      const sent = request({ port, path, agent }, async (answer: IncomingMessage) => {
        let text = "";
        try {
          for await (const chunk of answer) text += String(chunk);
          resolve({ text, connection: answer.headers.connection, isReused: sent.reusedSocket });
        } catch (error) {
          reject(error);
        }
      });
      sent.on("error", reject).end();
    });
  return { drain, slow, ask };
}

describe("a server that ends", () => {
  it("with nothing to do and nobody who watches ends at once, idle connections too", async () => {
    const { drain, ask } = await draining();
    expect(await ask("/")).toMatchObject({ text: "done", connection: "keep-alive" });
    const startedAtMs = performance.now();
    await drain.end();
    expect(performance.now() - startedAtMs).toBeLessThan(100);
    await expect(ask("/")).rejects.toThrow();
  });

  it("answers what is under way first, and takes new calls until then", async () => {
    const { drain, slow, ask } = await draining();
    const first = ask("/slow");
    await until("it is under way", () => slow.length === 1);
    let hasEnded = false;
    const ending = drain.end().then(() => {
      hasEnded = true;
    });
    expect(await ask("/")).toMatchObject({ text: "done", connection: "close" });
    expect(hasEnded).toBe(false);
    slow[0]?.end("at last");
    expect(await first).toMatchObject({ text: "at last", connection: "close" });
    await ending;
  });

  it("is not ready from the first moment on, and gives those who watch time to notice", async () => {
    const { drain, ask } = await draining();
    expect((await ask("/ready")).text).toBe("true");
    const startedAtMs = performance.now();
    const ending = drain.end();
    expect((await ask("/ready")).text).toBe("false");
    expect((await ask("/")).text).toBe("done");
    await ending;
    expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(140);
  });

  it("is not kept up by calls that come after the end has begun", async () => {
    const { drain, slow, ask } = await draining({ ...quick, drainMs: 10_000 });
    const first = ask("/slow");
    await until("it is under way", () => slow.length === 1);
    const ending = drain.end();
    const second = ask("/slow");
    await until("a second one is under way", () => slow.length === 2);
    slow[0]?.end("first");
    await first;
    await until("the port is closed", () => !server.listening);
    slow[1]?.end("second");
    expect((await second).text).toBe("second");
    await ending;
  });

  it("cuts what is still under way when its time is over", async () => {
    const { drain, slow, ask } = await draining();
    const never = ask("/slow");
    await until("it is under way", () => slow.length === 1);
    const startedAtMs = performance.now();
    const outcome = never.catch(() => "cut");
    await drain.end();
    expect(await outcome).toBe("cut");
    expect(performance.now() - startedAtMs).toBeLessThan(1_500);
  });

  it("closes a connection whose answer had begun before the end did", async () => {
    const { drain, slow, ask } = await draining({ ...quick, drainMs: 10_000 });
    const first = ask("/slow");
    await until("it is under way", () => slow.length === 1);
    slow[0]?.write("begun, ");
    const ending = drain.end();
    slow[0]?.end("and ended");
    expect(await first).toMatchObject({ text: "begun, and ended", connection: "keep-alive" });
    await ending;
  });

  it("ends once, however often it is told", async () => {
    const { drain } = await draining();
    expect(drain.end()).toBe(drain.end());
    await drain.end();
  });
});
