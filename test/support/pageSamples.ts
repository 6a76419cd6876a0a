import type { Comment } from "../../src/documents/comments.ts";
import type { EditLink, LinkVisit } from "../../src/links/links.ts";
import type { VisitorRight } from "../../src/links/visitorRights.ts";
import type { DriveEntry } from "../../src/model/drive.ts";
import type { ApiDocument } from "../../src/pages/apiDocument.ts";
import { type AdminFacts, adminPage } from "../../src/pages/views/adminPage.ts";
import { apiDocsPage } from "../../src/pages/views/apiDocsPage.ts";
import { type ComparedSide, comparePage } from "../../src/pages/views/comparePage.ts";
import { deleteFolderPage } from "../../src/pages/views/deleteFolderPage.ts";
import { documentsPage } from "../../src/pages/views/documentsPage.ts";
import { type FolderFacts, folderPage } from "../../src/pages/views/folderPage.ts";
import { linkFormPage } from "../../src/pages/views/linkFormPage.ts";
import { linkPage } from "../../src/pages/views/linkPage.ts";
import { linksPage } from "../../src/pages/views/linksPage.ts";
import { type MessageKind, messagePage } from "../../src/pages/views/messagePage.ts";
import { newTypes } from "../../src/pages/views/newDocumentForm.ts";
import type { Page, PageContext } from "../../src/pages/views/page.ts";
import { renamePage } from "../../src/pages/views/renamePage.ts";
import { type SignInFacts, signInPage } from "../../src/pages/views/signInPage.ts";
import { takeOverPage } from "../../src/pages/views/takeOverPage.ts";
import { versionsPage } from "../../src/pages/views/versionsPage.ts";
import { visitPage } from "../../src/pages/views/visitPage.ts";
import { waitingSavesPage } from "../../src/pages/views/waitingSavesPage.ts";

const atMs = Date.UTC(2026, 10, 21, 8, 15);
const dayMs = 86_400_000;
const script = `"><script>alert('no')</script><img src=x onerror=alert(1)>.docx`;
const long = `${"Quarterly_report_with_a_name_that_nobody_ever_breaks_".repeat(4)}.xlsx`;
const arabic = "تقرير المبيعات النهائي (2026).docx";
const chinese = "关于二〇二六年度第四季度预算执行情况的说明🎉.pptx";

const entry = (kind: "file" | "folder", name: string, sizeBytes = 48_213): DriveEntry => ({
  kind,
  id: `id-${name.length}`,
  name,
  uri: `cloudreve://my/${encodeURIComponent(name)}`,
  sizeBytes,
  version: "version",
  modifiedAt: "2026-11-21T08:15:00Z",
});

const entries = [
  entry("folder", "Contracts"),
  entry("folder", arabic),
  entry("file", "Meeting notes.docx"),
  entry("file", "Budget 2027.xlsx", 1_250_000),
  entry("file", chinese, 999),
  entry("file", long, 3_400_000_000),
  entry("file", arabic),
  entry("file", script, 0),
  entry("file", "holiday.zip", 52_000_000),
];

const adding = {
  types: newTypes,
  templates: entries.filter(({ kind }) => kind === "file"),
  limitBytes: 1_073_741_824,
};

