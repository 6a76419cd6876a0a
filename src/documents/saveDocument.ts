import type { Readable } from "node:stream";
import { editorKey } from "../editors/suites.ts";
import { BridgeError, failureOf, isConflict, isTransient } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { isWorthless, requireWorthACopy } from "./contentCheck.ts";
import type { DocumentLock } from "./documentLock.ts";
import { type AccessGrant, lastSaveUntilMs, mayEdit } from "./grants.ts";
import { noteUnheard, placeSave, type SavedDocument, type SaveManner } from "./placeSave.ts";
import { whyNot } from "./saveEvents.ts";
import { ofEndedGrant, type PlacingFacts, placingFacts } from "./saveFacts.ts";
import type { SpooledSave } from "./saveSpool.ts";

type Needs = Parameters<typeof placeSave>[0] & Pick<Services, "grants" | "spool" | "limitBytes" | "pause" | "kept">;

/** The body of a save, and what is known about its length before it arrives. */
export interface SaveBody {
  readonly bytes: Readable;
  /** The length in the HTTP framing; undefined when it comes in chunks. */
  readonly declaredBytes: number | undefined;
  /** The largest length that any header states; 0 = none does. */
  readonly announcedBytes: number;
}

/** What an editor sends with its save. */
export interface SaveRequest extends SaveManner {
  readonly requestLockId?: string | undefined;
  /** LastModifiedTime as the editor remembers it. */
  readonly timestamp?: string | undefined;
  /** Aborted when the editor has hung up: it won't hear the answer. */
  readonly signal?: AbortSignal;
}

/**
 * An exit save that did not go into the document; its bytes are beside it, or in the spool to stay there, or nobody can
 * have meant them.
 */
export class KeptSafely extends Error {
  /** What the editor is told all the same, unless that does harm. */
  readonly refusal: unknown;

  constructor(refusal: unknown) {
    super("a save is safe outside of its document");
    this.refusal = refusal;
  }
}

/** Pauses between the attempts at a save within one call. */
const retryPausesMs = [200, 800, 2_000];
/** No attempt starts after this: the editor waits half a minute, and must learn well before that the drive is down. */
const retryWithinMs = 5_000;

/**
 * Saves the document: the body first goes completely into the spool; then, under the file's mutex, the policy decides.
 * What the drive can't take now is kept and tried again later, even if the editor is gone.
 * @throws rightMissing, tokenInvalid when the right to edit ended while the body arrived, bodyTooLarge, and what the
 *   spool and `placeSave` throw; all as KeptSafely when it is an exit save whose bytes are safe
 * @see product section 8
 */
export async function saveDocument(
  services: Needs,
  grant: AccessGrant,
  request: SaveRequest,
  body: SaveBody,
): Promise<SavedDocument> {
  const save = await receiveSave(services, body, await arrivedFacts(services, grant, request));
  const refused = (error: unknown, isSafe: boolean): unknown =>
    isSafe && request.isExitSave ? new KeptSafely(error) : error;
  if (save.facts.baseline === undefined) {
    // An exit save that arrived while the store was unreachable: it can't be decided now.
    const error = new BridgeError({ kind: "storeUnreachable" });
    throw refused(error, await settleRefused(services, save, error));
  }
  await services.tell(save.facts, { is: "saving" });
  let saved: SavedDocument | undefined;
  let today: AccessGrant | undefined;
  try {
    // The body may have taken minutes. A session that was ended in the meantime writes nothing any more.
    today = await services.grants.find(grant.id);
    if (today !== undefined && mayEdit(today, services.now())) {
      const { isForced, isExitSave, needsNoVersion } = request;
      saved = await placeWithRetries(services, save, { isForced, isExitSave, needsNoVersion });
      if (request.signal?.aborted === true) await noteUnheard(services, save);
    }
  } catch (error) {
    throw refused(error, await settleRefused(services, save, error));
  }
  if (saved === undefined) {
    const isSafe = await placeOvertaken(services, save);
    const isEnded = today === undefined || today.revokedAtMs !== undefined;
    throw refused(
      new BridgeError(isEnded ? { kind: "tokenInvalid" } : { kind: "rightMissing", right: "edit" }),
      isSafe,
    );
  }
  // First who is told lies in the store: if the process dies in between, the replay tells it again.
  await services.tell(save.facts, { is: "saved", version: saved.version });
  await save.discard();
  return saved;
}

/**
 * Takes a save whose right to edit has ended. It can't go into the document, but may be the only copy of somebody's
 * work. For some minutes after the end it is stored beside the document; later its body is not even read.
 * @returns whether the bytes are safe
 */
export async function saveAfterEnd(services: Needs, grant: AccessGrant, body: SaveBody): Promise<boolean> {
  const untilMs = lastSaveUntilMs(grant);
  if (untilMs === undefined || services.now() >= untilMs) return false;
  const folderUri = await services.content.folderUri(grant.document.fileId);
  const facts = { ...placingFacts(grant, {}, services.now()), ...(folderUri === undefined ? {} : { folderUri }) };
  return placeBeside(services, await receiveSave(services, body, ofEndedGrant(facts)));
}

/** @throws bodyTooLarge before a byte is accepted, and what `SaveSpool.receive` throws */
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
 * What must be known as soon as the head of a save has arrived: which of the editor's loads it belongs to, and that it
 * is later than the saves whose heads arrived before, however long its body takes.
 * @throws storeUnreachable, except for an editor's exit save: nobody is left to send it again
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

/** As `saveAfterEnd`, for a save that was still arriving when the right ended. */
async function placeOvertaken(services: Needs, save: SpooledSave): Promise<boolean> {
  let last: SpooledSave;
  try {
    // With its first facts, the replay would put it into the document.
    last = await save.restated(ofEndedGrant(save.facts));
  } catch (error) {
    // The disk has no room for a second copy. It is placed from the existing one, and the replay must not place that
    // later.
    const keep = async () => {
      await save.discard();
      throw error;
    };
    last = { ...save, facts: ofEndedGrant(save.facts), keep };
  }
  return placeBeside(services, last);
}

async function placeBeside(services: Needs, save: SpooledSave): Promise<boolean> {
  const { fileId } = save.facts.document;
  let isSafe: boolean;
  try {
    isSafe = await services.locks.exclusively(fileId, async () => {
      await requireWorthACopy(services.drive, save);
      return services.copies.copyBeside(save, "rightMissing");
    });
  } catch (error) {
    return settleRefused(services, save, error);
  }
  await save.discard();
  return isSafe;
}

/** All attempts are made under one lease: a later save must not be undone by this one's next attempt. */
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

/**
 * A conflict is solved by the editor, or already by a copy; what nobody can have meant is dropped; every other save is
 * kept.
 * @returns whether the bytes of an exit save are safe: after a conflict, a copy has them; or there was nothing to keep
 */
async function settleRefused(services: Needs, save: SpooledSave, error: unknown): Promise<boolean> {
  if (isConflict(error)) {
    await save.discard();
    return true;
  }
  if (failureOf(error, "contentInvalid") !== undefined || isWorthless(save.facts.fileName, save.sizeBytes)) {
    await save.discard();
    await services.tell(save.facts, { is: "refused", why: whyNot(error) });
    return true;
  }
  try {
    await save.keep();
  } catch (keepError) {
    services.kept(save, keepError);
    await services.tell(save.facts, { is: "refused", why: whyNot(keepError) });
    return false;
  }
  services.kept(save, error);
  await services.tell(save.facts, { is: "kept", why: whyNot(error) });
  return true;
}
