import type { EditorStarts } from "../editors/editorStarts.ts";
import { editorKey, suiteOf } from "../editors/suites.ts";
import { logFailure } from "../http/requestLog.ts";
import { OldestOutMap } from "../model/oldestOutMap.ts";
import type { Services } from "../services.ts";
import type { OpenSession } from "./activity.ts";
import type { DocumentLock } from "./documentLock.ts";
import { type GivenUpBecause, whyGivenUp } from "./givenUpLock.ts";
import type { AccessGrant } from "./grants.ts";
import { someEditing } from "./housekeeping.ts";
import { lockLifetimeMs, type WopiLock } from "./lockRows.ts";

type Needs = Pick<Services, "locks" | "grants" | "activity" | "audit" | "logger" | "now"> & {
  readonly starts: Pick<EditorStarts, "current" | "hasEnded">;
};

/** An open page asks every few seconds; its editor's server is asked less often. */
const askAgainMs = 10_000;
/** A save in progress for longer has ended with its process. */
const savingAtMostMs = 120_000;
const rememberedEnds = 1_000;

/** Notices that an editor's server has died, and gives up the locks that it left behind. */
export class EditorWatch {
  readonly #services: Needs;
  /** By editor and server id: whether it had ended, and when that was asked. */
  readonly #ends = new OldestOutMap<string, { readonly atMs: number; readonly hasEnded: Promise<boolean> }>(
    rememberedEnds,
  );

  constructor(services: Needs) {
    this.#services = services;
  }

  /** An editor asks for a document: records in the background which start of its server that is. */
  opened(grant: AccessGrant): void {
    this.#note(grant, (serverId) => this.#services.activity.servedBy(grant, serverId));
  }

  /**
   * @param session of this grant, as the file's activity has it
   * @returns who holds the lock that keeps its editor from the document, unless it has got it since
   */
  async lockedBy(grant: AccessGrant, session: OpenSession | undefined): Promise<string | undefined> {
    const refusedLockId = session?.refusedLockId;
    const held = refusedLockId === undefined ? undefined : await this.#services.locks.current(grant.document.fileId);
    if (held === undefined || held.lockId === refusedLockId) return undefined;
    return (await this.#holderOf(held))?.person.name ?? "";
  }

  /** An editor has taken a lock: as `opened`. */
  locked(grant: AccessGrant, lockId: string): void {
    this.#note(grant, (serverId) => this.#services.locks.noteServer(grant.document.fileId, lockId, serverId));
  }

  /** Whether the editor's server has ended since it opened the document for this session; asks it now and then. */
  async hasStopped(grant: AccessGrant, session: OpenSession | undefined): Promise<boolean> {
    return session?.serverId !== undefined && this.#hasEnded(grant, session.serverId);
  }

  /** Whether the server that took a lock may have ended, as it was lately found for any of its documents. */
  async mayHaveDied(holder: AccessGrant, { serverId }: WopiLock): Promise<boolean> {
    return serverId !== undefined && suiteOf(holder.actionUrl).locksByOpening && this.#hasEnded(holder, serverId);
  }

  /**
   * A lock under another id was in the way of this grant's editor: gives it up if its editor has died.
   * @param lockId which the editor asked for
   * @returns whether it was given up
   */
  async refused(grant: AccessGrant, lockId: string): Promise<boolean> {
    const { locks, activity } = this.#services;
    const { fileId } = grant.document;
    const held = await locks.current(fileId);
    if (held === undefined) return true;
    // Asked before the file's mutex: an editor that hangs must not stop saves.
    const because = await this.#whyGivenUp(fileId, held, grant);
    const isGivenUp =
      because !== undefined && (await locks.exclusively(fileId, (lock) => this.#giveUp(fileId, lock, held, because)));
    if (!isGivenUp) await activity.lockRefused(grant, lockId);
    return isGivenUp;
  }

  /** As `refused`, when nobody asks for the lock. Never rejects. */
  async look(fileId: string): Promise<void> {
    const { locks, logger } = this.#services;
    try {
      const held = await locks.current(fileId);
      if (held?.serverId === undefined) return;
      const because = await this.#whyGivenUp(fileId, held, undefined);
      if (because === undefined) return;
      await locks.exclusively(fileId, async (lock) => {
        if (await this.#giveUp(fileId, lock, held, because)) await lock.releaseInDrive();
      });
    } catch (error) {
      logger.warn({ failure: logFailure(error)?.kind, file: fileId }, "a lock could not be looked at");
    }
  }

  /** Late saves under the lock become copies, as after a take-over: should the editor live after all, nothing is lost. */
  async #giveUp(fileId: string, lock: DocumentLock, seen: WopiLock, because: GivenUpBecause): Promise<boolean> {
    const { audit, logger } = this.#services;
    const held = await lock.current();
    if (held === undefined) return true;
    // Whoever has refreshed it meanwhile lives.
    if (held.lockId !== seen.lockId || held.expiresAtMs !== seen.expiresAtMs) return false;
    const holder = await this.#holderOf(held);
    await lock.takeOver();
    const from = holder === undefined ? {} : { from: { id: holder.person.id, name: holder.person.name } };
    audit({ event: "lockTakenOver", file: fileId, by: `bridge:${because}`, ...from });
    logger.warn({ file: fileId, because }, "the editor that held a lock has died; the lock was given up");
    return true;
  }

  async #whyGivenUp(
    fileId: string,
    held: WopiLock,
    asker: AccessGrant | undefined,
  ): Promise<GivenUpBecause | undefined> {
    const { activity, locks, now } = this.#services;
    const holder = await this.#holderOf(held);
    if (holder === undefined || !suiteOf(holder.actionUrl).locksByOpening) return undefined;
    const { serverId } = held;
    const hasServerEnded = serverId !== undefined && (await this.#hasEnded(holder, serverId, { afresh: true }));
    const { savingSinceMs, lastSave, lastFailedSave } = await activity.of(fileId);
    const heardAtMs = [held.expiresAtMs - lockLifetimeMs, lastSave?.atMs, lastFailedSave?.atMs, locks.jumpedAtMs()];
    const isOther = ({ id, actionUrl }: AccessGrant): boolean =>
      id !== asker?.id && editorKey(actionUrl) === editorKey(holder.actionUrl);
    return whyGivenUp({
      hasServerEnded,
      isOpenedAnew: asker !== undefined && editorKey(asker.actionUrl) === editorKey(holder.actionUrl),
      areOthersThere: (await someEditing(this.#services, fileId, isOther)) !== undefined,
      isSaving: savingSinceMs !== undefined && now() - savingSinceMs < savingAtMostMs,
      quietMs: now() - Math.max(...heardAtMs.map((atMs) => atMs ?? Number.NEGATIVE_INFINITY)),
    });
  }

  async #holderOf({ grantId }: WopiLock): Promise<AccessGrant | undefined> {
    const { grants } = this.#services;
    return (await grants.find(grantId)) ?? (await grants.findEnded(grantId));
  }

  #hasEnded({ actionUrl }: AccessGrant, serverId: string, { afresh = false } = {}): Promise<boolean> {
    const key = `${editorKey(actionUrl)} ${serverId}`;
    const nowMs = this.#services.now();
    const known = this.#ends.get(key);
    if (!afresh && known !== undefined && Math.abs(nowMs - known.atMs) < askAgainMs) return known.hasEnded;
    const hasEnded = this.#services.starts.hasEnded(actionUrl, serverId);
    this.#ends.set(key, { atMs: nowMs, hasEnded });
    return hasEnded;
  }

  #note(grant: AccessGrant, write: (serverId: string) => Promise<void>): void {
    if (!suiteOf(grant.actionUrl).locksByOpening) return;
    const work = async (): Promise<void> => {
      const serverId = await this.#services.starts.current(grant.actionUrl);
      if (serverId !== undefined) await write(serverId);
    };
    // Without it, the other signs decide.
    work().catch((error: unknown) => void logFailure(error));
  }
}
