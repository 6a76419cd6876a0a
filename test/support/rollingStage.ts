import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BridgeProcess, bridgeProcess } from "./bridgeProcess.ts";
import { freePorts } from "./childProcess.ts";
import { storedVersions } from "./faultsDriveFiles.ts";
import { type RedisServer, redisServer } from "./redisServer.ts";
import { type Balancer, balancer } from "./rollingBalancer.ts";
import { headOf, RollingBook, RollingEditor } from "./rollingEditors.ts";
import { type TestBridge, testBridge } from "./testBridge.ts";
import { until } from "./until.ts";

/** Two bridges as processes of their own on one Redis, behind a balancer, with editors at work. */
export interface RollingStage {
  readonly redis: RedisServer;
  readonly bridges: readonly BridgeProcess[];
  readonly editors: readonly RollingEditor[];
  readonly book: RollingBook;
  /** @see Balancer */
  misses(): number;
  /** Stops one and starts it again, as an upgrade does. @returns its exit code */
  roll(bridge: BridgeProcess): Promise<number | null>;
  /** All edit until the work is done; @returns once the last has brought to its end what it had begun */
  editDuring(work: () => Promise<void>): Promise<void>;
  /** Waits for what is still to be placed, then looks at the drive. @returns what is not as it must be */
  verdict(): Promise<string[]>;
  close(): Promise<void>;
}

export async function rollingStage(options: {
  readonly editors: number;
  readonly pauseMs: number;
  readonly random: () => number;
}): Promise<RollingStage> {
  const dir = await mkdtemp(join(tmpdir(), "rolling-"));
  // Only its drive is used, which keeps every version for the verdict.
  const beside: TestBridge = await testBridge({ drive: { now: Date.now, settings: { versionRetention: 100_000 } } });
  const redis = await redisServer({ durable: true });
  const [portA = 0, portB = 0] = await freePorts(2);
  const between: Balancer = await balancer([portA, portB], 0);
  const names = new Map([
    [portA, "spool-a"],
    [portB, "spool-b"],
  ]);
  const ports = new Map<BridgeProcess, number>();
  const bridges = await Promise.all(
    [...names].map(async ([port, spool]) => {
      const settings = { STORE_URL: redis.url, BRIDGE_URL: between.url, SPOOL_DIR: join(dir, spool) };
      const bridge = await bridgeProcess(beside.drive.url, dir, port, settings);
      ports.set(bridge, port);
      return bridge;
    }),
  );
  const isBack = (bridge: BridgeProcess) =>
    until("the balancer takes the bridge for ready", () => between.isReady(ports.get(bridge) ?? 0), 30_000);
  await Promise.all(bridges.map(isBack));

  const rolled = async (bridge: BridgeProcess): Promise<number | null> => {
    const code = await bridge.stop();
    await bridge.start();
    await isBack(bridge);
    return code;
  };

  const book = new RollingBook();
  const { random, pauseMs } = options;
  const editors = Array.from(
    { length: options.editors },
    (_, i) => new RollingEditor({ balancerUrl: between.url, name: `editor${i}`, book, random, pauseMs }),
  );
  for (const editor of editors) {
    await beside.alice.put(editor.path, editor.content);
    await editor.open();
  }

  const waiting = async (): Promise<number> => {
    const folders = await Promise.all([...names.values()].map((name) => readdir(join(dir, name))));
    return folders.flat().filter((name) => name.endsWith(".save")).length;
  };
  return {
    redis,
    bridges,
    editors,
    book,
    misses: between.misses,
    roll: rolled,
    editDuring: async (work) => {
      let isOver = false;
      const editing = editors.map((editor) => editor.edit(() => isOver));
      try {
        await work();
      } finally {
        isOver = true;
      }
      await Promise.all(editing);
    },
    verdict: async () => {
      const wrong = [...book.violations];
      // A replay that has failed often pauses for minutes; one that starts does not.
      if ((await waiting()) > 0) for (const bridge of bridges) await rolled(bridge);
      await until("all saves of the spools are placed", async () => (await waiting()) === 0, 60_000);
      const stored = new Set((await storedVersions(beside)).map(({ name, text }) => `${name} ${headOf(text)}`));
      for (const { path, content, isAcknowledged, acknowledged } of editors) {
        const now = await beside.alice.read(path);
        const isOlder = !isAcknowledged && headOf(now) === acknowledged.at(-1);
        if (now !== content && !isOlder) wrong.push(`${path} holds "${headOf(now)}" and not "${headOf(content)}"`);
        for (const head of acknowledged) {
          if (!stored.has(`${path} ${head}`)) wrong.push(`${path}: "${head}" was acknowledged and is no version`);
        }
      }
      for (const name of (await beside.alice.list()).filter((one) => one.includes("conflict"))) {
        wrong.push(`nobody had a conflict, and there is ${name} with "${headOf(await beside.alice.read(name))}"`);
      }
      return wrong;
    },
    close: async () => {
      await Promise.all(bridges.map((bridge) => bridge.kill()));
      await between.close();
      await beside.close();
      await redis.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
