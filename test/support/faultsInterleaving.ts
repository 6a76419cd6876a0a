import { cut, type Fault, handOn } from "./faults.ts";
import { storedVersions } from "./faultsDriveFiles.ts";
import type { FaultStage } from "./faultsStage.ts";
import { collabora, type WopiAnswer, type WopiClient } from "./wopiClient.ts";

/** Something that happens to a document while it is edited; what can't happen just then does not. */
export type Step =
  | { readonly what: "open" | "reload" | "lock" | "unlock"; readonly who: 0 | 1 }
  | { readonly what: "save"; readonly who: 0 | 1; readonly how: "by hand" | "by itself" | "at the end" | "over all" }
  | { readonly what: "stranger writes" | "stranger locks" | "stranger unlocks" }
  | { readonly what: "drive restarts" | "line breaks" | "line is mended" | "next answer is lost" }
  | { readonly what: "bridge restarts" | "bridge sweeps" | "bridge replays" }
  | { readonly what: "time passes"; readonly minutes: number }
  | { readonly what: "at once"; readonly steps: readonly [Step, Step] };

/** What an editor has loaded, and what it knows of it. */
interface Copy {
  /** Contents of the document that the editor's users have seen or made. */
  readonly seen: Set<string>;
}

/** A save that an editor has sent. */
export interface SentSave {
  readonly text: string;
  readonly copy: Copy;
  readonly order: number;
  /** What the editor had seen when it sent this. */
  readonly seen: ReadonlySet<string>;
  readonly overwrites: boolean;
  readonly isExitSave: boolean;
  status: number;
  /** Number of the newest version in the drive when the answer came. */
  newestThen: number;
}

interface Editor {
  readonly client: WopiClient;
  readonly lockId: string;
  copy: Copy;
  timestamp: string;
  /** Sent, and not in the drive as far as the editor knows. */
  unsaved: string | undefined;
}

const viewers = ["test-editor", "other-editor"];
const isWrite = (shape: string): boolean => /^(POST PUT|PUT) /.test(shape);
const broken: Fault = { name: "the line is down", play: async (call) => cut(call) };
const lost: Fault = {
  name: "the answer is lost",
  play: async (call) => {
    await handOn(call);
    cut(call);
  },
};

/** One document with two editors, a stranger and all that can happen to them. */
export class Interleaving {
  readonly sent: SentSave[] = [];
  readonly #stage: FaultStage;
  readonly #path: string;
  readonly #editors: [Editor | undefined, Editor | undefined] = [undefined, undefined];
  #foreignLock: string | undefined;
  #count = 0;

  constructor(stage: FaultStage, stem: string) {
    this.#stage = stage;
    this.#path = `${stem}.docx`;
  }

