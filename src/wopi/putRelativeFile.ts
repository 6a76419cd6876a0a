import { randomInt } from "node:crypto";
import { type AccessGrant, type AccessGrants, mayEdit, wopiFileId } from "../model/accessGrants.ts";
import type { ContentRecord } from "../model/contentRecord.ts";
import type { Drive, DriveFile } from "../model/drive.ts";
import type { DriveShield } from "../model/driveShield.ts";
import { BridgeError, failureOf, isConflict } from "../model/failure.ts";
import type { FileLocks } from "../model/fileLocks.ts";
import { checkName, nearestName, splitName } from "../model/fileName.ts";
import type { FileTurns } from "../model/fileTurns.ts";
import type { SaveSpool, SpooledSave } from "../saves/saveSpool.ts";
import { placingFacts } from "./putFile.ts";
import { refuseTooLarge, requestedName, type WopiCall, type WopiOperation, type WopiReply } from "./wopiCall.ts";

export interface PutRelativeParts {
  readonly drive: Drive;
  readonly grants: AccessGrants;
  readonly locks: FileLocks;
  readonly shield: DriveShield;
  readonly turns: FileTurns;
  readonly content: ContentRecord;
  readonly spool: SaveSpool;
  readonly limitBytes: number;
  readonly now: () => number;
  /** Addresses of a document for an editor and for a person, each with a token or ticket of the grant. */
  readonly addresses: DocumentAddresses;
}

export interface DocumentAddresses {
  /** WOPISrc with an access token. */
  forEditor(grant: AccessGrant): Promise<string>;
  /** Our host page. */
  forPerson(grant: AccessGrant): Promise<string>;
  /** The editor's address for another document than the grant's own. */
  actionUrl(grant: AccessGrant, wopiFileId: string): string;
}

/** Behind so many taken names the number is drawn: nobody waits while a thousand are tried. */
const attempts = { counted: 30, most: 50, withinMs: 10_000 };

/** How the editor names the new file. */
type Target = { readonly suggested: string } | { readonly exact: string; readonly overwrite: boolean };

/**
 * Save As: a new file beside this one. This file's own lock is neither asked for nor touched.
 * @see WOPI PutRelativeFile; reference wopi.md section 9
 */
export function putRelativeFile(parts: PutRelativeParts): WopiOperation {
  return async (call) => {
    // WOPI: who may not is told that it is not there, whatever else is wrong with the call.
    if (call.grant.permission !== "edit") throw new BridgeError({ kind: "notImplemented", operation: "PUT_RELATIVE" });
    const target = targetOf(call);
    refuseTooLarge(call, parts.limitBytes);
    // Should the bridge die: these bytes are another file's, and must not go into this one.
    const facts = { ...placingFacts(call.grant, {}, parts.now()), isBesideOnly: true };
    const save = await parts.spool.receive(call.body, facts, parts.limitBytes);
    try {
      // The body may have taken minutes, and what was ended in the meantime writes nothing any more.
      const today = await parts.grants.find(call.grant.id);
      if (today === undefined || !mayEdit(today, parts.now())) throw new BridgeError({ kind: "tokenInvalid" });
      const parent = await parts.drive.stat(call.grant.document);
      const file =
        "suggested" in target
          ? await createNear(parts, call.grant, parent, target.suggested, save)
          : await createExactly(parts, call.grant, parent, target, save);
      await parts.content.stored(file, save.sha256);
      return await reply(parts, call.grant, parent, file);
    } finally {
      await save.discard();
    }
  };
}

/** @throws headerInvalid when there are both names or none @throws notImplemented as WOPI has it for both */
function targetOf(call: WopiCall): Target {
  const suggested = requestedName(call, "X-WOPI-SuggestedTarget");
  const exact = requestedName(call, "X-WOPI-RelativeTarget");
  if (suggested !== undefined && exact !== undefined) {
    throw new BridgeError({ kind: "notImplemented", operation: "PUT_RELATIVE with both names" });
  }
  if (suggested !== undefined) return { suggested };
  if (exact !== undefined) {
    return { exact, overwrite: call.header("X-WOPI-OverwriteRelativeTarget")?.toLowerCase() === "true" };
  }
  throw new BridgeError({ kind: "headerInvalid", header: "X-WOPI-SuggestedTarget", reason: "missing or empty" });
}

