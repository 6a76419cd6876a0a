import { once } from "node:events";
import { request as httpRequest, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type NextFunction, type Request, type Response } from "express";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { webStatus } from "../../src/http/failureResponse.ts";
import { failureOf } from "../../src/model/failure.ts";
import { fileIdIn, requireOwnOrigin, safeReturn } from "../../src/pages/ownOrigin.ts";
import { randomRuns } from "../support/tier.ts";

describe("a change asked for by a page", () => {
  let server: Server;
  beforeAll(async () => {
    const app = express();
    app.post("/", requireOwnOrigin("https://bridge.example:8443/office"), (_request, response) => {
      response.status(204).end();
    });
    app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
      response.status(failureOf(error, "originForeign") === undefined ? 500 : webStatus("originForeign")).end();
    });
    server = app.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterAll(() => server.close());

  async function statusOf(headers: Record<string, string>): Promise<number | undefined> {
    const { port } = server.address() as AddressInfo;
    const sent = httpRequest({ host: "127.0.0.1", port, method: "POST", headers }).end();
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    answer.resume();
    return answer.statusCode;
  }

  it("is made when the page is ours", async () => {
    expect(await statusOf({ Origin: "https://bridge.example:8443" })).toBe(204);
  });

  it.each([
    ["is hidden", { Origin: "null", "Sec-Fetch-Site": "same-origin" }],
    ["is left out", { "Sec-Fetch-Site": "same-origin" }],
  ])("is made when the origin %s and the browser says that it is the same", async (_name, headers) => {
    expect(await statusOf(headers)).toBe(204);
  });

  it.each([
    ["of another site", { Origin: "https://evil.example" }],
    ["of another port", { Origin: "https://bridge.example" }],
    ["of another scheme", { Origin: "http://bridge.example:8443" }],
    ["of a host that begins like ours", { Origin: "https://bridge.example:8443.evil.example" }],
    ["of another site, whatever else is said", { Origin: "https://evil.example", "Sec-Fetch-Site": "same-origin" }],
    ["of a sibling host", { Origin: "null", "Sec-Fetch-Site": "same-site" }],
    ["of a sandboxed frame", { Origin: "null", "Sec-Fetch-Site": "cross-site" }],
    ["that nobody names", {}],
    ["that is empty", { Origin: "" }],
    ["typed into the address bar", { "Sec-Fetch-Site": "none" }],
    ["with an address instead of an origin", { Origin: "https://bridge.example:8443/office" }],
  ])("is refused from a page %s", async (_name, headers) => {
    expect(await statusOf(headers)).toBe(403);
  });
});

describe("where a sign-in leads back to", () => {
  it.each([
    "/",
    "/?lang=zh-CN",
    "/links",
    "/links/aZ_-09",
    "/links/aZ_-09/change",
    "/links/aZ_-09?changed=1",
    "/share?file_id=aB3x",
    "/open?file_id=aB3x&action=edit",
  ])("is the page that was asked for: %s", (path) => {
    expect(safeReturn(path)).toBe(path);
  });

  it("is that page without what follows the #", () => {
    expect(safeReturn("/share?file_id=x#//evil.example")).toBe("/share?file_id=x");
  });

  it.each([
    ["another host without a scheme", "//evil.example"],
    ["another host behind three slashes", "///evil.example"],
    ["another host behind a backslash", "/\\evil.example"],
    ["another host behind two backslashes", "\\\\evil.example"],
    ["another host behind encoded slashes", "/%2f%2fevil.example"],
    ["another host behind encoded backslashes", "/%5c%5cevil.example"],
    ["another host behind a tab that browsers drop", "/\t/evil.example"],
    ["another host behind a line break that browsers drop", "/\n/evil.example"],
    ["another host behind a dot segment", "/.//evil.example"],
    ["another host behind a way back up", "/share/..//evil.example"],
    ["another host behind an encoded way back up", "/share/%2e%2e//evil.example"],
    ["another host with a page of ours behind it", "//evil.example/share"],
    ["another host with a name before it", "/@evil.example"],
    ["a scheme without slashes", "https:evil.example"],
    ["a script", "javascript:alert(1)"],
    ["an address with scheme and host", "https://evil.example/"],
    ["our own address with scheme and host", "https://bridge.example/links"],
    ["the base that addresses are read against", "http://bridge.invalid/links"],
    ["that base without its scheme", "//bridge.invalid/links"],
    ["a blank before the path", " /links"],
    ["a path that does not begin with a slash", "links"],
    ["a page that does something by being opened", "/signin/oauth"],
    ["the page for signing out", "/signout"],
    ["somebody's editor", "/edit/ticket"],
    ["the portal API", "/api/links"],
    ["a page below a page of ours", "/links/a/b"],
    ["a page that begins like one of ours", "/shared"],
    ["a path that is too long", `/share?file_id=${"x".repeat(2048)}`],
    ["nothing", ""],
    ["none at all", undefined],
    ["two of them", ["/links", "//evil.example"]],
    ["a thing", { path: "/links" }],
  ])("is the start page instead of %s", (_name, path) => {
    expect(safeReturn(path)).toBe("/");
  });

  it("never breaks out of a header", () => {
    expect(safeReturn("/share?x=1\r\nSet-Cookie: a=b")).toMatch(/^\/share\?x=1Set-Cookie:%20a=b$/);
    expect(safeReturn("/share?x=\u0000\u007f报\ud800")).toMatch(/^\/share\?[\x21-\x7e]*$/);
  });

  it("stays on our host, whatever is asked for", () => {
    const piece = fc.constantFrom("/", "\\", "\t", "\n", ".", "..", "%2f", "%5c", "@", ":", "?", "#", "evil.example");
    const page = fc.constantFrom("", "links", "share", "open", "https:", "//");
    const asked = fc.oneof(
      fc.array(fc.oneof(piece, page), { maxLength: 8 }).map((parts) => `/${parts.join("")}`),
      fc.string({ unit: "binary", maxLength: 40 }),
    );
    fc.assert(
      fc.property(asked, (path) => {
        const back = safeReturn(path);
        expect(back).toMatch(/^\/(?!\/)[\x21-\x7e]*$/);
        expect(new URL(`https://bridge.example${back}`).origin).toBe("https://bridge.example");
        expect(new URL(back, "https://bridge.example/signin").origin).toBe("https://bridge.example");
        expect(safeReturn(back)).toBe(back);
      }),
      randomRuns(2000),
    );
  });
});

describe("a file id that somebody asks for", () => {
  it("is taken as it is when it can be one of Cloudreve's", () => {
    expect(fileIdIn("aB3x")).toBe("aB3x");
    expect(fileIdIn("x".repeat(64))).toBe("x".repeat(64));
  });

  it.each(["", "x".repeat(65), "a/b", "../x", "a b", "aB3x\n", "é", "cloudreve://my/x", undefined, ["aB3x"], 7])(
    "is no file otherwise: %j",
    (value) => {
      expect(() => fileIdIn(value)).toThrow("fileMissing");
    },
  );
});
