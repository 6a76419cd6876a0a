import { BridgeError } from "../model/failure.ts";
import type { Services } from "../services.ts";
import type { DocumentLock } from "./documentLock.ts";
import { type Acting, cameThrough, isOwners } from "./grants.ts";

/**
 * Moves the file to the drive's trash. Only the owner may: permission to edit does not include deleting. A portal that
 * names no user has not shown that the user is the owner.
 * @throws rightMissing; lockMismatch while the file is locked, no matter who asks
 */
export async function deleteDocument(
  { drive, locks, audit }: Pick<Services, "drive" | "locks" | "audit">,
  grant: Acting,
  signal: AbortSignal,
): Promise<void> {
  const { document, person } = grant;
  if (!isOwners(grant)) throw new BridgeError({ kind: "rightMissing", right: "delete" });
  const work = async (lock: DocumentLock): Promise<void> => {
    await lock.requireNone();
    const file = await drive.stat(document);
    // A lock that has just expired may still be held in the drive.
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
