import type { Readable } from "node:stream";
import type { DriveDocument, DriveFile } from "../model/drive.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import type { RawAnswer } from "./client.ts";
import { driveFile, type FileApi, wholeSeconds } from "./fileApi.ts";
import type { NativeLockOutcome, NativeWopi, ViewerSession } from "./nativeWopi.ts";
import type { ViewerSessions } from "./viewerSessions.ts";

/** @returns what the bridge itself has noted of a version of this file; undefined for a version it knows nothing of */
export type KnownVersion = (
  fileId: string,
  version: string,
) => Promise<{ readonly lastModifiedTime: string } | undefined>;

/**
 * Every call to Cloudreve's native WOPI host, and what it rests on. A native session is bound to a path, and shows,
 * locks and overwrites whatever lies there by now. So nothing of an answer goes further, and nothing is changed, before
 * it is proven that this is the file; without proof the answer is `fileUnproven`. Three things prove it:
 *
 * - **id**: Cloudreve's info names this path for the file's id just now. It takes a credential.
 * - **lock**: our token stands at the path where it was given on proof. As long as it stands, nobody can rename, move,
 *   replace or delete the file or a folder above it, and REFRESH_LOCK answers 200 to no other token and no other path.
 * - **version**: the answer names a version that the bridge has noted as this file's. Stored contents have numbers of
 *   their own in the whole of Cloudreve; only a copy of a file shares them, so that this proves the bytes. For a change
 *   the time of the last change must be a noted one too, which a copy and whatever was moved here do not have.
 *
 * | native call              | rests on                                                                              |
 * |--------------------------|---------------------------------------------------------------------------------------|
 * | CheckFileInfo            | afterwards: version, or lock (refreshed after the look); of an old version: that very one |
 * | GetFile                  | before a byte goes out: version (ETag), else once more at the path of the id          |
 * | LOCK                     | before and after: id, without credential version and time; else it is given back      |
 * | REFRESH_LOCK             | nothing: it renews only what our token holds, and so is the proof                     |
 * | UNLOCK                   | nothing: it ends only what our token holds, wherever that is                          |
 * | PutFile                  | lock, refreshed within the second before; afterwards the stored version: id or lock   |
 * | viewerSession (API)      | id: Cloudreve binds the session to the id at that path, and refuses our id at another |
 *
 * The calls of Cloudreve's API that name a path rest on the id, asked directly before. Where a swap could still come in
 * between, the answer is compared and the call undone: PUT content (`previous`, id in the answer), upload (path and
 * version by id, once Cloudreve holds the path for it), create beside (the folder's path, by id, afterwards), rename
 * (id in the answer), delete (the id, afterwards; what went is in the trash). A download address is of one version.
 */
export class NativeDocuments {
  readonly #files: FileApi;
  readonly #sessions: ViewerSessions;
  readonly #wopi: NativeWopi;
  readonly #knownVersion: KnownVersion;

  constructor(files: FileApi, sessions: ViewerSessions, wopi: NativeWopi, knownVersion: KnownVersion) {
    this.#files = files;
    this.#sessions = sessions;
    this.#wopi = wopi;
    this.#knownVersion = knownVersion;
  }

