import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BridgeProcess, bridgeProcess } from "./bridgeProcess.ts";
import { freePorts } from "./childProcess.ts";
import { cut, type Fault, handOn, handOnHalf, hasBody, passBackHalf } from "./faults.ts";
import { type FaultProxy, faultProxy } from "./faultsProxy.ts";
import { inParallel, type OpenEditor, openAndLock, type SaveScenario } from "./faultsScenarios.ts";
import { type TestBridge, type TestBridgeOptions, testBridge } from "./testBridge.ts";
import { until } from "./until.ts";

/** How far a call of the bridge has come when the bridge is killed. */
const moments = [
  "has not reached the drive",
  "is half in the drive",
  "is in the drive",
  "is answered by the drive",
  "is half answered to the bridge",
] as const;
export type Moment = (typeof moments)[number];

export function momentsOf(shape: string): readonly Moment[] {
  return moments.filter((moment) => moment !== "is half in the drive" || hasBody(shape));
}

/** A call that comes as far as it should and then stands still, until the bridge is gone. */
export interface Stall {
  readonly fault: Fault;
  readonly isReached: () => boolean;
  end(): void;
}

export function stallAt(moment: Moment): Stall {
  let isReached = false;
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return {
    isReached: () => isReached,
    end: () => end(),
    fault: {
      name: moment,
      play: async (call) => {
        if (moment === "is half in the drive") await handOnHalf(call);
        if (moment === "is in the drive") void handOn(call).catch(() => undefined);
        if (moment === "is answered by the drive") await handOn(call);
        if (moment === "is half answered to the bridge") await passBackHalf(call, await handOn(call));
        isReached = true;
        await ended;
        cut(call);
      },
    },
  };
}

/** A bridge as a process of its own that can be killed, behind a proxy, on a drive that goes on. */
export interface KillStage {
  /** Only its drive is used. */
  readonly beside: TestBridge;
  readonly proxy: FaultProxy;
  readonly bridge: BridgeProcess;
  /** @returns how many saves lie in the spool */
  waiting(): Promise<number>;
  /** Waits until the replay has placed everything. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export async function killStage(options: TestBridgeOptions = {}): Promise<KillStage> {
  const beside = await testBridge({ ...options, settings: { STORE_URL: "memory:" } });
  const proxy = await faultProxy(beside.drive.url);
  const dir = await mkdtemp(join(tmpdir(), "bridge-kill-"));
  const [port = 0] = await freePorts(1);
  const bridge = await bridgeProcess(proxy.url, dir, port, { PROOF_KEYS: "off" });
  const waiting = async (): Promise<number> => {
    const names = await readdir(join(dir, "spool"));
    return names.filter((name) => name.endsWith(".save")).length;
  };
  return {
    beside,
    proxy,
    bridge,
    waiting,
    settled: () => until("all saves of the spool are placed", async () => (await waiting()) === 0, 30_000),
    close: async () => {
      await bridge.kill();
      await proxy.close();
      await beside.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** A document with an editor that is about to save. */
interface Opened {
  readonly stem: string;
  readonly text: string;
  readonly editor: OpenEditor;
}

/** Makes documents and opens them, all at the point where the scenario's save comes next. */
export async function openAll(stage: KillStage, scenario: SaveScenario, stems: readonly string[]): Promise<Opened[]> {
  const opened: Opened[] = [];
  await inParallel([...stems.entries()], 4, async ([index, stem]) => {
    await stage.beside.alice.put(`${stem}.docx`, "before");
    const editor = await openAndLock(stage.bridge, `${stem}.docx`, scenario);
    opened[index] = { stem, text: scenario.text(index), editor };
  });
  const paths = stems.map((stem) => `${stem}.docx`);
  await scenario.allOpen?.(stage.beside, paths, []);
  return opened;
}
