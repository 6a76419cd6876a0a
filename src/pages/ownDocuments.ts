import { type Request, type Response, Router, urlencoded } from "express";
import { z } from "zod";
import { deleteDocument } from "../documents/deleteDocument.ts";
import { contentsOf, deleteFolder } from "../documents/deleteFolder.ts";
import type { Acting } from "../documents/grants.ts";
import { renameDocument } from "../documents/renameDocument.ts";
import { hungUp } from "../http/hungUp.ts";
import { logFacts, logFailure } from "../http/requestLog.ts";
import type { DriveEntry } from "../model/drive.ts";
import { BridgeError, onFailure } from "../model/failure.ts";
import { checkName } from "../model/fileName.ts";
import type { Services } from "../services.ts";
import { wordsIn } from "../words/words.ts";
import { type DownloadNeeds, sendFile } from "./download.ts";
import { nameRefusal } from "./nameRefusal.ts";
import { fileIdIn, requireOwnOrigin } from "./ownOrigin.ts";
import { type Caller, forPerson, languageOf, type PageNeeds, pageContext, sendPage } from "./pageAnswer.ts";
import { deleteFolderPage } from "./views/deleteFolderPage.ts";
import type { DocumentsFacts, Told } from "./views/documentsFacts.ts";
import { renamePage } from "./views/renamePage.ts";

type Needs = PageNeeds &
  DownloadNeeds &
  Parameters<typeof renameDocument>[0] &
  Parameters<typeof deleteDocument>[0] &
  Pick<Services, "drive" | "audit">;

/** `/documents/ID`: an owner renames, deletes, restores and downloads. */
export function ownDocumentsRouter(services: Needs): Router {
  const router = Router();
  const { audit, bridgeUrl, drive } = services;
  const ownOrigin = requireOwnOrigin(bridgeUrl);

  /** Back to the folder, with a line about what happened. */
  const tell = (response: Response, told: Told, { id, uri }: Pick<DriveEntry, "id" | "uri">) => {
    const folder = uri.slice(0, uri.lastIndexOf("/"));
    const place = /^cloudreve:\/\/my\/?$/.test(folder) || !/^cloudreve:\/\/my\//.test(folder) ? {} : { folder };
    response.redirect(303, `${bridgeUrl}/?${new URLSearchParams({ ...place, told, id }).toString()}`);
  };

  router.get(
    "/documents/:id/download",
    forPerson(services, async (person, request, response) => {
      const file = await drive.find(person.account, { fileId: fileIdIn(request.params["id"]) });
      logFacts({ file: file.id, person: person.id });
      await sendFile(services, { account: person.account, fileId: file.id }, request, response);
    }),
  );

  router.get(
    "/documents/:id/rename",
    forPerson(services, async (person, request, response) => {
      const entry = await entryOf(services, person, request);
      sendPage(response, 200, renamePage(await pageContext(services, request, person), entry));
    }),
  );

  router.post(
    "/documents/:id/rename",
    ownOrigin,
    urlencoded({ extended: false, limit: "16kb" }),
    forPerson(services, async (person, request, response) => {
      const entry = await entryOf(services, person, request);
      const name = z.string().trim().max(1000).catch("").parse(request.body?.name);
      const verdict = checkName(name);
      try {
        if (!verdict.ok) throw new BridgeError({ kind: "nameIllegal", reason: verdict.reason });
        if (entry.kind === "folder") await drive.renameFolder(person.account, entry, name);
        else {
          const asked = { name: () => name, lockId: () => undefined };
          await renameDocument(services, acting(person, entry.id), asked, hungUp(response));
        }
        tell(response, "renamed", entry);
      } catch (error) {
        if (!(error instanceof BridgeError)) throw error;
        const language = await languageOf(services.cookies, request);
        const isLocked = error.failure.kind === "lockedElsewhere";
        const sentence = isLocked ? wordsIn[language].pages.renameLocked : nameRefusal(language, error.failure, name);
        if (sentence === undefined) throw error;
        logFailure(error);
        const context = { ...(await pageContext(services, request, person)), path: `/documents/${entry.id}/rename` };
        sendPage(response, 422, renamePage(context, entry, { name, sentence }));
      }
    }),
  );

  router.post(
    "/documents/:id/delete",
    ownOrigin,
    urlencoded({ extended: false, limit: "16kb" }),
    forPerson(services, async (person, request, response) => {
      const entry = await entryOf(services, person, request);
      // The page that asks has told how much is in the folder.
      const evenFull = request.body?.with === "contents";
      const told = await toldBy<Told | "notEmpty">(
        {
          lockMismatch: entry.kind === "folder" ? "inUseBelow" : "inUse",
          lockedElsewhere: entry.kind === "folder" ? "inUseBelow" : "inUse",
          folderNotEmpty: "notEmpty",
        },
        async () => {
          if (entry.kind === "folder") await deleteFolder(services, person, entry, { evenFull });
          else await deleteDocument(services, acting(person, entry.id), hungUp(response));
          return "deleted";
        },
      );
      logFacts({ file: entry.id, person: person.id });
      if (told !== "notEmpty") tell(response, told, entry);
      else {
        const contents = await contentsOf(services, person.account, entry);
        const context = { ...(await pageContext(services, request, person)), path: "/" };
        sendPage(response, 409, deleteFolderPage(context, entry, contents));
      }
    }),
  );

  router.post(
    "/documents/:id/restore",
    ownOrigin,
    forPerson(services, async (person, request, response) => {
      const id = fileIdIn(request.params["id"]);
      let back: Pick<DriveEntry, "id" | "uri"> = { id, uri: "" };
      const told = await toldBy<Told>({ nameTaken: "restoreTaken", fileMissing: "restoreGone" }, async () => {
        const entry = await drive.restore(person.account, id);
        const through = `person:${person.id}`;
        audit({
          event: "undeleted",
          file: id,
          person: { id: person.id, name: person.name },
          name: entry.name,
          through,
        });
        back = entry;
        return "restored";
      });
      logFacts({ file: id, person: person.id });
      tell(response, told, back);
    }),
  );
  return router;
}

