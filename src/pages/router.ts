import { Router } from "express";
import type { EditorIds } from "../documents/grants.ts";
import { accessTokenFor } from "../documents/openSession.ts";
import { hostPage } from "../editorPage/page.ts";
import { type HostSessionParts, hostSessionRouter } from "../editorPage/pageCalls.ts";
import { portalScriptRouter } from "../editorPage/portalScript.ts";
import { suiteOf } from "../editors/suites.ts";
import { logFacts } from "../http/requestLog.ts";
import type { Drive } from "../model/drive.ts";
import { assetsRouter } from "./assets.ts";
import { type DocumentPagesParts, documentPagesRouter } from "./documents.ts";
import { chooseLanguage } from "./language.ts";
import { type LinkPagesParts, linkPagesRouter } from "./ownLinks.ts";
import { answerFailures, newNonce, sendPage } from "./pageAnswer.ts";
import { type SignInParts, signInRouter } from "./signIn.ts";
import { isVisitor, type VisitLinkParts, visitLinkRouter } from "./visitLink.ts";
import { type WaitingSavePagesParts, waitingSavePagesRouter } from "./waitingSaves.ts";

export interface HostRouterParts
  extends DocumentPagesParts,
    VisitLinkParts,
    LinkPagesParts,
    SignInParts,
    HostSessionParts,
    WaitingSavePagesParts {
  readonly drive: Drive;
  readonly embedOrigins: readonly string[];
  readonly editorIds: EditorIds;
}

/** Pages for people. */
export function hostRouter(parts: HostRouterParts): Router {
  const router = Router();
  router.use(assetsRouter());
  router.use(portalScriptRouter());
  router.use(editRouter(parts));
  router.use(signInRouter(parts));
  router.use(documentPagesRouter(parts));
  router.use(linkPagesRouter(parts));
  router.use(waitingSavePagesRouter(parts));
  router.use(visitLinkRouter(parts));
  router.use(answerFailures(parts, isVisitor));
  return router;
}

/** `/edit`: the page around the editor; it and its failures may stand in a portal's frame. */
function editRouter(parts: HostRouterParts): Router {
  const router = Router();
  router.use(hostSessionRouter(parts));

  // Checking whether the address works must not use up the ticket.
  router.head("/edit/:ticket", async (request, response) => {
    await parts.grants.behindTicket(request.params.ticket);
    response.type("html").end();
  });

  router.get("/edit/:ticket", async (request, response) => {
    const { ticket } = request.params;
    // Before the ticket is redeemed: a short outage of the drive must not cost visitors their only ticket.
    const { name } = await parts.drive.stat((await parts.grants.behindTicket(ticket)).document);
    const grant = await parts.grants.redeemTicket(ticket);
    logFacts({ grant: grant.id, file: grant.document.fileId });
    const page = hostPage({
      grant,
      editorIds: parts.editorIds(grant),
      accessToken: await accessTokenFor(parts.tokens, grant),
      pageKey: await parts.grants.issuePageKey(grant),
      fileName: name,
      nonce: newNonce(),
      bridgeUrl: parts.bridgeUrl,
      embedOrigins: parts.embedOrigins,
      language: chooseLanguage([grant.language], undefined),
      takesFreshTokens: suiteOf(grant.actionUrl).takesFreshTokens,
      mayShare: grant.person.id === grant.ownerId && grant.document.version === undefined,
    });
    sendPage(response, 200, page);
  });

  router.use("/edit", answerFailures(parts, isVisitor, parts.embedOrigins));
  return router;
}
