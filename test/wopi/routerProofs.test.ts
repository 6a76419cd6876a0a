import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type DiscoveryServer, discoveryServer } from "../support/discoveryServer.ts";
import { editorUrl, type TestBridge, testBridge } from "../support/testBridge.ts";
import { type Session, sessionSchema } from "../support/wopiClient.ts";

/** Where the editor's server reaches the bridge, which is not where the bridge listens. */
const wopiUrl = "https://wopi.example.org:8443/Office";
const minuteMs = 60_000;

/** An editor's server: signs what it believes to request, which a proxy brings to where the bridge listens. */
class SigningEditor {
  readonly #bridge: TestBridge;
  readonly #server: DiscoveryServer;
  readonly session: Session;

  constructor(bridge: TestBridge, server: DiscoveryServer, session: Session) {
    this.#bridge = bridge;
    this.#server = server;
    this.session = session;
  }

  get path(): string {
    return `/wopi/files/${this.session.file.id}`;
  }

  query(more = ""): string {
    return `?access_token=${encodeURIComponent(this.session.access_token)}${more}`;
  }

  proof(pathAndQuery: string, agoMs = 0, keys: Parameters<DiscoveryServer["proof"]>[1] = {}) {
    const request = {
      accessToken: this.session.access_token,
      url: `${wopiUrl}${pathAndQuery}`,
      atMs: this.#bridge.clock.now() - agoMs,
    };
    return this.#server.proof(request, keys);
  }