/** The host may adjust the name: never a conflict, since Collabora closes the document for everybody at one. */
async function createNear(
  parts: PutRelativeParts,
  grant: AccessGrant,
  parent: DriveFile,
  suggested: string,
  save: SpooledSave,
): Promise<DriveFile> {
  // A leading dot is only an extension: the stem stays.
  const name = suggested.trim();
  const wanted = name.startsWith(".") ? `${splitName(parent.name).stem}${name}` : name;
  const startedAtMs = performance.now();
  for (let attempt = 0; attempt < attempts.most; attempt++) {
    if (performance.now() - startedAtMs > attempts.withinMs) break;
    const number = attempt < attempts.counted ? attempt : randomInt(attempts.counted, 1_000_000);
    try {
      return await parts.drive.createBeside(grant.document, parent, nearestName(wanted, number), save);
    } catch (error) {
      // Also when somebody was at the new file before its bytes were in it: no conflict for this editor to hear of.
      if (failureOf(error, "nameTaken") === undefined && !isConflict(error)) throw error;
    }
  }
  throw new BridgeError({ kind: "driveBusy" });
}

async function createExactly(
  parts: PutRelativeParts,
  grant: AccessGrant,
  parent: DriveFile,
  target: { readonly exact: string; readonly overwrite: boolean },
  save: SpooledSave,
): Promise<DriveFile> {
  const verdict = checkName(target.exact);
  if (!verdict.ok) throw new BridgeError({ kind: "nameIllegal", reason: verdict.reason });
  try {
    return await parts.drive.createBeside(grant.document, parent, target.exact, save);
  } catch (error) {
    if (failureOf(error, "nameTaken") === undefined) throw error;
    if (!target.overwrite) throw await withFreeName(parts, grant, parent, target.exact);
  }
  return overwrite(parts, grant, parent, target.exact, save);
}

async function overwrite(
  parts: PutRelativeParts,
  grant: AccessGrant,
  parent: DriveFile,
  name: string,
  save: SpooledSave,
): Promise<DriveFile> {
  const found = await parts.drive.findBeside(grant.document, parent, name);
  if (found === undefined) throw new BridgeError({ kind: "nameTaken" });
  return parts.turns.inTurn(found.id, async () => {
    const lock = await parts.locks.current(found.id);
    if (lock !== undefined) throw new BridgeError({ kind: "lockMismatch", currentLockId: lock.lockId });
    // A lock that has just run out may still stand in the drive.
    await parts.shield.release(found.id);
    // Whoever had the turn before may have written or renamed it.
    const taken = await parts.drive.findBeside(grant.document, parent, name);
    if (taken?.id !== found.id) throw new BridgeError({ kind: "nameTaken" });
    const document = { account: grant.document.account, fileId: taken.id };
    return parts.drive.write(document, taken, save, { previousVersion: taken.version });
  });
}

/** A refusal that names what would be free. */
async function withFreeName(
  parts: PutRelativeParts,
  grant: AccessGrant,
  parent: DriveFile,
  name: string,
): Promise<BridgeError> {
  for (let attempt = 1; attempt < 20; attempt++) {
    const freeName = nearestName(name, attempt);
    if ((await parts.drive.findBeside(grant.document, parent, freeName)) === undefined) {
      return new BridgeError({ kind: "nameTaken", freeName });
    }
  }
  return new BridgeError({ kind: "nameTaken" });
}

async function reply(
  parts: PutRelativeParts,
  grant: AccessGrant,
  parent: DriveFile,
  file: DriveFile,
): Promise<WopiReply> {
  const document = { account: grant.document.account, fileId: file.id };
  // No token may be traded for a longer one: the new grants end when this one does.
  const { id, ...rights } = grant;
  const actionUrl = parts.addresses.actionUrl(grant, wopiFileId(document));
  const facts = { ...rights, document, fileName: file.name, actionUrl, derivedFrom: grant.derivedFrom ?? id };
  const edit = await parts.grants.issue(facts);
  const view = await parts.grants.issue({ ...facts, permission: "view" });
  return {
    status: 200,
    json: {
      Name: file.name,
      Url: await parts.addresses.forEditor(edit),
      HostEditUrl: await parts.addresses.forPerson(edit),
      HostViewUrl: await parts.addresses.forPerson(view),
      // Collabora takes this for the time of the file that is open, and 1970 when it is missing.
      LastModifiedTime: await parts.content.lastModifiedTime(parent),
    },
  };
}
