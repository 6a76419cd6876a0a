import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { decorationOf } from "../../src/api/decoration.ts";
import { sessionRequestSchema } from "../../src/api/schemas/sessions.ts";
import { documentRequest } from "../../src/api/sessions.ts";
import { type DocumentRequest, openDocument } from "../../src/documents/openSession.ts";
import { KeptSafely } from "../../src/documents/saveDocument.ts";
import { wopiFailure } from "../../src/http/failureResponse.ts";
import type { DriveTokens } from "../../src/model/drive.ts";
import { BridgeError } from "../../src/model/failure.ts";
import { openServices } from "../../src/openServices.ts";
import type { Services } from "../../src/services.ts";
import { admit } from "../../src/wopi/admission.ts";
import { wopiAnswer } from "../../src/wopi/answer.ts";
import { wopiOperations } from "../../src/wopi/operations.ts";
import type { WopiOperation } from "../../src/wopi/wopiCall.ts";
import { type Stage, type StageOptions, stageGround, uriOf } from "./stage.ts";
import { type SendCall, type WopiAnswer, type WopiClient, wopiClient } from "./wopiClient.ts";

/** A stage without a server of the bridge: editors call the operations as functions, with plain objects. */
export interface OperationsStage extends Stage {
  readonly services: Services;
  /**
   * Opens a document as a portal does.
   * @param by another portal than the one that the stage knows, or tokens of an account that it passes on
   */
  open(
    path: string,
    more?: Record<string, unknown>,
    by?: { readonly portal?: string; readonly tokens?: DriveTokens },
  ): Promise<WopiClient>;
  /** Opened by its owner, as somebody who has signed in on the bridge's own pages. */
  openAsOwner(path: string): Promise<WopiClient>;
}

export async function operationsStage(options: StageOptions = {}): Promise<OperationsStage> {
  const ground = await stageGround("http://bridge.example", options);
  const services = await openServices(ground.config(), ground.options);
  services.replay.start();
  const send = sendTo(services);

  const opened = async (request: DocumentRequest): Promise<WopiClient> => {
    const { grant, file, accessToken, hostPageUrl } = await openDocument(services, request);
    const session = {
      id: grant.id,
      host_page_url: hostPageUrl,
      action_url: grant.actionUrl,
      access_token: accessToken,
      access_token_ttl: grant.expiresAtMs,
      expires_at: new Date(grant.expiresAtMs).toISOString(),
      permission: grant.permission,
      file: { id: file.id, name: file.name, size: file.sizeBytes, version: file.version },
    };
    return wopiClient(session, undefined, send);
  };
  const asPortal = (path: string, more: Record<string, unknown>, portal = "test") => {
    const body = sessionRequestSchema.parse({ uri: uriOf(path), action: "edit", ...more });
    return documentRequest(portal, body, decorationOf(body));
  };
  return {
    ...ground,
    get drive() {
      return ground.drive;
    },
    bridge: { sweep: () => services.housekeeping.sweep(), replay: () => services.replay.run() },
    services,
    open: (path, more = {}, { portal, tokens } = {}) =>
      opened({ ...asPortal(path, more, portal), account: tokens === undefined ? undefined : { tokens } }),
    openAsOwner: async (path) => {
      const account = await services.drive.account(undefined);
      const issuedTo = `person:${account.userId}`;
      return opened({ ...asPortal(path, {}), account: undefined, saveAs: "overwrite", issuedTo });
    },
    close: async () => {
      await services.replay.stop();
      await services.store.close();
      await ground.close();
    },
  };
}

/** Past the token, as the router lets calls in; a proof, the limit of open calls and ended sessions are the router's. */
function sendTo(services: Services): SendCall {
  const operations = wopiOperations(services);
  const overrides: Readonly<Record<string, Readonly<Record<string, WopiOperation>>>> = {
    "": operations.fileOverrides,
    "/contents": operations.contentOverrides,
  };
  const gets: Readonly<Record<string, WopiOperation>> = {
    "": operations.checkFileInfo,
    "/contents": operations.getFile,
  };
  return async (method, address, headers, body = "") => {
    const { pathname, searchParams } = new URL(address);
    const [, fileId, below = ""] = /^\/wopi\/files\/([^/]+)(\/contents)?$/.exec(pathname) ?? [];
    const stream = body instanceof Readable ? body : Readable.from([Buffer.from(body)]);
    const sent = new Headers(headers);
    if (method === "POST" && !(body instanceof Readable)) {
      sent.set("Content-Length", String(Buffer.byteLength(body)));
    }
    const override = sent.get("X-WOPI-Override") ?? "";
    try {
      const grant = await admit(services, fileId, searchParams.get("access_token") ?? "");
      const operation = method === "GET" ? gets[below] : overrides[below]?.[override];
      if (operation === undefined) throw new BridgeError({ kind: "notImplemented", operation: override });
      const reply = await operation({
        grant,
        header: (name) => sent.get(name) || undefined,
        body: stream,
        signal: new AbortController().signal,
      });
      const { status, headers, body } = wopiAnswer(reply);
      return answer(status, headers, body instanceof Readable ? await buffer(body) : Buffer.from(body ?? ""));
    } catch (error) {
      // As the router does for editors that hear of it all the same.
      const refusal = error instanceof KeptSafely ? error.refusal : error;
      if (!(refusal instanceof BridgeError)) throw refusal;
      const { status, headers, json, text } = wopiFailure(refusal.failure);
      return answer(status, headers, Buffer.from(json === undefined ? (text ?? "") : JSON.stringify(json)));
    }
  };
}

function answer(status: number, fields: Readonly<Record<string, string>>, bytes: Buffer): WopiAnswer {
  const headers = new Headers(fields);
  const text = bytes.toString("utf8");
  return {
    status,
    headers,
    header: (name) => headers.get(name),
    bytes,
    text,
    json: () => JSON.parse(text) as Record<string, unknown>,
  };
}
