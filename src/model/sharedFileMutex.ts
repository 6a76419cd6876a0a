import { randomBytes } from "node:crypto";
import { z } from "zod";
import { BridgeError } from "./failure.ts";
import { type Clock, type KeyValueStore, pauseFor } from "./keyValueStore.ts";
import { record, rowObject, type StoredRecord, type StoredRow } from "./record.ts";

/** The lease under which work is done. */
export interface Lease {
  /**
   * Call it right before the step that only one bridge may take.
   * @throws driveBusy when the lease has run out: another bridge may be at work on the file
   */
  requireMine(): void;
}

const usualTiming = {
  /** A lease without a heartbeat for this long has ended. */
  leaseMs: 15_000,
  signEveryMs: 5_000,
  /** After a heartbeat that did not get through. */
  signAgainMs: 500,
  /** The next bridge must start within this time, or it is skipped. */
  beginWithinMs: 2_000,
  /** Editors wait half a minute for an answer, so no caller is kept waiting longer than this. */
  waitAtMostMs: 25_000,
};
export type LeaseTiming = typeof usualTiming;

export interface SharedFileMutexOptions {
  readonly store: KeyValueStore;
  readonly now: Clock;
  readonly timing?: Partial<LeaseTiming>;
}

/**
 * Bridges on one store work on a file one after the other. They queue up, so that a busy one does not keep the others
 * out. Whether another is alive is judged by its heartbeats and our own monotonic clock: machines' clocks differ.
 */
export class SharedFileMutex {
  readonly #queues: StoredRecord<Queue>;
  readonly #timing: LeaseTiming;
  /** One id for all leases of this bridge: after a lost connection it finds its place in the queue again. */
  readonly #me = randomBytes(9).toString("base64url");
  /** Leases that could not be released yet, by file. */
  readonly #leftOver = new Map<string, FileLease>();

  constructor({ store, now, timing }: SharedFileMutexOptions) {
    this.#timing = { ...usualTiming, ...timing };
    this.#queues = record(store, "turn", queueSchema, { endsAtMs: () => now() + this.#timing.leaseMs });
  }

  get waitAtMostMs(): number {
    return this.#timing.waitAtMostMs;
  }

  /**
   * Does the work when it is this bridge's turn. Calls for one file must come one at a time.
   * @param untilMs when waiting ends, on the monotonic clock; @param signal aborted when the caller is gone
   * @throws driveBusy when the turn does not come in time, or the caller is gone
   */
  async hold<Result>(
    fileId: string,
    work: (lease: Lease) => Promise<Result>,
    untilMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    this.#leftOver.delete(fileId);
    const lease = new FileLease(this.#queues.row(fileId), this.#timing, this.#me);
    await lease.begin(untilMs, signal);
    try {
      return await work(lease);
    } finally {
      // The work is done in any case. If the store is down, the lease is released once it is back.
      if (!(await lease.end(() => true))) this.#leaveLater(fileId, lease, performance.now() + this.#timing.leaseMs);
    }
  }

  #leaveLater(fileId: string, lease: FileLease, untilMs: number): void {
    if (performance.now() > untilMs) return;
    this.#leftOver.set(fileId, lease);
    // A new lease of this bridge takes over the old place.
    const isLeftOver = () => this.#leftOver.get(fileId) === lease;
    const again = async (): Promise<void> => {
      if (!isLeftOver()) return;
      const hasLeft = await lease.end(isLeftOver);
      if (!isLeftOver()) return;
      this.#leftOver.delete(fileId);
      if (!hasLeft) this.#leaveLater(fileId, lease, untilMs);
    };
    setTimeout(again, this.#timing.signAgainMs).unref();
  }
}

const queueSchema = rowObject({
  bridges: z.array(z.string()),
  /** Heartbeats of the first; 0 = it has not noticed yet that it is next. */
  signs: z.number(),
});
/** The bridges that want a file; the first one is working on it. */
type Queue = z.infer<typeof queueSchema>;

const nobody: Queue = { bridges: [], signs: 0 };

/** Adds a bridge to the queue; for the first one it counts as a heartbeat. */
function entered(queue: Queue, bridge: string): Queue {
  const { bridges, signs } = queue;
  if (bridges.length === 0) return { bridges: [bridge], signs: 1 };
  if (bridges[0] === bridge) return { bridges, signs: signs + 1 };
  return bridges.includes(bridge) ? queue : { bridges: [...bridges, bridge], signs };
}

function left(queue: Queue, bridge: string): Queue {
  const { bridges, signs } = queue;
  if (!bridges.includes(bridge)) return queue;
  return { bridges: bridges.filter((other) => other !== bridge), signs: bridges[0] === bridge ? 0 : signs };
}

/** One bridge's place in a file's queue. */
class FileLease implements Lease {
  /** The queue as last seen; if it is outdated, that costs one more read. */
  readonly #queue: StoredRow<Queue>;
  readonly #timing: LeaseTiming;
  readonly #me: string;
  /** From this time on the monotonic clock, others may take this bridge for dead. */
  #endsAtMs = 0;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;
  #signing: Promise<void> | undefined;

