import { type AccessGrant, isOwners } from "../documents/grants.ts";
import { sharedLink } from "../links/sharedLink.ts";
import { BridgeError } from "../model/failure.ts";
import type { WopiOperation } from "./wopiCall.ts";

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

/** @see WOPI GetShareUrl: 501 for a type that is not offered */
export function getShareUrl(services: Parameters<typeof sharedLink>[0]): WopiOperation {
  return async ({ grant, header, signal }) => {
    const refused = new BridgeError({ kind: "notImplemented", operation: "GET_SHARE_URL" });
    if (!isOwners(grant)) throw refused;
    const wanted = header("X-WOPI-UrlType");
    if (wanted === undefined) {
      throw new BridgeError({ kind: "headerInvalid", header: "X-WOPI-UrlType", reason: "missing or empty" });
    }
    const type = allowedTypes(grant).find((allowed) => allowed === wanted);
    if (type === undefined) throw refused;
    const account = await services.drive.accountNamed(grant.document.account);
    const url = await sharedLink(services, account, grant.document.fileId, permissions[type], signal);
    return { json: { ShareUrl: url } };
  };
}
