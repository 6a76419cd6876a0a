import type { AccessGrants } from "./accessGrants.ts";
import type { FileActivity } from "./fileActivity.ts";
import type { FileLock } from "./fileLocks.ts";

/**
 * Whether a lock protects nobody any more: the grant that held it has ended, and nobody else has the file open to edit.
 * An editor has one lock for all its users, so that one of them leaving must not end it.
 */
export async function isOrphaned(
  parts: { readonly grants: AccessGrants; readonly activity: FileActivity },
  fileId: string,
  lock: FileLock,
): Promise<boolean> {
  if (await isLive(parts.grants, lock.grantId)) return false;
  const { sessions } = await parts.activity.of(fileId);
  // By the rights of today: what the activity has noted of them may be half a minute old.
  for (const { grantId } of sessions) if (await isLive(parts.grants, grantId)) return false;
  return true;
}

async function isLive(grants: AccessGrants, grantId: string): Promise<boolean> {
  const grant = await grants.find(grantId);
  return grant !== undefined && grant.revokedAtMs === undefined && grant.permission === "edit";
}
