import { createChild } from "../../documents/createChild.ts";
import { childAddress } from "../../documents/folderReach.ts";
import { isOwners } from "../../documents/grants.ts";
import type { Services } from "../../services.ts";
import { wishedName } from "../wopiCall.ts";
import { containerInfo } from "./checkContainerInfo.ts";
import { type ContainerOperation, containerPointer, requireCreating } from "./containerCall.ts";

type Needs = Parameters<typeof createChild>[0] & Pick<Services, "tokens" | "wopiUrl" | "bridgeUrl">;

/** An empty file in this folder; the editor fills it with PutFile. @see WOPI CreateChildFile */
export function createChildFile(services: Needs): ContainerOperation {
  return async (call) => {
    requireCreating(call);
    call.body.resume();
    const { grant, folder } = call;
    const file = await createChild(services, grant, folder, "file", wishedName(call, "CREATE_CHILD_FILE"));
    return {
      json: {
        Name: file.name,
        Url: await childAddress(services, grant, file.id),
        // Pages for somebody who is signed in here: a ticket would be used up unseen.
        ...(isOwners(grant) ? { HostEditUrl: `${services.bridgeUrl}/open?file_id=${file.id}` } : {}),
      },
    };
  };
}

/** @see WOPI CreateChildContainer */
export function createChildContainer(services: Needs): ContainerOperation {
  return async (call) => {
    requireCreating(call);
    call.body.resume();
    const { grant, folder } = call;
    const made = await createChild(services, grant, folder, "folder", wishedName(call, "CREATE_CHILD_CONTAINER"));
    return {
      json: {
        ContainerPointer: await containerPointer(services, grant, made),
        ContainerInfo: containerInfo(services, grant, made),
      },
    };
  };
}
