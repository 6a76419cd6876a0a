import type { Guise } from "./guises.ts";

const typingSaveMs = 5 * 60_000;

/** What of a document's text its host does not have, what the page thinks of that, and when a save is due by itself. */
export class UnsavedWork {
  readonly #guise: Guise;
  readonly #autosaveIdleMs: number;
  #storedRevision = 0;
  #shownRevision = 0;
  #lastEditAtMs = 0;
  #unsavedSinceMs = 0;
  #lastTryAtMs = 0;
  #failures = 0;

  constructor(guise: Guise, autosaveIdleMs: number) {
    this.#guise = guise;
    this.#autosaveIdleMs = autosaveIdleMs;
  }

  /** Whether the host lacks something of this revision. */
  isUnstored(revision: number): boolean {
    return revision !== this.#storedRevision;
  }

  /** Whether the page calls this revision modified. */
  isModified(revision: number): boolean {
    return revision !== this.#shownRevision;
  }

  /** The text as loaded was never at the host. */
  startsUnstored(): void {
    this.#storedRevision = -1;
    this.#shownRevision = -1;
  }

  edited(atMs: number, isFirst: boolean): void {
    this.#lastEditAtMs = atMs;
    if (isFirst) this.#unsavedSinceMs = atMs;
  }

  /** An upload of this revision begins. */
  tried(revision: number, atMs: number): void {
    this.#lastTryAtMs = atMs;
    if (this.#guise.modifiedUntil === "localSave") this.#shownRevision = revision;
  }

  stored(revision: number): void {
    this.#storedRevision = revision;
    this.#shownRevision = revision;
    this.#unsavedSinceMs = this.#lastEditAtMs;
    this.#failures = 0;
  }

  /** @param isRetried false where trying again is no use, as with a conflict */
  refused(revision: number, isRetried: boolean): void {
    if (this.#guise.modifiedUntil === "answered") this.#shownRevision = revision;
    this.#failures = isRetried ? this.#failures + 1 : 0;
  }

  /** Earlier failures count no more. */
  beginsAnew(): void {
    this.#failures = 0;
  }

  /** Whether a failed upload may be tried once more. */
  get mayRetry(): boolean {
    return this.#failures > 0 && this.#failures < this.#guise.uploadTries;
  }

  retryIsDue(nowMs: number): boolean {
    return this.mayRetry && nowMs - this.#lastTryAtMs >= this.#guise.retryMs;
  }

  autosaveIsDue(nowMs: number): boolean {
    if (!this.#guise.savesMeanwhile || nowMs - this.#lastTryAtMs < this.#autosaveIdleMs) return false;
    return nowMs - this.#lastEditAtMs >= this.#autosaveIdleMs || nowMs - this.#unsavedSinceMs >= typingSaveMs;
  }

  /** Autosave looks again only after its usual time. */
  postponed(atMs: number): void {
    this.#lastTryAtMs = atMs;
  }
}
