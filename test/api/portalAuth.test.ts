import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { PortalCallers } from "../../src/api/portalAuth.ts";
import { failureOf } from "../../src/model/failure.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { setClock } from "../support/clock.ts";
import { portalClient, problem } from "../support/portalClient.ts";
import { portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";

const issuer = "https://portal.example.com";
const audience = "office-bridge";
const portalNamedJwt = "key-of-a-portal-named-jwt";

/** A portal that publishes its keys. */
interface KeyServer {
  readonly url: string;
  keys: JWK[];
  /** In place of the keys. */
  instead: { status: number; body: string; location?: string } | undefined;
  fetched: number;
  close(): Promise<void>;
}

async function keyServer(): Promise<KeyServer> {
  const state: Pick<KeyServer, "keys" | "instead" | "fetched"> = { keys: [], instead: undefined, fetched: 0 };
  const server: Server = createServer((_request, response) => {
    state.fetched++;
    const { status, body, location } = state.instead ?? { status: 200, body: JSON.stringify({ keys: state.keys }) };
    response.writeHead(status, location === undefined ? {} : { Location: location }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return Object.assign(state, { url, close });
}

interface SigningKey {
  readonly alg: string;
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly jwk: JWK;
}

async function signingKey(alg: string, kid = alg): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg);
  return { alg, kid, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), alg, kid, use: "sig" } };
}

let tokens = 0;
/** Claims of a token that is good, but for what is said otherwise; undefined leaves a claim out. */
function claims(nowMs: number, other: Record<string, unknown> = {}): Record<string, unknown> {
  const exp = Math.floor(nowMs / 1000) + 300;
  return { iss: issuer, aud: audience, exp, jti: `token-${++tokens}`, ...other };
}
const signed = (key: SigningKey, payload: Record<string, unknown>): Promise<string> =>
  new SignJWT(payload).setProtectedHeader({ alg: key.alg, kid: key.kid }).sign(key.privateKey);

