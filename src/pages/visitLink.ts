import { type Request, type Response, Router, urlencoded } from "express";
import { z } from "zod";
import { openDocument } from "../documents/openSession.ts";
import { hungUp } from "../http/hungUp.ts";
import { logFacts } from "../http/requestLog.ts";
import { sourceOf } from "../http/requestSource.ts";
import { fileWithin, listWithin } from "../links/folderLink.ts";
import { optionsForGrant } from "../links/linkOptions.ts";
import { isPassword } from "../links/linkPassword.ts";
import type { EditLink } from "../links/links.ts";
import type { Allowance } from "../model/allowances.ts";
import { type DocumentRight, openedWith } from "../model/documentRight.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import { fileType } from "../model/fileName.ts";
import { cleanName } from "../model/personName.ts";
import type { Services } from "../services.ts";
import { wordsIn } from "../words/words.ts";
import { type OpenedPageNeeds, openPage } from "./openedPage.ts";
import { fileIdIn, requireOwnOrigin } from "./ownOrigin.ts";
import { editorLanguageOf, languageOf, type PageNeeds, pageContext, sendPage } from "./pageAnswer.ts";
import { folderPage } from "./views/folderPage.ts";
import { youMay } from "./views/visitorMay.ts";
import { type VisitFacts, visitPage } from "./views/visitPage.ts";
import { hasPassed, rememberVisitor, type Visitor, visitorOf } from "./visitorCookie.ts";

type Needs = PageNeeds &
  Parameters<typeof openDocument>[0] &
  OpenedPageNeeds &
  Pick<Services, "links" | "visitorRights" | "attempts" | "allowances">;

/**
 * For one link and one network, which may be a whole school's: every visit adds rows to the store and asks the drive.
 */
const visits: Allowance = { most: 300, withinMs: 10 * 60_000 };

/** Pages of a folder, which store nothing but ask the drive more often. */
const folderPages: Allowance = { most: 1000, withinMs: 10 * 60_000 };

const doorForm = z.object({ name: z.string().max(1024).optional(), password: z.string().max(1024).optional() });

/**
 * `/l/SECRET`, and `/l/SECRET/ID` for a document in a link's folder: visitors need nothing but the link. No one can guess a secret of 192 bits, so wrong ones are not
 * counted: requests that other sites cause leave no trace.
 */
export function visitLinkRouter(services: Needs): Router {
  const router = Router();
  const form = [requireOwnOrigin(services.bridgeUrl), urlencoded({ extended: false, limit: "16kb" })];

  router.get("/l/:secret", async (request, response) => {
    const link = await services.links.behindSecret(request.params.secret);
    const visitor = await visitorOf(services.cookies, request);
    const isKnown = hasEntered(visitor, link);
    // Visitors who were here before enter directly, also on reload. A chat's link preview never was.
    if (isKnown && link.folder === true) await showFolder(services, request, response, link, visitor);
    else if (isKnown) await enter(services, request, response, link, visitor);
    else await showVisitPage(services, request, response, 200, link, visitor.name);
  });

  router.post("/l/:secret", ...form, async (request: Request<{ secret: string }>, response) => {
    const link = await services.links.behindSecret(request.params.secret);
    const before = await visitorOf(services.cookies, request);
    const sent = doorForm.safeParse(request.body ?? {}).data ?? {};
    const name = link.asksName ? cleanName(sent.name) : before.name;
    if (link.asksName && name === undefined) {
      await showVisitPage(services, request, response, 422, link, undefined, { error: "nameMissing" });
      return;
    }
    if (link.passwordHash !== undefined && !hasPassed(before, link)) {
      const offered = { password: sent.password ?? "", hash: link.passwordHash };
      const refused = await refusedPassword(services, request, response, link, offered);
      if (refused !== undefined) {
        if (refused.retryAfterSeconds !== undefined) response.set("Retry-After", String(refused.retryAfterSeconds));
        const status = refused.error === "tooMany" ? 429 : 403;
        await showVisitPage(services, request, response, status, link, name, refused);
        return;
      }
    }
    const visitor = { id: before.id, doors: before.doors, ...(name === undefined ? {} : { name }) };
    await rememberVisitor(services.cookies, response, visitor, link);
    if (link.folder === true) response.redirect(303, `${services.bridgeUrl}/l/${request.params.secret}`);
    else await enter(services, request, response, link, visitor);
  });

  // A document in a link's folder.
  router.get("/l/:secret/:fileId", async (request, response) => {
    const { secret, fileId } = request.params;
    const link = await services.links.behindSecret(secret);
    if (link.folder !== true) throw new BridgeError({ kind: "linkUnknown" });
    const visitor = await visitorOf(services.cookies, request);
    if (hasEntered(visitor, link)) await enter(services, request, response, link, visitor, fileIdIn(fileId));
    else response.redirect(303, `${services.bridgeUrl}/l/${secret}`);
  });
  return router;
}

