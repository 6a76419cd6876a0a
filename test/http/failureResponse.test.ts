import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { webStatus, writeProblem, writeWopiFailure } from "../../src/http/failureResponse.ts";
import type { Failure } from "../../src/model/failure.ts";

/** One failure of each kind, with the status that an editor and that a portal or person gets to see. */
const table: { readonly [Kind in Failure["kind"]]: [Extract<Failure, { kind: Kind }>, wopi: number, web: number] } = {
  tokenInvalid: [{ kind: "tokenInvalid" }, 401, 401],
  keyInvalid: [{ kind: "keyInvalid" }, 401, 401],
  proofInvalid: [{ kind: "proofInvalid" }, 500, 500],
  ticketInvalid: [{ kind: "ticketInvalid" }, 404, 410],
  portalKeysUnreachable: [{ kind: "portalKeysUnreachable" }, 503, 503],
  linkUnknown: [{ kind: "linkUnknown" }, 404, 404],
  linkEnded: [{ kind: "linkEnded", because: "revoked" }, 404, 410],
  accessNotAsked: [{ kind: "accessNotAsked" }, 404, 404],
  accessAnswered: [{ kind: "accessAnswered", state: "refused" }, 409, 409],
  tooManyAttempts: [{ kind: "tooManyAttempts", retryAfterSeconds: 60 }, 503, 429],
  originForeign: [{ kind: "originForeign" }, 404, 403],
  fileMissing: [{ kind: "fileMissing" }, 404, 404],
  rightMissing: [{ kind: "rightMissing", right: "edit" }, 404, 404],
  headerInvalid: [{ kind: "headerInvalid", header: "X-WOPI-Lock", reason: "missing" }, 400, 400],
  requestInvalid: [{ kind: "requestInvalid", issues: [{ field: "lang", message: "must be a tag" }] }, 400, 422],
  pathUnknown: [{ kind: "pathUnknown", nearest: ["POST /api/sessions"] }, 404, 404],
  methodNotAllowed: [{ kind: "methodNotAllowed", allowed: ["POST", "OPTIONS"] }, 501, 405],
  idempotencyKeyReused: [{ kind: "idempotencyKeyReused" }, 400, 422],
  callUnderWay: [{ kind: "callUnderWay" }, 503, 409],
  noEditor: [{ kind: "noEditor", sentence: "Nothing opens .xyz: an administrator adds a viewer." }, 404, 422],
  notImplemented: [{ kind: "notImplemented", operation: "COBALT" }, 501, 501],
  lockMismatch: [{ kind: "lockMismatch", currentLockId: "theirs" }, 409, 409],
  lockedElsewhere: [{ kind: "lockedElsewhere", holder: "webdav" }, 409, 409],
  changedInStorage: [{ kind: "changedInStorage", currentLockId: "mine" }, 409, 409],
  bodyTooLarge: [{ kind: "bodyTooLarge", limitBytes: 10 }, 413, 422],
  contentInvalid: [{ kind: "contentInvalid", found: "empty" }, 400, 422],
  bodyCut: [{ kind: "bodyCut" }, 400, 400],
  expectedSizeExceeded: [{ kind: "expectedSizeExceeded" }, 412, 412],
  rangeInvalid: [{ kind: "rangeInvalid", sizeBytes: 10 }, 416, 416],
  nameTaken: [{ kind: "nameTaken" }, 409, 409],
  folderNotEmpty: [{ kind: "folderNotEmpty" }, 409, 409],
  nameIllegal: [{ kind: "nameIllegal", reason: "A name holds no slash." }, 400, 422],
  quotaExceeded: [{ kind: "quotaExceeded" }, 413, 507],
  signInNeeded: [{ kind: "signInNeeded" }, 503, 401],
  fileUnproven: [{ kind: "fileUnproven" }, 503, 503],
  driveBusy: [{ kind: "driveBusy" }, 503, 503],
  tooManyCalls: [{ kind: "tooManyCalls", of: "downloads" }, 503, 503],
  driveUnreachable: [{ kind: "driveUnreachable" }, 503, 503],
  driveFailed: [{ kind: "driveFailed", code: 50001, said: "db password wrong" }, 500, 502],
  editorUnreachable: [{ kind: "editorUnreachable", said: "http://e/hosting/discovery could not be read." }, 503, 503],
  storeUnreachable: [{ kind: "storeUnreachable" }, 503, 503],
  rowUnreadable: [{ kind: "rowUnreadable" }, 500, 500],
  spoolFailed: [{ kind: "spoolFailed" }, 500, 500],
  spoolFull: [{ kind: "spoolFull" }, 503, 503],
};
const rows = Object.values(table).map(([what, wopi, web]) => ({ kind: what.kind, what: what as Failure, wopi, web }));

let server: Server;
let failure: Failure = { kind: "tokenInvalid" };
let base = "";

