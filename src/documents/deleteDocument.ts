import { BridgeError } from "../model/failure.ts";
import type { Services } from "../services.ts";
import type { DocumentLock } from "./documentLock.ts";
import { type AccessGrant, cameThrough, isOwners } from "./grants.ts";

/**
 * Moves the file to the drive's trash. Only the owner may: a right to edit is none to delete. A
 * portal that names nobody has not shown that it is the owner who sits before it.
 * @throws rightMissing; lockMismatch while the file is locked, whoever asks
 */
export async function deleteDocument(
  { drive, locks, audit }: Pick<Services, "drive" | "locks" | "audit">,
  grant: AccessGrant,
  signal: AbortSignal,
): Promise<void> {
  const { document, person } = grant;
  if (!isOwners(grant)) throw new BridgeError({ kind: "rightMissing", right: "delete" });
  const work = async (lock: DocumentLock): Promise<void> => {
    await lock.requireNone();
    const file = await drive.stat(document);
    // A lock that has just run out may still stand in the drive.
    await lock.releaseInDrive();
    await drive.remove(document, file);
    audit({
      event: "deleted",
      file: document.fileId,
      person: { id: person.id, name: person.name },
      name: file.name,
      through: cameThrough(grant),
    });
  };
  await locks.exclusively(document.fileId, work, { signal });
}
