import { createHash } from "node:crypto";
import { type AccessGrant, reachesFolders, rightOf } from "../documents/grants.ts";
import { openDocument } from "../documents/openSession.ts";
import { logFacts } from "../http/requestLog.ts";
import { eachOf, forbidding } from "../links/linkOptions.ts";
import { openedWith } from "../model/documentRight.ts";
import { BridgeError } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { type Decoration, decorationOf, type Warning } from "./decoration.ts";
import type { Mistake } from "./mistakes.ts";
import { driveTokens } from "./portalAuth.ts";
import { type ApiRoute, apiRoute } from "./route.ts";
import { isoTime, listedAtMost } from "./schemas/fields.ts";
import {
  type SessionRequest,
  sessionListSchema,
  sessionQuerySchema,
  sessionRequestSchema,
  sessionSchema,
} from "./schemas/sessions.ts";
import { sessionsOf } from "./sessionList.ts";

type Needs = Parameters<typeof openDocument>[0] &
  Parameters<typeof sessionsOf>[0] &
  Pick<Services, "grants" | "editorIds" | "audit" | "sessionsEnded">;

/** `/api/sessions`: a portal opens documents for people, and sees and ends only the sessions it opened. */
export function sessionRoutes(services: Needs): readonly ApiRoute[] {
  return [
    apiRoute({
      method: "post",
      path: "/sessions",
      operationId: "openSession",
      summary: "Open a document for a person",
      tag: "sessions",
      headers: ["driveAccount", "purchaseTicket"],
      body: sessionRequestSchema,
      mistakes: mistakesInScope,
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
        const warnings = [...lesserRight(body.action, grant), ...decoration.warnings];
        return {
          id: grant.id,
          host_page_url: hostPageUrl,
          action_url: grant.actionUrl,
          access_token: accessToken,
          access_token_ttl: grant.expiresAtMs,
          expires_at: isoTime(grant.expiresAtMs),
          permission: rightOf(grant),
          person: { id: services.editorIds(grant).userId, name: grant.person.name },
          file: { id: file.id, name: file.name, size: file.sizeBytes, version: file.version },
          ...(warnings.length === 0 ? {} : { warnings }),
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

/** Another file in the folder may be of a type in which the editor keeps nobody to less than editing. */
function mistakesInScope({ action, scope }: Readonly<Record<string, unknown>>): readonly Mistake[] {
  const isLimited = action === "comment" || action === "review";
  return isLimited && scope === "folder"
    ? [{ field: "scope", message: `can't be "folder" with action ${action}` }]
    : [];
}

/** Pure: why a session allows less than was asked for. */
function lesserRight(action: SessionRequest["action"], grant: AccessGrant): Warning[] {
  if (rightOf(grant) === action) return [];
  const because =
    grant.document.version !== undefined
      ? "an earlier version can only be viewed"
      : action === "edit"
        ? "the editor only shows files of this type"
        : `the editor does not keep people to "${action}" in this file`;
  return [{ field: "action", message: `was changed to "${rightOf(grant)}": ${because}` }];
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
    ...openedWith(action),
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
