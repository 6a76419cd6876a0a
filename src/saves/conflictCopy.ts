import type { ContentRecord } from "../model/contentRecord.ts";
import type { Drive, DriveFile } from "../model/drive.ts";
import { BridgeError, type Failure, failureOf, isConflict } from "../model/failure.ts";
import { joinName, splitName } from "../model/fileName.ts";
import type { Clock } from "../model/keyValueStore.ts";
import { sha256Of } from "./contentHash.ts";
import type { TellSave } from "./saveNews.ts";
import type { SpooledSave } from "./saveSpool.ts";

/** A content that was kept is not kept again within this time, however often an editor sends it. */
const rememberedForMs = 7 * 24 * 3_600_000;

/** Of an account's own files. */
const rootUri = "cloudreve://my";

/**
 * Name of the copy that keeps work which can't go into the document itself:
 * `Report (conflict, NAME, 2026-11-21 08.15).docx`, UTC.
 * @param attempt counts up while the name is taken
 */
export function conflictCopyName(fileName: string, personName: string, atMs: number, attempt: number): string {
  const { stem, extension } = splitName(fileName);
  const plain = personName
    .toWellFormed()
    .replace(/[\\/:*?"<>|\p{Cc}]/gu, " ")
    .trim();
  const who = [...plain].slice(0, 40).join("").trim() || "unknown";
  const when = new Date(atMs).toISOString().slice(0, 16).replace("T", " ").replace(":", ".");
  const more = attempt === 0 ? "" : ` ${attempt + 1}`;
  return joinName(stem, ` (conflict, ${who}, ${when})${more}${extension}`);
}

/** Copies beside the document, once per content. */
export class ConflictCopies {
  readonly #content: ContentRecord;
  readonly #drive: Drive;
  readonly #now: Clock;
  readonly #tell: TellSave;

  constructor(content: ContentRecord, drive: Drive, now: Clock, tell: TellSave) {
    this.#content = content;
    this.#drive = drive;
    this.#now = now;
    this.#tell = tell;
  }

  /**
   * Places a save's bytes beside the document, unless they are there or in the document already. To be called in the
   * file's turn.
   * @param why it can't go into the document, for those who hear of it
   * @throws what the drive says, but never a conflict; the bytes are then not placed
   */
  async keep(save: SpooledSave, why: Failure["kind"] | "unexpected"): Promise<void> {
    try {
      await this.#keep(save, why);
    } catch (error) {
      // A conflict about the copy is none about the document: whoever took it for one would let go of the bytes.
      if (isConflict(error)) throw new BridgeError({ kind: "driveBusy" }, { cause: error });
      throw error;
    }
  }

  async #keep(save: SpooledSave, why: Failure["kind"] | "unexpected"): Promise<void> {
    const { document, personName, receivedAtMs } = save.facts;
    const earlier = await this.#earlierCopy(save);
    if (earlier !== undefined) return this.#tell(save.facts, { is: "copied", copyName: earlier.name, why });
    const { file, isThere } = await this.#original(save);
    if (isThere && (await this.#holds(file, save))) {
      return this.#tell(save.facts, { is: "saved", version: file.version });
    }
    let copy: DriveFile | undefined;
    for (let attempt = 0; copy === undefined; attempt++) {
      copy = await this.#create(save, file, conflictCopyName(file.name, personName, receivedAtMs, attempt));
    }
    await this.#content.stored(copy, save.sha256);
    await this.#content.conflictCopied(document.fileId, save.sha256, copy.id, this.#now() + rememberedForMs);
    await this.#tell(save.facts, { is: "copied", copyName: copy.name, why });
  }

  /** The document, or what is left to say of one that is gone: where copies of it go. */
  async #original(save: SpooledSave): Promise<{ readonly file: DriveFile; readonly isThere: boolean }> {
    const { document, fileName, folderUri } = save.facts;
    try {
      return { file: await this.#drive.stat(document), isThere: true };
    } catch (error) {
      if (failureOf(error, "fileMissing") === undefined) throw error;
    }
    const folder = folderUri !== undefined && (await this.#isFolder(document.account, folderUri)) ? folderUri : rootUri;
    const uri = `${folder}/${encodeURIComponent(fileName)}`;
    return {
      file: { id: document.fileId, name: fileName, uri, sizeBytes: 0, version: "", modifiedAt: "" },
      isThere: false,
    };
  }

  async #isFolder(account: string, uri: string): Promise<boolean> {
    try {
      await this.#drive.list(account, uri);
      return true;
    } catch (error) {
      if (failureOf(error, "fileMissing") === undefined) throw error;
      return false;
    }
  }

  /** An earlier copy of this content, if it stands yet: a person may have thrown it away, or worked on in it. */
  async #earlierCopy(save: SpooledSave): Promise<DriveFile | undefined> {
    const { account, fileId } = save.facts.document;
    const copyId = await this.#content.conflictCopy(fileId, save.sha256);
    if (copyId === undefined) return undefined;
    try {
      const copy = await this.#drive.stat({ account, fileId: copyId });
      return (await this.#holds(copy, save)) ? copy : undefined;
    } catch (error) {
      if (failureOf(error, "fileMissing") === undefined) throw error;
      return undefined;
    }
  }

  /** @returns undefined when the name is another content's */
  async #create(save: SpooledSave, file: DriveFile, name: string): Promise<DriveFile | undefined> {
    const { document } = save.facts;
    try {
      return await this.#drive.createBeside(document, file, name, save);
    } catch (error) {
      if (failureOf(error, "nameTaken") === undefined) throw error;
    }
    const taken = await this.#drive.findBeside(document, file, name);
    if (taken === undefined) return undefined;
    // An earlier try that was cut off: what it made is completed, and what it completed is not made twice.
    if (taken.sizeBytes > 0) return (await this.#holds(taken, save)) ? taken : undefined;
    const copy = { account: document.account, fileId: taken.id };
    return this.#drive.write(copy, taken, save, { previousVersion: taken.version });
  }

  async #holds(file: DriveFile, save: SpooledSave): Promise<boolean> {
    if (file.sizeBytes !== save.sizeBytes) return false;
    const { account } = save.facts.document;
    return (await sha256Of(this.#drive, this.#content, { account, fileId: file.id }, file)) === save.sha256;
  }
}
