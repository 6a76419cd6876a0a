import { Router } from "express";
import { hostSessionRouter } from "../editorPage/pageCalls.ts";
import { portalScriptRouter } from "../editorPage/portalScript.ts";
import type { Services } from "../services.ts";
import { adminRouter } from "./admin.ts";
import { apiDocsRouter } from "./apiDocs.ts";
import { assetsRouter } from "./assets.ts";
import { documentPagesRouter } from "./documents.ts";
import { downloadRouter } from "./download.ts";
import { linkMailRouter } from "./linkMail.ts";
import { newDocumentRouter } from "./newDocument.ts";
import { sendOpenedPage } from "./openedPage.ts";
import { ownDocumentsRouter } from "./ownDocuments.ts";
import { ownersNewsRouter } from "./ownersNews.ts";
import { linkPagesRouter } from "./ownLinks.ts";
import { answerFailures } from "./pageAnswer.ts";
import { signInRouter } from "./signIn.ts";
import { takeOverPagesRouter } from "./takeOver.ts";
import { uploadsRouter } from "./uploads.ts";
import { versionPagesRouter } from "./versions.ts";
import { isVisitor, visitLinkRouter } from "./visitLink.ts";
import { waitingSavePagesRouter } from "./waitingSaves.ts";

/**
 * Pages for people.
 * @param describeApi returns the OpenAPI document, which `/docs` shows
 */
export function hostRouter(services: Services, describeApi: () => unknown): Router {
  const router = Router();
  router.use(assetsRouter());
  router.use(portalScriptRouter());
  router.use(apiDocsRouter(services, describeApi));
  router.use(editRouter(services));
  router.use(downloadRouter(services));
  router.use(signInRouter(services));
  router.use(documentPagesRouter(services));
  router.use(newDocumentRouter(services));
  router.use(uploadsRouter(services));
  router.use(ownDocumentsRouter(services));
  router.use(ownersNewsRouter(services));
  router.use(linkPagesRouter(services));
  router.use(linkMailRouter(services));
  router.use(takeOverPagesRouter(services));
  router.use(waitingSavePagesRouter(services));
  router.use(versionPagesRouter(services));
  router.use(adminRouter(services));
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
    await sendOpenedPage(services, request, response, request.params.ticket);
  });

  router.use("/edit", answerFailures(services, isVisitor, services.config.EMBED_ORIGINS));
  return router;
}
