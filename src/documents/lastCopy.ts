import type { Drive, DriveDocument, DriveFile } from "../model/drive.ts";
import { BridgeError, type Failure, failureOf } from "../model/failure.ts";
import { conflictCopyName } from "../model/fileName.ts";
import type { ContentRecord } from "./contentRecord.ts";
import type { LastCopies, LastCopy } from "./lastCopies.ts";
import type { TellSave } from "./saveEvents.ts";
import type { SpooledSave } from "./saveSpool.ts";
import { holdsSave, originalOf, sha256Of } from "./storedContent.ts";

export interface LastCopyParts {
  readonly drive: Drive;
  readonly content: ContentRecord;
  readonly lastCopies: LastCopies;
  readonly tell: TellSave;
}

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
export async function placeLastSave(parts: LastCopyParts, save: SpooledSave, why: Why): Promise<void> {
  const { tell, lastCopies, drive } = parts;
  const { grantId, document } = save.facts;
  const before = await lastCopies.find(grantId);
  if (before?.isLeft) return tell(save.facts, { is: "refused", why });
  if (before !== undefined && isIn(save, before)) return tell(save.facts, { is: "copied", copyName: before.name, why });
  const { file, isThere } = await originalOf(drive, save);
  if (isThere && (await holdsSave(drive, parts.content, document, file, save)))
    return tell(save.facts, { is: "saved", version: file.version });
  const name = before?.name ?? (await freeName(parts, save, file, 0));
  const reserved = await lastCopies.change(grantId, (standing) => withUnheard(standing ?? { name, unheard: [] }, save));
  if (reserved === undefined) throw new BridgeError({ kind: "driveBusy" });
  const copy =
    reserved.written === undefined
      ? await create(parts, save, file, reserved)
      : await replace(parts, save, reserved, reserved.written.copyId);
  if (copy === "left") {
    await lastCopies.change(grantId, (standing) => standing && { ...standing, isLeft: true });
    return tell(save.facts, { is: "refused", why });
  }
  await parts.content.stored(copy, save.sha256);
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
  parts: LastCopyParts,
  save: SpooledSave,
  file: DriveFile,
  reserved: LastCopy,
): Promise<DriveFile | "left"> {
  const { drive, lastCopies } = parts;
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
    if (taken.sizeBytes === 0 || (await isOurs(parts, copy, taken, reserved))) {
      return write(parts, copy, taken, save);
    }
    // Somebody else's file, made since the name was found free.
    const next = await freeName(parts, save, file, tries + 1);
    const changed = await lastCopies.change(grantId, (standing) =>
      standing?.written === undefined && standing?.name === name ? { ...standing, name: next } : undefined,
    );
    if (changed === undefined || changed.written !== undefined) break;
    name = changed.name;
  }
  throw new BridgeError({ kind: "driveBusy" });
}

async function replace(
  parts: LastCopyParts,
  save: SpooledSave,
  reserved: LastCopy,
  copyId: string,
): Promise<DriveFile | "left"> {
  const copy = { account: save.facts.document.account, fileId: copyId };
  let standing: DriveFile;
  try {
    standing = await parts.drive.stat(copy);
  } catch (error) {
    if (failureOf(error, "fileMissing") !== undefined) return "left";
    throw error;
  }
  const isAsWritten = standing.version === reserved.written?.version;
  if (!isAsWritten && !(await isOurs(parts, copy, standing, reserved))) return "left";
  return write(parts, copy, standing, save);
}

async function write(
  parts: LastCopyParts,
  copy: DriveDocument,
  standing: DriveFile,
  save: SpooledSave,
): Promise<DriveFile> {
  if (await holdsSave(parts.drive, parts.content, copy, standing, save)) return standing;
  return parts.drive.write(copy, standing, save, { previousVersion: standing.version });
}

/** Whether the drive holds there what this grant has sent: written by a try that did not live to note it. */
async function isOurs(
  { drive, content }: LastCopyParts,
  copy: DriveDocument,
  file: DriveFile,
  { unheard }: LastCopy,
): Promise<boolean> {
  return unheard.includes(await sha256Of(drive, content, copy, file));
}

/** @returns a name that nothing bears at this moment @throws driveBusy */
async function freeName(
  { drive }: LastCopyParts,
  { facts }: SpooledSave,
  file: DriveFile,
  from: number,
): Promise<string> {
  for (let attempt = from; attempt < from + namesAtMost; attempt++) {
    const name = conflictCopyName(file.name, facts.personName, facts.receivedAtMs, attempt);
    if ((await drive.findBeside(facts.document, file, name)) === undefined) return name;
  }
  throw new BridgeError({ kind: "driveBusy" });
}
