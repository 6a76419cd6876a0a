import type { DriveFile } from "../model/drive.ts";
import { BridgeError, isConflict } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { requireMeant, requireWorthACopy } from "./contentCheck.ts";
import { isOvertaken, isUnderLockOf, missedLastTime } from "./contentRecord.ts";
import type { DocumentLock } from "./documentLock.ts";
import { whyNot } from "./saveEvents.ts";
import { decideSave, type SaveFacts, type SaveRefusal } from "./savePolicy.ts";
import type { SpooledSave } from "./saveSpool.ts";
import { sha256Of } from "./storedContent.ts";

export interface SavedDocument {
  readonly version: string;
  readonly lastModifiedTime: string;
}

type Needs = Pick<Services, "drive" | "locks" | "content" | "copies" | "versionRecord" | "now" | "tell">;

/** How to treat this save, besides what the spool stores about it. */
export interface SaveManner {
  readonly isForced: boolean;
  /** Nobody is left to see a conflict: what can't go into the document goes beside it. */
  readonly isExitSave: boolean;
  /** Nobody asks for a new version when these bytes are stored already. */
  readonly needsNoVersion: boolean;
}

/**
 * Places the bytes of one save. To be called under the file's mutex, after the complete body is in the spool. A save
 * that a later one of the same load has overtaken writes nothing: the later one contains it.
 * @returns the version that the editor's next save is based on
 * @throws lockMismatch, changedInStorage, lockedElsewhere, driveBusy, contentInvalid, and what the drive throws
 */
export async function placeSave(
  services: Needs,
  save: SpooledSave,
  manner: SaveManner,
  lock: DocumentLock,
): Promise<SavedDocument> {
  const overtaken = await overtakenBy(services, save);
  if (overtaken !== undefined) return overtaken;
  const { document, requestLockId, grantIssuedAtMs } = save.facts;
  const wasTakenOver =
    requestLockId !== undefined && (await services.locks.wasTakenOver(document.fileId, requestLockId, grantIssuedAtMs));
  try {
    return await writeSave(services, save, { ...manner, wasTakenOver }, lock);
  } catch (error) {
    if (isConflict(error)) {
      if (manner.isExitSave || wasTakenOver) {
        await requireWorthACopy(services.drive, save);
        await services.copies.copyBeside(save, whyNot(error));
      } else await services.tell(save.facts, { is: "refused", why: whyNot(error) });
    }
    throw error;
  }
}

/** Records that the editor of a save that was placed does not know: it will send these bytes again. */
export async function noteUnheard(
  { content }: Pick<Needs, "content">,
  { facts, sha256 }: Pick<SpooledSave, "facts" | "sha256">,
): Promise<void> {
  const { document, editor, baseline } = facts;
  if (baseline !== undefined) await content.sending(document.fileId, editor, baseline.loadId, sha256);
}

/**
 * Has a later save of the same load gone into the document? One that was refused, kept or became a copy does not count:
 * in that case this save is the best available for the document.
 * @returns the document as the later save left it
 */
async function overtakenBy({ drive, content }: Needs, save: SpooledSave): Promise<SavedDocument | undefined> {
  const { document, editor, baseline } = save.facts;
  if (baseline === undefined) return undefined;
  const load = await content.findLoad(document.fileId, editor, baseline.loadId);
  if (load?.version === undefined || !isOvertaken(load, baseline)) return undefined;
  // Not a version that somebody else has stored since: the editor would use it as its own baseline.
  const known = await content.known(document.fileId, load.version);
  if (known !== undefined) return { version: load.version, lastModifiedTime: known.lastModifiedTime };
  const stored = await drive.stat(document);
  if (stored.version !== load.version) throw refusal({ kind: "changedInStorage" }, save.facts.requestLockId);
  return { version: stored.version, lastModifiedTime: await content.lastModifiedTime(stored) };
}

