import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { type Request, type Response, Router, urlencoded } from "express";
import { z } from "zod";
import type { Audit } from "../http/auditLog.ts";
import type { AttemptLimits } from "../model/attemptLimits.ts";
import type { Drive, DriveAccount, SignInOutcome } from "../model/drive.ts";
import { failureOf } from "../model/failure.ts";
import { type Clock, type KeyValueStore, put } from "../model/keyValueStore.ts";
import { requireOwnOrigin, safeReturn } from "./ownOrigin.ts";
import { type PageParts, pageContext, sendPage } from "./pageAnswer.ts";
import { type SignInFacts, signInPage } from "./pages/signInPage.ts";
import { endSession, startSession } from "./signedIn.ts";

export interface SignInParts extends PageParts {
  readonly drive: Drive;
  readonly store: KeyValueStore;
  readonly attempts: AttemptLimits;
  readonly audit: Audit;
  readonly now: Clock;
  /** Somebody has signed out everywhere: gives back the locks that only ended sessions still hold. */
  readonly personSignedOut: () => void;
}

const cookieName = "signin";
const attemptForMs = 15 * 60_000;
/** Cloudreve itself has no throttle. */
const passwordLimits = {
  perAddress: { attempts: 30, withinMs: 10 * 60_000 },
  perAccount: { attempts: 10, withinMs: 10 * 60_000 },
};

/** A sign-in on its way through the drive's pages: known by its state, and bound to the browser that began it. */
const attemptSchema = z.object({
  browserHash: z.string(),
  codeVerifier: z.string(),
  returnTo: z.string(),
});

/** What is no text of a sensible length can't be right either. */
const text = z.string().max(1024).catch("");
const passwordForm = z.object({ email: text, password: text, return_to: text });
const secondFactorForm = z.object({ second_step_id: text, code: text, return_to: text });

/**
 * `/signin`, `/signout`: people sign in with the drive, by its OAuth pages or, where it has none, with their password.
 * @see RFC 7636; reference cloudreve-v4 sections 0 and 3
 */
