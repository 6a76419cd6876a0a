import { Breath } from "../model/breath.ts";
import type { Services } from "../services.ts";
import type { OpenSession } from "./activity.ts";

type Needs = Pick<Services, "activity" | "grants" | "locks">;

/** A document that somebody has open, or whose lock stands. */
export interface DocumentInUse {
  readonly fileId: string;
  /** undefined when no session tells it any more. */
  readonly name: string | undefined;
  readonly sessions: readonly Pick<OpenSession, "person" | "permission" | "openedAtMs">[];
  /** The editor's lock. `holder`: who last took or refreshed it, if that is still known. */
  readonly lock: { readonly holder: string | undefined; readonly expiresAtMs: number } | undefined;
  /** The drive may still hold the document for us, though no editor does. */
  readonly isHeldInDrive: boolean;
}

/** All documents in use, on all bridges that share the store: those open for longest first, then those only locked. */
export async function documentsInUse(services: Needs): Promise<DocumentInUse[]> {
  const { activity, grants, locks } = services;
  const sessions = new Map<string, readonly OpenSession[]>();
  for await (const [fileId, open] of activity.open()) sessions.set(fileId, open);
  const held = new Set<string>();
  for await (const fileId of locks.held()) held.add(fileId);
  const found: DocumentInUse[] = [];
  const breath = new Breath();
  for (const fileId of new Set([...sessions.keys(), ...held])) {
    await breath.draw();
    const open = sessions.get(fileId) ?? [];
    const lock = await locks.current(fileId);
    const isHeldInDrive = lock === undefined && held.has(fileId);
    if (open.length === 0 && lock === undefined && !isHeldInDrive) continue;
    const holder = lock === undefined ? undefined : await findGrant(grants, lock.grantId);
    const file = await locks.fileUnderLock(fileId);
    const [first] = open;
    const ofSession = file !== undefined || first === undefined ? undefined : await findGrant(grants, first.grantId);
    found.push({
      fileId,
      name: file?.name ?? holder?.fileName ?? ofSession?.fileName,
      sessions: open,
      lock: lock === undefined ? undefined : { holder: holder?.person.name, expiresAtMs: lock.expiresAtMs },
      isHeldInDrive,
    });
  }
  return found.sort((a, b) => sinceMs(a) - sinceMs(b) || (a.fileId < b.fileId ? -1 : 1));
}

function sinceMs({ sessions }: DocumentInUse): number {
  return Math.min(...sessions.map(({ openedAtMs }) => openedAtMs), Number.MAX_SAFE_INTEGER);
}

async function findGrant(grants: Needs["grants"], id: string) {
  return (await grants.find(id)) ?? (await grants.findEnded(id));
}
