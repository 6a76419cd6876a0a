import { Router } from "express";
import type { Services } from "../services.ts";
import { type ApiDocument, apiDocumentSchema } from "./apiDocument.ts";
import { pageContext, sendPage } from "./pageAnswer.ts";
import { apiDocsPage } from "./views/apiDocsPage.ts";

type Needs = Pick<Services, "cookies" | "visitorRights" | "bridgeUrl" | "config">;

/**
 * `/docs`: `/openapi.json` for people. As public as that is.
 * @param describe returns the OpenAPI document
 */
export function apiDocsRouter(services: Needs, describe: () => unknown): Router {
  const router = Router();
  // Read when first asked for, as the document is made then.
  let document: ApiDocument | undefined;
  router.get("/docs", async (request, response) => {
    document ??= apiDocumentSchema.parse(describe());
    sendPage(response, 200, apiDocsPage(await pageContext(services, request, undefined), document));
  });
  return router;
}
