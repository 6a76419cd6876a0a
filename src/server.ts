import express, { type Express, type NextFunction, type Request, type RequestHandler, type Response } from "express";
import helmet from "helmet";
import { portalApi } from "./api/router.ts";
import { usualStatus } from "./editorPage/pageCalls.ts";
import { buildVersion } from "./http/buildVersion.ts";
import { holdsKey } from "./http/metrics.ts";
import { requireMovement } from "./http/movement.ts";
import { logFailure, logRequests } from "./http/requestLog.ts";
import { hostRouter } from "./pages/router.ts";
import type { Services } from "./services.ts";
import { bootstrapperRouter } from "./wopi/containers/bootstrapper.ts";
import { wopiRouter } from "./wopi/router.ts";

/** Everything that a bridge answers over HTTP: for editors, portals, people and operators. */
export function bridgeServer(services: Services): Express {
  const app = express();
  app
    .disable("x-powered-by")
    .disable("etag")
    .set("trust proxy", services.config.TRUST_PROXY)
    .set("query parser", "simple");
  app.use(usualStatus(services));
  app.use(logRequests(services.logger, (request) => services.metrics.answered(request)));
  app.use(requireMovement());
  app.use((request, response, next) => {
    // Express would turn an address with broken escapes into a server error.
    if (isDecodable(request.path)) next();
    else response.status(404).end();
  });
  // Before anything that reads bodies or adds headers for browsers: editors get the plain protocol.
  app.use("/wopi", wopiRouter(services));
  app.use("/wopibootstrapper", bootstrapperRouter(services));
  // Each page sets its own policies for content and framing; helmet's would block the post to the editor, and portals.
  app.use(
    helmet({
      contentSecurityPolicy: false,
      frameguard: false,
      crossOriginResourcePolicy: false,
      crossOriginOpenerPolicy: false,
    }),
  );
  app.use((_request, response, next) => {
    response.set("Cache-Control", "no-store");
    next();
  });
  app.get("/healthz", (_request, response) => {
    response.json({ ok: true, version: buildVersion });
  });
  app.get("/metrics", services.metrics.page(services.config.METRICS_KEY));
  app.get("/readyz", readiness(services));
  const api = portalApi(services);
  app.use(api.router);
  app.use(hostRouter(services, api.describe));
  app.use((_request, response) => {
    response.status(404).type("text").send("Not found.\n");
  });
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    logFailure(error);
    if (response.headersSent) response.destroy();
    else response.status(500).end();
  });
  return app;
}

/** `/readyz`: whether this bridge can serve now. It needs its store; an unreachable drive is expected to come back. */
function readiness({
  drain,
  store,
  drive,
  spool,
  housekeeping,
  editors,
  config,
}: Pick<Services, "drain" | "store" | "drive" | "spool" | "housekeeping" | "editors" | "config">): RequestHandler {
  return async (request, response) => {
    if (!drain.isReady()) {
      response.status(503).json({ draining: true });
      return;
    }
    const storeOk = await answers(() => store.get("readyz"));
    const driveOk = await answers(() => drive.ping());
    const spoolState = await spool.state();
    const contract = housekeeping.contract();
    const states = await editors.states();
    // The states are public; addresses and Cloudreve's answers are for the operator only.
    const details = holdsKey(request, config.METRICS_KEY)
      ? { contract, editors: states }
      : { contract: contract === "kept" ? contract : "changed", editors: states.every(({ ok }) => ok) };
    response.status(storeOk ? 200 : 503).json({
      store: storeOk,
      spool: spoolState === "ok",
      ...(spoolState === "ok" ? {} : { spool_reason: spoolState }),
      drive: driveOk,
      ...details,
    });
  };
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

async function answers(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch {
    return false;
  }
}
