import { createHash, timingSafeEqual } from "node:crypto";
import { json, type NextFunction, type Request, type Response, Router } from "express";
import { z } from "zod";
import { writeProblem } from "../http/failureResponse.ts";
import { logFacts, logFailure } from "../http/requestLog.ts";
import { BridgeError, type Failure } from "../model/failure.ts";
import { type OpenDocumentParts, openDocument } from "./openDocument.ts";

export interface PortalKey {
  readonly name: string;
  readonly key: string;
}

const driveUri = z
  .string()
  .max(4096)
  .regex(/^cloudreve:\/\//, "must begin with cloudreve://");
const driveId = z.string().regex(/^[A-Za-z0-9]{1,64}$/, "must be an id of Cloudreve's");

/** Body of `POST /api/sessions`. */
const sessionRequestSchema = z
  .strictObject({
    uri: driveUri.optional(),
    file_id: driveId.optional(),
    action: z.enum(["edit", "view"]),
    version: driveId.optional(),
    viewer_id: z.string().min(1).max(128).optional(),
    parent_uri: driveUri.optional(),
    user: z
      .strictObject({
        id: z.string().min(1).max(256),
        name: z.string().min(1).max(128),
        email: z.email().optional(),
        avatar_url: z.url({ protocol: /^https?$/ }).optional(),
      })
      .optional(),
    lang: z
      .string()
      .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, "must be a language tag such as de or zh-CN")
      .optional(),
    theme: z.enum(["light", "dark"]).optional(),
    options: z
      .strictObject({
        download: z.boolean().optional(),
        print: z.boolean().optional(),
        copy: z.boolean().optional(),
        watermark: z.string().min(1).max(200).optional(),
      })
      .optional(),
  })
  .refine(({ uri, file_id }) => (uri === undefined) !== (file_id === undefined), {
    message: "give either uri or file_id",
    path: ["uri"],
  });
type SessionRequest = z.output<typeof sessionRequestSchema>;

/** `/api`: what portals call with their key; errors are problem details. */
export function portalApi(parts: OpenDocumentParts & { portalKeys: readonly PortalKey[] }): Router {
  const router = Router();
  const portalOf = (request: Request): string => requirePortal(parts.portalKeys, request.get("Authorization"));

  router.post("/sessions", (request, _response, next) => {
    portalOf(request);
    next();
  });
  router.post("/sessions", json({ limit: "64kb", type: () => true }), async (request, response) => {
    const portal = portalOf(request);
    const body = checked(request.body);
    const { grant, file, accessToken, hostPageUrl } = await openDocument(parts, {
      ...documentRequest(body),
      issuedTo: portal,
      tokens: driveTokens(request),
      ...(request.get("X-Cr-Purchase-Ticket") ? { purchaseTicket: request.get("X-Cr-Purchase-Ticket") ?? "" } : {}),
    });
    logFacts({ portal, grant: grant.id, file: file.id });
    response.status(201).json({
      id: grant.id,
      host_page_url: hostPageUrl,
      action_url: grant.actionUrl,
      access_token: accessToken,
      access_token_ttl: grant.expiresAtMs,
      expires_at: new Date(grant.expiresAtMs).toISOString(),
      permission: grant.permission,
      file: { id: file.id, name: file.name, size: file.sizeBytes, version: file.version },
    });
  });

  router.delete("/sessions/:id", async (request, response) => {
    const portal = portalOf(request);
    const grant = await parts.grants.find(request.params.id);
    if (grant?.issuedTo !== portal || (await parts.grants.revoke(grant.id)) === undefined) {
      throw new BridgeError({ kind: "fileMissing" });
    }
    logFacts({ portal, grant: grant.id });
    response.status(204).end();
  });

  router.use(() => {
    throw new BridgeError({ kind: "fileMissing" });
  });
  router.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    writeProblem(response, logFailure(bodyError(error)) ?? { kind: "driveFailed", code: 0, said: "" });
  });
  return router;
}

/** Keys are compared by their hashes, in the same time whatever is wrong. @throws keyInvalid */
function requirePortal(keys: readonly PortalKey[], authorization: string | undefined): string {
  const given = hash(/^Bearer (.+)$/i.exec(authorization ?? "")?.[1] ?? "");
  let portal: string | undefined;
  for (const { name, key } of keys) if (timingSafeEqual(hash(key), given)) portal = name;
  if (portal === undefined) throw new BridgeError({ kind: "keyInvalid" });
  return portal;
}

const hash = (text: string): Buffer => createHash("sha256").update(text).digest();

/** @throws requestInvalid, naming each field */
function checked(body: unknown): SessionRequest {
  const parsed = sessionRequestSchema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  throw new BridgeError({
    kind: "requestInvalid",
    issues: parsed.error.issues.map((issue) => ({
      field:
        [...issue.path, ...(issue.code === "unrecognized_keys" ? [issue.keys.join(", ")] : [])].join(".") || "body",
      message: issue.message,
    })),
  });
}

function documentRequest(body: SessionRequest) {
  const { uri, file_id, action, version, viewer_id, parent_uri, user, lang, theme, options = {} } = body;
  return {
    target: uri === undefined ? { fileId: file_id ?? "" } : { uri },
    action,
    ...(version === undefined ? {} : { version }),
    ...(viewer_id === undefined ? {} : { viewerId: viewer_id }),
    ...(parent_uri === undefined ? {} : { parentUri: parent_uri }),
    user:
      user === undefined
        ? undefined
        : {
            id: user.id,
            name: user.name,
            ...(user.email === undefined ? {} : { email: user.email }),
            ...(user.avatar_url === undefined ? {} : { avatarUrl: user.avatar_url }),
          },
    // The API names what is allowed; a grant holds what is not.
    restrictions: {
      download: options.download === false,
      print: options.print === false,
      copy: options.copy === false,
      ...(options.watermark === undefined ? {} : { watermark: options.watermark }),
    },
    language: lang,
    theme,
  };
}

/** @throws signInNeeded for half a credential: an empty token must not get what the configured account may do */
function driveTokens(request: Request) {
  const accessToken = request.get("X-Cloudreve-Token");
  const refreshToken = request.get("X-Cloudreve-Refresh-Token");
  if (accessToken === undefined && refreshToken === undefined) return undefined;
  if (!accessToken) throw new BridgeError({ kind: "signInNeeded" });
  return { accessToken, ...(refreshToken ? { refreshToken } : {}) };
}

/** What Express's body parser throws carries a status of its own and the text of the body. */
function bodyError(error: unknown): unknown {
  if (error instanceof BridgeError || !(error instanceof Error) || !("type" in error)) return error;
  const message = error.type === "entity.too.large" ? "is too long" : "is not JSON";
  return new BridgeError({ kind: "requestInvalid", issues: [{ field: "body", message }] } satisfies Failure);
}
