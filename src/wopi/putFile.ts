import type { ConflictCopies } from "../documents/conflictCopy.ts";
import type { DocumentLock } from "../documents/documentLock.ts";
import { type AccessGrant, type AccessGrants, lastSaveUntilMs, mayEdit } from "../documents/grants.ts";
import { placeSave, type SavedDocument, type SaveManner, type SaveParts } from "../documents/placeSave.ts";
import { whyNot } from "../documents/saveEvents.ts";
import type { PlacingFacts, SaveSpool, SpooledSave } from "../documents/saveSpool.ts";
import { editorKey, suiteOf } from "../editors/suites.ts";
import { BridgeError, failureOf, isConflict, isTransient } from "../model/failure.ts";
import type { Pause } from "../model/keyValueStore.ts";
import {
  collaboraHeader,
  declaredBytes,
  isExitSave,
  optionalLockId,
  refuseTooLarge,
  requireEdit,
  type WopiCall,
  type WopiOperation,
} from "./wopiCall.ts";

export interface PutFileParts extends SaveParts {
  readonly grants: AccessGrants;
  readonly spool: SaveSpool;
  readonly copies: ConflictCopies;
  readonly limitBytes: number;
  readonly pause: Pause;
  /** A save was kept: the replay takes over. */
  readonly kept: (save: SpooledSave, error: unknown) => void;
}

/** Pauses between tries of a save inside its call. */
const retryPausesMs = [200, 800, 2_000];
/** No further try begins after this: the editor waits for half a minute, and is told that the drive is away well before. */
const retryWithinMs = 5_000;

/**
 * Saves the document: the body first goes whole into the spool, then, under the file's mutex, the policy decides. What the
 * drive can't take now is kept and tried again later, whatever becomes of the editor.
 * @see WOPI PutFile; product section 8
 */
export function putFile(parts: PutFileParts): WopiOperation {
  return async (call) => {
    if (call.grant.permission !== "edit") await keepBeside(parts, call);
    requireEdit(call);
    const request = saveRequest(call);
    const save = await receive(parts, call, await arrivedFacts(parts, call, request));
    if (save.facts.stand === undefined) return keepUnheard(parts, save);
    await parts.tell(save.facts, { is: "saving" });
    let saved: SavedDocument | undefined;
    let today: AccessGrant | undefined;
    try {
      // The body may have taken minutes, and what was ended in the meantime writes nothing any more.
      today = await parts.grants.find(call.grant.id);
      if (today !== undefined && mayEdit(today, parts.now())) {
        saved = await placeWithRetries(parts, save, {
          isForced: request.isForced,
          isExitSave: request.isExitSave,
        });
      }
    } catch (error) {
      await settleRefused(parts, save, error);
      throw error;
    }
    if (saved === undefined) {
      await keepOvertaken(parts, save);
      const isEnded = today === undefined || today.revokedAtMs !== undefined;
      throw new BridgeError(isEnded ? { kind: "tokenInvalid" } : { kind: "rightMissing", right: "edit" });
    }
    await save.discard();
    await parts.tell(save.facts, { is: "saved", version: saved.version });
    return {
      status: 200,
      headers: { "X-WOPI-ItemVersion": saved.version },
      json: { LastModifiedTime: saved.lastModifiedTime },
    };
  };
}

/**
 * What is to be known of a save when its head has come: which copy of the editor's it is, and that it is later than those
 * whose heads have come before, however long its body takes.
 * @throws storeUnreachable, but not for the last save of an editor: that has nobody left to send it again
 */
async function arrivedFacts(parts: PutFileParts, call: WopiCall, request: SaveRequest): Promise<PlacingFacts> {
  const { fileId } = call.grant.document;
  const facts = placingFacts(call.grant, request, parts.now());
  try {
    const stand = await parts.content.arrived(
      fileId,
      editorKey(call.grant.actionUrl),
      request.timestamp,
      request.requestLockId,
    );
    const folderUri = await parts.content.folderUri(fileId);
    return { ...facts, stand, ...(folderUri === undefined ? {} : { folderUri }) };
  } catch (error) {
    if (!request.isExitSave || failureOf(error, "storeUnreachable") === undefined) throw error;
    return facts;
  }
}

/** An exit save that came while the store was away: without it nothing is decided. @throws storeUnreachable */
async function keepUnheard(parts: PutFileParts, save: SpooledSave): Promise<never> {
  const error = new BridgeError({ kind: "storeUnreachable" });
  await settleRefused(parts, save, error);
  throw error;
}

/**
 * A save whose grant has ended: it can't go into the document, and may be the only copy of somebody's work. For some
 * minutes it becomes a copy beside the document; afterwards nothing of it is read. The answer is 401 all the same.
 */
export function keepEndedSave(parts: PutFileParts): (call: WopiCall) => Promise<void> {
  return (call) => keepBeside(parts, call);
}

/** Takes the last save of a right to edit that has ended, and leaves it beside the document. */
async function keepBeside(parts: PutFileParts, call: WopiCall): Promise<void> {
  const untilMs = lastSaveUntilMs(call.grant);
  if (untilMs === undefined || parts.now() >= untilMs) return;
  const folderUri = await parts.content.folderUri(call.grant.document.fileId);
  const facts = { ...placingFacts(call.grant, {}, parts.now()), ...(folderUri === undefined ? {} : { folderUri }) };
  await placeBeside(parts, await receive(parts, call, lastFacts(facts)));
}