const link: EditLink = {
  id: "Ab3_-xYz09Qk",
  account: "person:1",
  owner: { id: "1", name: "Alice" },
  fileId: "f1",
  fileName: "Meeting notes.docx",
  permission: "edit",
  asksName: true,
  mayRename: false,
  restrictions: { download: false, print: false, copy: false, watermark: false },
  maker: "person:1",
  createdAtMs: atMs,
};
const strictLink: EditLink = {
  ...link,
  id: "Zz9",
  fileName: long,
  permission: "view",
  expiresAtMs: atMs + 7 * dayMs,
  passwordHash: "scrypt$a$b",
  note: `Please check the figures on page 3 🙏\nsecond line ${script}`,
  restrictions: { download: true, print: true, copy: true, watermark: true },
};
const mailFacts = { replyTo: "alice@example.com" };
const visits: LinkVisit[] = [
  { person: { id: "a", name: "Bob" }, openedAtMs: atMs, savedAtMs: atMs + 600_000 },
  { person: { id: "b", name: "محمد عبد الله" }, openedAtMs: atMs - dayMs },
  { person: { id: "c", name: `${script} ${"Longname".repeat(12)}` }, openedAtMs: atMs - 2 * dayMs, savedAtMs: atMs },
];
const comment = { activityId: "a1", action: "added", contentId: "c1" } as const;
const comments: Comment[] = [
  { ...comment, atMs, person: { id: "a", name: "Bob" }, mentioned: [] },
  { ...comment, atMs, person: { id: "b", name: "محمد عبد الله" }, mentioned: [{ id: "a", name: "Bob" }, { id: "d" }] },
  {
    ...comment,
    atMs,
    person: { id: "c", name: `${script} ${"Longname".repeat(12)}` },
    mentioned: [
      { id: "a", name: "Bob" },
      { id: "c", name: script },
    ],
  },
];
const waitingSave = {
  id: "0123456789abcdef01234567",
  fileName: "Meeting notes.docx",
  personName: "Bob",
  receivedAtMs: atMs,
  endsAtMs: atMs + 30 * dayMs,
  sizeBytes: 48_213,
  isBroken: false,
};
const waitingSaves = [
  waitingSave,
  { ...waitingSave, fileName: long, personName: `${script} ${"Longname".repeat(12)}`, sizeBytes: 3_400_000_000 },
  { ...waitingSave, fileName: arabic, personName: "محمد عبد الله", isBroken: true },
  { ...waitingSave, fileName: script, sizeBytes: 0 },
];
const adminFacts: AdminFacts = {
  version: "0.1.0",
  startedAtMs: atMs,
  documents: [
    {
      fileId: "f1",
      name: "Meeting notes.docx",
      sessions: [
        { person: { id: "b", name: "Bob" }, permission: "edit", openedAtMs: atMs },
        { person: { id: "c", name: `${script} ${"Longname".repeat(12)}` }, permission: "view", openedAtMs: atMs },
      ],
      lock: { holder: "Bob", expiresAtMs: atMs + 1_800_000 },
      isHeldInDrive: false,
    },
    { fileId: "f2", name: long, sessions: [], lock: { holder: undefined, expiresAtMs: atMs }, isHeldInDrive: false },
    { fileId: "f3", name: undefined, sessions: [], lock: undefined, isHeldInDrive: true },
    { fileId: "f4", name: arabic, sessions: [], lock: { holder: "", expiresAtMs: atMs }, isHeldInDrive: false },
  ],
  moreDocuments: 3,
  saves: [...waitingSaves, { ...waitingSave, id: "u", fileName: undefined, personName: undefined }],
  moreSaves: 0,
  links: {
    counts: { active: 2, expired: 1, revoked: 12 },
    sought: "",
    shown: [
      { link, state: "active" },
      { link: { ...strictLink, maker: `portal:${"intranet".repeat(8)}` }, state: "expired" },
      { link: { ...link, id: "Rev", fileName: script }, state: "revoked" },
    ],
    more: 1,
  },
  errors: [
    {
      text: "a save waits in the spool",
      facts: ["failure=driveUnreachable", `file=${"f".repeat(90)}`],
      isError: false,
      count: 12,
      lastAtMs: atMs,
    },
    { text: "the store can't be reached", facts: [], isError: true, count: 1, lastAtMs: atMs },
  ],
  doctor: {
    runningSinceMs: undefined,
    last: {
      endedAtMs: atMs,
      report: `bridge: settings, store and spool\n  !! store: ${long}\n       change: ${script}\n`,
    },
  },
  done: "stillWaiting",
};
const rights: VisitorRight[] = [
  { person: { id: "a", name: "Bob" }, state: "asked", askedAtMs: atMs },
  { person: { id: "c", name: `${script} ${"Longname".repeat(12)}` }, state: "asked", askedAtMs: atMs - dayMs },
  { person: { id: "b", name: "محمد عبد الله" }, state: "granted", askedAtMs: atMs, answeredAtMs: atMs },
  { person: { id: "d", name: "Carol" }, state: "refused", askedAtMs: atMs, answeredAtMs: atMs },
  { person: { id: "e", name: "Dave" }, state: "takenBack", askedAtMs: atMs, answeredAtMs: atMs },
];
const linkUrl = "https://office.example.com/l/dGhpcyBpcyBhIHNlY3JldCBvZiAyNCBi";
const file = { id: "f1", name: "Meeting notes.docx" };
const save = { version: "v3", atMs, person: { id: "b", name: "Bob" }, linkId: "l1" };
const stored = { sizeBytes: 48_213, storedAt: "2026-11-21T08:15:00Z" };
const nasty = { id: "c", name: `${script} ${"Longname".repeat(12)}` };
const versions = [
  { ...stored, version: "v3", save },
  { ...stored, version: "v2", name: `Sent to the board ${script}`, save: { ...save, person: nasty } },
  { ...stored, version: "v1", save: { ...save, restoredFrom: "v0" } },
  {
    ...stored,
    version: "v0",
    name: "Longname".repeat(10),
    save: { version: "v0", atMs, person: nasty, through: `portal:${long}` },
  },
  { ...stored, version: "v", sizeBytes: 3_400_000_000 },
];
const made = { copyId: "k1", fileId: "f1", atMs, person: save.person, why: "changedInStorage", isGone: false };
const copies = [
  { ...made, name: "Meeting notes (conflict, Bob, 2026-11-21 08.15).docx" },
  { ...made, name: long, person: nasty, isLate: true as const, linkId: "l1" },
  { ...made, name: script, isLate: true as const, isGone: true },
  { ...made, name: arabic, why: "fileMissing" },
];
const side: ComparedSide = { fileId: "f1", version: "v3", storedAt: stored.storedAt, isCurrent: true };
const sides = [side, { ...side, version: "v2", isCurrent: false, name: nasty.name }];
const compared = { file, before: { ...side, version: "v2", isCurrent: false }, after: side, versions: sides };
const noList = { documents: [], asked: { text: "", state: "all", page: 1 }, pages: 1 } as const;
const both = { oauth: true, password: true };
const door = {
  fileName: "Meeting notes.docx",
  ownerName: "Alice",
  permission: "edit",
  asksName: true,
  needsPassword: true,
  action: "/l/c2VjcmV0",
} as const;