beforeAll(async () => {
  const app = express();
  app.post("/wopi", (_request, response) => writeWopiFailure(response, failure));
  app.post("/api", (_request, response) => writeProblem(response, failure));
  server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function answer(to: "wopi" | "api", what: Failure) {
  failure = what;
  const response = await fetch(`${base}/${to}`, { method: "POST" });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

describe("an editor", () => {
  it.each(rows)("is answered $kind by the right status", async ({ what, wopi }) => {
    expect((await answer("wopi", what)).status).toBe(wopi);
  });

  it("never hears 403, which WOPI does not know, nor 401 for a fault that is not its token's", () => {
    for (const { kind, wopi } of rows) {
      expect(wopi).not.toBe(403);
      if (wopi === 401) expect(["tokenInvalid", "keyInvalid"]).toContain(kind);
    }
  });

  it("gets the id of the lock that stands in its way", async () => {
    const { headers, text } = await answer("wopi", { kind: "lockMismatch", currentLockId: '{"S":"x y"}' });
    expect(headers.get("X-WOPI-Lock")).toBe('{"S":"x y"}');
    expect(headers.get("X-WOPI-LockFailureReason")).toMatch(/^[\x20-\x7e]+$/);
    expect(headers.get("X-WOPI-LockedByOtherInterface")).toBeNull();
    expect(text).toBe("");
  });

  it("gets an empty lock, not none, when the file is not locked", async () => {
    const { headers } = await answer("wopi", { kind: "lockMismatch", currentLockId: "" });
    expect(headers.get("X-WOPI-Lock")).toBe("");
    expect(headers.get("X-WOPI-LockFailureReason")).toBe("The file is not locked");
  });

  it.each([
    ["editor", /own editor/],
    ["upload", /uploaded/],
    ["webdav", /WebDAV/],
    ["other", /locked in Cloudreve/],
  ] as const)("hears that the file is held by something else in the drive: %s", async (holder, reason) => {
    const { headers } = await answer("wopi", { kind: "lockedElsewhere", holder });
    expect(headers.get("X-WOPI-Lock")).toBe("");
    expect(headers.get("X-WOPI-LockedByOtherInterface")).toBe("true");
    expect(headers.get("X-WOPI-LockFailureReason")).toMatch(reason);
    expect(headers.get("X-WOPI-LockFailureReason")).toMatch(/^[\x20-\x7e]+$/);
  });

  it("hears of a change in storage in both of Collabora's spellings, with the lock that stands", async () => {
    const { headers, text } = await answer("wopi", { kind: "changedInStorage", currentLockId: "mine" });
    expect(JSON.parse(text)).toEqual({ COOLStatusCode: 1010, LOOLStatusCode: 1010 });
    expect(headers.get("Content-Type")).toMatch(/^application\/json/);
    expect(headers.get("X-WOPI-Lock")).toBe("mine");
    expect((await answer("wopi", { kind: "changedInStorage" })).headers.get("X-WOPI-Lock")).toBe("");
  });

  it("hears 1010 for a change in storage only", async () => {
    for (const { what } of rows) {
      if (what.kind === "changedInStorage") continue;
      const { text } = await answer("wopi", what);
      if (what.kind === "tooManyCalls" || what.kind === "contentInvalid") expect(text).not.toContain("1010");
      else expect(text).toBe("");
    }
  });

  it("hears why it may open no more, in words that Collabora shows, and when to ask again", async () => {
    const { headers, text } = await answer("wopi", { kind: "tooManyCalls", of: "uploads" });
    expect(headers.get("Retry-After")).toBe("10");
    expect(headers.get("X-WOPI-Lock")).toBeNull();
    expect(text).toBe("Too many uploads are open at once for this session.\n");
  });

  it("gets a lock header with each 409 and with nothing else", async () => {
    const conflicts = ["lockMismatch", "lockedElsewhere", "changedInStorage", "nameTaken", "folderNotEmpty"];
    for (const { what } of rows) {
      expect((await answer("wopi", what)).headers.has("X-WOPI-Lock")).toBe(conflicts.includes(what.kind));
    }
  });

  it("hears how large the file is when its range is not in it", async () => {
    const { headers } = await answer("wopi", { kind: "rangeInvalid", sizeBytes: 10 });
    expect(headers.get("Content-Range")).toBe("bytes */10");
  });
});

describe("a portal", () => {
  it.each(rows)("is answered $kind by the right status and a problem that names it", async ({ what, web }) => {
    const { status, headers, text } = await answer("api", what);
    expect(status).toBe(web);
    expect(webStatus(what.kind)).toBe(web);
    expect(headers.get("Content-Type")).toMatch(/^application\/problem\+json/);
    const problem = JSON.parse(text);
    expect(problem).toMatchObject({ type: "about:blank", status: web, code: what.kind });
    expect(problem.title).toMatch(/^[A-Z].+\.$/);
    expect(problem.detail ?? "A text").toMatch(/\S/);
  });

  it("hears which fields are wrong, each by itself and together in one line", async () => {
    const issues = [
      { field: "lang", message: "must be a tag" },
      { field: "user.name", message: "is missing" },
    ];
    const { text } = await answer("api", { kind: "requestInvalid", issues });
    expect(JSON.parse(text)).toMatchObject({
      errors: issues,
      detail: "lang: must be a tag; user.name: is missing",
    });
  });

  it.each([
    ["the sentence an administrator needs", table.noEditor[0], "Nothing opens .xyz: an administrator adds a viewer."],
    ["what is wrong with a name", table.nameIllegal[0], "A name holds no slash."],
    ["who holds the file", table.lockedElsewhere[0], "The document is open in a WebDAV client."],
    ["which editor is away", table.editorUnreachable[0], "http://e/hosting/discovery could not be read."],
  ])("hears %s", async (_name, what, detail) => {
    expect(JSON.parse((await answer("api", what)).text).detail).toBe(detail);
  });

  it("never hears what the drive said of itself, nor a lock id", async () => {
    for (const { what } of rows) {
      const { text } = await answer("api", what);
      expect(text).not.toMatch(/db password|theirs|mine|50001/);
    }
  });

  it("is asked for its key with a 401, and only then", async () => {
    for (const { what, web } of rows) {
      const { headers } = await answer("api", what);
      expect(headers.get("WWW-Authenticate")).toBe(web === 401 ? "Bearer" : null);
    }
  });
});
