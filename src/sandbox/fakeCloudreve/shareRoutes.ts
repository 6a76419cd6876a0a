import { randomBytes } from "node:crypto";
import { type Call, type Route, readFields, requireUser, sendData } from "./call.ts";
import { formatUri, queryEscape } from "./cloudreveUri.ts";
import { DriveError, invalidParameter } from "./driveError.ts";
import type { FileRecord, ShareRecord } from "./driveState.ts";
import { type Caller, findFile, findPlace, findShare, realNames } from "./places.ts";
import { otherUserObject } from "./userRoutes.ts";

/** Share links: read-only for everybody, whoever made them. */
export const shareRoutes: readonly Route[] = [
  { method: "PUT", path: "/api/v4/share", run: create },
  { method: "GET", path: "/api/v4/share", run: listOwn },
  { method: "GET", path: "/api/v4/share/info/:id", run: info },
  { method: "POST", path: "/api/v4/share/:id", run: edit },
  { method: "DELETE", path: "/api/v4/share/:id", run: remove },
  { method: "GET", path: "/s/:id", run: redirect, isPage: true },
  { method: "GET", path: "/s/:id/:password", run: redirect, isPage: true },
];

async function create(call: Call): Promise<void> {
  const { drive } = call;
  const fields = await readFields(call);
  const uri = fields.text("uri", "Uri");
  const password = fields.optionalText("password");
  if (!/^[A-Za-z0-9]{0,32}$/.test(password)) throw invalidParameter("Invalid parameters.");
  const owner = requireUser(call);
  const file = findShareable(call, uri);
  const expireSeconds = fields.number("expire") ?? 0;
  const downloads = fields.number("downloads") ?? 0;
  const share: ShareRecord = {
    number: drive.state.nextNumber("share"),
    ownerNumber: owner.number,
    fileNumber: file.number,
    password: fields.flag("is_private") ? password || generatePassword() : "",
    createdAt: drive.stamps.next(),
    views: 0,
    ...(expireSeconds > 0 ? { expiresAtMs: drive.now() + expireSeconds * 1000 } : {}),
    ...(downloads > 0 ? { remainingDownloads: downloads } : {}),
  };
  drive.state.shares.set(share.number, share);
  await drive.state.save();
  sendData(call, linkOf(call, share));
}

function info(call: Call): void {
  const { drive, caller, query } = call;
  const share = readShare(call);
  if (!share) throw new DriveError(40001, "Failed to parse object ID");
  findShare(drive, call.params.get("id") ?? "");
  const isOwner = caller?.number === share.ownerNumber;
  const isUnlocked = share.password === "" || query.get("password") === share.password || isOwner;
  const shown = shareObject(call, share, caller, isUnlocked);
  if (query.get("count_views") === "true") share.views += 1;
  const file = drive.state.files.get(share.fileNumber);
  const withSource = isOwner && query.get("owner_extended") === "true" && file;
  sendData(call, withSource ? { ...shown, source_uri: sourceUri(call, file) } : shown);
}

function listOwn(call: Call): void {
  const { drive } = call;
  const owner = requireUser(call);
  const shares = [...drive.state.shares.values()].filter((share) => share.ownerNumber === owner.number);
  const pageSize = Number(call.query.get("page_size") ?? 0);
  if (pageSize < 10) throw invalidParameter("PageSize too short");
  sendData(call, {
    shares: shares.slice(0, pageSize).map((share) => ({
      ...shareObject(call, share, owner, true),
      ...(share.password === "" ? {} : { is_private: true }),
    })),
    pagination: { page: 0, page_size: pageSize, is_cursor: true },
  });
}

// A new password in an edit is not taken over.
async function edit(call: Call): Promise<void> {
  const { drive } = call;
  const fields = await readFields(call);
  const uri = fields.text("uri", "Uri");
  const owner = requireUser(call);
  const share = readShare(call);
  if (share?.ownerNumber !== owner.number) throw new DriveError(404, "share link not found");
  findShareable(call, uri);
  await drive.state.save();
  sendData(call, linkOf(call, share));
}

async function remove(call: Call): Promise<void> {
  const { drive } = call;
  const owner = requireUser(call);
  const share = readShare(call);
  if (share?.ownerNumber !== owner.number) throw new DriveError(404, "share not found");
  drive.state.shares.delete(share.number);
  await drive.state.save();
  sendData(call);
}

function redirect(call: Call): void {
  const { params, response } = call;
  const uri = formatUri({ fs: "share", id: params.get("id") ?? "", password: params.get("password") ?? "" }, []);
  const location = `/home?path=${queryEscape(uri.slice(0, -1))}`;
  const page = `<a href="${location}">Found</a>.\n\n`;
  response.writeHead(302, {
    "Content-Type": "text/html; charset=utf-8",
    Location: location,
    "Content-Length": page.length,
  });
  response.end(page);
}

function findShareable(call: Call, uri: string): FileRecord {
  try {
    const place = findPlace(call.drive, call.caller, uri);
    const file = findFile(call.drive, place);
    if (place.fs !== "my") throw new DriveError(403, "src file not found");
    return file;
  } catch (error) {
    if (error instanceof DriveError && error.code > 0) throw new DriveError(error.code, "src file not found");
    throw error;
  }
}

function readShare(call: Call): ShareRecord | undefined {
  const number = call.drive.number("share", call.params.get("id") ?? "");
  return number === undefined ? undefined : call.drive.state.shares.get(number);
}

function shareObject(call: Call, share: ShareRecord, caller: Caller, isUnlocked: boolean): Record<string, unknown> {
  const { drive } = call;
  const file = drive.state.files.get(share.fileNumber);
  const owner = drive.state.users.get(share.ownerNumber);
  const isProtected = share.password !== "";
  return {
    id: drive.word("share", share.number),
    name: file?.name ?? "",
    ...(share.remainingDownloads === undefined ? {} : { remain_downloads: share.remainingDownloads }),
    visited: share.views,
    ...(share.expiresAtMs === undefined ? {} : { expires: drive.stamps.at(share.expiresAtMs, 635_314) }),
    unlocked: isUnlocked,
    ...(isProtected ? { password_protected: true } : {}),
    source_type: file?.isFolder ? 1 : 0,
    ...(owner ? { owner: otherUserObject(drive, owner, caller) } : {}),
    created_at: share.createdAt,
    expired: share.expiresAtMs !== undefined && share.expiresAtMs <= drive.now(),
    url: linkOf(call, isUnlocked ? share : { ...share, password: "" }),
    size: isUnlocked ? (file?.size ?? 0) : 0,
    ...(isProtected && isUnlocked ? { password: share.password } : {}),
  };
}

function sourceUri(call: Call, file: FileRecord): string {
  const { drive } = call;
  const id = drive.word("user", file.ownerNumber);
  return formatUri({ fs: "my", id, password: "" }, realNames(drive, file).slice(0, -1));
}

function linkOf(call: Call, share: ShareRecord): string {
  const { drive } = call;
  const base = drive.siteUrlFor(call.request.headers.host);
  const link = `${base}/s/${drive.word("share", share.number)}`;
  return share.password === "" ? link : `${link}/${share.password}`;
}

function generatePassword(): string {
  return [...randomBytes(8)].map((byte) => (byte % 36).toString(36)).join("");
}
