import { actionUrl } from "../editors/actionUrl.ts";
import type { Editors } from "../editors/discovery.ts";
import { withSuiteParameters } from "../editors/suites.ts";
import type { AccessTokens } from "../http/accessToken.ts";
import type { Audit } from "../http/auditLog.ts";
import type { EditLink } from "../links/links.ts";
import type { Drive, DriveFile, DriveTokens, OpenRequest } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";
import type { Clock } from "../model/keyValueStore.ts";
import type { Person } from "../model/person.ts";
import {
  type AccessGrant,
  type AccessGrants,
  cameThrough,
  type Restrictions,
  type SaveAsRight,
  wopiFileId,
} from "./grants.ts";

/** A page that stays open renews its grant, but not for ever. */
const longestSessionMs = 7 * 24 * 3_600_000;

export interface OpenDocumentParts {
  readonly drive: Pick<Drive, "account" | "accountNamed" | "open">;
  readonly editors: Editors;
  readonly grants: AccessGrants;
  readonly tokens: AccessTokens;
  readonly now: Clock;
  readonly bridgeUrl: string;
  readonly wopiUrl: string;
  readonly grantLifetimeMs: number;
  readonly audit: Audit;
}

export interface DocumentRequest extends OpenRequest {
  /** What a portal handed on, an account that has been here before, or undefined = the one of the configuration. */
  readonly account: { readonly tokens: DriveTokens } | { readonly named: string } | undefined;
  /** Who edits; undefined = the person behind the drive account. */
  readonly user: Person | undefined;
  readonly link?: Pick<EditLink, "id" | "expiresAtMs">;
  readonly restrictions: Restrictions;
  readonly saveAs: SaveAsRight;
  readonly mayRename: boolean;
  readonly language: string | undefined;
  readonly theme: "light" | "dark" | undefined;
  readonly issuedTo: string;
  /** Of a person's own sign-in. */
  readonly generation?: string | undefined;
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
  const account =
    request.account !== undefined && "named" in request.account
      ? await parts.drive.accountNamed(request.account.named)
      : await parts.drive.account(request.account?.tokens);
  const opened = await parts.drive.open(account, request);
  const { document, file } = opened;
  // An old version can be looked at, not changed.
  const permission = document.version === undefined ? request.action : "view";
  const renewableUntilMs = Math.min(
    parts.now() + longestSessionMs,
    request.link?.expiresAtMs ?? Number.POSITIVE_INFINITY,
    // An account that can't renew itself reaches the file as long as the drive's session lives.
    account.endsAtMs === undefined ? Number.POSITIVE_INFINITY : opened.expiresAtMs,
  );
  const grant = await parts.grants.issue({
    document,
    fileName: file.name,
    permission,
    person: request.user ?? { id: account.userId, name: account.userName },
    ownerId: account.userId,
    restrictions: request.restrictions,
    saveAs: request.saveAs,
    mayRename: request.mayRename,
    actionUrl: withSuiteParameters(
      actionUrl(await freshestAddress(parts.editors, opened.actionUrl, file.name, permission), {
        wopiSrc: `${parts.wopiUrl}/wopi/files/${wopiFileId(document)}`,
        language: request.language,
        theme: request.theme,
      }),
    ),
    language: request.language ?? "en-US",
    issuedTo: request.issuedTo,
    ...(request.generation === undefined ? {} : { generation: request.generation }),
    ...(request.link === undefined ? {} : { linkId: request.link.id }),
    expiresAtMs: Math.min(parts.now() + parts.grantLifetimeMs, renewableUntilMs),
    renewableUntilMs,
  });
  const { person } = grant;
  parts.audit({
    event: "sessionOpened",
    grant: grant.id,
    file: file.id,
    person: { id: person.id, name: person.name },
    permission,
    through: cameThrough(grant),
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
