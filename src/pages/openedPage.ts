import type { Request, Response } from "express";
import { isOwners, rightOf } from "../documents/grants.ts";
import { accessTokenFor } from "../documents/openSession.ts";
import { addressForPage, canBeEdited } from "../documents/reopenDocument.ts";
import { hostPage } from "../editorPage/page.ts";
import { readerOf } from "../editorPage/reader.ts";
import { suiteOf } from "../editors/suites.ts";
import { logFacts } from "../http/requestLog.ts";
import type { EditLink } from "../links/links.ts";
import type { DocumentRight } from "../model/documentRight.ts";
import type { DriveFile } from "../model/drive.ts";
import type { Services } from "../services.ts";
import { chooseLanguage, type Language } from "../words/language.ts";
import { brandOf, newNonce, sendPage } from "./pageAnswer.ts";
import { visitorMay, youMay } from "./views/visitorMay.ts";

export type OpenedPageNeeds = Parameters<typeof addressForPage>[0] &
  Pick<Services, "drive" | "tokens" | "editorIds" | "bridgeUrl" | "config" | "links">;

/**
 * Sends the editor's page for a ticket, which is used up.
 * @param known the file, when it was looked at in this very request: then the page stands at an address that opens it again
 * @throws ticketInvalid
 */
export async function sendOpenedPage(
  services: OpenedPageNeeds,
  request: Request,
  response: Response,
  ticket: string,
  known?: DriveFile,
): Promise<void> {
  // Before the ticket is used: a short outage of the drive must not cost visitors their only ticket.
  const before = await services.grants.behindTicket(ticket);
  const file = known ?? (await services.drive.stat(before.document));
  const address = await addressForPage(services, before, file, readerOf(request));
  const grant = await services.grants.redeemTicket(ticket);
  logFacts({ grant: grant.id, file: grant.document.fileId });
  const link = grant.linkId === undefined ? undefined : await services.links.find(grant.linkId);
  // A portal may be silent; grants from older versions don't tell.
  const asked = grant.opening === undefined ? grant.language : grant.opening.language;
  const language = chooseLanguage([asked], request.get("Accept-Language"));
  const right = rightOf(grant);
  const isLess = link !== undefined && right !== "edit" && grant.document.version === undefined;
  const page = hostPage({
    grant,
    editorIds: services.editorIds(grant),
    accessToken: await accessTokenFor(services.tokens, grant),
    pageKey: await services.grants.issuePageKey(grant),
    fileName: file.name,
    nonce: newNonce(),
    bridgeUrl: services.bridgeUrl,
    brand: brandOf(services.config),
    embedOrigins: services.config.EMBED_ORIGINS,
    language,
    takesFreshTokens: suiteOf(grant.actionUrl).takesFreshTokens,
    isConversion: address?.converts === true,
    mayShare: grant.person.id === grant.ownerId && grant.document.version === undefined,
    mayAskToEdit: isLess && (await canBeEdited(services, grant, file)),
    youMay: link === undefined ? undefined : rightsInWords(link, right, language),
    ownerName: link?.owner.name,
    maySeeVersions: isOwners(grant) && grant.document.version === undefined,
    homeUrl: isOwners(grant) ? folderUrl(services.bridgeUrl, file.uri) : undefined,
    isReopenable: known !== undefined,
  });
  sendPage(response, 200, page);
}

/** For a link's visitor whom it does not let do everything; the line above the editor says "View only" by itself. */
function rightsInWords(link: EditLink, right: DocumentRight, language: Language): string | undefined {
  const isPlain = right === "edit" || right === "view";
  return isPlain && visitorMay(link, right, language).mayNot === undefined ? undefined : youMay(link, right, language);
}

/** Where the person's documents lie beside this one; the list of all for what is not among the person's own files. */
function folderUrl(bridgeUrl: string, fileUri: string): string {
  const folder = fileUri.slice(0, fileUri.lastIndexOf("/"));
  const isBelowRoot = /^cloudreve:\/\/my\/./.test(folder);
  return isBelowRoot ? `${bridgeUrl}/?${new URLSearchParams({ folder }).toString()}` : `${bridgeUrl}/`;
}

/**
 * Opens the editor's page after a click: at once where a reload repeats the click, which spares the browser a round trip;
 * otherwise by a redirect. What follows # there is for the page, which takes it as its address.
 * @param path on the bridge that opens the document again
 */
export async function openPage(
  services: OpenedPageNeeds,
  request: Request,
  response: Response,
  { hostPageUrl, file }: { readonly hostPageUrl: string; readonly file: DriveFile },
  path: string,
): Promise<void> {
  // The page calls the bridge at its own origin, and a browser may have come by another name.
  const isAtHome = `${request.protocol}://${request.get("Host")}` === new URL(services.bridgeUrl).origin;
  if (request.method !== "GET" || !isAtHome) response.redirect(303, `${hostPageUrl}#${path}`);
  else await sendOpenedPage(services, request, response, hostPageUrl.slice(hostPageUrl.lastIndexOf("/") + 1), file);
}