  constructor(queue: StoredRow<Queue>, timing: LeaseTiming, me: string) {
    this.#queue = queue;
    this.#timing = timing;
    this.#me = me;
  }

  requireMine(): void {
    if (performance.now() >= this.#endsAtMs) throw new BridgeError({ kind: "driveBusy" });
  }

  async begin(untilMs: number, signal: AbortSignal | undefined): Promise<void> {
    const startedAtMs = performance.now();
    const watch = new LifeWatch(this.#timing);
    for (;;) {
      const askedAtMs = performance.now();
      const { bridges } = await this.#change((queue) => {
        const [first] = queue.bridges;
        return entered(first !== undefined && watch.isDead(first, queue.signs) ? left(queue, first) : queue, this.#me);
      });
      if (bridges[0] === this.#me) {
        this.#endsAtMs = askedAtMs + this.#timing.leaseMs;
        this.#signLater(this.#timing.signEveryMs);
        return;
      }
      const waitedMs = askedAtMs - startedAtMs;
      if (askedAtMs > untilMs || signal?.aborted === true) {
        await this.#change((queue) => left(queue, this.#me));
        throw new BridgeError({ kind: "driveBusy" });
      }
      // Most leases last a few milliseconds.
      await pauseFor(Math.min(50, 5 + waitedMs / 8));
      await this.#queue.read();
    }
  }

  /**
   * Releases the lease.
   * @param isStillDue asked before each try
   * @returns false when the store could not be reached
   */
  async end(isStillDue: () => boolean): Promise<boolean> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    await this.#signing;
    try {
      await this.#change((queue) => (isStillDue() ? left(queue, this.#me) : queue));
      return true;
    } catch {
      return false;
    }
  }

  #signLater(afterMs: number): void {
    if (this.#isOver) return;
    this.#timer = setTimeout(() => {
      this.#signing = this.#sign();
    }, afterMs);
  }

  async #sign(): Promise<void> {
    const askedAtMs = performance.now();
    try {
      // A store that lost everything lost the queue too; this bridge then joins an empty one.
      const { bridges } = await this.#change((queue) => {
        const isMine = queue.bridges.length === 0 || queue.bridges[0] === this.#me;
        return isMine && !this.#isOver ? entered(queue, this.#me) : queue;
      });
      // Another bridge is first: this one was taken for dead, and its lease is lost.
      if (bridges[0] !== this.#me) return;
      this.#endsAtMs = askedAtMs + this.#timing.leaseMs;
      this.#signLater(this.#timing.signEveryMs);
    } catch {
      this.#signLater(this.#timing.signAgainMs);
    }
  }

  /** @returns the queue after the change */
  async #change(decide: (queue: Queue) => Queue): Promise<Queue> {
    const { after = nobody } = await this.#queue.update((queue = nobody) => {
      const changed = decide(queue);
      return changed.bridges.length === 0 ? undefined : changed;
    });
    return after;
  }
}

/** Watches the heartbeats of the first bridge in a queue. */
class LifeWatch {
  readonly #timing: LeaseTiming;
  #bridge: string | undefined;
  #signs = 0;
  #sinceMs = 0;

  constructor(timing: LeaseTiming) {
    this.#timing = timing;
  }

  isDead(bridge: string, signs: number): boolean {
    const nowMs = performance.now();
    if (bridge !== this.#bridge || signs !== this.#signs) {
      this.#bridge = bridge;
      this.#signs = signs;
      this.#sinceMs = nowMs;
    }
    const { beginWithinMs, leaseMs } = this.#timing;
    return nowMs - this.#sinceMs > (signs === 0 ? beginWithinMs : leaseMs);
  }
}
