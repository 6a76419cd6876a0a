import type { DriveFolder } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";
import type { SignedInPerson } from "../model/personSessions.ts";
import type { Services } from "../services.ts";

/** Pages of a drive's lists that are read to know what is in a folder. */
const pagesRead = 30;

export interface FolderContents {
  readonly fileIds: readonly string[];
  /** false: there is more than was counted. */
  readonly isAll: boolean;
}

/** The documents in a folder and in those below it. */
export async function contentsOf(
  { drive }: Pick<Services, "drive">,
  account: string,
  folder: DriveFolder,
): Promise<FolderContents> {
  const fileIds: string[] = [];
  const waiting: { uri: string; next?: string | undefined }[] = [{ uri: folder.uri }];
  for (let read = 0; read < pagesRead; read++) {
    const asked = waiting.shift();
    if (asked === undefined) break;
    const { entries, next } = await drive.list(account, asked.uri, asked.next);
    for (const { kind, id, uri } of entries) {
      if (kind === "file") fileIds.push(id);
      else waiting.push({ uri });
    }
    if (next !== undefined) waiting.unshift({ uri: asked.uri, next });
  }
  return { fileIds, isAll: waiting.length === 0 };
}

/**
 * Moves a folder of its owner's to the drive's trash.
 * @param evenFull with all that is in it; otherwise it must be empty
 * @throws folderNotEmpty; lockedElsewhere, lockMismatch while a document in it is being edited
 */
export async function deleteFolder(
  services: Pick<Services, "drive" | "locks" | "audit">,
  owner: SignedInPerson,
  folder: DriveFolder,
  { evenFull }: { readonly evenFull: boolean },
): Promise<void> {
  const { drive, locks, audit } = services;
  if (evenFull) {
    // The drive itself refuses what it knows to be locked; types that it has no viewer for are locked by the bridge alone.
    for (const id of (await contentsOf(services, owner.account, folder)).fileIds) {
      const held = await locks.current(id);
      if (held !== undefined) throw new BridgeError({ kind: "lockMismatch", currentLockId: held.lockId });
    }
  }
  await drive.removeFolder(owner.account, folder, { evenFull });
  const person = { id: owner.id, name: owner.name };
  audit({ event: "deleted", file: folder.id, person, name: folder.name, through: `person:${owner.id}` });
}
