import type { ContentRecord } from "../documents/contentRecord.ts";
import type { DocumentLocks } from "../documents/documentLock.ts";
import { underFreeName } from "../documents/freeName.ts";
import {
  type AccessGrant,
  type AccessGrants,
  cameThrough,
  isOwners,
  mayEdit,
  wopiFileId,
} from "../documents/grants.ts";
import { receiveSave } from "../documents/saveDocument.ts";
import { placingFacts } from "../documents/saveFacts.ts";
import type { SaveSpool, SpooledSave } from "../documents/saveSpool.ts";
import type { Editors } from "../editors/discovery.ts";
import type { Audit } from "../http/auditLog.ts";
import type { Allowances } from "../model/allowances.ts";
import type { Drive, DriveFile } from "../model/drive.ts";
import { BridgeError, failureOf, isConflict } from "../model/failure.ts";
import { checkName, fileType, nearestName, splitName } from "../model/fileName.ts";
import { requestedName, saveBody, type WopiCall, type WopiOperation, type WopiReply } from "./wopiCall.ts";

export interface PutRelativeParts {
  readonly drive: Drive;
  readonly editors: Editors;
  readonly allowances: Allowances;
  readonly audit: Audit;
  readonly grants: AccessGrants;
  readonly locks: DocumentLocks;
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

/** Tries, not files: who is not the owner may neither fill the drive nor go through the names in a folder. */
const newFiles = { most: 30, withinMs: 3_600_000 };

/** How the editor names the new file. */
type Target = { readonly suggested: string } | { readonly exact: string; readonly overwrite: boolean };

interface Made {
  readonly file: DriveFile;
  /** The file was there before. */
  readonly isOverwritten: boolean;
}

/**
 * Save As: a new file beside this one. This file's own lock is neither asked for nor touched. Who may make new files
 * alone gets another name where the wanted one is taken, in both modes, and hears nothing of who has it.
 * @see WOPI PutRelativeFile; reference wopi.md section 9
 */
export function putRelativeFile(parts: PutRelativeParts): WopiOperation {
  return async (call) => {
    // WOPI: who may not is told that it is not there, whatever else is wrong with the call.
    const { grant } = call;
    if (grant.permission !== "edit" || grant.saveAs === "none") {
      throw new BridgeError({ kind: "notImplemented", operation: "PUT_RELATIVE" });
    }
    await countTry(parts, grant);
    const target = targetOf(call);
    // Should the bridge die: these bytes are another file's, and must not go into this one.
    const facts = { ...placingFacts(grant, {}, parts.now()), isBesideOnly: true };
    const save = await receiveSave(parts, saveBody(call), facts);
    try {
      // The body may have taken minutes, and what was ended in the meantime writes nothing any more.
      const today = await parts.grants.find(grant.id);
      if (today === undefined || !mayEdit(today, parts.now())) throw new BridgeError({ kind: "tokenInvalid" });
      const parent = await parts.drive.stat(grant.document);
      const wanted = wantedName(target, parent);
      if (!isOwners(grant)) await requireDocumentType(parts, grant, nearestName(wanted, 0));
      const made =
        "exact" in target && grant.saveAs === "overwrite"
          ? await createExactly(parts, grant, parent, target, save)
          : await createNear(parts, grant, parent, wanted, save);
      await parts.content.stored(made.file, save.sha256);
      noteMade(parts, grant, made);
      return await reply(parts, grant, parent, made.file);
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

/**
 * Of a link's visitors together, since each can come as somebody new at every visit; of a portal's people one by one.
 * @throws tooManyAttempts
 */
async function countTry(parts: PutRelativeParts, grant: AccessGrant): Promise<void> {
  if (isOwners(grant)) return;
  const who = grant.linkId === undefined ? `${cameThrough(grant)} ${grant.person.id}` : `link:${grant.linkId}`;
  await parts.allowances.take("new files of", who, newFiles);
}

/** @throws nameIllegal for an exact name that can't be used: only a suggested one is adjusted */
function wantedName(target: Target, parent: DriveFile): string {
  if ("exact" in target) {
    const verdict = checkName(target.exact);
    if (!verdict.ok) throw new BridgeError({ kind: "nameIllegal", reason: verdict.reason });
    return target.exact;
  }
  // A leading dot is only an extension: the stem stays.
  const name = target.suggested.trim();
  return name.startsWith(".") ? `${splitName(parent.name).stem}${name}` : name;
}

/** Documents, and nothing else that somebody might want to leave in another's drive. @throws nameIllegal */
async function requireDocumentType(parts: PutRelativeParts, grant: AccessGrant, name: string): Promise<void> {
  const type = fileType(name);
  if (type === undefined) throw new BridgeError({ kind: "nameIllegal", reason: "the name has no extension" });
  if ((await parts.drive.openable(grant.document.account)).has(type)) return;
  // What the editor itself takes without being set up for it in the drive, as PDF often is.
  const editor = await parts.editors.behind(grant.actionUrl);
  if ((await editor?.current())?.actions.some(({ extension }) => extension === type)) return;
  throw new BridgeError({ kind: "nameIllegal", reason: "no editor opens files of this type" });
}

/** The host may adjust the name: never a conflict, since Collabora closes the document for everybody at one. */
async function createNear(
  parts: PutRelativeParts,
  grant: AccessGrant,
  parent: DriveFile,
  wanted: string,
  save: SpooledSave,
): Promise<Made> {
  const file = await underFreeName(
    (attempt) => nearestName(wanted, attempt),
    (name) => parts.drive.createBeside(grant.document, parent, name, save),
    // Also when somebody was at the new file before its bytes were in it: no conflict for this editor to hear of.
    (error) => failureOf(error, "nameTaken") !== undefined || isConflict(error),
  );
  if (file === undefined) throw new BridgeError({ kind: "driveBusy" });
  return { file, isOverwritten: false };
}

async function createExactly(
  parts: PutRelativeParts,
  grant: AccessGrant,
  parent: DriveFile,
  target: { readonly exact: string; readonly overwrite: boolean },
  save: SpooledSave,
): Promise<Made> {
  try {
    return { file: await parts.drive.createBeside(grant.document, parent, target.exact, save), isOverwritten: false };
  } catch (error) {
    if (failureOf(error, "nameTaken") === undefined) throw error;
    if (!target.overwrite) throw await withFreeName(parts, grant, parent, target.exact);
  }
  return { file: await overwrite(parts, grant, parent, target.exact, save), isOverwritten: true };
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
  return parts.locks.exclusively(found.id, async (lock) => {
    await lock.requireNone();
    // A lock that has just run out may still stand in the drive.
    await lock.releaseInDrive();
    // Whoever was at it before may have written or renamed it.
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

function noteMade({ audit }: PutRelativeParts, grant: AccessGrant, { file, isOverwritten }: Made): void {
  const { person, document } = grant;
  audit({
    event: "savedAs",
    file: document.fileId,
    person: { id: person.id, name: person.name },
    newFile: file.id,
    name: file.name,
    overwritten: isOverwritten,
    through: cameThrough(grant),
  });
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
