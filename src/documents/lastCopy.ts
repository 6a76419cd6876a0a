import { z } from "zod";
import type { DriveDocument, DriveFile } from "../model/drive.ts";
import { BridgeError, type Failure, failureOf } from "../model/failure.ts";
import { conflictCopyName } from "../model/fileName.ts";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { record, rowObject, type StoredRecord } from "../model/record.ts";
import type { Services } from "../services.ts";
import type { SpooledSave } from "./saveSpool.ts";
import { holdsSave, originalOf, sha256Of } from "./storedContent.ts";

const lastCopySchema = rowObject({
  /** Taken before the drive is asked: however many try, and however often one is killed, they make the same file. */
  name: z.string(),
  /** Hashes of what was sent there and has not been heard of since, newest first. */
  unheard: z.array(z.string()),
  /** As the bridge last wrote it; undefined until the drive has said so. */
  written: rowObject({
    copyId: z.string(),
    version: z.string(),
    sha256: z.string(),
    /** When that save arrived: an older one, as from a spool, does not undo it. */
    receivedAtMs: z.number(),
  }).exactOptional(),
  /** A person has worked on in it or thrown it away: it is theirs, and another is not made. */
  isLeft: z.literal(true).exactOptional(),
});
/** The one copy beside the document that an ended grant may leave. */
export type LastCopy = z.infer<typeof lastCopySchema>;

/** As long as a save may wait in a spool. */
const rememberedForMs = 31 * 24 * 3_600_000;

/** Per grant, in the store: what its last save has become. */
export class LastCopies {
  readonly #copies: StoredRecord<LastCopy>;

  constructor(store: KeyValueStore, now: Clock) {
    this.#copies = record(store, "lastCopy", lastCopySchema, { endsAtMs: () => now() + rememberedForMs });
  }

  async find(grantId: string): Promise<LastCopy | undefined> {
    return this.#copies.get(grantId);
  }

  /**
   * @param next decides on what stands there now; undefined leaves it
   * @returns what stands there afterwards
   */
  async change(
    grantId: string,
    next: (standing: LastCopy | undefined) => LastCopy | undefined,
  ): Promise<LastCopy | undefined> {
    const { after } = await this.#copies.update(grantId, (standing) => next(standing) ?? standing);
    return after;
  }
}

type Needs = Pick<Services, "drive" | "content" | "lastCopies" | "tell">;

type Why = Failure["kind"] | "unexpected";

/** Further names are not looked for: somebody makes files there faster than we find them. */
const namesAtMost = 50;
const unheardAtMost = 8;

/**
 * Places the last save of a grant that has ended: one copy beside the document, replaced by what comes later. Never
 * over a person's work: a copy that somebody has worked on in or thrown away is left, and no other is made. To be
 * called under the file's mutex, whose keeping it does not rely on.
 * @throws what the drive says; the bytes are then not placed
 */
export async function placeLastSave(services: Needs, save: SpooledSave, why: Why): Promise<void> {
  const { tell, lastCopies, drive } = services;
  const { grantId, document } = save.facts;
  const before = await lastCopies.find(grantId);
  if (before?.isLeft) return tell(save.facts, { is: "refused", why });
  if (before !== undefined && isIn(save, before)) return tell(save.facts, { is: "copied", copyName: before.name, why });
  const { file, isThere } = await originalOf(drive, save);
  if (isThere && (await holdsSave(drive, services.content, document, file, save)))
    return tell(save.facts, { is: "saved", version: file.version });
  const name = before?.name ?? (await freeName(services, save, file, 0));
  const reserved = await lastCopies.change(grantId, (standing) => withUnheard(standing ?? { name, unheard: [] }, save));
  if (reserved === undefined) throw new BridgeError({ kind: "driveBusy" });
  const copy =
    reserved.written === undefined
      ? await create(services, save, file, reserved)
      : await replace(services, save, reserved, reserved.written.copyId);
  if (copy === "left") {
    await lastCopies.change(grantId, (standing) => standing && { ...standing, isLeft: true });
    return tell(save.facts, { is: "refused", why });
  }
  await services.content.stored(copy, save.sha256);
  await lastCopies.change(grantId, (standing) => withWritten(standing, copy, save));
  await tell(save.facts, { is: "copied", copyName: copy.name, why });
}

/** Whether these bytes, or later ones, are in the copy already. */
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

/** Makes the copy under its name, or completes what a try that was cut off has left there. */
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
    // Somebody else's file, made since the name was found free.
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

/** Whether the drive holds there what this grant has sent: written by a try that did not live to note it. */
async function isOurs(
  { drive, content }: Needs,
  copy: DriveDocument,
  file: DriveFile,
  { unheard }: LastCopy,
): Promise<boolean> {
  return unheard.includes(await sha256Of(drive, content, copy, file));
}

/** @returns a name that nothing bears at this moment @throws driveBusy */
async function freeName({ drive }: Needs, { facts }: SpooledSave, file: DriveFile, from: number): Promise<string> {
  for (let attempt = from; attempt < from + namesAtMost; attempt++) {
    const name = conflictCopyName(file.name, facts.personName, facts.receivedAtMs, attempt);
    if ((await drive.findBeside(facts.document, file, name)) === undefined) return name;
  }
  throw new BridgeError({ kind: "driveBusy" });
}
