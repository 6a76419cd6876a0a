import { type Request, type RequestHandler, type Response, Router } from "express";
import type { Activity } from "../documents/activity.ts";
import { type AccessGrant, type GrantEnd, isOwners, lastSaveUntilMs, mayEdit } from "../documents/grants.ts";
import type { LastCopy } from "../documents/lastCopy.ts";
import type { NewFile } from "../documents/newFiles.ts";
import { accessTokenFor, personAddress } from "../documents/openSession.ts";
import { freshAddress } from "../documents/reopenDocument.ts";
import { logFacts } from "../http/requestLog.ts";
import { hasLeftFolder } from "../links/folderLink.ts";
import { BridgeError } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { accessOf, askAccess } from "./askAccess.ts";
import { copyAddress, copyToOpen } from "./openCopy.ts";
import type {
  AccessStanding,
  FreshAddress,
  HostPageStatus,
  NewFileOutcome,
  NotRenewed,
  PresentPerson,
  RenewedToken,
  ToldComment,
} from "./pageMessages.ts";
import { pictureCallsRouter } from "./pictureCalls.ts";
import { peopleIn } from "./presence.ts";
import { readerOf } from "./reader.ts";

type Needs = Parameters<typeof freshAddress>[0] &
  Pick<
    Services,
    | "grants"
    | "tokens"
    | "activity"
    | "lastCopies"
    | "newFiles"
    | "editorIds"
    | "sessionsEnded"
    | "links"
    | "note"
    | "now"
    | "grantLifetimeMs"
    | "bridgeUrl"
    | "visitorRights"
    | "allowances"
    | "audit"
    | "tellPortals"
    | "mailRequest"
  > & { readonly editorWatch: Pick<Services["editorWatch"], "hasStopped" | "lockedBy" | "look"> };

/** A save in progress for longer than this counts as dead, together with its process. */
const savingAtMostMs = 120_000;
/** A page asks every few seconds; one that slept hears of the newest. */
const toldCommentsAtMost = 20;
const statusPath = /^\/edit\/([\w-]{1,128})\/status$/;

/**
 * What an open host page requests from the bridge, with the key it was given: a fresh token, the state of its saves, the
 * editor's address when nothing came up there, and that it was closed. Needs no cookie, so it works in a frame on another site.
 */
export function hostSessionRouter(services: Needs & Parameters<typeof pictureCallsRouter>[0]): Router {
  const router = Router();
  router.use(pictureCallsRouter(services));

  router.post("/edit/:key/renew", async (request: Request<{ key: string }>, response: Response) => {
    const { grant, ended } = await services.grants.behindPageKey(request.params.key);
    const hasLeft = ended === undefined && (await hasLeftFolder(services, grant.linkId, grant.document.fileId));
    if (hasLeft) await services.grants.revoke(grant.id);
    const renewed = ended === undefined ? await services.grants.renew(grant.id, services.grantLifetimeMs) : undefined;
    if (renewed === undefined) {
      response.status(410).json({ ended: ended ?? "revoked" } satisfies NotRenewed);
      return;
    }
    logFacts({ grant: grant.id, file: grant.document.fileId });
    await services.activity.seen(renewed);
    response.json({
      access_token: await accessTokenFor(services.tokens, renewed),
      access_token_ttl: renewed.expiresAtMs,
      renewable_until: renewed.renewableUntilMs,
    } satisfies RenewedToken);
  });

  router.get("/edit/:key/status", async (request: Request<{ key: string }>, response: Response) => {
    const { grant, ended } = await services.grants.behindPageKey(request.params.key);
    // When nobody has ended the session, as when it expires, the page is the first to notice.
    if (ended !== undefined && grant.permission === "edit") void services.sessionsEnded(grant.document.fileId);
    response.json(await statusOf(services, grant, ended));
  });

  // A link on the page, to be followed more than once: a ticket works only once.
  router.get("/edit/:key/new-file", async (request: Request<{ key: string }>, response: Response) => {
    const { grant, ended } = await services.grants.behindPageKey(request.params.key);
    const newest = ended === undefined ? await services.newFiles.newest(grant.id) : undefined;
    const opened = newest?.made === undefined ? undefined : await services.grants.find(newest.made.editGrantId);
    if (opened === undefined || opened.revokedAtMs !== undefined) throw new BridgeError({ kind: "ticketInvalid" });
    response.redirect(303, await pageAddress(services, opened));
  });

  // A link as well.
  router.get("/edit/:key/copy", async (request: Request<{ key: string }>, response: Response) => {
    const { grant, ended } = await services.grants.behindPageKey(request.params.key);
    response.redirect(303, await copyAddress(services, grant, ended));
  });

  // A link too: the way out of a portal's frame, in which the editor does not come up.
  router.get("/edit/:key/own-tab", async (request: Request<{ key: string }>, response: Response) => {
    const { grant, ended } = await services.grants.behindPageKey(request.params.key);
    if (ended !== undefined) throw new BridgeError({ kind: "ticketInvalid" });
    response.redirect(303, await pageAddress(services, grant));
  });

  // The editor did not come up: an upgrade may have given it another address.
  router.post("/edit/:key/address", async (request: Request<{ key: string }>, response: Response) => {
    const { grant, ended } = await services.grants.behindPageKey(request.params.key);
    const address = ended === undefined ? await freshAddress(services, grant, readerOf(request)) : undefined;
    if (address !== undefined) logFacts({ grant: grant.id, file: grant.document.fileId });
    response.json({ action_url: address ?? null } satisfies FreshAddress);
  });

  router.post("/edit/:key/ask", ...askAccess(services));

  // Sent with `keepalive` when the page is closed.
  router.post("/edit/:key/closed", async (request: Request<{ key: string }>, response: Response) => {
    const { grant } = await services.grants.behindPageKey(request.params.key);
    await services.activity.left(grant);
    void services.editorWatch.look(grant.document.fileId);
    response.status(204).end();
  });

  return router;
}

