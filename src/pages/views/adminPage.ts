import type { DocumentInUse } from "../../documents/documentsInUse.ts";
import type { EditLink } from "../../links/links.ts";
import { portalOf } from "../../links/ownedLinks.ts";
import { fill } from "../../words/fill.ts";
import { wordsIn } from "../../words/words.ts";
import { type Html, html } from "../html.ts";
import { layout } from "./layout.ts";
import { stateBadge, terms } from "./linkTerms.ts";
import { fillHtml, joined, moment, named, nothing, notice, size } from "./markup.ts";
import type { Page, PageContext } from "./page.ts";

export const adminDone = ["placed", "stillWaiting", "dismissed", "linkRevoked"] as const;

interface WaitingSaveFacts {
  readonly id: string;
  /** undefined while it is not known whose it is. */
  readonly fileName: string | undefined;
  readonly personName: string | undefined;
  readonly receivedAtMs: number;
  readonly endsAtMs: number;
  readonly sizeBytes: number;
  readonly isBroken: boolean;
}

interface ErrorFacts {
  /** As in the log, in English. */
  readonly text: string;
  readonly facts: readonly string[];
  readonly isError: boolean;
  readonly count: number;
  readonly lastAtMs: number;
}

interface DoctorFacts {
  readonly runningSinceMs: number | undefined;
  /** As the command shows it. */
  readonly last: { readonly endedAtMs: number; readonly report: string } | undefined;
}

export interface AdminFacts {
  readonly version: string;
  readonly startedAtMs: number;
  readonly documents: readonly DocumentInUse[];
  readonly moreDocuments: number;
  /** Oldest first. */
  readonly saves: readonly WaitingSaveFacts[];
  readonly moreSaves: number;
  readonly links: {
    readonly counts: Readonly<Record<"active" | "expired" | "revoked", number>>;
    readonly sought: string;
    /** Newest first. */
    readonly shown: readonly { readonly link: EditLink; readonly state: "active" | "expired" | "revoked" }[];
    readonly more: number;
  };
  /** Newest first. */
  readonly errors: readonly ErrorFacts[];
  readonly doctor: DoctorFacts;
  /** What the page follows. */
  readonly done: (typeof adminDone)[number] | undefined;
}

/**
 * A bridge as its operator sees it. `POST /admin/doctor`, `/admin/saves/ID/place`, `/admin/saves/ID/dismiss` and
 * `/admin/links/ID/revoke` have no fields; `/admin/saves/ID/content` downloads; the search sends `q`.
 */
export function adminPage(context: PageContext, facts: AdminFacts): Page {
  const words = wordsIn[context.language].pages;
  const version = fillHtml(words.adminVersion, {
    version: facts.version,
    time: moment(facts.startedAtMs, context.language),
  });
  return layout(context, {
    title: words.adminTitle,
    current: "admin",
    main: html`<h1>${words.adminTitle}</h1>
<p class="lead">${version}<br><small>${words.adminLead}</small></p>
${outcome(context, facts.done)}
${section("documents", words.adminDocuments, documentRows(context, facts))}
${section("saves", words.waitingSavesTitle, saveRows(context, facts))}
${section("links", words.adminLinks, linkRows(context, facts))}
${section("errors", words.adminErrors, errorRows(context, facts))}
${section("doctor", words.adminDoctor, doctorPart(context, facts.doctor))}`,
  });
}

function section(id: string, title: string, body: Html): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
${body}
</section>`;
}

function outcome({ language }: PageContext, done: AdminFacts["done"]): Html {
  const words = wordsIn[language].pages;
  switch (done) {
    case "placed":
      return notice("good", words.adminPlaced);
    case "stillWaiting":
      return notice("bad", words.adminStillWaiting);
    case "dismissed":
      return notice("good", words.saveDismissed);
    case "linkRevoked":
      return notice("good", words.adminLinkRevoked);
    default:
      return nothing;
  }
}

function more({ language }: PageContext, count: number): Html {
  return count === 0 ? nothing : html`<p><small>${fill(wordsIn[language].pages.adminMore, { count })}</small></p>`;
}

function documentRows(context: PageContext, { documents, moreDocuments }: AdminFacts): Html {
  const words = wordsIn[context.language].pages;
  if (documents.length === 0) return html`<p class="empty">${words.adminNothingOpen}</p>`;
  const rows = documents.map((document) => documentRow(context, document));
  return html`<ul class="rows">${joined(rows)}</ul>${more(context, moreDocuments)}`;
}

function documentRow({ language }: PageContext, document: DocumentInUse): Html {
  const words = wordsIn[language].pages;
  const { fileId, isHeldInDrive, lock, name, sessions } = document;
  const people = sessions.map(({ person, permission, openedAtMs }) => {
    const sentence = permission === "edit" ? words.adminEdits : words.adminViews;
    const values = { name: named(person.name || words.somebody), time: moment(openedAtMs, language) };
    return html`<small>${fillHtml(sentence, values)}</small>`;
  });
  const time = lock === undefined ? nothing : moment(lock.expiresAtMs, language);
  const locked =
    lock === undefined
      ? html`${isHeldInDrive ? words.adminHeld : ""}`
      : lock.holder === undefined
        ? fillHtml(words.adminLocked, { time })
        : fillHtml(words.adminLockedBy, { name: named(lock.holder || words.somebody), time });
  return html`<li><div><strong>${name === undefined ? words.adminUnnamed : named(name)}</strong> <small>${fileId}</small>${joined(people)}${
    locked.text === "" ? nothing : html`<small>${locked}</small>`
  }</div></li>`;
}

function saveRows(context: PageContext, { saves, moreSaves }: AdminFacts): Html {
  const words = wordsIn[context.language].pages;
  if (saves.length === 0) return html`<p class="empty">${words.noWaitingSaves}</p>`;
  return html`<ul class="rows">${joined(saves.map((save) => saveRow(context, save)))}</ul>${more(context, moreSaves)}`;
}

function saveRow({ bridgeUrl, language }: PageContext, save: WaitingSaveFacts): Html {
  const words = wordsIn[language].pages;
  const name = save.fileName ?? words.adminUnnamed;
  const address = `${bridgeUrl}/admin/saves/${save.id}`;
  const by = fillHtml(words.savedBy, {
    name: named(save.personName || words.somebody),
    time: moment(save.receivedAtMs, language),
  });
  const ends = fillHtml(words.keptUntil, { time: moment(save.endsAtMs, language) });
  const trouble = save.isBroken ? words.saveBroken : save.fileName === undefined ? words.adminUndecided : undefined;
  const download = (label: string): Html =>
    html`<a role="button" class="secondary" href="${address}/content" download aria-label="${label}">${words.download}</a>`;
  const again = html`<form method="post" action="${address}/place"><button class="secondary" aria-label="${fill(words.adminPlaceAgainName, { name })}">${words.adminPlaceAgain}</button></form>`;
  return html`<li><div><strong>${named(name)}</strong><small>${by} · ${size(save.sizeBytes, language)}</small><small>${ends}</small>${
    trouble === undefined ? nothing : html`<small class="error">${trouble}</small>`
  }</div>
