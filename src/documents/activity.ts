import { z } from "zod";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { OldestOutMap } from "../model/oldestOutMap.ts";
import { type NamedPerson, namedPersonSchema, type Person } from "../model/person.ts";
import { record, rowObject, type StoredRecord } from "../model/record.ts";
import { type Comment, commentSchema, withComments } from "./comments.ts";
import type { AccessGrant } from "./grants.ts";

const failedSaveSchema = rowObject({
  atMs: z.number(),
  person: namedPersonSchema,
  /** The kind of a failure, or "unexpected"; a newer bridge may have stored one that is unknown here. */
  why: z.string(),
  /** `spool`: retried automatically. `copy`: beside the document. undefined: only the editor has the bytes. */
  keptIn: z.enum(["spool", "copy"]).optional(),
  copyName: z.string().exactOptional(),
  /** Of the copy; rows from older versions lack it. */
  copyId: z.string().exactOptional(),
});
/** A save that has not reached the document, and where its bytes are. */
export type FailedSave = z.infer<typeof failedSaveSchema>;

const openSessionSchema = rowObject({
  grantId: z.string(),
  person: namedPersonSchema,
  permission: z.enum(["view", "edit"]).catch("view"),
  openedAtMs: z.number(),
  /** When its page or its editor last called. */
  seenAtMs: z.number(),
  /** It came through a link. */
  isVisitor: z.literal(true).exactOptional(),
  /** It was opened in our page, which calls as long as it is open. A portal's own page never does. */
  hasPage: z.literal(true).exactOptional(),
  /** What the editor has requested so far: from this, a page that waits for its editor can tell what is wrong. */
  called: rowObject({
    checkFileInfo: z.literal(true).exactOptional(),
    getFile: z.literal(true).exactOptional(),
  }),
  /** The start of the editor's server that last opened it, where the editor names one. */
  serverId: z.string().exactOptional(),
  /** The lock id under which its editor was refused the document, since another lock held it. */
  refusedLockId: z.string().exactOptional(),
});
/** Somebody who has the file open. */
export type OpenSession = z.infer<typeof openSessionSchema>;

const notedActivitySchema = rowObject({
  sessions: z.array(openSessionSchema),
  lastSave: rowObject({ atMs: z.number(), person: namedPersonSchema, version: z.string() }).exactOptional(),
  /** The newest one. A later `lastSave` does not remove it, because a copy stays where it is. */
  lastFailedSave: failedSaveSchema.exactOptional(),
  /** By an editor, through the bridge; in the drive it may have got another name since. */
  lastRename: rowObject({ atMs: z.number(), name: z.string() }).exactOptional(),
  /** The newest first. @see keptComments */
  comments: z.array(commentSchema).exactOptional(),
});
type NotedActivity = z.infer<typeof notedActivitySchema>;

/** The activity on a file, as far as the bridge has seen it. */
export type Activity = NotedActivity & {
  /** Since when a save has been passing through this bridge. */
  readonly savingSinceMs?: number;
};

/** A session that has not called for this long counts as closed. */
export const seenWithinMs = 3 * 60_000;
/** An editor without our page may stay open this long after it fetched the document. */
const openUnseenForMs = 24 * 3_600_000;
/** A session's calls are recorded at most this often: each record is a write. */
const noteSeenEveryMs = 30_000;
/** Each open session has three; were there fewer than open sessions, each call would read the row again. */
const rememberedNotes = 100_000;
/** When more sessions than a few are heard of again within this time, they are recorded together: a write alone waits for the disk. */
const notedTogetherMs = 250;
const notedAloneAtMost = 8;
const forgottenAfterMs = 30 * 24 * 3_600_000;
const keptSessions = 100;

/** Hears of sessions that come and go. Never rejects. */
interface SessionsHeard {
  /** Seen for the first time, or again after it counted as closed. */
  opened(grant: AccessGrant): Promise<void>;
  left(grant: AccessGrant): Promise<void>;
}

/** Per file: who has it open, the last save, the last one that failed, comments. */
export class FileActivity {
  readonly #noted: StoredRecord<NotedActivity>;
  readonly #now: Clock;
  /** In memory only: if this process dies, its saves are no longer in progress. */
  readonly #savingSinceMs = new Map<string, number>();
  /** Heard of again, not recorded yet, by grant. */
  readonly #toNote = new Map<string, AccessGrant>();
  #noting: NodeJS.Timeout | undefined;
  #notedAlone = 0;
  /** What this process has recorded lately, so that it need not read it again. */
  readonly #notedAtMs = new OldestOutMap<string, number>(rememberedNotes);

