import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface HostCall {
  /** The operation: CheckFileInfo, GetFile, PUT, or what X-WOPI-Override says. */
  operation: string;
  fileId: string;
  /** The request target as it was on the wire. */
  target: string;
  token: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface HostReply {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

interface HostedFile {
  name: string;
  content: Buffer;
  lastModifiedTime: string;
  /** CheckFileInfo's Version; absent when the host names none. */
  version?: string;
}

/** A WOPI host on a real socket that remembers every call and answers as a test tells it. */
export interface DemoHost {
  origin: string;
  calls: HostCall[];
  files: Map<string, HostedFile>;
  /** Properties of CheckFileInfo for one token, on top of the usual ones. */
  people: Map<string, Record<string, unknown>>;
  /** Decides before the host's own answer; undefined leaves it to that. */
  rule: (call: HostCall) => HostReply | undefined | Promise<HostReply>;
  wopiSrc(fileId: string): string;
  operations(): string[];
  last(operation: string): HostCall;
  page(path: string, html: string): string;
  close(): Promise<void>;
}

export async function openDemoHost(): Promise<DemoHost> {
  const calls: HostCall[] = [];
  const files = new Map<string, HostedFile>();
  const people = new Map<string, Record<string, unknown>>();
  const pages = new Map<string, string>();
  let changes = 0;
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const target = request.url ?? "/";
    const url = new URL(target, origin);
    const html = pages.get(url.pathname);
    if (html !== undefined) {
      response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end(html);
      return;
    }
    const override = request.headers["x-wopi-override"];
    const contents = url.pathname.endsWith("/contents");
    const call: HostCall = {
      operation: typeof override === "string" ? override : contents ? "GetFile" : "CheckFileInfo",
      fileId: url.pathname.split("/")[3] ?? "",
      target,
      token: url.searchParams.get("access_token") ?? "",
      query: url.searchParams,
      headers: request.headers,
      body: Buffer.concat(chunks),
    };
    calls.push(call);
    const { status, body, headers } = (await host.rule(call)) ?? usual(call);
    const bytes = Buffer.isBuffer(body) || typeof body === "string" ? body : JSON.stringify(body ?? {});
    response.writeHead(status, { "Content-Length": Buffer.byteLength(bytes), ...headers }).end(bytes);
  }

  function usual(call: HostCall): HostReply {
    const file = files.get(call.fileId);
    if (file === undefined) return { status: 404 };
    switch (call.operation) {
      case "CheckFileInfo":
        return {
          status: 200,
          body: {
            BaseFileName: file.name,
            OwnerId: "owner",
            Size: file.content.length,
            UserId: `id-of-${call.token}`,
            UserFriendlyName: call.token,
            UserCanWrite: true,
            SupportsLocks: true,
            SupportsUpdate: true,
            SupportsRename: true,
            UserCanRename: true,
            UserCanNotWriteRelative: false,
            LastModifiedTime: file.lastModifiedTime,
            Version: file.version,
            PostMessageOrigin: origin,
            ...people.get(call.token),
          },
        };
      case "GetFile":
        return { status: 200, body: file.content };
      case "PUT":
        changes += 1;
        file.content = call.body;
        file.lastModifiedTime = `2026-11-21T08:00:${String(changes).padStart(2, "0")}.1234567Z`;
        return { status: 200, body: { LastModifiedTime: file.lastModifiedTime } };
      case "RENAME_FILE":
        return { status: 200, body: { Name: "renamed", LastModifiedTime: file.lastModifiedTime } };
      case "PUT_RELATIVE": {
        files.set("copy", { name: "copy.txt", content: call.body, lastModifiedTime: "2026-11-21T07:00:00Z" });
        const url = `${host.wopiSrc("copy")}?access_token=token-of-copy`;
        return {
          status: 200,
          body: {
            Name: "copy.txt",
            Url: url,
            HostEditUrl: `${origin}/edit/copy`,
            LastModifiedTime: file.lastModifiedTime,
          },
        };
      }
      default:
        return { status: 200, body: "" };
    }
  }

  const host: DemoHost = {
    origin,
    calls,
    files,
    people,
    rule: () => undefined,
    wopiSrc: (fileId) => `${origin}/wopi/files/${fileId}`,
    operations: () => calls.map((call) => call.operation),
    last: (operation) => {
      const found = calls.findLast((call) => call.operation === operation);
      if (found === undefined) throw new Error(`no ${operation} among ${calls.map((call) => call.operation).join()}`);
      return found;
    },
    page: (path, html) => {
      pages.set(path, html);
      return `${origin}${path}`;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return host;
}