<div class="acts">${download(fill(words.downloadName, { name }))}${save.isBroken ? nothing : again}</div>
<details class="danger">
<summary>${words.dismissSave}</summary>
<p>${words.dismissMeans}</p>
<div class="acts">${download(fill(words.downloadName, { name }))}
<form method="post" action="${address}/dismiss"><button aria-label="${fill(words.dismissName, { name })}">${words.dismissNow}</button></form></div>
</details></li>`;
}

function linkRows(context: PageContext, { links }: AdminFacts): Html {
  const { bridgeUrl, language } = context;
  const words = wordsIn[language].pages;
  const { counts, more: rest, shown, sought } = links;
  const search = html`<form class="filter" action="${bridgeUrl}/admin#links">
<input type="search" name="q" value="${sought}" maxlength="200" aria-label="${words.adminSearchLinks}" placeholder="${words.adminSearchLinks}">
<button class="secondary">${words.search}</button>
</form>`;
  const list =
    shown.length === 0 && sought !== ""
      ? html`<p class="empty">${words.noLinksFound}</p>`
      : html`<ul class="rows">${joined(shown.map((one) => linkRow(context, one)))}</ul>${more(context, rest)}`;
  return html`<p>${fill(words.adminLinkCounts, counts)}</p>
${search}${list}`;
}

function linkRow({ bridgeUrl, language }: PageContext, { link, state }: AdminFacts["links"]["shown"][number]): Html {
  const words = wordsIn[language].pages;
  const portal = portalOf(link);
  const owner = fillHtml(words.adminLinkOwner, { name: named(link.owner.name) });
  const madeBy = portal === undefined ? nothing : html` · ${fillHtml(words.madeByPortal, { name: named(portal) })}`;
  const revoke = html`<details class="danger">
<summary>${words.revokeLink}</summary>
<p>${words.revokeMeans}</p>
<form method="post" action="${bridgeUrl}/admin/links/${link.id}/revoke"><button aria-label="${fill(words.adminRevokeName, { name: link.fileName })}">${words.revokeNow}</button></form>
</details>`;
  return html`<li><div><strong>${named(link.fileName)}</strong> ${stateBadge(state, language)}<small>${terms(link, language)}</small><small>${owner}${madeBy}</small></div>
${state === "revoked" ? nothing : revoke}</li>`;
}

function errorRows(context: PageContext, { errors }: AdminFacts): Html {
  const words = wordsIn[context.language].pages;
  if (errors.length === 0) return html`<p class="empty">${words.adminNoErrors}</p>`;
  const rows = errors.map(({ count, facts, isError, lastAtMs, text }) => {
    const time = moment(lastAtMs, context.language);
    const when = count === 1 ? time : fillHtml(words.adminTimes, { count, time });
    return html`<li lang="en"><div>${isError ? html`<strong>${text}</strong>` : text}<small lang="${context.language}">${when}</small>${
      facts.length === 0 ? nothing : html`<small dir="ltr">${facts.join(" · ")}</small>`
    }</div></li>`;
  });
  return html`<p><small>${words.adminErrorsHint}</small></p><ul class="rows">${joined(rows)}</ul>`;
}

function doctorPart({ bridgeUrl, language }: PageContext, { last, runningSinceMs }: DoctorFacts): Html {
  const words = wordsIn[language].pages;
  const run =
    runningSinceMs === undefined
      ? html`<form class="actions" method="post" action="${bridgeUrl}/admin/doctor"><button>${words.adminRunDoctor}</button></form>`
      : notice("plain", words.adminDoctorRunning);
  const report =
    last === undefined
      ? nothing
      : html`<p><small>${fillHtml(words.adminDoctorRan, { time: moment(last.endedAtMs, language) })}</small></p>
<pre class="report" lang="en" dir="ltr" tabindex="0">${last.report}</pre>`;
  return html`<p>${words.adminDoctorLead}</p>
${run}${report}`;
}
