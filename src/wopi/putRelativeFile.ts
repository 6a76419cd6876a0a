import { requireMeant } from "../documents/contentCheck.ts";
import type { WishedName } from "../documents/createChild.ts";
import { addressInEditor, derivedRights } from "../documents/folderReach.ts";
import { type AccessGrant, cameThrough, mayEdit } from "../documents/grants.ts";
import { countNewFile, requireDocumentType } from "../documents/newFileRules.ts";
import { editorAddress, personAddress } from "../documents/openSession.ts";
import { receiveSave } from "../documents/saveDocument.ts";
import { placingFacts } from "../documents/saveFacts.ts";
import type { SpooledSave } from "../documents/saveSpool.ts";
import { suiteOf } from "../editors/suites.ts";
import type { DriveFile } from "../model/drive.ts";
import { BridgeError, failureOf, isConflict } from "../model/failure.ts";
import { checkName, nearestName, underFreeName } from "../model/fileName.ts";
import { splitName } from "../model/nameRules.ts";
import type { Services } from "../services.ts";
import { saveBody, type WopiCall, type WopiOperation, type WopiReply, wishedName } from "./wopiCall.ts";

type Needs = Pick<
  Services,
  | "drive"
  | "editors"
  | "allowances"
  | "audit"
  | "grants"
  | "tokens"
  | "locks"
  | "content"
  | "copies"
  | "newFiles"
  | "spool"
  | "versionRecord"
  | "limitBytes"
  | "now"
  | "note"
  | "bridgeUrl"
  | "wopiUrl"
>;

interface Made {
  readonly file: DriveFile;
  /** The file existed before. */
  readonly isOverwritten: boolean;
}

/**
 * Save As: a new file beside this one. This file's own lock is neither required nor changed. Somebody who may only
 * create new files gets another name when the wanted one is taken, in both modes, and learns nothing about the existing
 * file.
 * @see WOPI PutRelativeFile; reference wopi.md section 9
 */
export function putRelativeFile(services: Needs): WopiOperation {
  return async (call) => {
    // WOPI: without permission the answer is that the file does not exist, whatever else is wrong with the call.
    const { grant } = call;
    if (grant.permission !== "edit" || grant.saveAs === "none") {
      throw new BridgeError({ kind: "notImplemented", operation: "PUT_RELATIVE" });
    }
    try {
      return await make(services, call);
    } catch (error) {
      const failure = error instanceof BridgeError ? error.failure.kind : "unexpected";
      // A name that is taken is a question to the editor: it goes on with the free one that it is told.
      if (failure !== "nameTaken") await services.newFiles.failed(grant.id, failure).catch(services.note);
      throw error;
    }
  };
}

async function make(services: Needs, call: WopiCall): Promise<WopiReply> {
  const { grant } = call;
  await countNewFile(services, grant);
  const target = wishedName(call, "PUT_RELATIVE");
  // In case the bridge dies: these bytes are another file's, and must not go into this one.
  const facts = { ...placingFacts(grant, {}, services.now()), isBesideOnly: true };
  const save = await receiveSave(services, saveBody(call), facts);
  try {
    // The body may have taken minutes. A session that was ended in the meantime writes nothing any more.
    const today = await services.grants.find(grant.id);
    if (today === undefined || !mayEdit(today, services.now())) throw new BridgeError({ kind: "tokenInvalid" });
    const parent = await services.drive.stat(grant.document);
    const wanted = wantedName(target, parent);
    await requireDocumentType(services, grant, nearestName(wanted, 0));
    const made =
      "exact" in target && grant.saveAs === "overwrite"
        ? await createExactly(services, grant, parent, target, save)
        : await createNear(services, grant, parent, wanted, save);
    await Promise.all([
      services.content.stored(made.file, save.sha256),
      services.versionRecord.saved(made.file.id, made.file.version, save.facts),
    ]);
    // "Save to new file" after a refused save: the editor may send the same again as it closes the document.
    await services.copies.savedBeside(grant.document.fileId, save.sha256, made.file);
    noteMade(services, grant, made);
    return await reply(services, grant, parent, made.file);
  } finally {
    await save.discard();
  }
}

/** @throws nameIllegal for an exact name that can't be used: only a suggested one may be changed */
function wantedName(target: WishedName, parent: DriveFile): string {
  if ("exact" in target) {
    const verdict = checkName(target.exact);
    if (!verdict.ok) throw new BridgeError({ kind: "nameIllegal", reason: verdict.reason });
    return target.exact;
  }
  // A leading dot means only an extension: the original's stem is used.
  const name = target.suggested.trim();
  return name.startsWith(".") ? `${splitName(parent.name).stem}${name}` : name;
}

