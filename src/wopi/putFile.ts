import { suiteOf } from "../editors/suites.ts";
import { type AccessGrant, type AccessGrants, editorOrigin, lastSaveUntilMs, mayEdit } from "../model/accessGrants.ts";
import { BridgeError, isConflict, isTransient } from "../model/failure.ts";
import type { FileTurns } from "../model/fileTurns.ts";
import type { Pause } from "../model/keyValueStore.ts";
import type { Turn } from "../model/sharedTurns.ts";
import type { ConflictCopies } from "../saves/conflictCopy.ts";
import { placeSave, type SavedDocument, type SaveManner, type SaveParts } from "../saves/placeSave.ts";
import { whyNot } from "../saves/saveNews.ts";
import type { PlacingFacts, SaveSpool, SpooledSave } from "../saves/saveSpool.ts";
import {
  collaboraHeader,
  optionalLockId,
  refuseTooLarge,
  requireEdit,
  type WopiCall,
  type WopiOperation,
} from "./wopiCall.ts";

export interface PutFileParts extends SaveParts {
  readonly grants: AccessGrants;
  readonly spool: SaveSpool;
  readonly turns: FileTurns;
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
 * Saves the document: the body first goes whole into the spool, then, in the file's turn, the policy decides. What the
 * drive can't take now is kept and tried again later, whatever becomes of the editor.
 * @see WOPI PutFile; product section 8
 */
export function putFile(parts: PutFileParts): WopiOperation {
  return async (call) => {
    if (call.grant.permission !== "edit") await keepBeside(parts, call);
    requireEdit(call);
    const request = saveRequest(call);
    const stand = await parts.content.arrived(call.grant.document.fileId, editorOrigin(call.grant));
    const save = await receive(parts, call, { ...placingFacts(call.grant, request, parts.now()), stand });
    await parts.tell(save.facts, { is: "saving" });
    let saved: SavedDocument | undefined;
    let today: AccessGrant | undefined;
    try {
      // The body may have taken minutes, and what was ended in the meantime writes nothing any more.
      today = await parts.grants.find(call.grant.id);
      if (today !== undefined && mayEdit(today, parts.now())) {
        saved = await placeWithRetries(parts, save, {
          isForced: request.isForced,
          isLast: request.isExitSave,
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
    await parts.tell(save.facts, { is: "saved", version: saved.file.version });
    return {
      status: 200,
      headers: { "X-WOPI-ItemVersion": saved.file.version },
      json: { LastModifiedTime: saved.lastModifiedTime },
    };
  };
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
  await placeBeside(parts, await receive(parts, call, lastFacts(placingFacts(call.grant, {}, parts.now()))));
}

/** As `keepBeside`, for a save that was on its way when the right ended. */
async function keepOvertaken(parts: PutFileParts, save: SpooledSave): Promise<void> {
  try {
    // Under its first facts the replay would take it for one that may go into the document.
    await placeBeside(parts, await parts.spool.receive(save.open(), lastFacts(save.facts), parts.limitBytes));
  } finally {
    await save.discard();
  }
}

async function placeBeside(parts: PutFileParts, save: SpooledSave): Promise<void> {
  try {
    await parts.turns.inTurn(save.facts.document.fileId, () => parts.copies.keep(save, "rightMissing"));
  } catch (error) {
    await settleRefused(parts, save, error);
    return;
  }
  await save.discard();
}

/** Of several that wait for the drive only the newest is placed, as of the saves of one copy. */
function lastFacts(facts: PlacingFacts): PlacingFacts {
  const stand = { copyId: `last ${facts.grantId}`, order: facts.receivedAtMs };
  return { ...facts, stand, isBesideOnly: true, isLastOfGrant: true };
}

async function receive(parts: PutFileParts, call: WopiCall, facts: PlacingFacts): Promise<SpooledSave> {
  refuseTooLarge(call, parts.limitBytes);
  return parts.spool.receive(call.body, facts, parts.limitBytes);
}

/** All tries are made in one turn: a save that comes later must not be undone by this one's next try. */
async function placeWithRetries(parts: PutFileParts, save: SpooledSave, manner: SaveManner): Promise<SavedDocument> {
  return parts.turns.inTurn(save.facts.document.fileId, (turn) => tryPlacing(parts, save, manner, turn));
}

async function tryPlacing(
  parts: PutFileParts,
  save: SpooledSave,
  manner: SaveManner,
  turn: Turn,
): Promise<SavedDocument> {
  const startedAtMs = performance.now();
  for (const pauseMs of [...retryPausesMs, undefined]) {
    try {
      return await placeSave(parts, save, manner, turn);
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
  readonly requestLockId?: string;
  readonly timestamp?: string;
  readonly isForced: boolean;
  readonly isExitSave: boolean;
}

/** @throws headerInvalid when the lock id is malformed */
function saveRequest(call: WopiCall): SaveRequest {
  const timestamp = collaboraHeader(call, "Timestamp");
  const requestLockId = optionalLockId(call);
  return {
    ...(requestLockId === undefined ? {} : { requestLockId }),
    ...(timestamp === undefined ? {} : { timestamp }),
    // Today's Collabora always sends the time it remembers, and leaves it out for "Overwrite" alone. ONLYOFFICE and
    // old versions have only the LOOL headers and may not know a time.
    isForced:
      timestamp === undefined &&
      call.header("X-COOL-WOPI-IsModifiedByUser") !== undefined &&
      suiteOf(call.grant.actionUrl).overwritesByOmission,
    isExitSave: collaboraHeader(call, "IsExitSave")?.toLowerCase() === "true",
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
    personName: grant.person.name,
    personId: grant.person.id,
    ...(grant.linkId === undefined ? {} : { linkId: grant.linkId }),
    editor: editorOrigin(grant),
    fileName: grant.fileName,
    ...(requestLockId === undefined ? {} : { requestLockId }),
    ...(timestamp === undefined ? {} : { timestamp }),
    receivedAtMs,
  };
}
