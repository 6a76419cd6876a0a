import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type FakeCloudreve,
  type FakeCloudreveOptions,
  openFakeCloudreve,
} from "../../src/sandbox/fakeCloudreve/fakeCloudreve.ts";

export interface Envelope<Data> {
  code: number;
  msg: string;
  data: Data;
  aggregated_error?: Record<string, { code: number }>;
}

export interface FileObject {
  id: string;
  name: string;
  size: number;
  primary_entity: string;
  updated_at: string;
  metadata: Record<string, string>;
  extended_info?: { entities: { id: string; size: number }[] };
}

const password = "sandbox-password";
const viewerId = "writer";

/** One fake drive with a settable clock, and the calls that tests make of it as alice. */
export class DriveUnderTest {
  readonly dir = mkdtempSync(join(tmpdir(), "fake-cloudreve-"));
  nowMs = Date.parse("2026-11-21T08:00:00Z");
  fake!: FakeCloudreve;
  token = "";

  async open(options: Partial<FakeCloudreveOptions> = {}): Promise<this> {
    this.fake = await openFakeCloudreve({ ...this.options(), ...options });
    this.token = (await this.signIn()).access_token;
    return this;
  }

  options(): FakeCloudreveOptions {
    const action = "http://127.0.0.1:9980/cool.html?";
    return {
      dir: this.dir,
      port: 0,
      now: () => this.nowMs,
      accounts: [
        { email: "alice@example.com", password, nickname: "Alice", admin: true },
        { email: "bob@example.com", password, nickname: "Bob" },
      ],
      viewers: [
        {
          id: viewerId,
          type: "wopi",
          display_name: "writer",
          exts: ["docx"],
          wopi_actions: { docx: { view: action, edit: action } },
        },
      ],
    };
  }

  async close(): Promise<void> {
    await this.fake.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  async signIn(email = "alice@example.com"): Promise<{ access_token: string; refresh_token: string }> {
    const answer = await this.call<{ token: { access_token: string; refresh_token: string } }>(
      "POST",
      "/session/token",
      { email, password },
    );
    return answer.data.token;
  }

  async call<Data>(method: string, path: string, body?: object, token = this.token): Promise<Envelope<Data>> {
    const response = await fetch(`${this.fake.url}/api/v4${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return (await response.json()) as Envelope<Data>;
  }

  async put(path: string, content: string | Uint8Array, previous = ""): Promise<Envelope<FileObject>> {
    const uri = encodeURIComponent(`cloudreve://my${path}`);
    const response = await fetch(`${this.fake.url}/api/v4/file/content?uri=${uri}&previous=${previous}`, {
      method: "PUT",
      headers: { Authorization: `Bearer ${this.token}` },
      body: content as string,
    });
    return (await response.json()) as Envelope<FileObject>;
  }

  info(path: string, extended = false): Promise<Envelope<FileObject>> {
    const uri = encodeURIComponent(`cloudreve://my${path}`);
    return this.call("GET", `/file/info?uri=${uri}${extended ? "&extended=true" : ""}`);
  }

  async list(path = "/"): Promise<{ files: FileObject[]; parent: FileObject }> {
    const uri = encodeURIComponent(`cloudreve://my${path}`);
    return (await this.call<{ files: FileObject[]; parent: FileObject }>("GET", `/file?uri=${uri}`)).data;
  }

  /** Closes in good order and opens again at the same address. */
  async restart(options: Partial<FakeCloudreveOptions> = {}): Promise<void> {
    const { port } = this.fake;
    await this.fake.close();
    this.fake = await openFakeCloudreve({ ...this.options(), port, ...options });
  }

  async downloadUrl(path: string): Promise<string> {
    const answer = await this.call<{ urls: { url: string }[] }>("POST", "/file/url", {
      uris: [`cloudreve://my${path}`],
    });
    return answer.data.urls[0]?.url ?? "";
  }

  async read(path: string): Promise<string> {
    return (await fetch(await this.downloadUrl(path))).text();
  }

  /** Opens an editor's session. @returns a caller of native operations on it */
  async openSession(path: string, version = ""): Promise<Native> {
    const answer = await this.call<{ session: { access_token: string; expires: number }; wopi_src: string }>(
      "PUT",
      "/file/viewerSession",
      { uri: `cloudreve://my${path}`, viewer_id: viewerId, preferred_action: "edit", version },
    );
    const fileId = /wopi%2F(\w+)/.exec(answer.data.wopi_src)?.[1] ?? "";
    return new Native(this, fileId, answer.data.session);
  }
}

/** The native WOPI calls of one viewer session. */
export class Native {
  readonly fileId: string;
  readonly session: { access_token: string; expires: number };
  readonly #drive: DriveUnderTest;

  constructor(drive: DriveUnderTest, fileId: string, session: { access_token: string; expires: number }) {
    this.#drive = drive;
    this.fileId = fileId;
    this.session = session;
  }

  url(behindId = ""): string {
    const token = this.session.access_token;
    return `${this.#drive.fake.url}/api/v4/file/wopi/${this.fileId}${behindId}?access_token=${token}`;
  }

  /** @returns the status, and the lock the answer names */
  async lock(override: string, lock: string): Promise<[number, string | null]> {
    const headers = { "X-WOPI-Override": override, "X-WOPI-Lock": lock };
    const response = await fetch(this.url(), { method: "POST", headers });
    return [response.status, response.headers.get("X-WOPI-Lock")];
  }

  async putFile(content: string, lock = ""): Promise<number> {
    const headers = { "X-WOPI-Override": "PUT", ...(lock === "" ? {} : { "X-WOPI-Lock": lock }) };
    const response = await fetch(this.url("/contents"), { method: "POST", headers, body: content });
    return response.status;
  }

  check(): Promise<Response> {
    return fetch(this.url());
  }
}
