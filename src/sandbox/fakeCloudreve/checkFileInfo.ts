import type { Call } from "./call.ts";
import { formatUri, queryEscape } from "./cloudreveUri.ts";
import { folderPath } from "./fileTree.ts";
import { cutToSeconds } from "./timestamps.ts";
import type { WopiContext, WopiTarget } from "./wopiSession.ts";

/** The native CheckFileInfo. A view session may write, too: nobody remembers the action it was opened with. */
export function checkFileInfo(call: Call, context: WopiContext, target: WopiTarget): Record<string, unknown> {
  const { drive } = call;
  const { caller } = context;
  const { place, file, entity } = target;
  const isOwner = caller?.number === file.ownerNumber;
  const canWrite = isOwner && place.fs === "my" && target.isCurrentVersion;
  // The folder's uri repeats the password of a share.
  const folderUri = formatUri(place.uri, place.names.slice(0, -1));
  return {
    BaseFileName: file.name,
    Version: drive.word("entity", entity?.number ?? 0),
    Size: entity?.size ?? 0,
    BreadcrumbBrandName: drive.siteTitle,
    BreadcrumbBrandUrl: drive.primarySiteUrl,
    BreadcrumbFolderName: folderPath(drive, place, file),
    BreadcrumbFolderUrl: `${drive.primarySiteUrl}/home?path=${queryEscape(folderUri)}`,
    FileSharingPostMessage: isOwner,
    FileVersionPostMessage: true,
    ClosePostMessage: true,
    PostMessageOrigin: "*",
    FileNameMaxLength: 256,
    LastModifiedTime: cutToSeconds(file.updatedAt),
    IsAnonymousUser: caller === undefined,
    UserFriendlyName: caller?.nickname ?? "",
    UserId: drive.word("user", caller?.number ?? 0),
    OwnerId: drive.word("user", file.ownerNumber),
    ReadOnly: !canWrite,
    UserCanRename: false,
    UserCanReview: canWrite,
    UserCanWrite: canWrite,
    UserCanNotWriteRelative: !canWrite,
    SupportsRename: true,
    SupportsReviewing: true,
    SupportsUpdate: false,
    SupportsLocks: true,
    EnableShare: isOwner,
  };
}