  async send(pathAndQuery: string, headers: Record<string, string>, method = "GET", body?: string): Promise<number> {
    const answered = await fetch(`${this.#bridge.url}${pathAndQuery}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    const text = await answered.text();
    // A failed proof gets nothing to learn from.
    if (answered.status === 500) expect(text).toBe("");
    return answered.status;
  }

  /** CheckFileInfo, rightly signed unless said otherwise. */
  check(agoMs = 0, keys: Parameters<DiscoveryServer["proof"]>[1] = {}): Promise<number> {
    const target = `${this.path}${this.query()}`;
    return this.send(target, this.proof(target, agoMs, keys));
  }
}

async function openSession(bridge: TestBridge, more: Record<string, unknown> = {}): Promise<Session> {
  expect(await bridge.alice.put("signed.docx", "text")).toBe(0);
  const answered = await bridge.postSession({ uri: "cloudreve://my/signed.docx", action: "edit", ...more });
  expect(answered.status).toBe(201);
  return sessionSchema.parse(await answered.json());
}

describe("proofs that are required", () => {
  let discovery: DiscoveryServer;
  let bridge: TestBridge;
  let editor: SigningEditor;
  beforeAll(async () => {
    discovery = await discoveryServer(editorUrl);
    bridge = await testBridge({
      store: "file",
      settings: { WOPI_URL: wopiUrl, DISCOVERY_URLS: discovery.url, PROOF_KEYS: "required" },
    });
    editor = new SigningEditor(bridge, discovery, await openSession(bridge));
  });
  afterAll(async () => {
    await bridge.close();
    await discovery.close();
  });

  it("hand the editor the address that it signs", () => {
    expect(new URL(editor.session.action_url).searchParams.get("WOPISrc")).toBe(`${wopiUrl}${editor.path}`);
  });

  it("let a signed call in, over the address as the editor knows it", async () => {
    expect(await editor.check()).toBe(200);
  });

  it("cover the whole query as it stands on the wire: order, case, escapes, repetitions", async () => {
    for (const more of ["&access_token_ttl=0&permission=edit", "&a=b%20c+d%2f%2F&%C3%BC=ü&empty=&x&X=1&x=2", "&=&&"]) {
      // fetch escapes what an address can't hold; what is signed is what goes over the wire.
      const { pathname, search } = new URL(`${editor.path}${editor.query(more)}`, bridge.url);
      const target = `${pathname}${search}`;
      expect(await editor.send(target, editor.proof(target)), more).toBe(200);
    }
  });

  it("cover every operation", async () => {
    const file = `${editor.path}${editor.query()}`;
    const contents = `${editor.path}/contents${editor.query()}`;
    expect(await editor.send(contents, editor.proof(contents))).toBe(200);
    const lock = { "X-WOPI-Override": "LOCK", "X-WOPI-Lock": "A" };
    expect(await editor.send(file, { ...editor.proof(file), ...lock }, "POST")).toBe(200);
    const put = { "X-WOPI-Override": "PUT", "X-WOPI-Lock": "A" };
    expect(await editor.send(contents, put, "POST", "forged")).toBe(500);
    expect(await bridge.alice.read("signed.docx")).toBe("text");
    expect(await editor.send(contents, { ...editor.proof(contents), ...put }, "POST", "text")).toBe(200);
    expect(await editor.send(file, { "X-WOPI-Override": "UNLOCK", "X-WOPI-Lock": "A" }, "POST")).toBe(500);
    expect(await editor.send(file, { "X-WOPI-Override": "NONSENSE" }, "POST")).toBe(500);
    const unlock = { "X-WOPI-Override": "UNLOCK", "X-WOPI-Lock": "A" };
    expect(await editor.send(file, { ...editor.proof(file), ...unlock }, "POST")).toBe(200);
  });

  it("come behind the token: without one it is 401, whatever is signed", async () => {
    expect(await editor.send(editor.path, editor.proof(editor.path))).toBe(401);
  });

  it("keep a call out that is not signed, or lacks one of the headers", async () => {
    const target = `${editor.path}${editor.query()}`;
    const { "X-WOPI-Proof": proof, "X-WOPI-ProofOld": old, "X-WOPI-TimeStamp": time } = editor.proof(target);
    expect(await editor.send(target, {})).toBe(500);
    expect(await editor.send(target, { "X-WOPI-Proof": proof, "X-WOPI-ProofOld": old })).toBe(500);
    expect(await editor.send(target, { "X-WOPI-TimeStamp": time })).toBe(500);
    expect(await editor.send(target, { "X-WOPI-Proof": proof, "X-WOPI-TimeStamp": time })).toBe(200);
  });

  it("do not fit another address, another file's token or another query", async () => {
    const target = `${editor.path}${editor.query()}`;
    const sign = (accessToken: string, url: string) => discovery.proof({ accessToken, url, atMs: bridge.clock.now() });
    const { access_token: token } = editor.session;
    expect(await editor.send(target, sign(token, `${bridge.url}${target}`))).toBe(500);
    expect(await editor.send(target, sign(token, `${wopiUrl}${editor.path}`))).toBe(500);
    expect(await editor.send(target, sign(token, `${wopiUrl}${target}&x=1`))).toBe(500);
    expect(await editor.send(target, sign(token.toUpperCase(), `${wopiUrl}${target}`))).toBe(500);
    expect(await editor.send(target, sign("", `${wopiUrl}${target}`))).toBe(500);
    expect(await editor.send(`${target}&x=1`, editor.proof(target))).toBe(500);
  });

  it("do not care for the case of the address, for that is how they are signed", async () => {
    const target = `${editor.path}${editor.query()}`;
    const url = `${wopiUrl.toUpperCase()}${target}`;
    const { access_token: accessToken } = editor.session;
    expect(await editor.send(target, discovery.proof({ accessToken, url, atMs: bridge.clock.now() }))).toBe(200);
  });

  it("never take scheme, host or address from what the caller says of himself", async () => {
    const target = `${editor.path}${editor.query()}`;
    const claims = {
      "X-Forwarded-Host": "evil.example",
      "X-Forwarded-Proto": "http",
      "X-Forwarded-Prefix": "/evil",
      Forwarded: "host=evil.example;proto=http",
    };
    for (const base of ["http://evil.example", "https://evil.example", "https://evil.example/Office", bridge.url]) {
      const url = `${base}${target}`;
      const forged = discovery.proof({ accessToken: editor.session.access_token, url, atMs: bridge.clock.now() });
      expect(await editor.send(target, { ...forged, ...claims, "X-Original-URL": url }), base).toBe(500);
    }
    expect(await editor.send(target, { ...editor.proof(target), ...claims })).toBe(200);
  });

  it("hold for twenty minutes, and a little into the future for clocks that differ", async () => {
    expect(await editor.check(19 * minuteMs)).toBe(200);
    expect(await editor.check(21 * minuteMs)).toBe(500);
    expect(await editor.check(-2 * minuteMs)).toBe(200);
    expect(await editor.check(-30 * minuteMs)).toBe(500);
  });

  it("count in three of four pairs of header and key", async () => {
    expect(await editor.check(0, { proof: "current", proofOld: "current" })).toBe(200);
    expect(await editor.check(0, { proof: "old", proofOld: "current" })).toBe(200);
    expect(await editor.check(0, { proof: "old", proofOld: "old" })).toBe(200);
    const target = `${editor.path}${editor.query()}`;
    const onlyOldByOld = { ...editor.proof(target, 0, { proofOld: "old" }), "X-WOPI-Proof": "AAAA" };
    expect(await editor.send(target, onlyOldByOld)).toBe(500);
  });

  it.each([
    ["a signature that is not base64", { "X-WOPI-Proof": "***", "X-WOPI-ProofOld": "***" }],
    ["a signature of another length", { "X-WOPI-Proof": "AAAA", "X-WOPI-ProofOld": "" }],
    ["a time that is no number", { "X-WOPI-TimeStamp": "now" }],
    ["a time of 1970", { "X-WOPI-TimeStamp": "0" }],
    ["a time below zero", { "X-WOPI-TimeStamp": "-1" }],
    ["a time beyond 64 bits", { "X-WOPI-TimeStamp": "9".repeat(30) }],
    ["a time that just fits 64 bits", { "X-WOPI-TimeStamp": "9".repeat(19) }],
  ])("are not upset by %s: that is a failed check", async (_name, broken) => {
    const target = `${editor.path}${editor.query()}`;
    expect(await editor.send(target, { ...editor.proof(target), ...broken })).toBe(500);
  });

  it("however broken, never surprise the bridge: each refusal is one that it knows", () => {
    const failures = new Set(bridge.logLines.map((line) => line["failure"]));
    expect(failures).toContain("proofInvalid");
    expect(failures).not.toContain("unexpected");
  });

  it("are not asked of people: pages and portals sign nothing", async () => {
    expect((await bridge.postSession({ uri: "cloudreve://my/signed.docx", action: "view" })).status).toBe(201);
    expect((await fetch(`${bridge.url}/healthz`)).status).toBe(200);
  });

  it("by a key that the editor has changed to: its other header is by the one before, which is known", async () => {
    discovery.rotate();
    expect(await editor.check()).toBe(200);
  });

  it("by a new key alone, as Collabora signs: discovery is read again, once, and the call goes through", async () => {
    bridge.clock.advance(minuteMs);
    discovery.rotate();
    const before = discovery.reads();
    for (let turn = 0; turn < 3; turn++) {
      expect(await editor.check(0, { proof: "current", proofOld: "current" })).toBe(200);
      expect(discovery.reads()).toBe(before + 1);
    }
    // Servers of the editor that are behind sign with the key before.
    expect(await editor.check(0, { proof: "old", proofOld: "old" })).toBe(200);
  });

  it("by two changes at once can still be told from forgeries", async () => {
    bridge.clock.advance(minuteMs);
    discovery.rotate();
    discovery.rotate();
    expect(await editor.check()).toBe(200);
  });

  it("that are forged by the dozen do not make the bridge read discovery by the dozen", async () => {
    bridge.clock.advance(minuteMs);
    const before = discovery.reads();
    const target = `${editor.path}${editor.query()}`;
    const forged = { ...editor.proof(target), "X-WOPI-Proof": "AAAA", "X-WOPI-ProofOld": "AAAA" };
    const statuses = await Promise.all(Array.from({ length: 24 }, () => editor.send(target, forged)));
    expect(new Set(statuses)).toEqual(new Set([500]));
    expect(discovery.reads()).toBeLessThanOrEqual(before + 1);
  });

  it("are checked with the last good keys while the editor's discovery is away, over a restart too", async () => {
    discovery.show("nothing");
    bridge.clock.advance(13 * 60 * minuteMs);
    const fresh = new SigningEditor(bridge, discovery, editor.session);
    // Ten hours are over: the token has ended, and a new session needs discovery no more than an old one.
    expect(await fresh.check()).toBe(401);
    const answered = await bridge.postSession({ uri: "cloudreve://my/signed.docx", action: "edit" });
    expect(answered.status).toBe(201);
    const later = new SigningEditor(bridge, discovery, sessionSchema.parse(await answered.json()));
    expect(await later.check()).toBe(200);
    await bridge.restart();
    expect(await later.check()).toBe(200);
    expect(await later.send(`${later.path}${later.query()}`, {})).toBe(500);
    discovery.show("keys");
  });
});

describe("proofs that are taken when offered", () => {
  let discovery: DiscoveryServer;
  let bridge: TestBridge;
  beforeAll(async () => {
    discovery = await discoveryServer(editorUrl);
    bridge = await testBridge({
      store: "file",
      settings: { WOPI_URL: wopiUrl, DISCOVERY_URLS: discovery.url, GRANT_HOURS: "240" },
    });
  });
  afterEach(() => discovery.show("keys"));
  afterAll(async () => {
    await bridge.close();
    await discovery.close();
  });

  it("are not asked for while the editor shows no keys, and are as soon as it does, and from then on", async () => {
    discovery.show("noKeys");
    const editor = new SigningEditor(bridge, discovery, await openSession(bridge));
    const target = `${editor.path}${editor.query()}`;
    expect(await editor.send(target, {})).toBe(200);
    discovery.show("keys");
    bridge.clock.advance(13 * 60 * minuteMs);
    expect(await editor.send(target, {})).toBe(500);
    expect(await editor.check()).toBe(200);
    // A document without keys, as from somebody in between, must not switch the check off.
    discovery.show("noKeys");
    bridge.clock.advance(13 * 60 * minuteMs);
    expect(await editor.send(target, {})).toBe(500);
    expect(await editor.check()).toBe(200);
  });
});

describe("proofs without an editor's keys", () => {
  it("that are required let nobody in", async () => {
    const discovery = await discoveryServer(editorUrl);
    discovery.show("noKeys");
    const bridge = await testBridge({
      store: "file",
      settings: { WOPI_URL: wopiUrl, DISCOVERY_URLS: discovery.url, PROOF_KEYS: "required" },
    });
    const editor = new SigningEditor(bridge, discovery, await openSession(bridge));
    expect(await editor.check()).toBe(500);
    await bridge.close();
    await discovery.close();
  });

  it("that are off are not looked at, not even wrong ones", async () => {
    const discovery = await discoveryServer(editorUrl);
    const bridge = await testBridge({
      store: "file",
      settings: { WOPI_URL: wopiUrl, DISCOVERY_URLS: discovery.url, PROOF_KEYS: "off" },
    });
    const editor = new SigningEditor(bridge, discovery, await openSession(bridge));
    const target = `${editor.path}${editor.query()}`;
    expect(await editor.send(target, {})).toBe(200);
    expect(await editor.send(target, { "X-WOPI-Proof": "AAAA", "X-WOPI-TimeStamp": "x" })).toBe(200);
    await bridge.close();
    await discovery.close();
  });
});

describe("proofs of several editors", () => {
  it("are each checked with the keys of the editor that the session was opened for", async () => {
    const otherUrl = "http://127.0.0.1:7";
    const [one, two] = [await discoveryServer(editorUrl), await discoveryServer(otherUrl)];
    const viewer = (id: string, url: string) => ({
      id,
      type: "wopi" as const,
      display_name: id,
      exts: ["docx"],
      wopi_actions: { docx: { view: `${url}/view?`, edit: `${url}/edit?` } },
    });
    const bridge = await testBridge({
      store: "file",
      settings: { WOPI_URL: wopiUrl, DISCOVERY_URLS: `${one.url},${two.url}`, PROOF_KEYS: "required" },
      drive: { viewers: [viewer("one", editorUrl), viewer("two", otherUrl)] },
    });
    const ofOne = await openSession(bridge, { viewer_id: "one" });
    const ofTwo = await openSession(bridge, { viewer_id: "two" });
    expect(await new SigningEditor(bridge, one, ofOne).check()).toBe(200);
    expect(await new SigningEditor(bridge, two, ofTwo).check()).toBe(200);
    expect(await new SigningEditor(bridge, two, ofOne).check()).toBe(500);
    expect(await new SigningEditor(bridge, one, ofTwo).check()).toBe(500);
    await bridge.close();
    await Promise.all([one.close(), two.close()]);
  });
});
