import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { EditLinks } from "../../src/links/links.ts";
import { put } from "../../src/model/keyValueStore.ts";
import { openSqliteStore } from "../../src/stores/sqliteStore.ts";
import { type DriveProxy, driveProxy } from "../support/driveProxy.ts";
import { type Json, portalClient, problem } from "../support/portalClient.ts";
import { portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { type WopiClient, wopiClient } from "../support/wopiClient.ts";

const otherKey = "other-portal-key";
const other = { Authorization: `Bearer ${otherKey}` };

describe("links that a portal makes", () => {
  let bridge: TestBridge;
  let proxy: DriveProxy;
  const portal = portalClient(() => bridge);
  const iso = (ms: number) => new Date(ms).toISOString();
  const newLink = async (body: Json = {}): Promise<Json> => {
    const { uri } = await portal.newFile();
    return portal.json("POST", "/links", 201, { uri, permission: "edit", ...body });
  };
  const refused = async (method: string, path: string, status: number, body?: unknown, headers = {}) => {
    const answered = await portal.call(method, path, body, headers);
    expect(answered.status, await answered.clone().text()).toBe(status);
    return problem(answered);
  };
  beforeAll(async () => {
    bridge = await testBridge({
      store: "file",
      settings: { PORTAL_KEYS: `test:${portalKey},other:${otherKey}` },
      driveAddress: async (url) => {
        proxy = await driveProxy(url);
        return proxy.url;
      },
    });
  });
  afterEach(() => {
    proxy.intercept = undefined;
  });
  afterAll(async () => {
    await bridge.close();
    await proxy.close();
  });

  /** A colleague who came through a link; its page is tested elsewhere. */
  const visitor = async (link: Json): Promise<WopiClient> => {
    const session = await portal.session({ file_id: (link["file"] as Json)["id"], user: { id: "g", name: "Grace" } });
    const store = openSqliteStore(join(bridge.dir, "bridge.db"), bridge.clock.now);
    const grant = JSON.parse((await store.get(`grant:${session.id}`)) ?? "") as Json;
    const through = { ...grant, linkId: link["id"] };
    await put(store, `grant:${session.id}`, JSON.stringify(through), session.access_token_ttl);
    await new EditLinks(store, bridge.clock.now).opened(String(link["id"]), { id: "g1", name: "Grace" });
    await store.close();
    return wopiClient(session);
  };

  describe("making one", () => {
    it("answers with all of it, and with its address", async () => {
      const { name, uri } = await portal.newFile();
      const { id } = await bridge.alice.info(name);
      const expiresAtMs = bridge.clock.now() + 86_400_000;
      const made = await portal.json("POST", "/links", 201, {
        uri,
        permission: "edit",
        expires_at: iso(expiresAtMs).replace("Z", "+00:00"),
        password: "open sesame",
        note: "Your part, please",
        ask_name: false,
        options: { print: false, watermark: true, rename: true },
      });
      expect(made).toEqual({
        id: expect.stringMatching(/^[\w-]{12}$/),
        url: expect.stringMatching(new RegExp(`^${bridge.url}/l/[\\w-]{32,}$`)),
        file: { id, name },
        is_folder: false,
        permission: "edit",
        expires_at: iso(expiresAtMs),
        has_password: true,
        note: "Your part, please",
        ask_name: false,
        options: { download: true, print: false, copy: true, watermark: true, rename: true },
        created_at: iso(bridge.clock.now()),
        ended: null,
        activity: [],
        wrong_passwords: null,
      });
    });

    it("takes no more than a file and a permission", async () => {
      const { name } = await portal.newFile();
      const { id } = await bridge.alice.info(name);
      expect(await portal.json("POST", "/links", 201, { file_id: id, permission: "view" })).toMatchObject({
        file: { id, name },
        permission: "view",
        expires_at: null,
        has_password: false,
        note: null,
        ask_name: true,
        options: { download: true, print: true, copy: true, watermark: false, rename: false },
      });
    });

    it("tells the address once: no later answer, no log line and not the store has its secret", async () => {
      const made = await newLink({ password: "a-very-secret-word" });
      const secret = String(made["url"]).split("/").at(-1) ?? "";
      const store = openSqliteStore(join(bridge.dir, "bridge.db"), bridge.clock.now);
      const stored = [];
      for await (const entry of store.list("")) stored.push(entry);
      await store.close();
      const later = [await portal.json("GET", `/links/${made["id"]}`, 200), await portal.json("GET", "/links", 200)];
      for (const text of [later, bridge.logLines, stored].map((all) => JSON.stringify(all))) {
        expect(text).not.toContain(secret);
        expect(text).not.toContain("a-very-secret-word");
      }
      expect(JSON.stringify(stored)).toContain(made["id"]);
    });

    it("acts for the user whose tokens come along, and refuses one that could not renew itself", async () => {
      await bridge.bob.put("bobs.docx", "bob's");
      const body = { uri: "cloudreve://my/bobs.docx", permission: "view" };
      const alone = { "X-Cloudreve-Token": bridge.bob.accessToken };
      const { errors } = await refused("POST", "/links", 422, body, alone);
      expect(errors?.map(({ field }) => field)).toEqual(["X-Cloudreve-Refresh-Token"]);
      const both = { ...alone, "X-Cloudreve-Refresh-Token": bridge.bob.refreshToken };
      expect((await portal.call("POST", "/links", body, both)).status).toBe(201);
      expect((await refused("POST", "/links", 401, body, { "X-Cloudreve-Token": "" })).code).toBe("signInNeeded");
    });

    it("to a file or folder that is not there or not one's own, or to the whole drive, is 404", async () => {
      await bridge.bob.put("private.docx", "bob's");
      await bridge.bob.put("private/inside.docx", "bob's");
      const { id } = await bridge.bob.info("private.docx");
      const { id: folderId } = await bridge.bob.info("private");
      const uris = ["cloudreve://my/no.docx", "cloudreve://my/no", "cloudreve://my", "cloudreve://my/"];
      for (const target of [{ file_id: id }, { file_id: folderId }, ...uris.map((uri) => ({ uri }))]) {
        expect((await refused("POST", "/links", 404, { ...target, permission: "view" })).code).toBe("fileMissing");
      }
    });

    it.each<[string, unknown]>([
      ["uri", { permission: "edit" }],
      ["uri", { uri: "cloudreve://my/a.docx", file_id: "abc", permission: "edit" }],
      ["file_id", { file_id: "a/b", permission: "edit" }],
      ["permission", { file_id: "abc" }],
      ["permission", { file_id: "abc", permission: "own" }],
      ["expires_at", { file_id: "abc", permission: "edit", expires_at: "2099-01-01T00:00:00" }],
      ["expires_at", { file_id: "abc", permission: "edit", expires_at: "2099-01-01" }],
      ["expires_at", { file_id: "abc", permission: "edit", expires_at: "2099-02-30T00:00:00Z" }],
      ["expires_at", { file_id: "abc", permission: "edit", expires_at: 4070908800 }],
      ["expires_at", { file_id: "abc", permission: "edit", expires_at: null }],
      ["password", { file_id: "abc", permission: "edit", password: "" }],
      ["password", { file_id: "abc", permission: "edit", password: "x".repeat(129) }],
      ["note", { file_id: "abc", permission: "edit", note: "x".repeat(501) }],
      ["ask_name", { file_id: "abc", permission: "edit", ask_name: "yes" }],
      ["options.watermark", { file_id: "abc", permission: "edit", options: { watermark: "CONFIDENTIAL" } }],
      ["options.save", { file_id: "abc", permission: "edit", options: { save: true } }],
      ["maker", { file_id: "abc", permission: "edit", maker: "portal:other" }],
      ["body", "[]"],
      ["body", "{bad"],
      ["body", JSON.stringify({ file_id: "abc", permission: "edit", note: "x".repeat(70_000) })],
    ])("with something wrong in %s is 422 and the answer names it: %j", async (field, body) => {
      const { code, errors } = await refused("POST", "/links", 422, body);
      expect(code).toBe("requestInvalid");
      expect(errors?.map((error) => error.field)).toContain(field);
    });

    it("with an end that has passed is 422", async () => {
      const { uri } = await portal.newFile();
      const body = { uri, permission: "edit", expires_at: iso(bridge.clock.now() - 1000) };
      expect((await refused("POST", "/links", 422, body)).errors?.[0]?.field).toBe("expires_at");
    });
  });

  describe("looking at them", () => {
    it("lists one's own, newest first, ended ones too", async () => {
      bridge.clock.advance(1000);
      const first = await newLink();
      bridge.clock.advance(1000);
      const second = await newLink();
      await portal.call("DELETE", `/links/${first["id"]}`);
      const { links } = (await portal.json("GET", "/links", 200)) as { links: Json[] };
      expect(links.slice(0, 2).map(({ id }) => id)).toEqual([second["id"], first["id"]]);
      expect(links[1]?.["ended"]).toEqual({ because: "revoked", at: iso(bridge.clock.now()) });
      expect(links[0]).toEqual(await portal.json("GET", `/links/${second["id"]}`, 200));
    });

    it("tells who opened and who saved, and when", async () => {
      const link = await newLink();
      const openedAt = iso(bridge.clock.now());
      const grace = await visitor(link);
      bridge.clock.advance(60_000);
      await grace.get();
      await grace.lock("A");
      expect((await grace.put("from Grace", "A")).status).toBe(200);
      const { activity } = await portal.json("GET", `/links/${link["id"]}`, 200);
      expect(activity).toContainEqual({ person: { id: "g1", name: "Grace" }, opened_at: openedAt, saved_at: null });
      expect(activity).toContainEqual(expect.objectContaining({ saved_at: iso(bridge.clock.now()) }));
      await grace.unlock("A");
    });

    it("tells of one that has run out", async () => {
      const expiresAtMs = bridge.clock.now() + 60_000;
      const { id } = await newLink({ expires_at: iso(expiresAtMs) });
      bridge.clock.advance(60_000);
      expect(await portal.json("GET", `/links/${id}`, 200)).toMatchObject({
        ended: { because: "expired", at: iso(expiresAtMs) },
      });
    });

    it("of another portal's shows nothing, and changes nothing", async () => {
      const { id } = await newLink();
      for (const [method, body] of [
        ["GET", undefined],
        ["PATCH", { permission: "view" }],
        ["DELETE", undefined],
      ] as const) {
        expect((await refused(method, `/links/${id}`, 404, body, other)).code).toBe("linkUnknown");
      }
      expect(await portal.json("GET", "/links", 200, undefined, other)).toEqual({ links: [] });
      expect(await portal.json("GET", `/links/${id}`, 200)).toMatchObject({ permission: "edit", ended: null });
    });

    it.each(["nothing", "__proto__", "a%2Fb", "%00", "x".repeat(500)])("that never were is 404: %s", async (id) => {
      for (const method of ["GET", "PATCH", "DELETE"]) {
        const body = method === "PATCH" ? {} : undefined;
        expect((await refused(method, `/links/${id}`, 404, body)).code).toBe("linkUnknown");
      }
    });
  });

  describe("changing one", () => {
    it("changes what is named and leaves the rest", async () => {
      const { url: _told, ...before } = await newLink({
        note: "a",
        options: { print: false, rename: true },
        password: "p",
      });
      const changed = await portal.json("PATCH", `/links/${before["id"]}`, 200, {
        note: "b",
        options: { copy: false, watermark: true },
      });
      expect(changed).toEqual({
        ...before,
        note: "b",
        options: { download: true, print: false, copy: false, watermark: true, rename: true },
      });
      expect(await portal.json("PATCH", `/links/${before["id"]}`, 200, {})).toEqual(changed);
    });

    it("takes end, password and note away with null", async () => {
      const { id } = await newLink({ expires_at: iso(bridge.clock.now() + 60_000), password: "p", note: "n" });
      const body = { expires_at: null, password: null, note: null };
      expect(await portal.json("PATCH", `/links/${id}`, 200, body)).toMatchObject({
        expires_at: null,
        has_password: false,
        note: null,
      });
    });

    it("gives one that has run out a new end", async () => {
      const { id } = await newLink({ expires_at: iso(bridge.clock.now() + 60_000) });
      bridge.clock.advance(60_000);
      const body = { expires_at: iso(bridge.clock.now() + 60_000) };
      expect(await portal.json("PATCH", `/links/${id}`, 200, body)).toMatchObject({ ended: null });
    });

    it("does not bring a revoked one back: 410", async () => {
      const { id } = await newLink();
      await portal.call("DELETE", `/links/${id}`);
      expect((await refused("PATCH", `/links/${id}`, 410, { note: "b" })).code).toBe("linkEnded");
    });

    it.each<[string, unknown]>([
      ["permission", { permission: null }],
      ["expires_at", { expires_at: "2020-01-01T00:00:00Z" }],
      ["options.print", { options: { print: null } }],
      ["options.rename", { options: { rename: "yes" } }],
      ["file_id", { file_id: "abc" }],
      ["uri", { uri: "cloudreve://my/other.docx" }],
      ["maker", { maker: "portal:other" }],
    ])("in %s as it can't be is 422: %j", async (field, body) => {
      const { id } = await newLink();
      const { errors } = await refused("PATCH", `/links/${id}`, 422, body);
      expect(errors?.map((error) => error.field)).toContain(field);
    });

    it("to view takes the pen out of the hand of who edits, and frees the file for others", async () => {
      const link = await newLink();
      const grace = await visitor(link);
      await grace.get();
      expect((await grace.lock("A")).status).toBe(200);
      expect(await bridge.alice.put(String((link["file"] as Json)["name"]), "theirs")).toBe(40073);
      await portal.json("PATCH", `/links/${link["id"]}`, 200, { permission: "view" });
      expect((await grace.check()).json()).toMatchObject({ UserCanWrite: false });
      expect(await bridge.alice.put(String((link["file"] as Json)["name"]), "theirs")).toBe(0);
    });
  });

  describe("revoking one", () => {
    it("is 204, a second time too, and ends the sessions opened through it at once, with the lock they held", async () => {
      const link = await newLink();
      const grace = await visitor(link);
      await grace.get();
      expect((await grace.lock("A")).status).toBe(200);
      const revoked = await portal.call("DELETE", `/links/${link["id"]}`);
      expect(revoked.status).toBe(204);
      expect(await revoked.text()).toBe("");
      expect((await grace.check()).status).toBe(401);
      expect(await bridge.alice.put(String((link["file"] as Json)["name"]), "theirs")).toBe(0);
      expect((await portal.call("DELETE", `/links/${link["id"]}`)).status).toBe(204);
    });

    it("leaves the lock to somebody else who works under it", async () => {
      const link = await newLink();
      const grace = await visitor(link);
      const alice = wopiClient(await portal.session({ file_id: (link["file"] as Json)["id"] }));
      await grace.get();
      await alice.get();
      await grace.lock("A");
      await portal.call("DELETE", `/links/${link["id"]}`);
      expect((await alice.put("still here", "A")).status).toBe(200);
    });

    it("is done even while the drive does not take its lock back, which the sweep makes up for", async () => {
      const link = await newLink();
      const grace = await visitor(link);
      await grace.lock("A");
      proxy.intercept = (_request, response) => {
        response.destroy();
        return true;
      };
      expect((await portal.call("DELETE", `/links/${link["id"]}`)).status).toBe(204);
      proxy.intercept = undefined;
      expect((await grace.check()).status).toBe(401);
      const name = String((link["file"] as Json)["name"]);
      expect(await bridge.alice.put(name, "theirs")).toBe(40073);
      await bridge.bridge.sweep();
      expect(await bridge.alice.put(name, "theirs")).toBe(0);
    });
  });

  it("ends with a session of its own, too: the lock that it alone held is given back at once", async () => {
    const { name, uri } = await portal.newFile();
    const opened = await portal.session({ uri });
    expect((await wopiClient(opened).lock("A")).status).toBe(200);
    expect(await bridge.alice.put(name, "theirs")).toBe(40073);
    expect((await portal.end(opened.id)).status).toBe(204);
    expect(await bridge.alice.put(name, "theirs")).toBe(0);
  });
});
