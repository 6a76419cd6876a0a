import { BridgeError } from "../model/failure.ts";
import { fileType } from "../model/fileName.ts";
import type { Services } from "../services.ts";
import { type AccessGrant, cameThrough, isOwners } from "./grants.ts";

/** Attempts, not files: a person other than the owner may neither fill the drive nor probe the names in a folder. */
const newFiles = { most: 30, withinMs: 3_600_000 };

/**
 * Counted for all visitors of a link together, since each can return as a new person; for each user of a portal
 * separately. Owners are not counted.
 * @throws tooManyAttempts
 */
export async function countNewFile({ allowances }: Pick<Services, "allowances">, grant: AccessGrant): Promise<void> {
  if (isOwners(grant)) return;
  const who = grant.linkId === undefined ? `${cameThrough(grant)} ${grant.person.id}` : `link:${grant.linkId}`;
  await allowances.take("new files of", who, newFiles);
}

/** Only documents: other files must not be placed in somebody else's drive. @throws nameIllegal */
export async function requireDocumentType(
  services: Pick<Services, "drive" | "editors">,
  grant: AccessGrant,
  name: string,
): Promise<void> {
  if (isOwners(grant)) return;
  const type = fileType(name);
  if (type === undefined) throw new BridgeError({ kind: "nameIllegal", reason: "the name has no extension" });
  if ((await services.drive.openable(grant.document.account)).has(type)) return;
  // Types that the editor opens by itself although the drive does not list them, often PDF.
  const editor = await services.editors.behind(grant.actionUrl);
  if ((await editor?.current())?.actions.some(({ extension }) => extension === type)) return;
  throw new BridgeError({ kind: "nameIllegal", reason: "no editor opens files of this type" });
}
