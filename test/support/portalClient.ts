import { expect } from "vitest";
import { portalKey, type TestBridge } from "./testBridge.ts";
import { type Session, sessionSchema } from "./wopiClient.ts";

/** Problem details, as every refusal of the portal API must be. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail?: string;
  readonly free_name?: string;
  readonly errors?: { field: string; message: string }[];
}

export async function problem(answered: Response): Promise<Problem> {
  expect(answered.headers.get("content-type")).toMatch(/^application\/problem\+json/);
  const body = (await answered.json()) as Problem & { type: string };
  expect(body.type).toBe("about:blank");
  expect(body.status).toBe(answered.status);
  expect(body.title).not.toBe("");
  return body;
}

/** A portal's server, and the files that it opens. */
export interface PortalClient {
  /** A new document of alice's. */
  newFile(extension?: string, text?: string): Promise<{ name: string; uri: string }>;
  /** Opens a session, to edit unless the body says otherwise. */
  session(body: Record<string, unknown>, headers?: Record<string, string>): Promise<Session>;
  /** A request that must be refused with this status. */
  refused(body: unknown, status: number, headers?: Record<string, string>): Promise<Problem>;
  end(sessionId: string, key?: string): Promise<Response>;
  /** Any call below /api. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  /** A call that must be answered with this status. @returns its JSON */
  json(method: string, path: string, status: number, body?: unknown, headers?: Record<string, string>): Promise<Json>;
}

export type Json = Record<string, unknown>;

export function portalClient(bridge: () => TestBridge): PortalClient {
  let documents = 0;
  const call: PortalClient["call"] = (method, path, body, headers = {}) =>
    fetch(`${bridge().url}/api${path}`, {
      method,
      headers: { Authorization: `Bearer ${portalKey}`, "Content-Type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
  return {
    call,
    json: async (method, path, status, body, headers) => {
      const answered = await call(method, path, body, headers);
      expect(answered.status, await answered.clone().text()).toBe(status);
      return (await answered.json()) as Json;
    },
    newFile: async (extension = "docx", text = "text") => {
      const name = `portal-${++documents}.${extension}`;
      expect(await bridge().alice.put(name, text)).toBe(0);
      return { name, uri: bridge().alice.uriOf(name) };
    },
    session: async (body, headers = {}) => {
      const answered = await bridge().postSession({ action: "edit", ...body }, headers);
      expect(answered.status, await answered.clone().text()).toBe(201);
      return sessionSchema.parse(await answered.json());
    },
    refused: async (body, status, headers = {}) => {
      const answered = await bridge().postSession(body, headers);
      expect(answered.status, await answered.clone().text()).toBe(status);
      return problem(answered);
    },
    end: (sessionId, key = portalKey) =>
      fetch(`${bridge().url}/api/sessions/${sessionId}`, {
        method: "DELETE",
        headers: { Authorization: `Bearer ${key}` },
      }),
  };
}
