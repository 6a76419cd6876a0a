import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type DriveProxy, driveProxy } from "../support/driveProxy.ts";
import { portalClient, problem } from "../support/portalClient.ts";
import { rawRequest, rawStatus } from "../support/rawHttp.ts";
import { editorUrl, portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { type Session, sessionSchema, wopiClient } from "../support/wopiClient.ts";

const otherKey = "other-portal-key";
const viewer = (id: string, extension: string, url: string) => ({
  id,
  type: "wopi" as const,
  display_name: id,
  exts: [extension],
  wopi_actions: { [extension]: { view: `${url}/view?`, edit: `${url}/edit?` } },
});
const viewers = [
  viewer("writer", "docx", editorUrl),
  viewer("second-writer", "docx", "http://127.0.0.1:8"),
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

describe("the portal API", () => {
  let bridge: TestBridge;
  let proxy: DriveProxy;
  const portal = portalClient(() => bridge);
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
  });
  afterAll(async () => {
    await bridge.close();
    await proxy.close();
  });

  describe("a session", () => {
    it("comes with all that a portal needs, and nothing else", async () => {
      const { name, uri } = await portal.newFile();
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
        "person",
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
      const { name, uri } = await portal.newFile();
      const { id } = await bridge.alice.info(name);
      const sessions = [
        await portal.session({ uri }),
        await portal.session({ file_id: id }),
        await portal.session({ uri, action: "view", user: { id: "u", name: "U" }, lang: "de" }),
        await portal.session({ uri }, { Authorization: `Bearer ${otherKey}` }),
      ];
      const sources = sessions.map(({ action_url }) => new URL(action_url).searchParams.get("WOPISrc"));
      expect(new Set(sources)).toEqual(new Set([`${bridge.url}/wopi/files/${id}`]));
      expect(new Set(sessions.map(({ id: one }) => one)).size).toBe(4);
      expect(new Set(sessions.map(({ access_token: token }) => token)).size).toBe(4);
    });

    it("to view is opened with the viewing address, and says so", async () => {
      const { uri } = await portal.newFile();
      const opened = await portal.session({ uri, action: "view" });
      expect(opened.permission).toBe("view");
      expect(new URL(opened.action_url).pathname).toBe("/view");
      expect(new URL((await portal.session({ uri })).action_url).pathname).toBe("/edit");
    });

    it("of an old version tells of that version", async () => {
      const { name, uri } = await portal.newFile("docx", "the first");
      const { primary_entity: version } = await bridge.alice.info(name);
      await bridge.alice.put(name, "the second one");
      const opened = await portal.session({ uri, version, action: "view" });
      expect(opened.file).toMatchObject({ size: 9, version });
      expect(opened.permission).toBe("view");
    });

    it("of a version that never was, or is another file's, is 404", async () => {
      const { uri } = await portal.newFile();
      const other = await portal.newFile();
      const { primary_entity: foreign } = await bridge.alice.info(other.name);
      for (const version of ["zzzzzz", foreign]) {
        expect((await portal.refused({ uri, action: "view", version }, 404)).code).toBe("fileMissing");
      }
    });

    it("never takes an address of ours from what the caller says of himself", async () => {
      const { uri } = await portal.newFile();
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
      const { uri } = await portal.newFile();
      expect(new URL((await portal.session({ uri })).action_url).origin).toBe(editorUrl);
      const second = await portal.session({ uri, viewer_id: "second-writer" });
      expect(new URL(second.action_url).origin).toBe("http://127.0.0.1:8");
    });

    it("hands the purchase ticket and the parent on to the drive", async () => {
      const { uri } = await portal.newFile();
      await portal.session({ uri, parent_uri: "cloudreve://my" }, { "X-Cr-Purchase-Ticket": "ticket-1" });
      const minted = proxy.seen.find(({ path }) => path.endsWith("/file/viewerSession"));
      expect(minted?.headers["x-cr-purchase-ticket"]).toBe("ticket-1");
    });

    it("takes names with everything in them that the drive allows", async () => {
      for (const name of ["a b+c%20d#e&f='g'.docx", "文書 😀.docx", "sub folder/ü.docx"]) {
        expect(await bridge.alice.put(name, "x")).toBe(0);
        const opened = await portal.session({ uri: bridge.alice.uriOf(name) });
        expect(opened.file.name).toBe(name.split("/").at(-1));
      }
    });
  });

  describe("language and theme", () => {
    const query = async (body: Record<string, unknown>, extension = "odt") => {
      const { uri } = await portal.newFile(extension);
      return new URL((await portal.session({ uri, ...body })).action_url).searchParams;
    };

    it("are said to the editor where its address has a place for them", async () => {
      const parameters = await query({ lang: "zh-CN", theme: "dark" });
      expect(Object.fromEntries(parameters)).toMatchObject({ ui: "zh-CN", rs: "zh-CN", thm: "2" });
      expect((await query({ lang: "de", theme: "light" })).get("thm")).toBe("1");
    });

    it("leave nothing of the drive's own words when the portal does not say", async () => {
      const parameters = await query({});
      expect([...parameters.keys()]).toEqual(["WOPISrc", "closebutton"]);
      expect([...(await query({}, "docx")).keys()]).toEqual(["WOPISrc", "closebutton"]);
    });

    it("the language comes as lang where the address has no place for it", async () => {
      expect((await query({ lang: "de-AT" }, "docx")).get("lang")).toBe("de-AT");
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
      const { uri } = await portal.newFile();
      const opened = await portal.session({ uri });
      expect((await portal.end(opened.id, "wrong-portal-key")).status).toBe(401);
      expect((await wopiClient(opened).check()).status).toBe(200);
    });
  });

  describe("the end of a session", () => {
    it("is 204, its next call 401, and a second time there is nothing to end", async () => {
      const { uri } = await portal.newFile();
      const opened = await portal.session({ uri });
      const client = wopiClient(opened);
      expect((await client.check()).status).toBe(200);
      const ended = await portal.end(opened.id);
      expect(ended.status).toBe(204);
      expect(await ended.text()).toBe("");
      expect((await client.check()).status).toBe(401);
      expect((await problem(await portal.end(opened.id))).code).toBe("fileMissing");
      expect((await portal.end(opened.id)).status).toBe(404);
    });

    it("is not another portal's affair", async () => {
      const { uri } = await portal.newFile();
      const opened = await portal.session({ uri });
      expect((await portal.end(opened.id, otherKey)).status).toBe(404);
      expect((await wopiClient(opened).check()).status).toBe(200);
    });

    it.each(["nothing", "__proto__", "a%2Fb", "%00", "x".repeat(500)])(
      "of a session that never was is 404: %s",
      async (id) => {
        expect((await portal.end(id)).status).toBe(404);
      },
    );

    it("in an address whose escapes are broken is no error of the server's", async () => {
      expect((await portal.end("%zz")).status).toBeLessThan(500);
    });
  });

  it("answers what it does not know with a problem, too", async () => {
    for (const [method, path] of [
      ["GET", "/api/sessions/x"],
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

  it.each([
    ["POST", "/api/session", "POST /api/sessions"],
    ["POST", "/api/v1/sessions", "POST /api/sessions"],
    ["GET", "/api/link/m2Xq7Lr9sWbA", "GET /api/links/{id}"],
    ["GET", "/api/files/aB3x/activty", "GET /api/files/{id}/activity"],
    ["GET", "/api/documents-of-everybody", undefined],
  ])("says of an address that it does not know which one it is like: %s %s", async (method, path, meant) => {
    const answered = await fetch(`${bridge.url}${path}`, { method });
    expect(answered.status).toBe(404);
    expect(answered.headers.get("link")).toBe(`<${bridge.url}/openapi.json>; rel="service-desc"`);
    const { code, detail = "" } = await problem(answered);
    expect(code).toBe("pathUnknown");
    if (meant === undefined) expect(detail).toBe("All calls are in /openapi.json.");
    else expect(detail).toContain(`Did you mean ${meant}`);
  });

  it.each([
    ["PATCH", "/api/sessions", "POST, GET, HEAD, OPTIONS"],
    ["PUT", "/api/sessions/x", "DELETE, OPTIONS"],
    ["POST", "/api/links/x", "GET, PATCH, DELETE, HEAD, OPTIONS"],
  ])("says of a method that an address does not know which it does: %s %s", async (method, path, allow) => {
    const answered = await fetch(`${bridge.url}${path}`, { method });
    expect(answered.status).toBe(405);
    expect(answered.headers.get("allow")).toBe(allow);
    expect((await problem(answered)).code).toBe("methodNotAllowed");
  });

  it("is not for pages of other origins", async () => {
    const answered = await fetch(`${bridge.url}/api/sessions`, {
      method: "OPTIONS",
      headers: { Origin: "https://evil.example" },
    });
    expect(answered.headers.get("access-control-allow-origin")).toBeNull();
  });
});
