import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type BridgeProcess, bridgeProcess } from "../support/bridgeProcess.ts";
import { freePorts } from "../support/childProcess.ts";
import { type DriveProxy, driveProxy } from "../support/driveProxy.ts";
import { drivePassword, portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { randomRuns } from "../support/tier.ts";

let beside: TestBridge;
let proxy: DriveProxy;
let dir: string;
let bridge: BridgeProcess;

beforeEach(async () => {
  beside = await testBridge();
  proxy = await driveProxy(beside.drive.url);
  dir = await mkdtemp(join(tmpdir(), "bridge-secrets-"));
  const [port = 0] = await freePorts(1);
  bridge = await bridgeProcess(proxy.url, dir, port, { LOG_LEVEL: "trace" });
  await beside.alice.put("plan.txt", "first");
});

afterEach(async () => {
  await bridge.kill();
  await proxy.close();
  await beside.close();
  await rm(dir, { recursive: true, force: true });
});

/** What the bridge itself sent to the drive as a secret: tokens in headers and queries, lock strings, signatures. */
function secretsSentToTheDrive(): string[] {
  return proxy.seen.flatMap(({ path, headers }) => {
    const query = new URL(path, "http://drive").searchParams;
    return [
      headers.authorization?.replace(/^Bearer /, ""),
      headers["x-wopi-lock"]?.toString(),
      query.get("access_token") ?? undefined,
      query.get("sign") ?? undefined,
    ].filter((secret) => secret !== undefined);
  });
}

describe("what the bridge prints at the most talkative level", () => {
  it("holds no token, key, password, lock string or signed address, whatever was called and whatever failed", async () => {
    const editor = await bridge.open("plan.txt");
    const page = await (await fetch(editor.session.host_page_url)).text();
    expect(page).toContain(editor.session.access_token);
    await fetch(editor.session.host_page_url);
    await editor.check();
    await editor.get();
    await editor.lock("L1");
    await editor.lock("L2");
    await editor.put("second", "L1");
    await editor.put("third", "L2");
    await editor.post("NONSENSE");
    await fetch(`${editor.src}?access_token=${editor.session.access_token}x`);
    await fetch(`${bridge.url}/api/sessions`, {
      method: "POST",
      headers: { Authorization: `Bearer ${portalKey}`, "X-Cloudreve-Token": beside.bob.accessToken },
      body: '{"uri": "cloudreve://my/plan.txt", "action": "edit"}',
    });
    proxy.intercept = (request) => request.socket.destroy() !== undefined;
    await editor.check();
    await editor.put("fourth", "L1");
    proxy.intercept = undefined;
    await editor.unlock("L1");
    await bridge.stop();

    const secrets = [
      ...secretsSentToTheDrive(),
      editor.session.access_token,
      editor.session.host_page_url.split("/").at(-1),
      portalKey,
      drivePassword,
      "a secret of at least thirty-two bytes",
      beside.bob.accessToken,
      beside.bob.refreshToken,
    ];
    const printed = bridge.output();
    expect(secretsSentToTheDrive().length).toBeGreaterThan(10);
    expect(printed).toContain("PUT");
    expect(secrets.filter((secret) => secret === undefined || printed.includes(secret))).toEqual([]);
  });

  it("holds no secret that came by an address a little wrong, in a body that can't be read, or from another site", async () => {
    const editor = await bridge.open("plan.txt");
    const made = await fetch(`${bridge.url}/api/links`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${portalKey}`,
        "X-Cloudreve-Token": beside.alice.accessToken,
        "X-Cloudreve-Refresh-Token": beside.alice.refreshToken,
      },
      body: '{"uri": "cloudreve://my/plan.txt", "permission": "edit", "password": "correct-horse-battery-staple"}',
    });
    const { url } = (await made.json()) as { url: string };
    const secrets = {
      link: url.split("/").at(-1) ?? "",
      ticket: editor.session.host_page_url.split("/").at(-1) ?? "",
      token: editor.session.access_token,
      portalKey,
    };
    const part = fc.constantFrom(
      ...[
        "l",
        "L",
        "edit",
        "Edit",
        "links",
        "share",
        "api",
        "wopi",
        "files",
        "contents",
        "office",
        "signin",
        "callback",
      ],
      ...["%6c", "%6C", "%", "%zz", "%00", "%E0%A4%A", "l%2F", ".", "..", "", ";", "l;x", "access_token=", "assets"],
    );
    const near = fc.record({
      method: fc.constantFrom("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS", "PUT"),
      origin: fc.constantFrom("", "", bridge.url, "HTTP://other.example", "//other.example"),
      before: fc.array(part, { maxLength: 3 }),
      secret: fc.constantFrom(...Object.values(secrets)),
      glue: fc.constantFrom("", "%", ".", ",", "/", "//", "/revoke", "/renew", "/contents", "?x=%", "#"),
      bearer: fc.boolean(),
    });
    const port = Number(new URL(bridge.url).port);
    let answered = 0;
    for (const { method, origin, before, secret, glue, bearer } of fc.sample(near, randomRuns(400))) {
      const asked = request({
        host: "127.0.0.1",
        port,
        agent: false,
        method,
        path: `${origin}/${[...before, secret].join("/")}${glue}`.replaceAll(" ", ""),
        headers: {
          ...(bearer ? { Authorization: `Bearer ${portalKey}` } : {}),
          "Content-Type": method === "POST" ? "application/x-www-form-urlencoded; charset=utf-9" : "application/json",
          Origin: bridge.url,
          Referer: url,
          "X-WOPI-Override": "PUT",
          "X-WOPI-CorrelationId": secret,
          traceparent: secret,
        },
      });
      asked.end(method === "GET" || method === "HEAD" ? undefined : `{"password": "${secret}`);
      // Whatever can't be an address at all is cut off by the HTTP server itself.
      const answer = await Promise.race([
        once(asked, "response").then(([response]) => response as IncomingMessage),
        new Promise<undefined>((resolve) => asked.once("error", () => resolve(undefined))),
      ]);
      answer?.resume();
      if (answer !== undefined) answered += 1;
    }
    for (const [path, type] of [
      ["/l/x", "application/x-www-form-urlencoded"],
      [new URL(url).pathname, "application/x-www-form-urlencoded"],
      ["/signin/password", "application/x-www-form-urlencoded"],
      ["/api/links", "application/json"],
    ] as const) {
      for (const body of [
        `password=${secrets.link}&email=${secrets.link}`,
        `%E0%A4%A=${secrets.token}`,
        `{"a": ${secrets.link}`,
      ]) {
        const headers = { "Content-Type": type, Origin: bridge.url, Authorization: `Bearer ${portalKey}` };
        await fetch(`${bridge.url}${path}`, { method: "POST", headers, body, redirect: "manual" });
      }
    }
    await bridge.stop();
    const printed = bridge.output();
    const told = Object.entries({ ...secrets, password: "correct-horse-battery-staple" }).filter(
      ([, secret]) => secret.length < 10 || printed.includes(secret) || printed.includes(secret.slice(0, 21)),
    );
    expect(told).toEqual([]);
    expect(answered).toBeGreaterThan(300);
    expect(printed.split("\n").length).toBeGreaterThan(answered);
  });
});
