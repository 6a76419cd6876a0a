import { type AccessGrant, editorOrigin } from "../model/accessGrants.ts";
import { BridgeError } from "../model/failure.ts";
import type { FileTurns } from "../model/fileTurns.ts";
import { type SaveParts, type SaveRequest, saveDocument } from "../saves/saveDocument.ts";
import type { SaveSpool } from "../saves/saveSpool.ts";
import { collaboraHeader, optionalLockId, requireEdit, type WopiCall, type WopiOperation } from "./wopiCall.ts";

export interface PutFileParts extends SaveParts {
  readonly spool: SaveSpool;
  readonly turns: FileTurns;
  readonly limitBytes: number;
}

/**
 * Saves the document: the body first goes whole into the spool, then, in the file's turn, the policy decides.
 * @see WOPI PutFile; product section 8
 */
export function putFile(parts: PutFileParts): WopiOperation {
  return async (call) => {
    requireEdit(call);
    const request = saveRequest(call);
    const announcedBytes = Number(call.header("Content-Length") ?? 0);
    if (announcedBytes > parts.limitBytes) {
      throw new BridgeError({ kind: "bodyTooLarge", limitBytes: parts.limitBytes });
    }
    const save = await parts.spool.receive(call.body, placingFacts(call.grant, request, parts.now()), parts.limitBytes);
    try {
      const { file, lastModifiedTime } = await parts.turns.inTurn(call.grant.document.fileId, () =>
        saveDocument(parts, call.grant, request, save),
      );
      return {
        status: 200,
        headers: { "X-WOPI-ItemVersion": file.version },
        json: { LastModifiedTime: lastModifiedTime },
      };
    } finally {
      await save.discard();
    }
  };
}

/** @throws headerInvalid when the lock id is malformed */
function saveRequest(call: WopiCall): SaveRequest {
  const timestamp = collaboraHeader(call, "Timestamp");
  return {
    requestLockId: optionalLockId(call),
    timestamp,
    // Today's Collabora always sends the time it remembers, and leaves it out for "Overwrite" alone. ONLYOFFICE and
    // old versions have only the LOOL headers and may not know a time.
    isForced: timestamp === undefined && call.header("X-COOL-WOPI-IsModifiedByUser") !== undefined,
    isExitSave: collaboraHeader(call, "IsExitSave")?.toLowerCase() === "true",
  };
}

/** What it takes to place these bytes when this process is gone. */
function placingFacts(grant: AccessGrant, request: SaveRequest, receivedAtMs: number): object {
  const { document, person, id } = grant;
  return { grantId: id, document, person, editor: editorOrigin(grant), request, receivedAtMs };
}