/** @returns what to tell of a failure that is a matter for the person */
async function toldBy<Words extends string>(
  failures: Readonly<Partial<Record<BridgeError["failure"]["kind"], Words>>>,
  work: () => Promise<Words>,
): Promise<Words> {
  try {
    return await work();
  } catch (error) {
    const told = error instanceof BridgeError ? failures[error.failure.kind] : undefined;
    if (told === undefined) throw error;
    logFailure(error);
    return told;
  }
}

const acting = ({ account, id, name }: Caller, fileId: string): Acting => ({
  document: { account, fileId },
  issuedTo: `person:${id}`,
  ownerId: id,
  person: { id, name },
});

/** A file or folder of the person's own. @throws fileMissing */
async function entryOf({ drive }: Pick<Services, "drive">, person: Caller, request: Request): Promise<DriveEntry> {
  const id = fileIdIn(request.params["id"]);
  return onFailure(
    "fileMissing",
    async () => ({ kind: "file" as const, ...(await drive.find(person.account, { fileId: id })) }),
    async () => ({
      kind: "folder" as const,
      ...(await drive.folder(person.account, { folderId: id })),
      sizeBytes: 0,
      modifiedAt: "",
      version: "",
    }),
  );
}

/** What the line above the list says; only of what this person has. */
export async function toldOf(
  { drive }: Pick<Services, "drive">,
  { account }: Caller,
  kind: Told,
  id: string,
): Promise<DocumentsFacts["told"]> {
  if (kind === "restoreGone") return { kind, id, name: "" };
  return onFailure(
    "fileMissing",
    async () => {
      const fileId = fileIdIn(id);
      const isInTrash = kind === "deleted" || kind === "restoreTaken";
      const find = () => (isInTrash ? drive.findInTrash(account, fileId) : drive.find(account, { fileId }));
      const { name } = await onFailure("fileMissing", find, () => drive.folder(account, { folderId: fileId }));
      return { kind, id: fileId, name };
    },
    () => undefined,
  );
}
