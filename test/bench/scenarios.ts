import { Agent, request as send } from "node:http";
import { connect, type Socket } from "node:net";
import { type Call, type JobResult, median, quantile } from "./load.ts";
import { type Memory, watchingMemory } from "./measure.ts";
import { lockOrFail } from "./operations.ts";
import { seedPages } from "./seededPages.ts";
import { countTo, forAll, type OpenPage, type Stage } from "./stage.ts";

/** How long /healthz took: what the event loop makes everybody wait. */
interface HealthFigures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

interface ScenarioPart {
  readonly name: string;
  readonly calls: number;
  readonly failed: Readonly<Record<string, number>>;
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly cpuMsPerCall: number;
  readonly memory: Memory;
  readonly health: HealthFigures;
}

export interface ScenarioFigures {
  readonly scenario: string;
  readonly drive: Stage["kind"];
  readonly parts: readonly ScenarioPart[];
  /** Sentences that no column holds. */
  readonly facts?: readonly string[];
}

const megabyte = 1024 * 1024;
const lockId = "bench-lock";
const askEveryMs = 25;
/** What is collected late is no growth. */
const settleMs = 2_000;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Everybody saves at the same moment; twice, as only the second time shows whether memory grows. */
export async function savesAtOnce(stage: Stage, editors: number): Promise<ScenarioFigures> {
  const opened = await forAll(countTo(editors), async (index) => {
    const editor = await stage.open(await stage.document(`at-once-${index}`, 1024));
    await lockOrFail(editor);
    await editor.get();
    return editor;
  });
  const workers = opened.map((editor): Call[] => [
    {
      method: "POST",
      url: editor.address("/contents"),
      headers: { "X-WOPI-Override": "PUT", "X-WOPI-Lock": lockId },
      bodyBytes: megabyte,
      expect: 200,
    },
  ]);
  const parts: ScenarioPart[] = [];
  for (const name of ["first time", "second time"]) {
    parts.push(await part(stage, name, () => stage.load.ask<JobResult>({ workers, durationMs: 0 })));
  }
  await forAll(opened, (editor) => editor.unlock(lockId));
  return { scenario: `${editors} editors save 1 MB at once`, drive: stage.kind, parts };
}

/**
 * Ten minutes in which each document's lock is refreshed every quarter of an hour, pressed into some seconds; in
 * thirds, as the last must look like the first.
 */
export async function openDocuments(stage: Stage, documents: number, seconds: number): Promise<ScenarioFigures> {
  const opened = await forAll(countTo(documents), async (index) => {
    const editor = await stage.open(await stage.document(`open-all-${index}`, 1024));
    await lockOrFail(editor);
    return editor;
  });
  const refreshed = Math.round((documents * 10) / 15);
  const parts: ScenarioPart[] = [];
  for (const third of [0, 1, 2]) {
    const due = opened.slice(Math.floor((refreshed * third) / 3), Math.floor((refreshed * (third + 1)) / 3));
    const workers = due.map((editor): Call[] => [
      {
        method: "POST",
        url: editor.address(),
        headers: { "X-WOPI-Override": "REFRESH_LOCK", "X-WOPI-Lock": lockId },
        expect: 200,
      },
    ]);
    const job = { workers, durationMs: (seconds * 1000) / 3, paced: true };
    parts.push(await part(stage, `third ${third + 1}`, () => stage.load.ask<JobResult>(job), 0));
  }
  return {
    scenario: `${documents} open documents, 10 minutes of lock refreshes in ${seconds} s`,
    drive: stage.kind,
    parts,
  };
}

/** An open page that faces its person asks this often, and its editor refreshes its lock. @see rules.ts, pollInMs */
const statusEveryMs = 10_000;
const refreshEveryMs = 15 * 60_000;
/** Through the bridge: their locks are refreshed. The others are written to its store, and only their pages ask. */
const openedAtMost = 300;

/**
 * All of them with their pages in sight and nobody typing, at the rates of real life: what a bridge does for documents
 * that are only open.
 */
export async function openPages(stage: Stage, documents: number, seconds: number): Promise<ScenarioFigures> {
  const emptyMib = stage.bridge.residentBytes() / megabyte;
  const opened = await forAll(countTo(Math.min(documents, openedAtMost)), async (index) => {
    const page = await stage.openPage(await stage.document(`page-${index}`, 1024));
    await lockOrFail(page.editor);
    return page;
  });
  const pages = [
    ...opened.map(({ address }) => address),
    ...(await seedPages(stage.storeFile, documents - opened.length)).map((key) => `${stage.bridgeUrl}/edit/${key}`),
  ];
  const status = (page: string): Call => ({ method: "GET", url: `${page}/status`, headers: {}, expect: 200 });
  const refresh = ({ editor }: OpenPage): Call => ({
    method: "POST",
    url: editor.address(),
    headers: { "X-WOPI-Override": "REFRESH_LOCK", "X-WOPI-Lock": lockId },
    expect: 200,
  });
  const idle = (durationMs: number) => {
    const rounds = countTo(Math.round(durationMs / statusEveryMs));
    const asks = rounds.flatMap(() => pages.map((page) => [status(page)]));
    const refreshes = countTo(Math.round((documents * durationMs) / refreshEveryMs));
    const apart = Math.max(1, Math.floor(asks.length / Math.max(1, refreshes.length)));
    for (const index of refreshes) {
      const page = opened[index % opened.length];
      if (page !== undefined) asks.splice(index * (apart + 1), 0, [refresh(page)]);
    }
    return () => stage.load.ask<JobResult>({ workers: asks, durationMs, paced: true });
  };
  // Each page's first call is recorded: that is of opening.
  await idle(statusEveryMs)();
  const parts = [await part(stage, "open", idle(seconds * 1000), 0)];
  const [{ calls, cpuMsPerCall, elapsedMs } = { calls: 0, cpuMsPerCall: 0, elapsedMs: 1 }] = parts;
  const mib = stage.bridge.residentBytes() / megabyte;
  const facts = [
    `${fine((calls * cpuMsPerCall * 100) / elapsedMs)} % of a core`,
    `memory ${fine(emptyMib)} MB empty, ${fine(mib)} MB with all: ${fine(((mib - emptyMib) * 1024) / documents)} KB each`,
    `store ${fine(stage.storeBytes() / megabyte)} MB: ${fine(stage.storeBytes() / 1024 / documents)} KB each`,
  ];
  return { scenario: `${documents} open documents, their pages in sight`, drive: stage.kind, parts, facts };
}

