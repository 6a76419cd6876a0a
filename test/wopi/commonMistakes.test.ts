import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DiscoveryServer, discoveryServer } from "../support/discoveryServer.ts";
import { hostPageFacts, namedDocument, openAsOwner, openedAt } from "../support/namedDocument.ts";
import { rawRequest, rawStatus } from "../support/rawHttp.ts";
import { editorUrl, type TestBridge, testBridge } from "../support/testBridge.ts";
import { fromUtf7, utf7 } from "../support/utf7.ts";
import { collabora, sessionSchema, type WopiAnswer, type WopiClient } from "../support/wopiClient.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** Reference wopi.md section 15, one by one and in its order: none of them is made here. */
describe("the mistakes that hosts make", () => {
  let bridge: TestBridge;
  let documents = 0;
  beforeAll(async () => {
    bridge = await testBridge({
      store: "file",
      settings: { EMBED_ORIGINS: "https://portal.example.org" },
      drive: { settings: { accessTokenTtlSeconds: 1_000_000, viewerSessionTimeoutSeconds: 1_000_000 } },
    });
  });
  afterAll(() => bridge.close());

  const openNew = async (text = "before", more: Record<string, unknown> = {}, name = "Report.docx") => {
    const path = `mistake ${++documents}/${name}`;
    expect(await bridge.alice.put(path, text)).toBe(0);
    const client = await bridge.open(path, more);
    await client.check();
    await client.get();
    return { path, client };
  };
  /** As its owner does: with every right that the protocol has. */
  const openOwn = async (name?: string) => {
    const { path } = await openNew("before", {}, name);
    return { path, client: await openAsOwner(bridge, path) };
  };
  const openAndLock = async (lockId: string) => {
    const opened = await openNew();
    expect((await opened.client.lock(lockId)).status).toBe(200);
    return opened;
  };
  const beside = (path: string, name: string) => `${path.slice(0, path.lastIndexOf("/"))}/${name}`;
  const facts = async (client: WopiClient) => (await client.check()).json();
  const rename = (client: WopiClient, name: string) =>
    client.post("RENAME_FILE", { "X-WOPI-RequestedName": utf7(name) }, "the whole document");
  const saveAs = (client: WopiClient, headers: Record<string, string>) => client.post("PUT_RELATIVE", headers, "copy");

  it("1. every 409 tells the lock, and tells an empty one when the file is not locked", async () => {
    const { client } = await openOwn();
    const unlocked = [client.refresh("A"), client.unlock("A"), client.relock("A", "B"), client.put("x")];
    for (const answering of unlocked) {
      const answer = await answering;
      expect([answer.status, answer.header("x-wopi-lock")]).toEqual([409, ""]);
    }
    await client.lock("A");
    const wrong = [client.lock("B"), client.refresh("B"), client.unlock("B"), client.relock("B", "C"), client.put("x")];
    for (const answering of [...wrong, client.post("DELETE"), client.put("x", "B")]) {
      const answer = await answering;
      expect([answer.status, answer.header("x-wopi-lock")]).toEqual([409, "A"]);
    }
    const taken = await saveAs(client, { "X-WOPI-RelativeTarget": "Report.docx" });
    expect([taken.status, taken.header("x-wopi-lock")]).toEqual([409, ""]);
  });

  it("2. a lock conflict is 409, a missing right 404, a bad token 401: never 403 or 423", async () => {
    const { client, path } = await openAndLock("A");
    expect((await client.lock("B")).status).toBe(409);
    const reader = await bridge.open(path, { action: "view" });
    for (const answering of [reader.lock("A"), reader.put("x", "A"), rename(reader, "x"), reader.post("DELETE")]) {
      expect((await answering).status).toBe(404);
    }
    expect((await fetch(`${client.src}?access_token=garbage`)).status).toBe(401);
    expect((await fetch(client.src)).status).toBe(401);
  });

  it("3. Unlock and RefreshLock of an unlocked file are 409 with an empty id", async () => {
    const { client } = await openNew();
    for (const answering of [client.unlock("A"), client.refresh("A")]) {
      const answer = await answering;
      expect(answer.status).toBe(409);
      expect(answer.header("x-wopi-lock")).toBe("");
    }
  });

  it("4. LOCK with X-WOPI-OldLock is UnlockAndRelock: it compares the old id and sets the new one", async () => {
    const { client } = await openAndLock("old");
    expect((await client.relock("wrong", "new")).status).toBe(409);
    expect((await client.getLock()).header("x-wopi-lock")).toBe("old");
    expect((await client.relock("old", "new")).status).toBe(200);
    expect((await client.getLock()).header("x-wopi-lock")).toBe("new");
  });

  it("5. PutFile refuses an unlocked document that holds something, and fills one that is empty", async () => {
    const { client: full, path } = await openNew("before");
    expect((await full.put("after")).status).toBe(409);
    expect(await bridge.alice.read(path)).toBe("before");
    const { client: empty, path: emptyPath } = await openNew("");
    expect((await empty.put("filled")).status).toBe(200);
    expect(await bridge.alice.read(emptyPath)).toBe("filled");
  });

  it("6. a lock belongs to the file: any user's, after a restart too, and it ends after thirty minutes", async () => {
    const { client, path } = await openAndLock("A");
    await bridge.restart();
    const other = await bridge.open(path, { user: { id: "o", name: "Other" } });
    expect((await other.getLock()).header("x-wopi-lock")).toBe("A");
    expect((await other.put("by the other", "A")).status).toBe(200);
    expect((await other.lock("B")).status).toBe(409);
    bridge.clock.advance(29 * minuteMs);
    expect((await client.getLock()).header("x-wopi-lock")).toBe("A");
    bridge.clock.advance(2 * minuteMs);
    expect((await client.getLock()).header("x-wopi-lock")).toBe("");
    expect((await other.lock("B")).status).toBe(200);
  });

  it("7. a lock id of 1024 characters is kept and compared to the letter, whatever it looks like", async () => {
    const lockId = `{"S":"a  b","F":4,"E":2,"x":"${"Ab".repeat(600)}`.slice(0, 1023);
    const longest = `${lockId}"`;
    const { client } = await openAndLock(longest);
    expect((await client.getLock()).header("x-wopi-lock")).toBe(longest);
    for (const near of [longest.toLowerCase(), longest.replace("a  b", "a b"), lockId]) {
      expect((await client.refresh(near)).header("x-wopi-lock")).toBe(longest);
    }
    expect((await client.put("after", longest)).status).toBe(200);
    expect((await client.lock("x".repeat(1025))).status).toBe(400);
  });

  it("8. the version changes with each save, within a second too, and with nothing else", async () => {
    const { client } = await openAndLock("A");
    const seen = [(await facts(client))["Version"]];
    for (const text of ["one", "two", "three"]) {
      const saved = (await client.put(text, "A")).header("x-wopi-itemversion");
      expect((await facts(client))["Version"]).toBe(saved);
      seen.push(saved);
    }
    expect(new Set(seen).size).toBe(4);
    await rename(client, "Renamed");
    await client.relock("A", "B");
    await client.unlock("B");
    expect((await facts(client))["Version"]).toBe(seen.at(-1));
  });

  it("9. UTF-7 is decoded always, and as RFC 2152 has it", async () => {
    const { client } = await openNew();
    for (const [sent, name] of [
      ["+AGE-+AF8-b.docx", "a_b.docx"],
      ["Gr+APYA3w-e.docx", "Größe.docx"],
      ["+APw.docx", "ü.docx"],
      ["C+-+-.docx", "C++.docx"],
      ["Gr&APYA3w-e.docx", "Gr&APYA3w-e.docx"],
    ] as const) {
      expect(namedDocument(await saveAs(client, { "X-WOPI-SuggestedTarget": sent })).Name).toBe(name);
    }
  });

  it("10. RenameFile leaves the extension alone: not doubled, not lost, not in the answer", async () => {
    const { client } = await openNew();
    for (const asked of ["Summary", "Final.docx"]) {
      const name = asked.replace(".docx", "");
      expect(namedDocument(await rename(client, asked)).Name).toBe(name);
      expect((await facts(client))["BaseFileName"]).toBe(`${name}.docx`);
    }
  });

  it("11. PutRelativeFile finds a name in suggested mode, none in exact mode, and spares a locked file", async () => {
    const { client, path } = await openOwn();
    const locked = beside(path, "Locked.docx");
    await bridge.alice.put(locked, "theirs");
    await (await bridge.open(locked)).lock("theirs");
    expect(namedDocument(await saveAs(client, { "X-WOPI-SuggestedTarget": "Locked.docx" })).Name).toBe(
      "Locked (2).docx",
    );
    const exact = { "X-WOPI-RelativeTarget": "Locked.docx" };
    expect((await saveAs(client, exact)).status).toBe(409);
    const overwriting = await saveAs(client, { ...exact, "X-WOPI-OverwriteRelativeTarget": "true" });
    expect([overwriting.status, overwriting.header("x-wopi-lock")]).toEqual([409, "theirs"]);
    expect(await bridge.alice.read(locked)).toBe("theirs");
  });

  it("12. OverwriteRelativeTarget is understood as True, too", async () => {
    const { client, path } = await openOwn();
    await bridge.alice.put(beside(path, "Taken.docx"), "theirs");
    const headers = { "X-WOPI-RelativeTarget": "Taken.docx", "X-WOPI-OverwriteRelativeTarget": "True" };
    expect(namedDocument(await saveAs(client, headers)).Name).toBe("Taken.docx");
    expect(await bridge.alice.read(beside(path, "Taken.docx"))).toBe("copy");
  });

  it("13. an address in an answer is absolute and holds a token for the file it names", async () => {
    const { client } = await openOwn();
    const { Url } = namedDocument(await saveAs(client, { "X-WOPI-SuggestedTarget": ".odt" }));
    expect(new URL(Url).origin).toBe(bridge.url);
    const copy = openedAt(Url, client);
    expect((await facts(copy))["BaseFileName"]).toBe("Report.odt");
    expect((await fetch(`${client.src}?access_token=${copy.session.access_token}`)).status).toBe(401);
    expect((await facts(openedAt(namedDocument(await rename(client, "New")).Url, client)))["BaseFileName"]).toBe(
      "New.docx",
    );
  });

  it("14. access_token_ttl is a moment in milliseconds: ten hours from now", async () => {
    const { client } = await openNew();
    const fromNowMs = client.session.access_token_ttl - bridge.clock.now();
    expect(fromNowMs).toBe(10 * hourMs);
    const page = await (await fetch(client.session.host_page_url)).text();
    expect(page).toContain(`name="access_token_ttl" value="${client.session.access_token_ttl}"`);
  });

  it("15. WOPISrc is the same for everybody, without token or user, and stands encoded in the action URL", async () => {
    const { client, path } = await openNew();
    const other = await bridge.open(path, { action: "view", user: { id: "somebody", name: "Somebody" } });
    expect(other.src).toBe(client.src);
    expect(client.src).toMatch(new RegExp(`^${bridge.url}/wopi/files/[A-Za-z0-9]+$`));
    expect(client.session.action_url).toContain(`WOPISrc=${encodeURIComponent(client.src)}`);
    expect(client.session.action_url).not.toContain(client.session.access_token);
  });

  it("16. CheckFileInfo has no null, no number as text, no id as number, no address that is none", async () => {
    for (const more of [{}, { action: "view" }, { user: { id: "7", name: "7", email: "u@example.com" } }]) {
      const { client } = await openNew("seven b", more);
      const all = await facts(client);
      expect(all["Size"]).toBe(7);
      for (const [name, value] of Object.entries(all)) {
        expect(value, name).not.toBeNull();
        expect(value, name).not.toBe("");
        if (/Id$/.test(name)) expect(typeof value, name).toBe("string");
        if (/Ur[li]$/i.test(name)) expect(URL.canParse(String(value)), name).toBe(true);
      }
    }
  });

  it("17. what CheckFileInfo promises is not answered 501, and what is 501 is not promised", async () => {
    const calls: Readonly<Record<string, readonly string[]>> = {
      SupportsUpdate: ["PUT_RELATIVE"],
      SupportsLocks: ["LOCK", "REFRESH_LOCK", "UNLOCK"],
      SupportsGetLock: ["GET_LOCK"],
      SupportsRename: ["RENAME_FILE"],
      SupportsUserInfo: ["PUT_USER_INFO"],
      SupportsDeleteFile: ["DELETE"],
      SupportsAddActivities: ["ADD_ACTIVITIES"],
      SupportsCobalt: ["COBALT"],
      SupportedShareUrlTypes: ["GET_SHARE_URL"],
      SupportsScenarioLinks: ["GET_RESTRICTED_LINK", "REVOKE_RESTRICTED_LINK"],
      SupportsSecureStore: ["READ_SECURE_STORE"],
    };
    const { client } = await openOwn();
    const all = await facts(client);
    for (const [flag, overrides] of Object.entries(calls)) {
      for (const override of overrides) {
        const { status } = await client.post(override, { "X-WOPI-Lock": "A", "X-WOPI-UrlType": "ReadWrite" });
        if (all[flag] === undefined || all[flag] === false) expect(status, override).toBe(501);
        else expect(status, override).not.toBe(501);
      }
    }
    for (const path of ["ancestry", "ecosystem_pointer"]) {
      expect((await fetch(client.address(`/${path}`))).status).toBe(501);
    }
    expect(Object.keys(all)).not.toContain("SupportsContainers");
    expect(Object.keys(all)).not.toContain("SupportsEcosystem");
  });

  describe("18. a proof", () => {
    const wopiUrl = "https://wopi.example.org:8443/Office";
    let discovery: DiscoveryServer;
    let proving: TestBridge;
    beforeAll(async () => {
      discovery = await discoveryServer(editorUrl);
      proving = await testBridge({ store: "file", settings: { WOPI_URL: wopiUrl, DISCOVERY_URLS: discovery.url } });
      await proving.alice.put("signed.docx", "text");
    });
    afterAll(async () => {
      await proving.close();
      await discovery.close();
    });

    /** @param url what the editor believes to request; what is requested is always the right thing */
    const check = async (
      keys: Parameters<DiscoveryServer["proof"]>[1] = {},
      url?: (right: string) => string,
      more: Record<string, string> = {},
    ) => {
      const answered = await proving.postSession({ uri: "cloudreve://my/signed.docx", action: "edit" });
      const { access_token: accessToken, file } = sessionSchema.parse(await answered.json());
      const target = `/wopi/files/${file.id}?access_token=${accessToken}&x=%2f%20Y`;
      const right = `${wopiUrl}${target}`;
      const proof = discovery.proof({ accessToken, url: url?.(right) ?? right, atMs: proving.clock.now() }, keys);
      return (await fetch(`${proving.url}${target}`, { headers: { ...proof, ...more } })).status;
    };

    it("is over the address as the editor requests it, and a failed one is 500", async () => {
      expect(await check()).toBe(200);
      expect(await check({}, (right) => right.replace("%2f%20", "/ "))).toBe(500);
      expect(await check({}, (right) => right.replace(wopiUrl, proving.url))).toBe(500);
      expect(await check({}, undefined, { "X-WOPI-Proof": "", "X-WOPI-ProofOld": "" })).toBe(500);
    });

    it("fits three of four pairs of header and key", async () => {
      const unknown = "AAAA";
      expect(await check({ proof: "current" }, undefined, { "X-WOPI-ProofOld": unknown })).toBe(200);
      expect(await check({ proofOld: "current" }, undefined, { "X-WOPI-Proof": unknown })).toBe(200);
      expect(await check({ proof: "old" }, undefined, { "X-WOPI-ProofOld": unknown })).toBe(200);
      expect(await check({ proofOld: "old" }, undefined, { "X-WOPI-Proof": unknown })).toBe(500);
    });

    it("counts ticks to the last one: a time that a double would round is another time", async () => {
      const ticksNow = () => BigInt(proving.clock.now()) * 10_000n + 621_355_968_000_000_000n;
      // Doubles of this size are 128 apart: in the middle between two the next tick is another double.
      while (Number(ticksNow()) !== Number(ticksNow() + 1n)) proving.clock.advance(1);
      const ticks = ticksNow();
      expect(Number(ticks)).toBe(Number(ticks + 1n));
      expect(await check({}, undefined, { "X-WOPI-TimeStamp": String(ticks) })).toBe(200);
      expect(await check({}, undefined, { "X-WOPI-TimeStamp": String(ticks + 1n) })).toBe(500);
    });
  });

  it("19. a body is bytes: of no type, of type JSON, of megabytes, and of none", async () => {
    const { client, path } = await openNew("before", {}, "Notes.txt");
    expect((await client.lock("A")).status).toBe(200);
    const lines = ["POST", "X-WOPI-Override: PUT", "X-WOPI-Lock: A"];
    const untyped = await rawRequest(client.address("/contents"), [...lines, "Content-Length: 5"], "bytes");
    expect(rawStatus(untyped)).toBe(200);
    expect(await bridge.alice.read(path)).toBe("bytes");
    const json = '{"a":  1}\n';
    expect((await client.put(json, "A", { "Content-Type": "application/json" })).status).toBe(200);
    expect(await bridge.alice.read(path)).toBe(json);
    const large = Buffer.alloc(3_000_000, "large ");
    expect((await client.put(large, "A")).status).toBe(200);
    expect((await facts(client))["SHA256"]).toBe(createHash("sha256").update(large).digest("base64"));
    const empty = await rawRequest(client.address("/contents"), [...lines, "Content-Length: 0"]);
    expect(rawStatus(empty)).toBe(200);
    expect((await facts(client))["Size"]).toBe(0);
  });

  it("20. a save answers with the time that CheckFileInfo then tells, and compares moments, not texts", async () => {
    const { client } = await openAndLock("A");
    for (const text of ["one", "two"]) {
      bridge.clock.advance(5_000);
      const saved = await client.put(text, "A");
      const time = String(saved.json()["LastModifiedTime"]);
      expect((await facts(client))["LastModifiedTime"]).toBe(time);
      const spelled = { "X-LOOL-WOPI-Timestamp": time.replace("Z", ".000000Z") };
      expect((await client.put(`${text}, again`, "A", spelled)).status).toBe(200);
    }
  });

  it("21. the host page lets the token be posted to the editor, and portals frame it", async () => {
    const { client } = await openNew();
    const answered = await fetch(client.session.host_page_url);
    const policy = answered.headers.get("content-security-policy") ?? "";
    expect(policy).toContain(`form-action ${editorUrl}`);
    expect(policy).toContain(`frame-src ${editorUrl}`);
    expect(policy).toContain("frame-ancestors 'self' https://portal.example.org");
    expect(answered.headers.get("x-frame-options")).toBeNull();
  });

  it("22. the token is in no page's address, no log line, and no Referer", async () => {
    const { client } = await openAndLock("A");
    const { access_token: token, host_page_url, action_url } = client.session;
    await client.put("after", "wrong");
    const answered = await fetch(host_page_url);
    expect(answered.headers.get("referrer-policy")).toBe("no-referrer");
    expect(answered.headers.get("cache-control")).toContain("no-store");
    expect(host_page_url + action_url).not.toContain(token);
    expect(bridge.logLines.length).toBeGreaterThan(0);
    expect(JSON.stringify(bridge.logLines)).not.toContain(token);
  });

  it("23. a name of quotes, #, %, +, emoji and right-to-left text breaks neither header nor address", async () => {
    const name = "it's 100% #1 + 😀 תקציב";
    const { client, path } = await openOwn(`${name}.docx`);
    const taken = await saveAs(client, { "X-WOPI-RelativeTarget": utf7(`${name}.docx`) });
    const offered = taken.header("x-wopi-validrelativetarget") ?? "";
    expect(offered).toMatch(/^[\x20-\x7e]+$/);
    expect(fromUtf7(offered)).toBe(`${name} (2).docx`);
    const illegal = await saveAs(client, { "X-WOPI-RelativeTarget": utf7(`"${name}".docx`) });
    expect(illegal.header("x-wopi-invalidfilenameerror")).toMatch(/^[\x20-\x7e]+$/);
    const { Name, Url } = namedDocument(await saveAs(client, { "X-WOPI-SuggestedTarget": ".odt" }));
    expect(Name).toBe(`${name}.odt`);
    expect(Url).toMatch(/^[\x21-\x7e]+$/);
    const person = await bridge.open(path, { user: { id: name, name } });
    expect((await facts(person))["UserFriendlyName"]).toBe(name);
    expect((await hostPageFacts(person.session.host_page_url)).status).toBe(200);
  });

  it("24. nothing is cached, shortened or half told: no ETag, no 304, no compression, true lengths", async () => {
    const { client } = await openNew("x".repeat(100_000));
    const asking = {
      "Accept-Encoding": "gzip, br",
      "If-None-Match": "*",
      "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT",
    };
    const answers: WopiAnswer[] = [await client.check(), await client.get(asking), await client.get(asking)];
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      for (const header of ["etag", "last-modified", "content-encoding"]) expect(answer.header(header)).toBeNull();
      expect(answer.header("content-length")).toBe(String(answer.bytes.length));
      expect(answer.header("cache-control")).toContain("no-store");
    }
  });

  it("25. a save is the session's, not the token's user's: whoever's token it comes with, nobody meets a conflict", async () => {
    const { client: anna, path } = await openNew("before", { user: { id: "a", name: "Anna" } });
    const ben = await bridge.open(path, { user: { id: "b", name: "Ben" } });
    await ben.check();
    await anna.lock("A");
    const editors = { "X-WOPI-Editors": `${(await facts(anna))["UserId"]},${(await facts(ben))["UserId"]}` };
    let timestamp = String((await facts(anna))["LastModifiedTime"]);
    for (const [saver, text] of [
      [anna, "one"],
      [ben, "two"],
      [anna, "three"],
    ] as const) {
      bridge.clock.advance(5_000);
      const saved = await saver.put(text, "A", { ...editors, ...collabora({ timestamp }) });
      expect(saved.status).toBe(200);
      timestamp = String(saved.json()["LastModifiedTime"]);
    }
    // The one whose token did not bring the last save can end the session just as well.
    expect((await anna.put("the end", "A", collabora({ timestamp, exitSave: true }))).status).toBe(200);
    expect((await ben.unlock("A")).status).toBe(200);
    expect(await bridge.alice.read(path)).toBe("the end");
    expect(await bridge.alice.list(path.slice(0, path.lastIndexOf("/")))).toEqual(["Report.docx"]);
  });
});
