import { randomBytes } from "node:crypto";
import { Agent, request as send } from "node:http";
import type { Call, Job, JobResult } from "./load.ts";

// The load generator: takes one job at a time, so that its own work is on no other process's account.
const largestBodyBytes = 64 * 1024 * 1024;
const headBytes = 32;
/** As an office document begins: anything else over one makes the bridge look at what is stored. */
const zipMark = Buffer.from("PK\u0003\u0004", "latin1");
const rest = randomBytes(1024 * 1024);
const filler = Buffer.alloc(largestBodyBytes);
for (let at = 0; at < largestBodyBytes; at += rest.length) rest.copy(filler, at);

interface Counted {
  readonly failed: Record<string, number>;
  readonly latenciesMs: number[];
  bytes: number;
}

async function run({ workers, durationMs, paced }: Job): Promise<JobResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: workers.length });
  const counted: Counted = { failed: {}, latenciesMs: [], bytes: 0 };
  const startedAt = performance.now();
  await Promise.all(
    workers.map(async (cycle, index) => {
      if (paced) await new Promise((resolve) => setTimeout(resolve, (durationMs * index) / workers.length));
      do {
        for (const call of cycle) await make(agent, call, counted);
      } while (!paced && performance.now() - startedAt < durationMs);
    }),
  );
  const elapsedMs = performance.now() - startedAt;
  agent.destroy();
  return { calls: counted.latenciesMs.length, elapsedMs, ...counted };
}

function make(agent: Agent, call: Call, counted: Counted): Promise<void> {
  return new Promise((resolve) => {
    const startedAt = performance.now();
    let bytes = call.bodyBytes ?? 0;
    const settle = (failure: string | undefined): void => {
      counted.latenciesMs.push(performance.now() - startedAt);
      counted.bytes += bytes;
      if (failure !== undefined) counted.failed[failure] = (counted.failed[failure] ?? 0) + 1;
      resolve();
    };
    const length = call.bodyBytes ?? Buffer.byteLength(call.text ?? "");
    const outgoing = send(
      call.url,
      {
        method: call.method,
        agent,
        headers: { ...call.headers, ...(call.method === "GET" ? {} : { "Content-Length": String(length) }) },
      },
      (answer) => {
        answer.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
        });
        answer.once("error", () => undefined);
        answer.once("close", () => {
          const isWhole = answer.complete;
          settle(
            isWhole && answer.statusCode === call.expect ? undefined : `${isWhole ? "" : "cut "}${answer.statusCode}`,
          );
        });
      },
    );
    outgoing.once("error", (error: NodeJS.ErrnoException) => settle(error.code ?? "failed"));
    if (call.bodyBytes === undefined) {
      outgoing.end(call.text);
    } else {
      outgoing.write(Buffer.concat([zipMark, randomBytes(headBytes - zipMark.length)]));
      outgoing.end(filler.subarray(0, call.bodyBytes - headBytes));
    }
  });
}

process.on("message", (job) => {
  void run(job as Job).then((result) => process.send?.(result));
});
process.stdout.write("ready\n");
