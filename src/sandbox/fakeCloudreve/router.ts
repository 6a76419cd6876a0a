import type { IncomingMessage, ServerResponse } from "node:http";
import { type Call, chooseCorrelationId, errorEnvelope, type Route, requireAdmin, sendJson } from "./call.ts";
import { DriveError } from "./driveError.ts";
import type { FakeDrive } from "./fakeDrive.ts";
import { callerOf } from "./issuedTokens.ts";
import { neededScopes, requireScopes } from "./oauthScopes.ts";
import { readOrCutOff, readToEnd } from "./unreadBody.ts";

/** Finds the route of a request, runs it, and turns what it throws into an envelope. */
export class Router {
  readonly #drive: FakeDrive;
  readonly #running = new Set<Promise<unknown>>();
  readonly #routes: readonly { route: Route; segments: readonly string[] }[];

  constructor(drive: FakeDrive, routes: readonly Route[]) {
    this.#drive = drive;
    this.#routes = routes.map((route) => ({ route, segments: route.path.split("/") }));
  }

  /** Answers a request; never rejects. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    const run: Promise<unknown> = this.#answer(request, response)
      .catch(() => response.destroy())
      .finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** Resolves when no route is running any more. */
  async settle(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = "", ...query] = (request.url ?? "/").split("?");
    const found = this.#find(request.method ?? "GET", path.split("/"));
    if (!found) return await answerWithoutRoute(request, response, path);
    const call: Call = {
      drive: this.#drive,
      request,
      response,
      query: new URLSearchParams(query.join("?")),
      params: found.params,
      correlationId: chooseCorrelationId(request),
      caller: undefined,
      scopes: undefined,
    };
    try {
      // A refresh token in the place of an access token is refused before anything else, even Cache-Control.
      if (found.route.isNativeWopi !== true && found.route.isPage !== true) {
        Object.assign(call, callerOf(call));
        response.setHeader("Cache-Control", "private, no-cache");
        // Whoever is no administrator learns no scope.
        if (found.route.path.startsWith("/api/v4/admin/")) requireAdmin(call);
        requireScopes(call, neededScopes(found.route));
      }
      await found.route.run(call);
    } catch (error) {
      if (found.route.isNativeWopi) await readOrCutOff(request, response);
      else await readToEnd(request);
      answerError(call, error);
    }
  }

  #find(method: string, path: readonly string[]): { route: Route; params: Map<string, string> } | undefined {
    for (const { route, segments } of this.#routes) {
      if (route.method !== method || segments.length !== path.length) continue;
      const params = matchSegments(segments, path);
      if (params) return { route, params };
    }
    return undefined;
  }
}

function matchSegments(segments: readonly string[], path: readonly string[]): Map<string, string> | undefined {
  const params = new Map<string, string>();
  for (const [index, segment] of segments.entries()) {
    const given = path[index] ?? "";
    if (!segment.startsWith(":")) {
      if (segment !== given) return undefined;
    } else {
      if (given === "") return undefined;
      params.set(segment.slice(1), given);
    }
  }
  return params;
}

function answerError(call: Call, error: unknown): void {
  const { response } = call;
  if (response.headersSent) {
    response.destroy();
  } else if (error instanceof DriveError) {
    sendJson(call, 200, errorEnvelope(call, error));
  } else if (call.request.destroyed && !call.request.complete) {
    response.destroy();
  } else {
    // A panic there: HTTP 500 and nothing else.
    response.writeHead(500, { "Content-Length": "0" }).end();
  }
}

// Pages of the web UI answer any path that is not of the API.
async function answerWithoutRoute(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
  await readOrCutOff(request, response);
  if (path.startsWith("/api/") || request.method !== "GET") {
    response.writeHead(404, { "Content-Type": "text/plain", "Content-Length": "18" }).end("404 page not found");
    return;
  }
  const page = "<html><head></head><body></body></html>";
  response.writeHead(200, {
    "Cache-Control": "public, no-cache",
    "Content-Type": "text/html",
    "Content-Length": page.length,
  });
  response.end(page);
}
