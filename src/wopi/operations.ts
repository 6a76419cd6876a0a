import type { Services } from "../services.ts";
import { addActivities } from "./addActivities.ts";
import { checkFileInfo } from "./checkFileInfo.ts";
import { enumerateAncestorsOfFile } from "./containers/ancestry.ts";
import { getEcosystem } from "./containers/ecosystem.ts";
import { deleteFile } from "./deleteFile.ts";
import { getFile } from "./getFile.ts";
import { getShareUrl } from "./getShareUrl.ts";
import { getLock, lock, refreshLock, unlock } from "./lockOperations.ts";
import { putFile } from "./putFile.ts";
import { putRelativeFile } from "./putRelativeFile.ts";
import { putUserInfo } from "./putUserInfo.ts";
import { renameFile } from "./renameFile.ts";

/** All operations, as functions of a call: by X-WOPI-Override where there is one, on the file or on its contents. */
export function wopiOperations(services: Services) {
  return {
    checkFileInfo: checkFileInfo(services),
    getFile: getFile(services),
    ancestry: enumerateAncestorsOfFile(services),
    ecosystemPointer: getEcosystem(services),
    fileOverrides: {
      LOCK: lock(services),
      UNLOCK: unlock(services),
      REFRESH_LOCK: refreshLock(services),
      GET_LOCK: getLock(services),
      PUT_RELATIVE: putRelativeFile(services),
      RENAME_FILE: renameFile(services),
      DELETE: deleteFile(services),
      PUT_USER_INFO: putUserInfo(services),
      ADD_ACTIVITIES: addActivities(services),
      GET_SHARE_URL: getShareUrl(services),
    },
    contentOverrides: { PUT: putFile(services) },
  };
}
