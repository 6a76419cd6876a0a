import { get } from "node:http";
import { LocalText } from "../../src/sandbox/demoEditor/browser/localText.js";
import type { PageCommand, SaveResult, ServerMessage } from "../../src/sandbox/demoEditor/messages.ts";

type MessageOf<Type extends ServerMessage["type"]> = Extract<ServerMessage, { type: Type }>;

export interface OpenPageOptions {
  editorUrl: string;
  wopiSrc: string;
  token: string;
  ttl?: string;
  action?: "edit" | "view";
  query?: string;
  /** Where the form is posted, up to its query; in place of the plain editor's address for the action. */
  pageUrl?: string;
  /** Further fields of the form. */
  form?: Record<string, string>;
}

/** A person at the editor's page, without a browser: the same messages, the same text model. */
export class DemoPage {
  readonly messages: ServerMessage[] = [];
  #local: LocalText | undefined;
  #epoch = 0;
  #heardByServer = false;
  readonly #editorUrl: string;
  #view: string;
  #stopListening = (): void => undefined;

  constructor(editorUrl: string, view: string) {
    this.#editorUrl = editorUrl;
    this.#view = view;
  }

  get text(): string {
    return this.#local?.text ?? "";
  }

  /** Whether the editor's server has every letter. */
  get settled(): boolean {
    return this.#local?.settled === true;
  }

  /** Whether the editor's server has let this page in line. */
  get heardByServer(): boolean {
    return this.#heardByServer;
  }

  listen(view = this.#view): void {
    this.#view = view;
    const request = get(`${this.#editorUrl}/editor/events/${view}`, (response) => {
      let waiting = "";
      this.#heardByServer = true;
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        waiting += chunk;
        const events = waiting.split("\n\n");
        waiting = events.pop() ?? "";
        for (const event of events)
          if (event.startsWith("data: ")) this.#take(JSON.parse(event.slice(6)) as ServerMessage);
      });
      response.on("error", () => undefined);
    });
    request.on("error", () => undefined);
    this.#stopListening = () => request.destroy();
  }

  async shown(): Promise<void> {
    const ends = new Set<string>(["opened", "failed", "closed"]);
    await eventually(() => this.messages.some(({ type }) => ends.has(type)));
  }

  /** The connection breaks without a word. */
  drop(): void {
    this.#stopListening();
  }

  /** The page goes away as browsers let it: a beacon, then the line closes. */
  async leave(): Promise<void> {
    const last = this.#local?.unconfirmed() ?? { baseRevision: 0, edits: [] };
    await this.command({ command: "leave", epoch: this.#epoch, ...last });
    this.drop();
  }

  type(text: string): void {
    this.#local?.typed(text);
    this.#sendTyped();
  }

  async command(command: PageCommand): Promise<SaveResult | null> {
    const answer = await fetch(`${this.#editorUrl}/editor/commands/${this.#view}`, {
      method: "POST",
      body: JSON.stringify(command),
    });
    if (!answer.ok) throw new Error(`${command.command}: ${answer.status}`);
    return ((await answer.json()) as { outcome: SaveResult | null }).outcome;
  }

  async save(): Promise<SaveResult | null> {
    await eventually(() => this.settled);
    return this.command({ command: "save", request: 1 });
  }

  async typeAndSave(text: string): Promise<SaveResult | null> {
    this.type(text);
    return this.save();
  }

  /** The last message of a type, waited for. */
  async heard<Type extends ServerMessage["type"]>(
    type: Type,
    fits: (message: MessageOf<Type>) => boolean = () => true,
  ): Promise<MessageOf<Type>> {
    const isIt = (message: ServerMessage): message is MessageOf<Type> =>
      message.type === type && fits(message as MessageOf<Type>);
    return eventually(() => this.messages.findLast(isIt));
  }

  #take(message: ServerMessage): void {
    this.messages.push(message);
    if (message.type === "opened") {
      this.#epoch = message.epoch;
      if (this.#local === undefined) this.#local = new LocalText(message.text, message.revision);
      else this.#local.rejoin(message.text, message.revision, message.acceptedSequence);
      this.#sendTyped();
    } else if (message.type === "edit") {
      this.#local?.receive(message);
      if (message.own) this.#sendTyped();
    } else if (message.type === "reload") {
      if (!message.keepTyped) this.#local = undefined;
      this.drop();
      this.listen();
    } else if (message.type === "closed") {
      this.drop();
    } else if (message.type === "moved") {
      this.#local = undefined;
      void this.command({ command: "leave", epoch: this.#epoch, baseRevision: 0, edits: [] }).catch(() => undefined);
      this.drop();
      this.listen(message.view);
    }
  }

  #sendTyped(): void {
    const message = this.#local?.outgoing();
    if (message !== undefined)
      void this.command({ command: "edit", epoch: this.#epoch, ...message }).catch(() => undefined);
  }
}

/** Posts the form as a host page does and waits until the page shows the document or says why not. */
export async function openPage(options: OpenPageOptions): Promise<DemoPage> {
  const page = await startPage(options);
  await page.shown();
  return page;
}

/** As openPage, but waits for nothing of the document. */
export async function startPage(options: OpenPageOptions): Promise<DemoPage> {
  const answer = await postForm(options);
  const html = await answer.text();
  const view = /data-view="([^"]+)"/.exec(html)?.[1];
  if (view === undefined) throw new Error(`no editor page: ${answer.status} ${html}`);
  const page = new DemoPage(options.editorUrl, view);
  page.listen();
  await eventually(() => page.heardByServer);
  return page;
}

export function postForm(options: OpenPageOptions): Promise<Response> {
  const { editorUrl, wopiSrc, token, ttl = "0", action = "edit", query = "", form = {} } = options;
  const { pageUrl = `${editorUrl}/editor/${action}?` } = options;
  return fetch(`${pageUrl}WOPISrc=${encodeURIComponent(wopiSrc)}${query}`, {
    method: "POST",
    redirect: "manual",
    body: new URLSearchParams({ access_token: token, access_token_ttl: ttl, ...form }),
  });
}

/** Looks again until something is there, at most some seconds. */
export async function eventually<T>(look: () => T | undefined | false): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error("waited in vain");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
