import { type Request, type Response, Router } from "express";
import { z } from "zod";
import { addDocument, folderNamed, freeNameIn, requireName } from "../documents/addDocument.ts";
import { webStatus } from "../http/failureResponse.ts";
import { logFacts, logFailure } from "../http/requestLog.ts";
import type { DriveFolder } from "../model/drive.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { fill } from "../words/fill.ts";
import { wordsIn } from "../words/words.ts";
import { folderUriSchema } from "./listDocuments.ts";
import { nameRefusal } from "./nameRefusal.ts";
import { newRefusal } from "./newDocument.ts";
import { requireOwnOrigin } from "./ownOrigin.ts";
import { answerScriptFailures, type Caller, forScript, languageOf, type PageNeeds } from "./pageAnswer.ts";
import { rootUri } from "./views/documentsFacts.ts";
import { size } from "./views/markup.ts";

type Needs = PageNeeds & Pick<Services, "drive" | "versionRecord" | "audit" | "limitBytes">;

const placeQuery = z.object({
  folder: folderUriSchema.optional().default(rootUri),
  name: z.string().max(1000),
});
const uploadQuery = placeQuery.extend({
  size: z.coerce.number().int().min(0),
  /** The page's own id of this upload, the same when it tries again. */
  upload: z.string().max(64).optional().default(""),
});
type Upload = z.infer<typeof uploadQuery> & { readonly into: DriveFolder };

/** `/documents`: the page's script uploads files into a person's folder. Answers are JSON, refusals in words. */
export function uploadsRouter(services: Needs): Router {
  const router = Router();
  const running = new Map<string, { readonly request: Request; readonly ended: Promise<unknown> }>();

  const failures = answerScriptFailures(services, (language, failure, request) => {
    const words = wordsIn[language].pages;
    if (failure?.kind === "fileMissing") return words.uploadFolderGone;
    return newRefusal(language, failure, String(request.query["name"] ?? "")) ?? words.uploadFailed;
  });

  // A browser reads no answer before it has sent everything, so it asks before it sends much.
  router.get(
    "/documents/check",
    forScript(services, async (person, request, response) => {
      await answer(services, person, request, response, async ({ into, name, size: sizeBytes }) => {
        await services.drive.tryCreating(person.account, into, name, sizeBytes);
        response.json({});
      });
    }),
    failures,
  );

  // For a folder that is uploaded: its files go into what is there already under its name.
  router.post(
    "/documents/folders",
    requireOwnOrigin(services.bridgeUrl),
    forScript(services, async (person, request, response) => {
      const asked = placeQuery.safeParse(request.query);
      if (!asked.success) throw new BridgeError({ kind: "fileMissing" });
      const { folder: uri, name } = asked.data;
      const folder = await folderNamed(services, person, await services.drive.folder(person.account, { uri }), name);
      logFacts({ file: folder.id, person: person.id });
      response.json({ uri: folder.uri });
    }),
    failures,
  );

  router.put(
    "/documents",
    requireOwnOrigin(services.bridgeUrl),
    forScript(services, async (person, request, response) => {
      await answer(services, person, request, response, async ({ into, name, size: sizeBytes, upload }) => {
        const key = `${person.id} ${upload}`;
        const before = running.get(key);
        // The page has given that one up, but its connection may not have noticed.
        before?.request.destroy();
        await before?.ended;
        const work = addDocument(services, person, into, name, { sizeBytes, body: request });
        const ended = work.catch(() => undefined);
        running.set(key, { request, ended });
        try {
          const file = await work;
          logFacts({ file: file.id, person: person.id });
          response.status(201).json({ id: file.id, name: file.name });
        } finally {
          if (running.get(key)?.ended === ended) running.delete(key);
        }
      });
    }),
    failures,
  );
  return router;
}

async function answer(
  services: Needs,
  person: Caller,
  request: Request,
  response: Response,
  work: (upload: Upload) => Promise<void>,
): Promise<void> {
  const asked = uploadQuery.safeParse(request.query);
  if (!asked.success) throw new BridgeError({ kind: "fileMissing" });
  const { folder: uri, name, size: sizeBytes } = asked.data;
  try {
    const sent = request.get("Content-Length");
    if (request.method === "PUT" && sent !== undefined && Number(sent) !== sizeBytes) {
      throw new BridgeError({ kind: "bodyCut" });
    }
    if (sizeBytes > services.limitBytes) {
      throw new BridgeError({ kind: "bodyTooLarge", limitBytes: services.limitBytes });
    }
    requireName(name);
    const into = await services.drive.folder(person.account, { uri });
    await work({ ...asked.data, into });
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    const language = await languageOf(services.cookies, request);
    const words = wordsIn[language].pages;
    const tooLarge = fill(words.uploadTooLarge, { limit: size(services.limitBytes, language) });
    const isTooLarge = failureOf(error, "bodyTooLarge") !== undefined;
    const refusal = nameRefusal(language, error.failure, name);
    if (!isTooLarge && refusal === undefined) throw error;
    logFailure(error);
    const freeName = isTooLarge ? undefined : await freeNameIn(services, person.account, { uri }, name);
    response.status(webStatus(error.failure.kind)).json({
      code: error.failure.kind,
      sentence: isTooLarge ? tooLarge : refusal,
      ...(freeName === undefined || freeName === name ? {} : { freeName }),
    });
  }
}
