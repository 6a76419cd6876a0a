import type { Request } from "express";
import { z } from "zod";
import { linkTarget } from "../links/folderLink.ts";
import { type EditLink, type LinkGuesses, type LinkVisit, linkEnd } from "../links/links.ts";
import { addressOf } from "../links/manageLinks.ts";
import { type LinkFilter, linkState, linkStates, type SharedDocument, sharedDocuments } from "../links/ownedLinks.ts";
import { Breath } from "../model/breath.ts";
import { failureOf } from "../model/failure.ts";
import { inTime } from "../model/inTime.ts";
import type { Services } from "../services.ts";
import type { LinksFacts, ListedDocument, ListedLink } from "./views/linksPage.ts";

type Needs = Parameters<typeof addressOf>[0] & Pick<Services, "links" | "visitorRights" | "drive" | "now" | "note">;

const documentsPerPage = 25;
/** The drive is asked for current names; a slow one must not hold up the page. */
const namesWithinMs = 2_000;
const namesAtOnce = 5;

const askedSchema = z.object({
  q: z.string().max(200).catch(""),
  state: z.enum(["all", ...linkStates]).catch("all"),
  page: z.coerce.number().int().min(1).max(10_000).catch(1),
});

/** The part of the list that a person looks at. */
export interface ListAsked extends LinkFilter {
  /** From 1. */
  readonly page: number;
}

export function listAsked(query: Request["query"] | Readonly<Record<string, unknown>>): ListAsked {
  const { q, state, page } = askedSchema.parse({ ...query });
  return { text: q.trim(), state, page };
}

/** @returns the query of the list's address, with its question mark; empty for all links */
export function listQuery({ text, state, page }: ListAsked): string {
  const query = new URLSearchParams({
    ...(text === "" ? {} : { q: text }),
    ...(state === "all" ? {} : { state }),
    ...(page === 1 ? {} : { page: String(page) }),
  });
  return query.size === 0 ? "" : `?${query.toString()}`;
}

/** One page of a person's links, with what the drive knows of their documents now. */
export async function listOf(
  services: Needs,
  personId: string,
  asked: ListAsked,
): Promise<Omit<LinksFacts, "changed">> {
  const links = await services.links.ownedBy(personId);
  const signedOut = await signedOutAccounts(services, links);
  const stateOf = (link: EditLink) => linkState(link, services.now(), signedOut);
  const found = sharedDocuments(links, asked, stateOf);
  const pages = Math.max(1, Math.ceil(found.length / documentsPerPage));
  const page = Math.min(asked.page, pages);
  const shown = found.slice((page - 1) * documentsPerPage, page * documentsPerPage);
  const names = await currentNames(services, shown, (link) => stateOf(link) === "active");
  const documents: ListedDocument[] = [];
  const breath = new Breath();
  for (const { fileId, links: of } of shown) {
    const rows: ListedLink[] = [];
    for (const link of of) {
      await breath.draw();
      const state = stateOf(link);
      const url = state === "revoked" ? undefined : await addressOf(services, link);
      const isWorking = state === "active" || state === "signInNeeded";
      const rights = isWorking ? await services.visitorRights.of(link) : [];
      const asked = rights.filter((right) => right.state === "asked");
      rows.push({ link, state, asked, ...(await cameTo(services, link)), ...(url === undefined ? {} : { url }) });
    }
    const name = names.get(fileId);
    documents.push({
      name: name ?? of[0]?.fileName ?? "",
      isFolder: of[0]?.folder === true,
      isGone: names.has(fileId) && name === undefined,
      links: rows,
    });
  }
  return { documents, asked: { ...asked, page }, pages, hasLinks: links.length > 0 };
}

/** Who used a link, and wrong passwords. */
export async function cameTo(
  { links }: Pick<Services, "links">,
  { id }: EditLink,
): Promise<{ readonly visits: readonly LinkVisit[]; readonly guesses?: LinkGuesses }> {
  const guesses = await links.guesses(id);
  return { visits: await links.visits(id), ...(guesses === undefined ? {} : { guesses }) };
}

/**
 * What the drive calls a link's document now, also remembered in the link.
 * @returns undefined when there is no such document any more; the last known name when the drive can't tell in time
 */
export async function currentName(
  services: Pick<Services, "links" | "drive" | "note">,
  link: EditLink,
): Promise<string | undefined> {
  try {
    const found = linkTarget(services, link.account, { fileId: link.fileId });
    const { file } = await inTime(found, namesWithinMs, () => ({ file: { name: link.fileName } }));
    if (file.name !== link.fileName) await services.links.renamed(link.id, file.name);
    return file.name;
  } catch (error) {
    if (failureOf(error, "fileMissing") !== undefined) return undefined;
    services.note(error);
    return link.fileName;
  }
}

/** @returns by file id; undefined for what is gone. What could not be asked about in time is missing. */
async function currentNames(
  services: Needs,
  documents: readonly SharedDocument[],
  isActive: (link: EditLink) => boolean,
): Promise<ReadonlyMap<string, string | undefined>> {
  const names = new Map<string, string | undefined>();
  const waiting = [...documents];
  const work = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { fileId, links } = next;
      const [first, ...others] = links.filter(isActive);
      if (first === undefined) continue;
      const name = await currentName(services, first);
      for (const link of others) {
        if (name !== undefined && link.fileName !== name) await services.links.renamed(link.id, name);
      }
      names.set(fileId, name);
    }
  };
  const all = Promise.all(Array.from({ length: namesAtOnce }, work)).catch(services.note);
  await inTime(all, namesWithinMs, () => {
    waiting.length = 0;
  });
  return new Map(names);
}

/** @returns the accounts behind working links that the drive accepts no more */
async function signedOutAccounts(services: Needs, links: readonly EditLink[]): Promise<ReadonlySet<string>> {
  const working = links.filter((link) => linkEnd(link, services.now()) === undefined);
  const accounts = [...new Set(working.map(({ account }) => account))];
  const ended = await Promise.all(
    accounts.map(async (account) => ((await hasSignInEnded(services, account)) ? [account] : [])),
  );
  return new Set(ended.flat());
}

/** Whether the owner must sign in again before links of this account work. */
export async function hasSignInEnded({ drive }: Pick<Services, "drive">, account: string): Promise<boolean> {
  try {
    await drive.accountNamed(account);
    return false;
  } catch (error) {
    if (failureOf(error, "signInNeeded") !== undefined) return true;
    // When the drive is down, the sign-in may still be valid.
    if (failureOf(error, "driveUnreachable") !== undefined) return false;
    throw error;
  }
}