/**
 * Answers an open page whose session stands, before anything else sees the request: these are nine of ten requests, and
 * log and security headers cost more than the answer. Whatever else comes of it goes the usual way.
 */
export function usualStatus(services: Needs & Pick<Services, "metrics">): RequestHandler {
  return async (request, response, next) => {
    const [, key] = request.method === "GET" ? (statusPath.exec(request.url) ?? []) : [];
    if (key === undefined) {
      next();
      return;
    }
    const startedAtMs = performance.now();
    let status: HostPageStatus;
    try {
      const { grant, ended } = await services.grants.behindPageKey(key);
      if (ended !== undefined) {
        next();
        return;
      }
      status = await statusOf(services, grant, undefined);
    } catch {
      // Fails again there, and is logged.
      next();
      return;
    }
    response
      .writeHead(200, {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
      })
      .end(JSON.stringify(status));
    const seconds = (performance.now() - startedAtMs) / 1000;
    services.metrics.answered({ area: "pages", operation: "GET", status: 200, failure: undefined, seconds });
  };
}

/** What the page of a grant is to know now. */
async function statusOf(services: Needs, grant: AccessGrant, ended: GrantEnd | undefined): Promise<HostPageStatus> {
  if (ended === undefined) await services.activity.seen(grant);
  const hasLostEditing = !mayEdit(grant, services.now()) && lastSaveUntilMs(grant) !== undefined;
  const lastCopy = hasLostEditing ? await services.lastCopies.find(grant.id) : undefined;
  const activity = await services.activity.of(grant.document.fileId);
  const session = activity.sessions.find(({ grantId }) => grantId === grant.id);
  const others =
    ended === undefined
      ? {
          newFile: await services.newFiles.newest(grant.id),
          hasStopped: await services.editorWatch.hasStopped(grant, session),
          lockedBy: await services.editorWatch.lockedBy(grant, session),
          comments: toldComments(services, grant, activity),
          access: await accessOf(services, grant),
          people: peopleIn(services, grant, activity),
        }
      : {};
  const status = hostPageStatus(grant, ended, activity, services.now(), { lastCopy, ...others });
  return copyToOpen(grant, ended, activity.lastFailedSave, lastCopy) === undefined
    ? status
    : { ...status, copy_opens: true };
}

