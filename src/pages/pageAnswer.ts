import { randomBytes } from "node:crypto";
import type { NextFunction, Request, RequestHandler, Response } from "express";
import { z } from "zod";
import { webStatus } from "../http/failureResponse.ts";
import { logFailure } from "../http/requestLog.ts";
import type { SignedCookies } from "../http/signedCookies.ts";
import type { Failure } from "../model/failure.ts";
import { chooseLanguage, type Language, languages } from "./language.ts";
import { type SignedInCaller, type SignedInParts, signedInPerson } from "./signedIn.ts";
import { type MessageKind, messagePage } from "./views/messagePage.ts";
import type { Page, PageContext } from "./views/page.ts";

export const languageCookie = "lang";
const languageForMs = 365 * 24 * 3_600_000;
const nonceBytes = 18;

/** The person behind a request, once asked for. */
export type Caller = SignedInCaller;

export interface PageParts extends SignedInParts {
  readonly bridgeUrl: string;
}

/** What all pages need to know of a request. */
export async function pageContext(
  parts: Pick<PageParts, "cookies" | "bridgeUrl">,
  request: Request,
  person: { readonly name: string } | undefined,
): Promise<PageContext> {
  return {
    language: await languageOf(parts.cookies, request),
    nonce: newNonce(),
    bridgeUrl: parts.bridgeUrl,
    path: request.originalUrl,
    person: person === undefined ? undefined : { name: person.name },
  };
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

export async function keepLanguage(cookies: SignedCookies, response: Response, language: Language): Promise<void> {
  await cookies.write(response, languageCookie, language, languageForMs);
}

export function sendPage(response: Response, status: number, page: Page): void {
  response.status(status).set(page.headers).type("html").send(page.body.text);
}

/** Serves a signed-in person; others are sent to sign in and then come back. */
export function forPerson(
  parts: PageParts,
  serve: (person: Caller, request: Request, response: Response) => Promise<void>,
): RequestHandler {
  return async (request, response) => {
    const person = await signedInPerson(parts, request, response);
    if (person === undefined) {
      const back = request.method === "GET" ? request.originalUrl : "/";
      response.redirect(303, `${parts.bridgeUrl}/signin?return_to=${encodeURIComponent(back)}`);
      return;
    }
    await serve(person, request, response);
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
  parts: PageParts,
  isVisitor: (request: Request) => boolean,
  embedOrigins?: readonly string[],
) {
  return async (error: unknown, request: Request, response: Response, _next: NextFunction): Promise<void> => {
    const failure = logFailure(error);
    const person = isVisitor(request)
      ? undefined
      : await signedInPerson(parts, request, response).catch(() => undefined);
    const context = await pageContext(parts, request, person);
    if (failure?.kind === "tooManyAttempts") response.set("Retry-After", String(failure.retryAfterSeconds));
    const kind = messageOf(failure, isVisitor(request));
    const sentence = failure?.kind === "noEditor" ? failure.sentence : undefined;
    const facts = { kind, ...(sentence === undefined ? {} : { sentence }) };
    const page = embedOrigins === undefined ? messagePage(context, facts) : messagePage(context, facts, embedOrigins);
    sendPage(response, failure === undefined ? statusOf(error) : webStatus(failure.kind), page);
  };
}