  readonly #heard: SessionsHeard | undefined;

  constructor(store: KeyValueStore, now: Clock, heard?: SessionsHeard) {
    this.#heard = heard;
    const endsAtMs = () => this.#now() + forgottenAfterMs;
    this.#noted = record(store, "activity", notedActivitySchema, { endsAtMs });
    this.#now = now;
  }

  async of(fileId: string): Promise<Activity> {
    const activity = (await this.#noted.get(fileId)) ?? nothing;
    const savingSinceMs = this.#savingSinceMs.get(fileId);
    return {
      ...activity,
      ...(savingSinceMs === undefined ? {} : { savingSinceMs }),
      sessions: activity.sessions.filter(({ seenAtMs }) => this.#isRecent(seenAtMs)),
    };
  }

  /** All files that somebody has open, with their sessions. */
  async *open(): AsyncIterable<readonly [fileId: string, sessions: readonly OpenSession[]]> {
    for await (const [fileId, { sessions }] of this.#noted.list()) {
      const recent = sessions.filter(({ seenAtMs }) => this.#isRecent(seenAtMs));
      if (recent.length > 0) yield [fileId, recent];
    }
  }

  /** @returns ids of the grants whose editor may still have the file open */
  async mayBeOpen(fileId: string): Promise<readonly string[]> {
    const { sessions } = (await this.#noted.get(fileId)) ?? nothing;
    return sessions.filter((session) => this.#mayBeOpen(session)).map(({ grantId }) => grantId);
  }

  /** Records that a session's page or editor has called; without `call` it was the page. */
  async seen(grant: AccessGrant, call?: "checkFileInfo" | "getFile"): Promise<void> {
    const noted = `${grant.id} ${call ?? ""}`;
    const notedAtMs = this.#notedAtMs.get(noted);
    if (notedAtMs !== undefined && this.#isWithin(noteSeenEveryMs, notedAtMs)) return;
    this.#notedAtMs.set(noted, this.#now());
    this.#noting ??= setTimeout(() => this.#noteTogether(), notedTogetherMs).unref();
    // One that counted as closed is back at once.
    const isStillThere = call === undefined && notedAtMs !== undefined && this.#isWithin(seenWithinMs, notedAtMs);
    if (isStillThere && this.#notedAlone >= notedAloneAtMost) {
      this.#toNote.set(grant.id, grant);
      return;
    }
    this.#notedAlone += 1;
    try {
      await this.#noteSeen(grant, call);
    } catch (error) {
      this.#notedAtMs.delete(noted);
      throw error;
    }
  }

  #noteTogether(): void {
    this.#noting = undefined;
    this.#notedAlone = 0;
    const due = [...this.#toNote.values()];
    this.#toNote.clear();
    for (const grant of due) {
      // If it fails, the page's next call tries again.
      this.#noteSeen(grant, undefined).catch(() => this.#notedAtMs.delete(`${grant.id} `));
    }
  }

  async #noteSeen(grant: AccessGrant, call: "checkFileInfo" | "getFile" | undefined): Promise<void> {
    let isOpened = false;
    await this.#change(grant.document.fileId, (activity) => {
      const before = activity.sessions.find(({ grantId }) => grantId === grant.id);
      isOpened = before === undefined || !this.#isRecent(before.seenAtMs);
      const isNews =
        before === undefined ||
        !this.#isWithin(noteSeenEveryMs, before.seenAtMs) ||
        (call === undefined && before.hasPage !== true) ||
        (call !== undefined && before.called[call] === undefined);
      if (!isNews) return undefined;
      const session: OpenSession = {
        grantId: grant.id,
        person: { id: grant.person.id, name: grant.person.name },
        permission: grant.permission,
        openedAtMs: before?.openedAtMs ?? this.#now(),
        seenAtMs: this.#now(),
        ...(grant.linkId === undefined ? {} : { isVisitor: true as const }),
        ...(call === undefined || before?.hasPage === true ? { hasPage: true as const } : {}),
        called: { ...before?.called, ...(call === undefined ? {} : { [call]: true as const }) },
        ...(before?.serverId === undefined ? {} : { serverId: before.serverId }),
        ...(before?.refusedLockId === undefined ? {} : { refusedLockId: before.refusedLockId }),
      };
      const others = activity.sessions.filter((other) => other !== before && this.#mayBeOpen(other));
      return { ...activity, sessions: mostOf([session, ...others]) };
    });
    if (isOpened) await this.#heard?.opened(grant);
  }

  /** Records which start of the editor's server has opened the file for a session. */
  servedBy(grant: AccessGrant, serverId: string): Promise<void> {
    return this.#changeSession(grant, (session) =>
      session.serverId === serverId ? session : { ...session, serverId },
    );
  }

  /** Records that a session's editor did not get the lock. */
  lockRefused(grant: AccessGrant, lockId: string): Promise<void> {
    return this.#changeSession(grant, (session) => ({ ...session, refusedLockId: lockId }));
  }

  async #changeSession(grant: AccessGrant, next: (session: OpenSession) => OpenSession): Promise<void> {
    await this.#change(grant.document.fileId, (activity) => {
      if (!activity.sessions.some(({ grantId }) => grantId === grant.id)) return undefined;
      const sessions = activity.sessions.map((session) => (session.grantId === grant.id ? next(session) : session));
      return { ...activity, sessions };
    });
  }

