import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { SignJWT, UnsecuredJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { deriveKey } from "../../src/http/accessToken.ts";
import { SignedCookies } from "../../src/http/signedCookies.ts";
import { type SetClock, setClock } from "../support/clock.ts";

const secret = "a secret of at least thirty-two bytes";
const otherSecret = "another secret of thirty-two bytes and more";
const startMs = Date.parse("2026-11-21T08:15:00Z");
const hourMs = 3_600_000;
const schema = z.object({ who: z.string() });

let clock: SetClock;
let cookies: SignedCookies;
let server: Server;

beforeEach(async () => {
  clock = setClock(startMs);
  cookies = signedBy([secret]);
  const app = express();
  app.get("/write/:name", async (request, response) => {
    await cookies.write(response, request.params.name, { who: "Ann" }, hourMs);
    response.end();
  });
  app.get("/clear/:name", (request, response) => {
    cookies.clear(response, request.params.name);
    response.end();
  });
  app.get("/read/:name", async (request, response) => {
    response.json((await cookies.read(request, request.params.name, schema)) ?? null);
  });
  server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function signedBy(secrets: readonly string[], bridgeUrl = "http://bridge.example"): SignedCookies {
  return new SignedCookies(secrets, bridgeUrl, clock.now);
}

function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { headers });
}

/** @returns the Set-Cookie header */
async function written(name: string): Promise<string> {
  return (await get(`/write/${name}`)).headers.getSetCookie()[0] ?? "";
}

/** @returns `NAME=VALUE` as a browser sends it back */
async function sentBack(name: string): Promise<string> {
  return (await written(name)).split(";", 1)[0] ?? "";
}

async function read(name: string, cookie?: string): Promise<unknown> {
  return (await get(`/read/${name}`, cookie === undefined ? {} : { Cookie: cookie })).json();
}

/** A cookie as ours is, but for what is changed. */
function forged(change: { key?: Uint8Array; alg?: string; audience?: string; claims?: unknown; endless?: boolean }) {
  const token = new SignJWT({ c: "claims" in change ? change.claims : { who: "Ann" } })
    .setProtectedHeader({ alg: change.alg ?? "HS256" })
    .setAudience(change.audience ?? "person");
  if (!change.endless) token.setExpirationTime((startMs + hourMs) / 1000);
  return token.sign(change.key ?? deriveKey(secret, "cookie"));
}

describe("a cookie", () => {
  it("says what it was given, and nothing when there is none", async () => {
    expect(await read("person", await sentBack("person"))).toEqual({ who: "Ann" });
    expect(await read("person")).toBeNull();
    expect(await read("person", "")).toBeNull();
  });

  it("is for no script, for no other site's form, and for every path", async () => {
    const attributes = (await written("person")).split("; ").slice(1);
    expect(attributes).toEqual(expect.arrayContaining(["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=3600"]));
    expect(attributes).not.toContain("Secure");
    expect(attributes.join()).not.toContain("Domain");
  });

  it("is for this host alone over https", async () => {
    cookies = signedBy([secret], "https://bridge.example/office");
    const header = await written("person");
    expect(header).toMatch(/^__Host-bridge-person=/);
    expect(header.split("; ")).toEqual(expect.arrayContaining(["Secure", "Path=/", "HttpOnly", "SameSite=Lax"]));
    expect(header).not.toContain("Domain");
    expect(await read("person", await sentBack("person"))).toEqual({ who: "Ann" });
    const plain = (await sentBack("person")).replace("__Host-", "");
    expect(await read("person", plain)).toBeNull();
  });

  it("ends by the clock, whatever the browser thinks", async () => {
    const cookie = await sentBack("person");
    clock.advance(hourMs - 1);
    expect(await read("person", cookie)).toEqual({ who: "Ann" });
    clock.advance(1);
    expect(await read("person", cookie)).toBeNull();
  });

  it("is found among others", async () => {
    const cookie = await sentBack("person");
    expect(await read("person", `a=b; bridge-persons=x;${cookie} ;flag; =; c=d=e`)).toEqual({ who: "Ann" });
  });

  it("is found behind one of the same name that another host of the domain has set", async () => {
    const cookie = await sentBack("person");
    expect(await read("person", `bridge-person=forged; ${cookie}`)).toEqual({ who: "Ann" });
    const misshapen = `bridge-person=${await forged({ claims: 7 })}`;
    expect(await read("person", `${misshapen}; ${cookie}`)).toEqual({ who: "Ann" });
  });

  it("is taken back with the attributes it was set with", async () => {
    const header = (await get("/clear/person")).headers.getSetCookie()[0] ?? "";
    expect(header).toMatch(/^bridge-person=; Path=\/; Expires=Thu, 01 Jan 1970/);
    expect(header).toContain("SameSite=Lax");
    cookies = signedBy([secret], "https://bridge.example");
    expect((await get("/clear/person")).headers.getSetCookie()[0]).toMatch(/^__Host-bridge-person=;.*Secure/);
  });
});

describe("after the secret was changed", () => {
  it("cookies of the one before still hold, and new ones are signed by the new one", async () => {
    const old = await sentBack("person");
    cookies = signedBy([otherSecret, secret]);
    expect(await read("person", old)).toEqual({ who: "Ann" });
    const fresh = await sentBack("person");
    cookies = signedBy([otherSecret]);
    expect(await read("person", fresh)).toEqual({ who: "Ann" });
    expect(await read("person", old)).toBeNull();
  });
});

describe("a cookie that is not ours", () => {
  it.each([
    ["signed by another secret", () => forged({ key: deriveKey(otherSecret, "cookie") })],
    ["signed with the key of another purpose", () => forged({ key: deriveKey(secret, "access token") })],
    ["signed with the secret itself", () => forged({ key: new TextEncoder().encode(secret) })],
    ["signed by another algorithm", () => forged({ alg: "HS512" })],
    ["of another purpose", () => forged({ audience: "visitor" })],
    ["without an end", () => forged({ endless: true })],
    ["of another shape", () => forged({ claims: { who: 7 } })],
    ["without a signature", async () => new UnsecuredJWT({ c: { who: "Ann" } }).setAudience("person").encode()],
    ["empty", async () => ""],
    ["garbage", async () => "a.b.c"],
    ["very long", async () => "x".repeat(8000)],
  ])("is as if there were none: %s", async (_name, make) => {
    expect(await read("person", `bridge-person=${await make()}`)).toBeNull();
  });

  it("is told from ours by that one change alone", async () => {
    expect(await read("person", `bridge-person=${await forged({})}`)).toEqual({ who: "Ann" });
  });

  it("can't be made of another of ours by another name", async () => {
    const cookie = await sentBack("visitor");
    expect(await read("person", cookie.replace("visitor", "person"))).toBeNull();
  });
});
