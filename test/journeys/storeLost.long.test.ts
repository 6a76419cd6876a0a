import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freePorts } from "../support/childProcess.ts";
import { drivePassword, portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { until } from "../support/until.ts";
import { sessionSchema, type WopiClient, wopiClient } from "../support/wopiClient.ts";

let bridge: TestBridge;
beforeEach(async () => {
  bridge = await testBridge({ store: "file" });
});
afterEach(() => bridge.close());

/** Every call that an editor makes. */
function everyCall(editor: WopiClient): Promise<number[]> {
  const calls = [
    editor.check(),
    editor.get(),
    editor.lock("one"),
    editor.lock("another"),
    editor.refresh("one"),
    editor.getLock(),
    editor.put("meanwhile", "one"),
    editor.unlock("one"),
  ];
  return Promise.all(calls.map(async (call) => (await call).status));
}

describe("a store file that is lost under editing", () => {
  it("makes every call fail until it is back, and then editing goes on where it was", async () => {
    await bridge.alice.put("Report.docx", "before");
    const editor = await bridge.open("Report.docx");
    await editor.get();
    await editor.lock("one");
    const path = join(bridge.dir, "bridge.db");
    await rename(path, `${path}.away`);
    // The store looks for its file every so often, by the bridge's clock.
    bridge.clock.advance(5_000);
    expect((await editor.getLock()).status).toBe(503);
    expect(new Set(await everyCall(editor))).toEqual(new Set([503]));
    const ready = await fetch(`${bridge.url}/readyz`);
    expect([ready.status, (await ready.json()) as unknown]).toMatchObject([503, { store: false, spool: true }]);
    expect(await bridge.alice.read("Report.docx")).toBe("before");

    await rename(`${path}.away`, path);
    expect((await editor.getLock()).header("X-WOPI-Lock")).toBe("one");
    expect((await editor.put("afterwards", "one")).status).toBe(200);
    expect((await editor.unlock("one")).status).toBe(200);
    expect(await bridge.alice.read("Report.docx")).toBe("afterwards");
  });

  it("and never comes back ends all sessions; who opens anew loads what was saved, once the drive's lock is gone", async () => {
    await bridge.alice.put("Report.docx", "before");
    const editor = await bridge.open("Report.docx");
    await editor.get();
    await editor.lock("one");
    expect((await editor.put("saved", "one")).status).toBe(200);
    const path = join(bridge.dir, "bridge.db");
    for (const name of [path, `${path}-wal`, `${path}-shm`]) await rm(name, { force: true });
    await bridge.restart();
    expect(new Set(await everyCall(editor))).toEqual(new Set([401]));

    const anew = await bridge.open("Report.docx");
    expect((await anew.get()).text).toBe("saved");
    // The lock in the drive is nobody's now: it keeps everybody off until it runs out there.
    const refused = await anew.lock("two");
    expect([refused.status, refused.header("X-WOPI-LockedByOtherInterface")]).toEqual([409, "true"]);
    bridge.clock.advance(31 * 60_000);
    expect((await anew.lock("two")).status).toBe(200);
    expect((await anew.put("and on", "two")).status).toBe(200);
    expect(await bridge.alice.read("Report.docx")).toBe("and on");
  });
});

describe("a bridge whose spool disk is full", () => {
  /** A bridge that can write no file beyond 32 KB: the shell's limit stands for the end of the disk. */
  async function withoutDisk(dir: string) {
    const [port = 0] = await freePorts(1);
    const url = `http://127.0.0.1:${port}`;
    const command = `trap "" XFSZ; ulimit -f 64; exec "$@"`;
    const child = spawn("sh", ["-c", command, "sh", process.execPath, "--import", "tsx", "src/main.ts"], {
      env: {
        PATH: process.env["PATH"] ?? "",
        // What tsx keeps of its work would be cut off too.
        TSX_DISABLE_CACHE: "1",
        TMPDIR: dir,
        BRIDGE_URL: url,
        PORT: String(port),
        CLOUDREVE_URL: bridge.drive.url,
        CLOUDREVE_EMAIL: "alice@example.com",
        CLOUDREVE_PASSWORD: drivePassword,
        SECRET: "a secret of at least thirty-two bytes",
        STORE_URL: "memory:",
        SPOOL_DIR: join(dir, "spool"),
        PORTAL_KEYS: `test:${portalKey}`,
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    let output = "";
    child.stdout?.on("data", (chunk) => {
      output += String(chunk);
    });
    await until("it listens", () => output.includes("listening on"), 30_000);
    return {
      url,
      open: async (name: string) => {
        const answered = await fetch(`${url}/api/sessions`, {
          method: "POST",
          headers: { Authorization: `Bearer ${portalKey}`, "Content-Type": "application/json" },
          body: JSON.stringify({ uri: `cloudreve://my/${name}`, action: "edit" }),
        });
        return wopiClient(sessionSchema.parse(await answered.json()));
      },
      end: async () => {
        child.kill("SIGKILL");
        await exited;
      },
    };
  }

  it("says so, takes saves that fit into memory, and refuses larger ones while the editor still has them", async () => {
    const dir = await mkdtemp(join(tmpdir(), "full-disk-"));
    await mkdir(join(dir, "spool"));
    const full = await withoutDisk(dir);
    try {
      const ready = await fetch(`${full.url}/readyz`);
      expect([ready.status, (await ready.json()) as unknown]).toMatchObject([200, { store: true, spool: false }]);
      await bridge.alice.put("Report.docx", "before");
      const editor = await full.open("Report.docx");
      expect((await editor.get()).text).toBe("before");
      expect((await editor.lock("one")).status).toBe(200);
      const small = "s".repeat(500_000);
      expect((await editor.put(small, "one")).status).toBe(200);
      expect(await bridge.alice.read("Report.docx")).toBe(small);
      expect((await editor.put("l".repeat(2_000_000), "one")).status).toBe(500);
      expect(await bridge.alice.read("Report.docx")).toBe(small);
      expect(await readdir(join(dir, "spool"))).toEqual([]);
      // The editor goes on, and so does the lock.
      expect((await editor.put("smaller again", "one")).status).toBe(200);
      expect((await editor.unlock("one")).status).toBe(200);
    } finally {
      await full.end();
      await rm(dir, { recursive: true, force: true });
    }
  });
});
