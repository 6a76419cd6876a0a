import { createHash } from "node:crypto";
import { json, type NextFunction, type Request, type Response, Router } from "express";
import { reachesFolders } from "../documents/grants.ts";
import { openDocument } from "../documents/openSession.ts";
import { writeProblem } from "../http/failureResponse.ts";
import { logFacts, logFailure } from "../http/requestLog.ts";
import { eachOf, forbidding } from "../links/linkOptions.ts";
import { BridgeError, type Failure } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { type Decoration, decorationOf } from "./decoration.ts";
import { fileRoutes } from "./files.ts";
import { linkRoutes } from "./links.ts";
import { openApiDocument } from "./openapi.ts";
import { driveTokens } from "./portalAuth.ts";
import { type ApiRoute, apiRoute, isRepeatable } from "./route.ts";
import {
  isoTime,
  listedAtMost,
  type SessionRequest,
  sessionListSchema,
  sessionQuerySchema,
  sessionRequestSchema,
  sessionSchema,
} from "./schemas.ts";
import { sessionsOf } from "./sessionList.ts";
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
      query: request.query,
      body: request.body,
      header: (name: string) => request.get(name),
    };
    const key = isRepeatable(route) ? request.get("Idempotency-Key") : undefined;
    const asked = [route.operationId, call.id, call.body, sentAccount(call.header)];
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

function sessionRoutes(services: Services): readonly ApiRoute[] {
  return [
    apiRoute({
      method: "post",
      path: "/sessions",
      operationId: "openSession",
      summary: "Open a document for a person",
      tag: "sessions",
      headers: ["driveAccount", "purchaseTicket"],
      body: sessionRequestSchema,
      answers: sessionSchema,
      answer: { status: 201, description: "The session" },
      failures: [
        ...(["requestInvalid", "signInNeeded", "fileMissing", "rightMissing", "noEditor", "bodyTooLarge"] as const),
        ...(["driveUnreachable", "driveBusy", "editorUnreachable"] as const),
      ],
      run: async ({ portal, body, header }) => {
        const purchaseTicket = header("X-Cr-Purchase-Ticket");
        const tokens = driveTokens(header);
        const decoration = decorationOf(body);
        const { grant, file, accessToken, hostPageUrl } = await openDocument(services, {
          ...documentRequest(portal, body, decoration),
          account: tokens === undefined ? undefined : { tokens },
          ...(purchaseTicket ? { purchaseTicket } : {}),
        });
        logFacts({ grant: grant.id, file: file.id });
        return {
          id: grant.id,
          host_page_url: hostPageUrl,
          action_url: grant.actionUrl,
          access_token: accessToken,
          access_token_ttl: grant.expiresAtMs,
          expires_at: isoTime(grant.expiresAtMs),
          permission: grant.permission,
          person: { id: services.editorIds(grant).userId, name: grant.person.name },
          file: { id: file.id, name: file.name, size: file.sizeBytes, version: file.version },
          ...(decoration.warnings.length === 0 ? {} : { warnings: [...decoration.warnings] }),
        };
      },
    }),
    apiRoute({
      method: "get",
      path: "/sessions",
      operationId: "listSessions",
      summary: "List the sessions this portal opened",
      description: `The newest ${listedAtMost} that have not ended. Everybody who has a document open, by links too: GET /api/files/{id}/activity.`,
      tag: "sessions",
      query: sessionQuerySchema,
      answers: sessionListSchema,
      answer: { status: 200, description: "The sessions, without their tokens" },
      failures: ["requestInvalid"],
      run: async ({ portal, query }) => ({ sessions: await sessionsOf(services, portal, query.file_id) }),
    }),
    apiRoute({
      method: "delete",
      path: "/sessions/:id",
      operationId: "endSession",
      summary: "End a session",
      description:
        "The editor's next call gets 401. If it still saves, its changes go into a copy beside the document.",
      tag: "sessions",
      answer: { status: 204, description: "The session has ended" },
      failures: ["fileMissing"],
      run: async ({ portal, id }) => {
        const grant = await services.grants.find(id);
        if (grant?.issuedTo !== portal || (await services.grants.revoke(grant.id)) === undefined) {
          throw new BridgeError({ kind: "fileMissing" });
        }
        logFacts({ grant: grant.id });
        services.audit({ event: "sessionEnded", grant: grant.id, file: grant.document.fileId, by: `portal:${portal}` });
        await services.sessionsEnded(grant.document.fileId);
        if (!reachesFolders(grant)) return undefined;
        for (const fileId of await services.grants.openedThrough(grant.id)) await services.sessionsEnded(fileId);
        return undefined;
      },
    }),
  ];
}

/** A portal's ids may contain anything; editors need plain ones that never clash with the drive's ids. */
function personId(portal: string, userId: string): string {
  return `p${createHash("sha256").update(`${portal}\n${userId}`).digest("hex").slice(0, 20)}`;
}

/** What a portal's request asks for, whichever account it is for. */
export function documentRequest(portal: string, body: SessionRequest, { language, theme, person }: Decoration) {
  const { uri, file_id, action, scope, version, viewer_id, parent_uri, user, embedded, options } = body;
  const { watermark, save_as, ...allowed } = options ?? {};
  return {
    target: uri === undefined ? { fileId: file_id ?? "" } : { uri },
    action,
    ...(version === undefined ? {} : { version }),
    ...(viewer_id === undefined ? {} : { viewerId: viewer_id }),
    ...(parent_uri === undefined ? {} : { parentUri: parent_uri }),
    // The API names what is allowed; a grant holds what is not.
    restrictions: {
      ...eachOf(forbidding, (name) => allowed[name] === false),
      ...(watermark === undefined ? {} : { watermark }),
    },
    saveAs: save_as ?? "new",
    mayRename: true,
    ...(scope === "folder" ? { scope } : {}),
    language,
    theme,
    isEmbedded: embedded === true,
    issuedTo: portal,
    user: user === undefined || person === undefined ? undefined : { id: personId(portal, user.id), ...person },
  };
}

/** Express's body parser throws errors with their own status and the text of the body. */
function bodyError(error: unknown): unknown {
  if (error instanceof BridgeError || !(error instanceof Error) || !("type" in error)) return error;
  const message = error.type === "entity.too.large" ? "is too long" : "is not JSON";
  return new BridgeError({ kind: "requestInvalid", issues: [{ field: "body", message }] } satisfies Failure);
}
