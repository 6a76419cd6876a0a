import { Readable } from "node:stream";
import { z } from "zod";
import { documentRights } from "../../src/model/documentRight.ts";

export const sessionSchema = z.object({
  id: z.string(),
  host_page_url: z.string(),
  action_url: z.string(),
  access_token: z.string(),
  access_token_ttl: z.number(),
  expires_at: z.string(),
  permission: z.enum(documentRights),
  file: z.object({ id: z.string(), name: z.string(), size: z.number(), version: z.string() }),
});
export type Session = z.infer<typeof sessionSchema>;

export interface WopiAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** @returns null when the header is not there, which is not the same as empty */
  header(name: string): string | null;
  readonly bytes: Buffer;
  readonly text: string;
  json(): Record<string, unknown>;
}

/** An editor's server, holding one token for one file. */
export interface WopiClient {
  readonly session: Session;
  readonly src: string;
  /** What carries its calls; for those that have no name here. */
  readonly send: SendCall;
  /** Address of an operation, token included. */
  address(below?: string): string;
  check(): Promise<WopiAnswer>;
  get(headers?: Record<string, string>): Promise<WopiAnswer>;
  /** POST to the file with an override. */
  post(override: string, headers?: Record<string, string>, body?: string): Promise<WopiAnswer>;
  lock(lockId: string): Promise<WopiAnswer>;
  relock(oldLockId: string, lockId: string): Promise<WopiAnswer>;
  refresh(lockId: string): Promise<WopiAnswer>;
  unlock(lockId: string): Promise<WopiAnswer>;
  getLock(): Promise<WopiAnswer>;
  /** PutFile; without a lock id the header is left out. */
  put(body: string | Buffer, lockId?: string, headers?: Record<string, string>): Promise<WopiAnswer>;
}

/** The WOPISrc that an action URL hands to the editor. */
function wopiSrcOf(session: Session): string {
  const src = new URL(session.action_url).searchParams.get("WOPISrc");
  if (src === null) throw new Error("the action URL holds no WOPISrc");
  return src;
}

/** An answer of the bridge's server, read to its end. */
export async function fetchedAnswer(answering: Promise<Response>): Promise<WopiAnswer> {
  const answered = await answering;
  const bytes = Buffer.from(await answered.arrayBuffer());
  const text = bytes.toString("utf8");
  return {
    status: answered.status,
    headers: answered.headers,
    header: (name) => answered.headers.get(name),
    bytes,
    text,
    json: () => JSON.parse(text) as Record<string, unknown>,
  };
}

/** The five common headers of Collabora's saves, as today's version spells them. */
export function collabora(facts: {
  timestamp?: string;
  autosave?: boolean;
  exitSave?: boolean;
}): Record<string, string> {
  return {
    ...(facts.timestamp === undefined ? {} : { "X-COOL-WOPI-Timestamp": facts.timestamp }),
    "X-COOL-WOPI-IsModifiedByUser": "true",
    "X-COOL-WOPI-IsAutosave": String(facts.autosave ?? false),
    "X-COOL-WOPI-IsExitSave": String(facts.exitSave ?? false),
  };
}

/** The editor's server behind a host page, from the form that the page posts. */
export function wopiOfForm({ actionUrl, accessToken }: { actionUrl: string; accessToken: string }): WopiClient {
  return wopiClient({ action_url: actionUrl, access_token: accessToken } as Session);
}

/** Carries one call of an editor's server to an address, token included. A stream goes without an announced length. */
export type SendCall = (
  method: "GET" | "POST",
  address: string,
  headers: Record<string, string>,
  body?: string | Buffer | Readable,
) => Promise<WopiAnswer>;

const sendOverHttp: SendCall = (method, address, headers, body) => {
  const sent = body instanceof Readable ? { body, duplex: "half" } : { body: Buffer.from(body ?? "") };
  const request = { method, headers, redirect: "manual", ...(body === undefined ? {} : sent) };
  return fetchedAnswer(fetch(address, request as RequestInit));
};

/** @param send in place of HTTP */
export function wopiClient(session: Session, src = wopiSrcOf(session), send = sendOverHttp): WopiClient {
  const address = (below = "") => `${src}${below}?access_token=${encodeURIComponent(session.access_token)}`;
  const post: WopiClient["post"] = (override, headers = {}, body) =>
    send("POST", address(), { "X-WOPI-Override": override, ...headers }, body);
  return {
    session,
    src,
    send,
    address,
    check: () => send("GET", address(), {}),
    get: (headers = {}) => send("GET", address("/contents"), headers),
    post,
    lock: (lockId) => post("LOCK", { "X-WOPI-Lock": lockId }),
    relock: (oldLockId, lockId) => post("LOCK", { "X-WOPI-OldLock": oldLockId, "X-WOPI-Lock": lockId }),
    refresh: (lockId) => post("REFRESH_LOCK", { "X-WOPI-Lock": lockId }),
    unlock: (lockId) => post("UNLOCK", { "X-WOPI-Lock": lockId }),
    getLock: () => post("GET_LOCK"),
    put: (body, lockId, headers = {}) =>
      send(
        "POST",
        address("/contents"),
        { "X-WOPI-Override": "PUT", ...(lockId === undefined ? {} : { "X-WOPI-Lock": lockId }), ...headers },
        body,
      ),
  };
}
