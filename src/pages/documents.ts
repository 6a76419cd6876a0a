import { Router } from "express";
import { z } from "zod";
import { type DocumentRequest, openDocument } from "../documents/openSession.ts";
import { logFacts } from "../http/requestLog.ts";
import type { DriveEntry } from "../model/drive.ts";
import type { Services } from "../services.ts";
import { languages } from "./language.ts";
import { type OpenedPageNeeds, openPage } from "./openedPage.ts";
import { fileIdIn, safeReturn } from "./ownOrigin.ts";
import { editorLanguageOf, forPerson, keepLanguage, type PageNeeds, pageContext, sendPage } from "./pageAnswer.ts";
import { documentsPage } from "./views/documentsPage.ts";
import { savesOf } from "./waitingSaves.ts";

type Needs = PageNeeds & Parameters<typeof openDocument>[0] & OpenedPageNeeds & Pick<Services, "spool" | "locks">;

const folderUri = z
  .string()
  .max(4096)
  .regex(/^cloudreve:\/\/my(\/|$)/);

/** `/`, `/open`: a person's own documents, and opening one as its owner. */
export function documentPagesRouter(services: Needs): Router {
  const router = Router();

  router.get(
    "/",
    forPerson(services, async (person, request, response) => {
      const folder = folderUri.safeParse(request.query["folder"]).data;
      const next = z.string().max(1024).safeParse(request.query["next"]).data;
      const { entries, next: following } = await services.drive.list(person.account, folder, next);
      const openable = await services.drive.openable(person.account);
      const page = documentsPage(await pageContext(services, request, person), {
        crumbs: crumbsOf(folder),
        entries,
        locked: await lockedOf(services, entries),
        waitingSaves: savesOf(services.spool, person).length,
        opens: (name) => openable.has(name.slice(name.lastIndexOf(".") + 1).toLowerCase()),
        ...(folder === undefined ? {} : { folderUri: folder }),
        ...(following === undefined ? {} : { next: following }),
      });
      sendPage(response, 200, page);
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

/** @returns ids of the files that somebody edits */
async function lockedOf({ locks }: Needs, entries: readonly DriveEntry[]): Promise<ReadonlySet<string>> {
  const files = entries.filter(({ kind }) => kind === "file");
  const held = await Promise.all(files.map(({ id }) => locks.current(id)));
  return new Set(files.filter((_file, at) => held[at] !== undefined).map(({ id }) => id));
}

/** The folders from the root to the current one, each with its address. */
function crumbsOf(folder: string | undefined): { name: string; uri?: string }[] {
  const steps = (folder ?? "")
    .replace(/^cloudreve:\/\/my\/?/, "")
    .split("/")
    .filter((step) => step !== "");
  return steps.map((step, index) => ({
    name: decoded(step),
    uri: `cloudreve://my/${steps.slice(0, index + 1).join("/")}`,
  }));
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}
