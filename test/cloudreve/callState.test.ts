import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { TextAnswer } from "../../src/cloudreve/client.ts";
import { contractProbes } from "../../src/cloudreve/contract/contractProbes.ts";

type ProbeName = keyof typeof contractProbes;

/** An answer as the tables tell it: with the two headers that a judge looks at. */
interface SeenAnswer {
  readonly status: number;
  readonly text: string;
  readonly serverError?: string | undefined;
  readonly etag?: string | undefined;
}

function judged(probe: ProbeName, { status, text, serverError, etag }: SeenAnswer) {
  const headers: Readonly<Record<string, string | undefined>> = { etag, "x-wopi-servererror": serverError };
  const answer: TextAnswer = { status, text, header: (name) => headers[name] };
  return contractProbes[probe].judge(answer);
}

const recordingSchema = z.object({
  exchanges: z.array(
    z.object({
      request: z.object({ method: z.string(), path: z.string() }),
      response: z.object({ status: z.number(), headers: z.record(z.string(), z.string()), body: z.unknown() }),
    }),
  ),
});

async function recorded(name: string, index: number): Promise<{ asked: string; answer: SeenAnswer }> {
  const text = await readFile(new URL(`../recordings/cloudreve/${name}.json`, import.meta.url), "utf8");
  const exchange = recordingSchema.parse(JSON.parse(text)).exchanges.at(index);
  if (exchange === undefined) throw new Error(`${name} has no exchange ${index}`);
  const { request, response } = exchange;
  const body = typeof response.body === "string" ? response.body : JSON.stringify(response.body);
  return {
    asked: `${request.method} ${request.path.replace(/\?.*$/, "").replace(/^\/api\/v4/, "")}`,
    answer: {
      status: response.status,
      text: body,
      serverError: response.headers["X-Wopi-Servererror"],
      etag: response.headers["Etag"],
    },
  };
}

const json = (value: unknown, status = 200): SeenAnswer => ({ status, text: JSON.stringify(value) });
const folder = {
  type: 1,
  id: "rzCy",
  name: "private name",
  updated_at: "2026-11-21T08:25:26Z",
  size: 0,
  path: "cloudreve://my/private%20name",
  primary_entity: "6OF3",
};

describe("What Cloudreve was recorded to answer keeps the contract", () => {
  const table: [ProbeName, string, string, number][] = [
    ["ping", "GET /site/ping", "site-ping", 0],
    ["list", "GET /file", "file-list", 0],
    ["explorer", "GET /site/config/explorer", "site-config-explorer", 0],
    ["me", "GET /user/me", "user-and-quota", 0],
    ["person", "GET /user/info/3aS4", "user-and-quota", 2],
    ["userInfo", "GET /session/oauth/userinfo", "oauth-userinfo", 2],
    ["userInfo", "GET /session/oauth/userinfo", "oauth-userinfo", 6],
    ["infoOfEntry", "GET /file/info", "file-info", 1],
    ["infoOfEntry", "GET /file/info", "file-info", 4],
    ["infoOfMissing", "GET /file/info", "file-info", 3],
    ["infoOfUnknownId", "GET /file/info", "file-info", 8],
    ["urlOfMissing", "POST /file/url", "url-many", 3],
    ["urlSkipped", "POST /file/url", "url-many", 4],
    ["brokenDownload", "GET /file/content/WDQuE/0/exp.docx", "url-expired", 2],
    ["viewerSession", "PUT /file/viewerSession", "viewer-session-errors", 0],
    ["nativeInfo", "GET /file/wopi/BQDco", "wopi-token", 3],
    ["content", "PUT /file/content", "content-put-missing", 2],
    ["create", "POST /file/create", "file-create", 14],
    ["rename", "POST /file/rename", "rename-and-delete", 3],
    ["upload", "PUT /file/upload", "upload-session-no-policy", 2],
    ["uploadChunk", "POST /file/upload/0d407218-3012-46de-b85f-ce7798e022c4/0", "upload-session-new", 6],
    ["refresh", "POST /session/token/refresh", "session-refresh", 3],
    ["secondFactor", "POST /session/token/2fa", "session-2fa", 6],
  ];
  it.each(table)("%s: %s (%s, %i)", async (probe, asked, name, index) => {
    const exchange = await recorded(name, index);
    expect(exchange.asked).toBe(asked);
    expect(judged(probe, exchange.answer)).toEqual({ state: "unchanged" });
  });

  it("a made-up OAuth code: refused in OAuth's shape", () => {
    const refusal = { error: "Invalid or expired authorization code", error_description: "", error_codes: [40_020] };
    expect(judged("oauthToken", json(refusal, 400))).toEqual({ state: "unchanged" });
  });
});

