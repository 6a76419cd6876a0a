import { type Call, type Route, readFields, sendData } from "./call.ts";
import { DriveError, unsupportedAction } from "./driveError.ts";
import type { EntityRecord, FileRecord } from "./driveState.ts";
import { dropBlobs, lockFor, removeVersion } from "./fileTree.ts";
import { findEntity, findFile, findPlace, requireWritable } from "./places.ts";

/** Another version made current, or thrown away. */
export const versionRoutes: readonly Route[] = [
  { method: "POST", path: "/api/v4/file/version/current", run: makeCurrent },
  { method: "DELETE", path: "/api/v4/file/version", run: throwAway },
];

async function makeCurrent(call: Call): Promise<void> {
  const { drive } = call;
  const { file, entity } = await findVersion(call);
  const unlock = lockFor(drive, file, "versionControl");
  file.primaryEntity = entity.number;
  file.size = entity.size;
  file.updatedAt = drive.stamps.next();
  unlock();
  await drive.state.save();
  sendData(call);
}

async function throwAway(call: Call): Promise<void> {
  const { drive } = call;
  const { file, entity } = await findVersion(call);
  if (file.primaryEntity === entity.number) throw unsupportedAction();
  const unlock = lockFor(drive, file, "versionControl");
  const orphans = removeVersion(drive, file, entity);
  unlock();
  await drive.state.save();
  await dropBlobs(drive, orphans);
  sendData(call);
}

async function findVersion(call: Call): Promise<{ file: FileRecord; entity: EntityRecord }> {
  const fields = await readFields(call);
  const uri = fields.text("uri", "Uri");
  const version = fields.text("version", "Version");
  const place = findPlace(call.drive, call.caller, uri);
  requireWritable(place);
  const file = findFile(call.drive, place);
  if (call.drive.number("entity", version) === undefined) throw new DriveError(40001, "unknown version id");
  return { file, entity: findEntity(call.drive, file, version) };
}
