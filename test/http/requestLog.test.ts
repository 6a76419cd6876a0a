import { once } from "node:events";
import { request as httpRequest, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";
import express, { type Response } from "express";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AnsweredRequest } from "../../src/http/metrics.ts";
import { headersOnward, logFacts, logFailure, logRequests, shortHash } from "../../src/http/requestLog.ts";
import { BridgeError } from "../../src/model/failure.ts";
import { until } from "../support/until.ts";

const ticket = "TICKET-0123456789abcdefg";
const token = "eyJhbGciOiJIUzI1NiJ9.TOKEN.SIGNATURE";
const id = "1B4E28BA-2FA1-11D2-883F-0016D3CCA427";

let lines: string[];
let answered: AnsweredRequest[];
let server: Server;
let handle: (response: Response) => void | Promise<void>;

beforeEach(async () => {
  lines = [];
  answered = [];
  handle = (response) => void response.end();
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(chunk.toString());
      done();
    },
  });
  const app = express();
  app.use(logRequests(pino({ level: "trace" }, sink), (request) => void answered.push(request)));
  app.use("/edit/:ticket", (_request, response) => handle(response));
  app.use((_request, response) => handle(response));
  server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** Sends the target as it stands: an HTTP client of the tests' own would tidy it up. */
async function send(target: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const { port } = server.address() as AddressInfo;
  const sent = httpRequest({ host: "127.0.0.1", port, path: target, headers }).end();
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  answer.resume();
  await once(answer, "end");
  return answer;
}

async function nextLine(): Promise<Record<string, unknown>> {
  await until("the request has its line", () => lines.length > 0);
  return JSON.parse(lines[0] ?? "");
}

describe("a request's line in the log", () => {
  it("tells method, path, outcome and time", async () => {
    handle = (response) => void response.status(404).end();
    await send("/wopi/files/f1");
    const line = await nextLine();
    expect(line).toMatchObject({ level: 30, method: "GET", path: "/wopi/files/f1", status: 404 });
    expect(line["ms"]).toBeGreaterThanOrEqual(0);
    expect(line).not.toHaveProperty("cut");
  });

  it("is one line", async () => {
    await send("/a");
    await send("/b");
    await until("both have their line", () => lines.length >= 2);
    expect(lines).toHaveLength(2);
  });

  it.each([
    ["in the query", `/wopi/files/f1/contents?access_token=${token}&access_token_ttl=1`, "/wopi/files/f1/contents"],
    ["in a second query", `/wopi/files/f1?x=1?access_token=${token}`, "/wopi/files/f1"],
    ["behind a fragment", `/wopi/files/f1#access_token=${token}`, "/wopi/files/f1"],
    ["as a ticket", `/edit/${ticket}`, "/edit/-"],
    ["as a ticket with more behind it", `/edit/${ticket}/renew?x=${ticket}`, "/edit/-/renew"],
    ["as a ticket in another spelling of the route", `/EDIT/${ticket}`, "/EDIT/-"],
    ["as the secret of a link", `/l/${ticket}`, "/l/-"],
    ["in a target with scheme and host", `http://bridge.example/edit/${ticket}?${ticket}`, "/edit/-"],
    ["in a target with an upper-case scheme", `HTTPS://bridge.example:443/Edit/${ticket}`, "/Edit/-"],
  ])("never holds a secret that came %s", async (_name, target, path) => {
    await send(target, { Authorization: `Bearer ${token}`, Cookie: `session=${token}` });
    expect((await nextLine())["path"]).toBe(path);
    expect(lines.join("")).not.toMatch(/TOKEN|TICKET/);
  });

  it("shows nothing of other paths: what stands there may be a secret behind the wrong prefix", async () => {
    await send("/editor/x");
    expect((await nextLine())["path"]).toBe("-");
  });

  it("leaves out of a library's error what it was given", async () => {
    handle = () => {
      throw new SyntaxError(`Unexpected token in "${ticket}-${ticket}" near https://x/l/${ticket}-${ticket}?a=b`);
    };
    await send("/");
    const line = await nextLine();
    expect(line["path"]).toBe("/");
    expect(lines.join("")).not.toContain(ticket);
  });

  it("holds what the handler adds", async () => {
    handle = (response) => {
      logFacts({ grant: "g1", token: shortHash(token) });
      logFacts({ file: "f1" });
      response.end();
    };
    await send("/");
    const line = await nextLine();
    expect(line).toMatchObject({ grant: "g1", file: "f1" });
    expect(line["token"]).toMatch(/^[0-9a-f]{8}$/);
  });

  it("is a warning when the server failed", async () => {
    handle = (response) => void response.status(503).end();
    await send("/");
    expect((await nextLine())["level"]).toBe(40);
  });

  it("says so when the client hung up before the answer was out", async () => {
    let release = () => {};
    handle = (response) => {
      response.write("half");
      release = () => response.destroy();
    };
    const { port } = server.address() as AddressInfo;
    const sent = httpRequest({ host: "127.0.0.1", port, path: "/" }).end();
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    answer.on("error", () => {});
    release();
    expect((await nextLine())["cut"]).toBe(true);
  });
});

