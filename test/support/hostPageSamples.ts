import type { AccessGrant } from "../../src/documents/grants.ts";
import type { HostPageFacts } from "../../src/editorPage/page.ts";
import type { HostPageStatus, NotSaved, PresentPerson, SessionEnd } from "../../src/editorPage/pageMessages.ts";
import { youMay } from "../../src/pages/views/visitorMay.ts";
import type { HostPageWords } from "../../src/words/words.ts";
import { sampleLink } from "./sampleLink.ts";

/** A message of the editor's: its name and its values. */
type EditorMessage = readonly [name: string, values: Readonly<Record<string, unknown>>];

type Answer = (nowMs: number) => Partial<HostPageStatus>;

/** A state that the page around the editor can be in. */
export interface HostPageSample {
  /** The owner unless it says otherwise. */
  readonly who?: "visitor" | "nameless" | "colleague";
  /** What the editor says once it is there; it has loaded the document if left out. */
  readonly editor?: readonly EditorMessage[];
  /** What the bridge answers: at first, and later. */
  readonly status?: readonly [Answer, Answer?];
  /** How long the person has waited. */
  readonly waitedMs?: number;
  readonly isOffline?: true;
  /** What the person types into which field, and then clicks. */
  readonly types?: readonly [field: string, text: string];
  readonly clicks?: string;
  /** A sentence in which nothing is filled in, or what is there once the state is reached. */
  readonly shows: { readonly sentence: keyof HostPageWords } | { readonly part: string };
  /** Trouble in a state that asks for something: what the person can do about it. */
  readonly offers?: string;
}

const sampleName = "Quarterly report for the board 2026.docx";
const copyName = "Quarterly report for the board 2026 (conflict, Þórður, 2026-11-21 08.15).docx";
const someone = "Álíce O'Hara-Þorláksdóttir";
const minuteMs = 60_000;
const noDownload = { download: true, print: true, copy: false, watermark: false };

const loaded: EditorMessage = ["App_LoadingStatus", { Status: "Document_Loaded" }];
const changed: EditorMessage = ["Doc_ModifiedStatus", { Modified: true }];

const failed =
  (more: Partial<NotSaved>) =>
  (nowMs: number): Partial<HostPageStatus> => ({
    not_saved: {
      ...{ at: nowMs + minuteMs, by: someone, is_mine: true },
      ...{ why: "fileUnproven", kept_in: null, copy_name: null },
      ...more,
    },
  });

const ended =
  (reason: SessionEnd, more: Partial<HostPageStatus> = {}) =>
  (): Partial<HostPageStatus> => ({ ended: reason, ...more });

const people = (nowMs: number): readonly PresentPerson[] => [
  { id: "a", name: "Alice", is_me: true, permission: "edit", since: nowMs - 5 * minuteMs },
  { id: "b", name: someone, is_me: false, permission: "edit", since: nowMs - 26 * 60 * minuteMs, by_link: true },
  { id: null, name: null, is_me: false, permission: "view", since: nowMs, by_link: true },
];

const called = (check_file_info: boolean, get_file: boolean) => (): Partial<HostPageStatus> => ({
  editor_called: { check_file_info, get_file },
});

const trouble = { part: "#status.trouble:not(:empty)" } as const;
const notice = { part: "#notice span" } as const;

