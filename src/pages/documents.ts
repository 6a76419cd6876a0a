import { Router } from "express";
import { z } from "zod";
import { type DocumentRequest, openDocument } from "../documents/openSession.ts";
import { logFacts } from "../http/requestLog.ts";
import { languages } from "./language.ts";
import { folderUriSchema, type ListNeeds, sendDocuments } from "./listDocuments.ts";
import { type OpenedPageNeeds, openPage } from "./openedPage.ts";
import { fileIdIn, safeReturn } from "./ownOrigin.ts";
import { editorLanguageOf, forPerson, keepLanguage } from "./pageAnswer.ts";

type Needs = ListNeeds & Parameters<typeof openDocument>[0] & OpenedPageNeeds;

/** `/`, `/open`: a person's own documents, and opening one as its owner. */
export function documentPagesRouter(services: Needs): Router {
  const router = Router();

  router.get(
    "/",
    forPerson(services, async (person, request, response) => {
      const folder = folderUriSchema.safeParse(request.query["folder"]).data;
      const next = z.string().max(1024).safeParse(request.query["next"]).data;
      await sendDocuments(services, person, request, response, 200, { folder, next });
    }),
  );

  router.get(
    "/open",
    forPerson(services, async (person, request, response) => {
      const id = fileIdIn(request.query["file_id"]);
      const asked: DocumentRequest = {
        target: { fileId: id },
        action: "edit",
        account: { named: person.account },
        user: undefined,
        restrictions: {},
        saveAs: "overwrite",
        mayRename: true,
        language: await editorLanguageOf(services.cookies, request),
        theme: undefined,
        issuedTo: `person:${person.id}`,
        generation: person.generation,
      };
      const opened = await openDocument(services, asked);
      logFacts({ grant: opened.grant.id, file: id, person: person.id });
      await openPage(services, request, response, opened, `/open?file_id=${id}`);
    }),
  );

  router.get("/language", async (request, response) => {
    const language = z.enum(languages).safeParse(request.query["to"]).data;
    if (language !== undefined) await keepLanguage(services.cookies, response, language);
    const { return_to: back } = request.query;
    // After a sign-in, a link's address is no place to return to; after switching the language it is.
    const linkPath =
      typeof back === "string" ? /^\/l\/[A-Za-z0-9_-]{1,64}(\?folder=[A-Za-z0-9]{1,64})?$/.exec(back)?.[0] : undefined;
    response.redirect(303, `${services.bridgeUrl}${linkPath ?? safeReturn(back)}`);
  });
  return router;
}
