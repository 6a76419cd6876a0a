import { z } from "zod";
import type { DriveCall } from "../client.ts";
import { cloudreveFileSchema, listSchema, urlsSchema } from "../fileApi.ts";
import { pageSchema } from "../folderPage.ts";
import { type OAuthClient, userInfoSchema, userSchema } from "../tokenCalls.ts";
import { folderSchema } from "../uploadSession.ts";
import { viewersSchema } from "../viewerSessions.ts";
import {
  answersPlainly,
  answersWith,
  isNoFile,
  type Judge,
  refusesAsOAuth,
  refusesNatively,
  refusesWith,
} from "./callState.ts";

/** What is known when a probe is sent; undefined = not answered yet, or there is none. */
export interface Known {
  /** A name that no file has. */
  readonly noName: string;
  readonly accessToken?: string | undefined;
  /** Why there is no access token. */
  readonly nobody?: string | undefined;
  readonly userId?: string | undefined;
  /** A file or folder of the account's own, if it has any. */
  readonly entryId?: string | undefined;
  /** An id that Cloudreve accepts as a file's: of that entry, or of the account's root folder. */
  readonly fileId?: string | undefined;
  /** Cloudreve's id for "no version". */
  readonly noVersion?: string | undefined;
  readonly viewerId?: string | undefined;
  readonly hasOAuth?: boolean | undefined;
  readonly oauthClient?: OAuthClient | undefined;
}

export interface Probe {
  /** Method and path without ids, for the report. */
  readonly call: string;
  /** @returns the request, or why it can't be sent when something is unknown */
  question(known: Known): DriveCall | string;
  readonly judge: Judge;
}

export const noAccount = "there is no account to ask in the name of";
const lacking = ({ nobody = "Cloudreve did not tell what it takes to ask" }: Known): string => nobody;
const noOAuth = "Cloudreve knows no OAuth before 4.12";
/** In a format that no id of Cloudreve's has. */
const noId = "contract-guard";
const noUuid = "00000000-0000-0000-0000-000000000000";
const root = "cloudreve://my";
/** A folder that does not exist, and a file in it: no question about them can reach anything. */
const missingUri = ({ noName }: Known): string => `${root}/${noName}/${noName}.docx`;

const named = (ask: (known: Known & { accessToken: string }) => Omit<DriveCall, "accessToken"> | string) => {
  return (known: Known): DriveCall | string => {
    const { accessToken } = known;
    if (accessToken === undefined) return lacking(known);
    const question = ask({ ...known, accessToken });
    return typeof question === "string" ? question : { ...question, accessToken };
  };
};

const native = (below: string) => (known: Known) => {
  if (known.fileId === undefined) return lacking(known);
  const path = `/file/wopi/${encodeURIComponent(known.fileId)}${below}`;
  return { method: "GET", path, query: { access_token: `${noUuid}.x` } } as const;
};

/**
 * The harmless questions: calls that only read, and calls that Cloudreve must refuse before it does anything, each with
 * the answer it gives in 4.0 and in July 2026.
 * @see recordings of the same calls; reference cloudreve-v4 sections 2 to 9
 */
