// The messages that editors can send to the page around them, and what becomes of each.

/** What the page itself says to an editor. */
export const hostMessages = [
  "Host_PostmessageReady",
  "Action_Save",
  "Action_SaveAs",
  "Action_InsertGraphic",
  "Grab_Focus",
  "Reset_Access_Token",
] as const;
export type HostMessage = (typeof hostMessages)[number];

/**
 * - `answered`: `hostPage.ts` does something
 * - `property`, `parameter`, `message`: never sent, as long as CheckFileInfo lacks this property, the editor's address
 *   this parameter, or the page never says this message
 * - `nothing`: needs no answer, because …
 */
type Treatment =
  | "answered"
  | { readonly property: string }
  | { readonly parameter: string }
  | { readonly message: string }
  | { readonly nothing: string };

const news = { nothing: "news that the page has no use for" } as const;
const byItself = { nothing: "the editor does it by itself" } as const;
const deprecated = { nothing: "the older name of a message that comes too" } as const;

export const editorMessages = {
  /** As of 2026; earlier versions send fewer. */
  collabora: {
    App_LoadingStatus: "answered",
    Action_Load_Resp: "answered",
    Action_Save_Resp: "answered",
    App_TokenExpiring: "answered",
    App_TokenExpired: "answered",
    Doc_ModifiedStatus: "answered",
    File_Rename: "answered",
    Session_Closed: "answered",
    UI_Cancel_Password: "answered",
    UI_Close: "answered",
    UI_CreateFile: "answered",
    UI_InsertGraphic: "answered",
    UI_SaveAs: "answered",
    UI_Share: "answered",

    UI_FileVersions: { parameter: "revisionhistory" },
    "rev-history": { parameter: "revisionhistory" },
    UI_InsertFile: { property: "EnableInsertRemoteFile" },
    UI_InsertAIContent: { property: "EnableRemoteAIContent" },
    UI_PickLink: { property: "EnableRemoteLinkPicker" },
    Action_GetLinkPreview: { property: "EnableRemoteLinkPicker" },
    Download_As: { property: "DownloadAsPostMessage" },
    Clicked_Button: { message: "Insert_Button" },
    Clicked_ContextualButton: { message: "Insert_ContextualButton" },
    Action_ChangeUIMode_Resp: { message: "Action_ChangeUIMode" },
    Action_Copy_Resp: { message: "Action_Copy" },
    Action_GoToComment_Resp: { message: "Action_GoToComment" },
    Action_GoToPage_Resp: { message: "Action_GoToPage" },
    App_VersionRestore: { message: "Host_VersionRestore" },
    "CallPythonScript-Result": { message: "CallPythonScript" },
    Get_Comments_Resp: { message: "Get_Comments" },
    Get_Export_Formats_Resp: { message: "Get_Export_Formats" },
    Get_User_State_Resp: { message: "Get_User_State" },
    Get_Views_Resp: { message: "Get_Views" },

    UI_Hyperlink: byItself,
    UI_OpenDocument: { nothing: "a keystroke; documents are opened from the drive" },
    UI_Mention: { nothing: "no property invites it; without a list of people, the editor offers none" },
    UI_Paste: { nothing: "the editor tells the person which keys paste" },
    UI_Save: byItself,
    UI_ZoteroKeyMissing: { nothing: "the editor says so" },
    Clicked_Comment: news,
    Doc_PartChanged: news,
    Doc_Title: news,
    FollowUser_Changed: news,
    Inserted_Comment: news,
    Reloading: news,
    User_Active: news,
    User_Idle: news,
    View_Added: news,
    View_Removed: news,
    Views_List: news,
    close: deprecated,
    loading: deprecated,
  },
  onlyoffice: {
    App_LoadingStatus: "answered",
    Edit_Notification: "answered",
    File_Rename: "answered",
    UI_Close: "answered",
    UI_FileVersions: "answered",
    UI_InsertGraphic: "answered",
    UI_Sharing: "answered",

    UI_Edit: { property: "EditModePostMessage" },
  },
  microsoft365: {
    App_LoadingStatus: "answered",
    Edit_Notification: "answered",
    File_Rename: "answered",
    UI_Close: "answered",
    UI_FileVersions: "answered",
    UI_Sharing: "answered",

    App_PushState: { property: "AppStateHistoryPostMessage" },
    UI_Edit: { property: "EditModePostMessage" },
    UI_FileEmbed: { property: "FileEmbedCommandPostMessage" },
    UI_Workflow: { property: "WorkflowPostMessage" },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Treatment>>>>;

type AnsweredIn<Messages> = {
  [Name in keyof Messages]: Messages[Name] extends "answered" ? Name : never;
}[keyof Messages];

/** Every message that the page answers; TypeScript holds `hostPage.ts` to it. */
export type AnsweredMessage = {
  [Suite in keyof typeof editorMessages]: AnsweredIn<(typeof editorMessages)[Suite]>;
}[keyof typeof editorMessages];
