import type { Readable } from "node:stream";
import { editorKey } from "../editors/suites.ts";
import { BridgeError, failureOf, isConflict, isTransient } from "../model/failure.ts";
import type { Services } from "../services.ts";
import type { DocumentLock } from "./documentLock.ts";
import { type AccessGrant, lastSaveUntilMs, mayEdit } from "./grants.ts";
import { placeSave, type SavedDocument, type SaveManner } from "./placeSave.ts";
import { whyNot } from "./saveEvents.ts";
import { ofEndedGrant, type PlacingFacts, placingFacts } from "./saveFacts.ts";
import type { SpooledSave } from "./saveSpool.ts";

type Needs = Parameters<typeof placeSave>[0] & Pick<Services, "grants" | "spool" | "limitBytes" | "pause" | "kept">;

/** The body of a save, and what is said of its length before it comes. */
export interface SaveBody {
  readonly bytes: Readable;
  /** As it is framed; undefined when it comes in chunks. */
  readonly declaredBytes: number | undefined;
  /** The most that anything says of it; 0 = nothing does. */
  readonly announcedBytes: number;
}

/** What an editor says of its save. */
export interface SaveRequest extends SaveManner {
  readonly requestLockId?: string | undefined;
  /** LastModifiedTime as the editor remembers it. */
  readonly timestamp?: string | undefined;
}

/** Pauses between tries of a save inside its call. */
const retryPausesMs = [200, 800, 2_000];
/** No further try begins after this: the editor waits for half a minute, and is told that the drive is away well before. */
const retryWithinMs = 5_000;

/**
 * Saves the document: the body first goes whole into the spool, then, under the file's mutex, the policy decides. What the
 * drive can't take now is kept and tried again later, whatever becomes of the editor.
 * @throws rightMissing, tokenInvalid when the right to edit ended while the body came, bodyTooLarge, what the spool and
 *   `placeSave` say
 * @see product section 8
 */
export async function saveDocument(
  services: Needs,
  grant: AccessGrant,
  request: SaveRequest,
  body: SaveBody,
): Promise<SavedDocument> {
  const save = await receiveSave(services, body, await arrivedFacts(services, grant, request));
  if (save.facts.baseline === undefined) return keepUnheard(services, save);
  await services.tell(save.facts, { is: "saving" });
  let saved: SavedDocument | undefined;
  let today: AccessGrant | undefined;
  try {
    // The body may have taken minutes, and what was ended in the meantime writes nothing any more.
    today = await services.grants.find(grant.id);
    if (today !== undefined && mayEdit(today, services.now())) {
      const { isForced, isExitSave } = request;
      saved = await placeWithRetries(services, save, { isForced, isExitSave });
    }
  } catch (error) {
    await settleRefused(services, save, error);
    throw error;
  }
  if (saved === undefined) {
    await placeOvertaken(services, save);
    const isEnded = today === undefined || today.revokedAtMs !== undefined;
    throw new BridgeError(isEnded ? { kind: "tokenInvalid" } : { kind: "rightMissing", right: "edit" });
  }
  await save.discard();
  await services.tell(save.facts, { is: "saved", version: saved.version });
  return saved;
}

/**
 * Takes a save whose right to edit has ended: it can't go into the document, and may be the only copy of somebody's
 * work. For some minutes it is put beside the document; afterwards nothing of it is read.
 */
export async function saveAfterEnd(services: Needs, grant: AccessGrant, body: SaveBody): Promise<void> {
  const untilMs = lastSaveUntilMs(grant);
  if (untilMs === undefined || services.now() >= untilMs) return;
  const folderUri = await services.content.folderUri(grant.document.fileId);
  const facts = { ...placingFacts(grant, {}, services.now()), ...(folderUri === undefined ? {} : { folderUri }) };
  await placeBeside(services, await receiveSave(services, body, ofEndedGrant(facts)));
}

