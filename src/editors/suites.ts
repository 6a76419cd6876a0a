import type { LimitedRight } from "../model/documentRight.ts";
import { fileType } from "../model/fileName.ts";

/** Where office suites differ, as data. */
export interface Suite {
  readonly name: "collabora" | "onlyoffice" | "microsoft365" | "app" | "other";
  /** A server of its own stands between the person and us, and signs its calls if its discovery has keys. */
  readonly hasServer: boolean;
  /** A save without a time stamp means "Overwrite": this suite sends the time with every other save. */
  readonly overwritesByOmission: boolean;
  /**
   * Makes a lock id of its own each time it opens a document, which all its users then share, and names each start of its
   * server at /hosting/capabilities.
   */
  readonly locksByOpening: boolean;
  /** Accepts a new token while the document is open. */
  readonly takesFreshTokens: boolean;
  /**
   * Keeps the bytes of an exit save that was not answered 200. As long as CheckFileInfo names the Version that it opened,
   * it shows and saves them in place of the file for whoever comes next.
   */
  readonly keepsUnplacedExitSaves: boolean;
  /** Refreshes the lock of all its users with the token of whoever came last, even if that token has ended. */
  readonly refreshesLockByNewest: boolean;
  /** Takes a form field `docs_api_config`: restrictions that it does not read from CheckFileInfo, and more. */
  readonly takesPageConfig: boolean;
  readonly ignoresWatermark: boolean;
  /**
   * Extensions of files in which it keeps people to less than editing, when CheckFileInfo says so. A release that does
   * not know a right yet shows the document read-only, since UserCanWrite is then false.
   */
  readonly limitsPeople: Readonly<Partial<Record<LimitedRight, ReadonlySet<string>>>>;
  /** Saves when the page sends Action_Save, and reports the result. */
  readonly savesWhenTold: boolean;
  /**
   * Warns before the token's end that was posted with the form, even when the token has been renewed since. Without an
   * end it does not warn; our page renews, and warns by itself.
   */
  readonly warnsAtPostedEnd: boolean;
  /**
   * Doc_ModifiedStatus follows its own server: Modified: false comes before the upload begins, also when that fails.
   */
  readonly tellsLocalSaves: boolean;
  /** Percent-encodes names in its messages to the page. */
  readonly encodesNames: boolean;
  /**
   * How it reads a document from FileUrl. Collabora follows a redirect to any host, and falls back on GetFile; Microsoft's
   * validator follows none. ONLYOFFICE does not fall back, and asks again later for the FileUrl that whoever came first
   * was told, even when that session has ended.
   */
  readonly readsFileUrl: "redirected" | "inPlace" | "never";
  /** Asks the page for a picture (UI_InsertGraphic), and its server fetches it from an address (Action_InsertGraphic). */
  readonly insertsPictures: boolean;
  /** Parameter of its address for a theme, where discovery has no placeholder for it. */
  readonly themeParameter?: (theme: "light" | "dark") => readonly [name: string, value: string];
  /** What the host adds to the editor's address. Our page can close documents, so the editor shows a button for it. */
  readonly parameters: Readonly<Record<string, string>>;
  /** CheckFileInfo properties that only this suite knows; suites ignore unknown ones. */
  readonly extras: Readonly<Record<string, unknown>>;
}

/** Why a session or a link is refused. */
export const noWatermark = "ONLYOFFICE, which opens this file, can't show a watermark: leave it out.";

const texts = ["docx", "docm", "dotx", "doc", "odt", "ott", "rtf"];
const commentable = [
  ...texts,
  ...["xlsx", "xlsm", "xltx", "xls", "ods", "ots"],
  ...["pptx", "pptm", "potx", "ppt", "odp", "otp"],
];

/** An editor without the habits below. */
const plain = {
  hasServer: true,
  overwritesByOmission: false,
  locksByOpening: false,
  takesFreshTokens: false,
  keepsUnplacedExitSaves: false,
  refreshesLockByNewest: false,
  takesPageConfig: false,
  ignoresWatermark: false,
  limitsPeople: {},
  savesWhenTold: true,
  warnsAtPostedEnd: false,
  tellsLocalSaves: false,
  encodesNames: false,
  insertsPictures: false,
  readsFileUrl: "inPlace",
  parameters: {},
  extras: {},
} as const;

