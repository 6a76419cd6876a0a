import { DocumentLocks } from "../../src/documents/documentLock.ts";
import type { AccessGrant } from "../../src/documents/grants.ts";
import type { AuditEvent } from "../../src/http/auditLog.ts";
import type { Drive, DriveFile } from "../../src/model/drive.ts";
import { BridgeError } from "../../src/model/failure.ts";
import { FileMutex } from "../../src/model/fileMutex.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { setClock } from "../support/clock.ts";

const startMs = Date.parse("2026-11-21T08:15:00Z");

/** Report.docx in a drive that knows locks, and a bridge's locks around it; no server. */
export function lockStage() {
  const clock = setClock(startMs);
  const store = openMemoryStore(clock.now);
  const calls: string[] = [];
  /** Tokens under which the drive holds the file; a stranger's is "stranger". */
  const driveLock: { token: string | undefined } = { token: undefined };
  const spoilt = new Map<keyof Drive, Error>();
  let file: DriveFile | undefined = {
    id: "f1",
    name: "Report.docx",
    uri: "cloudreve://my/Report.docx",
    sizeBytes: 6,
    version: "v1",
    modifiedAt: "2026-11-21T08:15:00Z",
  };
  const called = (call: keyof Drive): DriveFile => {
    calls.push(call);
    const error = spoilt.get(call);
    if (error !== undefined) throw error;
    if (file === undefined) throw new BridgeError({ kind: "fileMissing" });
    return file;
  };
  const requireFree = (token?: string): void => {
    if (driveLock.token === undefined || driveLock.token === token) return;
    throw new BridgeError({ kind: "lockedElsewhere", holder: "other" });
  };
  const drive: Pick<Drive, "stat" | "lock" | "refreshLock" | "unlock" | "rename" | "remove"> = {
    stat: async () => called("stat"),
    lock: async (_document, token) => {
      const found = called("lock");
      requireFree(token);
      driveLock.token = token;
      return found;
    },
    refreshLock: async (_document, token) => {
      const found = called("refreshLock");
      return driveLock.token === token ? found : undefined;
    },
    unlock: async (_document, token) => {
      called("unlock");
      const stood = driveLock.token === token;
      if (stood) driveLock.token = undefined;
      return stood;
    },
    rename: async (_document, _file, name) => {
      const found = called("rename");
      requireFree();
      if (name === "Taken.docx") throw new BridgeError({ kind: "nameTaken" });
      file = { ...found, name };
      return file;
    },
    remove: async () => {
      called("remove");
      requireFree();
      file = undefined;
    },
  };
  const newLocks = () => new DocumentLocks({ store, drive: drive as Drive, mutex: new FileMutex(), now: clock.now });
  const noted: unknown[] = [];
  const audited: AuditEvent[] = [];
  const locks = newLocks();
  return {
    clock,
    store,
    locks,
    /** As another bridge on the same store has them. */
    newLocks,
    calls,
    driveLock,
    spoilt,
    noted,
    audited,
    file: () => file,
    services: {
      drive: drive as Drive,
      locks,
      audit: (event: AuditEvent) => void audited.push(event),
      note: (error: unknown) => void noted.push(error),
      sessionsEnded: async () => undefined,
      editorWatch: { locked: () => undefined, refused: async () => false },
    },
  };
}

/** A right to edit the file, of its owner, signed in on our own pages. */
export const grant: AccessGrant = {
  id: "g1",
  document: { account: "alice", fileId: "f1" },
  fileName: "Report.docx",
  permission: "edit",
  person: { id: "u1", name: "Ann" },
  ownerId: "u1",
  restrictions: {},
  saveAs: "overwrite",
  mayRename: true,
  actionUrl: "https://office.example/",
  language: "en-US",
  issuedTo: "person:u1",
  issuedAtMs: startMs,
  expiresAtMs: startMs + 3_600_000,
  renewableUntilMs: startMs + 3_600_000,
};

/** Of somebody who has not hung up. */
export const here = new AbortController().signal;
