import type { FailedSave } from "../documents/activity.ts";
import { addressInEditor, derivedRights } from "../documents/folderReach.ts";
import { type AccessGrant, type GrantEnd, isOwners } from "../documents/grants.ts";
import type { LastCopy } from "../documents/lastCopy.ts";
import { personAddress } from "../documents/openSession.ts";
import { logFacts } from "../http/requestLog.ts";
import { BridgeError } from "../model/failure.ts";
import type { Services } from "../services.ts";

type Needs = Pick<Services, "activity" | "lastCopies" | "grants" | "drive" | "editors" | "bridgeUrl" | "wopiUrl">;

interface CopyToOpen {
  readonly copyId: string;
  /** Opens with what this session may; otherwise on the owner's own pages, who has to be signed in there. */
  readonly inSession: boolean;
}

/**
 * The copy that the page speaks of, if this person may open it. Its owner may, also when the session has ended. Anybody
 * else only as with a new file by Save As, which is theirs: the copy of their own changes, where the session or the link
 * lets them save new files, and while it lasts.
 */
export function copyToOpen(
  grant: AccessGrant,
  ended: GrantEnd | undefined,
  failed: FailedSave | undefined,
  lastCopy: LastCopy | undefined,
): CopyToOpen | undefined {
  const isOwn = failed?.person.id === grant.person.id;
  const ofFailed = failed?.keptIn === "copy" && (isOwn || ended === undefined) ? failed.copyId : undefined;
  const copyId = lastCopy?.written?.copyId ?? ofFailed;
  if (copyId === undefined || grant.document.version !== undefined) return undefined;
  if (isOwners(grant)) return { copyId, inSession: false };
  const mayOpen = ended === undefined && grant.permission === "edit" && grant.saveAs !== "none" && isOwn;
  return mayOpen ? { copyId, inSession: true } : undefined;
}

/** Where the copy opens, for a click. @throws ticketInvalid when there is none to open; fileMissing when it is gone */
export async function copyAddress(services: Needs, grant: AccessGrant, ended: GrantEnd | undefined): Promise<string> {
  const { lastFailedSave } = await services.activity.of(grant.document.fileId);
  const copy = copyToOpen(grant, ended, lastFailedSave, await services.lastCopies.find(grant.id));
  if (copy === undefined) throw new BridgeError({ kind: "ticketInvalid" });
  const { copyId, inSession } = copy;
  logFacts({ grant: grant.id, file: copyId });
  if (!inSession) return `${services.bridgeUrl}/open?file_id=${copyId}`;
  const document = { account: grant.document.account, fileId: copyId };
  const file = await services.drive.stat(document);
  const { id, ...rights } = grant;
  // A token must not be exchanged for one that lasts longer: the new grant ends when this one does.
  const facts = { ...rights, document, fileName: file.name, derivedFrom: grant.derivedFrom ?? id };
  const address = await addressInEditor(services, grant, file, "edit");
  return personAddress(services, await services.grants.issue(derivedRights(facts, address)));
}
