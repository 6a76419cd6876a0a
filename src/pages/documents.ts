import { Router } from "express";
import { z } from "zod";
import { type DocumentRequest, openDocument } from "../documents/openSession.ts";
import { logFacts } from "../http/requestLog.ts";
import { BridgeError } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { languages } from "../words/language.ts";
import { useOf, watchedFiles } from "./documentUse.ts";
import { folderUriSchema, type ListNeeds, ownTemplates, sendDocuments } from "./listDocuments.ts";
import { type OpenedPageNeeds, openPage } from "./openedPage.ts";
import { toldOf } from "./ownDocuments.ts";
import { fileIdIn, safeReturn } from "./ownOrigin.ts";
import {
  answerScriptFailures,
  editorLanguageOf,
  forPerson,
  forScript,
  keepLanguage,
  languageOf,
  pageContext,
} from "./pageAnswer.ts";
import { useLine } from "./views/documentRow.ts";
import { toldKinds } from "./views/documentsFacts.ts";
import { templateChoices } from "./views/newDocumentForm.ts";

/** Each as if it were not there when it makes no sense. */
const listQuery = z.object({
  folder: folderUriSchema.optional().catch(undefined),
  next: z.string().max(1024).optional().catch(undefined),
  sort: z.enum(["name", "modifiedAt", "size"]).optional().catch(undefined),
  order: z.enum(["asc", "desc"]).catch("asc"),
  recent: z.string().optional().catch(undefined),
  q: z.string().trim().min(1).max(200).optional().catch(undefined),
  told: z.enum(toldKinds).optional().catch(undefined),
  id: z.string().catch(""),
  new: z.string().optional().catch(undefined),
});

type Needs = ListNeeds & Pick<Services, "note"> & Parameters<typeof openDocument>[0] & OpenedPageNeeds;

/** `/`, `/open`: a person's own documents, and opening one as its owner. */
export function documentPagesRouter(services: Needs): Router {
  const router = Router();

  router.get(
    "/",
    forPerson(services, async (person, request, response) => {
      const { folder, next, sort, order, recent, q, told, id, new: offers } = listQuery.parse(request.query);
      const asked = sort === undefined ? undefined : { by: sort, direction: order };
      const isOffering = offers !== undefined;
      const listed = { folder, next, order: asked, recent: recent !== undefined, search: q, isOffering };
      const news = told === undefined ? undefined : await toldOf(services, person, told, id);
      await sendDocuments(services, person, request, response, 200, listed, news === undefined ? {} : { told: news });
    }),
  );

  router.get(
    "/documents/templates",
    forScript(services, async (person, request, response) => {
      const templates = await ownTemplates(services, person.account);
      const { text } = templateChoices(await pageContext(services, request, person), templates);
      response.type("html").send(text);
    }),
    answerScriptFailures(services),
  );

  router.get(
    "/documents/in-use",
    forScript(services, async (person, request, response) => {
      const watch = z.string().max(16_384).catch("").parse(request.query["list"]);
      const files = await watchedFiles(services, person.id, watch);
      if (files === undefined) throw new BridgeError({ kind: "fileMissing" });
      const { locked, people } = await useOf(services, files);
      const language = await languageOf(services.cookies, request);
      const lines = files.map((id) => [id, useLine(language, people.get(id) ?? [], locked.has(id))] as const);
      response.json(Object.fromEntries(lines.filter(([, line]) => line !== undefined)));
    }),
    answerScriptFailures(services),
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
      await services.recent.opened(person.id, id).catch(services.note);
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
