import type { Request, Response } from "express";
import { z } from "zod";
import type { DriveEntry } from "../model/drive.ts";
import { onFailure } from "../model/failure.ts";
import { fileType } from "../model/fileName.ts";
import type { Services } from "../services.ts";
import { type Caller, type PageNeeds, pageContext, sendPage } from "./pageAnswer.ts";
import { documentsPage, rootUri } from "./views/documentsPage.ts";
import { type NewDocumentFacts, newTypes } from "./views/newDocumentForm.ts";
import { savesOf } from "./waitingSaves.ts";

export type ListNeeds = PageNeeds & Pick<Services, "drive" | "spool" | "locks" | "limitBytes">;

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

export interface Listed {
  /** Left out = the root. */
  readonly folder?: string | undefined;
  readonly next?: string | undefined;
}

/** Sends the page with a person's folder. @param refused what the form “New” was refused */
export async function sendDocuments(
  services: ListNeeds,
  person: Caller,
  request: Request,
  response: Response,
  status: number,
  { folder, next }: Listed,
  refused?: NewDocumentFacts["refused"],
): Promise<void> {
  const { drive, spool, limitBytes } = services;
  const [{ entries, next: following }, openable, templates] = await Promise.all([
    drive.list(person.account, folder, next),
    drive.openable(person.account),
    templatesOf(services, person.account),
  ]);
  const opens = (name: string) => openable.has(fileType(name) ?? "");
  const page = documentsPage(await pageContext(services, request, person), {
    crumbs: crumbsOf(folder),
    entries,
    locked: await lockedOf(services, entries),
    waitingSaves: savesOf(spool, person).length,
    opens,
    adding: {
      types: newTypes.filter((type) => type === "folder" || openable.has(type)),
      templates: templates.filter(({ name }) => opens(name)),
      limitBytes,
      ...(refused === undefined ? {} : { refused }),
    },
    ...(folder === undefined ? {} : { folderUri: folder }),
    ...(following === undefined ? {} : { next: following }),
  });
  sendPage(response, status, page);
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

/** @returns ids of the files that somebody edits */
async function lockedOf(
  { locks }: Pick<Services, "locks">,
  entries: readonly DriveEntry[],
): Promise<ReadonlySet<string>> {
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
