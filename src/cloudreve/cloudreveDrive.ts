import { randomBytes } from "node:crypto";
import { z } from "zod";
import type {
  Bytes,
  Drive,
  DriveAccount,
  DriveContent,
  DriveDocument,
  DriveFile,
  DriveTokens,
  OpenedDocument,
  OpenRequest,
  WriteGuard,
} from "../model/drive.ts";
import { BridgeError, failureOf, type LockHolder } from "../model/failure.ts";
import type { CloudreveClient, RawAnswer } from "./client.ts";
import type { Credentials } from "./credential.ts";
import { isSessionLost, type ViewerSession, type ViewerSessions, viewerSessionSchema } from "./viewerSession.ts";

/** `extended_info` may come unasked with another user's secrets (4.0.0); the schema drops what it does not name. */
const fileSchema = z.object({
  type: z.number(),
  id: z.string(),
  name: z.string(),
  updated_at: z.string(),
  size: z.number(),
  path: z.string(),
  owned: z.boolean().optional().default(false),
  primary_entity: z.string().optional().default(""),
});
type CloudreveFile = z.infer<typeof fileSchema>;

const viewersSchema = z.object({
  file_viewers: z.array(
    z.object({
      viewers: z.array(
        z.object({ id: z.string(), type: z.string(), exts: z.array(z.string()), disabled: z.boolean().optional() }),
      ),
    }),
  ),
});
const listSchema = z.object({ parent: z.object({ primary_entity: z.string() }) });
const urlsSchema = z.object({ urls: z.array(z.object({ url: z.string() })) });

interface Transfer {
  readonly answer: RawAnswer;
  /** Whether Cloudreve itself sends the bytes, with the version as ETag. */
  readonly isCloudreves: boolean;
}

/** The only place where Cloudreve lets anybody write: not `share`, not `trash`. */
const ownFilePattern = /^cloudreve:\/\/([^/@]*@)?my(\/|$)/;
const contentPath = "/api/v4/file/content/";
/** A lock call that meets a save still being received is tried again after these pauses. */
const busyPausesMs = [50, 150, 400, 1_000];
const triesForShortLocks = 3;

/** Drive over Cloudreve v4: its file API, and its native WOPI host as the lock and the way to write under it. */
export class CloudreveDrive implements Drive {
  readonly #client: CloudreveClient;
  readonly #credentials: Credentials;
  readonly #sessions: ViewerSessions;
  readonly #storageOrigins: ReadonlySet<string>;
  /** Cloudreve's word for "no version", constant per server: folders show it, and no stored version has it. */
  #noVersion: string | undefined;

  /** @param storageOrigins origins besides Cloudreve's that download URLs may name */
  constructor(
    client: CloudreveClient,
    credentials: Credentials,
    sessions: ViewerSessions,
    storageOrigins: readonly string[],
  ) {
    this.#client = client;
    this.#credentials = credentials;
    this.#sessions = sessions;
    this.#storageOrigins = new Set(storageOrigins);
  }

  async account(tokens: DriveTokens | undefined): Promise<DriveAccount> {
    return this.#credentials.account(tokens);
  }

