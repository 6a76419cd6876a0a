import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { discoveryServer } from "../support/discoveryServer.ts";
import { driveAccount } from "../support/driveAccount.ts";
import { type DriveProxy, driveProxy } from "../support/driveProxy.ts";
import { rawRequest, rawStatus } from "../support/rawHttp.ts";
import { drivePassword, editorUrl, portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { collabora, type Session, sessionSchema, wopiClient } from "../support/wopiClient.ts";

const otherKey = "other-portal-key";
const viewer = (id: string, extension: string, url: string, disabled = false) => ({
  id,
  type: "wopi" as const,
  display_name: id,
  exts: [extension],
  wopi_actions: { [extension]: { view: `${url}/view?`, edit: `${url}/edit?` } },
  ...(disabled ? { disabled } : {}),
});
const viewers = [
  viewer("writer", "docx", editorUrl),
  viewer("second-writer", "docx", "http://127.0.0.1:8"),
  viewer("disabled-calc", "xlsx", editorUrl, true),
  {
    ...viewer("placeholders", "odt", editorUrl),
    wopi_actions: {
      odt: {
        view: `${editorUrl}/view?<ui=UI_LLCC&><rs=DC_LLCC&><thm=THEME_ID&><dchat=DISABLE_CHAT&>`,
        edit: `${editorUrl}/edit?<ui=UI_LLCC&><rs=DC_LLCC&><thm=THEME_ID&><dchat=DISABLE_CHAT&>`,
      },
    },
  },
];

interface Problem {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail?: string;
  readonly errors?: { field: string; message: string }[];
}

async function problem(answered: Response): Promise<Problem> {
  expect(answered.headers.get("content-type")).toMatch(/^application\/problem\+json/);
  const body = (await answered.json()) as Problem & { type: string };
  expect(body.type).toBe("about:blank");
  expect(body.status).toBe(answered.status);
  expect(body.title).not.toBe("");
  return body;
}

describe("the portal API", () => {
  let bridge: TestBridge;
  let proxy: DriveProxy;
  let documents = 0;
  beforeAll(async () => {
    bridge = await testBridge({
      settings: { PORTAL_KEYS: `test:${portalKey},other:${otherKey}` },
      drive: { viewers },
      driveAddress: async (url) => {
        proxy = await driveProxy(url);
        return proxy.url;
      },
    });
  });
  afterEach(() => {
    proxy.seen.length = 0;
    bridge.drive.settings.maxEditSizeBytes = 52_428_800;
  });
  afterAll(async () => {
    await bridge.close();
    await proxy.close();
  });

  const newFile = async (extension = "docx", text = "text") => {
    const name = `portal-${++documents}.${extension}`;
    expect(await bridge.alice.put(name, text)).toBe(0);
    return { name, uri: bridge.alice.uriOf(name) };
  };
  const session = async (body: Record<string, unknown>, headers: Record<string, string> = {}): Promise<Session> => {
    const answered = await bridge.postSession({ action: "edit", ...body }, headers);
    expect(answered.status, await answered.clone().text()).toBe(201);
    return sessionSchema.parse(await answered.json());
  };
  const refused = async (body: unknown, status: number, headers: Record<string, string> = {}): Promise<Problem> => {
    const answered = await bridge.postSession(body, headers);
    expect(answered.status, await answered.clone().text()).toBe(status);
    return problem(answered);
  };
  const end = (id: string, key = portalKey) =>
    fetch(`${bridge.url}/api/sessions/${id}`, { method: "DELETE", headers: { Authorization: `Bearer ${key}` } });

  describe("a session", () => {
    it("comes with all that a portal needs, and nothing else", async () => {
      const { name, uri } = await newFile();
      const answered = await bridge.postSession({ uri, action: "edit" });
      expect(answered.status).toBe(201);
      expect(answered.headers.get("content-type")).toMatch(/^application\/json/);
      expect(answered.headers.get("cache-control")).toContain("no-store");
      const body = (await answered.json()) as Session;
      const { id, primary_entity: version } = await bridge.alice.info(name);
      expect(Object.keys(body).sort()).toEqual([
        "access_token",
        "access_token_ttl",
        "action_url",
        "expires_at",
        "file",
        "host_page_url",
        "id",
        "permission",
      ]);
      expect(body.file).toEqual({ id, name, size: 4, version });
      expect(body.permission).toBe("edit");
      // A moment in milliseconds, in spite of its name.
      expect(body.access_token_ttl).toBe(bridge.clock.now() + 10 * 3_600_000);
      expect(Date.parse(body.expires_at)).toBe(body.access_token_ttl);
      expect(body.host_page_url).toMatch(new RegExp(`^${bridge.url}/edit/[A-Za-z0-9_-]{32,}$`));
      expect(body.host_page_url + body.action_url).not.toContain(body.access_token);
    });

    it("names one WOPISrc for a file, whoever opens it, by its address or by its id, to edit or to view", async () => {
      const { name, uri } = await newFile();
      const { id } = await bridge.alice.info(name);
      const sessions = [
        await session({ uri }),
        await session({ file_id: id }),
        await session({ uri, action: "view", user: { id: "u", name: "U" }, lang: "de" }),
        await session({ uri }, { Authorization: `Bearer ${otherKey}` }),
      ];
      const sources = sessions.map(({ action_url }) => new URL(action_url).searchParams.get("WOPISrc"));
      expect(new Set(sources)).toEqual(new Set([`${bridge.url}/wopi/files/${id}`]));
      expect(new Set(sessions.map(({ id: one }) => one)).size).toBe(4);
      expect(new Set(sessions.map(({ access_token: token }) => token)).size).toBe(4);
    });

    it("to view is opened with the viewing address, and says so", async () => {
      const { uri } = await newFile();
      const opened = await session({ uri, action: "view" });
      expect(opened.permission).toBe("view");
      expect(new URL(opened.action_url).pathname).toBe("/view");
      expect(new URL((await session({ uri })).action_url).pathname).toBe("/edit");
    });

    it("of an old version tells of that version", async () => {
      const { name, uri } = await newFile("docx", "the first");
      const { primary_entity: version } = await bridge.alice.info(name);
      await bridge.alice.put(name, "the second one");
      const opened = await session({ uri, version, action: "view" });
      expect(opened.file).toMatchObject({ size: 9, version });
      expect(opened.permission).toBe("view");
    });

    it("of a version that never was, or is another file's, is 404", async () => {
      const { uri } = await newFile();
      const other = await newFile();
      const { primary_entity: foreign } = await bridge.alice.info(other.name);
      for (const version of ["zzzzzz", foreign]) {
        expect((await refused({ uri, action: "view", version }, 404)).code).toBe("fileMissing");
      }
    });

    it("never takes an address of ours from what the caller says of himself", async () => {
      const { uri } = await newFile();
      const body = JSON.stringify({ uri, action: "edit" });
      // The Host of a raw request is another than BRIDGE_URL's as it is.
      const answer = await rawRequest(
        `${bridge.url}/api/sessions`,
        [
          "POST",
          `Authorization: Bearer ${portalKey}`,
          "X-Forwarded-Host: evil.example",
          "X-Forwarded-Proto: https",
          "Forwarded: host=evil.example;proto=https",
          `Content-Length: ${Buffer.byteLength(body)}`,
        ],
        body,
      );
      expect(rawStatus(answer)).toBe(201);
      const opened = sessionSchema.parse(JSON.parse(answer.slice(answer.indexOf("{"))));
      expect(opened.host_page_url).toMatch(new RegExp(`^${bridge.url}/edit/`));
      expect(new URL(opened.action_url).searchParams.get("WOPISrc")).toMatch(new RegExp(`^${bridge.url}/wopi/files/`));
    });

    it("uses the viewer that the portal names", async () => {
      const { uri } = await newFile();
      expect(new URL((await session({ uri })).action_url).origin).toBe(editorUrl);
      const second = await session({ uri, viewer_id: "second-writer" });
      expect(new URL(second.action_url).origin).toBe("http://127.0.0.1:8");
    });

    it("hands the purchase ticket and the parent on to the drive", async () => {
      const { uri } = await newFile();
      await session({ uri, parent_uri: "cloudreve://my" }, { "X-Cr-Purchase-Ticket": "ticket-1" });
      const minted = proxy.seen.find(({ path }) => path.endsWith("/file/viewerSession"));
      expect(minted?.headers["x-cr-purchase-ticket"]).toBe("ticket-1");
    });

    it("takes names with everything in them that the drive allows", async () => {
      for (const name of ["a b+c%20d#e&f='g'.docx", "文書 😀.docx", "sub folder/ü.docx"]) {
        expect(await bridge.alice.put(name, "x")).toBe(0);
        const opened = await session({ uri: bridge.alice.uriOf(name) });
        expect(opened.file.name).toBe(name.split("/").at(-1));
      }
    });
  });

  describe("language and theme", () => {
    const query = async (body: Record<string, unknown>, extension = "odt") => {
      const { uri } = await newFile(extension);
      return new URL((await session({ uri, ...body })).action_url).searchParams;
    };

    it("are said to the editor where its address has a place for them", async () => {
      const parameters = await query({ lang: "zh-CN", theme: "dark" });
      expect(Object.fromEntries(parameters)).toMatchObject({ ui: "zh-CN", rs: "zh-CN", thm: "2" });
      expect((await query({ lang: "de", theme: "light" })).get("thm")).toBe("1");
    });

    it("leave nothing of the drive's own words when the portal does not say", async () => {
      const parameters = await query({});
      expect([...parameters.keys()]).toEqual(["WOPISrc"]);
      expect([...(await query({}, "docx")).keys()]).toEqual(["WOPISrc"]);
    });

    it("the language comes as lang where the address has no place for it", async () => {
      expect((await query({ lang: "de-AT" }, "docx")).get("lang")).toBe("de-AT");
    });
  });

  describe("the drive's account", () => {
    it("is the configured one, or the user's own when his token comes along", async () => {
      const { uri } = await newFile();
      await bridge.bob.put("bobs.docx", "bob's");
      const bobs = await session({ uri: "cloudreve://my/bobs.docx" }, { "X-Cloudreve-Token": bridge.bob.accessToken });
      expect((await wopiClient(bobs).get()).text).toBe("bob's");
      const info = (await wopiClient(bobs).check()).json();
      expect(info).toMatchObject({ UserFriendlyName: "Bob", UserId: info["OwnerId"] });
      await refused({ uri, action: "edit" }, 404, { "X-Cloudreve-Token": bridge.bob.accessToken });
    });

    it("is never the configured one for somebody whose token is missing, empty or no good", async () => {
      const { uri } = await newFile();
      const body = { uri, action: "edit" };
      for (const token of ["", "garbage", `${bridge.bob.accessToken}x`, bridge.bob.refreshToken]) {
        expect((await refused(body, 401, { "X-Cloudreve-Token": token })).code).toBe("signInNeeded");
      }
      const refreshAlone = await bridge.postSession(body, { "X-Cloudreve-Refresh-Token": bridge.bob.refreshToken });
      expect([401, 422]).toContain(refreshAlone.status);
    });

    it("shows in no answer and no line of the log", async () => {
      await bridge.bob.put("quiet.docx", "x");
      const tokens = {
        "X-Cloudreve-Token": bridge.bob.accessToken,
        "X-Cloudreve-Refresh-Token": bridge.bob.refreshToken,
      };
      const opened = await session({ uri: "cloudreve://my/quiet.docx" }, tokens);
      const text = JSON.stringify([opened, bridge.logLines]);
      for (const secret of [...Object.values(tokens), drivePassword, portalKey]) expect(text).not.toContain(secret);
    });
  });

  describe("a key", () => {
    it.each([
      ["none", undefined],
      ["an empty one", "Bearer "],
      ["a wrong one", "Bearer wrong-portal-key"],
      ["one that only begins right", `Bearer ${portalKey.slice(0, -1)}`],
      ["one that goes on", `Bearer ${portalKey}x`],
      ["the name of the portal with it", `Bearer test:${portalKey}`],
      ["another scheme", `Basic ${Buffer.from(`test:${portalKey}`).toString("base64")}`],
      ["no scheme", portalKey],
    ])("is needed: %s is 401, before the body is looked at", async (_name, authorization) => {
      const answered = await fetch(`${bridge.url}/api/sessions`, {
        method: "POST",
        headers: authorization === undefined ? {} : { Authorization: authorization },
        body: "not JSON",
      });
      expect(answered.status).toBe(401);
      expect(answered.headers.get("www-authenticate")).toBe("Bearer");
      expect((await problem(answered)).code).toBe("keyInvalid");
      expect(proxy.seen).toEqual([]);
    });

    it("is needed to end a session too", async () => {
      const { uri } = await newFile();
      const opened = await session({ uri });
      expect((await end(opened.id, "wrong-portal-key")).status).toBe(401);
      expect((await wopiClient(opened).check()).status).toBe(200);
    });
  });

  describe("a body", () => {
    const uri = "cloudreve://my/a.docx";
    const good = { uri, action: "edit" };
    const user = { id: "u", name: "U" };

    it.each<[string, unknown]>([
      ["uri", { action: "edit" }],
      ["uri", { ...good, file_id: "abc" }],
      ["uri", { ...good, uri: "https://example.org/a.docx" }],
      ["uri", { ...good, uri: 5 }],
      ["uri", { ...good, uri: `cloudreve://my/${"a".repeat(4100)}` }],
      ["file_id", { action: "edit", file_id: "a/b" }],
      ["file_id", { action: "edit", file_id: "" }],
      ["action", { uri }],
      ["action", { uri, action: "delete" }],
      ["action", { uri, action: "EDIT" }],
      ["version", { ...good, version: "../x" }],
      ["viewer_id", { ...good, viewer_id: "" }],
      ["parent_uri", { ...good, parent_uri: "file:///etc" }],
      ["user", { ...good, user: "Ümit" }],
      ["user", { ...good, user: null }],
      ["user.id", { ...good, user: { name: "U" } }],
      ["user.id", { ...good, user: { ...user, id: 7 } }],
      ["user.name", { ...good, user: { ...user, name: "" } }],
      ["user.name", { ...good, user: { ...user, name: "x".repeat(129) } }],
      ["user.email", { ...good, user: { ...user, email: "nobody" } }],
      ["user.avatar_url", { ...good, user: { ...user, avatar_url: "javascript:alert(1)" } }],
      ["user.avatar_url", { ...good, user: { ...user, avatar_url: "/relative.png" } }],
      ["user.is_admin", { ...good, user: { ...user, is_admin: true } }],
      ["lang", { ...good, lang: "<script>" }],
      ["lang", { ...good, lang: "" }],
      ["theme", { ...good, theme: "blue" }],
      ["options", { ...good, options: [] }],
      ["options.print", { ...good, options: { print: "no" } }],
      ["options.watermark", { ...good, options: { watermark: "x".repeat(201) } }],
      ["options.prnit", { ...good, options: { prnit: false } }],
      ["colour", { ...good, colour: "red" }],
      ["__proto__", JSON.parse('{"uri":"cloudreve://my/a.docx","action":"edit","__proto__":{"x":1}}')],
      ["body", []],
      ["body", "just text"],
      ["body", "{bad"],
      ["body", "null"],
      ["body", "17"],
      ["body", JSON.stringify({ ...good, user: { ...user, name: "x".repeat(100_000) } })],
    ])("that is wrong in %s is 422 and the answer names it: %j", async (field, body) => {
      const answer = await refused(body, 422);
      expect(answer.code).toBe("requestInvalid");
      expect(answer.errors?.map((error) => error.field)).toContain(field);
      for (const { message } of answer.errors ?? []) expect(message).not.toBe("");
      expect(answer.detail).toContain(field);
    });

    it("with several mistakes hears of all of them at once", async () => {
      const answer = await refused({ uri: 5, action: "x", lang: 7, colour: 1 }, 422);
      expect(answer.errors?.map((error) => error.field).sort()).toEqual(["action", "colour", "lang", "uri"]);
    });

    it("that is not there is 422", async () => {
      const headers = { Authorization: `Bearer ${portalKey}` };
      const answered = await fetch(`${bridge.url}/api/sessions`, { method: "POST", headers });
      expect(answered.status).toBe(422);
    });

    it("is JSON whatever its type says", async () => {
      const { uri: real } = await newFile();
      const answered = await bridge.postSession({ uri: real, action: "view" }, { "Content-Type": "text/plain" });
      expect(answered.status).toBe(201);
    });

    it("is not repeated in what is said about it", async () => {
      const answered = await bridge.postSession('{"access": "very-secret", bad');
      expect(await answered.text()).not.toContain("very-secret");
      expect(JSON.stringify(bridge.logLines)).not.toContain("very-secret");
    });
  });

  describe("a file", () => {
    it("that is not there is 404, by address and by id", async () => {
      expect((await refused({ uri: "cloudreve://my/nothing.docx", action: "edit" }, 404)).code).toBe("fileMissing");
      expect((await refused({ file_id: "zzzzzz", action: "edit" }, 404)).code).toBe("fileMissing");
      expect((await refused({ uri: "cloudreve://my", action: "edit" }, 404)).code).toBe("fileMissing");
    });

    it("that is deleted, or in the trash, is 404", async () => {
      for (const forGood of [true, false]) {
        const { name, uri } = await newFile();
        const { id } = await bridge.alice.info(name);
        await bridge.alice.call("DELETE", "/file", { uris: [uri], skip_soft_delete: forGood });
        await refused({ uri, action: "edit" }, 404);
        await refused({ file_id: id, action: "edit" }, 404);
      }
    });

    it("of somebody else is as good as not there", async () => {
      await bridge.bob.put("private.docx", "bob's");
      const { id } = await bridge.bob.info("private.docx");
      const me = (await bridge.bob.call("GET", "/user/me")).data as { id: string };
      const byId = await refused({ file_id: id, action: "view" }, 404);
      const byUri = await refused({ uri: `cloudreve://${me.id}@my/private.docx`, action: "view" }, 404);
      const missing = await refused({ uri: "cloudreve://my/nothing.docx", action: "view" }, 404);
      expect(byId).toEqual(missing);
      expect(byUri).toEqual(missing);
    });

    it("shared by somebody else can't be opened here, and is not opened half", async () => {
      await bridge.bob.put("shared.docx", "bob's");
      const shared = await bridge.bob.call("PUT", "/share", { uri: "cloudreve://my/shared.docx" });
      const id = /\/s\/([^/]+)/.exec(String(shared.data))?.[1];
      await refused({ uri: `cloudreve://${id}@share/shared.docx`, action: "view" }, 404);
    });

    it("that the owner reaches through his own share is the document itself", async () => {
      const { name, uri } = await newFile();
      const shared = await bridge.alice.call("PUT", "/share", { uri });
      const id = /\/s\/([^/]+)/.exec(String(shared.data))?.[1];
      const client = wopiClient(await session({ uri: `cloudreve://${id}@share/${name}` }));
      expect((await client.get()).text).toBe("text");
      expect((await client.lock("A")).status).toBe(200);
      expect(await bridge.alice.put(name, "theirs")).toBe(40073);
      expect((await client.put("after", "A")).status).toBe(200);
      expect(await bridge.alice.read(name)).toBe("after");
    });

    it("that is a folder is 422", async () => {
      await bridge.alice.put("folder.docx/inside.docx", "x");
      expect((await refused({ uri: "cloudreve://my/folder.docx", action: "edit" }, 422)).code).toBe("noEditor");
    });

    it.each([
      ["no editor is set up for", "zip"],
      ["an administrator has switched the editor off for", "xlsx"],
    ])("%s is 422 with the sentence that the administrator needs", async (_name, extension) => {
      const { uri } = await newFile(extension);
      const { code, detail } = await refused({ uri, action: "edit" }, 422);
      expect(code).toBe("noEditor");
      expect(detail).toContain(`.${extension}`);
      expect(detail).toMatch(/administrator/);
    });

    it("for a viewer that is not there, or not for it, is 422 and names the viewer", async () => {
      const { uri } = await newFile();
      for (const viewer_id of ["nobody", "placeholders", "disabled-calc"]) {
        const { detail } = await refused({ uri, action: "edit", viewer_id }, 422);
        expect(detail).toContain(viewer_id);
      }
    });

    it("larger than the drive lets editors open is 422", async () => {
      const { uri } = await newFile("docx", "x".repeat(100));
      bridge.drive.settings.maxEditSizeBytes = 99;
      expect((await refused({ uri, action: "edit" }, 422)).code).toBe("bodyTooLarge");
      bridge.drive.settings.maxEditSizeBytes = 100;
      await session({ uri });
    });
  });

  describe("the end of a session", () => {
    it("is 204, its next call 401, and a second time there is nothing to end", async () => {
      const { uri } = await newFile();
      const opened = await session({ uri });
      const client = wopiClient(opened);
      expect((await client.check()).status).toBe(200);
      const ended = await end(opened.id);
      expect(ended.status).toBe(204);
      expect(await ended.text()).toBe("");
      expect((await client.check()).status).toBe(401);
      expect((await problem(await end(opened.id))).code).toBe("fileMissing");
      expect((await end(opened.id)).status).toBe(404);
    });

    it("is not another portal's affair", async () => {
      const { uri } = await newFile();
      const opened = await session({ uri });
      expect((await end(opened.id, otherKey)).status).toBe(404);
      expect((await wopiClient(opened).check()).status).toBe(200);
    });

    it.each(["nothing", "__proto__", "a%2Fb", "%00", "x".repeat(500)])(
      "of a session that never was is 404: %s",
      async (id) => {
        expect((await end(id)).status).toBe(404);
      },
    );

    it("in an address whose escapes are broken is no error of the server's", async () => {
      expect((await end("%zz")).status).toBeLessThan(500);
    });
  });

  it("answers what it does not know with a problem, too", async () => {
    for (const [method, path] of [
      ["GET", "/api/sessions"],
      ["POST", "/api/nothing"],
      ["PUT", "/api/sessions/x"],
    ] as const) {
      const answered = await fetch(`${bridge.url}${path}`, {
        method,
        headers: { Authorization: `Bearer ${portalKey}` },
      });
      expect([404, 405]).toContain(answered.status);
      await problem(answered);
    }
  });

  it("is not for pages of other origins", async () => {
    const answered = await fetch(`${bridge.url}/api/sessions`, {
      method: "OPTIONS",
      headers: { Origin: "https://evil.example" },
    });
    expect(answered.headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("a portal's access token that comes alone", () => {
  it("opens a session that outlives it: reads, locks, saves and ends as before", async () => {
    const bridge = await testBridge({ settings: { CLOUDREVE_EMAIL: "", CLOUDREVE_PASSWORD: "" } });
    await bridge.bob.put("a.docx", "before");
    const answered = await bridge.postSession(
      { uri: "cloudreve://my/a.docx", action: "edit" },
      { "X-Cloudreve-Token": bridge.bob.accessToken },
    );
    expect(answered.status).toBe(201);
    const opened = sessionSchema.parse(await answered.json());
    const client = wopiClient(opened);
    const before = (await client.check()).json();
    await client.get();
    bridge.clock.advance(2 * 3_600_000);

    expect((await client.check()).json()).toEqual(before);
    expect((await client.get()).text).toBe("before");
    expect((await client.lock("A")).status).toBe(200);
    const saved = await client.put("after", "A", collabora({ timestamp: String(before["LastModifiedTime"]) }));
    expect(saved.status).toBe(200);
    expect((await client.check()).json()).toMatchObject({
      Version: saved.header("x-wopi-itemversion"),
      LastModifiedTime: saved.json()["LastModifiedTime"],
      Size: 5,
    });
    expect((await client.get()).text).toBe("after");
    expect((await client.refresh("A")).status).toBe(200);
    expect((await client.unlock("A")).status).toBe(200);
    expect((await client.put("late", "A")).status).toBe(200);
    const bob = await driveAccount(bridge.drive.url, "bob@example.com", drivePassword);
    expect(await bob.read("a.docx")).toBe("late");
    expect(await bob.put("a.docx", "theirs")).toBe(0);
    expect((await client.put("later", "A")).status).toBe(409);

    const again = await bridge.postSession(
      { uri: "cloudreve://my/a.docx", action: "edit" },
      { "X-Cloudreve-Token": bridge.bob.accessToken },
    );
    expect(again.status).toBe(401);
    await bridge.close();
  });

  it("promises no more time than the drive gives it", async () => {
    const bridge = await testBridge({ drive: { settings: { viewerSessionTimeoutSeconds: 7200 } } });
    await bridge.bob.put("a.docx", "text");
    const body = { uri: "cloudreve://my/a.docx", action: "edit" };
    const alone = await bridge.postSession(body, { "X-Cloudreve-Token": bridge.bob.accessToken });
    const { access_token_ttl: endsAtMs } = sessionSchema.parse(await alone.json());
    expect(endsAtMs).toBeLessThanOrEqual(bridge.clock.now() + 7_200_000);
    expect(endsAtMs).toBeGreaterThan(bridge.clock.now() + 7_000_000);
    await bridge.close();
  });

  it("with a refresh token goes on in full after its end", async () => {
    const bridge = await testBridge({
      settings: { CLOUDREVE_EMAIL: "", CLOUDREVE_PASSWORD: "" },
      drive: { settings: { viewerSessionTimeoutSeconds: 3600 } },
    });
    await bridge.bob.put("a.docx", "text");
    const tokens = {
      "X-Cloudreve-Token": bridge.bob.accessToken,
      "X-Cloudreve-Refresh-Token": bridge.bob.refreshToken,
    };
    const body = { uri: "cloudreve://my/a.docx", action: "edit" };
    const client = wopiClient(sessionSchema.parse(await (await bridge.postSession(body, tokens)).json()));
    await client.get();
    // Token and session of the drive have both ended; both are had anew.
    bridge.clock.advance(3 * 3_600_000);
    expect((await client.get()).text).toBe("text");
    expect((await client.lock("A")).status).toBe(200);
    expect((await client.put("after", "A")).status).toBe(200);
    // The same pair still opens sessions: only the access token in it is old.
    expect((await bridge.postSession(body, tokens)).status).toBe(201);
    await bridge.close();
  });

  it("is needed where no account is configured", async () => {
    const bridge = await testBridge({ settings: { CLOUDREVE_EMAIL: "", CLOUDREVE_PASSWORD: "" } });
    const answered = await bridge.postSession({ uri: "cloudreve://my/a.docx", action: "edit" });
    expect(answered.status).toBe(401);
    expect((await problem(answered)).code).toBe("signInNeeded");
    await bridge.close();
  });
});

describe("sessions and DISCOVERY_URLS", () => {
  const body = { uri: "cloudreve://my/a.docx", action: "edit" };
  const open = async (discoveryUrls: string) => {
    const bridge = await testBridge({ settings: { DISCOVERY_URLS: discoveryUrls } });
    await bridge.alice.put("a.docx", "text");
    return { bridge, answered: await bridge.postSession(body) };
  };

  it("an editor of an origin that none of them describes is refused: the token is posted there", async () => {
    const discovery = await discoveryServer("http://127.0.0.1:7");
    const { bridge, answered } = await open(discovery.url);
    expect(answered.status).toBe(422);
    const { code, detail } = await problem(answered);
    expect(code).toBe("noEditor");
    expect(detail).toContain(editorUrl);
    expect(detail).toContain("DISCOVERY_URLS");
    await bridge.close();
    await discovery.close();
  });

  it("the address of discovery is used, for it is fresher than the drive's", async () => {
    const discovery = await discoveryServer(`${editorUrl}/browser/4f2a9c`);
    const { bridge, answered } = await open(discovery.url);
    const session = sessionSchema.parse(await answered.json());
    const action = new URL(session.action_url);
    expect(action.pathname).toBe("/browser/4f2a9c/edit");
    expect(action.searchParams.get("WOPISrc")).toBe(`${bridge.url}/wopi/files/${session.file.id}`);
    await bridge.close();
    await discovery.close();
  });

  it("an editor that is away is 503 and named; another editor's documents open all the same", async () => {
    const away = "http://127.0.0.1:9/hosting/discovery";
    const { bridge, answered } = await open(away);
    expect(answered.status).toBe(503);
    const { code, detail } = await problem(answered);
    expect(code).toBe("editorUnreachable");
    expect(detail).toContain(away);
    await bridge.close();
    const discovery = await discoveryServer(editorUrl);
    const second = await open(`${away},${discovery.url}`);
    expect(second.answered.status).toBe(201);
    await second.bridge.close();
    await discovery.close();
  });
});
