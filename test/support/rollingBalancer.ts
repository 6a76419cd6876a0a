import { Agent, createServer, type IncomingMessage, type ServerResponse, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** What stands before several bridges: takes turns among those that say they are ready. */
export interface Balancer {
  readonly url: string;
  isReady(port: number): boolean;
  /** How many calls met a closed port or a connection that broke off, whether another bridge took them or not. */
  misses(): number;
  close(): Promise<void>;
}

interface Upstream {
  readonly port: number;
  readonly agent: Agent;
  isReady: boolean;
}

const askEveryMs = 250;
const answerWithinMs = 2_000;

/**
 * As common balancers do: a bridge that is not ready gets no calls, unless none is; another one is tried only when the
 * first refused the connection, or no byte of its answer came and the call changes nothing. What fails then ends the
 * caller's connection, so that every status a caller sees is a bridge's own.
 */
export async function balancer(ports: readonly number[], listenOn: number): Promise<Balancer> {
  const upstreams: Upstream[] = ports.map((port) => ({ port, agent: new Agent({ keepAlive: true }), isReady: false }));
  let turn = 0;
  let misses = 0;
  const run = (): Upstream[] => {
    turn++;
    const ready = upstreams.filter(({ isReady }) => isReady);
    const asked = ready.length === 0 ? upstreams : ready;
    const first = turn % asked.length;
    return [...asked.slice(first), ...asked.slice(0, first)];
  };
  const server = createServer(async (request, response) => {
    try {
      const body = await buffer(request);
      for (const upstream of run()) {
        const outcome = await forward(upstream, request, body, response);
        if (outcome === "answered") return;
        misses++;
        if (outcome === "refused") upstream.isReady = false;
        else if (request.method !== "GET") break;
      }
      response.destroy();
    } catch {
      response.destroy();
    }
  });
  server.requestTimeout = 0;
  const ask = async (upstream: Upstream): Promise<void> => {
    try {
      const signal = AbortSignal.timeout(answerWithinMs);
      upstream.isReady = (await statusOf(upstream.port, signal)) === 200;
    } catch {
      upstream.isReady = false;
    }
  };
  const asking = setInterval(() => void Promise.all(upstreams.map(ask)), askEveryMs);
  await new Promise<void>((resolve) => server.listen(listenOn, "127.0.0.1", resolve));
  return {
    misses: () => misses,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    isReady: (port) => upstreams.some((upstream) => upstream.port === port && upstream.isReady),
    close: async () => {
      clearInterval(asking);
      for (const { agent } of upstreams) agent.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function statusOf(port: number, signal: AbortSignal): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = send({ port, host: "127.0.0.1", path: "/readyz", agent: false, signal }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.on("error", reject).end();
  });
}

/** @returns "failed" when no byte of an answer came; one that breaks off breaks off at the caller's too */
function forward(
  { port, agent }: Upstream,
  request: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): Promise<"answered" | "refused" | "failed"> {
  return new Promise((resolve) => {
    const { connection: _ours, "transfer-encoding": _chunked, ...headers } = request.headers;
    const onward = send({
      host: "127.0.0.1",
      port,
      agent,
      method: request.method,
      path: request.url,
      headers: { ...headers, "content-length": String(body.length) },
    });
    onward.on("response", (answer) => {
      const { connection: _its, "keep-alive": _hint, ...answered } = answer.headers;
      response.writeHead(answer.statusCode ?? 502, answered);
      answer.on("error", () => response.destroy());
      answer.pipe(response);
      resolve("answered");
    });
    onward.on("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED" ? "refused" : "failed"));
    onward.end(body);
  });
}
