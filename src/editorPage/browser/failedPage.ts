// The page that comes in place of the document when it could not be opened: a portal that frames it hears why.
import type { DocumentEvents } from "./embedTypes.d.ts";
import { part } from "./part.ts";
import { portalTalk } from "./portal.ts";

// Written by `pages/views/notOpened.ts`.
const { code = "unexpected", origins = "" } = part("#not-opened", HTMLDivElement).dataset;

const portal = portalTalk({
  origins: origins.split(" "),
  // The page looks the same however the portal shows the state of documents.
  arranged: () => undefined,
  save: async () => ({ saved: false, reason: "notLoaded" }),
  close: async () => ({ saved: true }),
  left: () => portal.tell("closed", {}),
});
addEventListener("message", (event) => {
  if (event.source === parent) portal.hear(event);
});
portal.tell("failed", { code: code as DocumentEvents["failed"]["code"] });
