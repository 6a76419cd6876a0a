// What a portal imports to embed a document. Types and the meaning of each event: embed.d.ts.

const source = "cloudreve-office-bridge";
const eventNames = ["loaded", "modified", "saved", "saveFailed", "renamed", "closed", "expired"];
const helloEveryMs = 250;
const helloAtMostMs = 60_000;
const answerWithinMs = 35_000;

export function openDocument(element, { session, hostPageUrl = session?.host_page_url, title, on = {} } = {}) {
  const url = new URL(hostPageUrl);
  const handlers = new Map(eventNames.map((name) => [name, new Set()]));
  const asked = new Map();
  let isWelcome = false;
  let questions = 0;

  const frame = document.createElement("iframe");
  frame.title = title ?? session?.file?.name ?? "Document";
  frame.allow = "clipboard-read *; clipboard-write *; fullscreen";
  frame.allowFullscreen = true;
  // By properties: a portal's Content-Security-Policy may forbid the attribute.
  Object.assign(frame.style, { display: "block", width: "100%", height: "100%", border: "0" });

  const addHandler = (name, handler) => {
    const all = handlers.get(name);
    if (all === undefined) throw new TypeError(`There is no event "${name}"; there are ${eventNames.join(", ")}.`);
    all.add(handler);
    return () => all.delete(handler);
  };
  for (const [name, handler] of Object.entries(on)) if (handler !== undefined) addHandler(name, handler);

  const tell = (message) => frame.contentWindow?.postMessage({ source, ...message }, url.origin);
  const ask = (type) =>
    new Promise((resolve) => {
      const id = ++questions;
      const timer = setTimeout(() => settle({ saved: false, reason: "noAnswer" }), answerWithinMs);
      const settle = (answer) => {
        clearTimeout(timer);
        asked.delete(id);
        resolve(answer);
      };
      asked.set(id, settle);
      tell({ type, id });
    });

  const say = (name, detail) => {
    for (const handler of [...handlers.get(name)]) handler(detail);
  };
  let isClosed = false;
  const leave = () => {
    if (isClosed) return;
    isClosed = true;
    clearInterval(greeting);
    removeEventListener("message", hear);
    frame.remove();
    for (const settle of [...asked.values()]) settle({ saved: false, reason: "closed" });
    say("closed", {});
  };

  const hear = (event) => {
    if (event.source === null || event.source !== frame.contentWindow || event.origin !== url.origin) return;
    const { data } = event;
    if (data?.source !== source) return;
    if (data.type === "welcome") {
      isWelcome = true;
      clearInterval(greeting);
    } else if (data.type === "answer") {
      asked.get(data.id)?.(data.saved === true ? { saved: true } : { saved: false, reason: String(data.reason ?? "") });
    } else if (data.type === "event" && handlers.has(data.name)) {
      if (data.name === "closed") leave();
      else say(data.name, data.detail);
    }
  };
  addEventListener("message", hear);

  // The page inside does not know who frames it until it is greeted, and is not there yet at first.
  const startedAt = performance.now();
  const greeting = setInterval(() => {
    if (performance.now() - startedAt > helloAtMostMs || !frame.isConnected) clearInterval(greeting);
    else tell({ type: "hello" });
  }, helloEveryMs);

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
}
