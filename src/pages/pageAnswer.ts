import { randomBytes } from "node:crypto";
import type { NextFunction, Request, RequestHandler, Response } from "express";
import { z } from "zod";
import { webStatus } from "../http/failureResponse.ts";
import { logFailure } from "../http/requestLog.ts";
import type { SignedCookies } from "../http/signedCookies.ts";
import { plainEmail } from "../model/emailAddress.ts";
import { BridgeError, type Failure } from "../model/failure.ts";
import { type SignedInPerson, sessionLifetimeMs } from "../model/personSessions.ts";
import type { Services } from "../services.ts";
import { chooseLanguage, editorLanguage, type Language, languages } from "../words/language.ts";
import { wordsIn } from "../words/words.ts";
import { type MessageKind, messagePage } from "./views/messagePage.ts";
import type { Brand, Page, PageContext } from "./views/page.ts";

export const languageCookie = "lang";
const languageForMs = 365 * 24 * 3_600_000;
const nonceBytes = 18;
const personCookie = "person";
const personSchema = z.object({ session: z.string(), secret: z.string() });

export type PageNeeds = Pick<Services, "cookies" | "sessions" | "visitorRights" | "bridgeUrl" | "config">;

/** What all pages need to know of a request. */
export async function pageContext(
  services: Pick<Services, "cookies" | "visitorRights" | "bridgeUrl" | "config">,
  request: Request,
  person: Pick<SignedInPerson, "id" | "name" | "email"> | undefined,
): Promise<PageContext> {
  const rank =
    person !== undefined && isAdministrator(services.config, person) ? { isAdministrator: true as const } : {};
  return {
    language: await languageOf(services.cookies, request),
    nonce: newNonce(),
    bridgeUrl: services.bridgeUrl,
    path: request.originalUrl,
    person:
      person === undefined
        ? undefined
        : // No page fails because of the small number in its header.
          { name: person.name, ...rank, requests: await services.visitorRights.waitingFor(person.id).catch(() => 0) },
    brand: brandOf(services.config),
  };
}

/** What the operator calls the bridge, and its logo. */
export function brandOf({
  PRODUCT_NAME: name,
  LOGO_URL: logoUrl,
}: Pick<Services["config"], "PRODUCT_NAME" | "LOGO_URL">): Brand {
  return { ...(name === undefined ? {} : { name }), ...(logoUrl === undefined ? {} : { logoUrl }) };
}

/** Named in ADMIN_EMAILS, by the email that the drive told at the sign-in. One from an older version has none. */
export function isAdministrator(
  { ADMIN_EMAILS }: Pick<Services["config"], "ADMIN_EMAILS">,
  { email }: Pick<SignedInPerson, "email">,
): boolean {
  return email !== undefined && ADMIN_EMAILS.includes(plainEmail(email));
}

export function newNonce(): string {
  return randomBytes(nonceBytes).toString("base64");
}

/** `lang` in the address, then the language switch, then the browser's languages. */
export async function languageOf(cookies: SignedCookies, request: Request): Promise<Language> {
  const asked = request.query["lang"];
  const kept = await cookies.read(request, languageCookie, z.enum(languages));
  return chooseLanguage([typeof asked === "string" ? asked : undefined, kept], request.get("Accept-Language"));
}

/** What an editor that the person opens is told. */
export async function editorLanguageOf(cookies: SignedCookies, request: Request): Promise<string> {
  const asked = request.query["lang"];
  const kept = await cookies.read(request, languageCookie, z.enum(languages));
  return editorLanguage(typeof asked === "string" ? asked : undefined, kept, request.get("Accept-Language"));
}

export async function keepLanguage(cookies: SignedCookies, response: Response, language: Language): Promise<void> {
  await cookies.write(response, languageCookie, language, languageForMs);
}

export function sendPage(response: Response, status: number, page: Page): void {
  response.status(status).set(page.headers).type("html").send(page.body.text);
}

/** The person behind a request, and the sign-in it rests on. */
export type Caller = SignedInPerson & {
  readonly sessionId: string;
  /** As `AccessGrant.generation`. */
  readonly generation: string | undefined;
};

/** Who has signed in on this browser; gives the browser a new secret when it is time for one. */
export async function signedInPerson(
  { cookies, sessions }: Pick<Services, "cookies" | "sessions">,
  request: Request,
  response: Response,
): Promise<Caller | undefined> {
  const cookie = await cookies.read(request, personCookie, personSchema);
  const found = cookie === undefined ? undefined : await sessions.find(cookie.session, cookie.secret);
  if (found === undefined) return undefined;
  const { person, sessionId, generation, freshSecret } = found;
  if (freshSecret !== undefined) {
    await cookies.write(response, personCookie, { session: sessionId, secret: freshSecret }, sessionLifetimeMs);
  }
  return { ...person, sessionId, generation };
}

export async function startSession(
  { cookies, sessions }: Pick<Services, "cookies" | "sessions">,
  response: Response,
  person: SignedInPerson,
): Promise<void> {
  const { sessionId, secret } = await sessions.start(person);
  await cookies.write(response, personCookie, { session: sessionId, secret }, sessionLifetimeMs);
}