/** The host may change the name: never a conflict, since Collabora would close the document for everybody. */
async function createNear(
  services: Needs,
  grant: AccessGrant,
  parent: DriveFile,
  wanted: string,
  save: SpooledSave,
): Promise<Made> {
  const file = await underFreeName(
    (attempt) => nearestName(wanted, attempt),
    (name) => services.drive.createBeside(grant.document, parent, name, save),
    // Also when somebody opened the new file before its bytes were written: not a conflict that this editor should see.
    (error) => failureOf(error, "nameTaken") !== undefined || isConflict(error),
  );
  if (file === undefined) throw new BridgeError({ kind: "driveBusy" });
  return { file, isOverwritten: false };
}

async function createExactly(
  services: Needs,
  grant: AccessGrant,
  parent: DriveFile,
  target: { readonly exact: string; readonly overwrite: boolean },
  save: SpooledSave,
): Promise<Made> {
  try {
    return {
      file: await services.drive.createBeside(grant.document, parent, target.exact, save),
      isOverwritten: false,
    };
  } catch (error) {
    if (failureOf(error, "nameTaken") === undefined) throw error;
    if (!target.overwrite) throw await withFreeName(services, grant, parent, target.exact);
  }
  return { file: await overwrite(services, grant, parent, target.exact, save), isOverwritten: true };
}

async function overwrite(
  services: Needs,
  grant: AccessGrant,
  parent: DriveFile,
  name: string,
  save: SpooledSave,
): Promise<DriveFile> {
  const found = await services.drive.findBeside(grant.document, parent, name);
  if (found === undefined) throw new BridgeError({ kind: "nameTaken" });
  return services.locks.exclusively(found.id, async (lock) => {
    await lock.requireNone();
    // A lock that has just expired may still be held in the drive.
    await lock.releaseInDrive();
    // Another call may have written or renamed it while this one waited.
    const taken = await services.drive.findBeside(grant.document, parent, name);
    if (taken?.id !== found.id) throw new BridgeError({ kind: "nameTaken" });
    const document = { account: grant.document.account, fileId: taken.id };
    await requireMeant(services.drive, document, taken, save);
    return services.drive.write(document, taken, save, { previousVersion: taken.version });
  });
}

/** The refusal of a name, with one that is free. */
async function withFreeName(
  services: Needs,
  grant: AccessGrant,
  parent: DriveFile,
  name: string,
): Promise<BridgeError> {
  for (let attempt = 1; attempt < 20; attempt++) {
    const freeName = nearestName(name, attempt);
    if ((await services.drive.findBeside(grant.document, parent, freeName)) === undefined) {
      return new BridgeError({ kind: "nameTaken", freeName });
    }
  }
  return new BridgeError({ kind: "nameTaken" });
}

function noteMade({ audit }: Needs, grant: AccessGrant, { file, isOverwritten }: Made): void {
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

async function reply(services: Needs, grant: AccessGrant, parent: DriveFile, file: DriveFile): Promise<WopiReply> {
  const document = { account: grant.document.account, fileId: file.id };
  // A token must not be exchanged for one that lasts longer: the new grants end when this one does.
  const { id, ...rights } = grant;
  const facts = { ...rights, document, fileName: file.name, derivedFrom: grant.derivedFrom ?? id };
  const opened = async (permission: "edit" | "view") =>
    services.grants.issue(derivedRights(facts, await addressInEditor(services, grant, file, permission)));
  const edit = await opened("edit");
  const view = await opened("view");
  // Our page around the editor is of no use to an app, which has no editor in the web.
  const pageOf = async (made: AccessGrant) =>
    suiteOf(grant.actionUrl).hasServer
      ? personAddress(services, made, made.expiresAtMs)
      : `${services.bridgeUrl}/open?file_id=${file.id}`;
  await services.newFiles.made(id, { name: file.name, fileId: file.id, editGrantId: edit.id });
  return {
    json: {
      Name: file.name,
      Url: await editorAddress(services, edit),
      HostEditUrl: await pageOf(edit),
      HostViewUrl: await pageOf(view),
      // Collabora takes this for the time of the open file, and assumes 1970 when it is missing.
      LastModifiedTime: await services.content.lastModifiedTime(parent),
    },
  };
}
