import { z } from "zod";
import type { Bytes, DriveDocument, DriveFile, DriveVersion, OpenRequest } from "../model/drive.ts";
import { BridgeError, failureOf, type LockHolder } from "../model/failure.ts";
import { bytesHeaders, type CloudreveClient, dataOf, envelopeOf } from "./client.ts";
import type { Credentials } from "./credential.ts";

/** Cloudreve 4.0.0 sends another user's secrets in `extended_info`, unasked; the schema drops what it does not name. */
export const cloudreveFileSchema = z.object({
  type: z.number(),
  id: z.string(),
  name: z.string(),
  created_at: z.string().optional(),
  updated_at: z.string(),
  size: z.number(),
  path: z.string(),
  owned: z.boolean().optional().default(false),
  primary_entity: z.string().optional().default(""),
  metadata: z.record(z.string(), z.unknown()).nullish(),
});
export type CloudreveFile = z.infer<typeof cloudreveFileSchema>;

/** A thumbnail is an entity too, of another type. */
const versionType = 0;
const versionsSchema = cloudreveFileSchema.extend({
  extended_info: z.object({
    entities: z
      .array(z.object({ id: z.string(), size: z.number(), type: z.number().optional(), created_at: z.string() }))
      .nullish(),
  }),
});

export const listSchema = z.object({ parent: z.object({ primary_entity: z.string() }) });
export const urlsSchema = z.object({
  urls: z.array(z.object({ url: z.string() })),
  expires: z.string().nullish(),
});

/** The only file system that Cloudreve lets anyone write to: not `share`, not `trash`. */
const ownFilePattern = /^cloudreve:\/\/([^/@]*@)?my(\/|$)/;

const trashPattern = /^cloudreve:\/\/([^/@]*@)?trash\//;

export const isOwn = (uri: string): boolean => ownFilePattern.test(uri);

/** Cloudreve's file API, called for an account. */
export class FileApi {
  readonly #client: CloudreveClient;
  readonly #credentials: Credentials;
  /** Cloudreve's id for "no version", the same on a whole server: folders show it, and no stored version has it. */
  #noVersion: string | undefined;

  constructor(client: CloudreveClient, credentials: Credentials) {
    this.#client = client;
    this.#credentials = credentials;
  }

  /** @throws fileMissing when there is none, it is another account's or in the trash @see Cloudreve GET /file/info */
  async info(account: string, target: OpenRequest["target"]): Promise<CloudreveFile> {
    const file = await this.#info(cloudreveFileSchema, account, target);
    // Cloudreve still finds a file in the trash by its id, but it can be neither opened nor saved there.
    if ("fileId" in target && !isOwn(file.path)) throw new BridgeError({ kind: "fileMissing" });
    return file;
  }

  /**
   * A file with its versions, the newest first. Only for somebody who looks at them: Cloudreve before 4.16 may show what
   * this adds, such as names of shares, in answers to other people; its own web interface asks the same.
   * @throws as `info` @see recordings/cloudreve/url-entity.json
   */
  async versions(account: string, fileId: string): Promise<{ file: CloudreveFile; versions: DriveVersion[] }> {
    const { extended_info, ...file } = await this.#info(versionsSchema, account, { fileId }, { extended: "true" });
    if (!isOwn(file.path)) throw new BridgeError({ kind: "fileMissing" });
    const versions = (extended_info.entities ?? [])
      .filter(({ type = versionType }) => type === versionType)
      .map(({ id, size, created_at }) => ({ version: id, sizeBytes: size, storedAt: created_at }));
    return { file, versions };
  }

