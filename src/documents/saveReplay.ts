import { suiteOfKey } from "../editors/suites.ts";
import { outsideRequests } from "../http/requestLog.ts";
import { failureOf, isConflict } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { isOvertaken } from "./contentRecord.ts";
import type { DocumentLock } from "./documentLock.ts";
import { noteUnheard, placeSave } from "./placeSave.ts";
import { noteDecided, noteReplay, type ReplayOutcome } from "./saveEvents.ts";
import { saveOrder, seriesKey } from "./saveFacts.ts";
import type { SpooledSave } from "./saveSpool.ts";
import { decideUndecided } from "./undecidedSave.ts";

type Needs = Parameters<typeof placeSave>[0] & Pick<Services, "spool" | "toldVersions" | "grants" | "logger">;

const firstPauseMs = 2_000;
const longestPauseMs = 5 * 60_000;

/** Places what the spool has kept as soon as the drive accepts it again; also after a restart. */
export class SaveReplay {
  readonly #services: Needs;
  readonly #note: ReturnType<typeof noteReplay>;
  #timer: NodeJS.Timeout | undefined;
  #underWay: Promise<number> | undefined;
  #pauseMs = firstPauseMs;
  #isStopped = false;

  constructor(services: Needs) {
    this.#services = services;
    this.#note = noteReplay(services.logger);
  }

  /** Starts at once, then continues with growing pauses while anything waits. */
  start(): void {
    this.#schedule(0);
  }

  /** A save was just kept: look again soon. */
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
    const look = () =>
      void this.run().then(
        (waiting) => {
          if (waiting > 0) this.#again();
        },
        () => this.#again(),
      );
    this.#timer = outsideRequests(() => setTimeout(look, afterMs));
    this.#timer.unref();
  }

  #again(): void {
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
    this.#schedule(this.#pauseMs);
  }

  async #tryAll(): Promise<number> {
    await this.#decideAll();
    const chains = new Map<unknown, SpooledSave[]>();
    for await (const save of this.#services.spool.kept()) {
      const key = seriesKey(save.facts) ?? Symbol("alone");
      chains.set(key, [...(chains.get(key) ?? []), save]);
    }
    for (const saves of chains.values()) {
      if (this.#isStopped) break;
      await this.#tryChain(saves.sort((a, b) => saveOrder(b.facts) - saveOrder(a.facts)));
    }
    return this.#services.spool.waiting().filter(({ isBroken }) => !isBroken).length;
  }

  async #decideAll(): Promise<void> {
    const { spool, toldVersions, grants, logger } = this.#services;
    const note = noteDecided(logger);
    for await (const save of spool.undecided()) {
      if (this.#isStopped) return;
      try {
        // Its editor may be unknown by now; the change matters only to suites that need it.
        await toldVersions.change(save.facts.wopiFileId);
        const facts = await decideUndecided(grants, save.facts);
        if (facts === undefined) await save.discard();
        else await save.decide(facts);
        note(save.facts, facts === undefined ? "dropped" : "accepted");
      } catch (error) {
        note(save.facts, "waiting", error);
      }
    }
  }

  /** Saves of one load, newest first: once the newest is placed, the others are contained in it. */
  async #tryChain([newest, ...older]: readonly SpooledSave[]): Promise<void> {
    if (newest === undefined || (await this.#tryOne(newest)) === "waiting") return;
    for (const save of older) {
      if (!save.claim()) continue;
      await save.discard();
      this.#note(save, "superseded");
    }
  }

  async #tryOne(save: SpooledSave): Promise<ReplayOutcome> {
    const { locks, toldVersions } = this.#services;
    // Somebody has dismissed it meanwhile, or a newer one has arrived.
    if (!save.claim()) return "waiting";
    try {
      const { document, editor } = save.facts;
      const outcome = await locks.exclusively(document.fileId, (lock) => this.#place(save, lock));
      // The bridge may have died before it answered; a save that goes into the document changes the Version by itself.
      if (outcome === "copied" && suiteOfKey(editor).keepsUnplacedExitSaves) await toldVersions.change(document.fileId);
      await save.discard();
      this.#note(save, outcome);
      return outcome;
    } catch (error) {
      this.#note(save, "waiting", error);
      return "waiting";
    } finally {
      await save.release();
    }
  }

  async #place(save: SpooledSave, lock: DocumentLock): Promise<ReplayOutcome> {
    const { document, editor, baseline, isBesideOnly } = save.facts;
    if (isBesideOnly === true) {
      await this.#services.copies.copyBeside(save, "rightMissing");
      return "copied";
    }
    if (baseline !== undefined) {
      const load = await this.#services.content.findLoad(document.fileId, editor, baseline.loadId);
      // A later save of the same load contains this one. A save of another load does not.
      if (load !== undefined && isOvertaken(load, baseline)) return "superseded";
    }
    try {
      // "Overwrite" was meant for the version stored at that time; nobody is here to confirm it again.
      const { version } = await placeSave(
        this.#services,
        save,
        { isForced: false, isExitSave: true, needsNoVersion: true },
        lock,
      );
      await noteUnheard(this.#services, save);
      await this.#services.tell(save.facts, { is: "saved", version });
      return "written";
    } catch (error) {
      if (isConflict(error)) return "copied";
      if (failureOf(error, "contentInvalid") !== undefined) {
        // It was promised to be safe, by an earlier version too.
        await this.#services.copies.copyBeside(save, "contentInvalid");
        return "copied";
      }
      if (failureOf(error, "fileMissing") !== undefined) {
        await this.#services.copies.copyBeside(save, "fileMissing");
        return "copied";
      }
      throw error;
    }
  }
}
