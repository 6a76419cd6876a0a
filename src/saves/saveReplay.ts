import { isConflict } from "../model/failure.ts";
import type { FileTurns } from "../model/fileTurns.ts";
import type { Turn } from "../model/sharedTurns.ts";
import { placeSave, type SaveParts } from "./placeSave.ts";
import type { SaveSpool, SpooledSave } from "./saveSpool.ts";

/** What became of a kept save. */
export type ReplayOutcome = "written" | "copied" | "superseded" | "waiting";

export interface ReplayParts extends SaveParts {
  readonly spool: SaveSpool;
  readonly turns: FileTurns;
  /** Hears of every kept save that was tried; the error says why it still waits. */
  readonly note: (save: SpooledSave, outcome: ReplayOutcome, error?: unknown) => void;
}

const firstPauseMs = 2_000;
const longestPauseMs = 5 * 60_000;

/** Places what the spool has kept, once the drive takes it again; after a restart too. */
export class SaveReplay {
  readonly #parts: ReplayParts;
  #timer: NodeJS.Timeout | undefined;
  #underWay: Promise<number> | undefined;
  #pauseMs = firstPauseMs;
  #isStopped = false;

  constructor(parts: ReplayParts) {
    this.#parts = parts;
  }

  /** Begins at once, then goes on with growing pauses while anything waits. */
  start(): void {
    this.#schedule(0);
  }

  /** Something was kept just now: look again soon. */
  wake(): void {
    this.#pauseMs = firstPauseMs;
    this.#schedule(this.#pauseMs);
  }

  /** Tries every kept save once. @returns how many still wait */
  run(): Promise<number> {
    this.#underWay ??= this.#tryAll().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#underWay;
  }

  #schedule(afterMs: number): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      void this.run().then(
        (waiting) => {
          if (waiting > 0) this.#again();
        },
        () => this.#again(),
      );
    }, afterMs);
    this.#timer.unref();
  }

  #again(): void {
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
    this.#schedule(this.#pauseMs);
  }

  async #tryAll(): Promise<number> {
    let waiting = 0;
    const chains = new Map<unknown, SpooledSave[]>();
    for await (const save of this.#parts.spool.kept()) {
      const copyId = save.facts.stand?.copyId ?? Symbol("a copy of its own");
      chains.set(copyId, [...(chains.get(copyId) ?? []), save]);
    }
    for (const saves of chains.values()) {
      if (this.#isStopped) break;
      waiting += await this.#tryChain(saves.sort((a, b) => (b.facts.stand?.order ?? 0) - (a.facts.stand?.order ?? 0)));
    }
    return waiting;
  }

  /** Saves of one copy, newest first: when the newest is placed, the others are in it. @returns how many still wait */
  async #tryChain([newest, ...older]: readonly SpooledSave[]): Promise<number> {
    if (newest === undefined) return 0;
    if ((await this.#tryOne(newest)) === "waiting") return 1 + older.length;
    for (const save of older) {
      await save.discard();
      this.#parts.note(save, "superseded");
    }
    return 0;
  }

  async #tryOne(save: SpooledSave): Promise<ReplayOutcome> {
    const { turns, note } = this.#parts;
    try {
      const outcome = await turns.inTurn(save.facts.document.fileId, (turn) => this.#place(save, turn));
      await save.discard();
      note(save, outcome);
      return outcome;
    } catch (error) {
      note(save, "waiting", error);
      return "waiting";
    }
  }

  async #place(save: SpooledSave, turn: Turn): Promise<ReplayOutcome> {
    const { document, editor, stand, isBesideOnly } = save.facts;
    if (isBesideOnly === true) {
      await this.#parts.copies.keep(save, "rightMissing");
      return "copied";
    }
    if (stand !== undefined) {
      const copy = await this.#parts.content.copy(document.fileId, editor, stand.copyId);
      // The same copy has been saved again since, which holds this too. What was loaded anew does not.
      if (copy !== undefined && copy.placedOrder > stand.order) return "superseded";
    }
    try {
      // "Overwrite" was said of what stood there then; nobody is here to say it again.
      const { file } = await placeSave(this.#parts, save, { isForced: false, isLast: true }, turn);
      await this.#parts.tell(save.facts, { is: "saved", version: file.version });
      return "written";
    } catch (error) {
      if (isConflict(error)) return "copied";
      throw error;
    }
  }
}
