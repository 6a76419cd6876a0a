import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import type { PageAddress } from "./addresses.ts";
import { openPage } from "./editorPageRoute.ts";
import type { EditorView } from "./editorView.ts";
import type { Guise } from "./guises.ts";
import { formLimitBytes, jsonOf, readBody, reply } from "./httpBodies.ts";
import { pageCommandSchema, type ServerMessage } from "./messages.ts";
import type { OpenDocuments } from "./openDocuments.ts";
import type { PageConfig } from "./pageConfig.ts";
import { acceptWebSocket } from "./webSocket.ts";

export interface EditorServerOptions {
  documents: OpenDocuments;
  guise: Guise;
  discovery: () => string;
  capabilities: () => object;
  /** @returns undefined for a path that is none of the editor's pages */
  pageAddress: (path: string) => PageAddress | undefined;
  /** Whether the editor's server reaches an address, in Collabora's words. */
  checkAccess: (address: string) => Promise<string>;
  /** Takes what a WebSocket says and answers it. */
  load: (text: string) => Promise<readonly string[]>;
  /** Hears the configuration of each page that is sent. */
  onPageConfig: (config: PageConfig) => void;
}

const commandLimitBytes = 32 * 1024 * 1024;
const keepAliveMs = 15_000;
const hangUpMs = 1000;
const accessCheckSchema = z.object({ callbackUrl: z.string() });

const scripts = [
  ...["page", "pageParts", "connection", "hostMessages", "localText", "textOperation", "surfaces"],
  ...[
    "textSurface",
    "documentSurface",
    "documentMarkup",
    "comments",
    "sheetSurface",
    "sheetEntries",
    "formula",
    "cellText",
  ],
];
const assets: Record<string, string> = {
  ...Object.fromEntries(scripts.map((name) => [`${name}.js`, "text/javascript; charset=utf-8"])),
  "page.css": "text/css; charset=utf-8",
  "office.css": "text/css; charset=utf-8",
  "icon.svg": "image/svg+xml",
};

/** The editor's HTTP side: discovery for hosts, the page for browsers, events and commands for the page. */
export class EditorServer {
  readonly #options: EditorServerOptions;
  readonly #server: Server;
  readonly #listeners = new Set<ServerResponse>();
  readonly #sockets = new Set<Duplex>();

  constructor(options: EditorServerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      answer(request, response, this.#options, this.#listeners).catch(() => {
        if (response.headersSent) response.destroy();
        else reply(response, 500, "text/plain", "internal error");
      });
    });
    this.#server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
      // Frees the socket when the server is closed: Node forgets it once it is upgraded.
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      if (options.guise.loadsBySocket) acceptWebSocket(request, socket, options.load);
      else socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
    });
  }

  /** @returns the port it listens on */
  async listen(port: number, host: string): Promise<number> {
    this.#server.listen(port, host);
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  /** Lets every page hear what was said to it last; one that no longer reads is not waited for. */
  async hangUp(): Promise<void> {
    const heard = [...this.#listeners].map((response) => once(response, "close"));
    for (const response of this.#listeners) response.end();
    await Promise.race([Promise.all(heard), setTimeout(hangUpMs, undefined, { ref: false })]);
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: EditorServerOptions,
  listeners: Set<ServerResponse>,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://editor");
  const page = options.pageAddress(url.pathname);
  if (page !== undefined) {
    if (request.method === "POST") await openPage(request, response, url, page, options);
    else reply(response, 405, "text/plain", "post access_token and access_token_ttl here");
    return;
  }
  const [, first = "", second = "", third = "", fourth] = url.pathname.split("/");
  const route = `${request.method} /${first}/${second}`;
  if (fourth !== undefined) reply(response, 404, "text/plain", "not found");
  else if (route === "GET /hosting/discovery") reply(response, 200, "text/xml; charset=utf-8", options.discovery());
  else if (route === "GET /hosting/capabilities")
    reply(response, 200, "application/json", JSON.stringify(options.capabilities()));
  else if (route === "POST /hosting/wopiAccessCheck") await checkAccess(request, response, options);
  else if (route === "GET /editor/assets") await sendAsset(response, third);
  else if (route === "GET /editor/events") sendEvents(response, options.documents, third, listeners);
  else if (route === "POST /editor/commands") await takeCommand(request, response, options.documents, third);
  else reply(response, 404, "text/plain", "not found");
}

async function checkAccess(
  request: IncomingMessage,
  response: ServerResponse,
  options: EditorServerOptions,
): Promise<void> {
  const wanted = accessCheckSchema.safeParse(jsonOf(await readBody(request, formLimitBytes)));
  if (!wanted.success) return reply(response, 400, "text/plain", "no callbackUrl");
  const status = await options.checkAccess(wanted.data.callbackUrl);
  reply(response, 200, "application/json", JSON.stringify({ status }));
}

async function sendAsset(response: ServerResponse, name: string): Promise<void> {
  const type = Object.hasOwn(assets, name) ? assets[name] : undefined;
  if (type === undefined) return reply(response, 404, "text/plain", "not found");
  reply(response, 200, type, await readFile(new URL(`./browser/${name}`, import.meta.url)));
}

function sendEvents(
  response: ServerResponse,
  documents: OpenDocuments,
  viewId: string,
  listeners: Set<ServerResponse>,
): void {
  const view = documents.view(viewId);
  const send = (message: ServerMessage): void => {
    response.write(`data: ${JSON.stringify(message)}\n\n`);
  };
  response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store" });
  response.write("retry: 1000\n\n");
  if (view === undefined) {
    send({ type: "closed", reason: "forgotten" });
    response.end();
    return;
  }
  const keepAlive = setInterval(() => response.write(":\n\n"), keepAliveMs);
  listeners.add(response);
  response.once("close", () => {
    listeners.delete(response);
    clearInterval(keepAlive);
    documents.drop(view, send);
  });
  documents.arrive(view, send).catch(() => response.destroy());
}

async function takeCommand(
  request: IncomingMessage,
  response: ServerResponse,
  documents: OpenDocuments,
  viewId: string,
): Promise<void> {
  const view: EditorView | undefined = documents.view(viewId);
  if (view === undefined) return reply(response, 404, "text/plain", "no such view");
  const body = await readBody(request, commandLimitBytes);
  if (body === undefined) return reply(response, 413, "text/plain", "too large");
  const given = jsonOf(body);
  if (given === undefined) return reply(response, 400, "text/plain", "not JSON");
  const wanted = pageCommandSchema.safeParse(given);
  if (!wanted.success) return reply(response, 400, "text/plain", "no such command");
  const outcome = await documents.obey(view, wanted.data);
  reply(response, 200, "application/json", JSON.stringify({ outcome: outcome ?? null }));
}
