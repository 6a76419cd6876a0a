import { Readable } from "node:stream";
import { z } from "zod";
import { blankDocument, blankTypes } from "../blanks/blankDocument.ts";
import type { FailedSave, OpenSession } from "../documents/activity.ts";
import { addDocument, freeNameIn } from "../documents/addDocument.ts";
import type { Comment } from "../documents/comments.ts";
import { rightOf } from "../documents/grants.ts";
import { takeOverDocument } from "../documents/lockDocument.ts";
import type { CopyMade, SavedVersion } from "../documents/versionRecord.ts";
import { logFacts } from "../http/requestLog.ts";
import type { DriveEntry, DriveFile } from "../model/drive.ts";
import { BridgeError, onFailure } from "../model/failure.ts";
import { fileType } from "../model/fileName.ts";
import type { NamedPerson } from "../model/person.ts";
import type { Services } from "../services.ts";
import { driveTokens } from "./portalAuth.ts";
import { type ApiCall, type ApiRoute, apiRoute } from "./route.ts";
import { driveIdSchema, isoTime } from "./schemas/fields.ts";
import {
  fileActivitySchema,
  fileVersionsSchema,
  folderListSchema,
  folderQuerySchema,
  madeFileSchema,
  newFileSchema,
  takeOverSchema,
} from "./schemas/files.ts";

type Needs = Pick<Services, "drive" | "grants" | "activity" | "locks" | "spool" | "versionRecord" | "audit" | "note">;

const tag = "files";
const creationFailures = ["nameTaken", "nameIllegal", "quotaExceeded", "bodyTooLarge", "fileUnproven"] as const;
const ownFileFailures = ["signInNeeded", "fileMissing", "rightMissing", "driveUnreachable", "driveBusy"] as const;

const rootUri = "cloudreve://my";

