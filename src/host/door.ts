import { type Request, type Response, Router, urlencoded } from "express";
import { z } from "zod";
import { logFacts } from "../http/requestLog.ts";
import type { AttemptLimits } from "../model/attemptLimits.ts";
import type { EditLink, EditLinks } from "../model/editLinks.ts";
import { failureOf } from "../model/failure.ts";
import { isPassword } from "../model/linkPassword.ts";
import { editorLanguage } from "./language.ts";
import { type OpenDocumentParts, openDocument } from "./openDocument.ts";
import { requireOwnOrigin } from "./ownOrigin.ts";
import { languageOf, type PageParts, pageContext, sendPage } from "./pageAnswer.ts";
import { type DoorFacts, doorPage } from "./pages/doorPage.ts";
import { cleanName, hasPassed, rememberVisitor, visitorOf } from "./visitor.ts";
import { pageWords } from "./words/pageWords.ts";

export interface DoorParts extends PageParts, OpenDocumentParts {
  readonly links: EditLinks;
  readonly attempts: AttemptLimits;
}

const limits = {
  /** A secret of 192 bits is not guessed; whoever tries many is looking for something. */
  secret: { attempts: 30, withinMs: 10 * 60_000 },
  /** A class behind one address comes at the same moment. */
  passwordHere: { attempts: 20, withinMs: 10 * 60_000 },
  passwordAnywhere: { attempts: 50, withinMs: 10 * 60_000 },
};
const doorForm = z.object({ name: z.string().max(1024).optional(), password: z.string().max(1024).optional() });

/** `/l/SECRET`: a colleague comes in with a link, and needs nothing else. */
export function doorRouter(parts: DoorParts): Router {
  const router = Router();
  const form = [requireOwnOrigin(parts.bridgeUrl), urlencoded({ extended: false, limit: "16kb" })];

  router.get("/l/:secret", async (request, response) => {
    const link = await linkBehind(parts, request);
    const visitor = await visitorOf(parts.cookies, request);
    const isKnown = hasPassed(visitor, link) && (!link.asksName || visitor.name !== undefined);
    // Whoever was here before goes straight in, as after a reload. A preview of some chat never was.
    if (isKnown) await enter(parts, request, response, link, visitor);
    else await showDoor(parts, request, response, 200, link, visitor.name);
  });

  router.post("/l/:secret", ...form, async (request: Request<{ secret: string }>, response) => {
    const link = await linkBehind(parts, request);
    const before = await visitorOf(parts.cookies, request);
    const sent = doorForm.safeParse(request.body ?? {}).data ?? {};
    const name = link.asksName ? cleanName(sent.name) : before.name;
    if (link.asksName && name === undefined) {
      await showDoor(parts, request, response, 422, link, undefined, { error: "nameMissing" });
      return;
    }
    if (link.passwordHash !== undefined && !hasPassed(before, link)) {
      const refused = await refusedPassword(parts, request, link, link.passwordHash, sent.password ?? "");
      if (refused !== undefined) {
        if (refused.retryAfterSeconds !== undefined) response.set("Retry-After", String(refused.retryAfterSeconds));
        const status = refused.error === "tooMany" ? 429 : 403;
        await showDoor(parts, request, response, status, link, name, refused);
        return;
      }
    }
    const visitor = { id: before.id, doors: before.doors, ...(name === undefined ? {} : { name }) };
    await rememberVisitor(parts.cookies, response, visitor, link);
    await enter(parts, request, response, link, visitor);
  });
  return router;
}

/** @throws linkUnknown, linkEnded, tooManyAttempts */
async function linkBehind(parts: DoorParts, request: Request<{ secret: string }>): Promise<EditLink> {
  const from = request.ip ?? "";
  await parts.attempts.count("link from", from, limits.secret);
  try {
    const link = await parts.links.behindSecret(request.params.secret);
    await parts.attempts.forgive("link from", from);
    return link;
  } catch (error) {
    // An ended link was a right one once.
    if (failureOf(error, "linkEnded") !== undefined) await parts.attempts.forgive("link from", from);
    throw error;
  }
}

async function refusedPassword(
  parts: DoorParts,
  request: Request,
  link: EditLink,
  hash: string,
  password: string,
): Promise<Pick<DoorFacts, "error" | "retryAfterSeconds"> | undefined> {
  const here = `${link.id} ${request.ip ?? ""}`;
  try {
    await parts.attempts.count("password from", here, limits.passwordHere);
    await parts.attempts.count("password of", link.id, limits.passwordAnywhere);
  } catch (error) {
    const refused = failureOf(error, "tooManyAttempts");
    if (refused === undefined) throw error;
    return { error: "tooMany", retryAfterSeconds: refused.retryAfterSeconds };
  }
  if (password === "" || !(await isPassword(password, hash))) {
    logFacts({ link: link.id, failure: "passwordWrong" });
    return { error: "passwordWrong" };
  }
  await parts.attempts.forgive("password from", here);
  await parts.attempts.forgive("password of", link.id);
  return undefined;
}

async function enter(
  parts: DoorParts,
  request: Request<{ secret: string }>,
  response: Response,
  link: EditLink,
  visitor: { readonly id: string; readonly name?: string | undefined },
): Promise<void> {
  const language = await languageOf(parts.cookies, request);
  const person =
    visitor.name === undefined
      ? { id: visitor.id, name: pageWords[language].guest, isNameless: true as const }
      : { id: visitor.id, name: visitor.name };
  const { grant, hostPageUrl } = await openDocument(parts, {
    target: { fileId: link.fileId },
    action: link.permission,
    account: { named: link.account },
    user: person,
    link: { id: link.id, ...(link.expiresAtMs === undefined ? {} : { expiresAtMs: link.expiresAtMs }) },
    restrictions: {},
    saveAs: "new",
    mayRename: link.mayRename,
    language: editorLanguage[language],
    theme: undefined,
    issuedTo: `link:${link.id}`,
  });
  await parts.links.opened(link.id, person);
  parts.audit({ event: "linkUsed", link: link.id, file: link.fileId, person: { id: person.id, name: person.name } });
  logFacts({ link: link.id, grant: grant.id, file: link.fileId });
  // What follows the # stays in the browser: the page takes it for its address, so that a reload comes back here.
  response.redirect(303, `${hostPageUrl}#/l/${request.params.secret}`);
}

async function showDoor(
  parts: DoorParts,
  request: Request<{ secret: string }>,
  response: Response,
  status: number,
  link: EditLink,
  name: string | undefined,
  refused: Pick<DoorFacts, "error" | "retryAfterSeconds"> = {},
): Promise<void> {
  // The name of today; a file that is gone, or an owner who is signed out, is told before anybody types a name.
  const file = await parts.drive.find(link.account, { fileId: link.fileId });
  const visitor = await visitorOf(parts.cookies, request);
  const page = doorPage(await pageContext(parts, request, undefined), {
    fileName: file.name,
    ownerName: link.owner.name,
    permission: link.permission,
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

/** For the pages of failures: whoever comes with a link is a visitor. */
export function isVisitor(request: Request): boolean {
  return /^\/(l|edit)\//i.test(request.path);
}
