import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { type IncomingHttpHeaders, type IncomingMessage, request as openRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type FakeAccount,
  type FakeCloudreve,
  type FakeViewer,
  openFakeCloudreve,
} from "../../src/sandbox/fakeCloudreve/fakeCloudreve.ts";
import type { Recording } from "./recordingsLoad.ts";

export type UserName = "alice" | "bob" | "carol";

export interface LiveResponse {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export const writerId = "b6152113-a748-5759-89d6-de30b635da4e";
const password = "Cloudreve-demo-1";
const recordedHost = "127.0.0.1:5213";
const recordedUserIds: Record<UserName, string> = { alice: "3aS4", bob: "MRfv", carol: "LXc0" };
const nativeCall = /\/file\/wopi\/(\w+)(?:\/contents)?\?access_token=([0-9a-f-]{36}\.\w{128})$/;
const editor = "http://127.0.0.1:9980";

const accounts: FakeAccount[] = [
  { email: "alice@example.com", password, nickname: "Alice Admin", admin: true },
  { email: "bob@example.com", password, nickname: "Bob Ünï 李" },
  { email: "carol@example.com", password, nickname: "Carol" },
];

/** The editors that the recording server knew. */
export const viewers: FakeViewer[] = [
  coolViewer(writerId, "writer", ["docx", "odt", "doc", "txt", "rtf", "pages"]),
  coolViewer("9860e848-0f3c-5f29-b96b-9a6f9b49c1b2", "calc", ["xlsx", "ods", "csv"]),
  coolViewer("9bb8136e-59e5-59d2-a2bc-5fd9e215e5ee", "impress", ["pptx", "odp", "ppsx"]),
  {
    id: "3390fdb9-1af2-5747-b8c1-8948a9ebafaf",
    type: "wopi",
    display_name: "word-templated",
    exts: ["docx"],
    wopi_actions: {
      docx: {
        edit:
          `${editor}/hosting/wopi/word/edit?<ui=UI_LLCC&><rs=DC_LLCC&><dchat=DISABLE_CHAT&><hid=HOST_SESSION_ID&>` +
          "<thm=THEME_ID&><embed=EMBEDDED&><fs=FULLSCREEN&><wopisrc=WOPI_SOURCE&>",
      },
    },
  },
];

/** A fake drive on which one recording is played again, and the dictionary from recorded ids to live ones. */
export class Stage {
  fake!: FakeCloudreve;
  nowMs = Date.parse("2026-11-21T08:25:26Z");
  #dir = mkdtempSync(join(tmpdir(), "recordings-"));
  readonly #recordedToLive = new Map<string, string>();
  readonly #liveToRecorded = new Map<string, string>();
  readonly #refreshTokens = new Map<string, string>();
  readonly #learntTokens = new Map<string, string>();
  readonly #accessTokens = new Map<UserName, { token: string; atMs: number }>();
  readonly #recordedSessions: { fileId: string; token: string }[];
  #pattern: RegExp | undefined;

