import { z } from "zod";
import type { DriveDocument, DriveFile } from "../model/drive.ts";
import { BridgeError, type Failure, failureOf } from "../model/failure.ts";
import { conflictCopyName } from "../model/fileName.ts";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { record, rowObject, type StoredRecord } from "../model/record.ts";
import type { Services } from "../services.ts";
import type { SaveNews } from "./saveEvents.ts";
import type { SpooledSave } from "./saveSpool.ts";
import { holdsSave, originalOf, sha256Of } from "./storedContent.ts";

const lastCopySchema = rowObject({
  /** Chosen before the drive is called: however often a process tries or is killed, all create the same file. */
  name: z.string(),
  /** Hashes of what was sent there without an answer so far, newest first. */
  unheard: z.array(z.string()),
  /** The copy as the bridge last wrote it; undefined until the drive has confirmed it. */
  written: rowObject({
    copyId: z.string(),
    version: z.string(),
    sha256: z.string(),
    /** When that save arrived: an older one, as from a spool, does not overwrite it. */
    receivedAtMs: z.number(),
  }).exactOptional(),
  /** Somebody has edited or deleted it: it is theirs now, and no other copy is made. */
  isLeft: z.literal(true).exactOptional(),
});
/** The one copy that an ended grant may leave beside the document. */
export type LastCopy = z.infer<typeof lastCopySchema>;

/** As long as a save can wait in a spool. */
const rememberedForMs = 31 * 24 * 3_600_000;

/** In the store, per grant: what became of its last save. */
export class LastCopies {
  readonly #copies: StoredRecord<LastCopy>;

  constructor(store: KeyValueStore, now: Clock) {
    this.#copies = record(store, "lastCopy", lastCopySchema, { endsAtMs: () => now() + rememberedForMs });
  }

  async find(grantId: string): Promise<LastCopy | undefined> {
    return this.#copies.get(grantId);
  }

  /**
   * @param next gets the current row and returns the new one; undefined leaves the row unchanged
   * @returns the row afterwards
   */
  async change(
    grantId: string,
    next: (standing: LastCopy | undefined) => LastCopy | undefined,
  ): Promise<LastCopy | undefined> {
    const { after } = await this.#copies.update(grantId, (standing) => next(standing) ?? standing);
    return after;
  }
}

type Needs = Pick<Services, "drive" | "content" | "lastCopies" | "versionRecord" | "tell">;

type Why = Failure["kind"] | "unexpected";

/** No more names are tried: somebody creates files there faster than we find free names. */
const namesAtMost = 50;
const unheardAtMost = 8;

/**
 * Places the last save of a grant that has ended: one copy beside the document, replaced by later saves. Never
 * overwrites a person's work: a copy that somebody has edited or deleted is left alone, and no other is made. To be
 * called under the file's mutex; stays correct even if the lease is lost.
 * @returns whether the bytes, or later ones, are stored somewhere
 * @throws what the drive throws; the bytes are then not placed
 */
export async function placeLastSave(services: Needs, save: SpooledSave, why: Why): Promise<boolean> {
  const { tell, lastCopies, drive } = services;
  const { grantId, document } = save.facts;
  const before = await lastCopies.find(grantId);
  const told = async (news: SaveNews): Promise<boolean> => {
    await tell(save.facts, news);
    return news.is !== "refused";
  };
  if (before?.isLeft) return told({ is: "refused", why });
  if (before !== undefined && isIn(save, before)) {
    const copyId = before.written?.copyId;
    return told({ is: "copied", copyName: before.name, ...(copyId === undefined ? {} : { copyId }), why });
  }
  const { file, isThere } = await originalOf(drive, save);
  if (isThere && (await holdsSave(drive, services.content, document, file, save)))
    return told({ is: "saved", version: file.version });
  const name = before?.name ?? (await freeName(services, save, file, 0));
  const reserved = await lastCopies.change(grantId, (standing) => withUnheard(standing ?? { name, unheard: [] }, save));
  if (reserved === undefined) throw new BridgeError({ kind: "driveBusy" });
  const copy =
    reserved.written === undefined
      ? await create(services, save, file, reserved)
      : await replace(services, save, reserved, reserved.written.copyId);
  if (copy === "left") {
    await lastCopies.change(grantId, (standing) => standing && { ...standing, isLeft: true });
    return told({ is: "refused", why });
  }
  await Promise.all([
    services.content.stored(copy, save.sha256),
    services.versionRecord.saved(copy.id, copy.version, save.facts),
    services.versionRecord.copied(save.facts, copy, why),
  ]);
  await lastCopies.change(grantId, (standing) => withWritten(standing, copy, save));
  return told({ is: "copied", copyName: copy.name, copyId: copy.id, why });
}

