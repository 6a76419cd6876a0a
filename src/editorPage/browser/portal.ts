// Messages to and from the portal that frames the page.
import type { DocumentEvents, Listening, PageMessage, PortalMessage } from "./embedTypes.d.ts";
import type { SaveAnswer } from "./saving.ts";

const messageSource = "cloudreve-office-bridge";
/** Events before the portal's greeting are queued; a portal that never greets must not fill the memory. */
const queueLimit = 100;

interface PortalParts {
  /** Who may frame the page. */
  readonly origins: readonly string[];
  /** How the portal wants the line, and which events it listens to. */
  readonly arranged: (wish: { readonly statusLine?: unknown } & Listening) => void;
  /** These two do what the portal asks for … */
  readonly save: () => Promise<SaveAnswer>;
  readonly close: () => Promise<SaveAnswer>;
  /** … and this is called after the answer to a close that saved. */
  readonly left: () => void;
}

export type PortalTalk = ReturnType<typeof portalTalk>;

export function portalTalk({ origins, arranged, save, close, left }: PortalParts) {
  const queue: PageMessage[] = [];
  let portalOrigin: string | undefined;

  const post = (message: PageMessage, origin: string): void =>
    parent.postMessage({ source: messageSource, ...message }, origin);

  async function answer(message: PortalMessage, origin: string): Promise<void> {
    switch (message.type) {
      case "hello":
        portalOrigin = origin;
        post({ type: "welcome" }, origin);
        for (const event of queue.splice(0)) post(event, origin);
        arranged(message);
        break;
      case "listens":
        arranged(message);
        break;
      case "save":
        post({ type: "answer", id: message.id, ...(await save()) }, origin);
        break;
      case "close": {
        const closed = await close();
        post({ type: "answer", id: message.id, ...closed }, origin);
        if (closed.saved) left();
        break;
      }
    }
  }

  return {
    /** Sends an event to the portal, once it is known which portal it is. */
    tell: <Name extends keyof DocumentEvents>(name: Name, detail: DocumentEvents[Name]): void => {
      if (parent === window) return;
      // Name and detail belong together, but the compiler can't prove that for a generic and a union.
      const event = { type: "event", name, detail } as PageMessage;
      if (portalOrigin !== undefined) post(event, portalOrigin);
      else if (queue.length < queueLimit) queue.push(event);
    },
    /** Handles a message from the window around the page; unlisted origins are ignored. */
    hear: ({ data, origin }: MessageEvent): void => {
      if (parent === window || !origins.includes(origin) || data?.source !== messageSource) return;
      void answer(data, origin);
    },
  };
}