/** Whether this browser has been through the link's door. */
function hasEntered(visitor: Visitor, link: EditLink): boolean {
  return hasPassed(visitor, link) && (!link.asksName || visitor.name !== undefined);
}

/**
 * Checks a link's password, one attempt at a time per source; the right one works whatever others have tried.
 * @returns undefined when it is right
 */
async function refusedPassword(
  services: Needs,
  request: Request,
  response: Response,
  link: EditLink,
  offered: { readonly password: string; readonly hash: string },
): Promise<Pick<VisitFacts, "error" | "retryAfterSeconds"> | undefined> {
  // An empty field is not a guess.
  if (offered.password.trim() === "") return { error: "passwordWrong" };
  const source = sourceOf(request);
  try {
    const isRight = await services.attempts.tried(
      { what: "link password", target: link.id, source, signal: hungUp(response) },
      () => isPassword(offered.password, offered.hash),
      (right) => !right,
    );
    if (isRight) return undefined;
  } catch (error) {
    const refused = failureOf(error, "tooManyAttempts");
    if (refused === undefined) throw error;
    logFacts({ link: link.id, failure: "tooManyAttempts" });
    return { error: "tooMany", retryAfterSeconds: refused.retryAfterSeconds };
  }
  await services.links.guessed(link.id);
  services.audit({ event: "linkPasswordWrong", link: link.id, file: link.fileId, from: source });
  logFacts({ link: link.id, failure: "passwordWrong" });
  return { error: "passwordWrong" };
}

/** @param inFolder of a folder's link, the document to open: only if it lies in the folder now */
async function enter(
  services: Needs,
  request: Request<{ secret: string }>,
  response: Response,
  link: EditLink,
  visitor: Pick<Visitor, "id" | "name">,
  inFolder?: string,
): Promise<void> {
  await services.allowances.take("visits", `${link.id} ${sourceOf(request)}`, visits);
  const fileId = inFolder === undefined ? link.fileId : (await fileWithin(services, link, inFolder)).id;
  const language = await languageOf(services.cookies, request);
  const { right, name } = await rightFor(services, link, visitor);
  const person =
    name === undefined
      ? { id: visitor.id, name: wordsIn[language].pages.guest, isNameless: true as const }
      : { id: visitor.id, name };
  const opened = await openDocument(services, {
    target: { fileId },
    ...openedWith(right),
    account: { named: link.account },
    user: person,
    link: { id: link.id, ...(link.expiresAtMs === undefined ? {} : { expiresAtMs: link.expiresAtMs }) },
    // A single file's editor was asked about its restrictions when the link was made.
    restrictions: inFolder === undefined ? {} : optionsForGrant(link, person.name).restrictions,
    saveAs: "new",
    mayRename: link.mayRename,
    language: await editorLanguageOf(services.cookies, request),
    theme: undefined,
    issuedTo: `link:${link.id}`,
  });
  await services.links.opened(link.id, person);
  if (inFolder === undefined) await services.links.renamed(link.id, opened.file.name);
  services.audit({ event: "linkUsed", link: link.id, file: fileId, person: { id: person.id, name: person.name } });
  logFacts({ link: link.id, grant: opened.grant.id, file: fileId });
  const below = inFolder === undefined ? "" : `/${fileId}`;
  await openPage(services, request, response, opened, `/l/${request.params.secret}${below}`);
}

