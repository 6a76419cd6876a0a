import { cameThrough } from "../../documents/grants.ts";
import { holderReason } from "../../model/drive.ts";
import { BridgeError, failureOf } from "../../model/failure.ts";
import { nearestRename, underFreeName } from "../../model/fileName.ts";
import type { Services } from "../../services.ts";
import { requestedName, requireRename } from "../wopiCall.ts";
import { type ContainerOperation, isRoot } from "./containerCall.ts";

/**
 * Renames a folder; a name that is taken or can't be used becomes a similar one.
 * @throws nameIllegal when no part of it can be used, or somebody holds a file in the folder
 * @see WOPI RenameContainer
 */
export function renameContainer({ drive, audit }: Pick<Services, "drive" | "audit">): ContainerOperation {
  return async (call) => {
    requireRename(call);
    call.body.resume();
    const { grant, folder } = call;
    if (isRoot(folder)) throw new BridgeError({ kind: "rightMissing", right: "rename" });
    const wanted = requestedName(call, "X-WOPI-RequestedName");
    if (wanted === undefined) {
      throw new BridgeError({ kind: "headerInvalid", header: "X-WOPI-RequestedName", reason: "missing or empty" });
    }
    const renamed = await underFreeName(
      (attempt) => {
        const name = nearestRename(wanted, "", attempt);
        if (name === undefined) throw new BridgeError({ kind: "nameIllegal", reason: "the name is empty" });
        return name;
      },
      // It may already have one of the similar names.
      async (name) => (name === folder.name ? folder : drive.renameFolder(grant.document.account, folder, name)),
      (error) => failureOf(error, "nameTaken") !== undefined,
    ).catch((error: unknown) => {
      const elsewhere = failureOf(error, "lockedElsewhere");
      throw elsewhere === undefined
        ? error
        : new BridgeError({ kind: "nameIllegal", reason: holderReason[elsewhere.holder] });
    });
    if (renamed === undefined) throw new BridgeError({ kind: "nameIllegal", reason: "the name is taken" });
    if (renamed.name !== folder.name) {
      const { person } = grant;
      const who = { person: { id: person.id, name: person.name }, through: cameThrough(grant) };
      audit({ event: "renamed", file: folder.id, from: folder.name, to: renamed.name, ...who });
    }
    return { json: { Name: renamed.name } };
  };
}