  /** @returns the file as it is now, proven by id or version @throws fileMissing, fileUnproven */
  async look(document: DriveDocument): Promise<DriveFile> {
    return (await this.#byId(document)) ?? (await this.#byVersion(document, false));
  }

  /** As `look`, where something is to be locked: a copy of the file will not do. */
  async lookToChange(document: DriveDocument): Promise<DriveFile> {
    return (await this.#byId(document)) ?? (await this.#byVersion(document, true));
  }

  /** @param file as looked at just now: its path is where the lock goes */
  async lock(document: DriveDocument, file: DriveFile, token: string): Promise<NativeLockOutcome> {
    return this.#sessions.through(document, { by: "path", uri: file.uri }, (session) =>
      this.#wopi.lock(document, session, token),
    );
  }

  /** @returns the file; undefined when our token does not stand at its path (any more, or just now) */
  async refreshLock(document: DriveDocument, token: string): Promise<DriveFile | undefined> {
    // Looked at first: a lock that stands afterwards has stood all the time.
    const file = (await this.#byId(document)) ?? (await this.#seen(document)).file;
    return (await this.#stands(document, file, token)) ? file : undefined;
  }

  async unlock(document: DriveDocument, token: string): Promise<void> {
    await this.#sessions.through(document, { by: "token" }, (session) => this.#wopi.unlock(document, session, token));
  }

  /** @param file as `lock` or `refreshLock` has just shown it */
  async write(
    document: DriveDocument,
    file: DriveFile,
    token: string,
    body: () => Readable,
    sizeBytes: number,
  ): ReturnType<NativeWopi["write"]> {
    return this.#sessions.through(document, { by: "path", uri: file.uri }, (session) =>
      this.#wopi.write(document, session, token, body(), sizeBytes),
    );
  }

  /** @param version what PutFile has answered @returns the file with what was written @throws fileUnproven */
  async readBack(document: DriveDocument, token: string, version: string): Promise<DriveFile> {
    const byId = await this.#byId(document);
    if (byId !== undefined) return byId;
    const { file } = await this.#seen(document);
    // Nobody has noted this version yet: it is this file's if the lock has stood from the proof until now.
    if (file.version === version && (await this.#stands(document, file, token))) return file;
    throw unproven();
  }

  /** The bytes of this file, in the version asked or another of its own. */
  async read(
    document: DriveDocument,
    file: DriveFile,
    range: string | undefined,
    signal: AbortSignal,
  ): Promise<RawAnswer> {
    const first = await this.#readOnce(document, file, range, signal);
    if (first !== undefined) return first;
    await this.#sessions.renew(document).catch((error: unknown) => {
      throw failureOf(error, "signInNeeded") === undefined ? error : unproven(error);
    });
    const second = await this.#readOnce(document, undefined, range, signal);
    if (second !== undefined) return second;
    throw unproven();
  }

  /** @returns undefined when what came is not proven to be of this file; nothing of it has been read then */
  async #readOnce(
    document: DriveDocument,
    file: DriveFile | undefined,
    range: string | undefined,
    signal: AbortSignal,
  ): Promise<RawAnswer | undefined> {
    const { answer, session } = await this.#sessions.through(
      document,
      { by: "answer", ...(file === undefined ? {} : { uri: file.uri }) },
      async (through) => ({
        answer: await this.#wopi.read(document, through, range, signal),
        session: through,
      }),
    );
    const etag = answer.header("etag")?.replaceAll('"', "");
    const isProven =
      etag === undefined
        ? // A refused range names no version, and tells another file's length.
          answer.status === 416 && file !== undefined && isBeyond(range, file.sizeBytes)
        : await this.#isOurs(document, session, etag);
    if (isProven) return answer;
    answer.body.destroy();
    return undefined;
  }

  /** @returns undefined without a credential, and for an old version, which only its session shows */
  async #byId(document: DriveDocument): Promise<DriveFile | undefined> {
    if (document.version !== undefined) return undefined;
    try {
      return driveFile(await this.#files.info(document.account, { fileId: document.fileId }));
    } catch (error) {
      // A portal's access token lives an hour; the session it made lives ten.
      if (failureOf(error, "signInNeeded") === undefined) throw error;
      return undefined;
    }
  }

  async #byVersion(document: DriveDocument, isToBeChanged: boolean): Promise<DriveFile> {
    const { file, session } = await this.#seen(document);
    const isProven = isToBeChanged
      ? await this.#isUntouched(document, session, file)
      : await this.#isOurs(document, session, file.version);
    if (!isProven) throw unproven();
    return file;
  }

  async #isOurs(document: DriveDocument, session: ViewerSession, version: string): Promise<boolean> {
    if (document.version !== undefined) return version === document.version;
    if (version === session.seen?.version) return true;
    return (await this.#knownVersion(document.fileId, version)) !== undefined;
  }

  async #isUntouched(document: DriveDocument, session: ViewerSession, file: DriveFile): Promise<boolean> {
    const { seen } = session;
    if (seen?.version === file.version && seen.modifiedAt === file.modifiedAt) return true;
    const known = await this.#knownVersion(document.fileId, file.version);
    return known?.lastModifiedTime === file.modifiedAt;
  }

  /** What lies at the session's path: not proven to be the file. */
  async #seen(document: DriveDocument): Promise<{ readonly file: DriveFile; readonly session: ViewerSession }> {
    return this.#sessions.through(document, { by: "answer" }, async (session) => {
      const info = await this.#wopi.info(document, session);
      const file = {
        id: document.fileId,
        name: info.name,
        uri: session.uri,
        sizeBytes: info.sizeBytes,
        version: info.version,
        modifiedAt: wholeSeconds(info.lastModifiedTime),
      };
      return { file, session };
    });
  }

  /** @returns whether our token stands at the path where the file was seen */
  async #stands(document: DriveDocument, { uri }: DriveFile, token: string): Promise<boolean> {
    try {
      return await this.#sessions.through(document, { by: "path", uri }, (session) =>
        this.#wopi.refresh(document, session, token),
      );
    } catch (error) {
      if (failureOf(error, "fileUnproven") === undefined) throw error;
      return false;
    }
  }
}

function unproven(cause?: unknown): BridgeError {
  return new BridgeError({ kind: "fileUnproven" }, { cause });
}

/** @returns whether a range begins behind the end of a file of that size */
function isBeyond(range: string | undefined, sizeBytes: number): boolean {
  const first = /^bytes=(\d+)-/.exec(range ?? "")?.[1];
  return sizeBytes === 0 || range === "bytes=-0" || (first !== undefined && Number(first) >= sizeBytes);
}
