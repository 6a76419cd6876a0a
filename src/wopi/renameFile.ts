import { editorAddress } from "../documents/openSession.ts";
import { renameDocument } from "../documents/renameDocument.ts";
import { holderReason } from "../model/drive.ts";
import { BridgeError, onFailure } from "../model/failure.ts";
import { splitName } from "../model/nameRules.ts";
import type { Services } from "../services.ts";
import { optionalLockId, requestedName, requireRename, type WopiCall, type WopiOperation } from "./wopiCall.ts";

/**
 * The body that Collabora sends is discarded. Never 409 for a name: Collabora would close the document for everybody.
 * @see WOPI RenameFile; reference editor-traffic, trap 3 and 4
 */
export function renameFile(
  services: Parameters<typeof renameDocument>[0] & Pick<Services, "tokens" | "wopiUrl">,
): WopiOperation {
  return async (call) => {
    requireRename(call);
    call.body.resume();
    const asked = { name: () => wantedName(call), lockId: () => optionalLockId(call) };
    const { name, lastModifiedTime } = await onFailure(
      "lockedElsewhere",
      () => renameDocument(services, call.grant, asked, call.signal),
      ({ holder }) => Promise.reject(new BridgeError({ kind: "nameIllegal", reason: holderReason[holder] })),
    );
    return {
      json: {
        Name: splitName(name).stem,
        Url: await editorAddress(services, call.grant),
        LastModifiedTime: lastModifiedTime,
      },
    };
  };
}

function wantedName(call: WopiCall): string {
  const name = requestedName(call, "X-WOPI-RequestedName");
  if (name !== undefined) return name;
  throw new BridgeError({ kind: "headerInvalid", header: "X-WOPI-RequestedName", reason: "missing or empty" });
}