export function signInRouter(parts: SignInParts): Router {
  const router = Router();
  const form = [requireOwnOrigin(parts.bridgeUrl), urlencoded({ extended: false, limit: "16kb" })];
  const redirectUri = `${parts.bridgeUrl}/signin/callback`;

  const show = async (
    request: Request,
    response: Response,
    status: number,
    facts: Omit<SignInFacts, "ways">,
  ): Promise<void> => {
    const context = await pageContext(parts, request, undefined);
    sendPage(
      response,
      status,
      signInPage({ ...context, path: "/signin" }, { ways: await parts.drive.signIn.ways(), ...facts }),
    );
  };

  const welcome = async (response: Response, account: DriveAccount, returnTo: string): Promise<void> => {
    const person = { id: account.userId, name: account.userName, account: account.account };
    await startSession(parts, response, person);
    parts.audit({ event: "signedIn", person: { id: person.id, name: person.name } });
    response.redirect(303, `${parts.bridgeUrl}${returnTo}`);
  };

  router.get("/signin", async (request, response) => {
    const state = request.query["signed_out"] === "1" ? "signedOut" : "fresh";
    await show(request, response, 200, { returnTo: safeReturn(request.query["return_to"]), state });
  });

  router.get("/signin/oauth", async (request, response) => {
    const state = randomBytes(24).toString("base64url");
    const browser = randomBytes(24).toString("base64url");
    const codeVerifier = randomBytes(48).toString("base64url");
    const attempt = { browserHash: hashOf(browser), codeVerifier, returnTo: safeReturn(request.query["return_to"]) };
    await put(parts.store, attemptKey(state), JSON.stringify(attempt), parts.now() + attemptForMs);
    await parts.cookies.write(response, cookieName, browser, attemptForMs);
    const codeChallenge = hashOf(codeVerifier);
    const nonce = randomBytes(24).toString("base64url");
    response.redirect(303, parts.drive.signIn.consentUrl({ state, nonce, codeChallenge, redirectUri }));
  });

  router.get("/signin/callback", async (request, response) => {
    const { state, code } = request.query;
    const browser = await parts.cookies.read(request, cookieName, z.string());
    parts.cookies.clear(response, cookieName);
    const attempt = await takeAttempt(parts.store, state);
    const isThisBrowser =
      attempt !== undefined && browser !== undefined && isSame(attempt.browserHash, hashOf(browser));
    if (!isThisBrowser || typeof code !== "string" || code === "") {
      await show(request, response, 400, { returnTo: attempt?.returnTo ?? "/", state: "oauthFailed" });
      return;
    }
    try {
      await welcome(response, await parts.drive.signIn.byCode(code, attempt.codeVerifier), attempt.returnTo);
    } catch (error) {
      if (failureOf(error, "signInNeeded") === undefined) throw error;
      await show(request, response, 400, { returnTo: attempt.returnTo, state: "oauthFailed" });
    }
  });

  const settle = async (
    request: Request,
    response: Response,
    outcome: SignInOutcome,
    refused: Omit<SignInFacts, "ways">,
  ): Promise<void> => {
    switch (outcome.is) {
      case "signedIn":
        return welcome(response, outcome.account, refused.returnTo);
      case "secondFactorNeeded":
        return show(request, response, 200, {
          returnTo: refused.returnTo,
          state: "secondFactor",
          secondStepId: outcome.secondStepId,
        });
      case "captchaNeeded":
        return show(request, response, 409, { ...refused, state: "captcha" });
      case "refused":
        return show(request, response, 403, refused);
    }
  };

  /** Counted before the drive is asked, and told on the page itself. @returns whether it may be tried */
  const mayTry = async (request: Request, response: Response, who: string, page: Omit<SignInFacts, "ways">) => {
    try {
      await parts.attempts.count("sign-in from", request.ip ?? "", passwordLimits.perAddress);
      await parts.attempts.count("sign-in of", who, passwordLimits.perAccount);
      return true;
    } catch (error) {
      const refused = failureOf(error, "tooManyAttempts");
      if (refused === undefined) throw error;
      response.set("Retry-After", String(refused.retryAfterSeconds));
      await show(request, response, 429, { ...page, state: "tooMany", retryAfterSeconds: refused.retryAfterSeconds });
      return false;
    }
  };

  /** Who gets in has not guessed: a whole office behind one address must not use up its tries by signing in. */
  const forgive = async (request: Request, who: string): Promise<void> => {
    await parts.attempts.forgive("sign-in from", request.ip ?? "");
    await parts.attempts.forgive("sign-in of", who);
  };

  router.post("/signin/password", ...form, async (request, response) => {
    const { email, password, return_to } = passwordForm.parse(request.body ?? {});
    const page = { returnTo: safeReturn(return_to), state: "refused", email } as const;
    if (!(await parts.drive.signIn.ways()).password) return show(request, response, 403, { ...page, state: "fresh" });
    if (!(await mayTry(request, response, email.toLowerCase(), page))) return;
    const outcome = await parts.drive.signIn.byPassword(email, password);
    if (outcome.is === "signedIn") await forgive(request, email.toLowerCase());
    await settle(request, response, outcome, page);
  });

  router.post("/signin/second-factor", ...form, async (request, response) => {
    const { second_step_id: secondStepId, code, return_to } = secondFactorForm.parse(request.body ?? {});
    const page = { returnTo: safeReturn(return_to), state: "secondFactorRefused", secondStepId } as const;
    if (!(await mayTry(request, response, secondStepId, page))) return;
    const outcome = await parts.drive.signIn.bySecondFactor(secondStepId, code.replace(/\s/g, ""));
    if (outcome.is === "signedIn") await forgive(request, secondStepId);
    await settle(request, response, outcome, page);
  });

  router.post("/signout", ...form, async (request, response) => {
    const everywhere = z.object({ everywhere: text }).parse(request.body ?? {}).everywhere === "1";
    const person = await endSession(parts, request, response, everywhere);
    if (person !== undefined) {
      parts.audit({ event: "signedOut", person: { id: person.id, name: person.name }, everywhere });
      if (everywhere) parts.personSignedOut();
    }
    response.redirect(303, `${parts.bridgeUrl}/signin?signed_out=1`);
  });
  return router;
}

/** Takes an attempt, once. */
async function takeAttempt(store: KeyValueStore, state: unknown) {
  if (typeof state !== "string") return undefined;
  const raw = await store.get(attemptKey(state));
  if (raw === undefined || !(await store.swap(attemptKey(state), raw, undefined))) return undefined;
  return attemptSchema.parse(JSON.parse(raw));
}

const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("base64url");
const isSame = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(a), Buffer.from(b));
const attemptKey = (state: string): string => `signIn:${hashOf(state)}`;
