import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { discoveryServer } from "../support/discoveryServer.ts";
import { linkOwner } from "../support/linkOwner.ts";
import { editorUrl, type TestBridge, testBridge } from "../support/testBridge.ts";
import { type WopiClient, wopiClient } from "../support/wopiClient.ts";
import { askBootstrapper, callAt, folderSession, reachedFrom } from "./folderSession.ts";

const hourMs = 3_600_000;

/** An editor's server at an address that an app or a portal's session was given. */
function editorAt(url: string): WopiClient {
  const [src = "", token = ""] = url.split("?access_token=");
  return wopiClient({ access_token: token } as never, src);
}

describe("a session that reaches folders", () => {
  let bridge: TestBridge;
  beforeEach(async () => {
    bridge = await testBridge({ store: "file", pause: async () => undefined });
    await bridge.alice.put("Reports/First.docx", "first");
    await bridge.alice.put("Reports/Second.docx", "second");
  });
  afterEach(() => bridge.close());

  const portal = () => bridge.open("Reports/First.docx", { scope: "folder", user: { id: "ann", name: "Ann" } });

  it("gives back the lock of what was opened through it as soon as the portal ends it", async () => {
    const client = await portal();
    const second = editorAt(await (await reachedFrom(client.address())).file("Reports/Second.docx"));
    await second.check();
    expect((await second.lock("A")).status).toBe(200);
    expect(await bridge.alice.put("Reports/Second.docx", "theirs")).toBe(40073);
    await bridge.endSession(client.session.id);
    expect(await bridge.alice.put("Reports/Second.docx", "theirs")).toBe(0);
  });

  it("keeps what its editor saves late beside the document", async () => {
    const client = await portal();
    const second = editorAt(await (await reachedFrom(client.address())).file("Reports/Second.docx"));
    await second.get();
    await second.lock("A");
    await bridge.endSession(client.session.id);
    expect((await second.put("last words", "A")).status).toBe(401);
    expect(await bridge.alice.read("Reports/Second.docx")).toBe("second");
    const [copy] = (await bridge.alice.list("Reports")).filter((name) => name.startsWith("Second (conflict, Ann"));
    expect(await bridge.alice.read(`Reports/${copy}`)).toBe("last words");
  });

  it("opens a file again that it opened before it was renewed", async () => {
    const client = await portal();
    const page = await (await fetch(client.session.host_page_url)).text();
    const [, key = ""] = /"pageKey":"([\w-]+)"/.exec(page) ?? [];
    const before = await reachedFrom(client.address());
    expect((await callAt(await before.file("Reports/Second.docx"))).status).toBe(200);
    bridge.clock.advance(9 * hourMs);
    const renewed = await fetch(`${bridge.url}/edit/${key}/renew`, { method: "POST" });
    const { access_token: token } = (await renewed.json()) as { access_token: string };
    bridge.clock.advance(2 * hourMs);
    const after = await reachedFrom(`${client.src}?access_token=${token}`);
    expect((await callAt(await after.file("Reports/Second.docx"))).status).toBe(200);
  });

  it("of an app takes one row, however often the app calls", async () => {
    const rows = async () => (await bridge.storedText()).split("\n").filter((line) => line.startsWith("grant:")).length;
    const first = await folderSession(bridge, bridge.alice.accessToken);
    for (let calls = 0; calls < 20; calls++) await folderSession(bridge, bridge.alice.accessToken);
    expect(await rows()).toBe(1);
    // Its files too.
    const file = await first.file("Reports/First.docx");
    const again = await (await folderSession(bridge, bridge.alice.accessToken)).file("Reports/First.docx");
    for (const url of [file, again]) expect((await callAt(url)).status).toBe(200);
    expect(await rows()).toBe(2);
  });

  it("of an app ends by signing out everywhere, with its locks, and begins anew with the next call", async () => {
    const app = await folderSession(bridge, bridge.alice.accessToken);
    const first = editorAt(await app.file("Reports/First.docx"));
    await first.check();
    await first.lock("A");
    const alice = await linkOwner(bridge);
    expect(
      (await alice.person.get(`/takeover?file_id=${(await bridge.alice.info("Reports/First.docx")).id}`)).text,
    ).toContain("Alice");
    await alice.person.post("/signout", { everywhere: "1" });
    expect((await first.check()).status).toBe(401);
    await bridge.bridge.sweep();
    expect(await bridge.alice.put("Reports/First.docx", "theirs")).toBe(0);
    expect((await first.put("late", "A")).status).toBe(401);
    expect((await bridge.alice.list("Reports")).filter((name) => name.startsWith("First (conflict"))).toHaveLength(1);
    const anew = await folderSession(bridge, bridge.alice.accessToken);
    expect((await callAt(await anew.file("Reports/First.docx"))).status).toBe(200);
  });

  it("of an app has pages in the web for what Save As makes: those of the owner", async () => {
    const app = await folderSession(bridge, bridge.alice.accessToken);
    const made = await callAt(await app.file("Reports/First.docx"), {
      override: "PUT_RELATIVE",
      headers: { "X-WOPI-SuggestedTarget": "Copy.docx" },
    });
    const { id } = await bridge.alice.info("Reports/Copy.docx");
    expect(made.json()).toMatchObject({
      HostEditUrl: `${bridge.url}/open?file_id=${id}`,
      HostViewUrl: `${bridge.url}/open?file_id=${id}`,
    });
  });
});