const suites: readonly (Suite & { readonly path: RegExp })[] = [
  {
    name: "collabora",
    ...plain,
    path: /\/(browser|loleaflet)\/[^/]+\/(cool|loleaflet)\.html$/,
    overwritesByOmission: true,
    locksByOpening: true,
    takesFreshTokens: true,
    warnsAtPostedEnd: true,
    tellsLocalSaves: true,
    encodesNames: true,
    // Its UserCanOnlyManageRedlines is for deciding on others' suggestions, not for making some.
    limitsPeople: { comment: new Set([...commentable, "pdf"]) },
    insertsPictures: true,
    readsFileUrl: "redirected",
    themeParameter: (theme) => ["ui_defaults", `UITheme=${theme}`],
    parameters: { closebutton: "1" },
    extras: { EnableOwnerTermination: true },
  },
  {
    name: "onlyoffice",
    ...plain,
    path: /\/hosting\/wopi\//,
    keepsUnplacedExitSaves: true,
    refreshesLockByNewest: true,
    takesPageConfig: true,
    ignoresWatermark: true,
    limitsPeople: { comment: new Set(commentable), review: new Set(texts) },
    insertsPictures: true,
    savesWhenTold: false,
    readsFileUrl: "never",
  },
  {
    name: "microsoft365",
    ...plain,
    // Every app has its own path (`/we/…`, `/x/_layouts/…`, `/hosting/WopiTestFrame.aspx`); all end like this.
    path: /\.aspx$/i,
    // No LicenseCheckForEditIsEnabled: nobody tells the bridge which people have a licence (IsLicensedUser in the
    // address), and the check ends at HostEditUrl, which only owners have.
  },
  {
    name: "app",
    ...plain,
    hasServer: false,
    path: /\/wopibootstrapper$/,
  },
];

/** In place of an editor's address, for Office on a phone or desktop: it has none in the web. */
export const appUrl = (wopiUrl: string): string => `${wopiUrl}/wopibootstrapper`;

/** An editor that uses Collabora's headers but not its addresses, such as the sandbox's. */
const other: Suite = {
  name: "other",
  ...plain,
  overwritesByOmission: true,
  takesFreshTokens: true,
  limitsPeople: { comment: new Set(["docx"]) },
  parameters: { closebutton: "1" },
};

/** @param actionUrl the editor's address; its path shows which suite it is */
export function suiteOf(actionUrl: string): Suite {
  const { pathname } = new URL(actionUrl);
  return suites.find(({ path }) => path.test(pathname)) ?? other;
}

/** Whether an editor keeps people to a right in files with this name. */
export function keepsTo(actionUrl: string, right: LimitedRight, fileName: string): boolean {
  return suiteOf(actionUrl).limitsPeople[right]?.has(fileType(fileName) ?? "") === true;
}

/** Identifies an editor's copy of a document. It has one for all its users; two suites may share an origin. */
export function editorKey(actionUrl: string): string {
  return `${suiteOf(actionUrl).name} ${new URL(actionUrl).origin}`;
}

/** @param key as returned by `editorKey` */
export function suiteOfKey(key: string): Suite {
  const name = key.slice(0, key.indexOf(" "));
  return suites.find((suite) => suite.name === name) ?? other;
}

/** @returns the address with the parameters its suite needs; parameters it already has stay as they are */
export function withSuiteParameters(actionUrl: string, theme?: "light" | "dark"): string {
  const url = new URL(actionUrl);
  const { parameters, themeParameter } = suiteOf(actionUrl);
  const themed = theme === undefined ? undefined : themeParameter?.(theme);
  for (const [name, value] of [...Object.entries(parameters), ...(themed === undefined ? [] : [themed])]) {
    if (!url.searchParams.has(name)) url.searchParams.set(name, value);
  }
  return url.href;
}
