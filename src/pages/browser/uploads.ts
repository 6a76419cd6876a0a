import { localTimes } from "./localTimes.ts";
import { FolderRefused, UploadFolders } from "./uploadFolders.ts";
import { type Chosen, type ChosenFile, chosenIn, droppedIn } from "./uploadSource.ts";

// Uploading by the button and by dropping files: one after the other, each with its progress.

/** A file up to this size is sent at once: what the answer says can wait until then. */
const smallBytes = 1024 * 1024;
/** A browser would be slow with more rows, and a person with looking through them. */
const mostAtOnce = 2_000;
/** When nothing has moved for this long, the connection is taken for dead. */
const stallMs = 30_000;

type Act = "keepBoth" | "otherName" | "again" | "stop";
type State = "waiting" | "running" | "done" | "refused" | "stopped";

interface Answer {
  readonly code?: string;
  readonly sentence?: string;
  readonly freeName?: string;
}

/** One file on its way, and its line on the page. */
class Upload {
  state: State = "waiting";
  readonly file: File;
  readonly row: HTMLElement;
  /** The same for every try, so that the bridge knows which broken one it replaces. */
  readonly id = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16)).join("");
  name: string;
  #call: XMLHttpRequest | undefined;
  readonly #words: DOMStringMap;
  readonly #folders: readonly string[];
  readonly #into: UploadFolders;

  constructor({ file, folders }: ChosenFile, row: HTMLElement, words: DOMStringMap, into: UploadFolders) {
    this.file = file;
    this.row = row;
    this.name = file.name;
    this.#words = words;
    this.#folders = folders;
    this.#into = into;
    this.say(words["waiting"]);
  }

  say(sentence = "", isBad = false): void {
    const [bdi, progress, said] = [
      this.row.querySelector("bdi"),
      this.row.querySelector("progress"),
      this.row.querySelector("small"),
    ];
    if (bdi !== null) bdi.textContent = [...this.#folders, this.name].join("/");
    if (progress !== null) progress.hidden = this.state !== "running";
    if (said !== null && said.textContent !== sentence) said.textContent = sentence;
    said?.classList.toggle("error", isBad);
  }

  offer(...acts: Act[]): void {
    for (const button of this.row.querySelectorAll<HTMLButtonElement>("button")) {
      button.hidden = !acts.includes(button.dataset["act"] as Act);
    }
  }

  refuse(sentence: string | undefined, ...acts: Act[]): void {
    this.state = "refused";
    this.say(sentence, true);
    this.offer(...acts);
  }

  stop(): void {
    this.state = "stopped";
    this.#call?.abort();
    this.say(this.#words["stopped"]);
    this.offer("again");
  }

  #isStopped(): boolean {
    return this.state === "stopped";
  }

  /** Resolves when it has ended, one way or the other. */
  async run(): Promise<void> {
    this.state = "running";
    this.offer("stop");
    this.say(this.#words["running"]);
    try {
      const folder = await this.#into.uriOf(this.#folders);
      if (this.#isStopped()) return;
      const check = this.file.size > smallBytes ? await this.#send("GET", "/check", folder) : undefined;
      const refusal = check ?? (await this.#send("PUT", "", folder));
      if (this.#isStopped()) return;
      if (refusal === undefined) {
        this.state = "done";
        this.say(this.#words["done"]);
        this.offer();
      } else if (refusal.freeName !== undefined) {
        this.row.dataset["freeName"] = refusal.freeName;
        const isTaken = refusal.code === "nameTaken";
        const otherName = this.row.querySelector("[data-act=otherName]");
        if (otherName !== null)
          otherName.textContent = (this.#words["as"] ?? "").replace("%1", () => refusal.freeName ?? "");
        this.refuse(refusal.sentence, isTaken ? "keepBoth" : "otherName", "stop");
      } else this.refuse(refusal.sentence ?? this.#words["failed"], "again");
    } catch (error) {
      if (this.#isStopped()) return;
      const isRefused = error instanceof FolderRefused;
      this.refuse(isRefused ? error.message || this.#words["failed"] : this.#words["cut"], "again");
    }
  }

  /** @returns the refusal; undefined when it was done @throws when the connection broke */
  #send(method: "GET" | "PUT", path: string, folder: string): Promise<Answer | undefined> {
    const { address = "" } = this.#words;
    const query = { folder, name: this.name, size: String(this.file.size), upload: this.id };
    return new Promise((resolve, reject) => {
      const call = new XMLHttpRequest();
      this.#call = call;
      let stalled: ReturnType<typeof setTimeout> | undefined;
      const moved = () => {
        clearTimeout(stalled);
        stalled = setTimeout(() => call.abort(), stallMs);
      };
      call.open(method, `${address}${path}?${new URLSearchParams(query)}`);
      call.upload.addEventListener("progress", ({ loaded, total }) => {
        moved();
        this.#progress(total === 0 ? 1 : loaded / total);
      });
      call.upload.addEventListener("load", () => {
        // The drive may take its time to store it; the bridge waits for it, and answers.
        clearTimeout(stalled);
        if (this.state === "running") this.say(this.#words["storing"]);
      });
      for (const end of ["error", "abort", "timeout"]) call.addEventListener(end, () => reject(new Error(end)));
      call.addEventListener("load", () => resolve(this.#answerOf(call)));
      call.addEventListener("loadend", () => clearTimeout(stalled));
      if (method === "PUT") moved();
      call.send(method === "PUT" ? this.file : null);
    });
  }

  #progress(part: number): void {
    const progress = this.row.querySelector("progress");
    if (progress !== null) progress.value = part * 100;
    if (part < 1) this.say(`${this.#words["running"]} · ${Math.floor(part * 100)} %`);
  }

  #answerOf({ status, responseText }: XMLHttpRequest): Answer | undefined {
    try {
      const answer = JSON.parse(responseText) as Answer;
      return status < 300 ? undefined : answer;
    } catch {
      // The page that asks to sign in, or a proxy's.
      return { sentence: status < 300 ? this.#words["signedOut"] : this.#words["failed"] } as Answer;
    }
  }
}

export function startUploads(): void {
  const area = document.querySelector<HTMLElement>("#uploads");
  const list = area?.querySelector("ul");
  const template = area?.querySelector("template")?.content.firstElementChild;
  if (!area || !list || !template) return;
  const words = area.dataset;
  const uploads: Upload[] = [];
  const limitBytes = Number(words["limitBytes"]);
  const into = new UploadFolders(words["address"] ?? "", words["folder"] ?? "");
  const sum = area.querySelector<HTMLElement>("#upload-sum");

  const runNext = async (): Promise<void> => {
    if (uploads.some(({ state }) => state === "running")) return;
    const next = uploads.find(({ state }) => state === "waiting");
    if (next === undefined) {
      if (uploads.some(({ state }) => state === "done")) await renewList(words["list"] ?? "");
      return;
    }
    await next.run();
    tellSum();
    await runNext();
  };

  /** Many rows tell one less than their number. */
  const tellSum = (): void => {
    if (sum === null) return;
    sum.hidden = uploads.length < 2;
    const done = uploads.filter(({ state }) => state === "done").length;
    sum.textContent = (words["sum"] ?? "").replace("%1", String(done)).replace("%2", String(uploads.length));
  };

  const add = ({ files, emptyFolders }: Chosen): void => {
    if (files.length > mostAtOnce) {
      area.hidden = false;
      if (sum === null) return;
      sum.hidden = false;
      sum.textContent = words["tooMany"] ?? "";
      return;
    }
    area.hidden = files.length === 0 && uploads.length === 0;
    for (const chosen of files) {
      const upload = row(chosen);
      if (chosen.file.size > limitBytes) upload.refuse(words["tooLarge"]);
    }
    // An empty folder is made like any other; should that fail, nothing of the person's is missing.
    const made = emptyFolders.map((folders) => into.uriOf(folders).catch(() => undefined));
    tellSum();
    void runNext();
    if (made.length > 0) void Promise.all(made).then(() => renewList(words["list"] ?? ""));
  };

  const row = (chosen: ChosenFile): Upload => {
    const element = template.cloneNode(true) as HTMLElement;
    list.append(element);
    const upload = new Upload(chosen, element, words, into);
    uploads.push(upload);
    element.addEventListener("click", ({ target }) => {
      const act = target instanceof HTMLElement ? target.dataset["act"] : undefined;
      if (act === "stop") upload.stop();
      const isRenamed = act === "keepBoth" || act === "otherName";
      if (isRenamed) upload.name = element.dataset["freeName"] ?? upload.name;
      if (!isRenamed && act !== "again") return;
      upload.state = "waiting";
      upload.say(words["waiting"]);
      upload.offer("stop");
      void runNext();
    });
    return upload;
  };

  const menu = document.querySelector<HTMLDetailsElement>("#upload");
  if (menu !== null) menu.hidden = false;
  for (const button of menu?.querySelectorAll<HTMLButtonElement>("button[data-chooses]") ?? []) {
    const field = document.getElementById(button.dataset["chooses"] ?? "");
    if (menu === null || !(field instanceof HTMLInputElement)) continue;
    button.addEventListener("click", () => {
      menu.open = false;
      field.click();
    });
    field.addEventListener("change", () => {
      add(chosenIn(field));
      // So that the same file can be chosen again.
      field.value = "";
    });
  }
  takeDrops(add);
  addEventListener("beforeunload", (event) => {
    if (uploads.some(({ state }) => state === "running" || state === "waiting")) event.preventDefault();
  });
}

function takeDrops(add: (chosen: Chosen) => void): void {
  const cover = document.querySelector<HTMLElement>("#drop");
  if (cover === null) return;
  const hasFiles = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes("Files") === true;
  // Elements below tell of their own entering and leaving; only the last leaving counts.
  let depth = 0;
  const show = (change: number) => {
    depth = Math.max(0, depth + change);
    cover.hidden = depth === 0;
  };
  document.addEventListener("dragenter", (event) => {
    if (hasFiles(event)) show(1);
  });
  document.addEventListener("dragleave", (event) => {
    if (hasFiles(event)) show(-1);
  });
  document.addEventListener("dragover", (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    // Otherwise the browser would leave the page and show the file.
    event.preventDefault();
    show(-depth);
    void droppedIn(event.dataTransfer).then(add);
  });
}

/** Shows the folder as it is now, without losing what the page says of the uploads. */
async function renewList(address: string): Promise<void> {
  const shown = document.querySelector("#list");
  const answered = await fetch(address).catch(() => undefined);
  if (shown === null || answered?.ok !== true) return;
  const page = new DOMParser().parseFromString(await answered.text(), "text/html");
  const list = page.querySelector("#list");
  if (list === null) return;
  localTimes(list);
  shown.replaceWith(list);
}
