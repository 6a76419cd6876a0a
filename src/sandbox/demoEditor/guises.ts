export type GuiseName = "plain" | "collabora" | "onlyoffice";

export type HeaderSpelling = "COOL" | "LOOL";

/** A command of the page that only its host can carry out. */
export interface HostButton {
  readonly label: string;
  readonly message: string;
  readonly values?: Readonly<Record<string, unknown>>;
  /** The CheckFileInfo property that shows it; without one it always shows. */
  readonly property?: string;
}

/** How the page talks with the page around it. */
export interface PageHabits {
  /** Messages of the host that the page obeys, beside Host_PostmessageReady. */
  readonly hears: readonly string[];
  /** Messages that the page can send. */
  readonly tells: readonly string[];
  /** Save as does nothing itself: it asks the host for a name and waits for Action_SaveAs. */
  readonly asksHostForName: boolean;
  /** Tells the host of each new file, whether or not it asked to be told. */
  readonly tellsNewFiles: boolean;
  /** The NewName of File_Rename, as encodeURIComponent writes it. */
  readonly encodesNames: boolean;
  /** Says to the person, too, that the session is about to end. */
  readonly warnsOfExpiry: boolean;
  readonly buttons: readonly HostButton[];
}

/** What an office suite does differently from another, as data. Each line was seen at the real one. */
export interface Guise {
  readonly name: GuiseName;
  /** Of X-…-WOPI-* headers. */
  readonly spelling: HeaderSpelling;
  readonly lockIds: "ofTheOpening" | "ofTheFile";
  readonly refreshesLockBy: "LOCK" | "REFRESH_LOCK";
  readonly refreshesLockAs: "lastWriter" | "newestJoiner";
  readonly lockRefreshMs: number;
  /** The token in an Authorization header too, beside the query. */
  readonly sendsBearer: boolean;
  /** X-WOPI-Editors at PutFile. */
  readonly namesEditors: boolean;
  /** CheckFileInfo and LOCK go out as the page is posted, whether or not its script ever connects. */
  readonly asksHostAtPage: boolean;
  /** Takes docs_api_config from the posted form. */
  readonly takesPageConfig: boolean;
  /** Names of the page's query in lower case, also where they go on to the host. */
  readonly lowerCasesNames: boolean;
  /** Begins a document by a WebSocket's `load url=…`, and asks the host for whoever sends it. */
  readonly loadsBySocket: boolean;
  /** /hosting/capabilities names the server: another one at each start. */
  readonly namesServer: boolean;
  /** Whether the editor looks at a property of CheckFileInfo at all. */
  readonly reads: (property: string) => boolean;
  /** Where a FileUrl was told but can't be read, it does not ask GetFile. */
  readonly readsFileUrlOnly: boolean;
  /** Saves by itself while people are there, and takes Save for a save. Without: at the end, or by forced save. */
  readonly savesMeanwhile: boolean;
  /** How often a failed upload is tried in all, every `retryMs`. */
  readonly uploadTries: number;
  readonly retryMs: number;
  /** From the last person's leaving to the last save. */
  readonly exitDelayMs: number;
  /** Until when the page calls the document modified: its own server has it, the host has it, or the host said anything. */
  readonly modifiedUntil: "localSave" | "stored" | "answered";
  /** Tells people of refused saves and shows the dialog of a conflict; without, nobody learns of it. */
  readonly tellsRefusals: boolean;
  /** Bytes of an exit save are kept under the document's key, and opened in place of the file. */
  readonly keepsExitSaves: boolean;
  /** A fresh token moves the moment of "your session expires". */
  readonly renewalMovesExpiry: boolean;
  readonly tellsRenameTo: "everybody" | "asker";
  /** Complains in its log of a LastModifiedTime without a fraction. */
  readonly wantsFractions: boolean;
  readonly page: PageHabits;
}

const collaboraHears = [
  "Action_Save",
  "Action_SaveAs",
  "Action_InsertGraphic",
  "Action_Close",
  "Get_Views",
  "Grab_Focus",
  "Insert_Button",
  "Reset_Access_Token",
];

const collaboraTells = [
  "App_LoadingStatus",
  "Views_List",
  "Get_Views_Resp",
  "Doc_ModifiedStatus",
  "Action_Save_Resp",
  "UI_SaveAs",
  "UI_Share",
  "UI_Close",
  "File_Rename",
  "App_TokenExpiring",
  "Session_Closed",
  "Clicked_Button",
];

const collaboraButtons: readonly HostButton[] = [
  { label: "Export as PDF", message: "UI_SaveAs", values: { format: "pdf" } },
  { label: "New document", message: "UI_CreateFile", values: { DocumentType: "text" } },
  { label: "Insert picture", message: "UI_InsertGraphic", property: "EnableInsertRemoteImage" },
];

