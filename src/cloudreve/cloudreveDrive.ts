import { z } from "zod";
import type { Drive, DriveSignIn } from "../model/drive.ts";
import { BridgeError, onFailure } from "../model/failure.ts";
import { type Clock, type KeyValueStore, type Pause, pauseFor } from "../model/keyValueStore.ts";
import type { CloudreveClient } from "./client.ts";
import { ContentWriter } from "./contentWriter.ts";
import type { Credentials } from "./credential.ts";
import type { Encryption } from "./encryption.ts";
import { below, beside, driveFile, FileApi } from "./fileApi.ts";
import { contentOf, FileDownloads } from "./fileDownloads.ts";
import { entryOf, folderPage, searchPage } from "./folderPage.ts";
import { Folders } from "./folders.ts";
import { type KnownVersion, NativeDocuments } from "./nativeDocuments.ts";
import { NativeLocks } from "./nativeLocks.ts";
import { NativeWopi } from "./nativeWopi.ts";
import { UploadSessions } from "./uploadSession.ts";
import { ViewerSessions } from "./viewerSessions.ts";

interface DriveParts {
  readonly client: CloudreveClient;
  readonly credentials: Credentials;
  readonly signIn: DriveSignIn;
  readonly store: KeyValueStore;
  readonly encryption: Encryption;
  /** Origins besides Cloudreve's that download URLs may name. */
  readonly storageOrigins: readonly string[];
  /** Cloudreve's address, as seen from the editor's server; undefined = it can't reach it. */
  readonly editorUrl?: string | undefined;
  readonly knownVersion: KnownVersion;
  readonly now: Clock;
  /** Between two tries. */
  readonly pause?: Pause;
}

/** The port `Drive` on Cloudreve v4, with its file API, and its native WOPI host for locks and writes under them. */
export function cloudreveDrive(parts: DriveParts): Drive {
  const { client, credentials, signIn, store, encryption, now, pause = pauseFor } = parts;
  const files = new FileApi(client, credentials);
  const downloads = new FileDownloads(client, credentials, parts.storageOrigins, now);
  const folders = new Folders(client, credentials, files);
  const wopi = new NativeWopi(client, store, encryption, now);
  const sessions = new ViewerSessions(client, credentials, files, wopi, now);
  const native = new NativeDocuments(files, sessions, wopi, parts.knownVersion);
  const uploads = new UploadSessions(client, credentials, files, store, now);
  const locks = new NativeLocks(native, files, uploads, pause);
  const contents = new ContentWriter(files, native, locks, uploads, pause);
  return {
    signIn,
    account: (tokens) => credentials.account(tokens),
    accountNamed: (account) => credentials.accountNamed(account),
    lastingAccount: (account) => credentials.lastingAccount(account),
    keepAlive: (account) => credentials.keepAlive(account),

    find: async (account, target) => {
      const file = await files.own(account, await files.info(account, target));
      if (file.type !== 0) throw new BridgeError({ kind: "fileMissing" });
      return driveFile(file);
    },
    list: (account, folderUri, next, order) =>
      credentials.authorised(account, (accessToken) => folderPage(client, accessToken, folderUri, next, order)),
    search: (account, text, next) =>
      credentials.authorised(account, (accessToken) => searchPage(client, accessToken, text, next)),
    findInTrash: async (account, id) => entryOf(await files.inTrash(account, id)),
    restore: async (account, id) => entryOf(await files.restore(account, id)),
    folder: (account, target) => folders.find(account, target),
    foldersAbove: (account, uri) => folders.above(account, uri),
    createIn: (account, folder, kind, name) => folders.create(account, folder, kind, name),
    tryCreating: (account, folder, name, sizeBytes) => uploads.tryCreating(account, below(folder, name), sizeBytes),
    createFrom: async (account, folder, name, content) => {
      if (content.sizeBytes === 0) {
        const { id } = await folders.create(account, folder, "file", name);
        return driveFile(await files.info(account, { fileId: id }));
      }
      return contents.createFrom(account, below(folder, name), content, () => folders.stands(account, folder));
    },
    renameFolder: (account, folder, name) => folders.rename(account, folder, name),
    removeFolder: (account, folder, how = { evenFull: false }) => folders.remove(account, folder, how),
    openable: (account) => sessions.openable(account),

    open: async ({ account }, request) => {
      const opened = await sessions.open(account, request);
      if (opened.document.version === undefined) return opened;
      await opened.kept;
      return { ...opened, file: await native.look(opened.document) };
    },

    stat: (document) => native.look(document),
    read: async (document, file, range, signal) =>
      contentOf(
        (await downloads.download(document, file, range, signal)) ?? {
          answer: await native.read(document, file, range, signal),
          isCloudreves: true,
        },
        file,
      ),
    addressForEditor: (document, file, signal) => downloads.addressAt(parts.editorUrl, document, file, signal),
    addressForProxy: (document, file, signal) => downloads.addressBelow(document, file, signal),
    write: (document, file, bytes, guard) => contents.write(document, file, bytes, guard),
    createBeside: (document, file, name, bytes) => contents.createBeside(document, file, name, bytes),
    findBeside: ({ account }, file, name) =>
      onFailure(
        "fileMissing",
        async () => driveFile(await files.info(account, { uri: beside(file, name) })),
        () => undefined,
      ),
    rename: async ({ account, fileId }, file, name) => {
      const renamed = await files.rename(account, file, name);
      await sessions.renewAll(fileId);
      return driveFile(renamed);
    },
    remove: async (document, file) => {
      await files.remove(document.account, file.uri, false);
      const left = await onFailure(
        "fileMissing",
        () => native.look(document),
        () => undefined,
      );
      // Still there? Then something else lay in its place at that moment: it is in the trash, and nothing is lost.
      if (left !== undefined) throw new BridgeError({ kind: "fileUnproven" });
    },

    versions: async (account, fileId) => {
      const { file, versions } = await files.versions(account, fileId);
      if (file.type !== 0) throw new BridgeError({ kind: "fileMissing" });
      return { file: driveFile(file), versions };
    },
    readVersion: async (account, file, { version, sizeBytes }, range, signal) => {
      const asked = { ...file, version, sizeBytes };
      const transfer = await downloads.downloadVersion(account, asked, range, signal);
      if (transfer !== undefined) return contentOf(transfer, asked);
      const document = { account, fileId: file.id, ...(version === file.version ? {} : { version }) };
      return contentOf({ answer: await native.read(document, asked, range, signal), isCloudreves: true }, asked);
    },

    lock: (document, token) => locks.lock(document, token),
    refreshLock: (document, token, known) => locks.refreshLock(document, token, known),
    unlock: (document, token) => native.unlock(document, token),

    ping: () => client.api(z.string(), { method: "GET", path: "/site/ping" }),
  };
}
