import type { Readable } from "node:stream";
import { z } from "zod";
import type { Bytes, DriveDocument, DriveFile } from "../model/drive.ts";
import { BridgeError, failureOf, isTransient } from "../model/failure.ts";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { record, rowObject, type StoredRecord } from "../model/record.ts";
import type { BodyParts } from "./bodyParts.ts";
import { bytesHeaders, type CloudreveClient, dataOf, envelopeOf } from "./client.ts";
import type { Credentials } from "./credential.ts";
import { type FileApi, folderOf } from "./fileApi.ts";

const sessionSchema = z.object({
  session_id: z.string(),
  /** 0 = everything in one piece. */
  chunk_size: z.number(),
  upload_urls: z.array(z.string()).nullish(),
  credential: z.string().optional(),
});
/** An upload that was requested and may still be open. */
const unfinishedSchema = rowObject({
  uri: z.string(),
  /** Unknown when the answer to the request was lost. */
  sessionId: z.string().optional(),
  askedAtMs: z.number(),
});
/** How long Cloudreve holds a file for an upload that no one continues. */
const sessionLifeMs = 24 * 3_600_000;
/** An upload that Cloudreve shows on a file is taken for ours this long after we requested one. */
const surelyOursMs = 60_000;

export const folderSchema = z.object({ storage_policy: z.object({ id: z.string() }).nullish() });

/**
 * How Cloudreve takes contents above `maxEditSize`: a session, then chunks in order; the last one completes it. While
 * it is open, Cloudreve locks the file for everyone, even against our own viewer lock.
 * @see Cloudreve PUT /file/upload; recordings/cloudreve/upload-session-existing.json
 */
export class UploadSessions {
  readonly #client: CloudreveClient;
  readonly #credentials: Credentials;
  readonly #files: FileApi;
  readonly #unfinished: StoredRecord<z.infer<typeof unfinishedSchema>>;
  readonly #now: Clock;

  constructor(client: CloudreveClient, credentials: Credentials, files: FileApi, store: KeyValueStore, now: Clock) {
    this.#client = client;
    this.#credentials = credentials;
    this.#files = files;
    const endsAtMs = ({ askedAtMs }: { readonly askedAtMs: number }) => askedAtMs + sessionLifeMs;
    this.#unfinished = record(store, "upload", unfinishedSchema, { endsAtMs });
    this.#now = now;
  }

  /**
   * Replaces the content of an existing file.
   * @param stillStands asked once Cloudreve holds the file for this upload alone: is the version still the expected
   *   one? Servers before 2026 do not compare `previous` themselves.
   * @throws changedInStorage, lockedElsewhere, quotaExceeded, bodyTooLarge when the storage takes no chunks from us
   */
  async replace(
    account: string,
    file: Pick<DriveFile, "id" | "uri" | "version">,
    bytes: Bytes,
    stillStands: () => Promise<boolean>,
  ): Promise<void> {
    await this.#credentials.authorised(account, (accessToken) => this.#replace(accessToken, file, bytes, stillStands));
  }

