import { z } from "zod";
import type { DriveEntry, DriveFolder } from "../model/drive.ts";
import { BridgeError, onFailure } from "../model/failure.ts";
import type { CloudreveClient } from "./client.ts";
import type { Credentials } from "./credential.ts";
import { below, type CloudreveFile, type FileApi, folderOf, isOwn } from "./fileApi.ts";
import { entryOf, folderPage, folderType } from "./folderPage.ts";

const rootUri = "cloudreve://my";
/** How far apart the folders on the way and the file itself are made in one call. */
const madeTogetherMs = 2_000;
const rootSchema = z.object({ parent: z.object({ id: z.string() }) });

/** The folders of an account: found by id, created, renamed and removed. */
export class Folders {
  readonly #client: CloudreveClient;
  readonly #credentials: Credentials;
  readonly #files: FileApi;

  constructor(client: CloudreveClient, credentials: Credentials, files: FileApi) {
    this.#client = client;
    this.#credentials = credentials;
    this.#files = files;
  }

  /** @throws fileMissing when there is none, it is another account's or in the trash, or it is a file */
  async find(account: string, target: { folderId: string } | { uri: string }): Promise<DriveFolder> {
    if ("uri" in target) return isRoot(target.uri) ? this.#root(account) : this.#byUri(account, target.uri);
    return onFailure(
      "fileMissing",
      async () => folderIn(await this.#files.info(account, { fileId: target.folderId })),
      async (_failure, error) => {
        // Cloudreve gives no info on a root, under its own id neither: only its listing tells that id.
        const root = await this.#root(account);
        if (root.id !== target.folderId) throw error;
        return root;
      },
    );
  }

  /** The folders above a file or folder, the root first. */
  async above(account: string, uri: string): Promise<DriveFolder[]> {
    const uris: string[] = [];
    for (let above = uri; !isRoot(above); ) {
      above = folderOf(above);
      uris.unshift(above);
    }
    return Promise.all(uris.map((folderUri) => this.find(account, { uri: folderUri })));
  }

  /**
   * Creates an empty file or folder in a folder. If that was moved away at that moment, Cloudreve makes a second folder
   * in its place; this is undone.
   * @throws nameTaken, nameIllegal, fileUnproven
   * @see Cloudreve POST /file/create; recordings/cloudreve/file-create.json
   */
  async create(account: string, folder: DriveFolder, kind: DriveEntry["kind"], name: string): Promise<DriveEntry> {
    const made = await this.#files.create(account, below(folder, name), kind);
    if (await this.stands(account, folder)) return entryOf(made);
    await this.#files.removeIfEmpty(account, made);
    await this.#removeMadeWith(account, folder.uri, made);
    throw new BridgeError({ kind: "fileUnproven" });
  }

  /** Whether the folder still lies where it did. */
  async stands(account: string, { id, uri }: DriveFolder): Promise<boolean> {
    const now = await onFailure(
      "fileMissing",
      () => this.find(account, { folderId: id }),
      () => undefined,
    );
    return now?.uri === uri;
  }

  /** The folders that Cloudreve made on the way to a file, from the innermost; not those that were there before. */
  async #removeMadeWith(
    account: string,
    uri: string,
    { created_at: madeAt }: Pick<CloudreveFile, "created_at">,
  ): Promise<void> {
    if (isRoot(uri) || madeAt === undefined) return;
    try {
      const folder = await this.#files.info(account, { uri });
      if (Date.parse(madeAt) - Date.parse(folder.created_at ?? "") > madeTogetherMs) return;
      if ((await this.#entriesOf(account, uri)).length > 0) return;
      // To the trash: should it be somebody's, nothing is lost.
      await this.#files.remove(account, uri, false);
    } catch (error) {
      // An empty folder may be left behind; the caller needs to know that nothing was created.
      if (!(error instanceof BridgeError)) throw error;
      return;
    }
    await this.#removeMadeWith(account, folderOf(uri), { created_at: madeAt });
  }

  /** Renames exactly this folder. @throws nameTaken, nameIllegal, lockedElsewhere, fileUnproven */
  async rename(account: string, folder: DriveFolder, name: string): Promise<DriveFolder> {
    return folderIn(await this.#files.rename(account, folder, name));
  }

  /** Moves a folder to the trash. @throws folderNotEmpty, lockedElsewhere, fileUnproven */
  async remove(account: string, folder: DriveFolder, { evenFull }: { readonly evenFull: boolean }): Promise<void> {
    if (!evenFull && (await this.#entriesOf(account, folder.uri)).length > 0)
      throw new BridgeError({ kind: "folderNotEmpty" });
    await this.#files.remove(account, folder.uri, false);
    const left = await onFailure(
      "fileMissing",
      () => this.find(account, { folderId: folder.id }),
      () => undefined,
    );
    // Still there? Then another one lay in its place at that moment: it is in the trash, and nothing is lost.
    if (left !== undefined) throw new BridgeError({ kind: "fileUnproven" });
  }

  /** @returns some of what is in a folder; none only when it is empty */
  async #entriesOf(account: string, uri: string): Promise<readonly DriveEntry[]> {
    const ask = (accessToken: string) => folderPage(this.#client, accessToken, uri);
    return (await this.#credentials.authorised(account, ask)).entries;
  }

  async #root(account: string): Promise<DriveFolder> {
    const { parent } = await this.#credentials.authorised(account, (accessToken) =>
      this.#client.api(rootSchema, {
        method: "GET",
        path: "/file",
        query: { uri: rootUri, page_size: "1" },
        accessToken,
      }),
    );
    return { id: parent.id, name: "", uri: rootUri };
  }

  async #byUri(account: string, uri: string): Promise<DriveFolder> {
    if (!isOwn(uri)) throw new BridgeError({ kind: "fileMissing" });
    return folderIn(await this.#files.info(account, { uri }));
  }
}

const isRoot = (uri: string): boolean => /^cloudreve:\/\/([^/@]*@)?my\/?$/.test(uri);

/** @throws fileMissing for a file */
function folderIn({ type, id, name, path }: CloudreveFile): DriveFolder {
  if (type !== folderType) throw new BridgeError({ kind: "fileMissing" });
  return { id, name, uri: path };
}