/**
 * Signs out this browser alone: documents that are open stay open, since they may hold unsaved work. `everywhere` ends
 * those too, on every machine. Links live on either way: they are invitations to others, not sessions.
 * @returns whose it was
 */
export async function endSession(
  { cookies, sessions }: Pick<Services, "cookies" | "sessions">,
  request: Request,
  response: Response,
  everywhere: boolean,
): Promise<SignedInPerson | undefined> {
  const person = await signedInPerson({ cookies, sessions }, request, response);
  if (person !== undefined) await (everywhere ? sessions.endAll(person.id) : sessions.end(person.sessionId));
  cookies.clear(response, personCookie);
  return person;
}

/** Serves a signed-in person; others are sent to sign in and then come back. */
export function forPerson(
  services: PageNeeds,
  serve: (person: Caller, request: Request, response: Response) => Promise<void>,
): RequestHandler {
  return async (request, response) => {
    const person = await signedInPerson(services, request, response);
    if (person === undefined) {
      const back = request.method === "GET" ? request.originalUrl : "/";
      response.redirect(303, `${services.bridgeUrl}/signin?return_to=${encodeURIComponent(back)}`);
      return;
    }
    await serve(person, request, response);
  };
}

/** Serves a request of a page's own script for a signed-in person; others are told so. @see answerScriptFailures */
export function forScript(
  services: PageNeeds,
  serve: (person: Caller, request: Request, response: Response) => Promise<void>,
): RequestHandler {
  return async (request, response) => {
    const person = await signedInPerson(services, request, response);
    if (person === undefined) throw new BridgeError({ kind: "signInNeeded" });
    response.set("Cache-Control", "no-store");
    await serve(person, request, response);
  };
}

/**
 * Behind `forScript`: a script can't read a page, so what fails is answered as JSON, with a sentence for the person.
 * @param sentenceOf undefined: nothing better is known than that it failed
 */
export function answerScriptFailures(
  services: PageNeeds,
  sentenceOf: (language: Language, failure: Failure | undefined, request: Request) => string | undefined = () =>
    undefined,
) {
  return async (error: unknown, request: Request, response: Response, _next: NextFunction): Promise<void> => {
    const failure = logFailure(error);
    const language = await languageOf(services.cookies, request);
    const words = wordsIn[language].pages;
    const isSignedOut = failure?.kind === "signInNeeded";
    const sentence = isSignedOut
      ? words.uploadSignedOut
      : (sentenceOf(language, failure, request) ?? words.unexpectedText);
    const status = failure === undefined ? statusOf(error) : webStatus(failure.kind);
    response.status(status).json({ code: failure?.kind ?? "unexpected", sentence });
  };
}

const messages: Partial<Readonly<Record<Failure["kind"], MessageKind>>> = {
  ticketInvalid: "ticketUsed",
  linkUnknown: "linkUnknown",
  fileMissing: "fileGone",
  signInNeeded: "signInEnded",
  tooManyAttempts: "tooManyAttempts",
  originForeign: "originForeign",
  noEditor: "noEditor",
  driveUnreachable: "driveAway",
  driveBusy: "driveAway",
  driveFailed: "driveAway",
  fileUnproven: "driveAway",
  editorUnreachable: "driveAway",
  storeUnreachable: "driveAway",
};

/** The message page for a failure. @param isVisitor a visitor of a link, who can't fix the owner's sign-in */
function messageOf(failure: Failure | undefined, isVisitor: boolean): MessageKind {
  if (failure === undefined) return "unexpected";
  if (failure.kind === "linkEnded") return failure.because === "expired" ? "linkExpired" : "linkRevoked";
  if (failure.kind === "signInNeeded" && isVisitor) return "ownerSignInEnded";
  return messages[failure.kind] ?? "unexpected";
}

/** Errors from Express's body parser have their own status. */
function statusOf(error: unknown): number {
  const status = z.object({ status: z.int().min(400).max(499) }).safeParse(error);
  return status.success ? status.data.status : 500;
}

/**
 * The last handler of a router of pages.
 * @param embedOrigins pages that may frame the message; none when left out
 */
export function answerFailures(
  services: PageNeeds,
  isVisitor: (request: Request) => boolean,
  embedOrigins?: readonly string[],
) {
  return async (error: unknown, request: Request, response: Response, _next: NextFunction): Promise<void> => {
    const failure = logFailure(error);
    const person = isVisitor(request)
      ? undefined
      : await signedInPerson(services, request, response).catch(() => undefined);
    const context = await pageContext(services, request, person);
    if (failure?.kind === "tooManyAttempts") response.set("Retry-After", String(failure.retryAfterSeconds));
    const kind = messageOf(failure, isVisitor(request));
    const sentence = failure?.kind === "noEditor" ? failure.sentence : undefined;
    const facts = { kind, ...(sentence === undefined ? {} : { sentence }) };
    const page = embedOrigins === undefined ? messagePage(context, facts) : messagePage(context, facts, embedOrigins);
    sendPage(response, failure === undefined ? statusOf(error) : webStatus(failure.kind), page);
  };
}
