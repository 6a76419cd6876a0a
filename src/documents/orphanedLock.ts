import type { Clock } from "../model/keyValueStore.ts";
import type { FileActivity } from "./activity.ts";
import { type AccessGrants, editorOrigin, mayEdit } from "./grants.ts";
import type { WopiLock } from "./lockRows.ts";

/**
 * Whether a lock protects nobody any more: the grant that held it has ended, and nobody else edits the file in that
 * editor. An editor has one lock for all its users, so that one of them leaving must not end it.
 */
export async function isOrphaned(
  { grants, activity, now }: { readonly grants: AccessGrants; readonly activity: FileActivity; readonly now: Clock },
  fileId: string,
  lock: WopiLock,
): Promise<boolean> {
  const holder = (await grants.find(lock.grantId)) ?? (await grants.findEnded(lock.grantId));
  if (holder !== undefined && mayEdit(holder, now())) return false;
  for (const grantId of await activity.mayBeOpen(fileId)) {
    // By the rights of today: what the activity has noted of them may be half a minute old.
    const other = await grants.find(grantId);
    if (other === undefined || !mayEdit(other, now())) continue;
    // Whoever held it may be forgotten by now: then it could be anybody's.
    if (holder === undefined || editorOrigin(other) === editorOrigin(holder)) return false;
  }
  return true;
}
