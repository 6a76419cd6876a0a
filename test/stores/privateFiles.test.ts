import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSqliteStore } from "../../src/stores/sqliteStore.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";

let dir: string;
let umask: number;

beforeEach(async () => {
  // Whatever the machine's own is: the bridge must not depend on it.
  umask = process.umask(0);
  dir = await mkdtemp(join(tmpdir(), "private-"));
});
afterEach(async () => {
  process.umask(umask);
  await rm(dir, { recursive: true, force: true });
});

/** Every file and folder below, with the folder itself, as `mode name`. */
async function modesBelow(folder: string): Promise<string[]> {
  const names = ["", ...(await readdir(folder, { recursive: true }))];
  const found = await Promise.all(names.map(async (name) => ({ name, at: await stat(join(folder, name)) })));
  return found.map(
    ({ name, at }) => `${at.isDirectory() ? "folder" : "file"} ${(at.mode & 0o7777).toString(8)} ${name}`,
  );
}

const open = (lines: readonly string[]) => lines.filter((line) => !/^(file 600|folder 700) /.test(line));

describe("what the bridge keeps on the disk", () => {
  it("is for nobody else on the machine: store and spool, while they are in use", async () => {
    const settings = { STORE_URL: `file:${join(dir, "data", "bridge.db")}`, SPOOL_DIR: join(dir, "data", "spool") };
    const bridge = await testBridge({ settings });
    await keptSave(bridge);
    const lines = await modesBelow(join(dir, "data"));
    expect(lines.map((line) => line.split(" ")[2])).toEqual(
      expect.arrayContaining(["bridge.db", "bridge.db-wal", "bridge.db-shm", "spool"]),
    );
    expect(lines.filter((line) => line.includes("spool/"))).not.toEqual([]);
    expect(open(lines)).toEqual([]);
    await bridge.close();
  });

  it("is closed to others at start, where an earlier bridge has left it open", async () => {
    const data = join(dir, "data");
    const settings = { STORE_URL: `file:${join(data, "bridge.db")}`, SPOOL_DIR: join(data, "spool") };
    const bridge = await testBridge({ settings });
    await keptSave(bridge);
    for (const name of ["", ...(await readdir(data, { recursive: true }))]) {
      const isFolder = (await stat(join(data, name))).isDirectory();
      await chmod(join(data, name), isFolder ? 0o755 : 0o644);
    }
    await bridge.restart();
    expect(open(await modesBelow(data))).toEqual([]);
    await bridge.close();
  });

  it("leaves a folder alone that is everybody's, or holds the program", async () => {
    const everybodys = join(dir, "tmp");
    await mkdir(everybodys);
    await chmod(everybodys, 0o1777);
    await openSqliteStore(join(everybodys, "bridge.db"), Date.now).close();
    expect((await stat(everybodys)).mode & 0o7777).toBe(0o1777);
    const file = join(process.cwd(), `.private-files-${process.pid}.db`);
    const before = (await stat(process.cwd())).mode;
    try {
      await writeFile(file, "", { mode: 0o644 });
      await openSqliteStore(file, Date.now).close();
      expect((await stat(process.cwd())).mode).toBe(before);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    } finally {
      for (const name of [file, `${file}-wal`, `${file}-shm`]) await rm(name, { force: true });
    }
  });
});

/** A save that waits in the spool, since the drive is away. */
async function keptSave(bridge: TestBridge): Promise<void> {
  await bridge.alice.put("plan.txt", "first");
  const editor = await bridge.open("plan.txt");
  await editor.get();
  await editor.lock("lock-1");
  await bridge.stopDrive();
  await editor.put("second", "lock-1");
}