  async #info<File extends CloudreveFile>(
    schema: z.ZodType<File>,
    account: string,
    target: OpenRequest["target"],
    more: Readonly<Record<string, string>> = {},
  ): Promise<File> {
    const query = { ...("uri" in target ? { uri: target.uri } : { id: target.fileId }), ...more };
    return this.#credentials.authorised(account, async (accessToken) => {
      try {
        return await this.#client.api(schema, { method: "GET", path: "/file/info", query, accessToken });
      } catch (error) {
        // 40001: "unknown file id" or "unknown uri". A file deleted for good gives -1 without a message.
        const code = failureOf(error, "driveFailed")?.code;
        if (code === 40001 || (code === -1 && "fileId" in target)) throw new BridgeError({ kind: "fileMissing" });
        throw error;
      }
    });
  }

  /** @returns the file itself if the account's own share leads to it; no one can write through a share */
  async own(account: string, file: CloudreveFile): Promise<CloudreveFile> {
    if (isOwn(file.path)) return file;
    if (!file.owned) throw new BridgeError({ kind: "fileMissing" });
    return this.info(account, { fileId: file.id });
  }

  /**
   * Who holds the drive's lock. The native refusal does not say, so the bridge makes a call that must fail: it asks to
   * restore a version that no file has. Cloudreve checks the lock first, and nothing is ever written.
   * @returns undefined when no one holds it any more
   */
  async holder(document: DriveDocument): Promise<LockHolder | undefined> {
    try {
      const file = await this.info(document.account, { fileId: document.fileId });
      const noVersion = await this.#neverWritten(document.account);
      await this.#credentials.authorised(document.account, async (accessToken) => {
        await this.#client.api(z.unknown(), {
          method: "POST",
          path: "/file/version/current",
          json: { uri: file.path, version: noVersion },
          accessToken,
        });
      });
      return undefined;
    } catch (error) {
      if (failureOf(error, "fileMissing") !== undefined) return undefined;
      return failureOf(error, "lockedElsewhere")?.holder ?? "other";
    }
  }

  async #neverWritten(account: string): Promise<string> {
    this.#noVersion ??= await this.#credentials.authorised(account, async (accessToken) => {
      const query = { uri: "cloudreve://my", page_size: "1" };
      const listed = await this.#client.api(listSchema, { method: "GET", path: "/file", query, accessToken });
      return listed.parent.primary_entity;
    });
    return this.#noVersion;
  }

  /** @throws nameTaken @see Cloudreve POST /file/create; recordings/cloudreve/file-create.json */
  async create(account: string, uri: string, type: "file" | "folder"): Promise<CloudreveFile> {
    try {
      return await this.#credentials.authorised(account, (accessToken) =>
        this.#client.api(cloudreveFileSchema, {
          method: "POST",
          path: "/file/create",
          json: { uri, type, err_on_conflict: true },
          accessToken,
        }),
      );
    } catch (error) {
      // Cloudreve 4.0 creates the file and answers with an empty 500.
      if (failureOf(error, "driveFailed")?.code !== 500) throw error;
      const made = await this.info(account, { uri });
      if (made.size > 0) throw new BridgeError({ kind: "nameTaken" });
      return made;
    }
  }

  async removeIfEmpty(account: string, file: CloudreveFile): Promise<void> {
    try {
      const left = await this.info(account, { fileId: file.id });
      if (left.size === 0) await this.remove(account, left.path, true);
    } catch (error) {
      // An empty file may be left behind; the caller needs to know why the bytes did not go in.
      if (!(error instanceof BridgeError)) throw error;
    }
  }

  async remove(account: string, uri: string, forGood: boolean): Promise<void> {
    await this.#credentials.authorised(account, (accessToken) =>
      this.#client.api(z.unknown(), {
        method: "DELETE",
        path: "/file",
        json: { uris: [uri], skip_soft_delete: forGood },
        accessToken,
      }),
    );
  }

  /** What lies in the trash under this id. @throws fileMissing when it does not, or is another account's */
  async inTrash(account: string, id: string): Promise<CloudreveFile> {
    const file = await this.#info(cloudreveFileSchema, account, { fileId: id });
    if (!trashPattern.test(file.path)) throw new BridgeError({ kind: "fileMissing" });
    return file;
  }

  /**
   * Takes a file or folder out of the trash, to where it was.
   * @throws nameTaken; fileMissing when it is not in the trash, or its folder is gone
   * @see Cloudreve POST /file/restore; recordings/cloudreve/file-restore.json
   */
  async restore(account: string, id: string): Promise<CloudreveFile> {
    const { path } = await this.inTrash(account, id);
    await this.#credentials.authorised(account, (accessToken) =>
      this.#client.api(z.unknown(), { method: "POST", path: "/file/restore", json: { uris: [path] }, accessToken }),
    );
    return this.info(account, { fileId: id });
  }

  /**
   * Replaces the content of exactly this file. If it was moved away at that moment and another file was written, that
   * is undone.
   * @param previous the version that must still be current
   * @throws changedInStorage, lockedElsewhere, fileUnproven
   * @see Cloudreve PUT /file/content; recordings/cloudreve/content-put-previous.json
   */
  async put(
    account: string,
    { id, uri }: Pick<DriveFile, "id" | "uri">,
    bytes: Bytes,
    previous: string,
  ): Promise<CloudreveFile> {
    // An empty value would not be a condition at all. A file that was never written has the same id as folders.
    const expected = previous === "" ? await this.#neverWritten(account) : previous;
    const query = new URLSearchParams({ uri, previous: expected });
    const stored = await this.#credentials.authorised(account, async (accessToken) => {
      const answer = await this.#client.ask({
        purpose: "save",
        method: "PUT",
        url: `${this.#client.address("/file/content")}?${query}`,
        headers: { Authorization: `Bearer ${accessToken}`, ...bytesHeaders(bytes.sizeBytes) },
        body: bytes.open(),
      });
      return dataOf(cloudreveFileSchema, envelopeOf(answer));
    });
    if (stored.id !== id) {
      await this.#takeBack(account, stored, expected);
      throw new BridgeError({ kind: "fileUnproven" });
    }
    if (stored.size !== bytes.sizeBytes) {
      throw new BridgeError({ kind: "driveFailed", code: 200, said: "what is stored is not what was sent" });
    }
    return stored;
  }

  /** The wrong file gets its version back if it had the same one (a copy); if the write created it, it is trashed. */
  async #takeBack(account: string, { path: uri, primary_entity: ours }: CloudreveFile, before: string): Promise<void> {
    const version = (method: "POST" | "DELETE", path: string, word: string) =>
      this.#credentials.authorised(account, (accessToken) =>
        this.#client.api(z.unknown(), { method, path, json: { uri, version: word }, accessToken }),
      );
    // Someone has changed it since, so it is theirs now.
    if ((await this.info(account, { uri })).primary_entity !== ours) return;
    try {
      await version("POST", "/file/version/current", before);
      await version("DELETE", "/file/version", ours);
    } catch (error) {
      if (failureOf(error, "fileMissing") === undefined) throw error;
      await this.remove(account, uri, false);
    }
  }

  /**
   * Renames exactly this file or folder. If another file was renamed instead, it gets its name back.
   * @throws nameTaken, nameIllegal, lockedElsewhere, fileUnproven @see Cloudreve POST /file/rename
   */
  async rename(account: string, file: Pick<DriveFile, "id" | "name" | "uri">, name: string): Promise<CloudreveFile> {
    const renamed = await this.#rename(account, file.uri, name);
    if (renamed.id === file.id) return renamed;
    await this.#rename(account, renamed.path, file.name);
    throw new BridgeError({ kind: "fileUnproven" });
  }

  async #rename(account: string, uri: string, name: string): Promise<CloudreveFile> {
    return this.#credentials.authorised(account, (accessToken) =>
      this.#client.api(cloudreveFileSchema, {
        method: "POST",
        path: "/file/rename",
        json: { uri, new_name: name },
        accessToken,
      }),
    );
  }
}

export const folderOf = (uri: string): string => uri.slice(0, uri.lastIndexOf("/"));

/** @returns the uri of a name in the same folder as the file */
export const beside = ({ uri }: DriveFile, name: string): string => `${folderOf(uri)}/${encodeURIComponent(name)}`;

export const below = ({ uri }: Pick<DriveFile, "uri">, name: string): string => `${uri}/${encodeURIComponent(name)}`;

/** A file of the API as the port's type. */
export function driveFile(file: CloudreveFile): DriveFile {
  return {
    id: file.id,
    name: file.name,
    uri: file.path,
    sizeBytes: file.size,
    version: file.primary_entity,
    modifiedAt: wholeSeconds(file.updated_at),
  };
}

/** To whole seconds, the precision that all of Cloudreve's answers share. */
export function wholeSeconds(time: string): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}
