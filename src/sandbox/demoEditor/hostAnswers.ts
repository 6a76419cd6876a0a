import type { WopiAnswer } from "./wopiClient.ts";

/** What the editor takes from CheckFileInfo; absent flags are false, as real editors assume. */
export interface FileInfo {
  fileName: string;
  shownName: string;
  userId: string;
  userName: string;
  userCanWrite: boolean;
  supportsLocks: boolean;
  canSaveAs: boolean;
  canRename: boolean;
  hidesSave: boolean;
  enableShare: boolean;
  saveAsByMessage: boolean;
  postMessageOrigin: string;
  lastModifiedTime: string;
  /** Where the bytes are read first; empty when the host names none. */
  fileUrl: string;
  /** Of the file's content; empty when the host names none. */
  version: string;
  closesByMessage: boolean;
  notesEdits: boolean;
  printsNot: boolean;
  /** Names of all properties that are true. */
  trueFlags: readonly string[];
}

export type FileInfoAnswer = { info: FileInfo } | { problem: string };

/** How a host's answer to a save reads; only `stored` is good. */
export type SaveAnswer =
  | { kind: "stored"; lastModifiedTime: string }
  | { kind: "conflict" | "expired" | "diskFull" | "failed"; errorMsg: string };

/** The time an editor assumes where a host names none. */
export const unknownTime = "1970-01-01T00:00:00.000000Z";

const errorMsgLimit = 500;

/** @param reads whether this editor looks at a property; the others might as well not be there */
export function readFileInfo({ status, body }: WopiAnswer, reads: (property: string) => boolean): FileInfoAnswer {
  if (status !== 200) return { problem: `The document could not be loaded (CheckFileInfo: ${status}).` };
  const all = jsonObject(body);
  const given = all && Object.fromEntries(Object.entries(all).filter(([property]) => reads(property)));
  if (given === undefined) return { problem: "Unauthorized WOPI host: its CheckFileInfo is not JSON." };
  const fileName = textOf(given, "BaseFileName");
  if (fileName === "" || fileName.includes("/"))
    return { problem: "The document could not be loaded (CheckFileInfo without a usable BaseFileName)." };
  const userId = textOf(given, "UserId");
  return {
    info: {
      fileName,
      shownName: textOf(given, "BreadcrumbDocName") || fileName,
      userId,
      userName: textOf(given, "UserFriendlyName") || `UnknownUser_${userId}`,
      // What a reviewer types, ONLYOFFICE marks as a suggestion; it saves like any change.
      userCanWrite: isTrue(given, "UserCanWrite") || isTrue(given, "UserCanReview"),
      supportsLocks: isTrue(given, "SupportsLocks"),
      // Collabora reads an absent UserCanNotWriteRelative as true.
      canSaveAs: "UserCanNotWriteRelative" in given && !isTrue(given, "UserCanNotWriteRelative"),
      canRename: isTrue(given, "SupportsRename") && isTrue(given, "UserCanRename"),
      hidesSave: isTrue(given, "HideSaveOption"),
      enableShare: isTrue(given, "EnableShare") || isTrue(given, "FileSharingPostMessage"),
      saveAsByMessage: isTrue(given, "SaveAsPostmessage"),
      postMessageOrigin: textOf(given, "PostMessageOrigin"),
      lastModifiedTime: textOf(given, "LastModifiedTime") || unknownTime,
      fileUrl: textOf(given, "FileUrl"),
      version: textOf(given, "Version"),
      closesByMessage: isTrue(given, "ClosePostMessage"),
      notesEdits: isTrue(given, "EditNotificationPostMessage"),
      printsNot: isTrue(given, "DisablePrint") || isTrue(given, "HidePrintOption"),
      trueFlags: Object.keys(given).filter((property) => isTrue(given, property)),
    },
  };
}

/** The table of PutFile answers; `legacy` reads a 404 as the editor of 2020 did. */
export function readSaveAnswer({ status, body }: WopiAnswer, legacy: boolean): SaveAnswer {
  const errorMsg = body.toString("utf8").slice(0, errorMsgLimit);
  switch (status) {
    case 200:
      return { kind: "stored", lastModifiedTime: lastModifiedTimeIn(body) };
    case 409:
      return { kind: "conflict", errorMsg };
    case 401:
    case 403:
      return { kind: "expired", errorMsg };
    case 404:
      return { kind: legacy ? "failed" : "expired", errorMsg };
    case 413:
      return { kind: "diskFull", errorMsg };
    default:
      return { kind: "failed", errorMsg: errorMsg || `status ${status}` };
  }
}

/** The `LastModifiedTime` an answer names, or the time of none. */
export function lastModifiedTimeIn(body: Buffer): string {
  return textOf(jsonObject(body) ?? {}, "LastModifiedTime") || unknownTime;
}

export function jsonObject(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

export function textOf(object: Record<string, unknown>, name: string): string {
  const value = object[name];
  return typeof value === "string" ? value : "";
}

function isTrue(object: Record<string, unknown>, name: string): boolean {
  return object[name] === true || object[name] === "true";
}
