import { z } from "zod";
import type { DriveDocument, OpenedDocument, OpenRequest } from "../model/drive.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import type { Clock } from "../model/keyValueStore.ts";
import { OldestOutMap } from "../model/oldestOutMap.ts";
import type { CloudreveClient } from "./client.ts";
import type { Credentials } from "./credential.ts";
import { type CloudreveFile, driveFile, type FileApi, wholeSeconds } from "./fileApi.ts";
import { isSessionLost, type NativeWopi, type ViewerSession, viewerSessionSchema } from "./nativeWopi.ts";

export const viewersSchema = z.object({
  file_viewers: z.array(
    z.object({
      viewers: z.array(
        z.object({ id: z.string(), type: z.string(), exts: z.array(z.string()), disabled: z.boolean().optional() }),
      ),
    }),
  ),
});

/** How long a list of viewers is used. Cloudreve itself refuses a viewer that is gone since; then it is read anew. */
const viewersFreshForMs = 60_000;
const rememberedAccounts = 1_000;

interface OfficeViewer {
  readonly id: string;
  /** Lower case, without a dot. */
  readonly extensions: readonly string[];
}

/** Why a native call may use a session, which reaches whatever file is at its path. @see NativeDocuments */
export type SessionProof =
  /** The path was just proven to be the file's; a session for another path is not used. */
  | { readonly by: "path"; readonly uri: string }
  /** Nothing is changed, and the answer is checked before it is used. uri: where the file was last known to be */
  | { readonly by: "answer"; readonly uri?: string }
  /** The call is about the lock that our token holds, wherever that is. */
  | { readonly by: "token" };

/** Finds and opens the viewer sessions of documents, and opens a new one when Cloudreve has lost it. */
export class ViewerSessions {
  readonly #client: CloudreveClient;
  readonly #credentials: Credentials;
  readonly #files: FileApi;
  readonly #wopi: NativeWopi;
  readonly #now: Clock;
  /** By account. */
  readonly #viewers = new OldestOutMap<string, { readonly viewers: readonly OfficeViewer[]; readonly atMs: number }>(
    rememberedAccounts,
  );

  constructor(client: CloudreveClient, credentials: Credentials, files: FileApi, wopi: NativeWopi, now: Clock) {
    this.#client = client;
    this.#credentials = credentials;
    this.#files = files;
    this.#wopi = wopi;
    this.#now = now;
  }

  /** Office viewers that are switched on. @see Cloudreve GET /site/config/explorer */
  async #readViewers(account: string): Promise<readonly OfficeViewer[]> {
    const { file_viewers } = await this.#credentials.authorised(account, (accessToken) =>
      this.#client.api(viewersSchema, { method: "GET", path: "/site/config/explorer", accessToken }),
    );
    const viewers = file_viewers
      .flatMap((group) => group.viewers)
      .filter(({ type, disabled }) => type === "wopi" && disabled !== true)
      .map(({ id, exts }) => ({ id, extensions: exts.map((extension) => extension.toLowerCase()) }));
    this.#viewers.set(account, { viewers, atMs: this.#now() });
    return viewers;
  }

  #rememberedViewers(account: string): readonly OfficeViewer[] | undefined {
    const { viewers, atMs = 0 } = this.#viewers.get(account) ?? {};
    return Math.abs(this.#now() - atMs) < viewersFreshForMs ? viewers : undefined;
  }

  /** @returns the extensions that some office viewer opens */
  async openable(account: string): Promise<ReadonlySet<string>> {
    const viewers = this.#rememberedViewers(account) ?? (await this.#readViewers(account));
    return new Set(viewers.flatMap(({ extensions }) => extensions));
  }

  /**
   * Does the work with a viewer that opens the file.
   * @param wanted its id; undefined = the first one in the explorer configuration @throws noEditor
   */
  async #throughViewer<Result>(
    account: string,
    fileName: string,
    wanted: string | undefined,
    work: (viewerId: string) => Promise<Result>,
  ): Promise<Result> {
    const remembered = this.#rememberedViewers(account);
    if (remembered !== undefined) {
      try {
        return await work(viewerFor(remembered, fileName, wanted));
      } catch (error) {
        // The viewers may have been changed since.
        if (failureOf(error, "noEditor") === undefined) throw error;
      }
    }
    return work(viewerFor(await this.#readViewers(account), fileName, wanted));
  }

  /** @returns the document, with the file as it is now, also for an old version @throws noEditor, fileMissing */
  async open(account: string, request: OpenRequest): Promise<OpenedDocument> {
    const file = await this.#files.own(account, await this.#files.info(account, request.target));
    if (file.type !== 0)
      throw new BridgeError({ kind: "noEditor", sentence: "A folder can't be opened in an editor." });
    // The current version is the live document: a session for just that version would be out of date after a save.
    const version = request.version === file.primary_entity ? undefined : request.version;
    const { version: _asked, ...asked } = request;
    const document = { account, fileId: file.id, ...(version === undefined ? {} : { version }) };
    return this.#throughViewer(account, file.name, request.viewerId, async (viewerId) => {
      const minted = await this.#mint(account, file.path, viewerId, {
        ...asked,
        ...(version === undefined ? {} : { version, action: "view" }),
      });
      if (minted.wopi_src === undefined) {
        const sentence = `The viewer "${viewerId}" is not an office editor (WOPI).`;
        throw new BridgeError({ kind: "noEditor", sentence });
      }
      const kept = this.#wopi.store(document, sessionOf(minted, file, viewerId));
      // Whoever opens the document learns of it; but not if something else stops them first.
      kept.catch(() => undefined);
      return { document, file: driveFile(file), actionUrl: minted.wopi_src, expiresAtMs: minted.session.expires, kept };
    });
  }

  /**
   * After a rename, since every session is bound to the old path. A session that can't be opened now is opened when it
   * is needed, if its account still can: a portal's access token may have expired.
   */
  async renewAll(fileId: string): Promise<void> {
    for await (const opened of this.#wopi.documentsOf(fileId)) {
      await this.renew(opened).catch(() => undefined);
    }
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

  /** Sessions end with a rename, a crash of the server, or after ten hours; the account can open another. */
  async renew(document: DriveDocument): Promise<ViewerSession> {
    const file = await this.#files.info(document.account, { fileId: document.fileId });
    const known = await this.#wopi.find(document);
    const mint = async (viewerId: string): Promise<ViewerSession> => {
      const minted = await this.#mint(document.account, file.path, viewerId, {
        action: "edit",
        ...(document.version === undefined ? {} : { version: document.version }),
      });
      return sessionOf(minted, file, viewerId);
    };
    const session =
      known === undefined
        ? await this.#throughViewer(document.account, file.name, undefined, mint)
        : await mint(known.viewerId);
    await this.#wopi.store(document, session);
    return session;
  }

  /**
   * Works through the native session. If Cloudreve has lost it, tries once more through a new one. Every native call
   * that needs a session goes through here.
   * @throws fileUnproven when the session is lost and no credential is left to open another, or when the file is no
   *   longer where it was proven to be
   */
  async through<Result>(
    document: DriveDocument,
    proof: SessionProof,
    work: (session: ViewerSession) => Promise<Result>,
  ): Promise<Result> {
    let session = (await this.#wopi.find(document)) ?? (await this.renew(document));
    if ("uri" in proof && proof.uri !== session.uri) session = await this.#renewed(document);
    requirePath(session, proof);
    try {
      return await work(session);
    } catch (error) {
      if (!isSessionLost(error)) throw error;
      session = await this.#renewed(document);
      requirePath(session, proof);
      return work(session);
    }
  }

  /** Without a credential there is no new session, and nothing shows that the old one still reaches this file. */
  async #renewed(document: DriveDocument): Promise<ViewerSession> {
    try {
      return await this.renew(document);
    } catch (error) {
      if (failureOf(error, "signInNeeded") === undefined) throw error;
      throw new BridgeError({ kind: "fileUnproven" }, { cause: error });
    }
  }
}

