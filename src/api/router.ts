import { json, type NextFunction, type Request, type Response, Router } from "express";
import { writeProblem } from "../http/failureResponse.ts";
import { logFacts, logFailure } from "../http/requestLog.ts";
import { BridgeError, type Failure } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { fileRoutes } from "./files.ts";
import { linkRoutes } from "./links.ts";
import { openApiDocument } from "./openapi.ts";
import { type ApiRoute, isRepeatable } from "./route.ts";
import { sessionRoutes } from "./sessions.ts";
import { strayCall } from "./unknownPath.ts";

type Needs = Pick<Services, "callers" | "idempotentCalls">;

/** More than any of our requests needs. */
const bodyLimit = "64kb";

/**
 * `/api` for portals, with errors as problem details, and `/openapi.json`, which is public.
 * @returns also what returns the OpenAPI document, for `/docs`
 */
export function portalApi(services: Services): { readonly router: Router; readonly describe: () => unknown } {
  const routes = apiRoutes(services);
  const api = Router();
  for (const route of routes) serve(api, services, route);
  api.use((request, response) => {
    // Where the calls are described (RFC 8631).
    response.set("Link", `<${services.bridgeUrl}/openapi.json>; rel="service-desc"`);
    throw strayCall(routes, request.path);
  });
  api.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    writeProblem(response, logFailure(bodyError(error)) ?? { kind: "driveFailed", code: 0, said: "" });
  });

  // Made when first asked for: that takes longer than all else at start.
  let document: Record<string, unknown> | undefined;
  const describe = () => {
    document ??= openApiDocument(routes, services.bridgeUrl);
    return document;
  };
  const router = Router();
  router.get("/openapi.json", (_request, response) => {
    // It contains no secret, and API viewers load it from another origin.
    response.set("Access-Control-Allow-Origin", "*").json(describe());
  });
  return { router: router.use("/api", api), describe };
}

/** The caller is checked before the body is read. */
function serve(api: Router, { callers, idempotentCalls }: Needs, route: ApiRoute): void {
  const callerOf = async (request: Request, response: Response, next: NextFunction): Promise<void> => {
    const portal = await callers.callerOf(request.get("Authorization"));
    logFacts({ portal });
    response.locals["portal"] = portal;
    next();
  };
  const parser = route.bodySchema === undefined ? [] : [json({ limit: bodyLimit, type: () => true })];
  api[route.method](route.path, callerOf, ...parser, async (request: Request, response: Response) => {
    const portal = String(response.locals["portal"]);
    const call = {
      portal,
      id: String(request.params["id"] ?? ""),
      personId: String(request.params["person_id"] ?? ""),
      query: request.query,
      body: request.body,
      header: (name: string) => request.get(name),
    };
    const key = isRepeatable(route) ? request.get("Idempotency-Key") : undefined;
    const asked = [route.operationId, call.id, call.personId, call.body, sentAccount(call.header)];
    const { answer, isRepeated } =
      key === undefined
        ? { answer: await route.handle(call), isRepeated: false }
        : await idempotentCalls.once({ portal, key, asked }, () => route.handle(call));
    if (isRepeated) {
      logFacts({ repeated: true });
      response.set("Idempotent-Replayed", "true");
    }
    response.status(route.answer.status);
    if (route.answerSchema === undefined) response.end();
    else response.json(answer);
  });
}

/** For another account, the same body asks for something else. */
function sentAccount(header: (name: string) => string | undefined): readonly (string | null)[] {
  return [header("X-Cloudreve-Token") ?? null, header("X-Cloudreve-Refresh-Token") ?? null];
}

function apiRoutes(services: Services): readonly ApiRoute[] {
  return [...sessionRoutes(services), ...linkRoutes(services), ...fileRoutes(services)];
}

/** Express's body parser throws errors with their own status and the text of the body. */
function bodyError(error: unknown): unknown {
  if (error instanceof BridgeError || !(error instanceof Error) || !("type" in error)) return error;
  const message = error.type === "entity.too.large" ? "is too long" : "is not JSON";
  return new BridgeError({ kind: "requestInvalid", issues: [{ field: "body", message }] } satisfies Failure);
}
