import { createServer, type RequestListener, type Server } from "node:http";

const usualLimits = {
  /** In all. One editor's server needs a connection for each call under way, a browser six. */
  connections: 4_000,
  /** From here on connections that are kept between two calls are closed, to leave room for new ones. */
  crowdedAt: 3_000,
  /** The head of a call must be there by then, on a new connection too. */
  headersWithinMs: 20_000,
  lookEveryMs: 5_000,
};
export type ConnectionLimits = typeof usualLimits;

/** Nothing at all is said on a connection for this long, also not by the bridge, which may be placing a large save. */
const idleConnectionMs = 120_000;
/** Longer than proxies keep a connection: whoever closes first must not be the one who is about to be asked. */
const keepAliveMs = 130_000;

/**
 * A server whose connections have bounds. There is none for an address: behind a proxy all come from one.
 * How fast a body must move is `requireMovement`'s matter.
 */
export function boundedServer(app: RequestListener, limits: Partial<ConnectionLimits> = {}): Server {
  const { connections, crowdedAt, headersWithinMs, lookEveryMs } = { ...usualLimits, ...limits };
  const server = createServer(
    {
      headersTimeout: headersWithinMs,
      connectionsCheckingInterval: lookEveryMs,
      // A large save over a slow line is no attack: what counts is that it moves.
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
    // It looks at all of them: once for many that come at the same time.
    isTidying = true;
    setTimeout(() => {
      isTidying = false;
      server.closeIdleConnections();
    }, 100);
  });
  return server;
}