/** @throws fileUnproven */
function requirePath(session: ViewerSession, proof: SessionProof): void {
  if (proof.by === "path" && session.uri !== proof.uri) throw new BridgeError({ kind: "fileUnproven" });
}

/** @param file as info showed it before the session was opened at its path */
function sessionOf(minted: z.infer<typeof viewerSessionSchema>, file: CloudreveFile, viewerId: string): ViewerSession {
  return {
    accessToken: minted.session.access_token,
    expiresAtMs: minted.session.expires,
    uri: file.path,
    viewerId,
    seen: { version: file.primary_entity, modifiedAt: wholeSeconds(file.updated_at) },
  };
}

/** @throws noEditor */
function viewerFor(viewers: readonly OfficeViewer[], fileName: string, wanted: string | undefined): string {
  const extension = fileName.slice(fileName.lastIndexOf(".") + 1).toLowerCase();
  const viewer = viewers.find(
    ({ id, extensions }) => (wanted === undefined || id === wanted) && extensions.includes(extension),
  );
  if (viewer === undefined) throw new BridgeError({ kind: "noEditor", sentence: noEditorSentence(extension, wanted) });
  return viewer.id;
}

function noEditorSentence(extension: string, viewerId: string | undefined): string {
  const which =
    viewerId === undefined ? "No office editor" : `The viewer "${viewerId}" is missing or does not open files that`;
  return viewerId === undefined
    ? `${which} for ".${extension}" is set up in Cloudreve: an administrator adds one under Dashboard, File system, File apps (type WOPI).`
    : `${which} end in ".${extension}": an administrator checks it in Cloudreve under Dashboard, File system, File apps.`;
}
