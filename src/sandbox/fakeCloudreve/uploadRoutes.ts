import { randomBytes, randomUUID } from "node:crypto";
import { believedLengthBytes, type Call, type Route, readFields, requireUser, sendData } from "./call.ts";
import { DriveError, invalidParameter, lockConflict, objectExisted } from "./driveError.ts";
import type { FileRecord, UserRecord } from "./driveState.ts";
import type { FakeDrive, UploadSession } from "./fakeDrive.ts";
import { storagePolicy } from "./fileObject.ts";
import { findFile, findPlace, lockRoot, ownUri, requireWritable } from "./places.ts";
import { appendVersion, checkCapacity, checkPrevious, findOrMakeTarget, uploadMark } from "./storeVersion.ts";

/** Uploads in chunks: the way round `maxEditSize`. */
export const uploadRoutes: readonly Route[] = [
  { method: "PUT", path: "/api/v4/file/upload", run: start },
  { method: "POST", path: "/api/v4/file/upload/:session/:index", run: receiveChunk },
  { method: "DELETE", path: "/api/v4/file/upload", run: cancel },
];

const unknownSession = (): DriveError => new DriveError(40011, "");

async function start(call: Call): Promise<void> {
  const { drive } = call;
  const user = requireUser(call);
  const fields = await readFields(call);
  const uri = fields.text("uri", "Uri");
  const sizeBytes = fields.number("size") ?? 0;
  if (sizeBytes < 0) throw invalidParameter("Size too short");
  const policy = fields.optionalText("policy_id");
  if (policy !== "" && drive.number("policy", policy) !== 1) throw new DriveError(40001, "unknown policy id");
  const place = findPlace(drive, user, uri);
  requireWritable(place);
  const { file, isNew } = findOrMakeTarget(drive, place);
  try {
    if (!isNew && fields.optionalText("entity_type") !== "version") throw objectExisted();
    checkCapacity(drive, place.owner, sizeBytes);
    checkPrevious(drive, file, fields.optionalText("previous"));
    const session = openSession(drive, user, file, {
      uri,
      sizeBytes,
      isNewFile: isNew,
      lastModifiedMs: fields.number("last_modified"),
    });
    file.metadata[uploadMark] = session.id;
    await drive.state.save();
    sendData(call, {
      session_id: session.id,
      upload_id: "",
      chunk_size: session.chunkSizeBytes,
      expires: Math.floor(session.expiresAtMs / 1000),
      storage_policy: storagePolicy(drive),
      uri,
      callback_secret: randomBytes(24).toString("base64").replace(/[+/]/g, "x"),
    });
  } catch (error) {
    if (isNew) drive.state.removeFile(file);
    throw error;
  }
}

async function receiveChunk(call: Call): Promise<void> {
  const { drive, params, request } = call;
  const user = requireUser(call);
  const index = Number(params.get("index"));
  if (!Number.isInteger(index) || index < 0) throw invalidParameter("Parameter error");
  const session = drive.uploadSessions.get(params.get("session") ?? "");
  const file = session && drive.state.files.get(session.fileNumber);
  if (!session || !file || session.userNumber !== user.number || session.expiresAtMs <= drive.now()) {
    throw unknownSession();
  }
  const offsetBytes = index * session.chunkSizeBytes;
  if (offsetBytes > 0 && offsetBytes >= session.sizeBytes) {
    throw new DriveError(40012, "Chunk offset cannot be greater than file size");
  }
  const expectedBytes = Math.min(session.chunkSizeBytes, session.sizeBytes - offsetBytes);
  if (believedLengthBytes(call) !== expectedBytes) {
    throw new DriveError(40013, `Invalid Content-Length (expected: ${expectedBytes})`);
  }
  // Whoever unlocks the session, or restarts the drive, ends it.
  if (!drive.locks.isRemovable(session.lockToken)) throw new DriveError(40073, "Lock expired");
  await drive.content.receiveAt(request, session.temporary, offsetBytes);
  session.receivedChunks.add(index);
  if (session.receivedChunks.size === chunkCount(session)) await finish(drive, session, file, user);
  sendData(call);
}

async function cancel(call: Call): Promise<void> {
  const { drive } = call;
  const user = requireUser(call);
  const fields = await readFields(call);
  const id = fields.text("id", "ID");
  const file = findFile(drive, findPlace(drive, user, fields.text("uri", "Uri")));
  const session = drive.uploadSessions.get(id);
  if (session && session.fileNumber === file.number) {
    endSession(drive, session);
    await drive.content.dropTemporary(session.temporary);
    delete file.metadata[uploadMark];
    if (session.isNewFile) drive.state.removeFile(file);
  } else {
    // A wrong id is noticed only by the lock that somebody else's session holds.
    const probe = lockForSession(drive, file);
    drive.locks.unlock(probe);
    delete file.metadata[uploadMark];
  }
  await drive.state.save();
  sendData(call);
}

function openSession(
  drive: FakeDrive,
  user: UserRecord,
  file: FileRecord,
  wanted: Pick<UploadSession, "uri" | "sizeBytes" | "isNewFile" | "lastModifiedMs">,
): UploadSession {
  const session: UploadSession = {
    ...wanted,
    id: randomUUID(),
    userNumber: user.number,
    fileNumber: file.number,
    chunkSizeBytes: drive.settings.chunkSizeBytes,
    lockToken: lockForSession(drive, file),
    temporary: drive.content.newTemporary(),
    expiresAtMs: drive.now() + drive.settings.uploadSessionTimeoutSeconds * 1000,
    receivedChunks: new Set(),
  };
  drive.uploadSessions.set(session.id, session);
  return session;
}

function lockForSession(drive: FakeDrive, file: FileRecord): string {
  const answer = drive.locks.create({
    root: lockRoot(drive, file),
    uri: ownUri(drive, file),
    lifeMs: drive.settings.uploadSessionTimeoutSeconds * 1000,
    application: { type: "upload" },
  });
  if ("conflict" in answer) throw lockConflict(answer.conflict);
  return answer.made.token;
}

async function finish(drive: FakeDrive, session: UploadSession, file: FileRecord, user: UserRecord): Promise<void> {
  const updatedAt = session.lastModifiedMs === undefined ? undefined : drive.stamps.at(session.lastModifiedMs);
  await appendVersion(drive, file, session.temporary, session.sizeBytes, user, updatedAt);
  endSession(drive, session);
}

function endSession(drive: FakeDrive, session: UploadSession): void {
  drive.uploadSessions.delete(session.id);
  drive.locks.unlock(session.lockToken);
}

function chunkCount(session: UploadSession): number {
  if (session.chunkSizeBytes === 0) return 1;
  return Math.max(1, Math.ceil(session.sizeBytes / session.chunkSizeBytes));
}
