import { Readable } from "node:stream";
import { type Request, type Response, Router, urlencoded } from "express";
import { z } from "zod";
import { type BlankType, blankDocument, blankTypes } from "../blanks/blankDocument.ts";
import { addDocument, addFolder, freeNameIn, requireName } from "../documents/addDocument.ts";
import { hungUp } from "../http/hungUp.ts";
import { logFacts, logFailure } from "../http/requestLog.ts";
import type { DriveFile, NewContent } from "../model/drive.ts";
import { BridgeError, type Failure, failureOf } from "../model/failure.ts";
import { splitName } from "../model/nameRules.ts";
import type { Services } from "../services.ts";
import { fill } from "../words/fill.ts";
import type { Language } from "../words/language.ts";
import { wordsIn } from "../words/words.ts";
import { folderUriSchema, type ListNeeds, sendDocuments } from "./listDocuments.ts";
import { nameRefusal } from "./nameRefusal.ts";
import { fileIdIn, requireOwnOrigin } from "./ownOrigin.ts";
import { type Caller, forPerson, languageOf } from "./pageAnswer.ts";
import { rootUri } from "./views/documentsFacts.ts";

type Needs = ListNeeds & Pick<Services, "audit" | "versionRecord">;

const newForm = z.object({
  folder: folderUriSchema.optional().default(rootUri),
  type: z.union([z.enum([...blankTypes, "folder"]), z.templateLiteral(["template.", z.string()])]),
  name: z.string().trim().max(1000),
});
type NewForm = z.infer<typeof newForm>;

/** `/documents`: the form “New” creates a document in a person's folder, and opens it. */
export function newDocumentRouter(services: Needs): Router {
  const router = Router();
  router.post(
    "/documents",
    requireOwnOrigin(services.bridgeUrl),
    urlencoded({ extended: false, limit: "16kb" }),
    forPerson(services, async (person, request, response) => {
      const asked = newForm.safeParse(request.body);
      // The page's own form sends nothing else.
      if (!asked.success) throw new BridgeError({ kind: "fileMissing" });
      const language = await languageOf(services.cookies, request);
      const wanted = await wantedOf(services, person, asked.data, wordsIn[language].pages.untitled);
      try {
        requireName(asked.data.name);
        response.redirect(303, await make(services, person, wanted, response));
      } catch (error) {
        const failure = error instanceof BridgeError ? error.failure : undefined;
        const sentence = newRefusal(language, failure, asked.data.name);
        if (sentence === undefined) throw error;
        logFailure(error);
        await sendRefusal(services, person, request, response, wanted, sentence, error);
      }
    }),
  );
  return router;
}

interface Wanted {
  readonly asked: NewForm;
  readonly template: DriveFile | undefined;
  /** With its dot; empty for a folder. */
  readonly extension: string;
  readonly name: string;
}

async function wantedOf(services: Needs, person: Caller, asked: NewForm, untitled: string): Promise<Wanted> {
  const { folder, type, name: typed } = asked;
  const template = type.startsWith("template.")
    ? await services.drive.find(person.account, { fileId: fileIdIn(type.slice("template.".length)) })
    : undefined;
  const extension = type === "folder" ? "" : template === undefined ? `.${type}` : splitName(template.name).extension;
  const isWhole = typed.length > extension.length && typed.toLowerCase().endsWith(extension.toLowerCase());
  const name = isWhole ? typed : `${typed}${extension}`;
  // Nobody chose the name that the form began with.
  const free = typed === untitled ? await freeNameIn(services, person.account, { uri: folder }, name) : undefined;
  return { asked, template, extension, name: free ?? name };
}

/** @returns where to go on */
async function make(services: Needs, person: Caller, wanted: Wanted, response: Response): Promise<string> {
  const { drive, bridgeUrl } = services;
  const { asked, template, name } = wanted;
  const folder = await drive.folder(person.account, { uri: asked.folder });
  if (asked.type === "folder") {
    const { uri } = await addFolder(services, person, folder, name);
    return `${bridgeUrl}/?${new URLSearchParams({ folder: uri }).toString()}`;
  }
  const content =
    template === undefined ? blank(asked.type as BlankType) : await copyOf(services, person, template, response);
  try {
    const file = await addDocument(services, person, folder, name, content);
    logFacts({ file: file.id, person: person.id });
    return `${bridgeUrl}/open?file_id=${file.id}`;
  } finally {
    content.body.destroy();
  }
}

function blank(type: BlankType): NewContent {
  const bytes = blankDocument(type);
  return { sizeBytes: bytes.length, body: Readable.from([bytes]) };
}

async function copyOf({ drive }: Needs, { account }: Caller, file: DriveFile, response: Response): Promise<NewContent> {
  const content = await drive.read({ account, fileId: file.id }, file, undefined, hungUp(response));
  return { sizeBytes: content.lengthBytes, body: content.body };
}

/** @returns why nothing was created, in words for the person; undefined when it is no matter of theirs */
export function newRefusal(language: Language, failure: Failure | undefined, name: string): string | undefined {
  if (failure?.kind === "quotaExceeded") return wordsIn[language].pages.storageFull;
  return nameRefusal(language, failure, name);
}

/** The page again, with the form open, and a free name in it when the wanted one is taken. */
async function sendRefusal(
  services: Needs,
  person: Caller,
  request: Request,
  response: Response,
  { asked, extension, name }: Wanted,
  sentence: string,
  error: unknown,
): Promise<void> {
  const words = wordsIn[await languageOf(services.cookies, request)].pages;
  const isTaken = failureOf(error, "nameTaken") !== undefined;
  const free = isTaken ? await freeNameIn(services, person.account, { uri: asked.folder }, name) : undefined;
  const refused =
    free === undefined
      ? { type: asked.type, name: asked.name, sentence }
      : {
          type: asked.type,
          name: free.slice(0, free.length - extension.length),
          sentence: fill(words.nameTaken, { name }),
        };
  const folder = asked.folder === rootUri ? undefined : asked.folder;
  await sendDocuments(services, person, request, response, 422, { folder }, { refused });
}
