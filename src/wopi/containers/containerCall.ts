import { folderAddress } from "../../documents/folderReach.ts";
import type { AccessGrant } from "../../documents/grants.ts";
import type { DriveFolder } from "../../model/drive.ts";
import { BridgeError } from "../../model/failure.ts";
import type { Services } from "../../services.ts";
import type { WopiCall, WopiReply } from "../wopiCall.ts";

/** A call on a folder, past token and proof checks; its grant reaches folders. */
export interface ContainerCall extends WopiCall {
  readonly folder: DriveFolder;
}

export type ContainerOperation = (call: ContainerCall) => Promise<WopiReply>;

/** Cloudreve's root has no name of its own. */
const rootName = "My files";

export const isRoot = ({ name }: DriveFolder): boolean => name === "";
export const containerName = (folder: DriveFolder): string => (isRoot(folder) ? rootName : folder.name);

/** A container with its address, as every answer names one. */
export async function containerPointer(
  services: Pick<Services, "tokens" | "wopiUrl">,
  grant: AccessGrant,
  folder: DriveFolder,
): Promise<{ readonly Name: string; readonly Url: string }> {
  return { Name: containerName(folder), Url: await folderAddress(services, grant, folder) };
}

/** @throws rightMissing when this person may not create anything here; WOPI answers 404 to that */
export function requireCreating({ grant }: ContainerCall): void {
  if (grant.permission !== "edit" || grant.saveAs === "none")
    throw new BridgeError({ kind: "rightMissing", right: "create" });
}
