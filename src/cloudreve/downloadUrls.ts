import type { DriveDocument, DriveFile } from "../model/drive.ts";
import type { Clock } from "../model/keyValueStore.ts";
import { OldestOutMap } from "../model/oldestOutMap.ts";

export interface DownloadUrl {
  readonly url: string;
  /** Whether Cloudreve itself sends the bytes, with the version as ETag. */
  readonly isCloudreves: boolean;
}

/** A URL is not used in its last minute: a transfer that begins must be able to begin again. */
const marginMs = 60_000;
/** An administrator may shorten the life of URLs that are out already. */
const longestMs = 30 * 60_000;
const keptUrls = 1_000;

/** Download URLs of versions, which never change: asked for once, kept in memory until shortly before they end. */
export class DownloadUrls {
  readonly #now: Clock;
  readonly #urls = new OldestOutMap<string, { readonly source: DownloadUrl; readonly endsAtMs: number }>(keptUrls);

  constructor(now: Clock) {
    this.#now = now;
  }

  of(document: DriveDocument, file: DriveFile): DownloadUrl | undefined {
    const known = this.#urls.get(keyOf(document, file));
    return known !== undefined && known.endsAtMs > this.#now() ? known.source : undefined;
  }

  /** @param endsAtMs as Cloudreve names it */
  keep(document: DriveDocument, file: DriveFile, source: DownloadUrl, endsAtMs: number): void {
    const untilMs = Math.min(endsAtMs - marginMs, this.#now() + longestMs);
    if (!(untilMs > this.#now())) return;
    this.#urls.set(keyOf(document, file), { source, endsAtMs: untilMs });
  }

  forget(document: DriveDocument, file: DriveFile): void {
    this.#urls.delete(keyOf(document, file));
  }
}

/** Of the account too: a URL is a bearer secret that another account may have no right to. */
const keyOf = ({ account }: DriveDocument, { id, version }: DriveFile): string => `${account}\n${id}\n${version}`;
