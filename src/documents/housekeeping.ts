import { logFailure } from "../http/requestLog.ts";
import { type StoredRecord, wordRecord } from "../model/record.ts";
import { clockJumpMs } from "../model/watchedClock.ts";
import type { Services } from "../services.ts";
import { type AccessGrant, editorOrigin, mayEdit } from "./grants.ts";
import type { WopiLock } from "./lockRows.ts";
import type { SpoolEnd } from "./waitingSaves.ts";

const sweepEveryMs = 60_000;
/** After another bridge has begun a sweep: less than a minute, so that a bridge alone always sweeps. */
const turnMs = 50_000;
/** After a jump of the clock, editors get this time to refresh their locks: each does so within 15 minutes. */
const minutesAfterJump = 20;
/** Each account is renewed daily, by a clock of its own; checking this often spreads the renewals out. */
const hourMs = 3_600_000;
const countedAnewUpTo = 1_000;
/** Longer than no sweep is made after a jump of the clock. */
const heldKnownForMs = hourMs / 2;

/** The results of checking the drive's answers, by call. */
type ContractReport = readonly {
  readonly call: string;
  readonly state: "unchanged" | "changed" | "unasked";
  readonly said?: string;
}[];

type Needs = Pick<
  Services,
  "store" | "drive" | "locks" | "grants" | "activity" | "links" | "metrics" | "logger" | "now" | "editorWatch"
> & {
  readonly guard: { check(): Promise<ContractReport> };
  readonly spoolEnd: SpoolEnd;
};

/** What a bridge does on its own, every minute and every hour. */
export class Housekeeping {
  readonly #services: Needs;
  #contract: ContractReport = [];
  #hourBeganAtMs: number;
  #minuteBeganAtMs: number;
  #minutesWithoutSweep = 0;
  #isUnderWay = false;
  readonly #sweeps: StoredRecord<string>;
  #timer: NodeJS.Timeout | undefined;
  /** Checks still waiting for the file's mutex, by file. */
  readonly #looksToCome = new Map<string, Promise<void>>();

  constructor(services: Needs) {
    this.#services = services;
    this.#sweeps = wordRecord(services.store, "sweep");
    this.#hourBeganAtMs = services.now();
    this.#minuteBeganAtMs = services.now();
  }

