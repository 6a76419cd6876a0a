import { type AccessGrant, isOwners, reachesFolders, wopiFileId } from "../documents/grants.ts";
import { mayInsertPictures } from "../documents/pictures.ts";
import { downloadUrl, fileUrl, mayReadOutside } from "../documents/readingAddress.ts";
import { type Suite, suiteOf } from "../editors/suites.ts";
import type { DriveDocument, DriveFile } from "../model/drive.ts";
import type { Services } from "../services.ts";
import { shareUrlTypes } from "./getShareUrl.ts";
import { userInfo } from "./putUserInfo.ts";
import type { WopiOperation } from "./wopiCall.ts";

/**
 * What an editor is told about a file, built from the drive's facts and the grant; each flag is a promise. Never null,
 * no empty URLs, nothing cached across users.
 * @see WOPI CheckFileInfo; reference wopi.md sections 6 and 12
 */
export function checkFileInfo(
  services: Pick<
    Services,
    | "drive"
    | "content"
    | "store"
    | "activity"
    | "locks"
    | "editorIds"
    | "toldVersions"
    | "tokens"
    | "config"
    | "bridgeUrl"
    | "wopiUrl"
    | "editorWatch"
  >,
): WopiOperation {
  return async ({ grant }) => {
    await services.activity.seen(grant, "checkFileInfo");
    services.editorWatch.opened(grant);
    const file = await fileNow(services, grant.document);
    // An old version is recorded under its own id: under the file's id it would push out the live version's record.
    const recorded = { ...file, id: wopiFileId(grant.document) };
    const { lastModifiedTime, sha256 } = await services.content.facts(recorded);
    const canWrite = grant.permission === "edit";
    const kept = await userInfo(services.store, grant);
    const { person, restrictions } = grant;
    const { userId, ownerId } = services.editorIds(grant);
    const suite = suiteOf(grant.actionUrl);
    const shareTypes = shareUrlTypes(grant);
    const dot = file.name.lastIndexOf(".");
    return {
      json: {
        BaseFileName: file.name,
        OwnerId: ownerId,
        Size: file.sizeBytes,
        UserId: userId,
        Version: suite.keepsUnplacedExitSaves
          ? await services.toldVersions.of(wopiFileId(grant.document), file.version)
          : file.version,
        UserFriendlyName: person.name,
        IsAnonymousUser: person.isNameless === true,
        LastModifiedTime: lastModifiedTime,
        ...(dot > 0 ? { FileExtension: file.name.slice(dot) } : {}),
        ...(sha256 === undefined ? {} : { SHA256: sha256 }),
        UniqueContentId: `${wopiFileId(grant.document)}.${file.version}`,
        // In characters without the extension, while the drive's limit is in bytes with it: longer names are refused
        // one by one.
        FileNameMaxLength: 220,
        BreadcrumbDocName: file.name,
        ReadOnly: grant.document.version !== undefined,
        // An editor that does not know a limited right shows the document read-only.
        UserCanWrite: canWrite && grant.limitedTo === undefined,
        ...(canWrite && grant.limitedTo === "comment" ? { UserCanOnlyComment: true } : {}),
        ...(canWrite && grant.limitedTo === "review" ? { UserCanReview: true, SupportsReviewing: true } : {}),
        UserCanRename: canWrite && grant.mayRename,
        // Collabora assumes true when this is absent.
        UserCanNotWriteRelative: !canWrite || grant.saveAs === "none",
        SupportsUpdate: true,
        SupportsLocks: true,
        SupportsGetLock: true,
        SupportsExtendedLockLength: true,
        SupportsRename: grant.mayRename,
        SupportsDeleteFile: canWrite && isOwners(grant),
        SupportsUserInfo: true,
        SupportsAddActivities: canWrite,
        ...(reachesFolders(grant) ? { SupportsContainers: true, SupportsEcosystem: true } : {}),
        ...(kept === undefined ? {} : { UserInfo: kept }),
        ...(await readingAddresses(services, grant, suite)),
        PostMessageOrigin: new URL(services.bridgeUrl).origin,
        ClosePostMessage: true,
        ...hostAddress(services.bridgeUrl, grant),
        ...versionsAddress(services.bridgeUrl, grant),
        ...(grant.person.id === grant.ownerId ? sharing(services.bridgeUrl, grant) : {}),
        ...(shareTypes.length === 0 ? {} : { SupportedShareUrlTypes: shareTypes }),
        ...(mayInsertPictures(grant) ? { EnableInsertRemoteImage: true } : {}),
        EditNotificationPostMessage: true,
        // Collabora reports an error when this is absent.
        IsAdminUser: false,
        ...suite.extras,
        ...userExtraInfo(person.avatarUrl, person.email),
        ...(restrictions.print ? { DisablePrint: true, HidePrintOption: true } : {}),
        ...(restrictions.download
          ? { DisableExport: true, HideExportOption: true, ...(canWrite ? {} : { HideSaveOption: true }) }
          : {}),
        ...(restrictions.copy ? { DisableCopy: true, CopyPasteRestrictions: "CurrentDocumentOnly" } : {}),
        ...(restrictions.watermark === undefined ? {} : { WatermarkText: restrictions.watermark }),
      },
    };
  };
}

