import type { Readable } from "node:stream";
import { z } from "zod";
import type { DriveDocument } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";
import { jsonIn } from "../model/jsonIn.ts";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { record, rowObject, type StoredRecord } from "../model/record.ts";
import { type AnswerHead, bytesHeaders, type CloudreveClient, type RawAnswer, type TextAnswer } from "./client.ts";
import type { Encryption } from "./encryption.ts";

export const viewerSessionSchema = z.object({
  session: z.object({ id: z.string(), access_token: z.string(), expires: z.number() }),
  wopi_src: z.string().optional(),
});

const nativeInfoSchema = z.object({
  BaseFileName: z.string(),
  Version: z.string(),
  Size: z.number(),
  LastModifiedTime: z.string(),
});

const storedSessionSchema = rowObject({
  accessToken: z.string(),
  expiresAtMs: z.number(),
  /** A session is bound to this path: after a rename it answers 500, or serves the file that is there now. */
  uri: z.string(),
  viewerId: z.string(),
  /** The file as the drive showed it by id when the session was opened; sessions from older versions lack it. */
  seen: rowObject({ version: z.string(), modifiedAt: z.string() }).optional(),
});
export type ViewerSession = z.infer<typeof storedSessionSchema>;

/** What Cloudreve's native endpoints report about a document; nothing else in their answers is trusted. */
export interface NativeInfo {
  readonly name: string;
  readonly sizeBytes: number;
  readonly version: string;
  readonly lastModifiedTime: string;
}

/** The result of a native lock call. */
export type NativeLockOutcome = "held" | "heldByAnother" | "busy";

/**
 * Cloudreve's own WOPI host, call by call. `nativeDocuments.ts`, the only caller, says why each call is safe. One
 * session per account and document, encrypted in the store; it lasts ten hours, longer than the token that opened it.
 */
export class NativeWopi {
  readonly #sessions: StoredRecord<ViewerSession>;
  readonly #client: CloudreveClient;
  readonly #now: Clock;