  /** Records that a session's page was closed. */
  async left(grant: AccessGrant): Promise<void> {
    this.#toNote.delete(grant.id);
    for (const call of ["", "checkFileInfo", "getFile"]) this.#notedAtMs.delete(`${grant.id} ${call}`);
    await this.#change(grant.document.fileId, (activity) => {
      const sessions = activity.sessions.filter(({ grantId }) => grantId !== grant.id);
      return sessions.length === activity.sessions.length ? undefined : { ...activity, sessions };
    });
    await this.#heard?.left(grant);
  }

  saving(fileId: string): void {
    this.#savingSinceMs.set(fileId, this.#now());
  }

  /** Records that a save is in the drive. */
  async saved(fileId: string, person: Pick<Person, "id" | "name">, version: string): Promise<void> {
    this.#savingSinceMs.delete(fileId);
    await this.#change(fileId, (activity) => ({
      ...activity,
      lastSave: { atMs: this.#now(), person: { id: person.id, name: person.name }, version },
    }));
  }

  /** Records the file's new name. */
  async renamed(fileId: string, name: string): Promise<void> {
    await this.#change(fileId, (activity) => ({ ...activity, lastRename: { atMs: this.#now(), name } }));
  }

  /** Records comments. @returns those that were not recorded before, in the order of writing */
  async commented(fileId: string, reported: readonly Omit<Comment, "atMs">[]): Promise<readonly Comment[]> {
    let added: readonly Comment[] = [];
    await this.#change(fileId, (activity) => {
      const next = withComments(activity.comments ?? [], reported, this.#now());
      added = next.added;
      return added.length === 0 ? undefined : { ...activity, comments: next.comments };
    });
    return added;
  }

  /** Whoever the bridge has lately seen with the file, closed sessions too. */
  async people(fileId: string): Promise<readonly NamedPerson[]> {
    const { sessions, lastSave, comments = [] } = (await this.#noted.get(fileId)) ?? nothing;
    return [...sessions, ...(lastSave === undefined ? [] : [lastSave]), ...comments].map(({ person }) => person);
  }

  /** Records that a save did not reach the document. */
  async notSaved(fileId: string, failed: Omit<FailedSave, "atMs">): Promise<void> {
    this.#savingSinceMs.delete(fileId);
    await this.#change(fileId, (activity) => ({
      ...activity,
      lastFailedSave: { ...failed, atMs: this.#now() },
    }));
  }

  #mayBeOpen({ seenAtMs, hasPage }: OpenSession): boolean {
    return hasPage === true ? this.#isRecent(seenAtMs) : this.#isWithin(openUnseenForMs, seenAtMs);
  }

  #isRecent(seenAtMs: number): boolean {
    return this.#isWithin(seenWithinMs, seenAtMs);
  }

  /** In both directions: a time in the future was written before the clock was set back. */
  #isWithin(ms: number, atMs: number): boolean {
    return Math.abs(this.#now() - atMs) < ms;
  }

  /** @param next returns the new row; undefined leaves it unchanged */
  async #change(fileId: string, next: (activity: NotedActivity) => NotedActivity | undefined): Promise<void> {
    await this.#noted.update(fileId, (standing) => next(standing ?? nothing) ?? standing);
  }
}

/** When there are too many, viewers go first: editing sessions decide whether a lock still protects somebody. */
function mostOf(sessions: readonly OpenSession[]): readonly OpenSession[] {
  const editing = sessions.filter(({ permission }) => permission === "edit").slice(0, keptSessions);
  const viewing = sessions.filter(({ permission }) => permission === "view").slice(0, keptSessions - editing.length);
  const kept = new Set([...editing, ...viewing]);
  return sessions.filter((session) => kept.has(session));
}

const nothing: NotedActivity = { sessions: [] };