/** Whether these bytes, or later ones, are already in the copy. */
function isIn(save: SpooledSave, { written }: LastCopy): boolean {
  return written !== undefined && (written.sha256 === save.sha256 || written.receivedAtMs > save.facts.receivedAtMs);
}

function withUnheard(standing: LastCopy, save: SpooledSave): LastCopy {
  const others = standing.unheard.filter((sha256) => sha256 !== save.sha256);
  return { ...standing, unheard: [save.sha256, ...others].slice(0, unheardAtMost) };
}

function withWritten(standing: LastCopy | undefined, copy: DriveFile, save: SpooledSave): LastCopy | undefined {
  const { receivedAtMs } = save.facts;
  if (standing?.written !== undefined && standing.written.receivedAtMs > receivedAtMs) return undefined;
  return {
    name: copy.name,
    unheard: (standing?.unheard ?? []).filter((sha256) => sha256 !== save.sha256),
    written: { copyId: copy.id, version: copy.version, sha256: save.sha256, receivedAtMs },
  };
}

/** Creates the copy under its name, or completes what an interrupted attempt has left there. */
async function create(
  services: Needs,
  save: SpooledSave,
  file: DriveFile,
  reserved: LastCopy,
): Promise<DriveFile | "left"> {
  const { drive, lastCopies } = services;
  const { document, grantId } = save.facts;
  let { name } = reserved;
  for (let tries = 0; tries < namesAtMost; tries++) {
    try {
      return await drive.createBeside(document, file, name, save);
    } catch (error) {
      if (failureOf(error, "nameTaken") === undefined) throw error;
    }
    const taken = await drive.findBeside(document, file, name);
    if (taken === undefined) continue;
    const copy = { account: document.account, fileId: taken.id };
    if (taken.sizeBytes === 0 || (await isOurs(services, copy, taken, reserved))) {
      return write(services, copy, taken, save);
    }
    // It is somebody else's file, created after the name was found free.
    const next = await freeName(services, save, file, tries + 1);
    const changed = await lastCopies.change(grantId, (standing) =>
      standing?.written === undefined && standing?.name === name ? { ...standing, name: next } : undefined,
    );
    if (changed === undefined || changed.written !== undefined) break;
    name = changed.name;
  }
  throw new BridgeError({ kind: "driveBusy" });
}

async function replace(
  services: Needs,
  save: SpooledSave,
  reserved: LastCopy,
  copyId: string,
): Promise<DriveFile | "left"> {
  const copy = { account: save.facts.document.account, fileId: copyId };
  let standing: DriveFile;
  try {
    standing = await services.drive.stat(copy);
  } catch (error) {
    if (failureOf(error, "fileMissing") !== undefined) return "left";
    throw error;
  }
  const isAsWritten = standing.version === reserved.written?.version;
  if (!isAsWritten && !(await isOurs(services, copy, standing, reserved))) return "left";
  return write(services, copy, standing, save);
}

async function write(services: Needs, copy: DriveDocument, standing: DriveFile, save: SpooledSave): Promise<DriveFile> {
  if (await holdsSave(services.drive, services.content, copy, standing, save)) return standing;
  return services.drive.write(copy, standing, save, { previousVersion: standing.version });
}

/** Whether the drive's file is what this grant has sent, by an attempt that died before it could record it. */
async function isOurs(
  { drive, content }: Needs,
  copy: DriveDocument,
  file: DriveFile,
  { unheard }: LastCopy,
): Promise<boolean> {
  return unheard.includes(await sha256Of(drive, content, copy, file));
}

/** @returns a name that no file has at this moment @throws driveBusy */
async function freeName({ drive }: Needs, { facts }: SpooledSave, file: DriveFile, from: number): Promise<string> {
  for (let attempt = from; attempt < from + namesAtMost; attempt++) {
    const name = conflictCopyName(file.name, facts.personName, facts.receivedAtMs, attempt);
    if ((await drive.findBeside(facts.document, file, name)) === undefined) return name;
  }
  throw new BridgeError({ kind: "driveBusy" });
}