/** @throws bodyTooLarge before a byte is taken, and as `SaveSpool.receive` */
export function receiveSave(
  { spool, limitBytes }: Pick<Needs, "spool" | "limitBytes">,
  body: SaveBody,
  facts: PlacingFacts,
): Promise<SpooledSave> {
  requireSize(body, limitBytes);
  return spool.receive(body.bytes, facts, limitBytes, body.declaredBytes);
}

/** @throws bodyTooLarge */
export function requireSize({ announcedBytes }: SaveBody, limitBytes: number): void {
  if (announcedBytes > limitBytes) throw new BridgeError({ kind: "bodyTooLarge", limitBytes });
}

/**
 * What is to be known of a save when its head has come: which load of the editor's it is of, and that it is later than those
 * whose heads have come before, however long its body takes.
 * @throws storeUnreachable, but not for the last save of an editor: that has nobody left to send it again
 */
async function arrivedFacts(services: Needs, grant: AccessGrant, request: SaveRequest): Promise<PlacingFacts> {
  const { fileId } = grant.document;
  const facts = placingFacts(grant, request, services.now());
  try {
    const baseline = await services.content.arrived(
      fileId,
      editorKey(grant.actionUrl),
      request.timestamp,
      request.requestLockId,
    );
    const folderUri = await services.content.folderUri(fileId);
    return { ...facts, baseline, ...(folderUri === undefined ? {} : { folderUri }) };
  } catch (error) {
    if (!request.isExitSave || failureOf(error, "storeUnreachable") === undefined) throw error;
    return facts;
  }
}

/** An exit save that came while the store was away: without it nothing is decided. @throws storeUnreachable */
async function keepUnheard(services: Needs, save: SpooledSave): Promise<never> {
  const error = new BridgeError({ kind: "storeUnreachable" });
  await settleRefused(services, save, error);
  throw error;
}

/** As `saveAfterEnd`, for a save that was on its way when the right ended. */
async function placeOvertaken(services: Needs, save: SpooledSave): Promise<void> {
  let last: SpooledSave;
  try {
    // Under its first facts the replay would take it for one that may go into the document.
    last = await save.restated(ofEndedGrant(save.facts));
  } catch (error) {
    // No disk for two: it is placed from what is there, which nobody may place later.
    const keep = async () => {
      await save.discard();
      throw error;
    };
    last = { ...save, facts: ofEndedGrant(save.facts), keep };
  }
  await placeBeside(services, last);
}

async function placeBeside(services: Needs, save: SpooledSave): Promise<void> {
  try {
    await services.locks.exclusively(save.facts.document.fileId, () =>
      services.copies.copyBeside(save, "rightMissing"),
    );
  } catch (error) {
    await settleRefused(services, save, error);
    return;
  }
  await save.discard();
}

/** All tries are made under one lease: a save that comes later must not be undone by this one's next try. */
async function placeWithRetries(services: Needs, save: SpooledSave, manner: SaveManner): Promise<SavedDocument> {
  return services.locks.exclusively(save.facts.document.fileId, (lock) => tryPlacing(services, save, manner, lock));
}

async function tryPlacing(
  services: Needs,
  save: SpooledSave,
  manner: SaveManner,
  lock: DocumentLock,
): Promise<SavedDocument> {
  const startedAtMs = performance.now();
  for (const pauseMs of [...retryPausesMs, undefined]) {
    try {
      return await placeSave(services, save, manner, lock);
    } catch (error) {
      const isLate = performance.now() - startedAtMs > retryWithinMs;
      if (!isTransient(error) || pauseMs === undefined || isLate) throw error;
      await services.pause(pauseMs);
    }
  }
  throw new TypeError("unreachable: the last try has no pause after it");
}

/** A conflict is the editor's to solve, or is solved by a copy already; all else is kept. */
async function settleRefused(services: Needs, save: SpooledSave, error: unknown): Promise<void> {
  if (isConflict(error)) {
    await save.discard();
    return;
  }
  try {
    await save.keep();
  } catch (keepError) {
    services.kept(save, keepError);
    await services.tell(save.facts, { is: "refused", why: whyNot(keepError) });
    return;
  }
  services.kept(save, error);
  await services.tell(save.facts, { is: "kept", why: whyNot(error) });
}
