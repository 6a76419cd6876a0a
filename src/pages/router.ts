import { Router } from "express";
import { accessTokenFor } from "../documents/openSession.ts";
import { addressForPage } from "../documents/reopenDocument.ts";
import { hostPage } from "../editorPage/page.ts";
import { hostSessionRouter } from "../editorPage/pageCalls.ts";
import { portalScriptRouter } from "../editorPage/portalScript.ts";
import { suiteOf } from "../editors/suites.ts";
import { isFromPhone } from "../http/phone.ts";
import { logFacts } from "../http/requestLog.ts";
import type { Services } from "../services.ts";
import { assetsRouter } from "./assets.ts";
import { documentPagesRouter } from "./documents.ts";
import { downloadRouter } from "./download.ts";
import { chooseLanguage } from "./language.ts";
import { linkPagesRouter } from "./ownLinks.ts";
import { answerFailures, newNonce, sendPage } from "./pageAnswer.ts";
import { signInRouter } from "./signIn.ts";
import { takeOverPagesRouter } from "./takeOver.ts";
import { isVisitor, visitLinkRouter } from "./visitLink.ts";
import { waitingSavePagesRouter } from "./waitingSaves.ts";

/** Pages for people. */
export function hostRouter(services: Services): Router {
  const router = Router();
  router.use(assetsRouter());
  router.use(portalScriptRouter());
  router.use(editRouter(services));
  router.use(downloadRouter(services));
  router.use(signInRouter(services));
  router.use(documentPagesRouter(services));
  router.use(linkPagesRouter(services));
  router.use(takeOverPagesRouter(services));
  router.use(waitingSavePagesRouter(services));
  router.use(visitLinkRouter(services));
  router.use(answerFailures(services, isVisitor));
  return router;
}

/** `/edit`: the page around the editor. It and its failures may be shown in a portal's frame. */
function editRouter(services: Services): Router {
  const router = Router();
  router.use(hostSessionRouter(services));

  // Checking whether the address works must not use up the ticket.
  router.head("/edit/:ticket", async (request, response) => {
    await services.grants.behindTicket(request.params.ticket);
    response.type("html").end();
  });

  router.get("/edit/:ticket", async (request, response) => {
    const { ticket } = request.params;
    // Before the ticket is used: a short outage of the drive must not cost visitors their only ticket.
    const before = await services.grants.behindTicket(ticket);
    const file = await services.drive.stat(before.document);
    const address = await addressForPage(services, before, file, isFromPhone(request));
    const grant = await services.grants.redeemTicket(ticket);
    logFacts({ grant: grant.id, file: grant.document.fileId });
    const page = hostPage({
      grant,
      editorIds: services.editorIds(grant),
      accessToken: await accessTokenFor(services.tokens, grant),
      pageKey: await services.grants.issuePageKey(grant),
      fileName: file.name,
      nonce: newNonce(),
      bridgeUrl: services.bridgeUrl,
      embedOrigins: services.config.EMBED_ORIGINS,
      language: chooseLanguage([grant.language], request.get("Accept-Language")),
      takesFreshTokens: suiteOf(grant.actionUrl).takesFreshTokens,
      isConversion: address?.converts === true,
      mayShare: grant.person.id === grant.ownerId && grant.document.version === undefined,
    });
    sendPage(response, 200, page);
  });

  router.use("/edit", answerFailures(services, isVisitor, services.config.EMBED_ORIGINS));
  return router;
}
