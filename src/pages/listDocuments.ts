import type { Request, Response } from "express";
import { z } from "zod";
import type { DriveEntry, DriveFolderPage, DriveOrder } from "../model/drive.ts";
import { onFailure } from "../model/failure.ts";
import { fileType } from "../model/fileName.ts";
import type { Services } from "../services.ts";
import { filesIn, useOf, watchOf } from "./documentUse.ts";
import { type Caller, type PageNeeds, pageContext, sendPage } from "./pageAnswer.ts";
import { type DocumentsFacts, rootUri, usualOrder } from "./views/documentsFacts.ts";
import { documentsPage } from "./views/documentsPage.ts";
import { type NewDocumentFacts, newTypes } from "./views/newDocumentForm.ts";
import { savesOf } from "./waitingSaves.ts";

export type ListNeeds = PageNeeds &
  Pick<Services, "drive" | "spool" | "locks" | "activity" | "recent" | "ownersNews" | "limitBytes">;

/** Documents in this folder of a person's are offered as templates. */
const templatesUri = `${rootUri}/Templates`;
/** Their editors would save such a file as a template again. */
const templateTypes = new Set([
  "dotx",
  "dotm",
  "dot",
  "xltx",
  "xltm",
  "xlt",
  "potx",
  "potm",
  "pot",
  "ott",
  "ots",
  "otp",
]);

export const folderUriSchema = z
  .string()
  .max(4096)
  .regex(/^cloudreve:\/\/my(\/|$)/);

/** What the page shows: a folder, the documents opened lately, or what a search found. */
export interface Listed {
  /** Left out = the root. */
  readonly folder?: string | undefined;
  readonly next?: string | undefined;
  readonly order?: DriveOrder | undefined;
  readonly recent?: boolean;
  /** A part of names. */
  readonly search?: string | undefined;
  /** “New” is open, with the person's own templates. */
  readonly isOffering?: boolean;
}

/** Sends the page with a person's documents. @param told what just happened @param refused what “New” was refused */
export async function sendDocuments(
  services: ListNeeds,
  person: Caller,
  request: Request,
  response: Response,
  status: number,
  listed: Listed,
  { told, refused }: { readonly told?: DocumentsFacts["told"]; readonly refused?: NewDocumentFacts["refused"] } = {},
): Promise<void> {
  const { drive, spool, limitBytes } = services;
  const { folder, search } = listed;
  const isOffering = listed.isOffering === true || refused?.type.startsWith("template.") === true;
  const [{ entries, next: following }, openable, templates] = await Promise.all([
    pageOf(services, person, listed),
    drive.openable(person.account),
    isOffering ? ownTemplates(services, person.account) : undefined,
  ]);
  const files = filesIn(entries);
  const opens = (name: string) => openable.has(fileType(name) ?? "");
  const page = documentsPage(await pageContext(services, request, person), {
    crumbs: crumbsOf(folder),
    entries,
    ...(await useOf(services, files)),
    ...(files.length === 0 ? {} : { watch: await watchOf(services, person.id, files) }),
    waitingSaves: savesOf(spool, person).length,
    ...(folder === undefined && search === undefined ? { news: await services.ownersNews.of(person.id) } : {}),
    opens,
    order: listed.order ?? usualOrder,
    ...(listed.recent === true ? { isRecent: true } : {}),
    ...(search === undefined ? {} : { search }),
    ...(told === undefined ? {} : { told }),
    adding: {
      types: newTypes.filter((type) => type === "folder" || openable.has(type)),
      limitBytes,
      ...(templates === undefined ? {} : { templates }),
      ...(listed.isOffering === true ? { isOpen: true as const } : {}),
      ...(refused === undefined ? {} : { refused }),
    },
    ...(folder === undefined ? {} : { folderUri: folder }),
    ...(following === undefined ? {} : { next: following }),
  });
  sendPage(response, status, page);
}

async function pageOf(
  { drive, recent }: ListNeeds,
  { account, id }: Caller,
  { folder, next, order, recent: isRecent, search }: Listed,
): Promise<DriveFolderPage> {
  if (search !== undefined) return drive.search(account, search, next);
  if (isRecent !== true) return drive.list(account, folder, next, order);
  const found = await Promise.all(
    (await recent.of(id)).map((fileId) =>
      onFailure(
        "fileMissing",
        async () => [{ kind: "file" as const, ...(await drive.find(account, { fileId })) }],
        () => [],
      ),
    ),
  );
  return { entries: found.flat(), next: undefined };
}

/** A person's own templates that an editor opens. */
export async function ownTemplates(services: Pick<Services, "drive">, account: string): Promise<readonly DriveEntry[]> {
  const [templates, openable] = await Promise.all([templatesOf(services, account), services.drive.openable(account)]);
  return templates.filter(({ name }) => openable.has(fileType(name) ?? ""));
}

/** @returns none when there is no such folder */
async function templatesOf({ drive }: Pick<Services, "drive">, account: string): Promise<readonly DriveEntry[]> {
  const { entries } = await onFailure(
    "fileMissing",
    () => drive.list(account, templatesUri),
    () => ({ entries: [] }),
  );
  return entries.filter(({ kind, name }) => kind === "file" && !templateTypes.has(fileType(name) ?? ""));
}

/** The folders from the root to the current one, each with its address. */
function crumbsOf(folder: string | undefined): { name: string; uri?: string }[] {
  const steps = (folder ?? "")
    .replace(/^cloudreve:\/\/my\/?/, "")
    .split("/")
    .filter((step) => step !== "");
  return steps.map((step, index) => ({
    name: decoded(step),
    uri: `${rootUri}/${steps.slice(0, index + 1).join("/")}`,
  }));
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}
