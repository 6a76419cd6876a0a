import { type AccessGrant, isOwners } from "../../documents/grants.ts";
import type { DriveFolder } from "../../model/drive.ts";
import type { Services } from "../../services.ts";
import { shareUrlTypes } from "../getShareUrl.ts";
import { type ContainerOperation, containerName, isRoot } from "./containerCall.ts";

/** @see WOPI CheckContainerInfo */
export function checkContainerInfo(services: Pick<Services, "bridgeUrl">): ContainerOperation {
  return async ({ grant, folder }) => ({ json: containerInfo(services, grant, folder) });
}

/** What an editor is told about a folder; each flag is a promise. */
export function containerInfo(
  { bridgeUrl }: Pick<Services, "bridgeUrl">,
  grant: AccessGrant,
  folder: DriveFolder,
): object {
  const canWrite = grant.permission === "edit";
  const canCreate = canWrite && grant.saveAs !== "none";
  const shareTypes = isRoot(folder) ? [] : shareUrlTypes(grant);
  return {
    Name: containerName(folder),
    // The page of the owner's own documents.
    ...(isOwners(grant) ? { HostUrl: `${bridgeUrl}/?folder=${encodeURIComponent(folder.uri)}` } : {}),
    IsAnonymousUser: grant.person.isNameless === true,
    UserCanCreateChildContainer: canCreate,
    UserCanCreateChildFile: canCreate,
    UserCanDelete: canWrite && isOwners(grant) && !isRoot(folder),
    ...(shareTypes.length === 0 ? {} : { SupportedShareUrlTypes: shareTypes }),
    UserCanRename: canWrite && grant.mayRename && !isRoot(folder),
  };
}
