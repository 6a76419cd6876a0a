import type { Failure } from "../model/failure.ts";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import type { Person } from "../model/person.ts";
import type { AccessGrant } from "./grants.ts";

/** A save that has not reached the document, and where its bytes are. */
export interface FailedSave {
  readonly atMs: number;
  readonly person: Pick<Person, "id" | "name">;
  readonly why: Failure["kind"] | "unexpected";
  /** `spool`: tried again by itself. `copy`: beside the document. Undefined: the editor alone has them. */
  readonly keptIn: "spool" | "copy" | undefined;
  readonly copyName?: string;
}

/** Somebody who has the file open. */
export interface OpenSession {
  readonly grantId: string;
  readonly person: Pick<Person, "id" | "name">;
  readonly permission: "view" | "edit";
  readonly openedAtMs: number;
  /** When its page or its editor was last heard of. */
  readonly seenAtMs: number;
  /** It was opened in our page, which is heard of as long as it is open. A portal's own page never is. */
  readonly hasPage?: true;
  /** What the editor has asked for so far: a page that waits for its editor tells by this what is wrong. */
  readonly called: { readonly checkFileInfo?: true; readonly getFile?: true };
}

/** What goes on with a file, as the bridge has seen it. */
export interface Activity {
  readonly sessions: readonly OpenSession[];
  /** A save is on its way through this bridge since then. */
  readonly savingSinceMs?: number;
  readonly lastSave?: { readonly atMs: number; readonly person: Pick<Person, "id" | "name">; readonly version: string };
  /** The newest one; a later `lastSave` does not undo it, since a copy stays where it is. */
  readonly lastFailedSave?: FailedSave;
}

/** A session not heard of for this long counts as closed. */
export const seenWithinMs = 3 * 60_000;
/** An editor without our page may be open this long after it has fetched the document. */
const openUnseenForMs = 24 * 3_600_000;
/** Being heard of is noted this often at most: each note is a write. */
const noteSeenEveryMs = 30_000;
const rememberedNotes = 5_000;
const forgottenAfterMs = 30 * 24 * 3_600_000;
const keptSessions = 100;

/** Per file: who has it open, the last save, the last one that failed. */
export class FileActivity {
  readonly #store: KeyValueStore;
  readonly #now: Clock;
  /** Of this process, and gone with it: nobody must be told of a save that died with another. */
  readonly #savingSinceMs = new Map<string, number>();
  /** What this process has noted lately, so that it need not look. */
  readonly #notedAtMs = new Map<string, number>();

  constructor(store: KeyValueStore, now: Clock) {
    this.#store = store;
    this.#now = now;
  }

  async of(fileId: string): Promise<Activity> {
    const activity = activityIn(await this.#store.get(activityKey(fileId)));
    const savingSinceMs = this.#savingSinceMs.get(fileId);
    return {
      ...activity,
      ...(savingSinceMs === undefined ? {} : { savingSinceMs }),
      sessions: activity.sessions.filter(({ seenAtMs }) => this.#isRecent(seenAtMs)),
    };
  }

  /** @returns ids of the grants whose editor may still have the file open */
  async mayBeOpen(fileId: string): Promise<readonly string[]> {
    const { sessions } = activityIn(await this.#store.get(activityKey(fileId)));
    return sessions.filter((session) => this.#mayBeOpen(session)).map(({ grantId }) => grantId);
  }

  /** Notes that a session's page or editor was heard of; its page when no call of the editor is named. */
  async seen(grant: AccessGrant, call?: "checkFileInfo" | "getFile"): Promise<void> {
    const noted = `${grant.id} ${call ?? ""}`;
    if (this.#isWithin(noteSeenEveryMs, this.#notedAtMs.get(noted) ?? Number.NEGATIVE_INFINITY)) return;
    await this.#noteSeen(grant, call);
    const [oldest] = this.#notedAtMs.keys();
    if (this.#notedAtMs.size >= rememberedNotes && oldest !== undefined) this.#notedAtMs.delete(oldest);
    this.#notedAtMs.set(noted, this.#now());
  }

  async #noteSeen(grant: AccessGrant, call: "checkFileInfo" | "getFile" | undefined): Promise<void> {
    await this.#change(grant.document.fileId, (activity) => {
      const before = activity.sessions.find(({ grantId }) => grantId === grant.id);
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
        ...(call === undefined || before?.hasPage === true ? { hasPage: true as const } : {}),
        called: { ...before?.called, ...(call === undefined ? {} : { [call]: true }) },
      };
      const others = activity.sessions.filter((other) => other !== before && this.#mayBeOpen(other));
      return { ...activity, sessions: mostOf([session, ...others]) };
    });
  }

  /** Notes that a session's page was closed. */
  async left(grant: AccessGrant): Promise<void> {
    for (const call of ["", "checkFileInfo", "getFile"]) this.#notedAtMs.delete(`${grant.id} ${call}`);
    await this.#change(grant.document.fileId, (activity) => {
      const sessions = activity.sessions.filter(({ grantId }) => grantId !== grant.id);
      return sessions.length === activity.sessions.length ? undefined : { ...activity, sessions };
    });
  }

  saving(fileId: string): void {
    this.#savingSinceMs.set(fileId, this.#now());
  }

  /** Notes that a save is in the drive. */
  async saved(fileId: string, person: Pick<Person, "id" | "name">, version: string): Promise<void> {
    this.#savingSinceMs.delete(fileId);
    await this.#change(fileId, (activity) => ({
      ...activity,
      lastSave: { atMs: this.#now(), person: { id: person.id, name: person.name }, version },
    }));
  }

  /** Notes that a save did not reach the document. */
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

  /** In both directions: a moment to come is of a clock that was set back since. */
  #isWithin(ms: number, atMs: number): boolean {
    return Math.abs(this.#now() - atMs) < ms;
  }

  async #change(fileId: string, next: (activity: Activity) => Activity | undefined): Promise<void> {
    for (;;) {
      const raw = await this.#store.get(activityKey(fileId));
      const changed = next(activityIn(raw));
      if (changed === undefined) return;
      const expiresAtMs = this.#now() + forgottenAfterMs;
      if (await this.#store.swap(activityKey(fileId), raw, JSON.stringify(changed), expiresAtMs)) return;
    }
  }
}

/** When they are too many, viewers go first: by who edits it is told whether a lock still protects somebody. */
function mostOf(sessions: readonly OpenSession[]): readonly OpenSession[] {
  const editing = sessions.filter(({ permission }) => permission === "edit").slice(0, keptSessions);
  const viewing = sessions.filter(({ permission }) => permission === "view").slice(0, keptSessions - editing.length);
  const kept = new Set([...editing, ...viewing]);
  return sessions.filter((session) => kept.has(session));
}

function activityIn(raw: string | undefined): Activity {
  return raw === undefined ? { sessions: [] } : (JSON.parse(raw) as Activity);
}

const activityKey = (fileId: string): string => `activity:${fileId}`;