/** Every state that looks different; sentences alone are tested by themselves. */
export const hostPageSamples: Readonly<Record<string, HostPageSample>> = {
  loading: { editor: [], shows: { part: "#status:not(:empty)" } },
  untouched: { shows: { sentence: "untouched" } },
  viewOnly: { who: "visitor", status: [() => ({ permission: "view" })], shows: { sentence: "viewOnly" } },
  unsaved: { editor: [loaded, changed], shows: { sentence: "unsaved" } },
  saving: { status: [(nowMs) => ({ saving_since: nowMs })], shows: { sentence: "saving" } },
  savedBySomebody: {
    status: [(nowMs) => ({ last_save: { at: nowMs, by: someone, is_mine: false }, people: people(nowMs) })],
    shows: { part: "#people:not([hidden])" },
  },
  savedCopyBeside: {
    status: [
      (nowMs) => ({
        last_save: { at: nowMs, by: someone, is_mine: true },
        not_saved: {
          ...failed({})(0).not_saved,
          at: nowMs - minuteMs,
          kept_in: "copy",
          copy_name: "A copy.docx",
        } as NotSaved,
      }),
    ],
    shows: { part: "#status:not(:empty)" },
  },
  notSavedKept: {
    status: [failed({ kept_in: "spool" })],
    shows: trouble,
    offers: "#download-changes",
  },
  notSavedKeptOfVisitor: { who: "visitor", status: [failed({ kept_in: "spool" })], shows: trouble },
  notSavedHere: { editor: [loaded, changed], status: [failed({})], shows: trouble, offers: "#try-again" },
  notSavedBySomebody: { status: [failed({ is_mine: false, why: "contentInvalid" })], shows: trouble },
  inCopy: {
    who: "colleague",
    status: [
      (nowMs) => ({
        ...failed({ kept_in: "copy", copy_name: copyName, why: "rightMissing" })(nowMs),
        copy_opens: true,
      }),
    ],
    shows: trouble,
    offers: "#open-copy",
  },
  locked: { status: [() => ({ locked_by: someone })], shows: trouble, offers: "#take-over" },
  offline: { editor: [loaded, changed], isOffline: true, shows: trouble, offers: "#try-again" },
  editorFailed: {
    editor: [["App_LoadingStatus", { Status: "Failed" }]],
    shows: { sentence: "editorFailed" },
    offers: "#try-again",
  },
  editorLeft: { editor: [loaded, ["Session_Closed", {}]], shows: { sentence: "editorLeft" }, offers: "#try-again" },
  editorDown: { editor: [], waitedMs: 20_000, shows: trouble, offers: "#try-again" },
  bridgeNotReached: {
    editor: [["App_LoadingStatus", { Status: "Initialized" }]],
    waitedMs: 20_000,
    shows: trouble,
    offers: "#try-again",
  },
  editorDownForVisitor: { who: "visitor", editor: [], waitedMs: 20_000, shows: trouble, offers: "#try-again" },
  editorSlow: { editor: [], waitedMs: 20_000, status: [called(true, true)], shows: { sentence: "editorSlow" } },
  editorStopped: {
    status: [(nowMs) => ({ editor_stopped: true, last_save: { at: nowMs, by: someone, is_mine: true } })],
    shows: { part: "#frame-holder .end button" },
  },
  endedWithCopy: {
    who: "colleague",
    editor: [loaded, changed],
    status: [() => ({}), ended("linkRevoked", { last_copy: copyName })],
    shows: { part: "#frame-holder .end h1" },
  },
  endedExpired: { status: [ended("expired")], shows: { part: "#frame-holder .end h1" } },
  signedOut: { status: [ended("signedOut")], shows: { part: "#frame-holder .end h1" } },
  lostEditing: {
    who: "colleague",
    status: [() => ({}), () => ({ permission: "view", last_copy: copyName, copy_opens: true })],
    shows: { part: "#frame-holder .end button" },
  },
  closed: { editor: [loaded, ["UI_Close", {}]], shows: { part: "#frame-holder .end h1" } },
  peopleOpen: {
    status: [(nowMs) => ({ people: people(nowMs) })],
    clicks: "#people summary",
    shows: { part: "#people ul li" },
  },
  news: {
    status: [
      (nowMs) => ({ people: people(nowMs).slice(0, 1) }),
      (nowMs) => ({
        last_save: { at: nowMs, by: someone, is_mine: false },
        not_saved: {
          ...failed({})(0).not_saved,
          at: nowMs,
          is_mine: false,
          kept_in: "copy",
          copy_name: copyName,
        } as NotSaved,
        people: people(nowMs),
      }),
    ],
    shows: { part: "#news p + p + p" },
  },
  saveAs: { editor: [loaded, ["UI_SaveAs", { format: "pdf" }]], shows: { part: "#save-as[open]" } },
  saveAsRefused: {
    editor: [loaded, ["UI_SaveAs", { format: "docx" }]],
    types: ["#save-as-name", "Report?"],
    clicks: "#save-as .primary",
    shows: { part: '#save-as [aria-invalid="true"]' },
  },
  pictures: { editor: [loaded, ["UI_InsertGraphic", {}]], shows: { part: "#pictures-list li + li" } },
  pictureChosen: {
    editor: [loaded, ["UI_InsertGraphic", {}]],
    clicks: "#pictures-list li:last-child button",
    shows: { part: "#pictures-insert:enabled" },
  },
  mayAsk: {
    who: "visitor",
    status: [() => ({ permission: "view", access: "none" })],
    shows: { part: "#ask-access:not([hidden])" },
  },
  asksName: {
    who: "nameless",
    status: [() => ({ permission: "view", access: "none" })],
    clicks: "#ask-access",
    shows: { part: "#access-form:not([hidden])" },
  },
  asked: { who: "visitor", status: [() => ({ permission: "view", access: "asked" })], shows: { part: "#access span" } },
  granted: {
    who: "visitor",
    status: [() => ({ permission: "view", access: "granted" })],
    shows: { part: "#access button:not(.dismiss)" },
  },
  refused: {
    who: "visitor",
    status: [() => ({ permission: "view", access: "none" }), () => ({ permission: "view", access: "refused" })],
    shows: { part: "#access span" },
  },
  newFileMade: {
    status: [() => ({}), (nowMs) => ({ new_file: { at: nowMs + minuteMs, name: sampleName, file_id: "f2" } })],
    shows: notice,
  },
  newFileNotMade: {
    status: [() => ({}), (nowMs) => ({ new_file: { at: nowMs + minuteMs, why: "nameIllegal" } })],
    shows: notice,
  },
  passwordNeeded: { editor: [loaded, ["UI_Cancel_Password", {}]], shows: notice },
};

