import { type Request, type Response, Router } from "express";
import { logFacts } from "../http/requestLog.ts";
import type { AccessGrant, AccessGrants, GrantEnd } from "../model/accessGrants.ts";
import type { Activity, FailedSave, FileActivity } from "../model/fileActivity.ts";
import type { Clock } from "../model/keyValueStore.ts";
import { accessTokenFor, type OpenDocumentParts } from "./openDocument.ts";

export interface HostSessionParts extends OpenDocumentParts {
  readonly grants: AccessGrants;
  readonly activity: FileActivity;
  readonly now: Clock;
  readonly grantLifetimeMs: number;
}

/** A save that began so long ago and was never heard of again has died with its process. */
const savingAtMostMs = 120_000;

/**
 * What an open host page asks of the bridge, by the key it was given: a fresh token, how the saves went, that it is
 * closed. Needs no cookie, so that it works in a frame of another site.
 */
export function hostSessionRouter(parts: HostSessionParts): Router {
  const router = Router();

  router.post("/edit/:key/renew", async (request: Request<{ key: string }>, response: Response) => {
    const { grant, ended } = await parts.grants.behindPageKey(request.params.key);
    const renewed = ended === undefined ? await parts.grants.renew(grant.id, parts.grantLifetimeMs) : undefined;
    if (renewed === undefined) {
      response.status(410).json({ ended: ended ?? "revoked" });
      return;
    }
    logFacts({ grant: grant.id, file: grant.document.fileId });
    await parts.activity.seen(renewed);
    response.json({
      access_token: await accessTokenFor(parts.tokens, renewed),
      access_token_ttl: renewed.expiresAtMs,
      renewable_until: renewed.renewableUntilMs,
    });
  });

  router.get("/edit/:key/status", async (request: Request<{ key: string }>, response: Response) => {
    const { grant, ended } = await parts.grants.behindPageKey(request.params.key);
    if (ended === undefined) await parts.activity.seen(grant);
    const activity = await parts.activity.of(grant.document.fileId);
    response.json(hostPageStatus(grant, ended, activity, parts.now()));
  });

  // Sent by navigator.sendBeacon as the page goes away.
  router.post("/edit/:key/closed", async (request: Request<{ key: string }>, response: Response) => {
    const { grant } = await parts.grants.behindPageKey(request.params.key);
    await parts.activity.left(grant);
    response.status(204).end();
  });

  return router;
}

/** What the status line is made of; times in ms since 1970, on the bridge's clock. */
export interface HostPageStatus {
  readonly now: number;
  readonly ended: GrantEnd | null;
  readonly permission: "view" | "edit";
  /** What the editor's server has asked of the bridge for this session. */
  readonly editor_called: { readonly check_file_info: boolean; readonly get_file: boolean };
  readonly saving_since: number | null;
  readonly last_save: { readonly at: number; readonly by: string; readonly is_mine: boolean } | null;
  /** The newest save that did not get into the document, unless a later one did that holds it too. */
  readonly not_saved: {
    readonly at: number;
    readonly by: string;
    readonly is_mine: boolean;
    readonly why: FailedSave["why"];
    /** `spool`: tried again by itself. `copy`: beside the document, under `copy_name`. null: the editor still has it. */
    readonly kept_in: "spool" | "copy" | null;
    readonly copy_name: string | null;
  } | null;
}

/** Pure: what the page of one grant shows of its file's activity. */
export function hostPageStatus(
  grant: AccessGrant,
  ended: GrantEnd | undefined,
  activity: Activity,
  nowMs: number,
): HostPageStatus {
  const { sessions, savingSinceMs, lastSave, lastFailedSave } = activity;
  const called = sessions.find(({ grantId }) => grantId === grant.id)?.called ?? {};
  // A copy stays beside the document whatever is saved later; all else is in a later save.
  const isOver =
    lastFailedSave === undefined || (lastFailedSave.keptIn !== "copy" && (lastSave?.atMs ?? 0) >= lastFailedSave.atMs);
  const isMine = (person: { id: string }) => person.id === grant.person.id;
  return {
    now: nowMs,
    ended: ended ?? null,
    permission: grant.permission,
    editor_called: { check_file_info: called.checkFileInfo === true, get_file: called.getFile === true },
    saving_since: savingSinceMs !== undefined && nowMs - savingSinceMs < savingAtMostMs ? savingSinceMs : null,
    last_save:
      lastSave === undefined ? null : { at: lastSave.atMs, by: lastSave.person.name, is_mine: isMine(lastSave.person) },
    not_saved: isOver
      ? null
      : {
          at: lastFailedSave.atMs,
          by: lastFailedSave.person.name,
          is_mine: isMine(lastFailedSave.person),
          why: lastFailedSave.why,
          kept_in: lastFailedSave.keptIn ?? null,
          copy_name: lastFailedSave.copyName ?? null,
        },
  };
}
