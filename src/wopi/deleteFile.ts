import { deleteDocument } from "../documents/deleteDocument.ts";
import { requireEdit, type WopiOperation } from "./wopiCall.ts";

/** @see WOPI DeleteFile */
export function deleteFile(services: Parameters<typeof deleteDocument>[0]): WopiOperation {
  return async (call) => {
    requireEdit(call);
    await deleteDocument(services, call.grant, call.signal);
    return {};
  };
}
