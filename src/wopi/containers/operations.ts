import type { Services } from "../../services.ts";
import { enumerateAncestorsOfContainer } from "./ancestry.ts";
import { checkContainerInfo } from "./checkContainerInfo.ts";
import { createChildContainer, createChildFile } from "./createChild.ts";
import { deleteContainer } from "./deleteContainer.ts";
import { checkEcosystem, getEcosystem, getFileWopiSrc, getRootContainer } from "./ecosystem.ts";
import { enumerateChildren } from "./enumerateChildren.ts";
import { getContainerShareUrl } from "./getShareUrl.ts";
import { renameContainer } from "./renameContainer.ts";

/** All operations on folders and on the ecosystem, as functions of a call. */
export function containerOperations(services: Services) {
  return {
    checkContainerInfo: checkContainerInfo(services),
    children: enumerateChildren(services),
    ancestry: enumerateAncestorsOfContainer(services),
    ecosystemPointer: getEcosystem(services),
    containerOverrides: {
      CREATE_CHILD_FILE: createChildFile(services),
      CREATE_CHILD_CONTAINER: createChildContainer(services),
      RENAME_CONTAINER: renameContainer(services),
      DELETE_CONTAINER: deleteContainer(services),
      GET_SHARE_URL: getContainerShareUrl(services),
    },
    checkEcosystem: checkEcosystem(),
    rootContainer: getRootContainer(services),
    ecosystemOverrides: { GET_WOPI_SRC_WITH_ACCESS_TOKEN: getFileWopiSrc(services) },
  };
}
