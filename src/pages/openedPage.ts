import type { Request, Response } from "express";
import { isOwners } from "../documents/grants.ts";
import { accessTokenFor } from "../documents/openSession.ts";
import { addressForPage } from "../documents/reopenDocument.ts";
import { hostPage } from "../editorPage/page.ts";
import { suiteOf } from "../editors/suites.ts";
import { isFromPhone } from "../http/phone.ts";
import { logFacts } from "../http/requestLog.ts";
import type { DriveFile } from "../model/drive.ts";
import type { Services } from "../services.ts";
import { chooseLanguage } from "../words/language.ts";
import { brandOf, newNonce, sendPage } from "./pageAnswer.ts";

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
  const address = await addressForPage(services, before, file, isFromPhone(request));
  const grant = await services.grants.redeemTicket(ticket);
  logFacts({ grant: grant.id, file: grant.document.fileId });
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
    language: chooseLanguage([grant.language], request.get("Accept-Language")),
    takesFreshTokens: suiteOf(grant.actionUrl).takesFreshTokens,
    isConversion: address?.converts === true,
    mayShare: grant.person.id === grant.ownerId && grant.document.version === undefined,
    ownerName: grant.linkId === undefined ? undefined : (await services.links.find(grant.linkId))?.owner.name,
    maySeeVersions: isOwners(grant) && grant.document.version === undefined,
    isReopenable: known !== undefined,
  });
  sendPage(response, 200, page);
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
