import { assetUrl } from "../assets.ts";
import { type Html, html } from "../html.ts";
import type { MessageKind } from "./messagePage.ts";
import type { PageContext } from "./page.ts";

/** Codes of the event `failed`, for portals. */
const codes: Partial<Readonly<Record<MessageKind, string>>> = {
  ticketUsed: "ticketUsed",
  fileGone: "documentMissing",
  driveAway: "driveDown",
  signInEnded: "signInNeeded",
  ownerSignInEnded: "signInNeeded",
};

/** For the message in place of the editor's page: tells the portal that frames it why there is no document. */
export function notOpenedScript(
  { bridgeUrl, nonce }: PageContext,
  kind: MessageKind,
  embedOrigins: readonly string[],
): Html {
  return html`<div id="not-opened" data-code="${codes[kind] ?? "unexpected"}" data-origins="${embedOrigins.join(" ")}" hidden></div>
<script src="${assetUrl(bridgeUrl, "failedPage.js")}" nonce="${nonce}" defer></script>
`;
}
