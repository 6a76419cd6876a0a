import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { documentRequest } from "../../src/api/router.ts";
import { sessionRequestSchema } from "../../src/api/schemas.ts";
import { type DocumentRequest, openDocument } from "../../src/documents/openSession.ts";
import { KeptSafely } from "../../src/documents/saveDocument.ts";
import { wopiFailure } from "../../src/http/failureResponse.ts";
import { BridgeError } from "../../src/model/failure.ts";
import { openServices } from "../../src/openServices.ts";
import type { Services } from "../../src/services.ts";
import { wopiOperations } from "../../src/wopi/operations.ts";
import { wopiAnswer } from "../../src/wopi/router.ts";
import type { WopiOperation } from "../../src/wopi/wopiCall.ts";
import { type Stage, type StageOptions, stageGround, uriOf } from "./stage.ts";
import { type SendCall, type WopiAnswer, type WopiClient, wopiClient } from "./wopiClient.ts";

/** A stage without a server of the bridge: editors call the operations as functions, with plain objects. */
export interface OperationsStage extends Stage {
  readonly services: Services;
  /** Opened by its owner, as somebody who has signed in on the bridge's own pages. */
  openAsOwner(path: string): Promise<WopiClient>;
}

export async function operationsStage(options: StageOptions = {}): Promise<OperationsStage> {
  const ground = await stageGround("http://bridge.example", options);
  const services = await openServices(ground.config(), ground.options);
  services.replay.start();
  const operations = wopiOperations(services);

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
    return wopiClient(session, undefined, sendTo(services, operations, grant.id));
  };
  const asPortal = (path: string, more: Record<string, unknown>) =>
    documentRequest("test", sessionRequestSchema.parse({ uri: uriOf(path), action: "edit", ...more }));
  return {
    ...ground,
    get drive() {
      return ground.drive;
    },
    bridge: { sweep: () => services.housekeeping.sweep(), replay: () => services.replay.run() },
    services,
    open: (path, more = {}) => opened({ ...asPortal(path, more), account: undefined }),
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

function sendTo(services: Services, operations: ReturnType<typeof wopiOperations>, grantId: string): SendCall {
  const overrides: Readonly<Record<string, Readonly<Record<string, WopiOperation>>>> = {
    "": operations.fileOverrides,
    "/contents": operations.contentOverrides,
  };
  const gets: Readonly<Record<string, WopiOperation>> = {
    "": operations.checkFileInfo,
    "/contents": operations.getFile,
  };
  return async (method, below, headers, body) => {
    const bytes = Buffer.from(body ?? "");
    const sent = new Headers(headers);
    if (method === "POST") sent.set("Content-Length", String(bytes.length));
    const override = sent.get("X-WOPI-Override") ?? "";
    try {
      const operation = method === "GET" ? gets[below] : overrides[below]?.[override];
      if (operation === undefined) throw new BridgeError({ kind: "notImplemented", operation: override });
      const grant = await services.grants.find(grantId);
      if (grant === undefined || grant.revokedAtMs !== undefined) throw new BridgeError({ kind: "tokenInvalid" });
      const reply = await operation({
        grant,
        header: (name) => sent.get(name) || undefined,
        body: Readable.from([bytes]),
        signal: new AbortController().signal,
      });
      const { status, headers, body } = wopiAnswer(reply);
      return answer(status, headers, body instanceof Readable ? await buffer(body) : (body ?? Buffer.alloc(0)));
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