  constructor(client: CloudreveClient, store: KeyValueStore, encryption: Encryption, now: Clock) {
    this.#sessions = record(store, "viewerSession", storedSessionSchema, {
      endsAtMs: ({ expiresAtMs }) => expiresAtMs,
      encryption,
    });
    this.#client = client;
    this.#now = now;
  }

  /** @returns undefined when there is none or it has expired */
  async find(document: DriveDocument): Promise<ViewerSession | undefined> {
    const session = await this.#sessions.get(sessionId(document));
    return session !== undefined && session.expiresAtMs > this.#now() ? session : undefined;
  }

  /** All documents of this file that have a session: for other accounts, and for old versions. */
  async *documentsOf(fileId: string): AsyncIterable<DriveDocument> {
    for await (const id of this.#sessions.ids(`${fileId}:`)) {
      const [version = "", ...account] = id.slice(fileId.length + 1).split(":");
      yield { account: account.join(":"), fileId, ...(version === "" ? {} : { version }) };
    }
  }

  async store(document: DriveDocument, session: ViewerSession): Promise<void> {
    await this.#sessions.put(sessionId(document), session);
  }

  /** @see recordings/cloudreve/wopi-checkfileinfo.json */
  async info(document: DriveDocument, session: ViewerSession): Promise<NativeInfo> {
    const answer = await this.#client.ask({
      purpose: "small",
      method: "GET",
      url: this.#address(document, session, ""),
      headers: {},
    });
    if (answer.status !== 200) throw nativeError(answer);
    const parsed = nativeInfoSchema.safeParse(jsonIn(answer.text));
    if (!parsed.success) {
      throw new BridgeError({ kind: "driveFailed", code: 200, said: "unexpected native CheckFileInfo" });
    }
    const { BaseFileName, Size, Version, LastModifiedTime } = parsed.data;
    return { name: BaseFileName, sizeBytes: Size, version: Version, lastModifiedTime: LastModifiedTime };
  }

  /** Native GetFile of the file that is at the session's path. */
  async read(
    document: DriveDocument,
    session: ViewerSession,
    range: string | undefined,
    signal: AbortSignal,
  ): Promise<RawAnswer> {
    const answer = await this.#client.raw({
      purpose: "download",
      method: "GET",
      url: this.#address(document, session, "/contents"),
      headers: range === undefined ? {} : { Range: range },
      signal,
    });
    if (answer.status === 200 || answer.status === 206 || answer.status === 416) return answer;
    answer.body.destroy();
    throw nativeError(answer);
  }

  /**
   * Native LOCK: takes the lock, or refreshes it if our token holds it.
   * @returns "busy" for a 409 that shows our own token: a save under it is still arriving
   * @see recordings/cloudreve/wopi-lock.json, wopi-concurrent.json
   */
  async lock(document: DriveDocument, session: ViewerSession, token: string): Promise<NativeLockOutcome> {
    const answer = await this.#lockCall(document, session, "LOCK", token);
    // Only the repeated token proves it: Cloudreve answers a bad file id with 200 too, and an envelope.
    if (answer.status === 200 && answer.header("x-wopi-lock") === token) return "held";
    if (answer.status !== 409) throw nativeError(answer);
    return answer.header("x-wopi-lock") === token ? "busy" : "heldByAnother";
  }

  /**
   * Native REFRESH_LOCK.
   * @returns whether our token holds the lock at the session's path; also false while a save under it is arriving
   */
  async refresh(document: DriveDocument, session: ViewerSession, token: string): Promise<boolean> {
    const answer = await this.#lockCall(document, session, "REFRESH_LOCK", token);
    if (answer.status === 200 && answer.header("x-wopi-lock") === token) return true;
    if (answer.status === 409) return false;
    throw nativeError(answer);
  }

  /** Native UNLOCK. @returns whether there was a lock to release */
  async unlock(document: DriveDocument, session: ViewerSession, token: string): Promise<boolean> {
    const answer = await this.#lockCall(document, session, "UNLOCK", token);
    if (answer.status === 200) return true;
    if (answer.status === 409) return false;
    throw nativeError(answer);
  }

  /**
   * Native PutFile under our lock.
   * @param sizeBytes exact: without a Content-Length Cloudreve empties the document
   * @returns the new version, or how a lock prevented it
   * @see recordings/cloudreve/wopi-putfile.json
   */
  async write(
    document: DriveDocument,
    session: ViewerSession,
    token: string,
    body: Readable,
    sizeBytes: number,
  ): Promise<{ readonly version: string } | Exclude<NativeLockOutcome, "held">> {
    const answer = await this.#client.ask({
      purpose: "save",
      method: "POST",
      url: this.#address(document, session, "/contents"),
      headers: { "X-WOPI-Override": "PUT", "X-WOPI-Lock": token, ...bytesHeaders(sizeBytes) },
      body,
    });
    if (answer.status === 409) return answer.header("x-wopi-lock") === token ? "busy" : "heldByAnother";
    const version = answer.header("x-wopi-itemversion");
    if (answer.status !== 200 || version === undefined) throw nativeError(answer);
    return { version };
  }

  #lockCall(document: DriveDocument, session: ViewerSession, override: string, token: string): Promise<TextAnswer> {
    return this.#client.ask({
      purpose: "small",
      method: "POST",
      url: this.#address(document, session, ""),
      headers: { "X-WOPI-Override": override, "X-WOPI-Lock": token, "Content-Length": "0" },
    });
  }

  #address(document: DriveDocument, session: ViewerSession, below: string): string {
    const token = encodeURIComponent(session.accessToken);
    return `${this.#client.address(`/file/wopi/${encodeURIComponent(document.fileId)}${below}`)}?access_token=${token}`;
  }
}

/** The session is no longer valid: it expired, the server lost it, or the file is not where it was. */
export function isSessionLost(error: unknown): boolean {
  if (!(error instanceof BridgeError) || error.failure.kind !== "driveFailed") return false;
  return error.failure.code === 403 || error.failure.code === 500;
}

const sessionId = ({ account, fileId, version }: DriveDocument): string => `${fileId}:${version ?? ""}:${account}`;

/** Native errors are real statuses with a text in a header. It names internal paths, so it goes only to the log. */
function nativeError(answer: AnswerHead): BridgeError {
  if (answer.status === 413) return new BridgeError({ kind: "bodyTooLarge", limitBytes: 0 });
  // A header may be long, and the pattern below starts over at each "storage" in it.
  const said = (answer.header("x-wopi-servererror") ?? "").slice(0, 500);
  if (/capacity|storage.*(full|insufficient)/i.test(said)) return new BridgeError({ kind: "quotaExceeded" });
  return new BridgeError({ kind: "driveFailed", code: answer.status, said });
}
