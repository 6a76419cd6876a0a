import { randomUUID } from "node:crypto";
import { builtinViewers } from "./builtinViewers.ts";
import { type Call, type Route, readFields, sendData } from "./call.ts";
import { DriveError, tooLarge } from "./driveError.ts";
import type { FakeDrive, ViewerSession } from "./fakeDrive.ts";
import { extensionOf } from "./mimeTypes.ts";
import { findEntity, findFile, findPlace } from "./places.ts";
import { randomLetters } from "./randomLetters.ts";
import { makeWopiSource } from "./wopiSource.ts";

/** `expires` names a moment a little before the true end. */
const expiryMarginMs = 10_000;

export const viewerRoutes: readonly Route[] = [{ method: "PUT", path: "/api/v4/file/viewerSession", run: openSession }];

async function openSession(call: Call): Promise<void> {
  const { drive, caller } = call;
  const fields = await readFields(call);
  const uri = fields.text("uri", "Uri");
  const viewerId = fields.text("viewer_id", "ViewerID");
  const action = fields.text("preferred_action", "PreferredAction");
  const version = fields.optionalText("version");
  const place = findPlace(drive, caller, uri);
  const file = findFile(drive, place);
  const entity = version === "" ? undefined : findEntity(drive, file, version);
  if ((entity?.size ?? file.size) > drive.settings.maxEditSizeBytes) throw tooLarge();
  const viewer = drive.viewers.find((candidate) => candidate.id === viewerId && candidate.disabled !== true);
  if (!viewer && !builtinViewers.some((builtin) => builtin.id === viewerId)) {
    throw new DriveError(40001, "unknown viewer id");
  }
  const expiresAtMs = drive.now() + drive.settings.viewerSessionTimeoutSeconds * 1000;
  const id = randomUUID();
  const session: ViewerSession = {
    id,
    token: `${id}.${randomLetters(128)}`,
    userNumber: caller?.number ?? 0,
    uri,
    fileNumber: file.number,
    viewerId,
    entityNumber: entity?.number ?? 0,
    expiresAtMs,
  };
  dropExpired(drive);
  drive.viewerSessions.set(id, session);
  const answer = { id, access_token: session.token, expires: expiresAtMs - expiryMarginMs };
  if (!viewer) return sendData(call, { session: answer });
  const source = `${drive.primarySiteUrl}/api/v4/file/wopi/${drive.word("file", file.number)}`;
  const wopiSource = file.isFolder ? undefined : makeWopiSource(viewer, extensionOf(file.name), action, source);
  if (wopiSource === undefined) throw new DriveError(50005, "failed to generate wopi src");
  sendData(call, { session: answer, wopi_src: wopiSource });
}

function dropExpired(drive: FakeDrive): void {
  for (const session of drive.viewerSessions.values()) {
    if (session.expiresAtMs <= drive.now()) drive.viewerSessions.delete(session.id);
  }
}
