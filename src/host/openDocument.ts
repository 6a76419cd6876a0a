import { createHash } from "node:crypto";
import { actionUrl } from "../editors/actionUrl.ts";
import type { Editors } from "../editors/discovery.ts";
import type { AccessTokens } from "../http/accessToken.ts";
import {
  type AccessGrant,
  type AccessGrants,
  type Person,
  type Restrictions,
  wopiFileId,
} from "../model/accessGrants.ts";
import type { Drive, DriveFile, DriveTokens, OpenRequest } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";
import type { Clock } from "../model/keyValueStore.ts";

export interface OpenDocumentParts {
  readonly drive: Drive;
  readonly editors: Editors;
  readonly grants: AccessGrants;
  readonly tokens: AccessTokens;
  readonly now: Clock;
  readonly bridgeUrl: string;
  readonly wopiUrl: string;
  readonly grantLifetimeMs: number;
}

export interface DocumentRequest extends OpenRequest {
  readonly tokens: DriveTokens | undefined;
  /** As the portal names the person; undefined = the drive account itself. */
  readonly user: Person | undefined;
  readonly restrictions: Restrictions;
  readonly language: string | undefined;
  readonly theme: "light" | "dark" | undefined;
  readonly issuedTo: string;
}

export interface OpenedSession {
  readonly grant: AccessGrant;
  readonly file: DriveFile;
  readonly accessToken: string;
  readonly hostPageUrl: string;
}

/**
 * Who, which file → a session in the drive → the editor's address → a grant.
 * @throws signInNeeded, fileMissing, noEditor, bodyTooLarge, driveUnreachable
 */
export async function openDocument(parts: OpenDocumentParts, request: DocumentRequest): Promise<OpenedSession> {
  const account = await parts.drive.account(request.tokens);
  const opened = await parts.drive.open(account, request);
  const { document, file } = opened;
  // An old version can be looked at, not changed.
  const permission = document.version === undefined ? request.action : "view";
  const grantEndsAtMs = parts.now() + parts.grantLifetimeMs;
  const grant = await parts.grants.issue({
    document,
    fileName: file.name,
    permission,
    person:
      request.user === undefined
        ? { id: account.userId, name: account.userName }
        : { ...request.user, id: personId(request.issuedTo, request.user.id) },
    ownerId: account.userId,
    restrictions: request.restrictions,
    actionUrl: actionUrl(await freshestAddress(parts.editors, opened.actionUrl, file.name, permission), {
      wopiSrc: `${parts.wopiUrl}/wopi/files/${wopiFileId(document)}`,
      language: request.language,
      theme: request.theme,
    }),
    language: request.language ?? "en-US",
    issuedTo: request.issuedTo,
    // An account that can't renew itself reaches the file as long as the drive's session lives.
    expiresAtMs: account.endsAtMs === undefined ? grantEndsAtMs : Math.min(grantEndsAtMs, opened.expiresAtMs),
  });
  return {
    grant,
    file,
    accessToken: await accessTokenFor(parts.tokens, grant),
    hostPageUrl: `${parts.bridgeUrl}/edit/${await parts.grants.issueTicket(grant.id)}`,
  };
}

export function accessTokenFor(tokens: AccessTokens, grant: AccessGrant): Promise<string> {
  return tokens.sign({ grantId: grant.id, fileId: wopiFileId(grant.document), expiresAtMs: grant.expiresAtMs });
}

/** A portal's ids may hold anything; editors want plain ones that never meet an id of the drive's. */
function personId(portal: string, id: string): string {
  return `p${createHash("sha256").update(`${portal}\n${id}`).digest("hex").slice(0, 20)}`;
}

/**
 * The editor's address: Collabora's path changes with each release, so discovery knows better than what an
 * administrator once imported into Cloudreve. The token is posted there: no origin but a configured editor's.
 */
async function freshestAddress(
  editors: Editors,
  fromDrive: string,
  fileName: string,
  action: "edit" | "view",
): Promise<string> {
  if (!editors.areConfigured) return fromDrive;
  const editor = await editors.behind(fromDrive);
  if (editor === undefined) {
    const { origin } = new URL(fromDrive);
    throw new BridgeError({
      kind: "noEditor",
      sentence: `Cloudreve's viewer names the editor at ${origin}, which none of DISCOVERY_URLS describes: correct one of the two.`,
    });
  }
  const extension = fileName.slice(fileName.lastIndexOf(".") + 1).toLowerCase();
  const { actions } = await editor.current();
  return actions.find((offer) => offer.extension === extension && offer.name === action)?.urlsrc ?? fromDrive;
}