  async run(steps: readonly Step[]): Promise<void> {
    await this.#stage.bridge.alice.put(this.#path, "before");
    for (const step of steps) await this.#do(step);
    await this.#do({ what: "line is mended" });
    await this.#do({ what: "stranger unlocks" });
    // Whoever is still told that something is not saved closes the document: the same bytes, for the last time.
    for (const who of [0, 1] as const) {
      const unsaved = this.#editors[who]?.unsaved;
      if (unsaved !== undefined) await this.#save(who, "at the end", unsaved);
    }
    for (let round = 0; round < 6 && (await this.#stage.bridge.bridge.replay()) > 0; round++);
  }

  async #do(step: Step): Promise<void> {
    const { bridge, proxy } = this.#stage;
    switch (step.what) {
      case "open":
        return this.#open(step.who);
      case "reload":
        return this.#reload(step.who);
      case "lock":
      case "unlock": {
        const editor = this.#editors[step.who];
        await editor?.client[step.what](editor.lockId);
        return;
      }
      case "save":
        return this.#save(step.who, step.how, this.#newText(`${step.who}`));
      case "stranger writes":
        await bridge.alice.put(this.#path, this.#newText("stranger"));
        return;
      case "stranger locks":
        return this.#lockFromElsewhere();
      case "stranger unlocks":
        if (this.#foreignLock !== undefined)
          await bridge.alice.call("DELETE", "/file/lock", { tokens: [this.#foreignLock] });
        this.#foreignLock = undefined;
        return;
      case "drive restarts":
        bridge.drive.forgetLocks();
        this.#foreignLock = undefined;
        return;
      case "line breaks":
        proxy.others = () => broken;
        return;
      case "line is mended":
        proxy.others = () => undefined;
        return;
      case "next answer is lost": {
        let isOver = false;
        proxy.others = (_index, shape) => {
          if (isOver || !isWrite(shape)) return undefined;
          isOver = true;
          return lost;
        };
        return;
      }
      case "bridge restarts":
        return bridge.restart();
      case "bridge sweeps":
        return bridge.bridge.sweep();
      case "bridge replays":
        await bridge.bridge.replay();
        return;
      case "time passes":
        return bridge.clock.advance(step.minutes * 60_000);
      case "at once": {
        const [first, second] = step.steps;
        const isOneEditors = "who" in first && "who" in second && first.who === second.who;
        const begun = this.#do(first);
        // An editor waits for an answer before it goes on.
        if (isOneEditors) await begun;
        await Promise.all([begun, this.#do(second)]);
      }
    }
  }

  async #open(who: 0 | 1): Promise<void> {
    if (this.#editors[who] !== undefined) return;
    let client: WopiClient;
    try {
      client = await this.#stage.bridge.open(this.#path, { viewer_id: viewers[who] });
    } catch {
      // The drive is away: nobody opens anything now.
      return;
    }
    const editor: Editor = {
      client,
      lockId: `lock-${who}-${++this.#count}`,
      copy: { seen: new Set() },
      timestamp: "",
      unsaved: undefined,
    };
    if (!(await load(editor))) return;
    this.#editors[who] = editor;
    await client.lock(editor.lockId);
  }

  async #reload(who: 0 | 1): Promise<void> {
    const editor = this.#editors[who];
    if (editor !== undefined && (await load(editor))) editor.unsaved = undefined;
  }

  async #save(who: 0 | 1, how: Extract<Step, { what: "save" }>["how"], text: string): Promise<void> {
    const editor = this.#editors[who];
    if (editor === undefined) return;
    const { client, copy, lockId, timestamp } = editor;
    const isExitSave = how === "at the end";
    const overwrites = how === "over all";
    const save: SentSave = {
      text,
      copy,
      order: this.sent.length,
      seen: new Set(copy.seen),
      overwrites,
      isExitSave,
      status: 0,
      newestThen: 0,
    };
    this.sent.push(save);
    copy.seen.add(text);
    const headers = collabora({
      ...(overwrites ? {} : { timestamp }),
      autosave: how === "by itself",
      exitSave: isExitSave,
    });
    const answer = await client.put(text, lockId, headers);
    save.status = answer.status;
    editor.unsaved = answer.status === 200 ? undefined : text;
    if (answer.status === 200) editor.timestamp = timeIn(answer);
    else save.newestThen = (await storedVersions(this.#stage.bridge)).at(-1)?.number ?? 0;
    if (!isExitSave) return;
    await client.unlock(lockId);
    this.#editors[who] = undefined;
  }

  #lockFromElsewhere(): void {
    try {
      this.#foreignLock = this.#stage.bridge.drive.plantLock("alice@example.com", `/${this.#path}`, { type: "dav" });
    } catch {
      // Somebody holds it already.
    }
  }

  #newText(by: string): string {
    return `${by} ${++this.#count}`;
  }
}

/** @returns whether the editor has a new copy */
async function load(editor: Editor): Promise<boolean> {
  const info = await editor.client.check();
  if (info.status !== 200) return false;
  const answer = await editor.client.get();
  if (answer.status !== 200) return false;
  editor.timestamp = timeIn(info);
  editor.copy = { seen: new Set([answer.text]) };
  return true;
}

function timeIn(answer: WopiAnswer): string {
  return String(answer.json()["LastModifiedTime"]);
}