describe("a failure in the log", () => {
  it("is told by its kind, with what the drive said and what lay behind it", async () => {
    handle = (response) => {
      const failure = { kind: "driveFailed", code: 50001, said: "Internal error" } as const;
      logFailure(new BridgeError(failure, { cause: new Error("socket hang up") }));
      response.status(500).end();
    };
    await send("/");
    expect(await nextLine()).toMatchObject({ failure: "driveFailed", said: "Internal error", cause: "socket hang up" });
  });

  it("is handed back to whoever answers it", () => {
    expect(logFailure(new BridgeError({ kind: "bodyCut" }))).toEqual({ kind: "bodyCut" });
    expect(logFailure(new TypeError("oops"))).toBeUndefined();
    expect(logFailure("not even an error")).toBeUndefined();
  });

  it("holds no facts of the failure that are the editor's or the drive's secrets", async () => {
    handle = (response) => {
      logFailure(new BridgeError({ kind: "lockMismatch", currentLockId: "LOCK-OF-SOMEBODY" }));
      response.status(409).end();
    };
    await send("/");
    expect(await nextLine()).toMatchObject({ failure: "lockMismatch" });
    expect(lines.join("")).not.toContain("LOCK-OF-SOMEBODY");
  });

  it("comes with its stack and as a warning when nobody expected it, whatever was answered", async () => {
    handle = (response) => {
      logFailure(new TypeError("oops"));
      response.status(200).end();
    };
    await send("/");
    const line = await nextLine();
    expect(line).toMatchObject({ level: 40, failure: "unexpected" });
    expect(line["stack"]).toMatch(/TypeError: oops\n {4}at /);
  });
});

describe("the correlation id", () => {
  it.each(["X-WOPI-CorrelationId", "X-Correlation-Id"])(
    "is the caller's own from %s, and goes back to him",
    async (name) => {
      const answer = await send("/", { [name]: id });
      expect(answer.headers["x-correlation-id"]).toBe(id.toLowerCase());
      expect((await nextLine())["correlationId"]).toBe(id.toLowerCase());
    },
  );

  it("is a new one when the caller has none", async () => {
    const first = (await send("/")).headers["x-correlation-id"];
    const second = (await send("/")).headers["x-correlation-id"];
    expect(first).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(second).not.toBe(first);
  });

  it.each(["secret", `${id}${id}`, `${id} ${token}`, "../../etc/passwd"])(
    "is never a text that is no id: %s",
    async (sent) => {
      const answer = await send("/", { "X-WOPI-CorrelationId": sent });
      expect(answer.headers["x-correlation-id"]).not.toContain(sent);
      await nextLine();
      expect(lines.join("")).not.toContain(sent);
    },
  );

  it("is known to everything that happens for the request, also after a wait, and to nothing else", async () => {
    const seen: (string | undefined)[] = [];
    handle = async (response) => {
      await new Promise(setImmediate);
      seen.push(headersOnward()["X-Cr-Correlation-Id"]);
      response.end();
    };
    const answers = await Promise.all([send("/"), send("/"), send("/")]);
    expect(new Set(seen)).toEqual(new Set(answers.map(({ headers }) => headers["x-correlation-id"])));
    expect(new Set(seen).size).toBe(3);
    expect(headersOnward()).toEqual({});
  });

  it("lets facts be noted outside of a request without harm", () => {
    expect(() => logFacts({ grant: "g1" })).not.toThrow();
  });
});

describe("the short hash of a secret", () => {
  it("names it without telling it", () => {
    expect(shortHash(token)).toMatch(/^[0-9a-f]{8}$/);
    expect(shortHash(token)).toBe(shortHash(token));
    expect(shortHash(token)).not.toBe(shortHash(`${token} `));
  });
});
