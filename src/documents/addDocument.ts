import type { DriveFile, DriveFolder, NewContent } from "../model/drive.ts";
import { BridgeError, onFailure } from "../model/failure.ts";
import { checkName, nearestName } from "../model/fileName.ts";
import type { SignedInPerson } from "../model/personSessions.ts";
import type { Services } from "../services.ts";

/** After this many taken names no further one is tried. */
const mostNames = 30;

/**
 * Adds a document to a folder of its owner's, under exactly this name; nothing is left of it when that fails.
 * @param through who asked for it, for the audit and the document's versions
 * @throws nameIllegal, nameTaken, quotaExceeded, bodyTooLarge, bodyCut
 */
export async function addDocument(
  { drive, versionRecord, audit }: Pick<Services, "drive" | "versionRecord" | "audit">,
  owner: SignedInPerson,
  folder: DriveFolder,
  name: string,
  content: NewContent,
  through = `person:${owner.id}`,
): Promise<DriveFile> {
  requireName(name);
  const file = await drive.createFrom(owner.account, folder, name, content);
  const person = { id: owner.id, name: owner.name };
  await versionRecord.added(file.id, file.version, person, through);
  audit({ event: "created", folder: folder.id, file: file.id, kind: "file", name, person, through });
  return file;
}

/** @throws nameIllegal, nameTaken */
export async function addFolder(
  { drive, audit }: Pick<Services, "drive" | "audit">,
  owner: SignedInPerson,
  folder: DriveFolder,
  name: string,
): Promise<DriveFolder> {
  requireName(name);
  const made = await drive.createIn(owner.account, folder, "folder", name);
  const person = { id: owner.id, name: owner.name };
  audit({
    event: "created",
    folder: folder.id,
    file: made.id,
    kind: "folder",
    name,
    person,
    through: `person:${owner.id}`,
  });
  return made;
}

/** The folder of this name, which is made if there is none. @throws nameIllegal; nameTaken when it is a file */
export async function folderNamed(
  services: Pick<Services, "drive" | "audit">,
  owner: SignedInPerson,
  folder: DriveFolder,
  name: string,
): Promise<DriveFolder> {
  return onFailure(
    "nameTaken",
    () => addFolder(services, owner, folder, name),
    (_failure, error) =>
      onFailure(
        "fileMissing",
        () => services.drive.folder(owner.account, { uri: `${folder.uri}/${encodeURIComponent(name)}` }),
        () => Promise.reject(error),
      ),
  );
}

/** @throws nameIllegal */
export function requireName(name: string): void {
  const verdict = checkName(name);
  if (!verdict.ok) throw new BridgeError({ kind: "nameIllegal", reason: verdict.reason });
}

/** @returns a free name near the wanted one, which may be taken before it is used; undefined when there are too many */
export async function freeNameIn(
  { drive }: Pick<Services, "drive">,
  account: string,
  folder: Pick<DriveFolder, "uri">,
  wanted: string,
): Promise<string | undefined> {
  for (let attempt = 0; attempt < mostNames; attempt++) {
    const name = nearestName(wanted, attempt);
    if (!(await isTaken(drive, account, `${folder.uri}/${encodeURIComponent(name)}`))) return name;
  }
  return undefined;
}

async function isTaken(drive: Services["drive"], account: string, uri: string): Promise<boolean> {
  const exists = (look: () => Promise<unknown>) =>
    onFailure(
      "fileMissing",
      async () => {
        await look();
        return true;
      },
      () => false,
    );
  return (await exists(() => drive.find(account, { uri }))) || exists(() => drive.folder(account, { uri }));
}
