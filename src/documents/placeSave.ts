import type { DriveFile } from "../model/drive.ts";
import { BridgeError, isConflict } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { isOvertaken, isUnderLockOf } from "./contentRecord.ts";
import type { DocumentLock } from "./documentLock.ts";
import { whyNot } from "./saveEvents.ts";
import { decideSave, type SaveFacts, type SaveRefusal } from "./savePolicy.ts";
import type { SpooledSave } from "./saveSpool.ts";
import { sha256Of } from "./storedContent.ts";

export interface SavedDocument {
  readonly version: string;
  readonly lastModifiedTime: string;
}

type Needs = Pick<Services, "drive" | "locks" | "content" | "copies" | "now" | "tell">;

/** How this save is to be taken, besides what the spool holds of it. */
export interface SaveManner {
  readonly isForced: boolean;
  /** Nobody is left to hear of a conflict: what can't go into the document goes beside it. */
  readonly isExitSave: boolean;
}

/**
 * Places the bytes of one save. To be called under the file's mutex, after the body is whole in the spool. One that a later
 * save of the same load has overtaken is in that one, and writes nothing.
 * @returns the version that the editor's next save is based on
 * @throws lockMismatch, changedInStorage, lockedElsewhere, driveBusy, and what the drive says
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
      if (manner.isExitSave || wasTakenOver) await services.copies.copyBeside(save, whyNot(error));
      else await services.tell(save.facts, { is: "refused", why: whyNot(error) });
    }
    throw error;
  }
}

/**
 * Has a later save of the same load gone into the document? One that was refused, kept or became a copy does not count:
 * then this is the best that the document can have.
 * @returns what that one made of it
 */
async function overtakenBy({ drive, content }: Needs, save: SpooledSave): Promise<SavedDocument | undefined> {
  const { document, editor, baseline } = save.facts;
  if (baseline === undefined) return undefined;
  const load = await content.findLoad(document.fileId, editor, baseline.loadId);
  if (load?.version === undefined || !isOvertaken(load, baseline)) return undefined;
  // Not what somebody else may have stored since: the editor would take that for its own baseline.
  const known = await content.known(document.fileId, load.version);
  if (known !== undefined) return { version: load.version, lastModifiedTime: known.lastModifiedTime };
  const stored = await drive.stat(document);
  if (stored.version !== load.version) throw refusal({ kind: "changedInStorage" }, save.facts.requestLockId);
  return { version: stored.version, lastModifiedTime: await content.lastModifiedTime(stored) };
}

async function writeSave(
  services: Needs,
  save: SpooledSave,
  manner: SaveManner & { readonly wasTakenOver: boolean },
  lock: DocumentLock,
): Promise<SavedDocument> {
  const { drive, content } = services;
  const { document, editor, requestLockId, timestamp, baseline } = save.facts;
  const current = await lock.current();
  const holdsLock = current !== undefined && current.lockId === requestLockId;
  // Taken anew before the version is read: a drive that restarted has forgotten the lock, and from here on nobody
  // else can write. What happened in between shows in the version.
  const held = holdsLock ? await lock.holdInDriveToWrite(document) : undefined;
  // A lock that ran out here may still stand in the drive, where it would keep this late save off.
  if (current === undefined) await lock.releaseInDrive();
  const stored = held?.file ?? (await drive.stat(document));
  const compared = await comparedWith(services, save, stored);
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
    equalsStored: compared.equalsStored,
  };
  const decision = decideSave(facts);
  // A copy, where one is due, is made by the caller: the drive may still refuse what the policy allows.
  if (decision.do === "refuse" || decision.do === "copyBeside") throw refusal(decision.because, current?.lockId);
  if (decision.do === "write" && baseline !== undefined) {
    await content.sending(document.fileId, editor, baseline.loadId, save.sha256);
  }
  // What was read above holds for as long as the lease does.
  lock.requireLease();
  const file =
    decision.do === "acknowledge"
      ? stored
      : await drive.write(
          document,
          stored,
          save,
          held === undefined ? { previousVersion: stored.version } : { lockToken: held.token },
        );
  if (held !== undefined) await lock.noteFile(file);
  await content.stored(file, save.sha256);
  const lastModifiedTime = await content.lastModifiedTime(file);
  if (baseline !== undefined) await content.accepted(document.fileId, editor, baseline, file.version, lastModifiedTime);
  return { version: file.version, lastModifiedTime };
}

/**
 * The version that the save is based on, and whether the drive has these very bytes already. When another version
 * is stored, an earlier try or an earlier save of the same load may have got through unheard: then the stored bytes
 * themselves are looked at.
 */
async function comparedWith(
  { drive, content }: Needs,
  save: SpooledSave,
  stored: DriveFile,
): Promise<Pick<SaveFacts, "baseVersion" | "equalsStored">> {
  const { document, editor, baseline } = save.facts;
  const load = baseline === undefined ? undefined : await content.findLoad(document.fileId, editor, baseline.loadId);
  // What another lock's save has made of it since is not what this one is based on.
  const isOwn = load !== undefined && baseline !== undefined && isUnderLockOf(load, baseline);
  const baseVersion = (isOwn ? load.version : undefined) ?? baseline?.baseVersion;
  const unheard = load?.unheard ?? [];
  const isOtherVersion = baseVersion === undefined ? unheard.length > 0 : baseVersion !== stored.version;
  const isSameSize = stored.sizeBytes === save.sizeBytes;
  const isToBeRead = isOtherVersion && (isSameSize || unheard.length > 0);
  const sha256 = isToBeRead ? await sha256Of(drive, content, document, stored) : await content.sha256(stored);
  const isOurs = isOtherVersion && sha256 !== undefined && unheard.includes(sha256);
  return {
    baseVersion: isOurs ? stored.version : baseVersion,
    equalsStored: isSameSize && sha256 === save.sha256,
  };
}

function refusal(because: SaveRefusal, heldLockId: string | undefined): BridgeError {
  if (because.kind === "lockMismatch") return new BridgeError(because);
  return new BridgeError({ kind: "changedInStorage", currentLockId: heldLockId ?? "" });
}
