import type { Request, Response } from "express";
import { z } from "zod";
import type { SignedCookies } from "../http/signedCookies.ts";
import { type PersonSessions, type SignedInPerson, sessionLifetimeMs } from "../model/personSessions.ts";

const cookieName = "person";
const cookieSchema = z.object({ session: z.string(), secret: z.string() });

export interface SignedInParts {
  readonly cookies: SignedCookies;
  readonly sessions: PersonSessions;
}

/** The person behind a request, and the sign-in it rests on. */
export type SignedInCaller = SignedInPerson & {
  readonly sessionId: string;
  /** As `AccessGrant.generation`. */
  readonly generation: string | undefined;
};

/** Who has signed in on this browser; gives the browser a new secret when it is time for one. */
export async function signedInPerson(
  { cookies, sessions }: SignedInParts,
  request: Request,
  response: Response,
): Promise<SignedInCaller | undefined> {
  const cookie = await cookies.read(request, cookieName, cookieSchema);
  const found = cookie === undefined ? undefined : await sessions.find(cookie.session, cookie.secret);
  if (found === undefined) return undefined;
  const { person, sessionId, generation, freshSecret } = found;
  if (freshSecret !== undefined) {
    await cookies.write(response, cookieName, { session: sessionId, secret: freshSecret }, sessionLifetimeMs);
  }
  return { ...person, sessionId, generation };
}

export async function startSession(
  { cookies, sessions }: SignedInParts,
  response: Response,
  person: SignedInPerson,
): Promise<void> {
  const { sessionId, secret } = await sessions.start(person);
  await cookies.write(response, cookieName, { session: sessionId, secret }, sessionLifetimeMs);
}

/**
 * Signs out this browser alone: documents that are open stay open, since they may hold unsaved work. `everywhere` ends
 * those too, on every machine. Links live on either way: they are invitations to others, not sessions.
 * @returns whose it was
 */
export async function endSession(
  { cookies, sessions }: SignedInParts,
  request: Request,
  response: Response,
  everywhere: boolean,
): Promise<SignedInPerson | undefined> {
  const person = await signedInPerson({ cookies, sessions }, request, response);
  if (person !== undefined) await (everywhere ? sessions.endAll(person.id) : sessions.end(person.sessionId));
  cookies.clear(response, cookieName);
  return person;
}
