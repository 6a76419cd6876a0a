import { deleteDocument } from "../documents/deleteDocument.ts";
import { requireEdit, type WopiOperation } from "./wopiCall.ts";

/** @see WOPI DeleteFile */
export function deleteFile(parts: Parameters<typeof deleteDocument>[0]): WopiOperation {
  return async (call) => {
    requireEdit(call);
    await deleteDocument(parts, call.grant, call.signal);
    return { status: 200 };
  };
}
