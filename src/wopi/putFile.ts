import { KeptSafely, type SaveRequest, saveAfterEnd, saveDocument } from "../documents/saveDocument.ts";
import { suiteOf } from "../editors/suites.ts";
import { BridgeError } from "../model/failure.ts";
import {
  collaboraHeader,
  isEncoded,
  isExitSave,
  optionalLockId,
  saveBody,
  type WopiCall,
  type WopiOperation,
} from "./wopiCall.ts";

/** Saves the document, or beside it if the right to edit has just ended; the answer still reports that end. */
export function putFile(services: Parameters<typeof saveDocument>[0]): WopiOperation {
  return async (call) => {
    if (call.grant.permission !== "edit") {
      const refusal = new BridgeError({ kind: "rightMissing", right: "edit" });
      if (isEncoded(call)) throw refusal;
      throw (await saveAfterEnd(services, call.grant, saveBody(call))) ? new KeptSafely(refusal) : refusal;
    }
    const { version, lastModifiedTime } = await saveDocument(services, call.grant, saveRequest(call), saveBody(call));
    return {
      headers: { "X-WOPI-ItemVersion": version },
      json: { LastModifiedTime: lastModifiedTime },
    };
  };
}

/** @throws headerInvalid when the lock id is malformed */
function saveRequest(call: WopiCall): SaveRequest {
  const headers = placingHeaders(call);
  return {
    ...headers,
    // Today's Collabora always sends the time it remembers, and leaves it out only for "Overwrite". ONLYOFFICE and old
    // versions have only the LOOL headers and may not know a time.
    isForced:
      headers.timestamp === undefined &&
      call.header("X-COOL-WOPI-IsModifiedByUser") !== undefined &&
      suiteOf(call.grant.actionUrl).overwritesByOmission,
    isExitSave: isExitSave(call),
    needsNoVersion: collaboraHeader(call, "IsModifiedByUser")?.toLowerCase() === "false",
    signal: call.signal,
  };
}

/** @throws headerInvalid when the lock id is malformed */
export function placingHeaders(call: Pick<WopiCall, "header">): Pick<SaveRequest, "requestLockId" | "timestamp"> {
  const timestamp = collaboraHeader(call, "Timestamp");
  const requestLockId = optionalLockId(call);
  return {
    ...(requestLockId === undefined ? {} : { requestLockId }),
    ...(timestamp === undefined ? {} : { timestamp }),
  };
}
