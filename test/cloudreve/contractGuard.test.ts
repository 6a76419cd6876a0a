import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { CloudreveClient } from "../../src/cloudreve/client.ts";
import { ContractGuard, type ContractReport } from "../../src/cloudreve/contract/contractGuard.ts";
import { Credentials, type DriveLogin } from "../../src/cloudreve/credential.ts";
import { createEncryption } from "../../src/cloudreve/encryption.ts";
import { FileMutex } from "../../src/model/fileMutex.ts";
import { type FakeCloudreve, openFakeCloudreve } from "../../src/sandbox/fakeCloudreve/fakeCloudreve.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { type DriveAccountClient, driveAccount } from "../support/driveAccount.ts";
import { type DriveProxy, driveProxy } from "../support/driveProxy.ts";
import { answer } from "./signInStage.ts";

describe("The guard at a drive", () => {
  const alice = { email: "alice@example.com", password: "alice-password", nickname: "Alice" };
  const bob = { email: "bob@example.com", password: "bob-password", nickname: "Bob" };
  const oauthClient = { clientId: "5f1d8c9e-6a53-4f0b-9f0e-3f6a2f6c7a10", clientSecret: "application-secret" };
  let dir: string;
  let fake: FakeCloudreve;
  let proxy: DriveProxy;
  let outside: DriveAccountClient;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "contract-guard-"));
    const redirectUris = ["https://office.example.com/oauth/callback"];
    fake = await openFakeCloudreve({
      dir,
      port: 0,
      accounts: [alice, bob],
      viewers: [
        {
          id: "an-editor",
          type: "wopi",
          display_name: "Editor",
          exts: ["docx"],
          wopi_actions: { docx: { view: "http://127.0.0.1:9/view?", edit: "http://127.0.0.1:9/edit?" } },
        },
      ],
      oauthClients: [{ ...oauthClient, name: "Office", redirectUris, scopes: ["openid"] }],
    });
    proxy = await driveProxy(fake.url);
    outside = await driveAccount(fake.url, alice.email, alice.password);
    await outside.put("letter.docx", "Dear all");
  });
  afterEach(() => {
    proxy.intercept = undefined;
  });
  afterAll(async () => {
    await proxy.close();
    await fake.close();
    await rm(dir, { recursive: true, force: true });
  });

  function guardAt(url: string, login: DriveLogin | undefined = alice, checkMs = 10_000): ContractGuard {
    const client = new CloudreveClient(url, () => ({}));
    const store = openMemoryStore(Date.now);
    const encryption = createEncryption([randomBytes(32)]);
    const credentials = new Credentials({ store, encryption, client, mutex: new FileMutex(), now: Date.now, login });
    const account = async () => (await credentials.account(undefined)).account;
    return new ContractGuard({ client, credentials, account, oauthClient, checkMs });
  }

  /** Changes the answers to calls whose path begins so. */
  function changing(path: string, body: unknown, status = 200): void {
    proxy.intercept = (request, response) => {
      const isMeant = (request.url ?? "").replace(/\?.*$/, "") === `/api/v4${path}`;
      return isMeant ? answer(response, body, status) : false;
    };
  }

  const notKept = (report: ContractReport) => report.filter(({ state }) => state !== "unchanged");
  const stateOf = (report: ContractReport, call: string) => report.find((one) => one.call === call)?.state;

  it.each([
    ["with files", alice],
    ["without any file", bob],
  ])("finds every call kept in the name of an account %s", async (_which, login) => {
    const report = await guardAt(proxy.url, login).check();
    expect(notKept(report)).toEqual([]);
    expect(new Set(report.map(({ call }) => call)).size).toBe(report.length);
  });

  it("names a call of which one answer of several has changed", async () => {
    proxy.intercept = (request, response) =>
      (request.url ?? "").startsWith("/api/v4/file/info?uri") ? answer(response, { code: 40_044, msg: "" }) : false;
    const said = "code 40044 in place of 40016";
    expect(notKept(await guardAt(proxy.url).check())).toEqual([{ call: "GET /file/info", state: "changed", said }]);
  });

  it("leaves the account's files, its space and its trash as they were", async () => {
    const look = async () => ({
      files: (await outside.call("GET", `/file?uri=${encodeURIComponent("cloudreve://my")}&page_size=100`)).data,
      trash: (await outside.call("GET", `/file?uri=${encodeURIComponent("cloudreve://trash")}&page_size=100`)).data,
      space: (await outside.call("GET", "/user/capacity")).data,
      text: await outside.read("letter.docx"),
    });
    const hintless = (seen: unknown) => JSON.stringify(seen).replace(/"context_hint":"[^"]*"/g, "");
    const before = await look();
    await guardAt(proxy.url).check();
    expect(hintless(await look())).toBe(hintless(before));
  });

  it("asks nothing that removes, and nothing of a file but what it is", async () => {
    proxy.seen.length = 0;
    await guardAt(proxy.url).check();
    expect(proxy.seen.filter(({ method }) => !["GET", "POST", "PUT"].includes(method))).toEqual([]);
    expect(proxy.seen.filter(({ path }) => path.includes("letter"))).toEqual([]);
  });

  it("names the one call whose answer has changed", async () => {
    changing("/user/me", { code: 0, data: { id: "3Rcm", nick: "Alice" } });
    const said = "data.nickname: expected string, received undefined";
    expect(notKept(await guardAt(proxy.url).check())).toEqual([{ call: "GET /user/me", state: "changed", said }]);
  });

  it("names every call of a server that answers all of them with a page", async () => {
    proxy.intercept = (_request, response) => {
      response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html>");
      return true;
    };
    const report = await guardAt(proxy.url).check();
    expect(stateOf(report, "GET /site/ping")).toBe("changed");
    expect(stateOf(report, "POST /session/token")).toBe("changed");
    expect(report.filter(({ state }) => state === "unchanged")).toEqual([]);
  });

  it("tells a sign-in that answers in another shape", async () => {
    changing("/session/token", { code: 0, data: { user: { id: "3Rcm", nickname: "Alice" }, tokens: {} } });
    const report = await guardAt(proxy.url).check();
    const said = "unexpected answer at: token";
    expect(report).toContainEqual({ call: "POST /session/token", state: "changed", said });
    expect(stateOf(report, "PUT /file/viewerSession")).toBe("unasked");
  });

  it("asks what needs no account where the sign-in is refused", async () => {
    const report = await guardAt(proxy.url, { ...alice, password: "another-password" }).check();
    expect(report.filter(({ state }) => state === "changed")).toEqual([]);
    expect(stateOf(report, "POST /session/token")).toBe("unasked");
    expect(report).toContainEqual({
      call: "PUT /file/content",
      state: "unasked",
      said: "Cloudreve refuses the account's sign-in",
    });
    expect(stateOf(report, "GET /site/config/explorer")).toBe("unchanged");
    expect(stateOf(report, "POST /session/token/refresh")).toBe("unchanged");
  });

  it("takes an account that needs a second factor for one that can't sign in", async () => {
    changing("/session/token", { code: 203, data: "cbc753be-01d9-4a1e-981a-1255624b6796" });
    expect(stateOf(await guardAt(proxy.url).check(), "POST /session/token")).toBe("unasked");
  });

  it("renews a credential that the drive refuses, and asks on", async () => {
    const guard = guardAt(proxy.url);
    await guard.check();
    let refused = 0;
    proxy.intercept = (request, response) => {
      const isFirst = (request.url ?? "").startsWith("/api/v4/file?") && refused === 0;
      if (isFirst) refused++;
      return isFirst ? answer(response, { code: 401, msg: "Login required" }) : false;
    };
    expect(notKept(await guard.check())).toEqual([]);
    expect(refused).toBe(1);
  });

  it("does not ask an older Cloudreve for OAuth", async () => {
    changing("/site/ping", { code: 0, data: "4.0.0" });
    const said = "Cloudreve knows no OAuth before 4.12";
    expect(notKept(await guardAt(proxy.url).check())).toEqual([
      { call: "GET /session/oauth/userinfo", state: "unasked", said },
      { call: "POST /session/oauth/token", state: "unasked", said },
    ]);
  });

  it("does not blame a drive that is down, and asks it nothing more", async () => {
    const gone = await driveProxy(fake.url);
    await gone.close();
    const report = await guardAt(gone.url).check();
    expect(new Set(report.map(({ state, said }) => `${state}: ${said}`))).toEqual(
      new Set(["unasked: Cloudreve is not reached"]),
    );
  });

  it("ends in time though the drive hangs, with what it has heard until then", async () => {
    proxy.intercept = (request) => (request.url ?? "").startsWith("/api/v4/file/");
    const startedAtMs = performance.now();
    const report = await guardAt(proxy.url, alice, 1_500).check();
    expect(performance.now() - startedAtMs).toBeLessThan(5_000);
    expect(stateOf(report, "GET /user/me")).toBe("unchanged");
    expect(report).toContainEqual({ call: "GET /file/info", state: "unasked", said: "Cloudreve is not reached" });
    expect(report.filter(({ state }) => state === "changed")).toEqual([]);
  });

  it("asks once for two who want to know at the same time", async () => {
    const guard = guardAt(proxy.url);
    proxy.seen.length = 0;
    await Promise.all([guard.check(), guard.check()]);
    expect(proxy.seen.filter(({ path }) => path === "/api/v4/site/ping")).toHaveLength(1);
  });
});