describe("an app beside an editor that signs its calls", () => {
  it.each([
    ["offered", 200],
    ["required", 501],
  ])("with PROOF_KEYS=%s gets %i from the bootstrapper", async (PROOF_KEYS, status) => {
    const discovery = await discoveryServer(editorUrl);
    const bridge = await testBridge({ settings: { DISCOVERY_URLS: discovery.url, PROOF_KEYS } });
    await bridge.alice.put("First.docx", "first");
    const bearer = { Authorization: `Bearer ${bridge.alice.accessToken}` };
    expect((await askBootstrapper(bridge.url, bearer, "GET")).status).toBe(status);
    if (status === 200) {
      const file = await (await folderSession(bridge, bridge.alice.accessToken)).file("First.docx");
      expect((await callAt(file)).status).toBe(200);
    }
    // A portal's session is for that editor: its calls on folders are signed as all others are.
    const { session } = await bridge.open("First.docx", { scope: "folder" });
    const path = `/wopi/files/${session.file.id}/ecosystem_pointer?access_token=${session.access_token}`;
    const ask = (url: string, headers: Record<string, string> = {}) => callAt(url, { headers });
    const proof = (url: string, accessToken: string) => ({
      ...discovery.proof({ accessToken, url, atMs: bridge.clock.now() }),
    });
    expect((await ask(bridge.url + path)).status).toBe(500);
    const pointer = await ask(bridge.url + path, proof(bridge.url + path, session.access_token));
    const { Url } = pointer.json() as { Url: string };
    expect((await ask(Url)).status).toBe(500);
    expect((await ask(Url, proof(Url, new URL(Url).searchParams.get("access_token") ?? ""))).status).toBe(200);
    await bridge.close();
    await discovery.close();
  });
});

describe("an app whose token of the drive may only read", () => {
  it("views, and is told so", async () => {
    const application = { clientId: "6f1c8f0e-58a5-4f0b-9c63-0a7d2f1b7e12", clientSecret: "a reader's secret" };
    const redirectUri = "https://reader.example/callback";
    const scopes = ["openid", "Files.Read"];
    const client = { ...application, name: "Reader", redirectUris: [redirectUri], scopes };
    const bridge = await testBridge({ drive: { oauthClients: [client] } });
    await bridge.alice.put("First.docx", "first");
    const { data } = await bridge.alice.call("POST", "/session/oauth/consent", {
      client_id: client.clientId,
      redirect_uri: redirectUri,
      response_type: "code",
      scope: scopes.join(" "),
      state: "x",
    });
    const answered = await fetch(`${bridge.drive.url}/api/v4/session/oauth/token`, {
      method: "POST",
      body: new URLSearchParams({
        client_id: client.clientId,
        client_secret: client.clientSecret,
        grant_type: "authorization_code",
        code: (data as { code: string }).code,
      }),
    });
    const { access_token: token } = (await answered.json()) as { access_token: string };
    const app = await folderSession(bridge, token);
    expect(app.bootstrap.UserFriendlyName).toBe("Owner");
    expect((await callAt(app.root.Url)).json()).toMatchObject({ UserCanCreateChildFile: false });
    const file = editorAt(await app.file("First.docx"));
    expect((await file.check()).json()).toMatchObject({ UserCanWrite: false, SupportsDeleteFile: false });
    expect((await file.get()).text).toBe("first");
    expect((await file.put("written")).status).toBe(404);
    expect((await file.lock("A")).status).toBe(404);
    expect(await bridge.alice.read("First.docx")).toBe("first");
    await bridge.close();
  });
});
