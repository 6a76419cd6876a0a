import { describe, expect, it } from "vitest";
import { parseSuite } from "./cases.ts";
import { ownSuite } from "./ownSuite.ts";
import { groupText, totalText } from "./report.ts";
import type { HttpRequest, WopiSession } from "./requests.ts";
import { type GroupResult, runSuite } from "./run.ts";
import type { Answer } from "./validators.ts";

const session = (name: string): WopiSession => ({
  name,
  wopiSrc: `http://host/wopi/files/${name}`,
  accessToken: name,
  expiresAtMs: 1,
});
const sign = () => ({ "X-WOPI-Proof": "", "X-WOPI-ProofOld": "", "X-WOPI-TimeStamp": "" });

type Host = (request: HttpRequest) => Partial<Omit<Answer, "isText">>;
const jsonAnswer = (value: unknown) => ({ body: Buffer.from(JSON.stringify(value)) });

/** Runs our suite against a host that is a function. @returns results, and what was sent as "METHOD override path" */
async function run(host: Host, ...sessions: readonly string[]) {
  const sent: string[] = [];
  const suite = await parseSuite(ownSuite, "OfficeOnline");
  const results: GroupResult[] = [];
  const send = async (request: HttpRequest) => {
    sent.push(`${request.headers["X-WOPI-Override"] ?? request.method} ${new URL(request.url).pathname}`);
    return { status: 200, headers: {}, body: Buffer.alloc(0), ...host(request) };
  };
  const means = { schemas: new Map(), sign, send, now: () => 0 };
  for await (const group of runSuite(suite, sessions.map(session), means)) results.push(group);
  return { results, sent, text: results.map(groupText).join(""), total: totalText(results) };
}

/** New is whose session's name says so; a version changes with each save. */
function host(): Host {
  let version = 0;
  return ({ url, headers }) => {
    const override = headers["X-WOPI-Override"];
    if (override === "PUT") return { headers: { "x-wopi-itemversion": String(++version) } };
    if (override === "PUT_RELATIVE")
      return jsonAnswer({ Made: [{ Url: "http://host/wopi/files/copy?access_token=c" }] });
    return jsonAnswer({ IsNew: url.includes("new") });
  };
}

describe("a run", () => {
  it("takes the first session that meets a group's prerequisites, and removes what it made", async () => {
    const { sent, total, text } = await run(host(), "old", "new");
    expect(sent).toEqual([
      "GET /wopi/files/old",
      "GET /wopi/files/new",
      "PUT /wopi/files/new/contents",
      "PUT /wopi/files/new/contents",
      "UNLOCK /wopi/files/new",
      "PUT_RELATIVE /wopi/files/new",
      "GET /wopi/files/copy",
      "DELETE /wopi/files/copy",
    ]);
    expect(total).toBe("3 cases: 2 passed, 0 failed, 1 skipped\n");
    expect(text).toBe(
      [
        "Writing (session: new)",
        "  passed   WritesTwice",
        "  passed   SavesACopy",
        "  skipped  Dances",
        "           this engine does not know the request Dance",
        "  2 passed, 0 failed, 1 skipped",
        "",
        "",
      ].join("\n"),
    );
  });

  it("skips a group that no session may run, and says why for each", async () => {
    const { sent, text } = await run(host(), "old", "older");
    expect(sent).toHaveLength(2);
    expect(text).toContain(
      "  old: IsNew: request 1, CheckFileInfo: JsonResponseContentValidator: IsNew: expected true, got False\n  older: IsNew",
    );
    expect(text).toContain("0 passed, 0 failed, 3 skipped");
  });

  it("ends a case at its first wrong answer, shows that, and cleans up all the same", async () => {
    const sameVersion: Host = (request) =>
      request.headers["X-WOPI-Override"] === "PUT"
        ? { headers: { "x-wopi-itemversion": "1", "x-wopi-lock": "B" }, body: Buffer.from("why") }
        : host()(request);
    const { sent, text, total } = await run(sameVersion, "new");
    expect(text).toContain(
      [
        "  failed   WritesTwice",
        '           request 2, PutFile: ResponseHeaderValidator: X-WOPI-ItemVersion must not be "1"',
        "           the answer was 200 x-wopi-lock: B why",
      ].join("\n"),
    );
    expect(sent).toContain("UNLOCK /wopi/files/new");
    expect(total).toContain("1 failed");
  });

  it("fails a case whose request gets no answer", async () => {
    const silent: Host = (request) => {
      if (request.headers["X-WOPI-Override"] === "PUT") throw new Error("connection reset");
      return host()(request);
    };
    expect((await run(silent, "new")).text).toContain("request 1, PutFile: it could not be tried: connection reset");
  });
});
