import type { z } from "zod";
import type { DriveContent, DriveDocument, DriveFile } from "../model/drive.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import type { Clock } from "../model/keyValueStore.ts";
import type { CloudreveClient, RawAnswer } from "./client.ts";
import type { Credentials } from "./credential.ts";
import { type DownloadUrl, DownloadUrls } from "./downloadUrls.ts";
import { urlsSchema } from "./fileApi.ts";

export interface Transfer {
  readonly answer: RawAnswer;
  /** Whether Cloudreve itself sends the bytes. Its ETag is then the version. */
  readonly isCloudreves: boolean;
}

const contentCall = "/file/content/";
const contentPath = `/api/v4${contentCall}`;
/** An editor's user waits meanwhile. */
const triedWithinMs = 2_000;

/** What Cloudreve stores, by the signed addresses that it gives out. @see Cloudreve POST /file/url */
export class FileDownloads {
  readonly #client: CloudreveClient;
  readonly #credentials: Credentials;
  readonly #storageOrigins: ReadonlySet<string>;
  readonly #urls: DownloadUrls;

  /** @param storageOrigins origins besides Cloudreve's that download URLs may name */
  constructor(client: CloudreveClient, credentials: Credentials, storageOrigins: readonly string[], now: Clock) {
    this.#urls = new DownloadUrls(now);
    this.#client = client;
    this.#credentials = credentials;
    this.#storageOrigins = new Set(storageOrigins);
  }

  /** @returns undefined when the URL is not allowed, has expired or is not the file; then use GetFile */
  async download(
    document: DriveDocument,
    file: DriveFile,
    range: string | undefined,
    signal: AbortSignal,
  ): Promise<Transfer | undefined> {
    if (document.version !== undefined) return undefined;
    const known = this.#urls.of(document, file);
    if (known !== undefined) {
      const transfer = await this.#fetch(known, file.version, range, signal);
      if (transfer !== undefined) return transfer;
      this.#urls.forget(document, file);
    }
    const urls = await this.#urlsOf(document, file);
    const source = this.#allowed(urls?.urls[0]?.url);
    if (source === undefined) return undefined;
    const transfer = await this.#fetch(source, file.version, range, signal);
    if (transfer !== undefined) this.#urls.remember(document, file, source, Date.parse(urls?.expires ?? ""));
    return transfer;
  }

  /** @param file with a version that it has or had @returns as `download` */
  async downloadVersion(
    account: string,
    file: DriveFile,
    range: string | undefined,
    signal: AbortSignal,
  ): Promise<Transfer | undefined> {
    const urls = await this.#urlsOf({ account, fileId: file.id }, file);
    const source = this.#allowed(urls?.urls[0]?.url);
    return source === undefined ? undefined : this.#fetch(source, file.version, range, signal);
  }

  /**
   * A signed address of this version at Cloudreve itself, for an editor that reaches it under another name. A storage's
   * address is not given out: Collabora sends its access token along, which S3 refuses beside a signature.
   * It is tried first, just where the editor will read it: where something is wrong, Cloudreve answers 200 with JSON and
   * a proxy perhaps 200 with HTML, which an editor takes for the document and saves over it.
   * @param cloudreveUrl as the editor's server reaches it; undefined = not at all
   * @returns undefined when it does not lead to this version, seen from here too
   */
  async addressAt(
    cloudreveUrl: string | undefined,
    document: DriveDocument,
    file: DriveFile,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    if (cloudreveUrl === undefined) return undefined;
    const below = await this.#triedAt(`${cloudreveUrl}${contentPath}`, document, file, signal);
    return below && `${cloudreveUrl}${contentPath}${below}`;
  }

  /** As `addressAt` the address by which the bridge itself reaches Cloudreve. @returns what follows `contentPath` in it */
  async addressBelow(document: DriveDocument, file: DriveFile, signal: AbortSignal): Promise<string | undefined> {
    return this.#triedAt(this.#client.address(contentCall), document, file, signal);
  }

