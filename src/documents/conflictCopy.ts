import type { DriveFile } from "../model/drive.ts";
import { BridgeError, type Failure, failureOf, isConflict } from "../model/failure.ts";
import { conflictCopyName } from "../model/fileName.ts";
import type { Services } from "../services.ts";
import { placeLastSave } from "./lastCopy.ts";
import type { SpooledSave } from "./saveSpool.ts";
import { holdsSave, originalOf } from "./storedContent.ts";

/** The same content is not stored again within this time, however often an editor sends it. */
const rememberedForMs = 7 * 24 * 3_600_000;

type Needs = Pick<Services, "drive" | "content" | "lastCopies" | "versionRecord" | "now" | "tell">;

/** Copies beside the document: one per content, and only one per grant that has ended. */
export class ConflictCopies {
  readonly #services: Needs;

  constructor(services: Needs) {
    this.#services = services;
  }

  /**
   * Places a save's bytes beside the document, unless they are already there or in the document. To be called under the
   * file's mutex.
   * @param why it can't go into the document; passed on with the event
   * @returns whether the bytes, or later ones of an ended grant, are stored somewhere: a person may have deleted the copy
   * @throws what the drive throws, but never a conflict; the bytes are then not placed
   */
  async copyBeside(save: SpooledSave, why: Failure["kind"] | "unexpected"): Promise<boolean> {
    try {
      return await this.#copyBeside(save, why);
    } catch (error) {
      // A conflict on the copy is not one on the document: a caller that confused them would discard the bytes.
      if (isConflict(error)) throw new BridgeError({ kind: "driveBusy" }, { cause: error });
      throw error;
    }
  }

  async #copyBeside(save: SpooledSave, why: Failure["kind"] | "unexpected"): Promise<boolean> {
    const { document, personName, receivedAtMs } = save.facts;
    const earlier = await this.#earlierCopy(save);
    if (earlier !== undefined) {
      await this.#services.tell(save.facts, { is: "copied", copyName: earlier.name, copyId: earlier.id, why });
      return true;
    }
    if (save.facts.isOfEndedGrant === true) {
      return placeLastSave(this.#services, save, why);
    }
    const { file, isThere } = await originalOf(this.#services.drive, save);
    if (isThere && (await this.#holds(file, save))) {
      await this.#services.tell(save.facts, { is: "saved", version: file.version });
      return true;
    }
    let copy: DriveFile | undefined;
    for (let attempt = 0; copy === undefined; attempt++) {
      copy = await this.#create(save, file, conflictCopyName(file.name, personName, receivedAtMs, attempt));
    }
    await Promise.all([
      this.#services.content.stored(copy, save.sha256),
      this.#services.versionRecord.saved(copy.id, copy.version, save.facts),
      this.#services.versionRecord.copied(save.facts, copy, why),
    ]);
    await this.savedBeside(document.fileId, save.sha256, copy);
    await this.#services.tell(save.facts, { is: "copied", copyName: copy.name, copyId: copy.id, why });
    return true;
  }

  /**
   * This content of a document is in another file: as a copy, or because a person chose Save As. While it stays there, no
   * copy of it is made.
   */
  async savedBeside(fileId: string, sha256: string, { id }: Pick<DriveFile, "id">): Promise<void> {
    const { content, now } = this.#services;
    await content.conflictCopied(fileId, sha256, id, now() + rememberedForMs);
  }

  /** An earlier copy of this content, if it still exists unchanged: a person may have deleted or edited it. */
  async #earlierCopy(save: SpooledSave): Promise<DriveFile | undefined> {
    const { account, fileId } = save.facts.document;
    const conflictFileId = await this.#services.content.conflictFileId(fileId, save.sha256);
    if (conflictFileId === undefined) return undefined;
    try {
      const copy = await this.#services.drive.stat({ account, fileId: conflictFileId });
      return (await this.#holds(copy, save)) ? copy : undefined;
    } catch (error) {
      if (failureOf(error, "fileMissing") === undefined) throw error;
      return undefined;
    }
  }

  /** @returns undefined when the name belongs to other content */
  async #create(save: SpooledSave, file: DriveFile, name: string): Promise<DriveFile | undefined> {
    const { document } = save.facts;
    try {
      return await this.#services.drive.createBeside(document, file, name, save);
    } catch (error) {
      if (failureOf(error, "nameTaken") === undefined) throw error;
    }
    const taken = await this.#services.drive.findBeside(document, file, name);
    if (taken === undefined) return undefined;
    // Left by an interrupted attempt: a file it created is completed, and one it completed is not made twice.
    if (taken.sizeBytes > 0) return (await this.#holds(taken, save)) ? taken : undefined;
    const copy = { account: document.account, fileId: taken.id };
    return this.#services.drive.write(copy, taken, save, { previousVersion: taken.version });
  }

  #holds(file: DriveFile, save: SpooledSave): Promise<boolean> {
    const { account } = save.facts.document;
    return holdsSave(this.#services.drive, this.#services.content, { account, fileId: file.id }, file, save);
  }
}
