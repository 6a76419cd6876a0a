import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { type Request, type Response, Router, urlencoded } from "express";
import { z } from "zod";
import { hungUp } from "../http/hungUp.ts";
import { sourceOf } from "../http/requestSource.ts";
import type { Attempt } from "../model/attemptLimits.ts";
import type { DriveAccount, SignInOutcome } from "../model/drive.ts";
import { failureOf } from "../model/failure.ts";
import { wordRecord } from "../model/record.ts";
import type { Services } from "../services.ts";
import { requireOwnOrigin, safeReturn } from "./ownOrigin.ts";
import { endSession, languageOf, type PageNeeds, pageContext, sendPage, startSession } from "./pageAnswer.ts";
import { type SignInFacts, signInPage } from "./views/signInPage.ts";

type Needs = PageNeeds &
  Pick<Services, "drive" | "store" | "attempts" | "audit" | "now" | "manySessionsEnded" | "mailServer" | "ownersMail">;

const consentCookie = "signin";
const consentForMs = 15 * 60_000;
/** A sign-in that goes through the drive's pages. It is kept in a cookie, so that no one can fill the store. */
const consentSchema = z.object({ state: z.string(), codeVerifier: z.string(), returnTo: z.string() });

const secondStepCookie = "second-step";
const secondStepForMs = 15 * 60_000;
/** Whose second factor is asked for: each sign-in with the right password has a new id; guesses count per account. */
const secondStepSchema = z.object({ secondStepId: z.string(), account: z.string() });
/** Someone guessing codes already knows the password, and there are only a million codes. */
const secondFactorDelayMs = 30_000;

/** Anything that is not text of a sensible length can't be right. */
const text = z.string().max(1024).catch("");
const passwordForm = z.object({ email: text, password: text, return_to: text });
const secondFactorForm = z.object({ second_step_id: text, code: text, return_to: text });

/**
 * `/signin`, `/signout`: people sign in with their drive account, on the drive's OAuth pages or with their password.
 * @see RFC 7636; reference cloudreve-v4 sections 0 and 3
 */