  constructor(recording: Recording) {
    this.#recordedSessions = recording.exchanges.flatMap(({ request }) => {
      const [, fileId, token] = nativeCall.exec(request?.path ?? "") ?? [];
      return fileId && token ? [{ fileId, token }] : [];
    });
  }

  async open(): Promise<void> {
    await this.#start(0);
    const { port } = this.fake;
    this.bind(recordedHost, `127.0.0.1:${port}`);
    this.bind("localhost:5213", `localhost:${port}`);
    this.bind(encodeURIComponent(recordedHost), encodeURIComponent(`127.0.0.1:${port}`));
    const siteURL = `http://127.0.0.1:${port},http://localhost:${port}`;
    await this.api("alice", "PATCH", "/admin/settings", { settings: { siteURL } });
    for (const name of Object.keys(recordedUserIds) as UserName[]) {
      const me = await this.api("alice", "GET", `/user/search?keyword=${name}`);
      this.bind(recordedUserIds[name], (me as { id: string }[])[0]?.id ?? "");
    }
    const list = (await this.api("bob", "GET", "/file?uri=cloudreve://my")) as { storage_policy: { id: string } };
    this.bind("rjS4", list.storage_policy.id);
  }

  async close(): Promise<void> {
    await this.fake.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** Stops the drive in good order and starts it again, perhaps with other quotas. */
  async restart(quotaBytes?: Partial<Record<UserName, number>>): Promise<void> {
    await this.fake.close();
    await this.#start(this.fake.port, quotaBytes);
  }

  /** What kill -9 leaves: the folder as it is at this moment. */
  async crash(): Promise<void> {
    const killed = this.#dir;
    this.#dir = mkdtempSync(join(tmpdir(), "recordings-"));
    cpSync(killed, this.#dir, { recursive: true });
    await this.fake.close();
    rmSync(killed, { recursive: true, force: true });
    await this.#start(this.fake.port);
  }

  bind(recorded: string, live: string): void {
    this.#recordedToLive.set(recorded, live);
    this.#liveToRecorded.set(live, recorded);
    this.#pattern = undefined;
  }

  isBound(recorded: string): boolean {
    return this.#recordedToLive.has(recorded);
  }

  /** Whether a live word already stands for something else: two ids that differed must differ again. */
  isTaken(live: string): boolean {
    return this.#liveToRecorded.has(live);
  }

  /** Puts the live ids in the place of the recorded ones. */
  translate(text: string): string {
    this.#pattern ??= new RegExp(
      `(?<=%[0-9A-F]{2}|[^A-Za-z0-9]|^)(?:${[...this.#recordedToLive.keys()]
        .sort((left, right) => right.length - left.length)
        .map((key) => key.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
        .join("|")})(?![A-Za-z0-9])`,
      "g",
    );
    return text.replace(this.#pattern, (recorded) => this.#recordedToLive.get(recorded) ?? recorded);
  }

  async accessToken(user: UserName): Promise<string> {
    const known = this.#accessTokens.get(user);
    if (known && this.nowMs - known.atMs < 3_000_000) return known.token;
    const token = await this.newAccessToken(user);
    this.#accessTokens.set(user, { token, atMs: this.nowMs });
    return token;
  }

  async newAccessToken(user: UserName): Promise<string> {
    return (await this.#signIn(user)).access;
  }

  /** One chain of refresh tokens for each recorded chain. */
  async refreshToken(user: UserName, chain = ""): Promise<string> {
    const known = this.#refreshTokens.get(`${user} ${chain}`);
    if (known !== undefined) return known;
    const { refresh } = await this.#signIn(user);
    this.#refreshTokens.set(`${user} ${chain}`, refresh);
    return refresh;
  }

  /** A token that an OAuth client got can't be had by signing in: it stands for the recorded one from then on. */
  learnToken(recorded: string, live: string): void {
    this.#learntTokens.set(recorded, live);
  }

  learntToken(recorded: string): string | undefined {
    return this.#learntTokens.get(recorded);
  }

  userId(user: UserName): string {
    return this.translate(recordedUserIds[user]);
  }

  userOfRecordedId(recordedId: string): UserName {
    const names = Object.keys(recordedUserIds) as UserName[];
    return names.find((name) => recordedUserIds[name] === recordedId) ?? "bob";
  }

  /** Calls the API in preparation of a recording. @returns the data of the envelope */
  async api(user: UserName | "anonymous", method: string, path: string, body?: object): Promise<unknown> {
    const answer = await this.send({
      method,
      path: `/api/v4${path}`,
      headers: {
        ...(user === "anonymous" ? {} : { Authorization: `Bearer ${await this.accessToken(user)}` }),
        ...(body ? { "Content-Type": "application/json" } : {}),
      },
      body: Buffer.from(body ? JSON.stringify(body) : ""),
    });
    const envelope = JSON.parse(answer.body.toString()) as { code: number; msg: string; data?: unknown };
    if (envelope.code !== 0) throw new Error(`${method} ${path}: ${envelope.code} ${envelope.msg}`);
    return envelope.data;
  }

  async put(user: UserName, path: string, content: string | Buffer): Promise<void> {
    const uri = `cloudreve://my${path.split("/").map(encodeURIComponent).join("/")}`;
    const answer = await this.send({
      method: "PUT",
      path: `/api/v4/file/content?uri=${encodeURIComponent(uri)}`,
      headers: { Authorization: `Bearer ${await this.accessToken(user)}` },
      body: Buffer.from(content),
    });
    if (!answer.body.includes('"code":0')) throw new Error(`PUT ${path}: ${answer.body.toString()}`);
  }

  /** The name that the only file in bob's trash has there. */
  async bindTrashed(recorded: string): Promise<void> {
    const token = await this.accessToken("bob");
    const address = `http://127.0.0.1:${this.fake.port}/api/v4/file?uri=${encodeURIComponent("cloudreve://trash")}`;
    const answered = await fetch(address, { headers: { Authorization: `Bearer ${token}` } });
    const { data } = (await answered.json()) as { data: { files: { path: string }[] } };
    this.bind(recorded, data.files[0]?.path.split("/").at(-1) ?? "");
  }

  async bindFile(recordedId: string, user: UserName, path: string): Promise<void> {
    const uri = encodeURIComponent(`cloudreve://my${path.split("/").map(encodeURIComponent).join("/")}`);
    const info = (await this.api(user, "GET", `/file/info?uri=${uri}`)) as { id: string };
    this.bind(recordedId, info.id);
  }

  /** Opens a viewer session that stands for the recorded one whose access token begins so; learns the file id, too. */
  async openSession(tokenStart: string, user: UserName, uri: string): Promise<string> {
    const recorded = this.#recordedSessions.find(({ token }) => token.startsWith(tokenStart));
    if (!recorded) throw new Error(`no recorded session begins with ${tokenStart}`);
    const opened = (await this.api(user, "PUT", "/file/viewerSession", {
      uri,
      viewer_id: writerId,
      preferred_action: "edit",
    })) as { session: { id: string; access_token: string }; wopi_src: string };
    this.bind(recorded.token, opened.session.access_token);
    this.bind(recorded.token.split(".")[0] ?? "", opened.session.id);
    const fileId = /wopi%2F(\w+)/.exec(opened.wopi_src)?.[1] ?? "";
    if (!this.isBound(recorded.fileId)) this.bind(recorded.fileId, fileId);
    return opened.session.access_token;
  }

  /** The live path of native calls through the session whose recorded token begins so. */
  nativePath(tokenStart: string, behindId = ""): string {
    const recorded = this.#recordedSessions.find(({ token }) => token.startsWith(tokenStart));
    const { fileId = "", token = "" } = recorded ?? {};
    return this.translate(`/api/v4/file/wopi/${fileId}${behindId}?access_token=${token}`);
  }

  native(tokenStart: string, override: string, lock: string): Promise<LiveResponse> {
    const headers = { "X-WOPI-Override": override, "X-WOPI-Lock": lock };
    return this.send({ method: "POST", path: this.nativePath(tokenStart), headers, body: Buffer.alloc(0) });
  }

  async share(recordedId: string, user: UserName, wishes: object): Promise<void> {
    const link = String(await this.api(user, "PUT", "/share", wishes));
    this.bind(recordedId, link.split("/s/")[1]?.split("/")[0] ?? "");
  }

  /** Sends exactly these headers; a chunked body if they say so. */
  send(wanted: { method: string; path: string; headers: Record<string, string>; body: Buffer }): Promise<LiveResponse> {
    const isChunked = "Transfer-Encoding" in wanted.headers;
    const hasLength = "Content-Length" in wanted.headers;
    const headers: Record<string, string> = { ...wanted.headers };
    if (!isChunked && !hasLength && wanted.body.length > 0) headers["Content-Length"] = String(wanted.body.length);
    // Header bytes above ASCII travel as they were recorded: UTF-8.
    for (const [name, value] of Object.entries(headers)) headers[name] = Buffer.from(value).toString("latin1");
    return new Promise((resolve, reject) => {
      const { port } = this.fake;
      const outgoing = openRequest(
        { host: "127.0.0.1", port, method: wanted.method, path: wanted.path, headers, agent: false },
        (answer) => {
          collect(answer).then(
            (body) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }),
            reject,
          );
        },
      );
      outgoing.on("error", reject);
      outgoing.end(wanted.body.length > 0 ? wanted.body : undefined);
    });
  }

  async #start(port: number, quotaBytes: Partial<Record<UserName, number>> = {}): Promise<void> {
    this.fake = await openFakeCloudreve({
      dir: this.#dir,
      port,
      viewers: viewers.map((viewer) => ({ ...viewer })),
      now: () => this.nowMs,
      ...(port === 0 ? {} : { siteUrls: [`http://127.0.0.1:${port}`, `http://localhost:${port}`] }),
      accounts: accounts.map((account) => {
        const quota = quotaBytes[account.email.split("@")[0] as UserName];
        return quota === undefined ? account : { ...account, quotaBytes: quota };
      }),
    });
  }

  async #signIn(user: UserName): Promise<{ access: string; refresh: string }> {
    const data = (await this.api("anonymous", "POST", "/session/token", {
      email: `${user}@example.com`,
      password,
    })) as { token: { access_token: string; refresh_token: string } };
    return { access: data.token.access_token, refresh: data.token.refresh_token };
  }
}

async function collect(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function coolViewer(id: string, name: string, exts: string[]): FakeViewer {
  const url = `${editor}/browser/dist/cool.html?`;
  return {
    id,
    type: "wopi",
    display_name: name,
    exts,
    icon: `${editor}/browser/dist/images/x-office-${name}.svg`,
    wopi_actions: Object.fromEntries(exts.map((extension) => [extension, { view: url, edit: url }])),
  };
}
