import { type Call, headerText, type Route, sendEmpty, sendJson } from "./call.ts";
import { checkFileInfo } from "./checkFileInfo.ts";
import { serveContent } from "./serveContent.ts";
import { readOrCutOff } from "./unreadBody.ts";
import { lock, refreshLock, unlock } from "./wopiLocks.ts";
import { findTarget, readSession, type WopiContext, WopiRefusal } from "./wopiSession.ts";
import { putFile, putRelative } from "./wopiWrites.ts";

type Operation = (call: Call, context: WopiContext) => Promise<void> | void;

/** Exactly these words in exactly this case; all others are 501, GET_LOCK and RENAME_FILE among them. */
const overrides: Readonly<Record<string, Operation>> = {
  LOCK: lock,
  REFRESH_LOCK: refreshLock,
  UNLOCK: unlock,
  PUT_RELATIVE: putRelative,
};

const filePath = "/api/v4/file/wopi/:id";

/** The native WOPI host. */
export const wopiRoutes: readonly Route[] = [
  route("GET", filePath, (call, context) =>
    sendJson(call, 200, checkFileInfo(call, context, findTarget(call, context))),
  ),
  route("GET", `${filePath}/contents`, getFile),
  route("POST", `${filePath}/contents`, putFile),
  route("POST", filePath, (call, context) => {
    const operation = overrides[headerText(call, "x-wopi-override")];
    return operation ? operation(call, context) : sendEmpty(call, 501);
  }),
];

async function getFile(call: Call, context: WopiContext): Promise<void> {
  const { file, entity } = findTarget(call, context);
  if ((entity?.size ?? file.size) > call.drive.settings.maxEditSizeBytes) {
    throw new WopiRefusal(500, "File is too large");
  }
  const etag = `"${call.drive.word("entity", entity?.number ?? 0)}"`;
  await serveContent(call, entity, "application/octet-stream", {}, etag);
}

function route(method: string, path: string, operation: Operation): Route {
  return { method, path, isNativeWopi: true, run: (call) => runNative(call, operation) };
}

async function runNative(call: Call, operation: Operation): Promise<void> {
  try {
    await operation(call, readSession(call));
  } catch (error) {
    if (!(error instanceof WopiRefusal) || call.response.headersSent) throw error;
    await readOrCutOff(call.request, call.response);
    // Names internal paths: nothing of this belongs before a user.
    sendEmpty(call, error.status, { "X-Wopi-Servererror": error.message });
  }
}
