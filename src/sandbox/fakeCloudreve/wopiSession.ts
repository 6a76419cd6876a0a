import type { Call } from "./call.ts";
import { DriveError } from "./driveError.ts";
import type { EntityRecord, FileRecord } from "./driveState.ts";
import type { ViewerSession } from "./fakeDrive.ts";
import { type Caller, findFile, findPlace, type Place } from "./places.ts";

/** A refusal in the native WOPI way: a status, and the reason in X-WOPI-ServerError. */
export class WopiRefusal extends Error {
  readonly status: number;

  constructor(status: number, reason: string) {
    super(reason);
    this.status = status;
  }
}

/** What the access token of one native call stands for. */
export interface WopiContext {
  readonly session: ViewerSession;
  readonly caller: Caller;
}

/** The file as the session's path finds it now, whatever file the session was made for. */
export interface WopiTarget {
  readonly place: Place;
  readonly file: FileRecord;
  /** Undefined for a file that was never written. */
  readonly entity: EntityRecord | undefined;
  readonly isCurrentVersion: boolean;
}

/** @throws WopiRefusal 403 for a bad token, 500 for a disabled viewer; DriveError for a bad file id */
export function readSession(call: Call): WopiContext {
  const { drive, params, query } = call;
  const fileNumber = drive.number("file", params.get("id") ?? "");
  if (fileNumber === undefined) throw new DriveError(40001, "Failed to parse object ID");
  // Only the query counts; a token in the Authorization header is not looked at.
  const token = query.get("access_token") ?? "";
  const [id = "", second] = token.split(".");
  if (second === undefined) throw new WopiRefusal(403, "malformed access token");
  const session = drive.viewerSessions.get(id);
  if (!session || session.token !== token || session.expiresAtMs <= drive.now()) {
    throw new WopiRefusal(403, "invalid access token");
  }
  if (session.fileNumber !== fileNumber) throw new WopiRefusal(403, "invalid file");
  const viewer = drive.viewers.find((candidate) => candidate.id === session.viewerId);
  if (!viewer || viewer.disabled === true) throw new WopiRefusal(500, "viewer not found");
  return { session, caller: drive.state.users.get(session.userNumber) };
}

/** @throws WopiRefusal 500 with the internal text when the path leads nowhere any more */
export function findTarget(call: Call, context: WopiContext): WopiTarget {
  const { drive } = call;
  const { session, caller } = context;
  return orRefuse("failed to get file: failed to get target file", () => {
    const place = findPlace(drive, caller, session.uri);
    const file = findFile(drive, place);
    const isCurrentVersion = session.entityNumber === 0 || session.entityNumber === file.primaryEntity;
    const entity = drive.state.entities.get(session.entityNumber || file.primaryEntity);
    // A session opened with a version stays with it, and ends with it.
    if (session.entityNumber !== 0 && !file.entityNumbers.includes(session.entityNumber)) {
      throw new WopiRefusal(500, "version not found");
    }
    return { place, file, entity, isCurrentVersion };
  });
}

/** Runs an action of the drive; what it refuses becomes HTTP 500 with the whole text in a header. */
export function orRefuse<Result>(prefix: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    throw asRefusal(prefix, error);
  }
}

export function asRefusal(prefix: string, error: unknown): unknown {
  return error instanceof DriveError ? new WopiRefusal(500, `${prefix}: ${error.detail}`) : error;
}
