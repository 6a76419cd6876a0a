/** Where office suites differ, as data. */
export interface Suite {
  readonly name: "collabora" | "onlyoffice" | "microsoft365" | "other";
  /** A save without a time stamp means "Overwrite": the suite sends the time in every other one. */
  readonly overwritesByOmission: boolean;
  /** Understands a fresh token while the document stays open. */
  readonly takesFreshTokens: boolean;
  /** What the host adds to the editor's address: our page can close, so the editor shows the button for it. */
  readonly parameters: Readonly<Record<string, string>>;
  /** CheckFileInfo properties that only this suite knows; what it does not know it ignores. */
  readonly extras: Readonly<Record<string, unknown>>;
}

const suites: readonly (Suite & { readonly path: RegExp })[] = [
  {
    name: "collabora",
    path: /\/(browser|loleaflet)\/[^/]+\/(cool|loleaflet)\.html$/,
    overwritesByOmission: true,
    takesFreshTokens: true,
    parameters: { closebutton: "1" },
    extras: { EnableOwnerTermination: true },
  },
  {
    name: "onlyoffice",
    path: /\/hosting\/wopi\//,
    overwritesByOmission: false,
    takesFreshTokens: false,
    parameters: {},
    extras: {},
  },
  {
    name: "microsoft365",
    // Every app has a path of its own (`/we/…`, `/x/_layouts/…`, `/hosting/WopiTestFrame.aspx`); all end like this.
    path: /\.aspx$/i,
    overwritesByOmission: false,
    takesFreshTokens: false,
    parameters: {},
    extras: { LicenseCheckForEditIsEnabled: true },
  },
];

/** An editor that speaks Collabora's headers without being at its address, such as the sandbox's. */
const other: Suite = {
  name: "other",
  overwritesByOmission: true,
  takesFreshTokens: true,
  parameters: { closebutton: "1" },
  extras: {},
};

/** @param actionUrl the editor's address, by whose path the suites can be told apart */
export function suiteOf(actionUrl: string): Suite {
  const { pathname } = new URL(actionUrl);
  return suites.find(({ path }) => path.test(pathname)) ?? other;
}

/** Whose copy of a document it is: one editor keeps one for all its users, and two suites may share an origin. */
export function editorKey(actionUrl: string): string {
  return `${suiteOf(actionUrl).name} ${new URL(actionUrl).origin}`;
}

/** @returns the address with what its suite is told by the host; what it says already stays */
export function withSuiteParameters(actionUrl: string): string {
  const url = new URL(actionUrl);
  for (const [name, value] of Object.entries(suiteOf(actionUrl).parameters)) {
    if (!url.searchParams.has(name)) url.searchParams.set(name, value);
  }
  return url.href;
}