/** `/api/files`: the files of an account; their activity, versions and locks. */
export function fileRoutes(services: Needs): readonly ApiRoute[] {
  return [
    apiRoute({
      method: "get",
      path: "/files",
      operationId: "listFiles",
      summary: "List the documents and folders in a folder",
      description: "The folder must be the drive account's own.",
      tag,
      headers: ["driveAccount"],
      query: folderQuerySchema,
      answers: folderListSchema,
      answer: { status: 200, description: "What is in the folder" },
      failures: ["requestInvalid", ...ownFileFailures],
      run: async (call) => {
        const { drive } = services;
        const { account } = await drive.account(driveTokens(call.header));
        const { folder: uri = rootUri, next: cursor } = call.query;
        const [folder, { entries, next }, openable] = await Promise.all([
          drive.folder(account, { uri }),
          drive.list(account, uri, cursor),
          drive.openable(account),
        ]);
        return {
          folder: { id: folder.id, name: folder.name, uri: folder.uri },
          entries: entries.map((entry) => listedEntry(entry, openable)),
          next: next ?? null,
        };
      },
    }),
    apiRoute({
      method: "post",
      path: "/files",
      operationId: "createFile",
      summary: "Create an empty document",
      description: "Never replaces anything: a name that is taken is refused, with a free one in `free_name`.",
      tag,
      headers: ["driveAccount"],
      body: newFileSchema,
      answers: madeFileSchema,
      answer: { status: 201, description: "The document, and how to open it" },
      failures: ["requestInvalid", ...ownFileFailures, ...creationFailures],
      run: async (call) => {
        const { folder = rootUri, name } = call.body;
        const file = await createEmpty(services, call, folder, name);
        logFacts({ file: file.id });
        return { file: fileAnswer(file), uri: file.uri, open_with: { file_id: file.id, action: "edit" as const } };
      },
    }),
    apiRoute({
      method: "get",
      path: "/files/:id/activity",
      operationId: "getFileActivity",
      summary: "See who has a file open, who holds its lock, and how its last saves went",
      description: "The drive account must own the file.",
      tag,
      headers: ["driveAccount"],
      answers: fileActivitySchema,
      answer: { status: 200, description: "The file's activity" },
      failures: ownFileFailures,
      run: async (call) => {
        const file = await ownFile(services, call);
        const { sessions, lastSave, lastFailedSave, comments = [] } = await services.activity.of(file.id);
        const lock = await services.locks.current(file.id);
        return {
          file: fileAnswer(file),
          open: await liveSessions(services, sessions),
          lock:
            lock === undefined
              ? null
              : { held_by: await personBehind(services, lock.grantId), expires_at: isoTime(lock.expiresAtMs) },
          last_save:
            lastSave === undefined
              ? null
              : { at: isoTime(lastSave.atMs), person: named(lastSave.person), version: lastSave.version },
          last_failed_save: lastFailedSave === undefined ? null : failedSave(lastFailedSave),
          waiting_saves: waitingSaves(services, file.id),
          comments: comments.map(comment),
        };
      },
    }),
    apiRoute({
      method: "get",
      path: "/files/:id/versions",
      operationId: "listFileVersions",
      summary: "List a file's versions, who saved each, and the copies beside it",
      description: "The drive account must own the file.",
      tag,
      headers: ["driveAccount"],
      answers: fileVersionsSchema,
      answer: { status: 200, description: "The file's versions" },
      failures: ownFileFailures,
      run: async (call) => {
        const { account } = await services.drive.account(driveTokens(call.header));
        const id = driveIdSchema.safeParse(call.id).data;
        if (id === undefined) throw new BridgeError({ kind: "fileMissing" });
        const { file, versions } = await services.drive.versions(account, id);
        const { versionRecord } = services;
        const [saves, names, copies] = await Promise.all([
          versionRecord.saves(id),
          versionRecord.names(id),
          versionRecord.copiesOf(id),
        ]);
        return {
          file: fileAnswer(file),
          versions: versions.map((one) => ({
            ...versionSave(saves.get(one.version)),
            version: one.version,
            size: one.sizeBytes,
            stored_at: isoTime(Date.parse(one.storedAt)),
            is_current: one.version === file.version,
            name: names.get(one.version) ?? null,
          })),
          copies: copies.map(copyMade),
        };
      },
    }),
    apiRoute({
      method: "delete",
      path: "/files/:id/lock",
      operationId: "takeOverFile",
      summary: "Take over a file by ending its lock",
      description:
        "The drive account must own the file. If the editor that held the lock still saves, its changes go into a conflict copy beside the document.",
      tag,
      headers: ["driveAccount"],
      answers: takeOverSchema,
      answer: { status: 200, description: "The file is no longer locked" },
      failures: ownFileFailures,
      run: async (call) => {
        const file = await ownFile(services, call);
        const lock = await takeOverDocument(services, file.id);
        logFacts({ file: file.id, ...(lock === undefined ? {} : { takenOverFrom: lock.grantId }) });
        const from = lock === undefined ? null : await personBehind(services, lock.grantId);
        if (lock !== undefined) {
          const by = `portal:${call.portal}`;
          services.audit({ event: "lockTakenOver", file: file.id, by, ...(from === null ? {} : { from }) });
        }
        return { taken_over: lock !== undefined, from };
      },
    }),
  ];
}

/** @throws nameTaken with a free name near it */
async function createEmpty(services: Needs, call: ApiCall<unknown>, uri: string, name: string): Promise<DriveFile> {
  const { account, userId, userName } = await services.drive.account(driveTokens(call.header));
  const folder = await services.drive.folder(account, { uri });
  const type = blankTypes.find((one) => one === fileType(name));
  // The schema lets no other through.
  if (type === undefined) throw new BridgeError({ kind: "nameIllegal", reason: "the name has no known extension" });
  const bytes = blankDocument(type);
  const content = { sizeBytes: bytes.length, body: Readable.from([bytes]) };
  const owner = { id: userId, name: userName, account };
  try {
    return await onFailure(
      "nameTaken",
      () => addDocument(services, owner, folder, name, content, `portal:${call.portal}`),
      async (_failure, cause) => {
        const freeName = await freeNameIn(services, account, folder, name);
        throw new BridgeError({ kind: "nameTaken", ...(freeName === undefined ? {} : { freeName }) }, { cause });
      },
    );
  } finally {
    content.body.destroy();
  }
}

