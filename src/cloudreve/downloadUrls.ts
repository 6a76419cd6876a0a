import type { DriveDocument, DriveFile } from "../model/drive.ts";
import type { Clock } from "../model/keyValueStore.ts";
import { OldestOutMap } from "../model/oldestOutMap.ts";

export interface DownloadUrl {
  readonly url: string;
  /** Whether Cloudreve itself sends the bytes. Its ETag is then the version. */
  readonly isCloudreves: boolean;
}

/** A URL is not used in its last minute, so that a transfer that breaks off can start again. */
const marginMs = 60_000;
/** An administrator may shorten the life of URLs that are already issued. */
const longestMs = 30 * 60_000;
const mostUrls = 1_000;

/** Download URLs of versions, which never change: requested once and remembered until shortly before they expire. */
export class DownloadUrls {
  readonly #now: Clock;
  readonly #urls = new OldestOutMap<string, { readonly source: DownloadUrl; readonly endsAtMs: number }>(mostUrls);

  constructor(now: Clock) {
    this.#now = now;
  }

  of(document: DriveDocument, file: DriveFile): DownloadUrl | undefined {
    const known = this.#urls.get(keyOf(document, file));
    return known !== undefined && known.endsAtMs > this.#now() ? known.source : undefined;
  }

  /** @param endsAtMs as Cloudreve reports it */
  remember(document: DriveDocument, file: DriveFile, source: DownloadUrl, endsAtMs: number): void {
    const untilMs = Math.min(endsAtMs - marginMs, this.#now() + longestMs);
    if (!(untilMs > this.#now())) return;
    this.#urls.set(keyOf(document, file), { source, endsAtMs: untilMs });
  }

  forget(document: DriveDocument, file: DriveFile): void {
    this.#urls.delete(keyOf(document, file));
  }
}

/** With the account: a URL works for anyone who has it, and another account may have no right to the file. */
const keyOf = ({ account }: DriveDocument, { id, version }: DriveFile): string => `${account}\n${id}\n${version}`;
