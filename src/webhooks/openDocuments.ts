import { z } from "zod";
import type { FileActivity } from "../documents/activity.ts";
import { type AccessGrant, mayEdit } from "../documents/grants.ts";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { record, rowObject, type StoredRecord } from "../model/record.ts";
import type { Services } from "../services.ts";

/** A page that is loaded again was closed for a moment. */
export const closedAfterMs = 10_000;
/** How long to wait for the editor's last save: it ends with its lock. Another person's session may keep that. */
export const savedWithinMs = 60_000;
const keptGrants = 100;
/** Longer than any session. */
const rowLifetimeMs = 8 * 24 * 3_600_000;

const portalSchema = rowObject({
  name: z.string(),
  /** When its first session was seen on the document. */
  sinceMs: z.number(),
  grantIds: z.array(z.string()),
  /** When none of its sessions was found open any more. */
  emptySinceMs: z.number().exactOptional(),
});
type OpenAtPortal = z.infer<typeof portalSchema>;

const openDocumentSchema = rowObject({ fileName: z.string(), ownerId: z.string(), portals: z.array(portalSchema) });
/** A document that portals have open: they hear what happens to it. */
export type OpenDocument = z.infer<typeof openDocumentSchema>;

/** A portal that has closed a document. */
export interface ClosedAtPortal {
  readonly portal: string;
  readonly sinceMs: number;
  readonly document: OpenDocument;
}

type Needs = Pick<Services, "activity" | "grants" | "locks" | "now">;

/** Which portals have which documents open, as far as they hear of it. */
export class OpenDocuments {
  readonly #documents: StoredRecord<OpenDocument>;
  readonly #now: Clock;

  constructor(store: KeyValueStore, now: Clock) {
    this.#documents = record(store, "portalDocument", openDocumentSchema, { endsAtMs: () => now() + rowLifetimeMs });
    this.#now = now;
  }

  /** A session of a portal was seen for the first time. */
  async opened(portal: string, grant: AccessGrant): Promise<void> {
    const { document, fileName, ownerId, id } = grant;
    await this.#documents.update(document.fileId, (row) => {
      const before = row?.portals.find(({ name }) => name === portal);
      const others = row?.portals.filter(({ name }) => name !== portal) ?? [];
      const { emptySinceMs: _emptySinceMs, ...standing } = before ?? {
        name: portal,
        sinceMs: this.#now(),
        grantIds: [],
      };
      const grantIds = [id, ...standing.grantIds.filter((other) => other !== id)].slice(0, keptGrants);
      return { fileName, ownerId, ...row, portals: [...others, { ...standing, grantIds }] };
    });
  }

  async of(fileId: string): Promise<OpenDocument | undefined> {
    return this.#documents.get(fileId);
  }

  async renamed(fileId: string, fileName: string): Promise<void> {
    await this.#documents.update(fileId, (row) => (row === undefined ? row : { ...row, fileName }));
  }

  /** Looks whether portals have closed a document. @returns those to tell; `forget` them afterwards */
  async closed(services: Needs, fileId: string): Promise<{ closed: readonly ClosedAtPortal[]; lookAgain: boolean }> {
    const found = await this.#documents.get(fileId);
    if (found === undefined) return { closed: [], lookAgain: false };
    const lock = await services.locks.current(fileId);
    const open = await openGrants(services, fileId, lock !== undefined);
    const judged = (portal: OpenAtPortal) => judgeOpen(portal, open, lock?.grantId, this.#now());
    const { after } = await this.#documents.update(fileId, (row) => {
      const portals = row?.portals.map((portal) => withEmptySince(portal, judged(portal)));
      const isChanged = portals?.some((portal, at) => portal !== row?.portals[at]) === true;
      return row === undefined || portals === undefined || !isChanged ? row : { ...row, portals };
    });
    if (after === undefined) return { closed: [], lookAgain: false };
    const isClosed = (portal: OpenAtPortal) => judged(portal).is === "closed";
    return {
      closed: after.portals.filter(isClosed).map(({ name, sinceMs }) => ({ portal: name, sinceMs, document: after })),
      lookAgain: after.portals.some((portal) => judged(portal).is === "empty"),
    };
  }

  /** A portal was told that it has closed a document. If a session has come since, it stays. */
  async forget(fileId: string, { portal, sinceMs }: ClosedAtPortal): Promise<void> {
    await this.#documents.update(fileId, (row) => {
      const isIt = (one: OpenAtPortal) =>
        one.name === portal && one.sinceMs === sinceMs && one.emptySinceMs !== undefined;
      if (row === undefined || !row.portals.some(isIt)) return row;
      const portals = row.portals.filter((one) => !isIt(one));
      return portals.length === 0 ? undefined : { ...row, portals };
    });
  }

  /** Ids of all documents that portals have open. */
  all(): AsyncIterable<string> {
    return this.#documents.ids();
  }
}

/**
 * The sessions that have a document open: their page has called in the last minutes. A session without our page, as in a
 * portal's own, can only be told by its editor: it is open while it may edit and the document is locked.
 */
async function openGrants(
  { activity, grants, now }: Pick<Services, "grants" | "now"> & { activity: Pick<FileActivity, "of" | "mayBeOpen"> },
  fileId: string,
  isLocked: boolean,
): Promise<ReadonlySet<string>> {
  const recent = new Set((await activity.of(fileId)).sessions.map(({ grantId }) => grantId));
  const open = new Set<string>();
  for (const grantId of new Set([...recent, ...(await activity.mayBeOpen(fileId))])) {
    const grant = await grants.find(grantId);
    if (grant === undefined || grant.revokedAtMs !== undefined) continue;
    if (recent.has(grantId) || (isLocked && mayEdit(grant, now()))) open.add(grantId);
  }
  return open;
}

type Judged = { readonly is: "open" } | { readonly is: "empty" | "closed"; readonly sinceMs: number };

/** Pure: whether a portal has closed a document for good. */
export function judgeOpen(
  { grantIds, emptySinceMs }: Pick<OpenAtPortal, "grantIds" | "emptySinceMs">,
  open: ReadonlySet<string>,
  lockedByGrant: string | undefined,
  nowMs: number,
): Judged {
  if (grantIds.some((id) => open.has(id))) return { is: "open" };
  // A time in the future was written before the clock was set back.
  const sinceMs = Math.min(emptySinceMs ?? nowMs, nowMs);
  const mayStillSave = lockedByGrant !== undefined && grantIds.includes(lockedByGrant);
  return { is: nowMs - sinceMs >= (mayStillSave ? savedWithinMs : closedAfterMs) ? "closed" : "empty", sinceMs };
}

function withEmptySince(portal: OpenAtPortal, judged: Judged): OpenAtPortal {
  const emptySinceMs = judged.is === "open" ? undefined : judged.sinceMs;
  if (portal.emptySinceMs === emptySinceMs) return portal;
  const { emptySinceMs: _before, ...rest } = portal;
  return emptySinceMs === undefined ? rest : { ...rest, emptySinceMs };
}
