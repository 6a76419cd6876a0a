import { z } from "zod";
import type { DriveDocument, DriveFile, OpenRequest } from "../model/drive.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import type { CloudreveClient } from "./client.ts";
import type { Credentials } from "./credential.ts";
import type { FileApi } from "./fileApi.ts";
import { isSessionLost, type ViewerSession, type ViewerSessions, viewerSessionSchema } from "./viewerSession.ts";

export const viewersSchema = z.object({
  file_viewers: z.array(
    z.object({
      viewers: z.array(
        z.object({ id: z.string(), type: z.string(), exts: z.array(z.string()), disabled: z.boolean().optional() }),
      ),
    }),
  ),
});

/** Finds and makes the viewer sessions of documents, and makes them anew when Cloudreve has lost one. */
export class DocumentSessions {
  readonly #client: CloudreveClient;
  readonly #credentials: Credentials;
  readonly #files: FileApi;
  readonly #sessions: ViewerSessions;

  constructor(client: CloudreveClient, credentials: Credentials, files: FileApi, sessions: ViewerSessions) {
    this.#client = client;
    this.#credentials = credentials;
    this.#files = files;
    this.#sessions = sessions;
  }

  /** Office viewers that are switched on. @see Cloudreve GET /site/config/explorer */
  async #viewers(account: string): Promise<{ id: string; extensions: string[] }[]> {
    const { file_viewers } = await this.#credentials.authorised(account, (accessToken) =>
      this.#client.api(viewersSchema, { method: "GET", path: "/site/config/explorer", accessToken }),
    );
    return file_viewers
      .flatMap((group) => group.viewers)
      .filter(({ type, disabled }) => type === "wopi" && disabled !== true)
      .map(({ id, exts }) => ({ id, extensions: exts.map((extension) => extension.toLowerCase()) }));
  }

  /** @returns extensions that some office viewer takes */
  async openable(account: string): Promise<ReadonlySet<string>> {
    return new Set((await this.#viewers(account)).flatMap(({ extensions }) => extensions));
  }

  /** The first office viewer of the explorer configuration that takes the extension. */
  async viewerFor(account: string, name: string, wanted: string | undefined): Promise<string> {
    const extension = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
    const viewer = (await this.#viewers(account)).find(
      ({ id, extensions }) => (wanted === undefined || id === wanted) && extensions.includes(extension),
    );
    if (viewer === undefined)
      throw new BridgeError({ kind: "noEditor", sentence: noEditorSentence(extension, wanted) });
    return viewer.id;
  }

  /** @see Cloudreve PUT /file/viewerSession; recordings/cloudreve/viewer-session-ok.json */
  async mint(
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

  async session(document: DriveDocument): Promise<ViewerSession> {
    const session = await this.#sessions.find(document);
    if (session !== undefined) return session;
    return this.renew(document);
  }

  /** Sessions die with a rename, a crash of the server and after ten hours; the account can make another. */
  async renew(document: DriveDocument): Promise<ViewerSession> {
    const file = await this.#files.info(document.account, { fileId: document.fileId });
    const known = await this.#sessions.find(document);
    const viewerId = known?.viewerId ?? (await this.viewerFor(document.account, file.name, undefined));
    const minted = await this.mint(document.account, file.path, viewerId, {
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
  async through<Result>(
    document: DriveDocument,
    file: DriveFile | undefined,
    work: (session: ViewerSession) => Promise<Result>,
  ): Promise<Result> {
    let session = await this.session(document);
    if (file !== undefined && file.uri !== session.uri) session = await this.renew(document);
    try {
      return await work(session);
    } catch (error) {
      if (!isSessionLost(error)) throw error;
      try {
        session = await this.renew(document);
      } catch (mintError) {
        // Without a credential there is no other session; what Cloudreve said first is the answer.
        throw failureOf(mintError, "signInNeeded") === undefined ? mintError : error;
      }
      return work(session);
    }
  }
}

export function sessionOf(minted: z.infer<typeof viewerSessionSchema>, uri: string, viewerId: string): ViewerSession {
  return { accessToken: minted.session.access_token, expiresAtMs: minted.session.expires, uri, viewerId };
}

function noEditorSentence(extension: string, viewerId: string | undefined): string {
  const which =
    viewerId === undefined ? "No office editor" : `The viewer "${viewerId}" is missing or does not open files that`;
  return viewerId === undefined
    ? `${which} for ".${extension}" is set up in Cloudreve: an administrator adds one under Dashboard, File system, File apps (type WOPI).`
    : `${which} end in ".${extension}": an administrator checks it in Cloudreve under Dashboard, File system, File apps.`;
}