export const contractProbes = {
  ping: {
    call: "GET /site/ping",
    question: () => ({ method: "GET", path: "/site/ping" }),
    judge: answersWith(z.string()),
  },
  list: {
    call: "GET /file",
    question: named(() => ({
      method: "GET",
      path: "/file",
      query: { uri: root, page_size: "1", order_by: "name", order_direction: "asc" },
    })),
    judge: answersWith(pageSchema, listSchema, folderSchema),
  },
  explorer: {
    call: "GET /site/config/explorer",
    question: ({ accessToken }) => ({
      method: "GET",
      path: "/site/config/explorer",
      ...(accessToken === undefined ? {} : { accessToken }),
    }),
    judge: answersWith(viewersSchema),
  },
  me: {
    call: "GET /user/me",
    question: named(() => ({ method: "GET", path: "/user/me" })),
    judge: answersWith(userSchema),
  },
  person: {
    call: "GET /user/info/:id",
    question: (known) =>
      known.userId === undefined
        ? lacking(known)
        : { method: "GET", path: `/user/info/${encodeURIComponent(known.userId)}` },
    judge: answersWith(z.unknown()),
  },
  userInfo: {
    call: "GET /session/oauth/userinfo",
    question: named(({ hasOAuth }) =>
      hasOAuth === true ? { method: "GET", path: "/session/oauth/userinfo" } : noOAuth,
    ),
    judge: answersPlainly(userInfoSchema),
  },
  infoOfEntry: {
    call: "GET /file/info",
    question: named(({ entryId }) =>
      entryId === undefined
        ? "the account has no files yet"
        : { method: "GET", path: "/file/info", query: { id: entryId } },
    ),
    // The listed file may be gone by now; if it was deleted for good, the code is -1.
    judge: (answer) => {
      const isGone = [40_016, -1].some((code) => refusesWith(code)(answer).state === "unchanged");
      return isGone ? { state: "unasked", said: "the file is gone" } : answersWith(cloudreveFileSchema)(answer);
    },
  },
  infoOfMissing: {
    call: "GET /file/info",
    question: named((known) => ({ method: "GET", path: "/file/info", query: { uri: missingUri(known) } })),
    judge: refusesWith(40_016),
  },
  infoOfUnknownId: {
    call: "GET /file/info",
    question: named(() => ({ method: "GET", path: "/file/info", query: { id: noId } })),
    judge: refusesWith(40_001),
  },
  urlOfMissing: {
    call: "POST /file/url",
    question: named((known) => ({ method: "POST", path: "/file/url", json: { uris: [missingUri(known)] } })),
    judge: refusesWith(40_081),
  },
  // The format of a good answer, with an empty entry for the file that is missing; it then has no expiry.
  urlSkipped: {
    call: "POST /file/url",
    question: named((known) => ({
      method: "POST",
      path: "/file/url",
      json: { uris: [missingUri(known)], skip_error: true },
    })),
    judge: answersWith(urlsSchema.pick({ urls: true })),
  },
  brokenDownload: {
    call: "GET /file/content/:id",
    question: () => ({ method: "GET", path: `/file/content/${noId}/0/${noId}.docx`, query: { sign: "x:0" } }),
    judge: isNoFile,
  },
  viewerSession: {
    call: "PUT /file/viewerSession",
    // Cloudreve looks up the viewer before the file.
    question: named((known) =>
      known.viewerId === undefined
        ? "Cloudreve has no viewer"
        : {
            method: "PUT",
            path: "/file/viewerSession",
            json: { uri: missingUri(known), viewer_id: known.viewerId, preferred_action: "edit" },
          },
    ),
    judge: refusesWith(40_016),
  },
  nativeInfo: {
    call: "GET /file/wopi/:id",
    question: native(""),
    judge: refusesNatively,
  },
  nativeContents: {
    call: "GET /file/wopi/:id/contents",
    question: native("/contents"),
    judge: refusesNatively,
  },
  // The root is a folder, so it can never get any content.
  content: {
    call: "PUT /file/content",
    question: named(() => ({ method: "PUT", path: "/file/content", query: { uri: root } })),
    judge: refusesWith(40_004),
  },
  create: {
    call: "POST /file/create",
    question: named(() => ({
      method: "POST",
      path: "/file/create",
      json: { uri: root, type: "file", err_on_conflict: true },
    })),
    judge: refusesWith(40_004),
  },
  rename: {
    call: "POST /file/rename",
    question: named((known) => ({
      method: "POST",
      path: "/file/rename",
      json: { uri: missingUri(known), new_name: `${known.noName}.docx` },
    })),
    judge: refusesWith(40_016),
  },
  // As the bridge asks about a locked file, except that the file is missing too.
  version: {
    call: "POST /file/version/current",
    question: named((known) =>
      known.noVersion === undefined
        ? lacking(known)
        : {
            method: "POST",
            path: "/file/version/current",
            json: { uri: missingUri(known), version: known.noVersion },
          },
    ),
    judge: refusesWith(40_016),
  },
  upload: {
    call: "PUT /file/upload",
    question: named(() => ({
      method: "PUT",
      path: "/file/upload",
      json: { uri: root, size: 1, policy_id: noId, entity_type: "version" },
    })),
    judge: refusesWith(40_001),
  },
  uploadChunk: {
    call: "POST /file/upload/:id",
    question: named(() => ({ method: "POST", path: `/file/upload/${noUuid}/0` })),
    judge: refusesWith(40_011),
  },
  refresh: {
    call: "POST /session/token/refresh",
    question: () => ({ method: "POST", path: "/session/token/refresh", json: { refresh_token: "garbage" } }),
    judge: refusesWith(40_020),
  },
  secondFactor: {
    call: "POST /session/token/2fa",
    question: () => ({ method: "POST", path: "/session/token/2fa", json: { session_id: noUuid, otp: "000000" } }),
    judge: refusesWith(404),
  },
  oauthToken: {
    call: "POST /session/oauth/token",
    question: ({ oauthClient, hasOAuth }) => {
      if (oauthClient === undefined) return "no OAuth client is configured";
      if (hasOAuth !== true) return noOAuth;
      return {
        method: "POST",
        path: "/session/oauth/token",
        form: {
          client_id: oauthClient.clientId,
          client_secret: oauthClient.clientSecret,
          grant_type: "authorization_code",
          code: noId,
          code_verifier: noId,
        },
      };
    },
    judge: refusesAsOAuth(40_020),
  },
} satisfies Readonly<Record<string, Probe>>;
