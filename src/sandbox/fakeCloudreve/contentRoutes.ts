import { believedLengthBytes, type Call, type Route, sendData } from "./call.ts";
import { invalidParameter, loginRequired, tooLarge } from "./driveError.ts";
import { fileObject } from "./fileObject.ts";
import { findPlace, requireWritable } from "./places.ts";
import { storeVersion } from "./storeVersion.ts";

/** Writing a document in one request. */
export const contentRoutes: readonly Route[] = [{ method: "PUT", path: "/api/v4/file/content", run: putContent }];

async function putContent(call: Call): Promise<void> {
  const { drive, caller, query } = call;
  const uri = query.get("uri") ?? "";
  if (uri === "") throw invalidParameter("Uri cannot be empty");
  const place = findPlace(drive, caller, uri);
  requireWritable(place);
  if (!caller) throw loginRequired();
  const lengthBytes = believedLengthBytes(call);
  if (lengthBytes > drive.settings.maxEditSizeBytes) throw tooLarge();
  const previous = query.get("previous") ?? undefined;
  const file = await storeVersion(drive, { place, author: caller, lengthBytes, previous }, call.request);
  sendData(call, fileObject(drive, caller, place, place.names, file, { metadata: "null" }));
}
