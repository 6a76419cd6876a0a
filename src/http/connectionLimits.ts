import { createServer, type RequestListener, type Server } from "node:http";

const usualLimits = {
  /** In total. An editor's server needs one connection per open call, a browser six. */
  connections: 4_000,
  /** From here on, idle connections are closed to make room for new ones. */
  crowdedAt: 3_000,
  /** A request's headers must arrive within this time, also on a new connection. */
  headersWithinMs: 20_000,
  lookEveryMs: 5_000,
};
export type ConnectionLimits = typeof usualLimits;

/** Longest silence on a connection, in both directions; the bridge may be placing a large save. */
const idleConnectionMs = 120_000;
/** Longer than proxies keep connections, so that the bridge never closes one a proxy is about to use. */
const keepAliveMs = 130_000;

/**
 * A server with limits on its connections. There is no limit per address: behind a proxy, all connections come from
 * one. `requireMovement` checks how fast a body moves.
 */
export function boundedServer(app: RequestListener, limits: Partial<ConnectionLimits> = {}): Server {
  const { connections, crowdedAt, headersWithinMs, lookEveryMs } = { ...usualLimits, ...limits };
  const server = createServer(
    {
      headersTimeout: headersWithinMs,
      connectionsCheckingInterval: lookEveryMs,
      // A large save over a slow line is fine as long as it makes progress.
      requestTimeout: 0,
      keepAliveTimeout: keepAliveMs,
    },
    app,
  );
  server.setTimeout(idleConnectionMs);
  server.maxConnections = connections;
  let open = 0;
  let isTidying = false;
  server.on("connection", (socket) => {
    open++;
    socket.once("close", () => open--);
    if (open < crowdedAt || isTidying) return;
    // It goes through all connections, so run it once for many that arrive together.
    isTidying = true;
    setTimeout(() => {
      isTidying = false;
      server.closeIdleConnections();
    }, 100);
  });
  return server;
}
