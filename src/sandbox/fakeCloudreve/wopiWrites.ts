import { believedLengthBytes, type Call, headerText, sendEmpty, sendJson } from "./call.ts";
import { lockRoot, requireWritable } from "./places.ts";
import { storeVersion } from "./storeVersion.ts";
import { readOrCutOff } from "./unreadBody.ts";
import { decodeUtf7 } from "./utf7.ts";
import { lockAnew, lockHeader } from "./wopiLocks.ts";
import { asRefusal, findTarget, orRefuse, type WopiContext, WopiRefusal, type WopiTarget } from "./wopiSession.ts";

const versionHeader = "X-Wopi-Itemversion";
/** The server's own spelling. */
const updateFailed = "failed to update file: faield to prepare uplaod";

/** PutFile: writes on an unlocked file with any lock header or none; X-WOPI-Override is not looked at. */
export async function putFile(call: Call, context: WopiContext): Promise<void> {
  const { drive } = call;
  const target = findWritable(call, context);
  const lengthBytes = checkedLength(call);
  const hold = takeLock(call, context, target);
  if ("conflictToken" in hold) return await refuse(call, 409, { [lockHeader]: hold.conflictToken });
  try {
    const { place, file } = target;
    const author = context.caller ?? place.owner;
    await storeVersion(drive, { place, author, lengthBytes, isLocked: hold.isLocked }, call.request);
    sendEmpty(call, 200, { [versionHeader]: drive.word("entity", file.primaryEntity) });
  } catch (error) {
    throw asRefusal(updateFailed, error);
  } finally {
    hold.giveBack();
  }
}

/** PUT_RELATIVE: overwrites whatever has the suggested name, the source itself included. */
export async function putRelative(call: Call, context: WopiContext): Promise<void> {
  const { drive } = call;
  const { place, file } = findWritable(call, context);
  const lengthBytes = checkedLength(call);
  const name = suggestedName(call, file.name);
  if (name === undefined) {
    return await refuse(call, 400, { "X-Wopi-Invalidfilenameerror": "Invalid target file name" });
  }
  const target = { ...place, names: [...place.names.slice(0, -1), name] };
  try {
    const author = context.caller ?? place.owner;
    const stored = await storeVersion(drive, { place: target, author, lengthBytes }, call.request);
    call.response.setHeader(versionHeader, drive.word("entity", stored.primaryEntity));
  } catch (error) {
    throw asRefusal(updateFailed, error);
  }
  sendJson(call, 200, { Name: name, Url: "" });
}

async function refuse(call: Call, status: number, headers: Record<string, string>): Promise<void> {
  await readOrCutOff(call.request, call.response);
  sendEmpty(call, status, headers);
}

function findWritable(call: Call, context: WopiContext): WopiTarget {
  const target = findTarget(call, context);
  orRefuse("failed to get file", () => requireWritable(target.place));
  return target;
}

function checkedLength(call: Call): number {
  const lengthBytes = believedLengthBytes(call);
  if (lengthBytes > call.drive.settings.maxEditSizeBytes) throw new WopiRefusal(413, "File is too large");
  return lengthBytes;
}

type Hold = { isLocked: boolean; giveBack: () => void } | { conflictToken: string };

/** With a lock id: the lock if it is ours, otherwise one for the time of the call. Without: whatever an upload takes. */
function takeLock(call: Call, context: WopiContext, { file }: WopiTarget): Hold {
  const { locks } = call.drive;
  const token = headerText(call, "x-wopi-lock");
  if (token === "") return { isLocked: false, giveBack: () => undefined };
  const release = locks.hold(lockRoot(call.drive, file), token);
  if (release) return { isLocked: true, giveBack: release };
  const other = lockAnew(call, context, file, token);
  return other ? { conflictToken: other.token } : { isLocked: true, giveBack: () => locks.unlock(token) };
}

/** @returns undefined when there is no name, or one with a path in it */
function suggestedName(call: Call, sourceName: string): string | undefined {
  // Node reads header bytes as Latin-1; anything above ASCII shows as such and is refused.
  const suggested = decodeUtf7(headerText(call, "x-wopi-suggestedtarget"));
  if (suggested === undefined) {
    throw new WopiRefusal(500, "failed to decode X-WOPI-SuggestedTarget header (UTF-7): utf7: bad utf-7 encoding");
  }
  if (/[\\/]/.test(suggested) || ["", ".", ".."].includes(suggested)) return undefined;
  if (!suggested.startsWith(".")) return suggested;
  const dot = sourceName.lastIndexOf(".");
  return `${dot < 0 ? sourceName : sourceName.slice(0, dot)}${suggested}`;
}
