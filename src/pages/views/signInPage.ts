import { fill } from "../../words/fill.ts";
import { wordsIn } from "../../words/words.ts";
import { type Html, html } from "../html.ts";
import { layout } from "./layout.ts";
import { fieldLine, flag, minutes, nothing, notice } from "./markup.ts";
import type { Page, PageContext } from "./page.ts";

export interface SignInFacts {
  readonly ways: { readonly oauth: boolean; readonly password: boolean };
  /** A path of the bridge. */
  readonly returnTo: string;
  readonly state:
    | "fresh"
    | "refused"
    | "captcha"
    | "tooMany"
    | "oauthFailed"
    | "secondFactor"
    | "secondFactorRefused"
    | "secondStepLost"
    | "signedOut";
  /** As typed before; the password is never sent back. */
  readonly email?: string;
  /** Needed for the two states of the second factor. */
  readonly secondStepId?: string;
  readonly retryAfterSeconds?: number;
}

/**
 * The ways to sign in. OAuth is a link to `/signin/oauth?return_to=`; the forms send
 * - to `/signin/password`: `email`, `password`, `return_to`
 * - to `/signin/second-factor`: `second_step_id`, `code`, `return_to`
 */
export function signInPage(context: PageContext, facts: SignInFacts): Page {
  const words = wordsIn[context.language].pages;
  const isSecondStep = facts.state === "secondFactor" || facts.state === "secondFactorRefused";
  return layout(context, {
    title: isSecondStep ? words.secondFactorTitle : words.signInTitle,
    isNarrow: true,
    main: html`<article>
${isSecondStep ? secondStep(context, facts) : firstStep(context, facts)}
</article>`,
  });
}

function firstStep(context: PageContext, facts: SignInFacts): Html {
  const words = wordsIn[context.language].pages;
  const { oauth, password } = facts.ways;
  const query = new URLSearchParams({ return_to: facts.returnTo });
  return html`<h1>${words.signInTitle}</h1>
<p class="lead">${words.signInLead}</p>
${message(context, facts)}
${oauth ? html`<a role="button" href="${context.bridgeUrl}/signin/oauth?${query.toString()}">${words.signInWithCloudreve}</a>` : nothing}
${oauth && password ? html`<p class="or">${words.orWithPassword}</p>` : nothing}
${password ? passwordForm(context, facts) : nothing}
${oauth || password ? nothing : notice("bad", words.signInNoWay)}`;
}

function message({ language }: PageContext, { state, retryAfterSeconds, ways }: SignInFacts): Html {
  const words = wordsIn[language].pages;
  switch (state) {
    case "captcha":
      return notice("bad", ways.oauth ? words.signInCaptcha : `${words.signInCaptcha} ${words.askForOauth}`);
    case "tooMany":
      return notice("bad", fill(words.tooManyAttempts, { minutes: minutes(retryAfterSeconds) }));
    case "oauthFailed":
      return notice("bad", words.signInOauthFailed);
    case "secondStepLost":
      return notice("bad", words.secondStepLost);
    case "signedOut":
      return notice("good", words.signedOut);
    default:
      return nothing;
  }
}

function passwordForm(context: PageContext, { email, returnTo, state, ways }: SignInFacts): Html {
  const words = wordsIn[context.language].pages;
  const isRefused = state === "refused";
  const about = isRefused ? html` aria-invalid="true" aria-describedby="password-line"` : nothing;
  // If OAuth is offered first, a phone's keyboard must not cover it.
  const startsHere = isRefused || (!ways.oauth && state !== "signedOut");
  const button = ways.oauth
    ? html`<button class="secondary">${words.signIn}</button>`
    : html`<button>${words.signIn}</button>`;
  return html`<form method="post" action="${context.bridgeUrl}/signin/password">
<input type="hidden" name="return_to" value="${returnTo}">
<label for="email">${words.email}</label>
<input id="email" name="email" type="email" autocomplete="username" required value="${email ?? ""}"${about}${flag("autofocus", startsHere && email === undefined)}>
<label for="password">${words.password}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required${about}${flag("autofocus", startsHere && email !== undefined)}>
${isRefused ? fieldLine("password-line", words.signInRefused, true) : nothing}
${button}
</form>`;
}

function secondStep(context: PageContext, { returnTo, secondStepId, state }: SignInFacts): Html {
  const words = wordsIn[context.language].pages;
  const isRefused = state === "secondFactorRefused";
  const query = new URLSearchParams({ return_to: returnTo });
  return html`<h1>${words.secondFactorTitle}</h1>
<form method="post" action="${context.bridgeUrl}/signin/second-factor">
<input type="hidden" name="return_to" value="${returnTo}">
<input type="hidden" name="second_step_id" value="${secondStepId ?? ""}">
<label for="code">${words.secondFactorCode}</label>
<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="20" required autofocus aria-describedby="code-line"${isRefused ? html` aria-invalid="true"` : nothing}>
${fieldLine("code-line", isRefused ? words.secondFactorRefused : words.secondFactorLead, isRefused)}
<button>${words.goOn}</button>
</form>
<p class="aside"><a href="${context.bridgeUrl}/signin?${query.toString()}">${words.startAgain}</a></p>`;
}
