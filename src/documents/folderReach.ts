import { completeAddress, openingAddress } from "../editors/openingAddress.ts";
import type { DriveFile, DriveFolder } from "../model/drive.ts";
import type { Services } from "../services.ts";
import { type AccessGrant, cameThrough, mayConvert, reachesFolders } from "./grants.ts";
import { accessTokenFor, wopiSrc } from "./openSession.ts";

// Tokens made from one grant for everything in its account: a folder with ten thousand files gets ten thousand tokens, and
// not one row. Only a file that is then really opened gets a grant of its own.

/** What a token that is not for a file is for. No file's id has a slash. */
export const folderResource = (folderId: string): string => `containers/${folderId}`;
export const ecosystemResource = "ecosystem";

type Signs = Pick<Services, "tokens" | "wopiUrl">;

/** The address of a folder, with an access token. */
export function folderAddress(services: Signs, grant: AccessGrant, { id }: DriveFolder): Promise<string> {
  return resourceAddress(services, grant, folderResource(id));
}

/** The address of the ecosystem, with an access token. */
export function ecosystemAddress(services: Signs, grant: AccessGrant): Promise<string> {
  return resourceAddress(services, grant, ecosystemResource);
}

async function resourceAddress({ tokens, wopiUrl }: Signs, grant: AccessGrant, resource: string): Promise<string> {
  const token = await tokens.sign({ grantId: originId(grant), fileId: resource, expiresAtMs: grant.expiresAtMs });
  return `${wopiUrl}/wopi/${resource}?access_token=${token}`;
}

/** The WOPISrc of a file of the account, with an access token. */
export async function childAddress({ tokens, wopiUrl }: Signs, grant: AccessGrant, fileId: string): Promise<string> {
  const document = { account: grant.document.account, fileId };
  const token = await accessTokenFor(tokens, { ...grant, id: childGrantId(grant, fileId), document });
  return `${wopiSrc(wopiUrl, document)}?access_token=${token}`;
}

/** Ids of other grants have no dot. */
const childGrantId = (grant: AccessGrant, fileId: string): string => `${originId(grant)}.${fileId}`;
const originId = ({ id, derivedFrom }: AccessGrant): string => derivedFrom ?? id;

/**
 * The grant named by a token from `childAddress`; issued now when this is the first call with it.
 * @returns undefined when the grant it comes from has ended, or has no such reach @throws fileMissing
 */
export async function openChild(
  services: Pick<Services, "grants" | "drive" | "editors" | "wopiUrl" | "audit">,
  grantId: string,
): Promise<AccessGrant | undefined> {
  const [from = "", fileId] = grantId.split(".");
  if (fileId === undefined) return undefined;
  const origin = await services.grants.find(from);
  if (origin === undefined || origin.revokedAtMs !== undefined || !reachesFolders(origin)) return undefined;
  const file = await services.drive.find(origin.document.account, { fileId });
  const { id: _id, issuedAtMs: _issuedAtMs, ...rights } = origin;
  const grant = await services.grants.issueAs(grantId, {
    ...derivedRights(rights, await addressInEditor(services, origin, file, origin.permission)),
    document: { account: origin.document.account, fileId },
    fileName: file.name,
    derivedFrom: origin.id,
  });
  if (grant === undefined) return undefined;
  const { person, permission } = grant;
  services.audit({
    event: "sessionOpened",
    grant: grant.id,
    file: fileId,
    person: { id: person.id, name: person.name },
    permission,
    through: cameThrough(grant),
  });
  return grant;
}

/**
 * The rights of a grant that is made through another one. One that allows less leads to no folder: the tokens for those
 * carry the rights of the grant that all comes from.
 */
export function derivedRights<Rights extends Pick<AccessGrant, "actionUrl" | "permission" | "scope">>(
  rights: Rights,
  opened: Pick<AccessGrant, "actionUrl" | "permission">,
): Omit<Rights, "scope"> & Pick<AccessGrant, "scope"> {
  const { scope, ...others } = rights;
  const isSame = opened.permission === rights.permission;
  return { ...others, ...opened, ...(scope !== undefined && isSame ? { scope } : {}) };
}

/** Where a grant's editor opens another file: its extension may be another one, with addresses of its own. */
export async function addressInEditor(
  services: Pick<Services, "editors" | "wopiUrl">,
  grant: AccessGrant,
  file: DriveFile,
  permission: "edit" | "view",
): Promise<Pick<AccessGrant, "actionUrl" | "permission">> {
  const { language, theme } = grant.opening ?? {};
  const choices = {
    wopiSrc: wopiSrc(services.wopiUrl, { account: grant.document.account, fileId: file.id }),
    language,
    theme,
  };
  const address = openingAddress(await services.editors.offersOf(grant.actionUrl), {
    fileName: file.name,
    sizeBytes: file.sizeBytes,
    permission,
    isPhone: false,
    isEmbedded: false,
    maySaveAs: mayConvert(grant),
    ...choices,
  });
  return address ?? { actionUrl: completeAddress(grant.actionUrl, choices), permission };
}
