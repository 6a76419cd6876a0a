import { type AccessGrant, reachesFolders } from "../../documents/grants.ts";
import { BridgeError } from "../../model/failure.ts";
import type { Services } from "../../services.ts";
import type { WopiOperation, WopiReply } from "../wopiCall.ts";
import { type ContainerOperation, containerPointer } from "./containerCall.ts";

type Needs = Pick<Services, "drive" | "tokens" | "wopiUrl">;

/** The folders above a file, the root first. @see WOPI EnumerateAncestors (files) */
export function enumerateAncestorsOfFile(services: Needs): WopiOperation {
  return async ({ grant }) => {
    requireReach(grant, "ENUMERATE_ANCESTORS");
    const { account, fileId } = grant.document;
    return ancestors(services, grant, (await services.drive.find(account, { fileId })).uri);
  };
}

/** The folders above a folder, the root first. @see WOPI EnumerateAncestors (containers) */
export function enumerateAncestorsOfContainer(services: Needs): ContainerOperation {
  return ({ grant, folder }) => ancestors(services, grant, folder.uri);
}

async function ancestors(services: Needs, grant: AccessGrant, uri: string): Promise<WopiReply> {
  const above = await services.drive.foldersAbove(grant.document.account, uri);
  const pointers = await Promise.all(above.map((folder) => containerPointer(services, grant, folder)));
  return { json: { AncestorsWithRootFirst: pointers } };
}

/** CheckFileInfo promises these operations only to a grant that reaches folders. @throws notImplemented */
export function requireReach(grant: AccessGrant, operation: string): void {
  if (!reachesFolders(grant)) throw new BridgeError({ kind: "notImplemented", operation });
}