describe("A changed answer is told by its place", () => {
  const { updated_at, ...renamed } = folder;
  const table: [string, ProbeName, SeenAnswer, string][] = [
    [
      "a renamed field",
      "infoOfEntry",
      json({ code: 0, data: { ...renamed, modified_at: updated_at } }),
      "data.updated_at: expected string, received undefined",
    ],
    [
      "a number that has become a string",
      "infoOfEntry",
      json({ code: 0, data: { ...folder, size: "0" } }),
      "data.size: expected number, received string",
    ],
    [
      "a change deep in a list",
      "list",
      json({ code: 0, data: { files: [{ ...folder, id: 7 }], parent: folder, pagination: {} } }),
      "data.files.0.id: expected string, received number",
    ],
    [
      "a list without its parent",
      "list",
      json({ code: 0, data: { files: [], pagination: {} } }),
      "data.parent: expected object, received undefined",
    ],
    ["another code", "infoOfMissing", json({ code: 40_044, msg: "private" }), "code 40044 in place of 40016"],
    ["a code where data was", "ping", json({ code: 40_001, msg: "" }), "code 40001 in place of data"],
    ["data where a refusal was", "rename", json({ code: 0, data: folder }), "code 0 in place of 40016"],
    ["a page in place of JSON", "me", { status: 200, text: "<!doctype html><title>Sign in" }, "no JSON in the answer"],
    ["JSON without an envelope", "ping", json("4.14.0"), "no envelope in the answer"],
    ["a code as text", "ping", json({ code: "0", data: "4.14.0" }), "no envelope in the answer"],
    ["a route that is gone", "content", { status: 404, text: "404 page" }, "HTTP 404 in place of an envelope"],
    ["a server that fails", "create", { status: 500, text: "" }, "HTTP 500 in place of an envelope"],
    ["a way to another place", "explorer", { status: 302, text: "" }, "HTTP 302 in place of an envelope"],
    ["a native token that passes", "nativeInfo", json({ BaseFileName: "private" }), "HTTP 200 in place of 403"],
    [
      "a native refusal without its reason",
      "nativeContents",
      { status: 403, text: "" },
      "no X-WOPI-ServerError in the refusal",
    ],
    [
      "a dead download that looks like the file",
      "brokenDownload",
      { ...json({ code: 40_071 }), etag: '"bwSN"' },
      "an ETag on what is not the file",
    ],
    [
      "an OAuth error of another shape",
      "oauthToken",
      json({ error: "invalid_grant" }, 400),
      "HTTP 400 without the shape of an OAuth error",
    ],
    ["a user without subject", "userInfo", json({ name: "private" }), "sub: expected string, received undefined"],
  ];
  it.each(table)("%s (%s)", (_what, probe, given, said) => {
    expect(judged(probe, given)).toEqual({ state: "changed", said });
  });
});

describe("An answer that says nothing of the contract is no change", () => {
  const table: [string, ProbeName, SeenAnswer, string][] = [
    ["a proxy whose drive is away", "ping", { status: 502, text: "<html>" }, "Cloudreve is not reached: HTTP 502"],
    ["maintenance", "nativeInfo", { status: 503, text: "" }, "Cloudreve is not reached: HTTP 503"],
    ["too many questions", "oauthToken", { status: 429, text: "" }, "Cloudreve is not reached: HTTP 429"],
    ["a refused token", "list", json({ code: 401 }), "Cloudreve refuses the account's sign-in"],
    ["a refused token, elsewhere", "rename", json({ code: 40_020 }), "Cloudreve refuses the account's sign-in"],
    ["a scope that is missing", "me", json({ code: 40_089 }), "the account's token lacks the scope"],
    [
      "a database that is away",
      "infoOfMissing",
      json({ code: 50_001 }),
      "Cloudreve has a fault of its own, code 50001",
    ],
    ["a file that is gone by now", "infoOfEntry", json({ code: 40_016 }), "the file is gone"],
  ];
  it.each(table)("%s (%s)", (_what, probe, given, said) => {
    expect(judged(probe, given)).toEqual({ state: "unasked", said });
  });
});