  /** @returns what follows the place in a signed address that leads to this version there; undefined when none does */
  async #triedAt(
    place: string,
    document: DriveDocument,
    file: DriveFile,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    if (document.version !== undefined) return undefined;
    const source = this.#urls.of(document, file) ?? (await this.#newUrl(document, file));
    if (source?.isCloudreves !== true) return undefined;
    const below = source.url.slice(this.#client.address(contentCall).length);
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(triedWithinMs)]);
    try {
      const tried = await this.#fetch({ ...source, url: place + below }, file.version, "bytes=0-0", inTime);
      // One byte, and the connection can be used again.
      if (tried?.answer.status === 206) tried.answer.body.resume();
      else tried?.answer.body.destroy();
      if (tried !== undefined && tried.answer.status !== 416) return below;
    } catch (error) {
      if (failureOf(error, "driveUnreachable") === undefined) throw error;
    }
    this.#urls.forget(document, file);
    return undefined;
  }

  async #newUrl(document: DriveDocument, file: DriveFile): Promise<DownloadUrl | undefined> {
    const urls = await this.#urlsOf(document, file);
    const source = this.#allowed(urls?.urls[0]?.url);
    if (source !== undefined) this.#urls.remember(document, file, source, Date.parse(urls?.expires ?? ""));
    return source;
  }

  /** @returns undefined when Cloudreve gives none; the session may still work @throws driveUnreachable */
  async #urlsOf(document: DriveDocument, file: DriveFile): Promise<z.infer<typeof urlsSchema> | undefined> {
    try {
      return await this.#credentials.authorised(document.account, (accessToken) =>
        this.#client.api(urlsSchema, {
          method: "POST",
          path: "/file/url",
          json: { uris: [file.uri], entity: file.version },
          accessToken,
        }),
      );
    } catch (error) {
      // The version was dropped, the file was just renamed, or no credential is left.
      if (error instanceof BridgeError && error.failure.kind === "driveUnreachable") throw error;
      return undefined;
    }
  }

  async #fetch(
    source: DownloadUrl,
    version: string,
    range: string | undefined,
    signal: AbortSignal,
  ): Promise<Transfer | undefined> {
    const answer = await this.#client.raw({
      purpose: "download",
      method: "GET",
      url: source.url,
      headers: range === undefined ? {} : { Range: range },
      signal,
    });
    // An expired URL answers 200 with JSON. Only an ETag shows that this is the file; Cloudreve's own is the version.
    const etag = answer.header("etag");
    const isFile =
      (answer.status === 200 || answer.status === 206) &&
      (source.isCloudreves ? etag === `"${version}"` : etag !== undefined);
    if (isFile || answer.status === 416) return { answer, isCloudreves: source.isCloudreves };
    answer.body.destroy();
    return undefined;
  }

  /** Cloudreve's own download URLs go to CLOUDREVE_URL, whatever host they name; others must be configured. */
  #allowed(url: string | undefined): DownloadUrl | undefined {
    if (url === undefined || !URL.canParse(url)) return undefined;
    const parsed = new URL(url);
    const at = parsed.pathname.indexOf(contentPath);
    if (at >= 0) {
      const below = `${parsed.pathname.slice(at + contentPath.length)}${parsed.search}`;
      return { url: `${this.#client.address(contentCall)}${below}`, isCloudreves: true };
    }
    return this.#storageOrigins.has(parsed.origin) ? { url, isCloudreves: false } : undefined;
  }
}

/** A transfer as the port's type. @throws rangeInvalid; driveFailed when the body is not the file */
export function contentOf({ answer, isCloudreves }: Transfer, file: DriveFile): DriveContent {
  if (answer.status === 416) {
    answer.body.destroy();
    throw new BridgeError({ kind: "rangeInvalid", sizeBytes: file.sizeBytes });
  }
  const etag = answer.header("etag")?.replaceAll('"', "");
  if (etag === undefined) {
    answer.body.destroy();
    throw new BridgeError({ kind: "driveFailed", code: answer.status, said: "a body without ETag is not the file" });
  }
  const lengthBytes = Number(answer.header("content-length") ?? file.sizeBytes);
  const span = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.header("content-range") ?? "");
  return {
    body: answer.body,
    lengthBytes,
    sizeBytes: span === null ? lengthBytes : Number(span[3]),
    // A storage's own ETag is not Cloudreve's version, but its URL was requested for exactly this version.
    version: isCloudreves ? etag : file.version,
    range: span === null ? undefined : { first: Number(span[1]), last: Number(span[2]) },
  };
}
