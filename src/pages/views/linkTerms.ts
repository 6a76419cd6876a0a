import type { EditLink, LinkGuesses, LinkVisit, linkEnd } from "../../links/links.ts";
import type { LinkState } from "../../links/ownedLinks.ts";
import type { Language } from "../../words/language.ts";
import { wordsIn } from "../../words/words.ts";
import { type Html, html } from "../html.ts";
import { fillHtml, moment, named, nothing } from "./markup.ts";
import { forbiddenShort } from "./visitorMay.ts";

export type LinkEnd = NonNullable<ReturnType<typeof linkEnd>>;

/** A link's terms in a few words: permission, expiry, password. */
export function terms(
  link: Pick<EditLink, "expiresAtMs" | "mayRename" | "passwordHash" | "permission" | "restrictions">,
  language: Language,
): Html {
  const words = wordsIn[language].pages;
  const { expiresAtMs, mayRename, passwordHash, permission } = link;
  const until =
    expiresAtMs === undefined
      ? html`${words.withoutEnd}`
      : fillHtml(words.until, { time: moment(expiresAtMs, language) });
  const password = passwordHash === undefined ? nothing : html` · ${words.withPassword}`;
  const can = {
    edit: mayRename ? words.canEditAndRename : words.canEdit,
    review: words.canReview,
    comment: words.canComment,
    view: words.canView,
  };
  const forbidden = forbiddenShort(link, language).map((one) => ` · ${one}`);
  return html`${can[permission]} · ${until}${password}${forbidden.join("")}`;
}

export function stateBadge(state: LinkState, language: Language): Html {
  const words = wordsIn[language].pages;
  switch (state) {
    case "active":
      return html`<span class="badge good">${words.linkWorks}</span>`;
    case "signInNeeded":
      return html`<span class="badge bad">${words.linkNeedsSignIn}</span>`;
    case "expired":
      return html`<span class="badge">${words.linkEndedExpired}</span>`;
    case "revoked":
      return html`<span class="badge">${words.linkEndedRevoked}</span>`;
  }
}

/** The latest visit and the latest save, with names. */
export function lastVisits(visits: readonly LinkVisit[], language: Language): Html {
  const words = wordsIn[language].pages;
  const opened = newest(visits, ({ openedAtMs }) => openedAtMs);
  const saved = newest(visits, ({ savedAtMs }) => savedAtMs);
  if (opened === undefined) return html`<br><small>${words.notOpenedYet}</small>`;
  const line = (sentence: string, { name, atMs }: { name: string; atMs: number }): Html =>
    html`<br><small>${fillHtml(sentence, { name: named(name), time: moment(atMs, language) })}</small>`;
  return html`${line(words.lastOpened, opened)}${saved === undefined ? nothing : line(words.lastSaved, saved)}`;
}

function newest(
  visits: readonly LinkVisit[],
  momentOf: (visit: LinkVisit) => number | undefined,
): { name: string; atMs: number } | undefined {
  return visits
    .map((visit) => ({ name: visit.person.name, atMs: momentOf(visit) ?? 0 }))
    .filter(({ atMs }) => atMs > 0)
    .sort((a, b) => b.atMs - a.atMs)[0];
}

/** More than typing mistakes: someone may be guessing. */
const guessedFrom = 10;

export function isGuessedAt(guesses: LinkGuesses | undefined): guesses is LinkGuesses {
  return guesses !== undefined && guesses.count >= guessedFrom;
}

/** @param sentence with placeholders for `count` and `time` */
export function guessesLine(sentence: string, { count, lastAtMs }: LinkGuesses, language: Language): Html {
  return fillHtml(sentence, { count, time: moment(lastAtMs, language) });
}