  /** Starts the minute timer; the hourly work also runs once right away. */
  start(): void {
    this.#timer = setInterval(() => void this.minute(), sweepEveryMs).unref();
    this.#hour().catch((error: unknown) => this.#warn(error));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Releases the drive's lock of every file whose WOPI lock has expired or no longer protects anybody. */
  async sweep(): Promise<void> {
    let held = 0;
    for await (const fileId of this.#services.locks.held()) {
      held++;
      if (!(await this.#mayBeOver(fileId))) continue;
      await this.#services.editorWatch.look(fileId);
      await this.sessionsEnded(fileId);
    }
    await this.#sweeps.put("held", String(held), this.#services.now() + heldKnownForMs);
  }

  /** Bridges on one store take turns, as each sweep reads the locks of all of them. */
  async #isMyTurn(): Promise<boolean> {
    const nowMs = this.#services.now();
    const { before, after } = await this.#sweeps.update(
      "begun",
      // A time in the future was written before the clock was set back.
      (begun) => (Math.abs(nowMs - Number(begun ?? Number.NaN)) < turnMs ? begun : String(nowMs)),
      nowMs + hourMs,
    );
    return after !== before;
  }

  /** How many files the drive may hold for us; with very many, as of the last sweep: counting reads all their rows. */
  async heldLocks(): Promise<number> {
    const heldAtSweep = Number(await this.#sweeps.get("held"));
    if (heldAtSweep > countedAnewUpTo) return heldAtSweep;
    let held = 0;
    for await (const _fileId of this.#services.locks.held()) held++;
    return held;
  }

  /**
   * Whether a lock is worth the closer look, which takes the file's turn and asks the editor's server. Nearly all are
   * held by somebody who edits, in an editor that lives: with thousands of them, a closer look at each takes minutes.
   */
  async #mayBeOver(fileId: string): Promise<boolean> {
    const { locks, grants, editorWatch, now } = this.#services;
    try {
      const held = await locks.current(fileId);
      const holder = held === undefined ? undefined : await grants.find(held.grantId);
      if (held === undefined || holder === undefined || !mayEdit(holder, now())) return true;
      return await editorWatch.mayHaveDied(holder, held);
    } catch {
      // Fails there as well, and is logged.
      return true;
    }
  }

  /** Sessions have ended, on files that are not known: checks all locked files in the background. */
  manySessionsEnded(): void {
    this.sweep().catch((error: unknown) => this.#warn(error));
  }

  /**
   * As `sweep`, for one file. Never rejects: one lock that the drive can't release now must not stop the others. Only
   * one check waits in the file's queue however often this is called, and an ended session may call without end.
   */
  sessionsEnded(fileId: string): Promise<void> {
    const toCome = this.#looksToCome.get(fileId);
    if (toCome !== undefined) return toCome;
    const isBegun = (): void => {
      if (this.#looksToCome.get(fileId) === look) this.#looksToCome.delete(fileId);
    };
    // Starts only after it is in the map: a free mutex runs the work at once.
    const look = Promise.resolve().then(() => this.#look(fileId, isBegun));
    this.#looksToCome.set(fileId, look);
    return look;
  }

  /** @param isBegun called when the check starts: it may miss what later callers know, so they need a new one */
  async #look(fileId: string, isBegun: () => void): Promise<void> {
    const { locks, logger } = this.#services;
    try {
      await locks.exclusively(fileId, async (lock) => {
        isBegun();
        const held = await lock.current();
        if (held !== undefined) {
          if (!(await isOrphaned(this.#services, fileId, held))) return;
          await lock.release(held.lockId);
        }
        await lock.releaseInDrive();
      });
    } catch (error) {
      logger.warn({ failure: logFailure(error)?.kind, file: fileId }, "the drive's lock could not be given back");
    } finally {
      isBegun();
    }
  }

  /** Renews the accounts behind active links, whose refresh tokens last two weeks. */
  async keepAlive(): Promise<void> {
    const { links, drive, logger } = this.#services;
    for (const account of await links.liveAccounts()) {
      try {
        await drive.keepAlive(account);
      } catch (error) {
        logger.warn({ failure: logFailure(error)?.kind, account }, "an account with live links could not be renewed");
      }
    }
  }

  /** Removes what has waited in the spool for too long; a failing disk must not stop the rest of the hour's work. */
  async tidySpool(): Promise<void> {
    try {
      await this.#services.spoolEnd.look(this.#services.now());
    } catch (error) {
      this.#services.logger.warn(
        { reason: error instanceof Error ? error.message : undefined },
        "the spool could not be looked through",
      );
    }
  }

  /** Checks that Cloudreve still answers as the bridge expects. */
  async checkContract(): Promise<void> {
    const { guard, metrics, logger } = this.#services;
    this.#contract = await guard.check();
    for (const { call, state, said } of this.#contract) {
      if (state !== "unasked") metrics.contract(call, state === "unchanged");
      if (state === "changed") logger.error({ call, said }, "Cloudreve answers otherwise than this bridge expects");
    }
  }

  /** @returns which of Cloudreve's answers differed at the last check, by call; "kept" when none did */
  contract(): "kept" | Readonly<Record<string, string>> {
    const changed = this.#contract.filter(({ state }) => state === "changed");
    return changed.length === 0
      ? "kept"
      : Object.fromEntries(changed.map(({ call, said }) => [call, said ?? "changed"]));
  }

  /** The work of each minute. Its timer does not depend on the clock. */
  async minute(): Promise<void> {
    const nowMs = this.#services.now();
    if (nowMs - this.#minuteBeganAtMs >= clockJumpMs) this.#minutesWithoutSweep = minutesAfterJump;
    this.#minuteBeganAtMs = nowMs;
    // When the drive hangs, a sweep takes longer than a minute.
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    try {
      if (this.#minutesWithoutSweep > 0) this.#minutesWithoutSweep -= 1;
      else if (await this.#isMyTurn()) await this.sweep();
      // Setting the clock back must not stop the hourly work.
      if (Math.abs(nowMs - this.#hourBeganAtMs) >= hourMs) await this.#hour();
    } catch (error) {
      this.#warn(error);
    } finally {
      this.#isUnderWay = false;
    }
  }

  async #hour(): Promise<void> {
    this.#hourBeganAtMs = this.#services.now();
    await this.tidySpool();
    await this.keepAlive();
    await this.checkContract();
  }

  #warn(error: unknown): void {
    this.#services.logger.warn({ failure: logFailure(error)?.kind }, "a round of the bridge failed");
  }
}

/**
 * Whether a lock no longer protects anybody: the grant that held it has ended, and nobody else edits the file in that
 * editor. An editor has one lock for all its users, so one of them leaving must not end it.
 */
export async function isOrphaned(
  services: Pick<Services, "grants" | "activity" | "now">,
  fileId: string,
  lock: WopiLock,
): Promise<boolean> {
  const { grants, now } = services;
  const holder = (await grants.find(lock.grantId)) ?? (await grants.findEnded(lock.grantId));
  if (holder !== undefined && mayEdit(holder, now())) return false;
  // If the holder is no longer known, the lock could be anybody's.
  const isOfHolder = (other: AccessGrant) => holder === undefined || editorOrigin(other) === editorOrigin(holder);
  return (await someEditing(services, fileId, isOfHolder)) === undefined;
}

/** @returns a grant that fits and by which somebody may have the file open to edit */
export async function someEditing(
  { grants, activity, now }: Pick<Services, "grants" | "activity" | "now">,
  fileId: string,
  fits: (grant: AccessGrant) => boolean,
): Promise<AccessGrant | undefined> {
  for (const grantId of await activity.mayBeOpen(fileId)) {
    // With today's permissions: the activity's record of them may be half a minute old.
    const grant = await grants.find(grantId);
    if (grant !== undefined && mayEdit(grant, now()) && fits(grant)) return grant;
  }
  return undefined;
}
