import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { driveViewers, viewerId } from "./driveFacts.ts";

// Answers the drive's calls from memory, without a disk, a database or a check: it shows what the bridge itself
// costs where the fake drive is slower than the bridge. What is saved is counted and thrown away.
interface StubFile {
  readonly id: string;
  readonly uri: string;
  size: number;
  version: number;
}

const content = Buffer.alloc(128 * 1024 * 1024, "stub");
const files: StubFile[] = [];
const base = "/api/v4/file";
const farMs = Date.parse("2100-01-01T00:00:00Z");

const server = createServer((request, response) => {
  void answer(request, response).catch(() => response.destroy());
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const call = `${request.method} ${url.pathname.replace("/api/v4", "").replace(/^(\/file\/(wopi|content)\/)[^/]+/, "$1:id")}`;
  const named = fileOf(/^\/api\/v4\/file\/(?:wopi|content)\/([^/]+)/.exec(url.pathname)?.[1]);
  if (call.startsWith("GET /file/content/:id")) sendBytes(response, named);
  else if (call === "GET /file/wopi/:id/contents") sendBytes(response, named);
  else if (call === "POST /file/wopi/:id/contents") {
    store(named, await countBytes(request));
    response.writeHead(200, { "X-Wopi-Itemversion": versionOf(named), "Content-Length": "0" }).end();
  } else if (call === "POST /file/wopi/:id") {
    request.resume();
    const lockId = String(request.headers["x-wopi-lock"] ?? "");
    response.writeHead(200, { "X-Wopi-Lock": lockId, "Content-Length": "0" }).end();
  } else if (call === "GET /file/wopi/:id") {
    const { size } = named;
    sendJson(response, {
      BaseFileName: "a.docx",
      Size: size,
      Version: versionOf(named),
      LastModifiedTime: timeOf(named),
    });
  } else if (call === "PUT /file/content") {
    const file = byUri(url.searchParams.get("uri") ?? "");
    store(file, await countBytes(request));
    sendData(response, described(file));
  } else if (call === "GET /file/info") {
    const id = url.searchParams.get("id");
    sendData(response, described(id === null ? byUri(url.searchParams.get("uri") ?? "") : fileOf(id)));
  } else sendData(response, await small(call, request));
}

async function small(call: string, request: IncomingMessage): Promise<unknown> {
  const body = JSON.parse((await readBody(request)) || "{}") as { uri?: string; uris?: string[] };
  switch (call) {
    case "POST /session/token": {
      const ends = new Date(farMs).toISOString();
      const token = { access_token: "stub", refresh_token: "stub", access_expires: ends, refresh_expires: ends };
      return { user: { id: "owner", nickname: "Owner" }, token };
    }
    case "GET /site/config/explorer":
      return { file_viewers: [{ viewers: driveViewers }] };
    case "PUT /file/viewerSession": {
      const src = `${origin()}${base}/wopi/${byUri(body.uri ?? "").id}`;
      return {
        session: { id: viewerId, access_token: "stub", expires: farMs },
        wopi_src: `http://127.0.0.1:9/edit?WOPISrc=${encodeURIComponent(src)}`,
      };
    }
    case "POST /file/url":
      return { urls: [{ url: `${origin()}${base}/content/${byUri(body.uris?.[0] ?? "").id}/0/a.docx?sign=stub` }] };
    default:
      return call;
  }
}

function byUri(uri: string): StubFile {
  const known = files.find((file) => file.uri === uri);
  if (known !== undefined) return known;
  const file: StubFile = { id: `f${files.length}`, uri, size: 0, version: 0 };
  files.push(file);
  return file;
}

function fileOf(id: string | undefined): StubFile {
  return files[Number(id?.slice(1) ?? 0)] ?? { id: "f0", uri: "", size: 0, version: 0 };
}

function store(file: StubFile, sizeBytes: number): void {
  file.size = sizeBytes;
  file.version++;
}

const origin = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const versionOf = (file: StubFile): string => `${file.id}v${file.version}`;
const timeOf = (file: StubFile): string => new Date(Date.UTC(2026, 0, 1) + file.version * 1000).toISOString();

function described(file: StubFile): object {
  const name = decodeURIComponent(file.uri.slice(file.uri.lastIndexOf("/") + 1));
  const { id, size, uri } = file;
  const times = { updated_at: timeOf(file), created_at: timeOf(file) };
  return { type: 0, id, name, ...times, size, path: uri, owned: true, primary_entity: versionOf(file), metadata: {} };
}

function sendBytes(response: ServerResponse, file: StubFile): void {
  response.writeHead(200, { ETag: `"${versionOf(file)}"`, "Content-Length": String(file.size) });
  response.end(content.subarray(0, file.size));
}

function sendData(response: ServerResponse, data: unknown): void {
  sendJson(response, { code: 0, msg: "", data });
}

function sendJson(response: ServerResponse, value: unknown): void {
  const text = Buffer.from(JSON.stringify(value));
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": String(text.length) }).end(text);
}

async function countBytes(request: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) bytes += chunk.length;
  return bytes;
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString("utf8");
  return text;
}

server.listen(0, "127.0.0.1", () => process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`));
process.once("SIGTERM", () => process.exit(0));