/** While a document is locked, nobody else can change it, so its facts are known without asking the drive. */
export async function fileNow(
  { drive, locks }: Pick<Services, "drive" | "locks">,
  document: DriveDocument,
): Promise<DriveFile> {
  const known = document.version === undefined ? await locks.fileUnderLock(document.fileId) : undefined;
  return known ?? drive.stat(document);
}

/** Only the owner can make links. Collabora and Office use different names for the button's properties. */
function sharing(bridgeUrl: string, grant: AccessGrant): object {
  return {
    EnableShare: true,
    FileSharingPostMessage: true,
    FileSharingUrl: `${bridgeUrl}/share?file_id=${grant.document.fileId}`,
  };
}

/**
 * Our page that edits this document, for somebody who is signed in here. A visitor's would be the link, of which we know
 * only the hash, and a portal's is the portal's own. There is no page that only shows a document (HostViewUrl).
 */
function hostAddress(bridgeUrl: string, grant: AccessGrant): object {
  const edits = grant.permission === "edit" && isOwners(grant);
  return edits ? { HostEditUrl: `${bridgeUrl}/open?file_id=${grant.document.fileId}` } : {};
}

/** Our page of the document's versions, for its owner who is signed in here; an old version has none of its own. */
function versionsAddress(bridgeUrl: string, grant: AccessGrant): object {
  if (!isOwners(grant) || grant.document.version !== undefined) return {};
  return { FileVersionUrl: `${bridgeUrl}/versions/${grant.document.fileId}`, FileVersionPostMessage: true };
}

/** Addresses that need no token of their own; none where downloading is forbidden. */
async function readingAddresses(
  services: Pick<Services, "config" | "tokens" | "wopiUrl" | "bridgeUrl">,
  grant: AccessGrant,
  { readsFileUrl }: Suite,
): Promise<object> {
  if (!mayReadOutside(grant)) return {};
  const isDirect =
    services.config.EDITOR_CLOUDREVE_URL !== undefined &&
    readsFileUrl !== "never" &&
    grant.document.version === undefined;
  return {
    DownloadUrl: await downloadUrl(services, grant),
    ...(isDirect ? { FileUrl: await fileUrl(services, grant) } : {}),
  };
}

function userExtraInfo(avatar: string | undefined, mail: string | undefined): object {
  if (avatar === undefined && mail === undefined) return {};
  return {
    UserExtraInfo: { ...(avatar === undefined ? {} : { avatar }), ...(mail === undefined ? {} : { mail }) },
  };
}