describe("a portal that signs its requests", () => {
  let bridge: TestBridge;
  let published: KeyServer;
  let keys: Record<"RS256" | "ES256" | "EdDSA", SigningKey>;
  const portal = portalClient(() => bridge);
  const list = (token: string) => portal.call("GET", "/links", undefined, { Authorization: `Bearer ${token}` });
  const status = async (token: string) => (await list(token)).status;
  const good = (other: Record<string, unknown> = {}) => claims(bridge.clock.now(), other);
  const seconds = (fromNow: number) => Math.floor(bridge.clock.now() / 1000) + fromNow;
  beforeAll(async () => {
    published = await keyServer();
    keys = { RS256: await signingKey("RS256"), ES256: await signingKey("ES256"), EdDSA: await signingKey("EdDSA") };
    published.keys = Object.values(keys).map(({ jwk }) => jwk);
    bridge = await testBridge({
      store: "file",
      settings: {
        PORTAL_KEYS: `test:${portalKey},jwt:${portalNamedJwt}`,
        PORTAL_JWKS_URL: published.url,
        PORTAL_ISSUER: issuer,
        PORTAL_AUDIENCE: audience,
      },
    });
  });
  afterAll(async () => {
    await bridge.close();
    await published.close();
  });

  it.each(["RS256", "ES256", "EdDSA"] as const)("is let in with %s", async (alg) => {
    expect(await status(await signed(keys[alg], good()))).toBe(200);
  });

  it("is asked for its keys once, not with every request", async () => {
    expect(await status(await signed(keys.RS256, good()))).toBe(200);
    const { fetched } = published;
    expect(await status(await signed(keys.ES256, good()))).toBe(200);
    expect(published.fetched).toBe(fetched);
  });

  it("opens sessions of its own, which the portal with a key can't end", async () => {
    const { uri } = await portal.newFile("docx");
    const token = () => signed(keys.ES256, good());
    const opened = await portal.session({ uri }, { Authorization: `Bearer ${await token()}` });
    expect((await portal.end(opened.id, portalKey)).status).toBe(404);
    expect((await portal.end(opened.id, await token())).status).toBe(204);
  });

  it("makes links of its own, which no portal with a key sees, whatever its name", async () => {
    const { uri } = await portal.newFile("docx");
    const headers = { Authorization: `Bearer ${await signed(keys.ES256, good())}` };
    const made = await portal.json("POST", "/links", 201, { uri, permission: "view" }, headers);
    const own = await list(await signed(keys.ES256, good()));
    expect(await own.json()).toMatchObject({ links: [{ id: made["id"] }] });
    for (const key of [portalKey, portalNamedJwt]) expect(await (await list(key)).json()).toEqual({ links: [] });
  });

  it("is named in the log by its issuer, and its token is not in it", async () => {
    const token = await signed(keys.ES256, good());
    await list(token);
    expect(bridge.logLines.at(-1)).toMatchObject({ portal: `jwt:${issuer}` });
    const log = JSON.stringify(bridge.logLines);
    for (const part of token.split(".").slice(1)) expect(log).not.toContain(part);
  });

  it("can also have a key", async () => {
    expect(await status(portalKey)).toBe(200);
  });

  describe("is refused", () => {
    const unreadable = "the token can't be read as a signed JWT";
    const badSignature = "the signature does not fit the published key";
    const cases: [string, told: string | RegExp, () => Promise<string>][] = [
      [
        "a token without a signature",
        /^alg is not accepted: .*ES256.* are$/,
        async () => new UnsecuredJWT(good()).encode(),
      ],
      [
        "one signed with the public key as if it were a secret",
        /^alg is not accepted/,
        async () =>
          new SignJWT(good())
            .setProtectedHeader({ alg: "HS256", kid: "RS256" })
            .sign(Buffer.from(await exportSPKI(keys.RS256.publicKey))),
      ],
      ["a key that is not published", badSignature, async () => signed(await signingKey("RS256"), good())],
      [
        "a key id that is not published",
        "kid and alg fit none of the published keys",
        async () => signed(await signingKey("ES256", "x"), good()),
      ],
      [
        "a key that came along in the token",
        badSignature,
        async () => {
          const own = await signingKey("ES256");
          const header = { alg: "ES256", kid: "ES256", jwk: own.jwk, jku: `${published.url}/own` };
          return new SignJWT(good()).setProtectedHeader(header).sign(own.privateKey);
        },
      ],
      [
        "claims that were changed afterwards",
        badSignature,
        async () => {
          const [head, , signature] = (await signed(keys.RS256, good())).split(".");
          return [head, Buffer.from(JSON.stringify(good())).toString("base64url"), signature].join(".");
        },
      ],
      [
        "claims that nobody signed, though they are wrong too",
        badSignature,
        async () => signed(await signingKey("RS256"), good({ aud: "others", exp: seconds(-600) })),
      ],
      ["no JWT at all", unreadable, async () => "eyJhbGciOiJub25l.eyJ9.x"],
      [
        "another issuer",
        "iss is not the issuer that this bridge knows",
        () => signed(keys.RS256, good({ iss: `${issuer}/` })),
      ],
      ["no issuer", "iss is missing", () => signed(keys.RS256, good({ iss: undefined }))],
      ["another audience", "aud is not this bridge", () => signed(keys.RS256, good({ aud: `${audience}-2` }))],
      ["no audience", "aud is missing", () => signed(keys.RS256, good({ aud: undefined }))],
      ["no end", "exp is missing", () => signed(keys.RS256, good({ exp: undefined }))],
      ["an end that is no number", "exp has the wrong type", () => signed(keys.RS256, good({ exp: "2099-01-01" }))],
      [
        "an end more than an hour away",
        /^exp is too far away/,
        () => signed(keys.RS256, good({ exp: seconds(3600 + 62) })),
      ],
      ["an end a minute ago", "exp has passed", () => signed(keys.RS256, good({ exp: seconds(-60) }))],
      [
        "a beginning in more than a minute",
        "nbf is still to come",
        () => signed(keys.RS256, good({ nbf: seconds(62) })),
      ],
      ["no jti", "jti is missing", () => signed(keys.RS256, good({ jti: undefined }))],
      ["an empty jti", "jti is missing", () => signed(keys.RS256, good({ jti: "" }))],
      ["a jti that is no word", "jti is missing", () => signed(keys.RS256, good({ jti: 7 }))],
    ];

    it.each(cases)("for %s, and told what is wrong with its own token", async (_name, told, token) => {
      const answered = await list(await token());
      expect(answered.status).toBe(401);
      const challenge = answered.headers.get("www-authenticate") ?? "";
      const [, said = ""] =
        /^Bearer error="invalid_token", error_description="([\x20\x21\x23-\x5b\x5d-\x7e]+)"$/.exec(challenge) ?? [];
      expect(said).toEqual(typeof told === "string" ? told : expect.stringMatching(told));
      const body = await problem(answered);
      expect(body).toMatchObject({ code: "keyInvalid", detail: said });
      for (const secret of [issuer, audience, portalKey])
        expect(JSON.stringify(body) + challenge).not.toContain(secret);
      const line = bridge.logLines.findLast(({ cause }) => cause !== undefined);
      expect(line).toMatchObject({ failure: "keyInvalid" });
    });

    it("without a word when it sends a key that is none", async () => {
      const answered = await list("not-a-key-at-all");
      expect(answered.headers.get("www-authenticate")).toBe("Bearer");
      expect((await problem(answered)).detail).toBeUndefined();
    });
  });

  it("may have a clock that goes a little wrong", async () => {
    expect(await status(await signed(keys.RS256, good({ exp: seconds(-59) })))).toBe(200);
    expect(await status(await signed(keys.RS256, good({ exp: seconds(3600 + 59) })))).toBe(200);
    expect(await status(await signed(keys.RS256, good({ nbf: seconds(59), iat: seconds(59) })))).toBe(200);
  });

  describe("uses each token once:", () => {
    it("a second time it is refused, whatever it asks for", async () => {
      const token = await signed(keys.RS256, good());
      expect(await status(token)).toBe(200);
      const again = await list(token);
      expect(again.status).toBe(401);
      expect(again.headers.get("www-authenticate")).toContain("jti was used before: each token works once");
      expect(bridge.logLines.at(-1)).toMatchObject({ cause: expect.stringMatching(/^jti was used before/) });
      expect((await portal.end("nothing", token)).status).toBe(401);
    });

    it("so is another token of the same jti", async () => {
      expect(await status(await signed(keys.RS256, good({ jti: "twice" })))).toBe(200);
      expect(await status(await signed(keys.ES256, good({ jti: "twice", exp: seconds(60) })))).toBe(401);
    });

    it("of many requests at once one gets through", async () => {
      const token = await signed(keys.RS256, good());
      const statuses = await Promise.all(Array.from({ length: 8 }, () => status(token)));
      expect(statuses.sort()).toEqual([200, ...Array.from({ length: 7 }, () => 401)]);
    });

    it("up to the last moment that its end is tolerated, and after a restart", async () => {
      const exp = seconds(300) + 0.5;
      const token = await signed(keys.RS256, good({ exp }));
      expect(await status(token)).toBe(200);
      await bridge.restart();
      expect(await status(token)).toBe(401);
      // The end is compared in whole seconds: half a second more than a naive note of it would last.
      bridge.clock.advance(exp * 1000 + 60_300 - bridge.clock.now());
      expect(await status(token)).toBe(401);
      expect(bridge.logLines.at(-1)).toMatchObject({ cause: expect.stringMatching(/^jti was used before/) });
      bridge.clock.advance(1_000);
      expect(await status(token)).toBe(401);
      expect(bridge.logLines.at(-1)).toMatchObject({ cause: expect.stringMatching(/exp/) });
    });

    it("one that is refused for another reason does not use its jti up", async () => {
      expect(await status(await signed(keys.RS256, good({ jti: "kept", aud: "others" })))).toBe(401);
      expect(await status(await signed(keys.RS256, good({ jti: "kept" })))).toBe(200);
    });
  });

  it("is not there when no keys are configured", async () => {
    const other = await testBridge();
    const token = await signed(keys.RS256, claims(other.clock.now()));
    const answered = await fetch(`${other.url}/api/links`, { headers: { Authorization: `Bearer ${token}` } });
    expect(answered.status).toBe(401);
    await other.close();
  });
});