export function signInRouter(services: Needs): Router {
  const router = Router();
  const form = [requireOwnOrigin(services.bridgeUrl), urlencoded({ extended: false, limit: "16kb" })];
  const usedConsents = wordRecord(services.store, "signInUsed");
  const redirectUri = `${services.bridgeUrl}/signin/callback`;

  const show = async (
    request: Request,
    response: Response,
    status: number,
    facts: Omit<SignInFacts, "ways">,
  ): Promise<void> => {
    const context = await pageContext(services, request, undefined);
    sendPage(
      response,
      status,
      signInPage({ ...context, path: "/signin" }, { ways: await services.drive.signIn.ways(), ...facts }),
    );
  };

  const welcome = async (
    request: Request,
    response: Response,
    account: DriveAccount,
    returnTo: string,
  ): Promise<void> => {
    const { userId, userName, email } = account;
    const person = {
      id: userId,
      name: userName,
      account: account.account,
      ...(email === undefined ? {} : { email }),
    };
    await startSession(services, response, person);
    // For mails when they are not here.
    if (services.mailServer !== undefined) {
      await services.ownersMail.remember(person, await languageOf(services.cookies, request));
    }
    services.audit({ event: "signedIn", person: { id: person.id, name: person.name } });
    response.redirect(303, `${services.bridgeUrl}${returnTo}`);
  };

  router.get("/signin", async (request, response) => {
    const state = request.query["signed_out"] === "1" ? "signedOut" : "fresh";
    await show(request, response, 200, { returnTo: safeReturn(request.query["return_to"]), state });
  });

  router.get("/signin/oauth", async (request, response) => {
    const state = randomBytes(24).toString("base64url");
    const codeVerifier = randomBytes(48).toString("base64url");
    const consent = { state, codeVerifier, returnTo: safeReturn(request.query["return_to"]) };
    await services.cookies.write(response, consentCookie, consent, consentForMs);
    const codeChallenge = hashOf(codeVerifier);
    const nonce = randomBytes(24).toString("base64url");
    response.redirect(303, services.drive.signIn.consentUrl({ state, nonce, codeChallenge, redirectUri }));
  });

  router.get("/signin/callback", async (request, response) => {
    const { state, code } = request.query;
    const consent = await services.cookies.read(request, consentCookie, consentSchema);
    const isItsAnswer = consent !== undefined && typeof state === "string" && isSame(consent.state, state);
    // A made-up address on another page must not end a sign-in in progress.
    if (isItsAnswer) services.cookies.clear(response, consentCookie);
    const returnTo = safeReturn(isItsAnswer ? consent.returnTo : "/");
    if (!isItsAnswer || typeof code !== "string" || code === "") {
      await show(request, response, 400, { returnTo, state: "oauthFailed" });
      return;
    }
    try {
      const account = await services.drive.signIn.byCode(code, consent.codeVerifier);
      // The drive accepts a code once; a copied cookie must not work for a second code either.
      const usedUntilMs = services.now() + consentForMs;
      if (!(await usedConsents.create(hashOf(consent.state), "used", usedUntilMs))) {
        await show(request, response, 400, { returnTo, state: "oauthFailed" });
        return;
      }
      await welcome(request, response, account, returnTo);
    } catch (error) {
      if (failureOf(error, "signInNeeded") === undefined) throw error;
      await show(request, response, 400, { returnTo, state: "oauthFailed" });
    }
  });

  const settle = async (
    request: Request,
    response: Response,
    outcome: SignInOutcome,
    refused: Omit<SignInFacts, "ways">,
    account: string,
  ): Promise<void> => {
    switch (outcome.is) {
      case "signedIn":
        return welcome(request, response, outcome.account, refused.returnTo);
      case "secondFactorNeeded":
        await services.cookies.write(
          response,
          secondStepCookie,
          { secondStepId: outcome.secondStepId, account },
          secondStepForMs,
        );
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

  /** Tries a password or code with the drive, which does not limit attempts itself, and shows the result. */
  const offer = async (
    request: Request,
    response: Response,
    attempt: Pick<Attempt, "what" | "target" | "longestDelayMs">,
    page: Omit<SignInFacts, "ways">,
    ask: () => Promise<SignInOutcome>,
  ): Promise<void> => {
    let outcome: SignInOutcome;
    try {
      outcome = await services.attempts.tried(
        { ...attempt, source: sourceOf(request), signal: hungUp(response) },
        ask,
        ({ is }) => is === "refused",
      );
    } catch (error) {
      const refused = failureOf(error, "tooManyAttempts");
      if (refused === undefined) throw error;
      const { retryAfterSeconds } = refused;
      response.set("Retry-After", String(retryAfterSeconds));
      return show(request, response, 429, { ...page, state: "tooMany", retryAfterSeconds });
    }
    await settle(request, response, outcome, page, attempt.target);
  };

  router.post("/signin/password", ...form, async (request, response) => {
    const { email, password, return_to } = passwordForm.parse(request.body ?? {});
    const page = { returnTo: safeReturn(return_to), state: "refused", email } as const;
    if (!(await services.drive.signIn.ways()).password)
      return show(request, response, 403, { ...page, state: "fresh" });
    await offer(request, response, { what: "sign-in", target: accountOf(email) }, page, () =>
      services.drive.signIn.byPassword(email, password),
    );
  });

  router.post("/signin/second-factor", ...form, async (request, response) => {
    const { second_step_id: secondStepId, code, return_to } = secondFactorForm.parse(request.body ?? {});
    const returnTo = safeReturn(return_to);
    const step = await services.cookies.read(request, secondStepCookie, secondStepSchema);
    if (step === undefined || !isSame(step.secondStepId, secondStepId)) {
      return show(request, response, 403, { returnTo, state: "secondStepLost" });
    }
    const page = { returnTo, state: "secondFactorRefused", secondStepId } as const;
    const attempt = { what: "second factor", target: step.account, longestDelayMs: secondFactorDelayMs };
    await offer(request, response, attempt, page, () =>
      services.drive.signIn.bySecondFactor(secondStepId, code.replace(/\s/g, "")),
    );
  });

  router.post("/signout", ...form, async (request, response) => {
    const everywhere = z.object({ everywhere: text }).parse(request.body ?? {}).everywhere === "1";
    const person = await endSession(services, request, response, everywhere);
    if (person !== undefined) {
      services.audit({ event: "signedOut", person: { id: person.id, name: person.name }, everywhere });
      if (everywhere) {
        await services.visitorRights.takeAllBack(person.id);
        services.manySessionsEnded();
      }
    }
    response.redirect(303, `${services.bridgeUrl}/signin?signed_out=1`);
  });
  return router;
}

/** The drive ignores the case of an email address, so guesses count together however it is written. */
const accountOf = (email: string): string => email.normalize("NFKC").trim().toLowerCase();
const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("base64url");
const isSame = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(hashOf(a)), Buffer.from(hashOf(b)));
