import type { DriveFile } from "../model/drive.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import { nearestRename, underFreeName } from "../model/fileName.ts";
import { splitName } from "../model/nameRules.ts";
import type { Services } from "../services.ts";
import { type DocumentLock, lockMismatch } from "./documentLock.ts";
import { type Acting, cameThrough, newsThrough } from "./grants.ts";

type Needs = Pick<Services, "drive" | "locks" | "content" | "activity" | "audit" | "note" | "now" | "tellPortals">;

/**
 * Renames the file; the extension stays. When a name is taken or can't be used, a similar one is chosen.
 * @param asked name: with or without the extension; lockId: a wrong one is refused, a missing one is not. Each is
 *   read only when needed: a missing file is reported before a bad name, and an unlocked file needs no lock id
 * @returns the file's new name, and the time of its content
 * @throws nameIllegal when no part of the wanted name can be used; lockedElsewhere; lockMismatch
 */
export function renameDocument(
  services: Needs,
  grant: Acting,
  asked: { readonly name: () => string; readonly lockId: () => string | undefined },
  signal: AbortSignal,
): Promise<{ readonly name: string; readonly lastModifiedTime: string }> {
  const work = async (lock: DocumentLock) => {
    const held = await lock.current();
    // Older versions of Collabora send no lock id.
    if (held !== undefined && (asked.lockId() ?? held.lockId) !== held.lockId) throw lockMismatch(held);
    const stored = await services.drive.stat(grant.document);
    const names = newNames(asked.name(), stored);
    // The time of the content is read before the rename, because the rename changes Cloudreve's own.
    const lastModifiedTime = await services.content.lastModifiedTime(stored);
    const name = await renameUnderLock(services, grant, lock, stored, names, held !== undefined);
    return { name, lastModifiedTime };
  };
  return services.locks.exclusively(grant.document.fileId, work, { signal });
}

/** @returns the names to try, by attempt @throws nameIllegal when no part of the wanted one can be used */
function newNames(wanted: string, stored: DriveFile): (attempt: number) => string {
  const { extension } = splitName(stored.name);
  const stem =
    extension !== "" && wanted.toLowerCase().endsWith(extension.toLowerCase())
      ? wanted.slice(0, -extension.length)
      : wanted;
  return (attempt) => {
    const name = nearestRename(stem, extension, attempt);
    if (name === undefined) throw new BridgeError({ kind: "nameIllegal", reason: "the name is empty" });
    return name;
  };
}

/**
 * Cloudreve refuses a rename under our own lock, so the lock is released and taken again at the new path.
 * @returns the file's name afterwards
 */
async function renameUnderLock(
  services: Needs,
  grant: Acting,
  lock: DocumentLock,
  stored: DriveFile,
  names: (attempt: number) => string,
  isLocked: boolean,
): Promise<string> {
  if (names(0) === stored.name) return stored.name;
  const { document, person } = grant;
  // Even without a WOPI lock: the drive's lock may outlive it a little.
  await lock.releaseInDrive();
  try {
    const name = await underFreeName(
      names,
      async (free) => {
        // The file may already have one of the similar names.
        if (free !== stored.name) await services.drive.rename(document, stored, free);
        return free;
      },
      (error) => failureOf(error, "nameTaken") !== undefined,
    );
    if (name === undefined) throw new BridgeError({ kind: "nameIllegal", reason: "the name is taken" });
    if (name !== stored.name) {
      const who = { person: { id: person.id, name: person.name }, through: cameThrough(grant) };
      // The file has its new name, whether or not open pages learn of it.
      await services.activity.renamed(document.fileId, name).catch((error: unknown) => services.note(error));
      services.audit({ event: "renamed", file: document.fileId, from: stored.name, to: name, ...who });
      await services.tellPortals({
        ...newsThrough(grant, name),
        type: "renamed",
        mark: `${stored.name}/${name} ${services.now()}`,
        data: { previous_name: stored.name },
      });
    }
    return name;
  } finally {
    // If somebody changed the file in between, the version check of the next save notices.
    if (isLocked) await lock.holdInDrive(document).catch((error: unknown) => services.note(error));
  }
}
