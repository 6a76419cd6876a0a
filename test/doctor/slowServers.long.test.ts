import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";
import { DoctorRuns } from "../../src/doctor/doctorRuns.ts";
import { examine } from "../../src/doctor/examine.ts";

const head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n";

/** Sends the start of an answer at once, and then a byte a second. */
const dripping = (start: string) => (socket: Socket) => {
  socket.once("data", () => {
    socket.write(start);
    const drip = setInterval(() => socket.write("x"), 1_000);
    socket.once("close", () => clearInterval(drip));
  });
};

let dir: string;
const servers: Server[] = [];
async function serverThat(behaves: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    behaves(socket);
  }).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "slow-servers-"));
});
afterAll(async () => {
  for (const server of servers) server.close();
  await rm(dir, { recursive: true, force: true });
});

describe("the doctor ends within five seconds", () => {
  it.each([
    ["swallows what it gets", (socket: Socket) => void socket.resume()],
    ["answers a byte a second", dripping(head)],
    ["sends its headers a byte a second", dripping("HTTP/1.1 200")],
  ])("when everything leads to a server that %s", async (_what, behaves) => {
    const host = await serverThat(behaves);
    const url = `http://${host}`;
    const config = readConfig({
      BRIDGE_URL: url,
      WOPI_URL: url,
      CLOUDREVE_URL: url,
      CLOUDREVE_PUBLIC_URL: `${url}/cloud`,
      EDITOR_CLOUDREVE_URL: url,
      CLOUDREVE_EMAIL: "portal@example.com",
      CLOUDREVE_PASSWORD: "a password",
      DISCOVERY_URLS: `${url}/hosting/discovery`,
      GETFILE_OFFLOAD: "nginx",
      PORTAL_KEYS: "intranet:a-long-key",
      PORTAL_WEBHOOKS: `intranet ${url}/hook whsec_${"A".repeat(32)}`,
      STORE_URL: `redis://${host}`,
      SPOOL_DIR: dir,
      SECRET: "s".repeat(32),
      PORT: "0",
    });
    const sinceMs = performance.now();
    const runs = new DoctorRuns(config, Date.now);
    const first = runs.run();
    expect(runs.run()).toBe(first);
    const findings = await examine(config);
    await first;
    expect(runs.state()).toEqual({ runningSinceMs: undefined, last: expect.objectContaining({}) });
    expect(performance.now() - sinceMs).toBeLessThan(6_500);
    expect(findings.filter(({ outcome }) => outcome === "failed").length).toBeGreaterThan(4);
    // What does not answer is not what anybody is told to set.
    for (const { change = "" } of findings) expect(change).not.toContain(url);
  });
});
