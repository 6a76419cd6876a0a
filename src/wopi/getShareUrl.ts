import { type AccessGrant, isOwners } from "../documents/grants.ts";
import { sharedLink } from "../links/sharedLink.ts";
import { BridgeError } from "../model/failure.ts";
import type { WopiCall, WopiOperation, WopiReply } from "./wopiCall.ts";

type Needs = Parameters<typeof sharedLink>[0];

const permissions = { ReadOnly: "view", ReadWrite: "edit" } as const;
type ShareUrlType = keyof typeof permissions;

/** For CheckFileInfo: none where the account ends with its access token, since the links would end with it. */
export function shareUrlTypes(grant: AccessGrant): readonly ShareUrlType[] {
  return grant.accountEndsAtMs === undefined ? allowedTypes(grant) : [];
}

/**
 * Only the file's owner can share it, and a token for viewing must not be exchanged for one that edits. A link is to
 * the file of today, never to an old version.
 */
function allowedTypes(grant: AccessGrant): readonly ShareUrlType[] {
  if (!isOwners(grant) || grant.document.version !== undefined) return [];
  return grant.permission === "edit" ? ["ReadOnly", "ReadWrite"] : ["ReadOnly"];
}

/** @see WOPI GetShareUrl (files) */
export function getShareUrl(services: Needs): WopiOperation {
  return (call) => shareUrl(services, call, call.grant.document.fileId);
}

/** @param fileId of the file or folder @throws notImplemented for everybody but the owner, and for a type not offered */
export async function shareUrl(
  services: Needs,
  { grant, header, signal }: WopiCall,
  fileId: string,
): Promise<WopiReply> {
  const refused = new BridgeError({ kind: "notImplemented", operation: "GET_SHARE_URL" });
  if (!isOwners(grant)) throw refused;
  const wanted = header("X-WOPI-UrlType");
  if (wanted === undefined) {
    throw new BridgeError({ kind: "headerInvalid", header: "X-WOPI-UrlType", reason: "missing or empty" });
  }
  const type = allowedTypes(grant).find((allowed) => allowed === wanted);
  if (type === undefined) throw refused;
  const account = await services.drive.lastingAccount(grant.document.account);
  return { json: { ShareUrl: await sharedLink(services, account, fileId, permissions[type], signal) } };
}
