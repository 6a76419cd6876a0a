import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, statfsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { linkOwner } from "../support/linkOwner.ts";
import { type RawConnection, rawConnection, rawStatus } from "../support/rawHttp.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { until } from "../support/until.ts";
import { editorForm, webPerson } from "../support/webPerson.ts";
import { type WopiClient, wopiOfForm } from "../support/wopiClient.ts";

const mebibyte = 1024 * 1024;

/** A disk of 64 MB that holds the bridge's store and its spool. */
let disk: string;
let bridge: TestBridge;

beforeAll(async () => {
  disk = await mkdtemp(join(tmpdir(), "small-disk-"));
  execFileSync("sh", ["-c", `mount -t tmpfs -o size=64m tmpfs "$1"`, "sh", disk]);
});
afterAll(async () => {
  // SQLite lets go of its file only when its statements are collected.
  execFileSync("sh", ["-c", `umount -l "$1"`, "sh", disk]);
  await rm(disk, { recursive: true });
});
beforeEach(async () => {
  bridge = await testBridge({
    settings: { STORE_URL: `file:${join(disk, "bridge.db")}`, SPOOL_DIR: join(disk, "spool") },
  });
});
afterEach(async () => {
  await bridge.close();
  execFileSync("sh", ["-c", `rm -rf "$1"/*`, "sh", disk]);
});

const freeBytes = () => {
  const { bavail, bsize } = statfsSync(disk);
  return bavail * bsize;
};

/** A guest with a link of her own and nothing but a socket. */
async function guest(name: string): Promise<() => Promise<WopiClient>> {
  const owner = await linkOwner(bridge);
  await bridge.alice.put(name, "before");
  const url = await owner.makeLink((await bridge.alice.info(name)).id);
  return async () => {
    const person = webPerson(bridge.url);
    return wopiOfForm(editorForm(await person.follow(await person.post(url, { name: "Mallory" }))));
  };
}

async function halfSent(client: WopiClient, length: number | undefined, sentBytes: number): Promise<RawConnection> {
  const { pathname, search } = new URL(client.address("/contents"));
  const connection = await rawConnection(bridge.url);
  const framing = length === undefined ? "Transfer-Encoding: chunked" : `Content-Length: ${length}`;
  connection.socket.write(
    [`POST ${pathname}${search} HTTP/1.1`, "Host: bridge", "X-WOPI-Override: PUT", framing, "", ""].join("\r\n"),
  );
  const chunk = Buffer.alloc(64 * 1024);
  for (let sent = 0; sent < sentBytes; sent += chunk.length) {
    if (length === undefined) connection.socket.write("10000\r\n");
    connection.socket.write(chunk);
    if (length === undefined) connection.socket.write("\r\n");
  }
  return connection;
}

describe("a disk of 64 MB for store and spool", () => {
  it.each([
    ["announced", 13 * mebibyte],
    ["of no announced length", undefined],
  ])("that a guest fills with half-sent bodies %s has room for another's save, and heals", async (_how, length) => {
    const mallory = await guest("Mallory.txt");
    await bridge.alice.put("Report.txt", "before");
    const ann = await bridge.open("Report.txt");
    await ann.get();
    await ann.lock("A");

    const connections: RawConnection[] = [];
    for (let session = 0; session < 6; session++) {
      const client = await mallory();
      for (let i = 0; i < 3; i++) connections.push(await halfSent(client, length, 12 * mebibyte));
    }
    await until("the guest has met her bounds", () => connections.some(({ received }) => received() !== ""));
    await until("what is under way has come", async () => {
      const before = freeBytes();
      await new Promise((resolve) => setTimeout(resolve, 300));
      return freeBytes() === before;
    });
    for (const { received } of connections) expect([0, 503]).toContain(rawStatus(received()));
    // The store has its part of the disk, and so have the others.
    expect(freeBytes()).toBeGreaterThan(8 * mebibyte);
    const bytes = randomBytes(mebibyte + 5);
    expect((await ann.put(bytes, "A")).status).toBe(200);
    expect((await ann.get()).bytes.equals(bytes)).toBe(true);
    expect(await (await fetch(`${bridge.url}/readyz`)).json()).toMatchObject({ store: true });

    for (const { socket } of connections) socket.destroy();
    await until("it is free again", () => readdirSync(join(disk, "spool")).length === 0);
    const large = randomBytes(12 * mebibyte);
    expect((await ann.put(large, "A")).status).toBe(200);
    expect((await ann.get()).bytes.equals(large)).toBe(true);
  });

  it("that something else has filled keeps no bytes from an editor that it could not give back, and heals", async () => {
    await bridge.alice.put("Report.txt", "before");
    const ann = await bridge.open("Report.txt");
    await ann.get();
    await ann.lock("A");
    const filler = join(disk, "filler");
    await writeFile(filler, Buffer.alloc(freeBytes() - 512 * 1024));
    const ready = await fetch(`${bridge.url}/readyz`);
    expect([ready.status, await ready.json()]).toMatchObject([
      200,
      { store: true, spool: false, spool_reason: "full" },
    ]);
    // A small one passes from memory, a larger one stays with the editor; the store goes on.
    expect((await ann.put("small", "A")).status).toBe(200);
    const bytes = randomBytes(3 * mebibyte);
    expect((await ann.put(bytes, "A")).status).toBe(503);
    expect(await bridge.alice.read("Report.txt")).toBe("small");
    expect((await ann.getLock()).header("X-WOPI-Lock")).toBe("A");

    // Now really nothing is left: what can't be noted is not answered as if it were.
    await writeFile(join(disk, "rest"), Buffer.alloc(8 * mebibyte)).catch(() => undefined);
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++) statuses.push((await ann.put(`try ${i}`, "A")).status);
    const last = statuses.lastIndexOf(200);
    expect(await bridge.alice.read("Report.txt")).toBe(last < 0 ? "small" : `try ${last}`);

    await rm(filler);
    await rm(join(disk, "rest"), { force: true });
    expect((await ann.put(bytes, "A")).status).toBe(200);
    expect((await ann.get()).bytes.equals(bytes)).toBe(true);
    expect((await ann.unlock("A")).status).toBe(200);
    expect(await (await fetch(`${bridge.url}/readyz`)).json()).toMatchObject({ store: true, spool: true });
    expect(readdirSync(join(disk, "spool"))).toEqual([]);
  });
});
