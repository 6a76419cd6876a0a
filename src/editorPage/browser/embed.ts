import type * as embed from "./embedTypes.d.ts";
import type {
  DocumentEvents,
  DocumentHandlers,
  EventMessage,
  OpenedDocument,
  OpenOptions,
  OwnTabOptions,
  PageMessage,
  PortalMessage,
  SaveOutcome,
} from "./embedTypes.d.ts";

const source = "cloudreve-office-bridge";
const helloEveryMs = 250;
const helloAtMostMs = 60_000;
const answerWithinMs = 35_000;

const openInFrame = (element: Element, options: OpenOptions): OpenedDocument => {
  const { session, hostPageUrl = session?.host_page_url, title, on = {}, statusLine } = options;
  const url = new URL(String(hostPageUrl));
  const handlers: { readonly [Name in keyof DocumentEvents]: Set<(detail: DocumentEvents[Name]) => void> } = {
    loaded: new Set(),
    modified: new Set(),
    saved: new Set(),
    saveFailed: new Set(),
    renamed: new Set(),
    commented: new Set(),
    presence: new Set(),
    savedAs: new Set(),
    failed: new Set(),
    closed: new Set(),
    expired: new Set(),
  };
  const asked = new Map<number, (outcome: SaveOutcome) => void>();
  let isWelcome = false;
  let questions = 0;

  const frame = document.createElement("iframe");
  frame.title = title ?? session?.file?.name ?? "Document";
  frame.allow = "clipboard-read *; clipboard-write *; fullscreen";
  frame.allowFullscreen = true;
  // As properties: a portal's Content-Security-Policy may forbid the style attribute.
  Object.assign(frame.style, { display: "block", width: "100%", height: "100%", border: "0" });

  const isEvent = (name: string): name is keyof DocumentEvents => Object.hasOwn(handlers, name);
  const addHandler = <Name extends keyof DocumentEvents>(
    name: Name,
    handler: (detail: DocumentEvents[Name]) => void,
  ): (() => boolean) => {
    if (!isEvent(name)) {
      throw new TypeError(`There is no event "${name}"; there are ${Object.keys(handlers).join(", ")}.`);
    }
    const all = handlers[name];
    all.add(handler);
    sayListening();
    return () => {
      const wasThere = all.delete(handler);
      sayListening();
      return wasThere;
    };
  };
  const listening = () => ({
    events: (Object.keys(handlers) as (keyof DocumentEvents)[]).filter((name) => handlers[name].size > 0),
  });
  const sayListening = (): void => {
    if (isWelcome) tell({ type: "listens", ...listening() });
  };
  const addIfGiven = <Name extends keyof DocumentEvents>(name: Name, handler: DocumentHandlers[Name]): void => {
    if (handler !== undefined) addHandler(name, handler);
  };
  for (const name of Object.keys(on) as (keyof DocumentEvents)[]) addIfGiven(name, on[name]);

  const tell = (message: PortalMessage): void => frame.contentWindow?.postMessage({ source, ...message }, url.origin);
  const ask = (type: "save" | "close"): Promise<SaveOutcome> =>
    new Promise((resolve) => {
      const id = ++questions;
      const timer = setTimeout(() => settle({ saved: false, reason: "noAnswer" }), answerWithinMs);
      const settle = (outcome: SaveOutcome): void => {
        clearTimeout(timer);
        asked.delete(id);
        resolve(outcome);
      };
      asked.set(id, settle);
      tell({ type, id });
    });

  const say = <Name extends keyof DocumentEvents>({ name, detail }: EventMessage<Name>): void => {
    for (const handler of [...handlers[name]]) handler(detail);
  };
  let isClosed = false;
  const leave = (): void => {
    if (isClosed) return;
    isClosed = true;
    clearInterval(greeting);
    removeEventListener("message", hear);
    frame.remove();
    for (const settle of [...asked.values()]) settle({ saved: false, reason: "closed" });
    say({ type: "event", name: "closed", detail: {} });
  };

  const hear = (event: MessageEvent): void => {
    if (event.source === null || event.source !== frame.contentWindow || event.origin !== url.origin) return;
    if (event.data?.source !== source) return;
    const message: PageMessage = event.data;
    if (message.type === "welcome") {
      isWelcome = true;
      clearInterval(greeting);
    } else if (message.type === "answer") {
      const { id, saved, reason } = message;
      asked.get(id)?.(saved === true ? { saved } : { saved: false, reason: String(reason ?? "") });
    } else if (message.type === "event" && isEvent(message.name)) {
      if (message.name === "closed") leave();
      else say(message);
    }
  };
  addEventListener("message", hear);

  // The page inside does not know who frames it until it is greeted, and at first it has not loaded yet.
  const startedAt = performance.now();
  const greeting = setInterval(() => {
    if (performance.now() - startedAt > helloAtMostMs || !frame.isConnected) clearInterval(greeting);
    else tell({ type: "hello", ...(statusLine === undefined ? {} : { statusLine }), ...listening() });
  }, helloEveryMs);

  // From the first moment on: the greeting comes when the page has been seen.
  if (statusLine !== undefined) url.hash = `line=${statusLine}`;
  frame.src = url.href;
  element.append(frame);

  return {
    frame,
    on: addHandler,
    save: () => (isWelcome ? ask("save") : Promise.resolve({ saved: false, reason: "notLoaded" })),
    close: async () => {
      const { saved } = isWelcome && frame.isConnected ? await ask("close") : { saved: true };
      if (saved) leave();
      return saved || isClosed;
    },
  };
};

/** A browser lets a click open a tab only at once; the address may follow when the session is there. */
const openInOwnTab = async ({ session, hostPageUrl, closeUrl }: OwnTabOptions): Promise<void> => {
  const tab = window.open("about:blank", "_blank");
  if (tab === null) {
    throw new DOMException(
      "The browser blocked the document's tab: call openDocument in the click itself, and give it the session as a promise.",
      "NotAllowedError",
    );
  }
  // The document's page gets no hold on the portal's.
  tab.opener = null;
  try {
    const url = new URL(String(hostPageUrl ?? (await session)?.host_page_url));
    if (closeUrl !== undefined) url.hash = `close=${encodeURIComponent(new URL(closeUrl, location.href).href)}`;
    tab.location.replace(url.href);
  } catch (error) {
    tab.close();
    throw error;
  }
};

function open(element: Element, options: OpenOptions): OpenedDocument;
function open(element: Element | null, options: OwnTabOptions): Promise<void>;
function open(element: Element | null, options: OpenOptions | OwnTabOptions): OpenedDocument | Promise<void> {
  if (options.ownTab === true) return openInOwnTab(options);
  if (element === null) throw new TypeError("There is no element to open the document in.");
  return openInFrame(element, options);
}

/** What a portal imports to open a document. */
export const openDocument: typeof embed.openDocument = open;