/** Where a grant's page opens, once. */
async function pageAddress(services: Needs, grant: AccessGrant): Promise<string> {
  logFacts({ grant: grant.id, file: grant.document.fileId });
  const address = await personAddress(services, grant);
  // The part after # is for the page: on reload it opens the document again.
  return isOwners(grant) ? `${address}#/open?file_id=${grant.document.fileId}` : address;
}

/** What else is known of a grant's session. */
interface SessionFacts {
  readonly lastCopy?: LastCopy | undefined;
  readonly newFile?: NewFile | undefined;
  /** @see EditorWatch */
  readonly hasStopped?: boolean;
  readonly lockedBy?: string | undefined;
  readonly comments?: readonly ToldComment[];
  readonly access?: AccessStanding | undefined;
  readonly people?: readonly PresentPerson[];
}

/** Pure: the file's activity as one grant's page shows it; for an ended grant, only what belongs to that grant. */
export function hostPageStatus(
  grant: AccessGrant,
  ended: GrantEnd | undefined,
  activity: Activity,
  nowMs: number,
  { lastCopy, newFile, hasStopped = false, lockedBy, comments = [], access, people = [] }: SessionFacts = {},
): HostPageStatus {
  const { sessions, savingSinceMs, lastSave, lastFailedSave, lastRename } = activity;
  const called = sessions.find(({ grantId }) => grantId === grant.id)?.called ?? {};
  // A copy stays beside the document whatever is saved later; any other failed save is contained in a later one.
  const isOver =
    lastFailedSave === undefined || (lastFailedSave.keptIn !== "copy" && (lastSave?.atMs ?? 0) >= lastFailedSave.atMs);
  const isMine = (person: { id: string }) => person.id === grant.person.id;
  const isShown = (person: { id: string }) => ended === undefined || isMine(person);
  return {
    now: nowMs,
    ended: ended ?? null,
    permission: grant.permission,
    editor_called: { check_file_info: called.checkFileInfo === true, get_file: called.getFile === true },
    editor_stopped: hasStopped,
    locked_by: lockedBy ?? null,
    saving_since:
      ended === undefined && savingSinceMs !== undefined && nowMs - savingSinceMs < savingAtMostMs
        ? savingSinceMs
        : null,
    last_save:
      lastSave === undefined || !isShown(lastSave.person)
        ? null
        : { at: lastSave.atMs, by: lastSave.person.name, is_mine: isMine(lastSave.person) },
    not_saved:
      isOver || !isShown(lastFailedSave.person)
        ? null
        : {
            at: lastFailedSave.atMs,
            by: lastFailedSave.person.name,
            is_mine: isMine(lastFailedSave.person),
            why: lastFailedSave.why,
            kept_in: lastFailedSave.keptIn ?? null,
            copy_name: lastFailedSave.copyName ?? null,
          },
    last_copy: lastCopy?.written === undefined ? null : lastCopy.name,
    ...(ended !== undefined || lastRename === undefined
      ? {}
      : { renamed: { at: lastRename.atMs, name: lastRename.name } }),
    ...(comments.length === 0 ? {} : { comments }),
    ...(access === undefined ? {} : { access }),
    ...(newFile === undefined ? {} : { new_file: outcomeOf(newFile) }),
    ...(people.length === 0 ? {} : { people }),
  };
}

/** For portals. A link's visitor has none, and learns of comments in the document. */
function toldComments(
  { editorIds }: Pick<Services, "editorIds">,
  { linkId, ownerId }: AccessGrant,
  { comments = [] }: Activity,
): readonly ToldComment[] {
  if (linkId !== undefined) return [];
  const idOf = (id: string) => editorIds({ person: { id, name: "" }, ownerId }).userId;
  const told = comments.slice(0, toldCommentsAtMost).map(({ atMs, person, action, mentioned }) => ({
    at: atMs,
    by: person.name,
    action,
    mentioned: mentioned.map(({ id, name = null }) => ({ id: idOf(id), name })),
  }));
  return told.reverse();
}

function outcomeOf({ atMs, made, why }: NewFile): NewFileOutcome {
  return made === undefined
    ? { at: atMs, why: why ?? "unexpected" }
    : { at: atMs, name: made.name, file_id: made.fileId };
}