const onlyofficeButtons: readonly HostButton[] = [
  { label: "Version history", message: "UI_FileVersions", property: "FileVersionPostMessage" },
  { label: "Edit", message: "UI_Edit", property: "EditModePostMessage" },
  { label: "Insert picture", message: "UI_InsertGraphic", property: "EnableInsertRemoteImage" },
];

const onlyofficeReads = new Set([
  ...["BaseFileName", "FileExtension", "Size", "Version", "LastModifiedTime", "UserId", "UserFriendlyName"],
  ...["IsAnonymousUser", "ReadOnly", "UserCanWrite", "UserCanRename", "UserCanNotWriteRelative", "UserCanReview"],
  ...["UserCanOnlyComment", "SupportsReviewing", "SupportsUpdate", "SupportsLocks", "SupportsRename"],
  ...["FileNameMaxLength", "HostEditUrl", "EditModePostMessage", "EditNotificationPostMessage", "FileVersionUrl"],
  ...["FileVersionPostMessage", "CloseUrl", "ClosePostMessage", "DisablePrint", "HidePrintOption"],
  ...["CopyPasteRestrictions", "EnableInsertRemoteImage", "TemplateSource", "FileUrl", "PostMessageOrigin"],
]);

const plain: Guise = {
  name: "plain",
  spelling: "COOL",
  lockIds: "ofTheOpening",
  refreshesLockBy: "LOCK",
  refreshesLockAs: "lastWriter",
  lockRefreshMs: 15 * 60_000,
  sendsBearer: true,
  namesEditors: false,
  asksHostAtPage: false,
  takesPageConfig: false,
  lowerCasesNames: false,
  loadsBySocket: false,
  namesServer: false,
  reads: (property) => !isOnlyofficesOwn(property),
  readsFileUrlOnly: false,
  savesMeanwhile: true,
  uploadTries: 1,
  retryMs: 0,
  exitDelayMs: 0,
  modifiedUntil: "stored",
  tellsRefusals: true,
  keepsExitSaves: false,
  renewalMovesExpiry: true,
  tellsRenameTo: "everybody",
  wantsFractions: false,
  page: {
    hears: collaboraHears,
    tells: collaboraTells,
    asksHostForName: false,
    tellsNewFiles: false,
    encodesNames: false,
    warnsOfExpiry: false,
    buttons: [],
  },
};

/** What the demo editor can pass for. `plain` is none of the real ones: Collabora's protocol at its kindest. */
export const guises: Readonly<Record<GuiseName, Guise>> = {
  plain,
  collabora: {
    ...plain,
    name: "collabora",
    loadsBySocket: true,
    namesServer: true,
    // As coolwsd.xml has them: limit_store_failures, min_time_between_uploads_ms.
    uploadTries: 5,
    retryMs: 5_000,
    modifiedUntil: "localSave",
    renewalMovesExpiry: false,
    tellsRenameTo: "asker",
    wantsFractions: true,
    page: {
      hears: collaboraHears,
      tells: [...collaboraTells, ...collaboraButtons.map(({ message }) => message)],
      asksHostForName: true,
      tellsNewFiles: true,
      encodesNames: true,
      warnsOfExpiry: true,
      buttons: collaboraButtons,
    },
  },
  onlyoffice: {
    name: "onlyoffice",
    spelling: "LOOL",
    lockIds: "ofTheFile",
    refreshesLockBy: "REFRESH_LOCK",
    refreshesLockAs: "newestJoiner",
    lockRefreshMs: 10 * 60_000,
    sendsBearer: false,
    namesEditors: true,
    asksHostAtPage: true,
    takesPageConfig: true,
    lowerCasesNames: true,
    loadsBySocket: false,
    namesServer: false,
    reads: (property) => onlyofficeReads.has(property) || /^(FileSharing|Breadcrumb)/.test(property),
    readsFileUrlOnly: true,
    savesMeanwhile: false,
    uploadTries: 1,
    retryMs: 0,
    // "Plus some seconds": services.CoAuthoring.server.savetimeoutdelay.
    exitDelayMs: 5_000,
    modifiedUntil: "answered",
    tellsRefusals: false,
    keepsExitSaves: true,
    renewalMovesExpiry: false,
    tellsRenameTo: "everybody",
    wantsFractions: false,
    page: {
      hears: ["Blur_Focus", "Grab_Focus", "Action_InsertGraphic"],
      tells: [
        "App_LoadingStatus",
        "Edit_Notification",
        "File_Rename",
        "UI_Close",
        "UI_Sharing",
        ...onlyofficeButtons.map(({ message }) => message),
      ],
      asksHostForName: false,
      tellsNewFiles: false,
      encodesNames: false,
      warnsOfExpiry: false,
      buttons: onlyofficeButtons,
    },
  },
};

function isOnlyofficesOwn(property: string): boolean {
  return /^(FileSharing|UserCanReview|EditModePostMessage|EditNotification|FileVersion|Close)/.test(property);
}
