import type { Guise } from "./guises.ts";
import { toUtf7 } from "./headerText.ts";
import {
  type FileInfoAnswer,
  jsonObject,
  lastModifiedTimeIn,
  readFileInfo,
  readSaveAnswer,
  type SaveAnswer,
  textOf,
  unknownTime,
} from "./hostAnswers.ts";
import { type Caller, HostUnreachable, type WopiAnswer, type WopiClient, type WopiRequest } from "./wopiClient.ts";

export interface SaveFlags {
  modifiedByUser: boolean;
  autosave: boolean;
  exitSave: boolean;
  /** The user chose to overwrite what changed in storage. */
  force: boolean;
  extendedData?: string;
  /** User ids of those whose changes are in it. */
  editors: readonly string[];
}

export type NamedAnswer =
  | { kind: "done"; name: string; url: string }
  | { kind: "conflict" | "failed"; errorMsg: string };

export interface StoredFileParts {
  client: WopiClient;
  guise: Guise;
  lockId: string;
  /** Takes what a real editor writes into its log. */
  warn: (sentence: string) => void;
}

const lockAttempts = 3;

/** One open document's file at its host: the lock id, the time last heard, and every call in the editor's own form. */
export class StoredFile {
  readonly #client: WopiClient;
  readonly #guise: Guise;
  readonly #lockId: string;
  readonly #warn: (sentence: string) => void;
  #locksKnown = false;
  #lockHeld = false;
  #lastModifiedTime = unknownTime;

  constructor({ client, guise, lockId, warn }: StoredFileParts) {
    this.#client = client;
    this.#guise = guise;
    this.#lockId = lockId;
    this.#warn = warn;
  }

  get lockHeld(): boolean {
    return this.#lockHeld;
  }

  /** Whether a joiner's CheckFileInfo shows a storage that moved on; a time nobody named proves nothing. */
  movedOn(seenTime: string): boolean {
    return seenTime !== unknownTime && this.#lastModifiedTime !== unknownTime && seenTime !== this.#lastModifiedTime;
  }

