import { type DocumentRight, openedWith } from "../model/documentRight.ts";
import type { DriveAccount, OpenRequest } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { type LinkTarget, linkTarget } from "./folderLink.ts";
import { optionsInRow } from "./linkOptions.ts";
import { hashPassword } from "./linkPassword.ts";
import type { EditLink, LinkChanges, LinkRestrictions } from "./links.ts";
import type { AnswerToVisitor, VisitorRight } from "./visitorRights.ts";

type Needs = Pick<Services, "drive" | "editors" | "links" | "linkAddresses" | "now" | "bridgeUrl" | "audit">;

/** What can be chosen for a link; undefined leaves a value unchanged, null removes it. */
export interface LinkWishes {
  readonly permission?: DocumentRight;
  readonly expiresAtMs?: number | null;
  readonly password?: string | null;
  readonly note?: string | null;
  readonly asksName?: boolean;
  readonly mayRename?: boolean;
  readonly restrictions?: LinkRestrictions;
}

/** What is settled when a link is made. */
interface NewLink extends LinkWishes {
  readonly permission: DocumentRight;
  readonly sharedFor?: NonNullable<EditLink["sharedFor"]>;
}

/**
 * Creates a link to a file or folder this account owns.
 * @param maker who can list, change and revoke it
 * @returns the link with its address, which the store keeps encrypted
 * @throws fileMissing; requestInvalid when the account can't act for as long as the link lives, or the editor ignores a
 *   restriction
 */
export async function makeLink(
  services: Needs,
  account: DriveAccount,
  target: OpenRequest["target"],
  maker: string,
  wishes: NewLink,
): Promise<{ link: EditLink; url: string; file: LinkTarget["file"] }> {
  if (account.endsAtMs !== undefined) {
    const message = "is required: an access token alone expires within an hour, and the link would end with it";
    throw new BridgeError({ kind: "requestInvalid", issues: [{ field: "X-Cloudreve-Refresh-Token", message }] });
  }
  const { file, isFolder } = await linkTarget(services, account.account, target);
  const { password, expiresAtMs, note, sharedFor } = wishes;
  const byDefault = optionsInRow([]);
  requireFuture(services, expiresAtMs);
  // Of a folder's documents, each is asked about when it is opened.
  if (!isFolder) requireKept(services, file.name, wishes.restrictions);
  await requireKeptTo(services, isFolder ? undefined : file.name, wishes.permission);
  const { link, secret } = await services.links.make({
    account: account.account,
    owner: { id: account.userId, name: account.userName },
    fileId: file.id,
    fileName: file.name,
    ...(isFolder ? { folder: true } : {}),
    permission: wishes.permission,
    asksName: wishes.asksName ?? true,
    mayRename: wishes.mayRename ?? byDefault.mayRename,
    restrictions: wishes.restrictions ?? byDefault.restrictions,
    maker,
    ...(expiresAtMs ? { expiresAtMs } : {}),
    ...(password ? { passwordHash: await hashPassword(password) } : {}),
    ...(note ? { note } : {}),
    ...(sharedFor === undefined ? {} : { sharedFor }),
  });
  await services.linkAddresses.keep(link, secret);
  services.audit({ event: "linkMade", link: link.id, file: file.id, by: maker, permission: link.permission });
  return { link, url: linkUrl(services.bridgeUrl, secret), file };
}

/** @returns the changed link @throws linkUnknown as `linkOf`, linkEnded when it has been revoked */
export async function changeLink(services: Needs, maker: string, id: string, wishes: LinkWishes): Promise<EditLink> {
  const link = await linkOf(services, maker, id);
  requireFuture(services, wishes.expiresAtMs);
  const fileName = link.folder === true ? undefined : link.fileName;
  if (fileName !== undefined) requireKept(services, fileName, wishes.restrictions);
  // What the link has already may be sent back with every form.
  if (wishes.permission !== link.permission) await requireKeptTo(services, fileName, wishes.permission);
  const { password, ...rest } = wishes;
  const changes: LinkChanges = {
    ...rest,
    ...(password === undefined ? {} : { passwordHash: password === null ? null : await hashPassword(password) }),
  };
  const changed = await services.links.change(link.id, changes);
  if (changed === undefined) throw new BridgeError({ kind: "linkEnded", because: "revoked" });
  services.audit({ event: "linkChanged", link: link.id, file: link.fileId, by: maker });
  return changed;
}

