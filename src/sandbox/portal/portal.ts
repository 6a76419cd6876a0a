import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import { type DemoDrive, openDemoDrive } from "./demoDrive.ts";

export interface PortalOptions {
  readonly host: string;
  readonly port: number;
  readonly bridgeUrl: string;
  readonly portalKey: string;
  readonly driveUrl: string;
  readonly email: string;
  readonly password: string;
}

export interface Portal {
  readonly port: number;
  close(): Promise<void>;
}

const pageFile = (name: string) => readFileSync(new URL(`./page/${name}`, import.meta.url), "utf8");
const openSchema = z.object({ file_id: z.string(), action: z.enum(["edit", "view"]), name: z.string().trim().max(80) });
const sessionSchema = z.object({ host_page_url: z.string(), file: z.object({ name: z.string() }) });

/**
 * A small page that stands for a company's intranet: lists documents of the drive and opens them in an iframe, through
 * the bridge's portal API and nothing else.
 */
export async function openPortal(options: PortalOptions): Promise<Portal> {
  const drive = await openDemoDrive(options.driveUrl, options.email, options.password);
  const server = createServer((request, response) => {
    answer(options, drive, request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(502, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ message: error instanceof Error ? error.message : "failed" }));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  options: PortalOptions,
  drive: DemoDrive,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  switch (`${request.method} ${request.url?.split("?", 1)[0]}`) {
    case "GET /": {
      const bridge = new URL(options.bridgeUrl).origin;
      response.writeHead(200, {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Content-Security-Policy": `default-src 'self'; script-src 'self' ${bridge}; img-src data:; frame-src ${bridge}; base-uri 'none'; form-action 'none'`,
        "Referrer-Policy": "no-referrer",
      });
      response.end(pageFile("index.html"));
      return;
    }
    case "GET /portal.js":
      response
        .writeHead(200, { "Content-Type": "text/javascript; charset=utf-8" })
        .end(pageFile("portal.js").replaceAll("BRIDGE_URL", options.bridgeUrl));
      return;
    case "GET /portal.css":
      response.writeHead(200, { "Content-Type": "text/css; charset=utf-8" }).end(pageFile("portal.css"));
      return;
    case "GET /documents":
      sendJson(response, 200, await drive.list());
      return;
    case "POST /open":
      await open(options, request, response);
      return;
    default:
      response.writeHead(404).end();
  }
}

/** The portal's server asks for the session: its key never reaches a browser. */
async function open(options: PortalOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const wanted = openSchema.parse(await readJson(request));
  const name = wanted.name || "Guest";
  const answered = await fetch(`${options.bridgeUrl}/api/sessions`, {
    method: "POST",
    headers: { Authorization: `Bearer ${options.portalKey}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      file_id: wanted.file_id,
      action: wanted.action,
      user: { id: name.toLowerCase() || randomBytes(6).toString("hex"), name },
    }),
  });
  const body: unknown = await answered.json();
  if (answered.status === 201) {
    // The browser needs no more of it: the access token in particular stays here.
    sendJson(response, 200, { session: sessionSchema.parse(body) });
    return;
  }
  const problem = z.object({ title: z.string(), detail: z.string().optional() }).parse(body);
  sendJson(response, answered.status, { message: problem.detail ?? problem.title });
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request) {
    text += chunk;
    if (text.length > 10_000) throw new Error("The request is too long.");
  }
  return JSON.parse(text);
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(JSON.stringify(value));
}