const folder: FolderFacts = {
  linkPath: "/l/c2VjcmV0",
  ownerName: "Alice",
  permission: "edit",
  path: [{ id: "f1", name: "Contracts" }],
  entries: entries.filter(({ name }) => name !== "holiday.zip"),
};

const signIn =
  (facts: Omit<SignInFacts, "returnTo">) =>
  (context: PageContext): Page =>
    signInPage(context, { returnTo: "/share?file_id=a&b", ...facts });

const message =
  (kind: MessageKind, sentence?: string) =>
  (context: PageContext): Page =>
    messagePage(context, { kind, ...(sentence === undefined ? {} : { sentence }) });

const told = { $ref: "#/components/schemas/Told" };
const apiDocument: ApiDocument = {
  info: { title: "API", description: `GET /api/files/{id} and \`code\`. ${script}` },
  servers: [{ url: "https://office.example.com/bridge" }],
  tags: [
    { name: "files", description: "GET /api/other leads nowhere" },
    { name: "webhooks", description: long },
  ],
  paths: {
    "/api/files/{id}": {
      get: {
        operationId: "readFile",
        summary: script,
        tags: ["files"],
        parameters: [
          { name: "id", in: "path", required: true, schema: { type: "string", pattern: `^(${long}|x){1,64}$` } },
          { name: "from", in: "query", required: true, description: long, schema: { type: "integer", minimum: 1 } },
        ],
        responses: { 200: { description: "Read", headers: {}, content: { "application/json": { schema: told } } } },
      },
    },
  },
  webhooks: {
    saved: {
      post: {
        operationId: "onSaved",
        summary: "Saved",
        tags: ["webhooks"],
        parameters: [],
        requestBody: { content: { "application/json": { schema: told } } },
        responses: {
          default: {
            description: `fileMissing: File not found.\n${long}`,
            headers: { [long]: { description: arabic, schema: { type: "string" } } },
            content: {},
          },
        },
      },
    },
  },
  components: {
    schemas: {
      Told: {
        type: "object",
        required: ["deep"],
        properties: {
          deep: { type: "array", items: { type: "object", properties: { [long]: { enum: [script, null] } } } },
        },
        examples: [{ deep: [{ [long]: "it's" }] }],
      },
    },
    securitySchemes: { portal: { description: "A key" } },
  },
};