async function writeSave(
  services: Needs,
  save: SpooledSave,
  manner: SaveManner & { readonly wasTakenOver: boolean; readonly isMeant?: true },
  lock: DocumentLock,
): Promise<SavedDocument> {
  const { drive, content } = services;
  const { document, editor, requestLockId, timestamp, baseline } = save.facts;
  const current = await lock.current();
  const holdsLock = current !== undefined && current.lockId === requestLockId;
  // The drive's lock is taken again before the version is read: a drive that restarted has forgotten it. From here on
  // nobody else can write, and what happened in between shows in the version.
  const held = holdsLock ? await lock.holdInDriveToWrite(document) : undefined;
  // An expired WOPI lock may still be held in the drive, which would then refuse this late save.
  if (current === undefined) await lock.releaseInDrive();
  const stored = held?.file ?? (await drive.stat(document));
  const compared = await comparedWith(services, save, stored, manner);
  const facts: SaveFacts = {
    heldLockId: current?.lockId,
    requestLockId,
    storedVersion: stored.version,
    storedSizeBytes: stored.sizeBytes,
    storedModifiedAt: await content.lastModifiedTime(stored),
    baseVersion: compared.baseVersion,
    timestamp,
    isForced: manner.isForced,
    isExitSave: manner.isExitSave,
    wasTakenOver: manner.wasTakenOver,
    isShielded: held?.token !== undefined,
    equalsStored: compared.equalsStored,
    needsNoVersion: manner.needsNoVersion || compared.isRepeated,
  };
  const decision = decideSave(facts);
  // The caller makes the copy if one is needed: the drive may still refuse what the policy allows.
  if (decision.do === "refuse" || decision.do === "copyBeside") throw refusal(decision.because, current?.lockId);
  if (decision.do === "write" && manner.isMeant !== true && (await requireMeant(drive, document, stored, save))) {
    // The drive may have restarted meanwhile: its lock is taken and its version read again, right before the write.
    return writeSave(services, save, { ...manner, isMeant: true }, lock);
  }
  if (decision.do === "write" && baseline !== undefined) {
    await content.sending(document.fileId, editor, baseline.loadId, save.sha256);
  }
  // What was read above is valid only while the lease lasts.
  lock.requireLease();
  const file =
    decision.do === "acknowledge"
      ? stored
      : await drive.write(
          document,
          stored,
          save,
          held?.token === undefined ? { previousVersion: stored.version } : { lockToken: held.token },
        );
  const lastModifiedTime = await content.timeOf(file);
  // At once: a store writes what comes together with one commit.
  await Promise.all([
    held?.token !== undefined && lock.noteFile(file),
    content.stored(file, save.sha256),
    decision.do === "write" && services.versionRecord.saved(file.id, file.version, save.facts),
    baseline !== undefined && content.accepted(document.fileId, editor, baseline, file.version, lastModifiedTime),
  ]);
  return { version: file.version, lastModifiedTime };
}

/**
 * The version that the save is based on, and whether the drive already has these very bytes. When another version is
 * stored, an earlier attempt or an earlier save of the same load may have succeeded although its answer was lost: then
 * the stored bytes themselves are compared.
 * @returns isRepeated: the editor may not know that its earlier save of the stored bytes succeeded
 */
async function comparedWith(
  { drive, content }: Needs,
  save: SpooledSave,
  stored: DriveFile,
  { needsNoVersion }: SaveManner,
): Promise<Pick<SaveFacts, "baseVersion" | "equalsStored"> & { readonly isRepeated: boolean }> {
  const { document, editor, baseline, timestamp } = save.facts;
  const load = baseline === undefined ? undefined : await content.findLoad(document.fileId, editor, baseline.loadId);
  // What a save under another lock has made of it since is not what this one is based on.
  const isOwn = load !== undefined && baseline !== undefined && isUnderLockOf(load, baseline);
  const baseVersion = (isOwn ? load.version : undefined) ?? baseline?.baseVersion;
  const unheard = load?.unheard ?? [];
  const isOtherVersion = baseVersion === undefined ? unheard.length > 0 : baseVersion !== stored.version;
  const isSameSize = stored.sizeBytes === save.sizeBytes;
  const isToBeRead = isOtherVersion ? isSameSize || unheard.length > 0 : needsNoVersion && isSameSize;
  const sha256 = isToBeRead ? await sha256Of(drive, content, document, stored) : await content.sha256(stored);
  const isUnheard = sha256 !== undefined && unheard.includes(sha256);
  return {
    baseVersion: isOtherVersion && isUnheard ? stored.version : baseVersion,
    equalsStored: isSameSize && sha256 === save.sha256,
    isRepeated: isUnheard || (load !== undefined && missedLastTime(load, timestamp)),
  };
}

function refusal(because: SaveRefusal, heldLockId: string | undefined): BridgeError {
  if (because.kind === "lockMismatch") return new BridgeError(because);
  return new BridgeError({ kind: "changedInStorage", currentLockId: heldLockId ?? "" });
}
