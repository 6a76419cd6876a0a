import { BridgeError } from "../../model/failure.ts";
import { shareUrl } from "../getShareUrl.ts";
import { type ContainerOperation, isRoot } from "./containerCall.ts";

/** A link to this folder, as to a file. Never to the root: it would share everything. @see WOPI GetShareUrl (containers) */
export function getContainerShareUrl(services: Parameters<typeof shareUrl>[0]): ContainerOperation {
  return async (call) => {
    if (isRoot(call.folder)) throw new BridgeError({ kind: "notImplemented", operation: "GET_SHARE_URL" });
    return shareUrl(services, call, call.folder.id);
  };
}
