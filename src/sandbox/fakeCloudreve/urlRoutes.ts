import { randomUUID } from "node:crypto";
import { type Call, headerText, type Route, readFields, sendBatchErrors, sendData, sendEmpty } from "./call.ts";
import { queryEscape } from "./cloudreveUri.ts";
import { checkSignature, signedUrl, signPath } from "./downloadUrls.ts";
import { DriveError, entityMissing } from "./driveError.ts";
import type { FileRecord } from "./driveState.ts";
import type { CachedUrl } from "./fakeDrive.ts";
import { mimeTypeOf } from "./mimeTypes.ts";
import { findEntity, findFile, findPlace, isSingleFileShare } from "./places.ts";
import { serveContent } from "./serveContent.ts";

const archiveLifeMs = 600_000;
const contentPath = "/api/v4/file/content/:entity/:speed/:name";

/** Download URLs, and the downloads themselves. */
export const urlRoutes: readonly Route[] = [
  { method: "POST", path: "/api/v4/file/url", run: makeUrls },
  { method: "GET", path: contentPath, run: download },
  { method: "HEAD", path: contentPath, run: download },
  { method: "OPTIONS", path: contentPath, run: answerPreflight },
];

interface UrlWishes {
  readonly entity: string;
  readonly download: boolean;
  readonly noCache: boolean;
}

async function makeUrls(call: Call): Promise<void> {
  const { drive } = call;
  const fields = await readFields(call);
  const uris = fields.texts("uris", "Uris");
  const site = fields.flag("use_primary_site_url") ? drive.primarySiteUrl : drive.siteUrlFor(call.request.headers.host);
  // A sub folder of the site is dropped.
  const base = new URL(site).origin;
  if (fields.flag("archive")) return makeArchiveUrl(call, base);
  const wishes = {
    entity: fields.optionalText("entity"),
    download: fields.flag("download"),
    noCache: fields.flag("no_cache"),
  };
  const isRedirect = fields.flag("redirect") && uris.length === 1;
  const failures = new Map<string, DriveError>();
  const made = uris.map((uri) => tryUrl(call, uri, wishes, failures));
  if (failures.size > 0 && !fields.flag("skip_error")) return sendBatchErrors(call, failures);
  // A skipped error leaves an empty url, and a redirect to it leads nowhere.
  const urls = made.map((url) => (url ? `${base}${url.pathAndSign}` : ""));
  if (isRedirect) return sendEmpty(call, 302, { Location: urls[0] || "/api/v4/file/" });
  const expiries = made.flatMap((url) => url?.expiresAt ?? []).sort();
  sendData(call, { urls: urls.map((url) => ({ url })), expires: expiries[0] ?? null });
}

function tryUrl(call: Call, uri: string, wishes: UrlWishes, failures: Map<string, DriveError>): CachedUrl | undefined {
  try {
    const file = findReadable(call, uri);
    if (file.isFolder) throw entityMissing();
    const { drive } = call;
    const entity = wishes.entity === "" ? file.primaryEntity : findEntity(drive, file, wishes.entity).number;
    return signedUrl(drive, file, entity, wishes);
  } catch (error) {
    if (!(error instanceof DriveError)) throw error;
    failures.set(uri, error);
    return undefined;
  }
}

function findReadable(call: Call, uri: string): FileRecord {
  try {
    const place = findPlace(call.drive, call.caller, uri);
    const file = findFile(call.drive, place);
    if (isSingleFileShare(place) && place.share?.remainingDownloads !== undefined) {
      place.share.remainingDownloads -= 1;
    }
    return file;
  } catch (error) {
    throw error instanceof DriveError ? error.within("failed to get target file") : error;
  }
}

function makeArchiveUrl(call: Call, base: string): void {
  const { drive } = call;
  if (!call.caller?.admin) throw new DriveError(40007, "");
  const expiresAtMs = drive.now() + archiveLifeMs;
  const path = `/api/v4/file/archive/${randomUUID()}/archive.zip`;
  const sign = encodeURIComponent(signPath(drive, path, String(Math.floor(expiresAtMs / 1000))));
  sendData(call, { urls: [{ url: `${base}${path}?sign=${sign}` }], expires: drive.stamps.at(expiresAtMs, 121_581) });
}

// Whatever is wrong with the signature or the version, the status stays 200: only an ETag proves a document.
async function download(call: Call): Promise<void> {
  const { drive, request, response } = call;
  if (request.headers.origin !== undefined) allowOrigins(call);
  checkSignature(drive, (request.url ?? "").split("?", 1)[0] ?? "", call.query.get("sign") ?? "");
  if (request.method === "GET") response.setHeader("Content-Security-Policy", "sandbox");
  const word = call.params.get("entity") ?? "";
  const number = drive.number("entity", word);
  const entity = drive.state.entities.get(number ?? -1);
  if (!entity && number !== 0) throw entityMissing();
  const name = decodeURIComponent(call.params.get("name") ?? "");
  const headers = {
    "Cache-Control": "public, max-age=86400",
    ...(call.query.get("download") === "true" ? { "Content-Disposition": attachment(name) } : {}),
  };
  await serveContent(call, entity, mimeTypeOf(name), headers, `"${word}"`);
}

function answerPreflight(call: Call): void {
  if (headerText(call, "origin") !== "") call.response.setHeader("Access-Control-Allow-Origin", "*");
  call.response.writeHead(204, {
    "Access-Control-Allow-Headers": "Range,If-Range,Authorization,Content-Type",
    "Access-Control-Allow-Methods": "GET,HEAD,OPTIONS",
  });
  call.response.end();
}

function allowOrigins(call: Call): void {
  call.response.setHeader("Access-Control-Allow-Origin", "*");
  const exposed = "Content-Range,Accept-Ranges,Content-Length,Content-Disposition,Etag";
  call.response.setHeader("Access-Control-Expose-Headers", exposed);
}

function attachment(name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]/gu, "_").replace(/["\\]/g, "_");
  return `attachment; filename="${ascii}"; filename*=UTF-8''${queryEscape(name)}`;
}
