import type { DriveEntry, DriveFolder } from "../model/drive.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import { checkName, nearestName, nearestRename, underFreeName } from "../model/fileName.ts";
import type { Services } from "../services.ts";
import { type AccessGrant, cameThrough } from "./grants.ts";
import { countNewFile, requireDocumentType } from "./newFileRules.ts";

type Needs = Pick<Services, "drive" | "editors" | "locks" | "allowances" | "audit">;

/** How an editor names what it creates: the host may choose a similar name, or must take exactly this one. */
export type WishedName = { readonly suggested: string } | { readonly exact: string; readonly overwrite: boolean };

/**
 * Creates an empty file or folder. Somebody who may only create new files gets another name when the wanted one is
 * taken, in both modes, and learns nothing about what has it.
 * @throws nameTaken, nameIllegal, lockMismatch when a file to be replaced is locked, tooManyAttempts
 */
export async function createChild(
  services: Needs,
  grant: AccessGrant,
  folder: DriveFolder,
  kind: DriveEntry["kind"],
  wished: WishedName,
): Promise<DriveEntry> {
  await countNewFile(services, grant);
  const wanted = wantedName(wished, kind);
  if (kind === "file") await requireDocumentType(services, grant, nearestName(wanted, 0));
  const made =
    "exact" in wished && grant.saveAs === "overwrite"
      ? await createExactly(services, grant, folder, kind, wished)
      : await createNear(services, grant, folder, kind, wanted);
  const { person } = grant;
  services.audit({
    event: "created",
    folder: folder.id,
    file: made.id,
    kind,
    name: made.name,
    person: { id: person.id, name: person.name },
    through: cameThrough(grant),
  });
  return made;
}

/** @throws nameIllegal for an exact name that can't be used: only a suggested one may be changed */
function wantedName(wished: WishedName, kind: DriveEntry["kind"]): string {
  if ("exact" in wished) {
    const verdict = checkName(wished.exact);
    if (!verdict.ok) throw new BridgeError({ kind: "nameIllegal", reason: verdict.reason });
    return wished.exact;
  }
  const name = wished.suggested.trim();
  // A leading dot means only an extension, and here is no original whose stem could be used.
  return kind === "file" && name.startsWith(".") ? `Document${name}` : name;
}

async function createNear(
  { drive }: Needs,
  { document }: AccessGrant,
  folder: DriveFolder,
  kind: DriveEntry["kind"],
  wanted: string,
): Promise<DriveEntry> {
  // A dot in a folder's name begins no extension.
  const nameAt = (attempt: number) =>
    kind === "file"
      ? nearestName(wanted, attempt)
      : (nearestRename(wanted, "", attempt) ?? nearestName("Folder", attempt));
  const made = await underFreeName(
    nameAt,
    (name) => drive.createIn(document.account, folder, kind, name),
    (error) => failureOf(error, "nameTaken") !== undefined,
  );
  if (made === undefined) throw new BridgeError({ kind: "driveBusy" });
  return made;
}

async function createExactly(
  services: Needs,
  grant: AccessGrant,
  folder: DriveFolder,
  kind: DriveEntry["kind"],
  { exact, overwrite }: { readonly exact: string; readonly overwrite: boolean },
): Promise<DriveEntry> {
  const { account } = grant.document;
  try {
    return await services.drive.createIn(account, folder, kind, exact);
  } catch (error) {
    if (failureOf(error, "nameTaken") === undefined || !overwrite || kind === "folder") throw error;
  }
  const uri = `${folder.uri}/${encodeURIComponent(exact)}`;
  // A folder with that name is no file to be replaced.
  const found = await services.drive.find(account, { uri }).catch((error: unknown) => {
    throw failureOf(error, "fileMissing") === undefined ? error : new BridgeError({ kind: "nameTaken" });
  });
  return services.locks.exclusively(found.id, async (lock) => {
    await lock.requireNone();
    // A lock that has just expired may still be held in the drive.
    await lock.releaseInDrive();
    // To the trash and not emptied: the drive may keep no versions.
    await services.drive.remove({ account, fileId: found.id }, found);
    return services.drive.createIn(account, folder, kind, exact);
  });
}