function listedEntry(
  { kind, id, name, uri, sizeBytes, version, modifiedAt }: DriveEntry,
  openable: ReadonlySet<string>,
) {
  const isFile = kind === "file";
  return {
    kind,
    id,
    name,
    uri,
    size: isFile ? sizeBytes : null,
    version: isFile ? version : null,
    modified_at: isoTime(Date.parse(modifiedAt)),
    can_open: isFile && openable.has(fileType(name) ?? ""),
  };
}

const fileAnswer = ({ id, name, sizeBytes, version }: DriveFile) => ({ id, name, size: sizeBytes, version });

/** @throws fileMissing when the caller's account does not own the file */
async function ownFile({ drive }: Needs, call: ApiCall<unknown>): Promise<DriveFile> {
  const { account } = await drive.account(driveTokens(call.header));
  if (!driveIdSchema.safeParse(call.id).success) throw new BridgeError({ kind: "fileMissing" });
  return drive.find(account, { fileId: call.id });
}

/** Sessions stay in the activity for minutes after they end, so each one is checked; permissions are the current ones. */
async function liveSessions({ grants }: Needs, sessions: readonly OpenSession[]) {
  const live = [];
  for (const { grantId, person, openedAtMs, seenAtMs } of sessions) {
    const grant = await grants.find(grantId);
    if (grant === undefined || grant.revokedAtMs !== undefined) continue;
    live.push({
      person: named(person),
      permission: rightOf(grant),
      opened_at: isoTime(openedAtMs),
      seen_at: isoTime(seenAtMs),
    });
  }
  return live;
}

/** @returns null when the grant ended too long ago */
async function personBehind({ grants }: Needs, grantId: string): Promise<NamedPerson | null> {
  const grant = (await grants.find(grantId)) ?? (await grants.findEnded(grantId));
  return grant === undefined ? null : named(grant.person);
}

/** Of this bridge's own spool: another instance's is not seen from here. */
function waitingSaves({ spool }: Needs, fileId: string): number {
  return spool.waiting().filter(({ facts, isBroken }) => !isBroken && facts?.document.fileId === fileId).length;
}

const ways = { portal: "portal", link: "link", person: "owner" } as const;

function versionSave(save: SavedVersion | undefined) {
  const way = z.enum(["portal", "link", "person"]).safeParse(save?.through?.split(":", 1)[0]).data;
  return {
    saved_by: save === undefined ? null : named(save.person),
    through: way === undefined ? null : ways[way],
    restored_from: save?.restoredFrom ?? null,
  };
}

function copyMade({ copyId, name, atMs, person, isLate, why }: CopyMade) {
  return {
    file_id: copyId,
    name,
    made_at: isoTime(atMs),
    person: named(person),
    kind: isLate === true ? ("late" as const) : ("conflict" as const),
    why,
  };
}

function failedSave({ atMs, person, why, keptIn, copyName }: FailedSave) {
  return {
    at: isoTime(atMs),
    person: named(person),
    why,
    kept_in: keptIn ?? null,
    copy_name: copyName ?? null,
  };
}

function comment({ atMs, person, action, contentId, navigationId, mentioned }: Comment) {
  return {
    at: isoTime(atMs),
    person: named(person),
    action,
    content_id: contentId,
    navigation_id: navigationId ?? null,
    mentioned: mentioned.map(({ id, name = null }) => ({ id, name })),
  };
}

const named = ({ id, name }: NamedPerson): NamedPerson => ({ id, name });