const fine = (value: number): string => value.toFixed(value < 10 ? 2 : 0);

export const stalledName = "saves beside 300 downloads that nobody reads";

/** A guest asks for a large document again and again and reads none of it, while others save. */
export async function savesBesideStalled(stage: Stage, seconds: number): Promise<ScenarioFigures> {
  const editors = await forAll(countTo(2), async (index) => {
    const editor = await stage.open(await stage.document(`beside-${index}`, 1024), { id: `p${index}`, name: "Editor" });
    await lockOrFail(editor);
    await editor.get();
    return editor;
  });
  const workers = editors.map((editor): Call[] => [
    {
      method: "POST",
      url: editor.address("/contents"),
      headers: { "X-WOPI-Override": "PUT", "X-WOPI-Lock": lockId },
      bodyBytes: 100 * 1024,
      expect: 200,
    },
  ]);
  const saves = () => stage.load.ask<JobResult>({ workers, durationMs: seconds * 1000 });
  await saves();
  const parts = [await part(stage, "idle", saves, 0)];
  const large = await stage.document("stalled", 16 * megabyte);
  const guest = await stage.open(large, { id: "guest", name: "Guest" });
  const stalled = await forAll(countTo(300), () => stalledDownload(guest.address("/contents")));
  parts.push(await part(stage, "stalled", saves, 0));
  for (const socket of stalled) socket.destroy();
  await pause(settleMs);
  parts.push(await part(stage, "idle again", saves, 0));
  await forAll(editors, (editor) => editor.unlock(lockId));
  return { scenario: stalledName, drive: stage.kind, parts };
}

/** @returns the connection once its answer has begun, or when none comes; it is read no further */
function stalledDownload(address: string): Promise<Socket> {
  const { hostname, port, pathname, search, host } = new URL(address);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    });
    const begun = (): void => {
      socket.pause();
      resolve(socket);
    };
    // One that is cut meanwhile is none any more.
    socket.on("error", begun);
    socket.once("data", begun);
    setTimeout(begun, 1_000);
  });
}

async function part(
  stage: Stage,
  name: string,
  work: () => Promise<JobResult>,
  settlingMs = settleMs,
): Promise<ScenarioPart> {
  const health = askHealth(stage.bridgeUrl);
  const cpuBeforeMs = stage.bridge.cpuMs();
  let cpuMs = 0;
  let figures: HealthFigures = { p50Ms: 0, p99Ms: 0, maxMs: 0 };
  const { done, memory } = await watchingMemory(stage.bridge, async () => {
    const result = await work();
    cpuMs = stage.bridge.cpuMs() - cpuBeforeMs;
    figures = await health.stop();
    await pause(settlingMs);
    return result;
  });
  return {
    name,
    calls: done.calls,
    failed: done.failed,
    elapsedMs: done.elapsedMs,
    p50Ms: median(done.latenciesMs),
    p95Ms: quantile(done.latenciesMs, 0.95),
    p99Ms: quantile(done.latenciesMs, 0.99),
    maxMs: quantile(done.latenciesMs, 1),
    cpuMsPerCall: cpuMs / done.calls,
    memory,
    health: figures,
  };
}

/** Asks for /healthz again and again, on one connection. */
function askHealth(bridgeUrl: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const latenciesMs: number[] = [];
  let isStopped = false;
  const ask = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const startedAt = performance.now();
      const asked = send(`${bridgeUrl}/healthz`, { agent }, (answer) => {
        answer.resume();
        answer.once("end", () => {
          latenciesMs.push(performance.now() - startedAt);
          resolve();
        });
      });
      asked.once("error", reject);
      asked.end();
    });
  const asking = (async () => {
    while (!isStopped) {
      await ask();
      await pause(askEveryMs);
    }
  })();
  // Told where it is waited for.
  asking.catch(() => undefined);
  return {
    stop: async (): Promise<HealthFigures> => {
      isStopped = true;
      await asking;
      agent.destroy();
      return {
        p50Ms: median(latenciesMs),
        p99Ms: quantile(latenciesMs, 0.99),
        maxMs: Math.max(...latenciesMs),
      };
    },
  };
}
