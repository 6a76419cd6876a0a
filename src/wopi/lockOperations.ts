import {
  currentLockId,
  type LockRequest,
  lockDocument,
  refreshDocumentLock,
  relockDocument,
  unlockDocument,
} from "../documents/lockDocument.ts";
import { requireEdit, requireLockId, type WopiCall, type WopiOperation, type WopiReply } from "./wopiCall.ts";

type Needs = Parameters<typeof lockDocument>[0];

/** LOCK; with X-WOPI-OldLock it is UnlockAndRelock. @see WOPI Lock, UnlockAndRelock */
export function lock(services: Needs): WopiOperation {
  return async (call) => {
    const request = lockRequest(call);
    if (call.header("X-WOPI-OldLock") === undefined) return withVersion(await lockDocument(services, request));
    return withVersion(await relockDocument(services, request, requireLockId(call, "X-WOPI-OldLock")));
  };
}

/** @see WOPI RefreshLock */
export function refreshLock(services: Needs): WopiOperation {
  return async (call) => withVersion(await refreshDocumentLock(services, lockRequest(call)));
}

/** @see WOPI Unlock */
export function unlock(services: Needs): WopiOperation {
  return async (call) => withVersion(await unlockDocument(services, lockRequest(call)));
}

/** @see WOPI GetLock: the only 200 answer that carries X-WOPI-Lock */
export function getLock(services: Needs): WopiOperation {
  return async (call) => {
    requireEdit(call);
    return { headers: { "X-WOPI-Lock": await currentLockId(services, call.grant) } };
  };
}

/** @throws rightMissing, headerInvalid */
function lockRequest(call: WopiCall): LockRequest {
  requireEdit(call);
  return { grant: call.grant, lockId: requireLockId(call, "X-WOPI-Lock"), signal: call.signal };
}

/** Adds X-WOPI-ItemVersion to the answer when the version is known. */
function withVersion(version: string | undefined): WopiReply {
  return version === undefined ? {} : { headers: { "X-WOPI-ItemVersion": version } };
}
