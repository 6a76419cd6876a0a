import { decodeJwt, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AccessTokens, deriveKey } from "../../src/http/accessToken.ts";
import { type DriveProxy, driveProxy } from "../support/driveProxy.ts";
import { portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import type { WopiClient } from "../support/wopiClient.ts";

const previousSecret = "the secret before, at least thirty-two bytes";

describe("the way into the WOPI routes", () => {
  let bridge: TestBridge;
  let proxy: DriveProxy;
  let documents = 0;
  beforeAll(async () => {
    bridge = await testBridge({
      settings: { SECRET_PREVIOUS: previousSecret },
      driveAddress: async (url) => {
        proxy = await driveProxy(url);
        return proxy.url;
      },
    });
  });
  afterAll(async () => {
    await bridge.close();
    await proxy.close();
  });

  const openNew = async (): Promise<WopiClient> => {
    const name = `way-${++documents}.docx`;
    expect(await bridge.alice.put(name, "text")).toBe(0);
    return bridge.open(name);
  };
  const call = (client: WopiClient, query: string, headers: Record<string, string> = {}) =>
    fetch(`${client.src}${query}`, { headers, redirect: "manual" });
  const withToken = (client: WopiClient, token: string) => call(client, `?access_token=${encodeURIComponent(token)}`);

  describe("a token", () => {
    it("is needed", async () => {
      const client = await openNew();
      const answered = await call(client, "");
      expect(answered.status).toBe(401);
      expect(await answered.text()).toBe("");
      expect((await call(client, "?access_token=")).status).toBe(401);
      expect((await call(client, "", { Authorization: "Basic YTpi" })).status).toBe(401);
    });

    it("that is none is refused, whatever it is made of", async () => {
      const client = await openNew();
      const { access_token: token } = client.session;
      const bad = ["garbage", "a.b.c", `${token}x`, token.slice(0, -1), "é😀", "x".repeat(5000), portalKey];
      for (const one of bad) expect((await withToken(client, one)).status, one.slice(0, 40)).toBe(401);
    });

    it("that was changed by a letter anywhere is refused", async () => {
      const client = await openNew();
      const { access_token: token } = client.session;
      const [head = "", payload = "", signature = ""] = token.split(".");
      const flipped = (text: string) => (text.startsWith("A") ? `B${text.slice(1)}` : `A${text.slice(1)}`);
      for (const forged of [
        [flipped(head), payload, signature],
        [head, flipped(payload), signature],
        [head, payload, flipped(signature)],
      ]) {
        expect((await withToken(client, forged.join("."))).status).toBe(401);
      }
    });

    it("without a signature, or signed with another secret, is refused", async () => {
      const client = await openNew();
      const claims = decodeJwt(client.session.access_token);
      const unsigned = new UnsecuredJWT(claims).encode();
      expect((await withToken(client, unsigned)).status).toBe(401);
      for (const secret of ["another secret, also of thirty-two bytes", "a secret of at least thirty-two bytes"]) {
        // The right secret as well: the key that signs tokens is derived from it and is not it.
        const forged = await new SignJWT(claims)
          .setProtectedHeader({ alg: "HS256" })
          .sign(new TextEncoder().encode(secret));
        expect((await withToken(client, forged)).status).toBe(401);
      }
      const key = deriveKey("a secret of at least thirty-two bytes", "seal");
      const crossed = await new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(key);
      expect((await withToken(client, crossed)).status).toBe(401);
    });

    it("signed with the secret before the last change still counts", async () => {
      const client = await openNew();
      const { sub = "", exp = 0 } = decodeJwt(client.session.access_token);
      const older = new AccessTokens([previousSecret], bridge.clock.now);
      const facts = { grantId: sub, fileId: client.session.file.id, expiresAtMs: exp * 1000 };
      expect((await withToken(client, await older.sign(facts))).status).toBe(200);
    });

    it("of one file opens no other, in no operation", async () => {
      const one = await openNew();
      const two = await openNew();
      const query = `?access_token=${one.session.access_token}`;
      expect((await call(two, query)).status).toBe(401);
      expect((await fetch(`${two.src}/contents${query}`)).status).toBe(401);
      for (const override of ["LOCK", "PUT_RELATIVE", "NONSENSE"]) {
        const headers = { "X-WOPI-Override": override, "X-WOPI-Lock": "x" };
        expect((await fetch(`${two.src}${query}`, { method: "POST", headers })).status).toBe(401);
      }
      const put = { method: "POST", headers: { "X-WOPI-Override": "PUT" }, body: "stolen" };
      expect((await fetch(`${two.src}/contents${query}`, put)).status).toBe(401);
      expect(await bridge.alice.read(two.session.file.name)).toBe("text");
    });

    it("for a file that was never there is refused, with a good token in hand", async () => {
      const client = await openNew();
      const query = `?access_token=${client.session.access_token}`;
      for (const id of [
        "nope",
        "..",
        "%2e%2e",
        "%00",
        "a%2Fb",
        `${client.session.file.id}x`,
        `${client.session.file.id}-`,
      ]) {
        const { status } = await fetch(`${bridge.url}/wopi/files/${id}${query}`, { redirect: "manual" });
        expect([401, 404, 501], id).toContain(status);
      }
    });

    it("in an address whose escapes are broken is no error of the server's", async () => {
      const client = await openNew();
      const query = `?access_token=${client.session.access_token}`;
      expect((await fetch(`${bridge.url}/wopi/files/%zz${query}`)).status).toBeLessThan(500);
      expect((await fetch(`${bridge.url}/wopi/files/%E0%A4%A/contents${query}`)).status).toBeLessThan(500);
    });

    it("may come in the header when the query has none; the query comes first", async () => {
      const client = await openNew();
      const { access_token: token } = client.session;
      const inHeader = { Authorization: `Bearer ${token}` };
      const garbage = { Authorization: "Bearer garbage" };
      expect((await call(client, "", inHeader)).status).toBe(200);
      expect((await call(client, "?access_token=", inHeader)).status).toBe(200);
      expect((await call(client, `?access_token=${token}`, garbage)).status).toBe(200);
      expect((await call(client, "?access_token=garbage", inHeader)).status).toBe(401);
      expect((await call(client, "", { Authorization: `bearer ${token}` })).status).toBe(200);
    });

    it("may stand among other parameters of the frame", async () => {
      const client = await openNew();
      const { access_token: token, access_token_ttl: ttl } = client.session;
      const answered = await call(
        client,
        `?permission=edit&access_token=${token}&access_token_ttl=${ttl}&x[y]=1&x=%zz`,
      );
      expect(answered.status).toBe(200);
    });

    it("of a session that was ended is refused at the next call, the others of the file go on", async () => {
      const client = await openNew();
      const other = await bridge.open(client.session.file.name);
      expect((await client.check()).status).toBe(200);
      const ended = await fetch(`${bridge.url}/api/sessions/${client.session.id}`, {
        method: "DELETE",
        headers: { Authorization: `Bearer ${portalKey}` },
      });
      expect(ended.status).toBe(204);
      for (const answer of [
        await client.check(),
        await client.get(),
        await client.lock("A"),
        await client.put("x", "A"),
      ]) {
        expect(answer.status).toBe(401);
      }
      expect((await other.check()).status).toBe(200);
    });

    it("says no more than it must: no name, no right, no address", async () => {
      const { access_token: token, file } = (await openNew()).session;
      const claims = decodeJwt(token);
      expect(Object.keys(claims).sort()).toEqual(["exp", "f", "iss", "sub"]);
      expect(claims["f"]).toBe(file.id);
      expect(token.length).toBeLessThan(400);
      expect(token).toMatch(/^[A-Za-z0-9._~-]+$/);
    });
  });

  describe("an operation", () => {
    it.each([
      "lock",
      "Lock",
      "NONSENSE",
      "GET_SHARE_URL",
      "constructor",
      "__proto__",
      "toString",
      "LOCK,UNLOCK",
      "PUT",
    ])("that is not one of the file's is 501: %s", async (override) => {
      expect((await (await openNew()).post(override, { "X-WOPI-Lock": "A" }, "x")).status).toBe(501);
    });

    it.each(["put", "LOCK", "PUT_RELATIVE", "constructor", "NONSENSE"])(
      "that is not one of the contents' is 501, and nothing is written: %s",
      async (override) => {
        const client = await openNew();
        expect((await client.put("after", "A", { "X-WOPI-Override": override })).status).toBe(501);
        expect(await bridge.alice.read(client.session.file.name)).toBe("text");
      },
    );

    it("that is not named is 400, on the file and on its contents", async () => {
      const client = await openNew();
      expect((await client.post("")).status).toBe(400);
      expect((await client.put("x", "A", { "X-WOPI-Override": "" })).status).toBe(400);
      const bare = (below: string) => fetch(client.address(below), { method: "POST" });
      expect((await bare("")).status).toBe(400);
      expect((await bare("/contents")).status).toBe(400);
    });

    it("is looked at only behind the token", async () => {
      const client = await openNew();
      const headers = { "X-WOPI-Override": "NONSENSE" };
      expect((await fetch(client.src, { method: "POST", headers })).status).toBe(401);
    });
  });

  describe("an address", () => {
    it.each(["/wopi", "/wopi/", "/wopi/files", "/wopi/folders/x", "/wopi/ecosystem/other", "/wopi/files/x/children"])(
      "that is not served says so plainly: %s",
      async (path) => {
        const answered = await fetch(`${bridge.url}${path}`, { redirect: "manual" });
        expect([404, 501]).toContain(answered.status);
        expect(await answered.text()).toBe("");
      },
    );

    it.each(["PUT", "DELETE", "PATCH", "OPTIONS"])("does not take %s", async (method) => {
      const client = await openNew();
      for (const below of ["", "/contents"]) {
        const { status } = await fetch(client.address(below), { method });
        expect([404, 405, 501]).toContain(status);
      }
    });
  });

  describe("every answer", () => {
    it("that is an error has no body, no cookie, no redirect, and is not to be stored", async () => {
      const client = await openNew();
      const answers = [
        await call(client, ""),
        await fetch(client.address(), { method: "POST", headers: { "X-WOPI-Override": "NONSENSE" } }),
        await fetch(client.address(), { method: "POST", headers: { "X-WOPI-Override": "LOCK" } }),
        await fetch(client.address(), { method: "POST", headers: { "X-WOPI-Override": "UNLOCK", "X-WOPI-Lock": "A" } }),
        await fetch(`${bridge.url}/wopi/nothing`),
      ];
      for (const { status, headers, body } of answers) {
        expect(status).toBeGreaterThanOrEqual(400);
        expect(headers.get("cache-control"), `${status}`).toContain("no-store");
        for (const name of ["set-cookie", "location", "x-powered-by", "etag"]) expect(headers.get(name)).toBeNull();
        expect(body === null ? "" : await new Response(body).text()).toBe("");
      }
    });

    it("carries the editor's correlation id, and so does the question to the drive", async () => {
      const client = await openNew();
      const id = "0a1b2c3d-1111-2222-3333-444455556666";
      proxy.seen.length = 0;
      const answered = await fetch(client.address(), { headers: { "X-WOPI-CorrelationId": id.toUpperCase() } });
      expect(answered.headers.get("x-correlation-id")).toBe(id);
      expect(proxy.seen.length).toBeGreaterThan(0);
      for (const { headers } of proxy.seen) expect(headers["x-cr-correlation-id"]).toBe(id);
      const odd = await fetch(client.address(), { headers: { "X-WOPI-CorrelationId": "a b; c" } });
      expect(odd.headers.get("x-correlation-id")).toMatch(/^[0-9a-f-]{36}$/);
    });

    it("leaves one line in the log: without the token, without the query", async () => {
      const client = await openNew();
      await client.check();
      await call(client, "", { Authorization: `Bearer ${client.session.access_token}` });
      const text = JSON.stringify(bridge.logLines);
      expect(text).toContain(`/wopi/files/${client.session.file.id}`);
      expect(text).not.toContain(client.session.access_token);
      expect(text).not.toContain("access_token");
    });
  });
});

describe("a token's end", () => {
  it("comes when it was said to come, also for a lock or a save", async () => {
    const bridge = await testBridge({ settings: { GRANT_HOURS: "1" } });
    await bridge.alice.put("a.docx", "text");
    const client = await bridge.open("a.docx");
    expect(client.session.access_token_ttl).toBe(bridge.clock.now() + 3_600_000);
    expect(Date.parse(client.session.expires_at)).toBe(client.session.access_token_ttl);
    bridge.clock.advance(3_590_000);
    expect((await client.check()).status).toBe(200);
    bridge.clock.advance(11_000);
    for (const answer of [
      await client.check(),
      await client.get(),
      await client.lock("A"),
      await client.put("x", "A"),
    ]) {
      expect(answer.status).toBe(401);
    }
    await bridge.close();
  });
});