/** As `keepBeside`, for a save that was on its way when the right ended. */
async function keepOvertaken(parts: PutFileParts, save: SpooledSave): Promise<void> {
  let last: SpooledSave;
  try {
    // Under its first facts the replay would take it for one that may go into the document.
    last = await save.restated(lastFacts(save.facts));
  } catch (error) {
    // No disk for two: it is placed from what is there, which nobody may place later.
    const keep = async () => {
      await save.discard();
      throw error;
    };
    last = { ...save, facts: lastFacts(save.facts), keep };
  }
  await placeBeside(parts, last);
}

async function placeBeside(parts: PutFileParts, save: SpooledSave): Promise<void> {
  try {
    await parts.locks.exclusively(save.facts.document.fileId, () => parts.copies.keep(save, "rightMissing"));
  } catch (error) {
    await settleRefused(parts, save, error);
    return;
  }
  await save.discard();
}

/** Of several that wait only the newest is placed: none of them is a save of an editor's copy any more. */
function lastFacts({ stand: _stand, ...facts }: PlacingFacts): PlacingFacts {
  return { ...facts, isBesideOnly: true, isLastOfGrant: true };
}

async function receive(parts: PutFileParts, call: WopiCall, facts: PlacingFacts): Promise<SpooledSave> {
  refuseTooLarge(call, parts.limitBytes);
  return parts.spool.receive(call.body, facts, parts.limitBytes, declaredBytes(call));
}

/** All tries are made under one lease: a save that comes later must not be undone by this one's next try. */
async function placeWithRetries(parts: PutFileParts, save: SpooledSave, manner: SaveManner): Promise<SavedDocument> {
  return parts.locks.exclusively(save.facts.document.fileId, (lock) => tryPlacing(parts, save, manner, lock));
}

async function tryPlacing(
  parts: PutFileParts,
  save: SpooledSave,
  manner: SaveManner,
  lock: DocumentLock,
): Promise<SavedDocument> {
  const startedAtMs = performance.now();
  for (const pauseMs of [...retryPausesMs, undefined]) {
    try {
      return await placeSave(parts, save, manner, lock);
    } catch (error) {
      const isLate = performance.now() - startedAtMs > retryWithinMs;
      if (!isTransient(error) || pauseMs === undefined || isLate) throw error;
      await parts.pause(pauseMs);
    }
  }
  throw new TypeError("unreachable: the last try has no pause after it");
}

/** A conflict is the editor's to solve, or is solved by a copy already; all else is kept. */
async function settleRefused(parts: PutFileParts, save: SpooledSave, error: unknown): Promise<void> {
  if (isConflict(error)) {
    await save.discard();
    return;
  }
  try {
    await save.keep();
  } catch (keepError) {
    parts.kept(save, keepError);
    await parts.tell(save.facts, { is: "refused", why: whyNot(keepError) });
    return;
  }
  parts.kept(save, error);
  await parts.tell(save.facts, { is: "kept", why: whyNot(error) });
}

/** What a save's headers say. */
interface SaveRequest {
  readonly requestLockId?: string | undefined;
  readonly timestamp?: string | undefined;
  readonly isForced: boolean;
  readonly isExitSave: boolean;
}

/** @throws headerInvalid when the lock id is malformed */
function saveRequest(call: WopiCall): SaveRequest {
  const headers = placingHeaders(call);
  return {
    ...headers,
    // Today's Collabora always sends the time it remembers, and leaves it out for "Overwrite" alone. ONLYOFFICE and
    // old versions have only the LOOL headers and may not know a time.
    isForced:
      headers.timestamp === undefined &&
      call.header("X-COOL-WOPI-IsModifiedByUser") !== undefined &&
      suiteOf(call.grant.actionUrl).overwritesByOmission,
    isExitSave: isExitSave(call),
  };
}

/** @throws headerInvalid when the lock id is malformed */
export function placingHeaders(call: Pick<WopiCall, "header">): Pick<SaveRequest, "requestLockId" | "timestamp"> {
  const timestamp = collaboraHeader(call, "Timestamp");
  const requestLockId = optionalLockId(call);
  return {
    ...(requestLockId === undefined ? {} : { requestLockId }),
    ...(timestamp === undefined ? {} : { timestamp }),
  };
}

/** What it takes to place these bytes when this process is gone. */
export function placingFacts(
  grant: AccessGrant,
  { requestLockId, timestamp }: Pick<SaveRequest, "requestLockId" | "timestamp">,
  receivedAtMs: number,
): PlacingFacts {
  return {
    grantId: grant.id,
    grantIssuedAtMs: grant.issuedAtMs,
    document: { account: grant.document.account, fileId: grant.document.fileId },
    ownerId: grant.ownerId,
    personName: grant.person.name,
    personId: grant.person.id,
    ...(grant.linkId === undefined ? {} : { linkId: grant.linkId }),
    origin: grant.issuedTo,
    editor: editorKey(grant.actionUrl),
    fileName: grant.fileName,
    ...(requestLockId === undefined ? {} : { requestLockId }),
    ...(timestamp === undefined ? {} : { timestamp }),
    receivedAtMs,
  };
}