/** Every view with facts as they are and as nobody wants them; a name that begins with `guest` has no person. */
export const pageSamples: Readonly<Record<string, (context: PageContext) => Page>> = {
  guestSignIn: signIn({ ways: both, state: "fresh" }),
  guestSignInOauth: signIn({ ways: { oauth: true, password: false }, state: "signedOut" }),
  guestSignInOauthFailed: signIn({ ways: both, state: "oauthFailed" }),
  guestSignInRefused: signIn({ ways: both, state: "refused", email: "alice@example.com" }),
  guestSignInPassword: signIn({ ways: { oauth: false, password: true }, state: "fresh" }),
  guestSignInCaptcha: signIn({ ways: { oauth: false, password: true }, state: "captcha" }),
  guestSignInTooMany: signIn({ ways: both, state: "tooMany", retryAfterSeconds: 400 }),
  guestSignInNoWay: signIn({ ways: { oauth: false, password: false }, state: "fresh" }),
  guestSecondStepLost: signIn({ ways: { oauth: false, password: true }, state: "secondStepLost" }),
  guestSecondFactor: signIn({ ways: both, state: "secondFactor", secondStepId: "s" }),
  guestSecondFactorRefused: signIn({ ways: both, state: "secondFactorRefused", secondStepId: "s" }),
  guestApiDocs: (context) => apiDocsPage({ ...context, person: undefined }, apiDocument),
  documents: (context) =>
    documentsPage(context, { crumbs: [], entries, next: "page2", opens: (name) => !name.endsWith(".zip"), adding }),
  documentsFound: (context) =>
    documentsPage(context, {
      crumbs: [],
      entries: entries.map((one) => ({ ...one, uri: `cloudreve://my/${encodeURIComponent(arabic)}/x` })),
      people: new Map([
        [entries[2]?.id ?? "", ["Bob"]],
        [entries[3]?.id ?? "", ["Bob", script, "محمد عبد الله", "Chloé", "D"]],
      ]),
      opens: (name) => !name.endsWith(".zip"),
      search: "report <b>",
      told: { kind: "deleted", id: "f1", name: long },
      adding,
    }),
  documentsRecentEmpty: (context) =>
    documentsPage(context, {
      crumbs: [],
      entries: [],
      opens: () => true,
      isRecent: true,
      told: { kind: "inUse", id: "f1", name: script },
      adding: { ...adding, templates: [] },
    }),
  documentsEmpty: (context) =>
    documentsPage(context, { crumbs: [{ name: "Empty" }], entries: [], opens: () => true, adding }),
  deleteFolder: (context) =>
    deleteFolderPage(
      context,
      { id: "f1", name: long, uri: "cloudreve://my/Full" },
      { fileIds: ["a", "b"], isAll: false },
    ),
  rename: (context) => renamePage(context, { id: "f1", kind: "file", name: long }),
  renameRefused: (context) =>
    renamePage(context, { id: "f1", kind: "folder", name: script }, { name: "a/b", sentence: "Not so." }),
  documentsNewRefused: (context) =>
    documentsPage(context, {
      crumbs: [],
      entries,
      opens: () => true,
      adding: { ...adding, templates: [], refused: { type: "xlsx", name: long, sentence: `“${long}” already exists` } },
    }),
  documentsDeep: (context) =>
    documentsPage(context, {
      crumbs: [
        { name: "Contracts", uri: "cloudreve://my/C" },
        { name: long, uri: "cloudreve://my/L" },
        { name: arabic },
      ],
      entries: [],
      folderUri: "cloudreve://my/C/L/A",
      opens: () => true,
    }),
  documentsWaiting: (context) => documentsPage(context, { crumbs: [], entries, waitingSaves: 3, opens: () => true }),
  waitingSaves: (context) => waitingSavesPage(context, { saves: waitingSaves, dismissed: false }),
  admin: (context) => adminPage({ ...context, person: { name: "Alice", isAdministrator: true } }, adminFacts),
  adminNone: (context) =>
    adminPage(context, {
      ...adminFacts,
      documents: [],
      moreDocuments: 0,
      saves: [],
      errors: [],
      links: { counts: { active: 0, expired: 0, revoked: 0 }, sought: long, shown: [], more: 0 },
      doctor: { runningSinceMs: atMs, last: undefined },
      done: "placed",
    }),
  waitingSavesNone: (context) => waitingSavesPage(context, { saves: [], dismissed: true }),
  documentsLocked: (context) =>
    documentsPage(context, { crumbs: [], entries, locked: new Set(entries.map(({ id }) => id)), opens: () => true }),
  versions: (context) =>
    versionsPage(context, { file: { ...file, version: "v3" }, versions, copies, canOpen: true, done: "restored" }),
  versionsEdited: (context) =>
    versionsPage(context, {
      file: { id: "f1", name: long, version: "v3" },
      versions,
      copies: [],
      canOpen: false,
      notRestored: { why: "edited", by: nasty.name },
    }),
  versionsNone: (context) =>
    versionsPage(context, {
      file: { id: "f1", name: script, version: "" },
      versions: [],
      copies: [],
      canOpen: true,
      editedBy: "",
    }),
  compareRows: (context) =>
    comparePage(context, {
      ...compared,
      shown: {
        as: "rows",
        of: "text",
        rows: [
          { is: "folded", lines: 1200 },
          { is: "same", text: `equal ${script}` },
          {
            is: "changed",
            before: [
              { text: "a ", isMarked: false },
              { text: "big", isMarked: true },
            ],
            after: [{ text: long.repeat(3), isMarked: true }],
          },
          { is: "changed", before: undefined, after: [{ text: arabic, isMarked: true }] },
        ],
      },
    }),
  compareFrames: (context) =>
    comparePage(context, {
      ...compared,
      after: { ...side, fileId: "k1", copyName: long },
      shown: { as: "frames", why: "unreadable" },
    }),
  compareNothing: (context) => comparePage(context, { ...compared, shown: { as: "nothing", why: "tooLarge" } }),
  takeOver: (context) => takeOverPage(context, { file, heldBy: "Bob", isDone: false }),
  takeOverNasty: (context) =>
    takeOverPage(context, { file: { id: script, name: long }, heldBy: `${script} ${"Name".repeat(30)}`, isDone: true }),
  takeOverDone: (context) => takeOverPage(context, { file, heldBy: undefined, isDone: true }),
  linkForm: (context) => linkFormPage(context, { file, otherLinks: 2 }),
  linkFormFolder: (context) => linkFormPage(context, { file, isFolder: true, otherLinks: 1 }),
  linkFormNasty: (context) => linkFormPage(context, { file: { id: script, name: long }, otherLinks: 0 }),
  linkFormChange: (context) =>
    linkFormPage(context, { file: { id: "f1", name: script }, link: strictLink, otherLinks: 0 }),
  linkFormError: (context) =>
    linkFormPage(context, {
      file,
      otherLinks: 0,
      values: {
        permission: "view",
        expiresIn: "7",
        removePassword: false,
        note: `\n${script}`,
        askName: false,
        ticked: ["rename", "download", "watermark"],
      },
      error: { field: "note", kind: "tooLong" },
    }),
  linkFormPermissionError: (context) =>
    linkFormPage(context, { file, otherLinks: 0, error: { field: "permission", kind: "invalid" } }),
  linkMade: (context) =>
    linkPage(context, {
      link: { ...strictLink, permission: "edit" },
      visits: [],
      signInEnded: false,
      isNew: true,
      url: linkUrl,
    }),
  linkMail: (context) =>
    linkPage(context, { link, visits: [], signInEnded: false, url: linkUrl, mail: { formId: "f", ...mailFacts } }),
  linkMailAnswers: (context) =>
    linkPage(context, {
      link: strictLink,
      visits: [],
      signInEnded: false,
      url: linkUrl,
      mail: {
        formId: "f",
        report: {
          ...{ linkId: strictLink.id, beganAtMs: atMs, state: "done", to: "", message: script, fault: "wrong" },
          sent: ["bob@example.com"],
          refused: [`${"long.name.".repeat(12)}@${"example.".repeat(8)}com`, script],
          unsure: ["carol@example.com", "dave@example.com"],
          notSent: ["erin@example.com"],
        },
      },
    }),
  linkMailWrong: (context) =>
    linkPage(context, {
      link,
      visits: [],
      signInEnded: false,
      url: linkUrl,
      mail: {
        formId: "f",
        ...mailFacts,
        report: {
          ...{ linkId: link.id, beganAtMs: atMs, state: "odd", odd: [script, "x".repeat(300)] },
          ...{ to: `${script}, ${"x".repeat(300)}`, message: "" },
        },
      },
    }),
  links: (context) =>
    linksPage(context, {
      requestMails: { email: `${"long.name.".repeat(12)}@example.com`, isOff: false },
      ...{ asked: { text: 'No"tes', state: "all", page: 2 }, pages: 3, hasLinks: true, changed: true },
      documents: [
        {
          ...{ name: link.fileName, isFolder: false, isGone: false },
          links: [
            { link, state: "active", visits, url: linkUrl },
            {
              link: { ...link, id: "Zz8", maker: `portal:${script}` },
              state: "signInNeeded",
              visits: [],
              url: linkUrl,
            },
          ],
        },
        {
          ...{ name: long, isFolder: false, isGone: true },
          links: [
            {
              ...{ link: strictLink, state: "active", visits: [], guesses: { count: 1234, lastAtMs: atMs } },
              asked: rights.slice(0, 2),
            },
          ],
        },
        {
          ...{ name: arabic, isFolder: true, isGone: false },
          links: [
            { link: { ...strictLink, id: "Zz7" }, state: "revoked", visits: visits.slice(1) },
            { link: { ...link, id: "Zz6" }, state: "expired", visits: visits.slice(2), url: linkUrl },
          ],
        },
        {
          ...{ name: script, isFolder: false, isGone: false },
          links: [{ link: { ...link, id: "Zz5" }, state: "active", visits: [] }],
        },
      ],
    }),
  linkComment: (context) =>
    linkPage(context, {
      link: { ...link, permission: "comment", restrictions: { ...link.restrictions, download: true, print: true } },
      rights: rights.slice(0, 1),
      visits: [],
      signInEnded: false,
      hasChanged: true,
      url: linkUrl,
    }),
  linksMailsOff: (context) =>
    linksPage(context, {
      ...noList,
      ...{ hasLinks: true, changed: false, requestMails: { email: "alice@example.com", isOff: true } },
    }),
  linksNone: (context) => linksPage(context, { ...noList, hasLinks: false, changed: false }),
  linksNotFound: (context) => linksPage(context, { ...noList, hasLinks: true, changed: false }),
  link: (context) =>
    linkPage(context, { link, visits: visits.slice(0, 2), signInEnded: false, changed: true, url: linkUrl }),
  linkNasty: (context) =>
    linkPage(context, {
      link: strictLink,
      rights,
      visits,
      comments,
      copies,
      guesses: { count: 48, lastAtMs: atMs },
      signInEnded: true,
    }),
  linkFolder: (context) =>
    linkPage(context, { link: { ...link, folder: true, fileName: "Contracts" }, visits, signInEnded: false }),
  linkRevoked: (context) =>
    linkPage(context, { link, end: { because: "revoked", atMs }, visits: [], signInEnded: false }),
  linkExpired: (context) => linkPage(context, { link, end: { because: "expired", atMs }, visits, signInEnded: false }),
  linkGone: (context) => linkPage(context, { link, visits: [], signInEnded: false, isGone: true, url: linkUrl }),
  guestDoor: (context) => visitPage(context, door),
  guestDoorView: (context) =>
    visitPage(context, { ...door, permission: "view", asksName: false, needsPassword: false, fileName: arabic }),
  guestDoorComment: (context) =>
    visitPage(context, { ...door, permission: "comment", needsPassword: false, youMay: "You may view and comment." }),
  guestDoorNasty: (context) =>
    visitPage(context, {
      ...door,
      needsPassword: false,
      fileName: script + long,
      ownerName: `${script} ${"Owner".repeat(30)}`,
      note: strictLink.note ?? "",
      name: `محمد "x" ${script}`,
      error: "passwordWrong",
      expiresAtMs: atMs,
    }),
  guestFolderDoor: (context) => visitPage(context, { ...door, fileName: "Contracts", isFolder: true }),
  guestFolderDoorOpen: (context) =>
    visitPage(context, { ...door, fileName: script, isFolder: true, needsPassword: false, note: "For the board" }),
  guestFolder: (context) => folderPage(context, { ...folder, note: "Please check the figures 🙏", next: "page2" }),
  guestFolderView: (context) => folderPage(context, { ...folder, permission: "view" }),
  guestFolderDeep: (context) =>
    folderPage(context, {
      ...folder,
      ownerName: `${script} ${"Owner".repeat(30)}`,
      path: [
        { id: "f1", name: script },
        { id: "f2", name: long },
        { id: "f3", name: arabic },
      ],
    }),
  guestFolderEmpty: (context) => folderPage(context, { ...folder, entries: [] }),
  guestFolderNoneYet: (context) => folderPage(context, { ...folder, entries: [], next: "page2" }),
  guestDoorTooMany: (context) => visitPage(context, { ...door, error: "tooMany", retryAfterSeconds: 61, name: "Bob" }),
  guestDoorNameMissing: (context) => visitPage(context, { ...door, error: "nameMissing" }),
  guestLinkUnknown: message("linkUnknown"),
  guestLinkRevoked: message("linkRevoked"),
  guestLinkExpired: message("linkExpired"),
  guestFileGone: message("fileGone"),
  guestOwnerSignInEnded: message("ownerSignInEnded"),
  signInEnded: message("signInEnded"),
  signInShort: message("signInShort"),
  notFound: message("notFound"),
  originForeign: message("originForeign"),
  guestTooManyAttempts: message("tooManyAttempts"),
  driveAway: message("driveAway"),
  noEditor: message("noEditor", `Add a WOPI viewer for the extension "${script}" in Cloudreve.`),
  guestUnexpected: message("unexpected"),
  guestTicketUsedFramed: (context) => messagePage(context, { kind: "ticketUsed" }, ["https://portal.example.com"]),
  guestSignInEndedFramed: (context) => messagePage(context, { kind: "signInEnded" }, []),
};
