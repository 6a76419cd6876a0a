import type { EditorAction, Editors } from "../editors/discovery.ts";
import { completeAddress, openingAddress } from "../editors/openingAddress.ts";
import { editorKey, keepsTo, noWatermark, suiteOf } from "../editors/suites.ts";
import type { AccessTokens } from "../http/accessToken.ts";
import type { EditLink } from "../links/links.ts";
import type { LimitedRight } from "../model/documentRight.ts";
import type { DriveDocument, DriveFile, DriveTokens, OpenRequest } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";
import type { Person } from "../model/person.ts";
import type { Services } from "../services.ts";
import {
  type AccessGrant,
  cameThrough,
  editingEndsAtMs,
  mayConvert,
  type Restrictions,
  rightOf,
  type SaveAsRight,
  wopiFileId,
} from "./grants.ts";

/** An open page renews its grant, but not for ever. */
const longestSessionMs = 7 * 24 * 3_600_000;

type Needs = Pick<
  Services,
  "drive" | "editors" | "grants" | "tokens" | "now" | "bridgeUrl" | "wopiUrl" | "grantLifetimeMs" | "audit"
>;

export interface DocumentRequest extends OpenRequest {
  /** An account whose tokens a portal passed on, one used before, or undefined = the one in the configuration. */
  readonly account: { readonly tokens: DriveTokens } | { readonly named: string } | undefined;
  /** Who edits; undefined = the person behind the drive account. */
  readonly user: Person | undefined;
  readonly link?: Pick<EditLink, "id" | "expiresAtMs">;
  /** With action edit: all that the editor is to allow. Where it does not keep people to that, they view. */
  readonly limitedTo?: LimitedRight;
  readonly restrictions: Restrictions;
  readonly saveAs: SaveAsRight;
  readonly mayRename: boolean;
  /** "folder": the editor also reaches the folders and other files of the account. Never for a link's visitor. */
  readonly scope?: "folder";
  readonly language: string | undefined;
  readonly theme: "light" | "dark" | undefined;
  /** To be viewed inside something else, with nothing around the document. */
  readonly isEmbedded?: boolean;
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
 * From person and file to a session in the drive, the editor's address and a grant.
 * @throws signInNeeded, fileMissing, noEditor (also when the editor ignores a restriction), bodyTooLarge,
 *   driveUnreachable
 */
export async function openDocument(services: Needs, request: DocumentRequest): Promise<OpenedSession> {
  const account =
    request.account !== undefined && "named" in request.account
      ? await services.drive.accountNamed(request.account.named)
      : await services.drive.account(request.account?.tokens);
  const opened = await services.drive.open(account, request);
  const { document, file } = opened;
  // An old version can be viewed, not changed.
  const wished = document.version === undefined ? request.action : "view";
  const { language, theme, isEmbedded = false, limitedTo } = request;
  const saveAs = limitedTo === undefined ? request.saveAs : "none";
  const choices = { wopiSrc: wopiSrc(services.wopiUrl, document), language, theme };
  const actions = await actionsOf(services.editors, opened.actionUrl);
  const addressTo = (permission: "view" | "edit") =>
    openingAddress(actions, {
      fileName: file.name,
      sizeBytes: file.sizeBytes,
      permission,
      // Not known yet: whoever asks may be a portal's server. @see addressForPage
      isPhone: false,
      isEmbedded,
      maySaveAs: mayConvert({ permission, saveAs, ...(request.link && { linkId: request.link.id }) }),
      ...choices,
    }) ?? { actionUrl: completeAddress(opened.actionUrl, choices), permission };
  const best = addressTo(wished);
  const isKept = limitedTo === undefined || keepsTo(best.actionUrl, limitedTo, file.name);
  const { actionUrl, permission } = isKept ? best : addressTo("view");
  const renewableUntilMs = Math.min(
    services.now() + longestSessionMs,
    request.link?.expiresAtMs ?? Number.POSITIVE_INFINITY,
    // An account without a refresh token can access the file only while the drive's session lasts.
    account.endsAtMs === undefined ? Number.POSITIVE_INFINITY : opened.expiresAtMs,
  );
  // Rather not opened than opened without its protection.
  if (request.restrictions.watermark !== undefined && suiteOf(actionUrl).ignoresWatermark) {
    throw new BridgeError({ kind: "noEditor", sentence: noWatermark });
  }
  const issued = services.grants.issueWithTicket({
    document,
    fileName: file.name,
    permission,
    ...(permission === "edit" && limitedTo !== undefined ? { limitedTo } : {}),
    person: request.user ?? { id: account.userId, name: account.userName },
    ownerId: account.userId,
    ...(account.endsAtMs === undefined ? {} : { accountEndsAtMs: account.endsAtMs }),
    restrictions: request.restrictions,
    saveAs,
    mayRename: request.mayRename && limitedTo === undefined,
    ...(request.scope === undefined ? {} : { scope: request.scope }),
    actionUrl,
    opening: {
      isEmbedded,
      ...(language === undefined ? {} : { language }),
      ...(theme === undefined ? {} : { theme }),
    },
    language: language ?? "en-US",
    issuedTo: request.issuedTo,
    ...(request.generation === undefined ? {} : { generation: request.generation }),
    ...(request.link === undefined ? {} : { linkId: request.link.id }),
    expiresAtMs: Math.min(services.now() + services.grantLifetimeMs, renewableUntilMs),
    renewableUntilMs,
  });
  const [{ grant, ticket }] = await Promise.all([issued, opened.kept]);
  const { person } = grant;
  services.audit({
    event: "sessionOpened",
    grant: grant.id,
    file: file.id,
    person: { id: person.id, name: person.name },
    permission: rightOf(grant),
    through: cameThrough(grant),
  });
  return {
    grant,
    file,
    accessToken: await accessTokenFor(services.tokens, grant),
    hostPageUrl: ticketAddress(services.bridgeUrl, ticket),
  };
}

export function accessTokenFor(tokens: AccessTokens, grant: AccessGrant): Promise<string> {
  const { id: grantId, document, expiresAtMs, actionUrl } = grant;
  const { keepsUnplacedExitSaves, refreshesLockByNewest } = suiteOf(actionUrl);
  // A grant that never allowed editing has no saves and no refreshes.
  const isToBeKnown = (keepsUnplacedExitSaves || refreshesLockByNewest) && editingEndsAtMs(grant) !== undefined;
  const editor = isToBeKnown ? { editor: editorKey(actionUrl) } : {};
  return tokens.sign({ grantId, fileId: wopiFileId(document), expiresAtMs, ...editor });
}

/** The address by which an editor identifies a document. */
export function wopiSrc(wopiUrl: string, document: DriveDocument): string {
  return `${wopiUrl}/wopi/files/${wopiFileId(document)}`;
}

/** The WOPISrc of a grant's document, with an access token. */
export async function editorAddress(
  { tokens, wopiUrl }: Pick<Services, "tokens" | "wopiUrl">,
  grant: AccessGrant,
): Promise<string> {
  return `${wopiSrc(wopiUrl, grant.document)}?access_token=${await accessTokenFor(tokens, grant)}`;
}

/** The address of our page around the editor; works once, and for a few minutes when no end is given. */
export async function personAddress(
  { grants, bridgeUrl }: Pick<Services, "grants" | "bridgeUrl">,
  { id }: AccessGrant,
  endsAtMs?: number,
): Promise<string> {
  return ticketAddress(bridgeUrl, await grants.issueTicket(id, endsAtMs));
}

const ticketAddress = (bridgeUrl: string, ticket: string): string => `${bridgeUrl}/edit/${ticket}`;

/**
 * What the editor behind Cloudreve's viewer offers by its own discovery: Collabora's path changes with each release, so
 * what an administrator once imported into Cloudreve may be outdated. The token is posted there, so only the origins of
 * configured editors are accepted.
 * @returns nothing when no editor is configured
 */
async function actionsOf(editors: Editors, fromDrive: string): Promise<readonly EditorAction[]> {
  if (!editors.areConfigured) return [];
  const editor = await editors.behind(fromDrive);
  if (editor === undefined) {
    const { origin } = new URL(fromDrive);
    throw new BridgeError({
      kind: "noEditor",
      sentence: `Cloudreve's viewer names the editor at ${origin}, which none of DISCOVERY_URLS describes: correct one of the two.`,
    });
  }
  return (await editor.current()).actions;
}
