import { logFailure } from "../http/requestLog.ts";
import { clockJumpMs } from "../model/watchedClock.ts";
import type { Services } from "../services.ts";
import { editorOrigin, mayEdit } from "./grants.ts";
import type { WopiLock } from "./lockRows.ts";
import type { SpoolEnd } from "./waitingSaves.ts";

const sweepEveryMs = 60_000;
/** After a jump of the clock editors get the time to refresh their locks: each does within a quarter of an hour. */
const minutesAfterJump = 20;
/** Accounts are renewed daily, each by its own clock, so that a look this often spreads them out. */
const hourMs = 3_600_000;

/** What a look at the drive's answers has found, by call. */
type ContractReport = readonly {
  readonly call: string;
  readonly state: "unchanged" | "changed" | "unasked";
  readonly said?: string;
}[];

type Needs = Pick<Services, "drive" | "locks" | "grants" | "activity" | "links" | "metrics" | "logger" | "now"> & {
  readonly guard: { check(): Promise<ContractReport> };
  readonly spoolEnd: SpoolEnd;
};

/** What a bridge does by itself, every minute and every hour. */
export class Housekeeping {
  readonly #services: Needs;
  #contract: ContractReport = [];
  #hourBeganAtMs: number;
  #minuteBeganAtMs: number;
  #minutesWithoutSweep = 0;
  #isUnderWay = false;
  #timer: NodeJS.Timeout | undefined;
  /** Looks whose turn has not come yet, by file. */
  readonly #looksToCome = new Map<string, Promise<void>>();

  constructor(services: Needs) {
    this.#services = services;
    this.#hourBeganAtMs = services.now();
    this.#minuteBeganAtMs = services.now();
  }

  /** Begins the minutes; the hour's work is done once at once. */
  start(): void {
    this.#timer = setInterval(() => void this.minute(), sweepEveryMs).unref();
    this.#hour().catch((error: unknown) => this.#warn(error));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Gives back the drive's lock of every file whose WOPI lock has run out, or protects nobody any more. */
  async sweep(): Promise<void> {
    for await (const fileId of this.#services.locks.held()) await this.sessionsEnded(fileId);
  }

  /** Sessions of files unknown have ended: looks at all of them, by itself. */
  personSignedOut(): void {
    this.sweep().catch((error: unknown) => this.#warn(error));
  }

  /**
   * As `sweep`, for one file. One lock that the drive does not give back now must not keep the others: never rejects.
   * However many ask, and an ended session may ask without end, one look stands in the file's queue for all of them.
   */
  sessionsEnded(fileId: string): Promise<void> {
    const toCome = this.#looksToCome.get(fileId);
    if (toCome !== undefined) return toCome;
    const isBegun = (): void => {
      if (this.#looksToCome.get(fileId) === look) this.#looksToCome.delete(fileId);
    };
    // Not before it is noted: a free turn begins at once.
    const look = Promise.resolve().then(() => this.#look(fileId, isBegun));
    this.#looksToCome.set(fileId, look);
    return look;
  }

  /** @param isBegun hears when others must ask anew: they may know of an end that this look misses */
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

  /** Renews the accounts behind live links, whose refresh token ends after two weeks. */
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

  /** Ends what has waited in the spool for too long; a disk that fails must not keep the rest of the round. */
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

  /** Looks whether Cloudreve still answers as the bridge expects. */
  async checkContract(): Promise<void> {
    const { guard, metrics, logger } = this.#services;
    this.#contract = await guard.check();
    for (const { call, state, said } of this.#contract) {
      if (state !== "unasked") metrics.contract(call, state === "unchanged");
      if (state === "changed") logger.error({ call, said }, "Cloudreve answers otherwise than this bridge expects");
    }
  }

  /** @returns what of Cloudreve's answers had changed at the last look, by call; "kept" while nothing has */
  contract(): "kept" | Readonly<Record<string, string>> {
    const changed = this.#contract.filter(({ state }) => state === "changed");
    return changed.length === 0
      ? "kept"
      : Object.fromEntries(changed.map(({ call, said }) => [call, said ?? "changed"]));
  }

  /** What is done once a minute, by a timer that knows nothing of the clock. */
  async minute(): Promise<void> {
    const nowMs = this.#services.now();
    if (nowMs - this.#minuteBeganAtMs >= clockJumpMs) this.#minutesWithoutSweep = minutesAfterJump;
    this.#minuteBeganAtMs = nowMs;
    // A drive that hangs makes a sweep take longer than a minute.
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    try {
      if (this.#minutesWithoutSweep > 0) this.#minutesWithoutSweep -= 1;
      else await this.sweep();
      // A clock that was set back must not stop the hours.
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
 * Whether a lock protects nobody any more: the grant that held it has ended, and nobody else edits the file in that
 * editor. An editor has one lock for all its users, so that one of them leaving must not end it.
 */
export async function isOrphaned(
  { grants, activity, now }: Pick<Services, "grants" | "activity" | "now">,
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