/** Ends a link for good; revoking twice does no harm. @throws linkUnknown as `linkOf` */
export async function revokeLink(services: Needs, maker: string, id: string): Promise<EditLink> {
  const link = await linkOf(services, maker, id);
  const revoked = await services.links.revoke(link.id);
  if (revoked !== undefined) services.audit({ event: "linkRevoked", link: link.id, file: link.fileId, by: maker });
  return revoked ?? link;
}

/**
 * Answers a visitor who asked to edit.
 * @param seenAtMs as in `VisitorRights.answer`
 * @returns the request afterwards; undefined when it had changed, or there was none
 * @throws linkEnded
 */
export async function answerVisitor(
  services: Pick<Services, "visitorRights" | "audit"> & Parameters<typeof releaseLocks>[0],
  link: EditLink,
  { personId, answer, seenAtMs }: { personId: string; answer: AnswerToVisitor; seenAtMs: number },
  by: string,
): Promise<VisitorRight | undefined> {
  const answered = await services.visitorRights.answer(link.id, personId, answer, seenAtMs);
  if (answered === undefined) return undefined;
  const facts = { link: link.id, file: link.fileId, person: answered.person, by };
  services.audit({ event: "accessAnswered", answer, ...facts });
  if (answer === "takeBack") await releaseLocks(services, link);
  return answered;
}

/** Releases locks that only visitors of this link needed, after it has ended or lost permissions. */
export async function releaseLocks(
  services: Pick<Services, "sessionsEnded" | "manySessionsEnded">,
  link: EditLink,
): Promise<void> {
  // Which documents of a folder they have open is not known.
  if (link.folder === true) services.manySessionsEnded();
  else await services.sessionsEnded(link.fileId);
}

/**
 * A link that this maker made, or that leads to this person's document: a portal made it for them.
 * @throws linkUnknown
 */
export async function linkOf(services: Needs, maker: string, id: string): Promise<EditLink> {
  const link = await services.links.find(id);
  if (link !== undefined && (link.maker === maker || `person:${link.owner.id}` === maker)) return link;
  throw new BridgeError({ kind: "linkUnknown" });
}

/** @returns a link's full address; undefined for one whose address was never kept, or under another SECRET */
export async function addressOf(
  { linkAddresses, bridgeUrl }: Pick<Services, "linkAddresses" | "bridgeUrl">,
  { id }: EditLink,
): Promise<string | undefined> {
  const secret = await linkAddresses.secretOf(id);
  return secret === undefined ? undefined : linkUrl(bridgeUrl, secret);
}

function linkUrl(bridgeUrl: string, secret: string): string {
  return `${bridgeUrl}/l/${secret}`;
}

/** The bridge promises nothing that the file's editor is known to ignore. @throws requestInvalid */
function requireKept({ editors }: Needs, fileName: string, restrictions: LinkRestrictions | undefined): void {
  const message = restrictions?.watermark === true ? editors.whyNoWatermark(fileName) : undefined;
  if (message === undefined) return;
  throw new BridgeError({ kind: "requestInvalid", issues: [{ field: "options.watermark", message }] });
}

/** The same for a right that only an editor can keep people to. @param fileName of a file @throws requestInvalid */
async function requireKeptTo(
  { editors }: Needs,
  fileName: string | undefined,
  permission: DocumentRight | undefined,
): Promise<void> {
  const limitedTo = permission === undefined ? undefined : openedWith(permission).limitedTo;
  if (limitedTo === undefined || (await editors.keepTo(limitedTo, fileName))) return;
  const message = `can't be ${limitedTo}: no configured editor keeps people to that in this file`;
  throw new BridgeError({ kind: "requestInvalid", issues: [{ field: "permission", message }] });
}

function requireFuture({ now }: Needs, expiresAtMs: number | null | undefined): void {
  if (expiresAtMs === undefined || expiresAtMs === null || expiresAtMs > now()) return;
  throw new BridgeError({
    kind: "requestInvalid",
    issues: [{ field: "expires_at", message: "must be in the future" }],
  });
}
