import { randomBytes } from "node:crypto";
import { type NextFunction, type Request, type Response, Router } from "express";
import { webStatus } from "../http/failureResponse.ts";
import { logFacts, logFailure } from "../http/requestLog.ts";
import { hostPage, messagePage, type Page } from "./hostPage.ts";
import { accessTokenFor, type OpenDocumentParts } from "./openDocument.ts";

export interface HostRouterParts extends OpenDocumentParts {
  readonly embedOrigins: readonly string[];
}

const nonceBytes = 18;

/** Pages for people. */
export function hostRouter(parts: HostRouterParts): Router {
  const router = Router();

  // Whoever only looks whether the address is alive must not use the ticket up.
  router.head("/edit/:ticket", async (request, response) => {
    await parts.grants.behindTicket(request.params.ticket);
    response.type("html").end();
  });

  router.get("/edit/:ticket", async (request, response) => {
    const { ticket } = request.params;
    // Asked before the ticket is taken: a drive that is away for a moment must not cost the visitor his only one.
    const { name } = await parts.drive.stat((await parts.grants.behindTicket(ticket)).document);
    const grant = await parts.grants.redeemTicket(ticket);
    logFacts({ grant: grant.id, file: grant.document.fileId });
    const nonce = randomBytes(nonceBytes).toString("base64");
    const accessToken = await accessTokenFor(parts.tokens, grant);
    const { embedOrigins } = parts;
    sendPage(response, 200, hostPage({ grant, accessToken, fileName: name, nonce, embedOrigins }));
  });

  router.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const kind = logFailure(error)?.kind;
    const nonce = randomBytes(nonceBytes).toString("base64");
    const [title, text] = kind === "ticketInvalid" ? usedUp : notOpened;
    const status = kind === undefined ? 500 : webStatus(kind);
    sendPage(response, status, messagePage(title, text, nonce, parts.embedOrigins));
  });
  return router;
}

const usedUp = [
  "This page has been used",
  "Its address opens a document once. Open the document again where you found it.",
] as const;
const notOpened = [
  "The document can't be opened",
  "The drive or the editor does not answer as it should. Try again in a moment.",
] as const;

function sendPage(response: Response, status: number, page: Page): void {
  response.status(status).set(page.headers).type("html").send(page.body.text);
}