/** What a visitor may do, and the name they gave: here, or when they asked to edit. */
async function rightFor(
  { visitorRights }: Pick<Services, "visitorRights">,
  link: EditLink,
  visitor: Pick<Visitor, "id" | "name">,
): Promise<{ readonly right: DocumentRight; readonly name: string | undefined }> {
  const { entry, mayEdit } = await visitorRights.forVisitor(link, visitor.id);
  return { right: mayEdit ? "edit" : link.permission, name: visitor.name ?? entry?.person.name };
}

/** A page of a link's folder: what its visitors can open. */
async function showFolder(
  services: Needs,
  request: Request<{ secret: string }>,
  response: Response,
  link: EditLink,
  visitor: Pick<Visitor, "id" | "name">,
): Promise<void> {
  await services.allowances.take("folder pages", `${link.id} ${sourceOf(request)}`, folderPages);
  const { folder, next } = request.query;
  const folderId = folder === undefined ? undefined : fileIdIn(folder);
  const cursor = z.string().max(1024).safeParse(next).data;
  const openable = await services.drive.openable(link.account);
  const needsWatermark = link.restrictions.watermark === true;
  const isShown = (name: string) =>
    openable.has(fileType(name) ?? "") && !(needsWatermark && services.editors.whyNoWatermark(name) !== undefined);
  const listing = await listWithin(services, link, { folderId, next: cursor }, isShown);
  const linkPath = `/l/${request.params.secret}`;
  const context = await pageContext(services, request, undefined);
  const { right } = await rightFor(services, link, visitor);
  const page = folderPage(
    { ...context, path: folderId === undefined ? linkPath : `${linkPath}?folder=${folderId}` },
    {
      linkPath,
      ownerName: link.owner.name,
      permission: right,
      youMay: youMay(link, right, context.language),
      path: listing.path,
      entries: listing.entries,
      ...(link.note === undefined ? {} : { note: link.note }),
      ...(listing.next === undefined ? {} : { next: listing.next }),
    },
  );
  sendPage(response, 200, page);
}

async function showVisitPage(
  services: Needs,
  request: Request<{ secret: string }>,
  response: Response,
  status: number,
  link: EditLink,
  name: string | undefined,
  refused: Pick<VisitFacts, "error" | "retryAfterSeconds"> = {},
): Promise<void> {
  // Asks for the current name. If the file is gone or the owner signed out, the visitor learns it before typing a name.
  const file =
    link.folder === true
      ? await services.drive.folder(link.account, { folderId: link.fileId })
      : await services.drive.find(link.account, { fileId: link.fileId });
  const visitor = await visitorOf(services.cookies, request);
  const context = await pageContext(services, request, undefined);
  const { right } = await rightFor(services, link, visitor);
  const page = visitPage(context, {
    fileName: file.name,
    isFolder: link.folder === true,
    ownerName: link.owner.name,
    permission: right,
    youMay: youMay(link, right, context.language),
    asksName: link.asksName,
    needsPassword: link.passwordHash !== undefined && !hasPassed(visitor, link),
    action: `/l/${request.params.secret}`,
    ...(link.note === undefined ? {} : { note: link.note }),
    ...(name === undefined ? {} : { name }),
    ...(link.expiresAtMs === undefined ? {} : { expiresAtMs: link.expiresAtMs }),
    ...refused,
  });
  sendPage(response, status, page);
}

/** For failure pages: callers with a link are visitors. */
export function isVisitor(request: Request): boolean {
  return /^\/(l|edit)\//i.test(request.path);
}
