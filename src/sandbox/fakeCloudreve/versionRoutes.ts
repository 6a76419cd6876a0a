import { type Call, type Route, readFields, sendData } from "./call.ts";
import { DriveError, unsupportedAction } from "./driveError.ts";
import type { FileRecord } from "./driveState.ts";
import { dropBlobs, lockFor, removeVersion } from "./fileTree.ts";
import { findEntity, findFile, findPlace, requireWritable } from "./places.ts";

/** Another version made current, or thrown away. */
export const versionRoutes: readonly Route[] = [
  { method: "POST", path: "/api/v4/file/version/current", run: makeCurrent },
  { method: "DELETE", path: "/api/v4/file/version", run: throwAway },
];

async function makeCurrent(call: Call): Promise<void> {
  const { drive } = call;
  const { file, number, word } = await readVersion(call);
  const unlock = lockFor(drive, file, "versionControl");
  try {
    if (number !== file.primaryEntity) {
      const entity = findEntity(drive, file, word);
      file.primaryEntity = entity.number;
      file.size = entity.size;
      file.updatedAt = drive.stamps.next();
    }
  } finally {
    unlock();
  }
  await drive.state.save();
  sendData(call);
}

async function throwAway(call: Call): Promise<void> {
  const { drive } = call;
  const { file, number, word } = await readVersion(call);
  const unlock = lockFor(drive, file, "versionControl");
  let orphans: string[] = [];
  try {
    if (number === file.primaryEntity) throw unsupportedAction();
    orphans = removeVersion(drive, file, findEntity(drive, file, word));
  } finally {
    unlock();
  }
  await drive.state.save();
  await dropBlobs(drive, orphans);
  sendData(call);
}

// The lock comes before the version: with a version that no file has, the call only tells who holds the file.
async function readVersion(call: Call): Promise<{ file: FileRecord; number: number; word: string }> {
  const fields = await readFields(call);
  const uri = fields.text("uri", "Uri");
  const word = fields.text("version", "Version");
  const place = findPlace(call.drive, call.caller, uri);
  requireWritable(place);
  const number = call.drive.number("entity", word);
  if (number === undefined) throw new DriveError(40001, "unknown version id");
  const file = findFile(call.drive, place);
  if (file.isFolder) throw unsupportedAction();
  return { file, number, word };
}