  async #replace(
    accessToken: string,
    { id: fileId, uri, version: previousVersion }: Pick<DriveFile, "id" | "uri" | "version">,
    bytes: Bytes,
    stillStands: () => Promise<boolean>,
  ): Promise<void> {
    const policyId = await this.#policyId(accessToken, uri);
    // Stored before the request: if this bridge dies, it still knows what it may have left behind.
    await this.#note(fileId, uri, undefined);
    const json = { uri, size: bytes.sizeBytes, policy_id: policyId, entity_type: "version", previous: previousVersion };
    let session: z.infer<typeof sessionSchema>;
    try {
      session = await this.#client.api(sessionSchema, { method: "PUT", path: "/file/upload", json, accessToken });
    } catch (error) {
      const isUnheard = failureOf(error, "driveUnreachable") ?? failureOf(error, "driveFailed");
      // A clear refusal leaves nothing behind, so an upload that is shown on the file is not ours.
      if (isUnheard === undefined) await this.#unfinished.remove(fileId);
      throw error;
    }
    try {
      await this.#note(fileId, uri, session.session_id);
      requireChunks(session);
      if (!(await stillStands())) throw new BridgeError({ kind: "changedInStorage" });
      const part = (first: number, lengthBytes: number) => bytes.open(first, lengthBytes);
      await this.#send(session, bytes.sizeBytes, part, async () => accessToken, stillStands);
    } catch (error) {
      await this.#cancelQuietly(accessToken, session.session_id, uri, () => this.#unfinished.remove(fileId));
      throw error;
    }
    await this.#unfinished.remove(fileId);
  }

  /**
   * Creates a file with this content, passed on as it arrives. When it breaks off, nothing is left: Cloudreve removes
   * the file with the session.
   * @param parts read once, from the beginning to the end
   * @param stillStands as for `replace`: does the folder still lie where the file is being created?
   * @throws nameTaken; bodyTooLarge when the storage takes no chunks from us, and nothing was read then; bodyCut
   * @see Cloudreve PUT /file/upload; recordings/cloudreve/upload-session-new.json
   */
  async create(
    account: string,
    uri: string,
    sizeBytes: number,
    parts: BodyParts,
    stillStands: () => Promise<boolean>,
  ): Promise<void> {
    const session = await this.#begin(account, uri, sizeBytes);
    // A long upload outlives an access token, and what was sent can't be sent again.
    const tokenNow = () => this.#credentials.authorised(account, async (accessToken) => accessToken);
    try {
      requireChunks(session);
      if (!(await stillStands())) throw new BridgeError({ kind: "fileUnproven" });
      await this.#send(session, sizeBytes, (_first, lengthBytes) => parts.next(lengthBytes), tokenNow, stillStands);
    } catch (error) {
      await this.#cancelQuietly(await tokenNow(), session.session_id, uri, async () => {});
      throw parts.isCut ? new BridgeError({ kind: "bodyCut" }, { cause: error }) : error;
    }
  }

  /** Begins and cancels what `create` does. @throws as it, before anything is read */
  async tryCreating(account: string, uri: string, sizeBytes: number): Promise<void> {
    const { session_id: id } = await this.#begin(account, uri, sizeBytes);
    await this.#credentials.authorised(account, (accessToken) => this.#cancel(accessToken, id, uri));
  }

  #begin(account: string, uri: string, sizeBytes: number): Promise<z.infer<typeof sessionSchema>> {
    return this.#credentials.authorised(account, async (accessToken) => {
      const json = { uri, size: sizeBytes, policy_id: await this.#policyId(accessToken, uri) };
      return this.#client.api(sessionSchema, { method: "PUT", path: "/file/upload", json, accessToken });
    });
  }

  /**
   * Cancels an upload of ours that could not be cancelled when it broke off, as the connection or the bridge was down.
   * @returns whether an upload of ours was in the way, so that the file may be free now
   */
  async endAbandoned({ account, fileId }: DriveDocument): Promise<boolean> {
    return this.#credentials.authorised(account, async (accessToken) => {
      const unfinished = await this.#unfinished.get(fileId);
      if (unfinished === undefined) return false;
      const { uri, sessionId, askedAtMs } = unfinished;
      const isSurelyOurs = this.#now() - askedAtMs < surelyOursMs;
      const id = sessionId ?? (isSurelyOurs ? await this.#shownId(account, fileId) : undefined);
      if (id === undefined) return false;
      try {
        await this.#cancel(accessToken, id, uri);
        await this.#unfinished.remove(fileId);
        return true;
      } catch (error) {
        if (isTransient(error) || failureOf(error, "signInNeeded") !== undefined) throw error;
        // Ours has ended: someone else holds the file now, or it has been moved.
        await this.#unfinished.remove(fileId);
        return false;
      }
    });
  }

  /** The upload that Cloudreve shows on the file. */
  async #shownId(account: string, fileId: string): Promise<string | undefined> {
    const { metadata } = await this.#files.info(account, { fileId });
    return z.string().optional().parse(metadata?.["sys:upload_session_id"]);
  }

  async #note(fileId: string, uri: string, sessionId: string | undefined): Promise<void> {
    await this.#unfinished.put(fileId, { uri, sessionId, askedAtMs: this.#now() });
  }

  /**
   * @param part the bytes from one offset on; asked in order
   * @param tokenNow an access token that is valid when the part is sent
   */
  async #send(
    session: z.infer<typeof sessionSchema>,
    sizeBytes: number,
    part: (first: number, lengthBytes: number) => Readable,
    tokenNow: () => Promise<string>,
    stillStands: () => Promise<boolean>,
  ): Promise<void> {
    const chunkBytes = session.chunk_size > 0 ? session.chunk_size : Math.max(sizeBytes, 1);
    let first = 0;
    for (let index = 0; index === 0 || first < sizeBytes; index++) {
      const lengthBytes = Math.min(chunkBytes, sizeBytes - first);
      const isLast = first + lengthBytes >= sizeBytes;
      // A drive that restarts during an upload forgets its lock; only the last chunk replaces the content.
      if (isLast && index > 0 && !(await stillStands())) throw new BridgeError({ kind: "changedInStorage" });
      const answer = await this.#client.ask({
        purpose: "save",
        method: "POST",
        url: this.#client.address(`/file/upload/${encodeURIComponent(session.session_id)}/${index}`),
        headers: { Authorization: `Bearer ${await tokenNow()}`, ...bytesHeaders(lengthBytes) },
        body: part(first, lengthBytes),
      });
      dataOf(z.unknown(), envelopeOf(answer));
      first += lengthBytes;
    }
  }

  /** Frees the file at once; otherwise Cloudreve holds it for a day. */
  async #cancel(accessToken: string, id: string, uri: string): Promise<void> {
    await this.#client.api(z.unknown(), { method: "DELETE", path: "/file/upload", json: { id, uri }, accessToken });
  }

  async #cancelQuietly(accessToken: string, id: string, uri: string, then: () => Promise<void>): Promise<void> {
    try {
      await this.#cancel(accessToken, id, uri);
      await then();
    } catch (error) {
      // It was complete after all, or the drive is down: the caller hears of the first error.
      if (!(error instanceof BridgeError)) throw error;
    }
  }

  /** Servers before 2026 need the id of the folder's storage policy. */
  async #policyId(accessToken: string, uri: string): Promise<string | undefined> {
    const { storage_policy } = await this.#client.api(folderSchema, {
      method: "GET",
      path: "/file",
      query: { uri: folderOf(uri), page_size: "1" },
      accessToken,
    });
    return storage_policy?.id;
  }
}

/** @throws bodyTooLarge when the bytes would have to go to a storage directly */
function requireChunks({ upload_urls: urls, credential }: z.infer<typeof sessionSchema>): void {
  if ((urls?.length ?? 0) > 0 || credential) throw new BridgeError({ kind: "bodyTooLarge", limitBytes: 0 });
}