/** What the bridge knows of nothing having happened. */
export function quietStatus(nowMs: number): HostPageStatus {
  return {
    now: nowMs,
    ended: null,
    permission: "edit",
    editor_called: { check_file_info: false, get_file: false },
    editor_stopped: false,
    locked_by: null,
    saving_since: null,
    last_save: null,
    not_saved: null,
    last_copy: null,
  };
}

type Given = Pick<HostPageFacts, "language" | "bridgeUrl" | "pageKey" | "nonce"> & { readonly actionUrl: string };

/** The page for somebody in that state. */
export function factsOf({ who }: HostPageSample, given: Given): HostPageFacts {
  const { actionUrl, ...shown } = given;
  const isOwner = who === undefined;
  const isVisitor = who === "visitor" || who === "nameless";
  const nowMs = Date.now();
  const grant: AccessGrant = {
    id: "g1",
    document: { account: "person:1", fileId: "f1" },
    fileName: sampleName,
    permission: isVisitor ? "view" : "edit",
    person: { id: "1", name: "Alice", ...(who === "nameless" ? { isNameless: true } : {}) },
    ownerId: "1",
    restrictions: {},
    saveAs: "new",
    mayRename: true,
    actionUrl,
    language: given.language,
    issuedTo: isOwner ? "person:1" : isVisitor ? "link:l1" : "portal:intranet",
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + 600 * minuteMs,
    renewableUntilMs: nowMs + 6000 * minuteMs,
  };
  return {
    ...shown,
    grant,
    editorIds: { userId: "a", ownerId: isOwner ? "a" : "b" },
    accessToken: "token",
    fileName: sampleName,
    brand: {},
    embedOrigins: [],
    takesFreshTokens: true,
    isConversion: false,
    mayShare: isOwner,
    mayAskToEdit: isVisitor,
    youMay: isVisitor ? youMay({ ...sampleLink, restrictions: noDownload }, "comment", given.language) : undefined,
    ownerName: isOwner ? undefined : "Þórður Þorláksson",
    maySeeVersions: isOwner,
    homeUrl: isOwner ? `${given.bridgeUrl}/` : undefined,
    isReopenable: true,
  };
}