  async checkFileInfo(caller: Caller): Promise<FileInfoAnswer> {
    const answer = await this.#ask(caller, { method: "GET" });
    if ("unreachable" in answer) return { problem: `The host cannot be reached: ${answer.unreachable}.` };
    return readFileInfo(answer, this.#guise.reads);
  }

  /** FileUrl first, then GetFile. @returns the file's bytes, or what to tell the user */
  async load(
    caller: Caller,
    { lastModifiedTime, fileUrl }: { readonly lastModifiedTime: string; readonly fileUrl: string },
  ): Promise<Buffer | { problem: string }> {
    const bytes = fileUrl === "" ? undefined : await this.#client.download(caller, fileUrl);
    if (bytes !== undefined) {
      this.heardTime(lastModifiedTime);
      return bytes;
    }
    if (fileUrl !== "" && this.#guise.readsFileUrlOnly)
      return { problem: "The document could not be loaded (FileUrl)." };
    const answer = await this.#ask(caller, { method: "GET", contents: true });
    if ("unreachable" in answer) return { problem: `The document could not be loaded: ${answer.unreachable}.` };
    if (answer.status !== 200) return { problem: `The document could not be loaded (GetFile: ${answer.status}).` };
    this.heardTime(lastModifiedTime);
    return answer.body;
  }

  /** The host's last word on when the file was changed. */
  heardTime(lastModifiedTime: string): void {
    this.#lastModifiedTime = lastModifiedTime;
    if (this.#guise.wantsFractions && lastModifiedTime !== unknownTime && !/\.\d+Z$/.test(lastModifiedTime))
      this.#warn(`LastModifiedTime without a fraction of a second: ${lastModifiedTime}`);
  }

  /** The lock was taken before the document was opened. */
  foundLocked(): void {
    this.#lockHeld = true;
  }

  /** From here on saves carry the lock id: editors send it even in a session that never locked. */
  expectLocks(): void {
    this.#locksKnown = true;
  }

  /** @returns undefined when locked, else the host's reason, perhaps empty */
  async lock(caller: Caller): Promise<string | undefined> {
    const answer = await this.#post(caller, "LOCK", { "X-WOPI-Lock": this.#lockId });
    if ("unreachable" in answer) return answer.unreachable;
    this.#lockHeld = answer.status === 200;
    return this.#lockHeld ? undefined : headerText(answer, "x-wopi-lockfailurereason");
  }

  /** Sends the id already held; a refusal is repeated at once and then forgotten, as editors do. */
  async refreshLock(caller: Caller): Promise<void> {
    for (let attempt = 0; attempt < lockAttempts; attempt++) {
      const answer = await this.#post(caller, this.#guise.refreshesLockBy, { "X-WOPI-Lock": this.#lockId });
      if (!("unreachable" in answer) && answer.status === 200) return;
    }
  }

  async unlock(caller: Caller): Promise<void> {
    this.#lockHeld = false;
    await this.#post(caller, "UNLOCK", { "X-WOPI-Lock": this.#lockId });
  }

  async put(caller: Caller, body: Buffer, flags: SaveFlags): Promise<SaveAnswer> {
    const prefix = `X-${this.#guise.spelling}-WOPI`;
    // The editor of 2020 sent its stale time even with "Overwrite".
    const timed = !flags.force || this.#guise.spelling === "LOOL";
    const answer = await this.#ask(caller, {
      method: "POST",
      contents: true,
      headers: {
        "X-WOPI-Override": "PUT",
        ...this.#lockHeader(),
        ...(this.#guise.namesEditors ? { "X-WOPI-Editors": flags.editors.join(",") } : {}),
        ...(timed ? { [`${prefix}-Timestamp`]: this.#lastModifiedTime } : {}),
        [`${prefix}-IsModifiedByUser`]: String(flags.modifiedByUser),
        [`${prefix}-IsAutosave`]: String(flags.autosave),
        [`${prefix}-IsExitSave`]: String(flags.exitSave),
        ...(flags.extendedData === undefined ? {} : { [`${prefix}-ExtendedData`]: flags.extendedData }),
        "Content-Type": "application/octet-stream",
      },
      body,
    });
    if ("unreachable" in answer) return { kind: "failed", errorMsg: answer.unreachable };
    const outcome = readSaveAnswer(answer, this.#guise.spelling === "LOOL");
    if (outcome.kind === "stored") this.heardTime(outcome.lastModifiedTime);
    return outcome;
  }

  /** Save as: a full name the host may adjust, and never a lock. */
  async putRelative(caller: Caller, body: Buffer, fullName: string): Promise<NamedAnswer> {
    const headers = { "X-WOPI-SuggestedTarget": toUtf7(fullName), "X-WOPI-Size": String(body.length) };
    return this.#named(await this.#post(caller, "PUT_RELATIVE", headers, body));
  }

  /** The same file in another format, beside the old one: the host makes up the name from its extension. */
  async putConverted(
    caller: Caller,
    body: Buffer,
    extension: string,
  ): Promise<{ hostEditUrl: string } | { problem: string }> {
    const answer = await this.#post(
      caller,
      "PUT_RELATIVE",
      {
        "X-WOPI-SuggestedTarget": `.${extension}`,
        "X-WOPI-Size": String(body.length),
        "X-WOPI-FileConversion": "true",
      },
      body,
    );
    if ("unreachable" in answer) return { problem: answer.unreachable };
    const hostEditUrl = textOf(jsonObject(answer.body) ?? {}, "HostEditUrl");
    if (answer.status === 200 && hostEditUrl !== "") return { hostEditUrl };
    return { problem: `The document could not be converted (PutRelativeFile: ${answer.status}).` };
  }

  /** Rename: the name without extension, and the whole document along, as editors send it. */
  async rename(caller: Caller, body: Buffer, stem: string): Promise<NamedAnswer> {
    const lock = this.#guise.spelling === "COOL" ? this.#lockHeader() : {};
    return this.#named(
      await this.#post(caller, "RENAME_FILE", { "X-WOPI-RequestedName": toUtf7(stem), ...lock }, body),
    );
  }

  #named(answer: WopiAnswer | { unreachable: string }): NamedAnswer {
    if ("unreachable" in answer) return { kind: "failed", errorMsg: answer.unreachable };
    const errorMsg = answer.body.toString("utf8").slice(0, 500) || `status ${answer.status}`;
    if (answer.status === 409) return { kind: "conflict", errorMsg };
    if (answer.status !== 200) return { kind: "failed", errorMsg };
    const given = jsonObject(answer.body) ?? {};
    // Editors take this time for the open file's; without one they assume 1970.
    this.#lastModifiedTime = lastModifiedTimeIn(answer.body);
    return { kind: "done", name: textOf(given, "Name"), url: textOf(given, "Url") };
  }

  #lockHeader(): Record<string, string> {
    return this.#locksKnown ? { "X-WOPI-Lock": this.#lockId } : {};
  }

  #post(caller: Caller, override: string, headers: Record<string, string>, body?: Buffer) {
    return this.#ask(caller, {
      method: "POST",
      headers: {
        "X-WOPI-Override": override,
        ...headers,
        ...(body === undefined ? {} : { "Content-Type": "application/octet-stream" }),
      },
      ...(body === undefined ? {} : { body }),
    });
  }

  async #ask(caller: Caller, wanted: WopiRequest): Promise<WopiAnswer | { unreachable: string }> {
    try {
      return await this.#client.call(caller, wanted);
    } catch (error) {
      if (error instanceof HostUnreachable) return { unreachable: error.message };
      throw error;
    }
  }
}

function headerText({ headers }: WopiAnswer, name: string): string {
  const value = headers[name];
  return typeof value === "string" ? value : "";
}
