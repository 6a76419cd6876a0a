import { cameThrough, isOwners } from "../../documents/grants.ts";
import { BridgeError } from "../../model/failure.ts";
import type { Services } from "../../services.ts";
import { requireEdit } from "../wopiCall.ts";
import { type ContainerOperation, isRoot } from "./containerCall.ts";

/**
 * Moves an empty folder to the drive's trash. Only the owner may, as with documents.
 * @throws folderNotEmpty
 * @see WOPI DeleteContainer
 */
export function deleteContainer({ drive, audit }: Pick<Services, "drive" | "audit">): ContainerOperation {
  return async (call) => {
    requireEdit(call);
    const { grant, folder } = call;
    if (!isOwners(grant) || isRoot(folder)) throw new BridgeError({ kind: "rightMissing", right: "delete" });
    await drive.removeFolder(grant.document.account, folder);
    const { person } = grant;
    const who = { person: { id: person.id, name: person.name }, through: cameThrough(grant) };
    audit({ event: "deleted", file: folder.id, name: folder.name, ...who });
    return {};
  };
}