describe("the published keys of a portal", () => {
  let published: KeyServer;
  let first: SigningKey;
  const clock = setClock();
  const signer = () => ({ jwksUrl: published.url, issuer, audience });
  const callers = (refetchAfterMs?: number) =>
    new PortalCallers({
      keys: [{ name: "keyed", key: portalKey }],
      signer: signer(),
      store: openMemoryStore(clock.now),
      now: clock.now,
      ...(refetchAfterMs === undefined ? {} : { refetchAfterMs }),
    });
  const bearer = async (key: SigningKey) => `Bearer ${await signed(key, claims(clock.now()))}`;
  const refusal = (calling: Promise<string>) => calling.then(String, (error: unknown) => error);
  beforeAll(async () => {
    published = await keyServer();
    first = await signingKey("ES256", "first");
  });
  afterEach(() => {
    published.instead = undefined;
    published.fetched = 0;
  });
  afterAll(() => published.close());

  it("are fetched anew for a key id that is not among them", async () => {
    published.keys = [first.jwk];
    const portals = callers(0);
    expect(await portals.callerOf(await bearer(first))).toBe(`jwt:${issuer}`);
    const next = await signingKey("RS256", "next");
    published.keys = [next.jwk];
    expect(await portals.callerOf(await bearer(next))).toBe(`jwt:${issuer}`);
    expect(failureOf(await refusal(portals.callerOf(await bearer(first))), "keyInvalid")).toBeDefined();
  });

  it("are not fetched again and again for key ids that somebody makes up", async () => {
    published.keys = [first.jwk];
    const portals = callers();
    expect(await portals.callerOf(await bearer(first))).toBe(`jwt:${issuer}`);
    for (const kid of ["a", "b", "c"]) {
      const made = await bearer({ ...first, kid });
      expect(failureOf(await refusal(portals.callerOf(made)), "keyInvalid")).toBeDefined();
    }
    expect(published.fetched).toBe(1);
  });

  it.each([
    ["are an error page", { status: 500, body: "down" }],
    ["are not JSON", { status: 200, body: "<html>" }],
    ["are JSON of another kind", { status: 200, body: '{"keys":"none"}' }],
    ["have moved: a redirect is not followed", { status: 302, body: "", location: "http://127.0.0.1:9/keys" }],
  ])("that %s are a fault of theirs, not of the token", async (_name, instead) => {
    published.keys = [first.jwk];
    published.instead = instead;
    const portals = callers();
    const authorization = await bearer(first);
    expect(failureOf(await refusal(portals.callerOf(authorization)), "portalKeysUnreachable")).toBeDefined();
    published.instead = undefined;
    // The token is as good as before.
    expect(await portals.callerOf(authorization)).toBe(`jwt:${issuer}`);
  });

  it("that can't be reached are 503, and portals with a key go on", async () => {
    const gone = await keyServer();
    await gone.close();
    const bridge = await testBridge({
      store: "file",
      settings: { PORTAL_JWKS_URL: gone.url, PORTAL_ISSUER: issuer, PORTAL_AUDIENCE: audience },
    });
    const portal = portalClient(() => bridge);
    const token = await signed(first, claims(bridge.clock.now()));
    const answered = await portal.call("GET", "/links", undefined, { Authorization: `Bearer ${token}` });
    expect(answered.status).toBe(503);
    expect((await problem(answered)).code).toBe("portalKeysUnreachable");
    expect((await portal.call("GET", "/links")).status).toBe(200);
    await bridge.close();
  });

  it("are not fetched for a key, nor for what is no signed token", async () => {
    const portals = callers();
    expect(await portals.callerOf(`Bearer ${portalKey}`)).toBe("keyed");
    for (const credential of ["wrong", "a.b", "a.b.c.d", "..", "!.!.!"]) {
      expect(failureOf(await refusal(portals.callerOf(`Bearer ${credential}`)), "keyInvalid")).toBeDefined();
    }
    expect(failureOf(await refusal(portals.callerOf(undefined)), "keyInvalid")).toBeDefined();
    expect(published.fetched).toBe(0);
  });
});
