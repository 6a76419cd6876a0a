import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import { capabilities } from "./discoveryDocument.ts";
import { editorPage, pageHeaders, refusalPage } from "./editorPage.ts";
import type { EditorView } from "./editorView.ts";
import { pageCommandSchema, type ServerMessage } from "./messages.ts";
import type { OpenDocuments } from "./openDocuments.ts";

export interface EditorServerOptions {
  documents: OpenDocuments;
  discovery: () => string;
  /** Whether the editor's server reaches an address, in Collabora's words. */
  checkAccess: (address: string) => Promise<string>;
}

const formLimitBytes = 256 * 1024;
const commandLimitBytes = 32 * 1024 * 1024;
const keepAliveMs = 15_000;
const hangUpMs = 1000;
const accessCheckSchema = z.object({ callbackUrl: z.string() });

const assets: Record<string, string> = {
  "page.js": "text/javascript; charset=utf-8",
  "connection.js": "text/javascript; charset=utf-8",
  "hostMessages.js": "text/javascript; charset=utf-8",
  "pageParts.js": "text/javascript; charset=utf-8",
  "localText.js": "text/javascript; charset=utf-8",
  "textOperation.js": "text/javascript; charset=utf-8",
  "page.css": "text/css; charset=utf-8",
  "icon.svg": "image/svg+xml",
};

// What only concerns the page; everything else in the frame's address goes on to the host.
const pageParameters = new Set(["wopisrc", "lang", "closebutton", "revisionhistory", "title", "theme", "ui_defaults"]);

/** The editor's HTTP side: discovery for hosts, the page for browsers, events and commands for the page. */
export class EditorServer {
  readonly #options: EditorServerOptions;
  readonly #server: Server;
  readonly #listeners = new Set<ServerResponse>();

  constructor(options: EditorServerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      answer(request, response, this.#options, this.#listeners).catch(() => {
        if (response.headersSent) response.destroy();
        else reply(response, 500, "text/plain", "internal error");
      });
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
  const [, first = "", second = "", third = "", fourth] = url.pathname.split("/");
  const route = `${request.method} /${first}/${second}`;
  if (fourth !== undefined) reply(response, 404, "text/plain", "not found");
  else if (route === "GET /hosting/discovery") reply(response, 200, "text/xml; charset=utf-8", options.discovery());
  else if (route === "GET /hosting/capabilities")
    reply(response, 200, "application/json", JSON.stringify(capabilities));
  else if (route === "POST /hosting/wopiAccessCheck") await checkAccess(request, response, options);
  else if (route === "GET /editor/assets") await sendAsset(response, third);
  else if (route === "POST /editor/edit" || route === "POST /editor/view")
    await openPage(request, response, url, second === "view", options.documents);
  else if (second === "edit" || second === "view")
    reply(response, 405, "text/plain", "post access_token and access_token_ttl here");
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

async function openPage(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  viewAction: boolean,
  documents: OpenDocuments,
): Promise<void> {
  const body = await readBody(request, formLimitBytes);
  if (body === undefined) return reply(response, 413, "text/plain", "too large");
  const form = new URLSearchParams(body.toString("utf8"));
  const parameters = [...url.searchParams];
  const parameter = (wanted: string): string =>
    parameters.find(([name]) => name.toLowerCase() === wanted.toLowerCase())?.[1] ?? "";
  const accessToken = form.get("access_token") ?? "";
  const refuse = (status: number, reason: string): void => {
    response.writeHead(status, pageHeaders).end(refusalPage(reason));
  };
  if (accessToken === "") return refuse(400, "The host sent no access token.");
  const caller = {
    wopiSrc: parameter("WOPISrc"),
    accessToken,
    accessTokenTtl: form.get("access_token_ttl") ?? "",
    frameParameters: parameters.filter(([name]) => !pageParameters.has(name.toLowerCase())),
  };
  const permission = parameter("permission");
  const view = documents.addView(caller, viewAction || permission === "view" || permission === "readonly");
  if (view === undefined) return refuse(403, "Unauthorized WOPI host.");
  response
    .writeHead(200, pageHeaders)
    .end(editorPage({ viewId: view.id, closeButton: parameter("closebutton") === "1" }));
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

/** @returns undefined when the body is larger than allowed */
async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= limitBytes) chunks.push(chunk);
  }
  return length > limitBytes ? undefined : Buffer.concat(chunks);
}

/** @returns undefined for what is no JSON */
function jsonOf(body: Buffer | undefined): unknown {
  try {
    return JSON.parse(body?.toString("utf8") ?? "");
  } catch {
    return undefined;
  }
}

function reply(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  response
    .writeHead(status, {
      "Content-Type": type,
      "Content-Length": Buffer.byteLength(body),
      "Cache-Control": "no-cache",
      "X-Content-Type-Options": "nosniff",
    })
    .end(body);
}