  async open(account: DriveAccount, request: OpenRequest): Promise<OpenedDocument> {
    const file = await this.#own(account.account, await this.#info(account.account, request.target));
    if (file.type !== 0)
      throw new BridgeError({ kind: "noEditor", sentence: "A folder can't be opened in an editor." });
    const viewerId = await this.#viewerFor(account.account, file.name, request.viewerId);
    // The version that is current anyway is the live document; a session pinned to it would go stale with a save.
    const version = request.version === file.primary_entity ? undefined : request.version;
    const { version: _asked, ...asked } = request;
    const minted = await this.#mint(account.account, file.path, viewerId, {
      ...asked,
      ...(version === undefined ? {} : { version, action: "view" }),
    });
    if (minted.wopi_src === undefined) {
      throw new BridgeError({ kind: "noEditor", sentence: `The viewer "${viewerId}" is not an office editor (WOPI).` });
    }
    const document: DriveDocument = {
      account: account.account,
      fileId: file.id,
      ...(version === undefined ? {} : { version }),
    };
    await this.#sessions.keep(document, sessionOf(minted, file.path, viewerId));
    return {
      document,
      file: version === undefined ? driveFile(file) : await this.stat(document),
      actionUrl: minted.wopi_src,
      expiresAtMs: minted.session.expires,
    };
  }

  async stat(document: DriveDocument): Promise<DriveFile> {
    if (document.version === undefined) {
      try {
        return driveFile(await this.#info(document.account, { fileId: document.fileId }));
      } catch (error) {
        if (failureOf(error, "signInNeeded") === undefined) throw error;
        // A portal's access token lives an hour; the session it made lives ten.
      }
    }
    const { info, uri } = await this.#withSession(document, undefined, async (session) => ({
      info: await this.#sessions.info(document, session),
      uri: session.uri,
    }));
    return {
      id: document.fileId,
      name: info.name,
      uri,
      sizeBytes: info.sizeBytes,
      version: info.version,
      modifiedAt: wholeSeconds(info.lastModifiedTime),
    };
  }

  async read(
    document: DriveDocument,
    file: DriveFile,
    range: string | undefined,
    signal: AbortSignal,
  ): Promise<DriveContent> {
    const { answer, isCloudreves } =
      (await this.#readByUrl(document, file, range, signal)) ??
      (await this.#readNatively(document, file, range, signal));
    if (answer.status === 416) {
      answer.body.destroy();
      throw new BridgeError({ kind: "rangeInvalid", sizeBytes: file.sizeBytes });
    }
    const etag = answer.header("etag")?.replaceAll('"', "");
    if (etag === undefined) {
      answer.body.destroy();
      throw new BridgeError({ kind: "driveFailed", code: answer.status, said: "a body without ETag is not the file" });
    }
    const lengthBytes = Number(answer.header("content-length") ?? file.sizeBytes);
    const span = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.header("content-range") ?? "");
    return {
      body: answer.body,
      lengthBytes,
      sizeBytes: span === null ? lengthBytes : Number(span[3]),
      // A storage's own ETag is no version of Cloudreve's; its URL was asked for this very version.
      version: isCloudreves ? etag : file.version,
      range: span === null ? undefined : { first: Number(span[1]), last: Number(span[2]) },
    };
  }

  async write(document: DriveDocument, file: DriveFile, bytes: Bytes, guard: WriteGuard): Promise<DriveFile> {
    if ("lockToken" in guard) return this.#writeUnderLock(document, file, bytes, guard.lockToken);
    try {
      return await this.#put(document.account, file.uri, bytes, guard.previousVersion);
    } catch (error) {
      if (failureOf(error, "signInNeeded") === undefined) throw error;
      return this.#writeBySession(document, bytes, guard.previousVersion);
    }
  }

  async createBeside(document: DriveDocument, file: DriveFile, name: string, bytes: Bytes): Promise<DriveFile> {
    const uri = `${file.uri.slice(0, file.uri.lastIndexOf("/"))}/${encodeURIComponent(name)}`;
    try {
      await this.#info(document.account, { uri });
    } catch (error) {
      if (failureOf(error, "fileMissing") === undefined) throw error;
      return this.#put(document.account, uri, bytes, undefined);
    }
    throw new BridgeError({ kind: "nameTaken" });
  }

  async lock(document: DriveDocument, token: string): Promise<void> {
    await this.#whenNotBusy(async (tries) => {
      const outcome = await this.#withSession(document, undefined, (session) =>
        this.#sessions.lock(document, session, token),
      );
      if (outcome !== "heldByAnother") return outcome === "held" ? true : "busy";
      const holder = await this.#holder(document);
      // The locks of a rename, of somebody's small save, of another bridge's question are gone in a moment.
      const mayPass = holder === undefined || holder === "other" || holder === "upload";
      if (mayPass && tries < triesForShortLocks) return "busy";
      throw new BridgeError({ kind: "lockedElsewhere", holder: holder ?? "other" });
    });
  }

  async unlock(document: DriveDocument, token: string): Promise<void> {
    await this.#withSession(document, undefined, (session) => this.#sessions.unlock(document, session, token));
  }

  async ping(): Promise<string> {
    return this.#client.api(z.string(), { method: "GET", path: "/site/ping" });
  }

  async #info(account: string, target: OpenRequest["target"]): Promise<CloudreveFile> {
    const query = "uri" in target ? { uri: target.uri } : { id: target.fileId };
    const file = await this.#credentials.authorised(account, async (accessToken) => {
      try {
        return await this.#client.api(fileSchema, { method: "GET", path: "/file/info", query, accessToken });
      } catch (error) {
        // 40001 "unknown file id", "unknown uri"; the id of a file removed for good gives -1 without a word.
        const code = failureOf(error, "driveFailed")?.code;
        if (code === 40001 || (code === -1 && "fileId" in target)) throw new BridgeError({ kind: "fileMissing" });
        throw error;
      }
    });
    // An id is followed into the trash, where a document can be neither opened nor saved.
    if ("fileId" in target && !ownFilePattern.test(file.path)) throw new BridgeError({ kind: "fileMissing" });
    return file;
  }

  /** Through a share nobody writes: its owner gets the file itself, for others it is not there. */
  async #own(account: string, file: CloudreveFile): Promise<CloudreveFile> {
    if (ownFilePattern.test(file.path)) return file;
    if (!file.owned) throw new BridgeError({ kind: "fileMissing" });
    return this.#info(account, { fileId: file.id });
  }

  /**
   * Who holds the drive's lock. The native refusal does not say, so a call is made that must be refused: making a
   * version current that no file has. On a locked file the lock is checked first, and nothing is ever written.
   * @returns undefined when nobody does any more
   */
  async #holder(document: DriveDocument): Promise<LockHolder | undefined> {
    try {
      const file = await this.#info(document.account, { fileId: document.fileId });
      await this.#credentials.authorised(document.account, async (accessToken) => {
        this.#noVersion ??= (
          await this.#client.api(listSchema, {
            method: "GET",
            path: "/file",
            query: { uri: "cloudreve://my", page_size: "1" },
            accessToken,
          })
        ).parent.primary_entity;
        await this.#client.api(z.unknown(), {
          method: "POST",
          path: "/file/version/current",
          json: { uri: file.path, version: this.#noVersion },
          accessToken,
        });
      });
      return undefined;
    } catch (error) {
      if (failureOf(error, "fileMissing") !== undefined) return undefined;
      return failureOf(error, "lockedElsewhere")?.holder ?? "other";
    }
  }

  /** The first office viewer of the explorer configuration that takes the extension. */
  async #viewerFor(account: string, name: string, wanted: string | undefined): Promise<string> {
    const extension = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
    const { file_viewers } = await this.#credentials.authorised(account, (accessToken) =>
      this.#client.api(viewersSchema, { method: "GET", path: "/site/config/explorer", accessToken }),
    );
    const viewer = file_viewers
      .flatMap((group) => group.viewers)
      .find(
        ({ id, type, exts, disabled }) =>
          type === "wopi" &&
          disabled !== true &&
          (wanted === undefined || id === wanted) &&
          exts.some((ext) => ext.toLowerCase() === extension),
      );
    if (viewer === undefined)
      throw new BridgeError({ kind: "noEditor", sentence: noEditorSentence(extension, wanted) });
    return viewer.id;
  }

  /** @see Cloudreve PUT /file/viewerSession; recordings/cloudreve/viewer-session-ok.json */
  async #mint(
    account: string,
    uri: string,
    viewerId: string,
    request: Omit<OpenRequest, "target" | "viewerId">,
  ): Promise<z.infer<typeof viewerSessionSchema>> {
    const { purchaseTicket } = request;
    return this.#credentials.authorised(account, async (accessToken) => {
      try {
        return await this.#client.api(viewerSessionSchema, {
          method: "PUT",
          path: "/file/viewerSession",
          json: {
            uri,
            viewer_id: viewerId,
            preferred_action: request.action,
            version: request.version,
            parent_uri: request.parentUri,
          },
          accessToken,
          ...(purchaseTicket === undefined ? {} : { headers: { "X-Cr-Purchase-Ticket": purchaseTicket } }),
        });
      } catch (error) {
        const code = failureOf(error, "driveFailed")?.code;
        if (code === 50005 || code === 40001) {
          const extension = uri.slice(uri.lastIndexOf(".") + 1);
          throw new BridgeError(
            { kind: "noEditor", sentence: noEditorSentence(extension, viewerId) },
            { cause: error },
          );
        }
        throw error;
      }
    });
  }

  async #session(document: DriveDocument): Promise<ViewerSession> {
    const session = await this.#sessions.find(document);
    if (session !== undefined) return session;
    return this.#mintAnew(document);
  }

  /** Sessions die with a rename, a crash of the server and after ten hours; the account can make another. */
  async #mintAnew(document: DriveDocument): Promise<ViewerSession> {
    const file = await this.#info(document.account, { fileId: document.fileId });
    const known = await this.#sessions.find(document);
    const viewerId = known?.viewerId ?? (await this.#viewerFor(document.account, file.name, undefined));
    const minted = await this.#mint(document.account, file.path, viewerId, {
      action: "edit",
      ...(document.version === undefined ? {} : { version: document.version }),
    });
    const session = sessionOf(minted, file.path, viewerId);
    await this.#sessions.keep(document, session);
    return session;
  }

  /**
   * Works through the native session; when Cloudreve has lost it, once more through a new one.
   * @param file where the file is now, when known: a session bound to another path would reach another file
   */
  async #withSession<Result>(
    document: DriveDocument,
    file: DriveFile | undefined,
    work: (session: ViewerSession) => Promise<Result>,
  ): Promise<Result> {
    let session = await this.#session(document);
    if (file !== undefined && file.uri !== session.uri) session = await this.#mintAnew(document);
    try {
      return await work(session);
    } catch (error) {
      if (!isSessionLost(error)) throw error;
      try {
        session = await this.#mintAnew(document);
      } catch (mintError) {
        // Without a credential there is no other session; what Cloudreve said first is the answer.
        throw failureOf(mintError, "signInNeeded") === undefined ? mintError : error;
      }
      return work(session);
    }
  }

  /** @returns undefined when the URL is of an origin that is not allowed, dead, or not the file: GetFile serves then */
  async #readByUrl(
    document: DriveDocument,
    file: DriveFile,
    range: string | undefined,
    signal: AbortSignal,
  ): Promise<Transfer | undefined> {
    if (document.version !== undefined) return undefined;
    let urls: z.infer<typeof urlsSchema>;
    try {
      urls = await this.#credentials.authorised(document.account, (accessToken) =>
        this.#client.api(urlsSchema, {
          method: "POST",
          path: "/file/url",
          json: { uris: [file.uri], entity: file.version },
          accessToken,
        }),
      );
    } catch (error) {
      // Driven out by retention, renamed a moment ago, or no credential left: the session may still reach it.
      if (error instanceof BridgeError && error.failure.kind === "driveUnreachable") throw error;
      return undefined;
    }
    const source = this.#allowed(urls.urls[0]?.url);
    if (source === undefined) return undefined;
    const answer = await this.#client.raw({
      method: "GET",
      url: source.url,
      headers: range === undefined ? {} : { Range: range },
      signal,
    });
    // A dead URL answers 200 with JSON: only an ETag proves that this is the file.
    const isFile = (answer.status === 200 || answer.status === 206) && answer.header("etag") !== undefined;
    if (isFile || answer.status === 416) return { answer, isCloudreves: source.isCloudreves };
    answer.body.destroy();
    return undefined;
  }

  async #readNatively(
    document: DriveDocument,
    file: DriveFile,
    range: string | undefined,
    signal: AbortSignal,
  ): Promise<Transfer> {
    const answer = await this.#withSession(document, file, (session) =>
      this.#sessions.read(document, session, range, signal),
    );
    return { answer, isCloudreves: true };
  }

  /** Cloudreve's own download URLs go to CLOUDREVE_URL whatever site they name; others only where configured. */
  #allowed(url: string | undefined): { readonly url: string; readonly isCloudreves: boolean } | undefined {
    if (url === undefined || !URL.canParse(url)) return undefined;
    const parsed = new URL(url);
    const at = parsed.pathname.indexOf(contentPath);
    if (at >= 0) {
      const below = `${parsed.pathname.slice(at + contentPath.length)}${parsed.search}`;
      return { url: `${this.#client.address("/file/content/")}${below}`, isCloudreves: true };
    }
    return this.#storageOrigins.has(parsed.origin) ? { url, isCloudreves: false } : undefined;
  }

  async #writeUnderLock(document: DriveDocument, file: DriveFile, bytes: Bytes, token: string): Promise<DriveFile> {
    let version = "";
    await this.#whenNotBusy(async () => {
      const outcome = await this.#withSession(document, file, (session) =>
        this.#sessions.write(document, session, token, bytes.open(), bytes.sizeBytes),
      );
      if (outcome === "heldByAnother") {
        throw new BridgeError({ kind: "lockedElsewhere", holder: (await this.#holder(document)) ?? "other" });
      }
      if (outcome === "busy") return "busy";
      version = outcome.version;
      return true;
    });
    const stored = await this.stat(document);
    if (stored.version !== version || stored.sizeBytes !== bytes.sizeBytes) {
      throw new BridgeError({ kind: "driveFailed", code: 200, said: "what is stored is not what was sent" });
    }
    return stored;
  }

  /** Without a credential left, a lock of our own keeps others off between the look at the version and the save. */
  async #writeBySession(document: DriveDocument, bytes: Bytes, previous: string | undefined): Promise<DriveFile> {
    const token = `${document.fileId}.${randomBytes(18).toString("base64url")}`;
    await this.lock(document, token);
    try {
      const file = await this.stat(document);
      if (previous !== undefined && file.version !== previous) throw new BridgeError({ kind: "changedInStorage" });
      return await this.#writeUnderLock(document, file, bytes, token);
    } finally {
      // What is stored is stored: a lock that can't be given back now ends by itself.
      await this.unlock(document, token).catch(() => undefined);
    }
  }

  /** @see Cloudreve PUT /file/content; recordings/cloudreve/content-put-previous.json */
  async #put(account: string, uri: string, bytes: Bytes, previous: string | undefined): Promise<DriveFile> {
    const query = new URLSearchParams({ uri });
    if (previous !== undefined && previous !== "") query.set("previous", previous);
    const stored = await this.#credentials.authorised(account, async (accessToken) => {
      const answer = await this.#client.raw({
        method: "PUT",
        url: `${this.#client.address("/file/content")}?${query}`,
        headers: { Authorization: `Bearer ${accessToken}`, "Content-Length": String(bytes.sizeBytes) },
        body: bytes.open(),
      });
      return this.#client.envelope(fileSchema, answer);
    });
    if (stored.size !== bytes.sizeBytes) {
      throw new BridgeError({ kind: "driveFailed", code: 200, said: "what is stored is not what was sent" });
    }
    return driveFile(stored);
  }

  /** @param attempt is told how often it has been tried, this time included */
  async #whenNotBusy(attempt: (tries: number) => Promise<true | "busy">): Promise<void> {
    for (const [index, pauseMs] of busyPausesMs.entries()) {
      if ((await attempt(index + 1)) === true) return;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    if ((await attempt(busyPausesMs.length + 1)) !== true) throw new BridgeError({ kind: "driveBusy" });
  }
}

function sessionOf(minted: z.infer<typeof viewerSessionSchema>, uri: string, viewerId: string): ViewerSession {
  return { accessToken: minted.session.access_token, expiresAtMs: minted.session.expires, uri, viewerId };
}

function driveFile(file: CloudreveFile): DriveFile {
  return {
    id: file.id,
    name: file.name,
    uri: file.path,
    sizeBytes: file.size,
    version: file.primary_entity,
    modifiedAt: wholeSeconds(file.updated_at),
  };
}

function wholeSeconds(time: string): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}

function noEditorSentence(extension: string, viewerId: string | undefined): string {
  const which =
    viewerId === undefined ? "No office editor" : `The viewer "${viewerId}" is missing or does not open files that`;
  return viewerId === undefined
    ? `${which} for ".${extension}" is set up in Cloudreve: an administrator adds one under Dashboard, File system, File apps (type WOPI).`
    : `${which} end in ".${extension}": an administrator checks it in Cloudreve under Dashboard, File system, File apps.`;
}
