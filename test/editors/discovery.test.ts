import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EditorDiscovery, Editors } from "../../src/editors/discovery.ts";
import { failureOf } from "../../src/model/failure.ts";
import type { KeyValueStore } from "../../src/model/keyValueStore.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { type SetClock, setClock } from "../support/clock.ts";
import { discoveryXml, type EditorServer, editorServer } from "./editorServer.ts";

const hourMs = 3_600_000;
const halfMinuteMs = 30_000;

let clock: SetClock;
let store: KeyValueStore;
let servers: EditorServer[];

beforeEach(() => {
  clock = setClock();
  store = openMemoryStore(clock.now);
  servers = [];
});
afterEach(() => Promise.all(servers.map((server) => server.stop())));

async function editorShowing(xml = discoveryXml()): Promise<EditorServer> {
  const server = await editorServer(xml);
  servers.push(server);
  return server;
}

/** As after a restart of the bridge: nothing known but what the store has. */
const discoveryOf = (server: EditorServer) => new EditorDiscovery(server.url, store, clock.now);

async function unreachable(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (error: unknown) => failureOf(error, "editorUnreachable")?.said,
  );
}

describe("the discovery of an editor", () => {
  it("is read when it is first asked for, and then kept for twelve hours", async () => {
    const server = await editorShowing();
    const discovery = discoveryOf(server);
    expect(server.reads()).toBe(0);
    expect((await discovery.current()).actions).toHaveLength(4);
    clock.advance(12 * hourMs - 1);
    await discovery.current();
    expect(server.reads()).toBe(1);
    server.show(discoveryXml({ origin: "https://new.example" }));
    clock.advance(1);
    expect((await discovery.current()).actions[0]?.urlsrc).toMatch(/^https:\/\/new\.example/);
    expect(server.reads()).toBe(2);
  });

  it("is read once for many who ask at the same time", async () => {
    const server = await editorShowing();
    const discovery = discoveryOf(server);
    await Promise.all(Array.from({ length: 20 }, () => discovery.current()));
    expect(server.reads()).toBe(1);
  });

  it("is read again whenever somebody looks, and what was known stays when it can't be", async () => {
    const server = await editorShowing();
    const discovery = discoveryOf(server);
    const editors = new Editors([discovery]);
    expect(await editors.look()).toEqual([]);
    server.show(discoveryXml({ origin: "https://new.example" }));
    expect(await editors.look()).toEqual([]);
    expect((await discovery.current()).actions[0]?.urlsrc).toMatch(/^https:\/\/new\.example/);
    await server.stop();
    const [failure, ...others] = await editors.look();
    expect(others).toEqual([]);
    expect(failureOf(failure, "editorUnreachable")?.said).toContain(server.url);
    expect((await discovery.current()).actions[0]?.urlsrc).toMatch(/^https:\/\/new\.example/);
    expect(server.reads()).toBe(2);
  });

  it("is read after the editor was restarted, though a connection from before is dead", async () => {
    const server = await editorShowing();
    const discovery = discoveryOf(server);
    await discovery.look();
    await server.stop();
    await server.start();
    await discovery.look();
    expect(server.reads()).toBe(2);
  });

  it("survives a restart of the bridge without being read again", async () => {
    const server = await editorShowing(discoveryXml({ keys: ["bmV3", "b2xk"] }));
    const before = await discoveryOf(server).current();
    expect(await discoveryOf(server).current()).toEqual(before);
    expect(server.reads()).toBe(1);
  });
});

describe("an editor that is away", () => {
  it("at the start is told by its address, and served as soon as it is there", async () => {
    const server = await editorShowing();
    const discovery = discoveryOf(server);
    await server.stop();
    expect(await unreachable(discovery.current())).toMatch(
      new RegExp(`^${server.url} could not be read \\(.*ECONNREFUSED.*\\)\\.$`),
    );
    await server.start();
    expect((await discovery.current()).actions).toHaveLength(4);
  });

  it("later is not missed: its last good copy is used, and it is asked again each half minute", async () => {
    const server = await editorShowing();
    const discovery = discoveryOf(server);
    const before = await discovery.current();
    clock.advance(12 * hourMs);
    server.answer = (_request, response) => void response.writeHead(503).end();
    expect(await discovery.current()).toEqual(before);
    expect(await discovery.current()).toEqual(before);
    clock.advance(halfMinuteMs - 1);
    await discovery.current();
    expect(server.reads()).toBe(2);
    server.show(discoveryXml({ origin: "https://new.example" }));
    clock.advance(1);
    expect((await discovery.current()).actions[0]?.urlsrc).toMatch(/^https:\/\/new\.example/);
    expect(server.reads()).toBe(3);
  });

  it("after a restart of the bridge is known from the last good copy, however old", async () => {
    const server = await editorShowing(discoveryXml({ keys: ["bmV3", "b2xk"] }));
    const before = await discoveryOf(server).current();
    await server.stop();
    clock.advance(1000 * hourMs);
    expect(await discoveryOf(server).current()).toEqual(before);
  });

  it("does not lose its last good copy to a document that is none", async () => {
    const server = await editorShowing();
    const before = await discoveryOf(server).current();
    clock.advance(12 * hourMs);
    server.show("<html>maintenance</html>");
    expect(await discoveryOf(server).current()).toEqual(before);
    expect(await discoveryOf(server).current()).toEqual(before);
  });
});

describe("a discovery answer that can't be used", () => {
  it.each([404, 500])("is told in one plain sentence: status %i", async (status) => {
    const server = await editorShowing();
    server.answer = (_request, response) => void response.writeHead(status).end("<wopi-discovery/>");
    expect(await unreachable(discoveryOf(server).current())).toMatch(/^http.+ could not be read \(.*\d{3}\)\.$/);
  });

  it.each([
    ["no discovery document", "<html>\n<p>Sign in</p>\n</html>"],
    ["a document type", `<!DOCTYPE a>${discoveryXml()}`],
  ])("is told in one plain sentence: %s", async (_name, xml) => {
    const said = await unreachable(discoveryOf(await editorShowing(xml)).current());
    expect(said).toMatch(/^http\S+ could not be read \([a-zA-Z ]+\)\.$/);
  });

  it.each([
    ["as it is", false],
    ["compressed to next to nothing", true],
  ])("is refused when it is larger than any discovery: %s", async (_name, compressed) => {
    const server = await editorShowing();
    const large = discoveryXml().replace("</app>", `${" ".repeat(5 * 1024 * 1024)}</app>`);
    server.answer = (_request, response) => {
      if (compressed) response.writeHead(200, { "Content-Encoding": "gzip" }).end(gzipSync(large));
      else response.writeHead(200).end(large);
    };
    expect(await unreachable(discoveryOf(server).current())).toMatch(/could not be read/);
  });

  it("is refused when it breaks off", async () => {
    const server = await editorShowing();
    server.answer = (_request, response) => {
      response.writeHead(200, { "Content-Length": "100000" });
      response.write(discoveryXml(), () => response.destroy());
    };
    expect(await unreachable(discoveryOf(server).current())).toMatch(/could not be read/);
  });
});

describe("the keys of an editor", () => {
  it("are not lost by a later document without any, which would switch the check off", async () => {
    const server = await editorShowing(discoveryXml({ keys: ["bmV3", "b2xk"] }));
    const discovery = discoveryOf(server);
    const { proofKey, oldProofKey } = await discovery.current();
    server.show(discoveryXml({ origin: "https://new.example" }));
    clock.advance(12 * hourMs);
    const later = await discovery.current();
    expect(later).toMatchObject({ proofKey, oldProofKey });
    expect(later.actions[0]?.urlsrc).toMatch(/^https:\/\/new\.example/);
    clock.advance(12 * hourMs);
    expect(await discoveryOf(server).current()).toMatchObject({ proofKey, oldProofKey });
  });

  it("are replaced by a later document's", async () => {
    const server = await editorShowing(discoveryXml({ keys: ["bmV3", "b2xk"] }));
    const discovery = discoveryOf(server);
    await discovery.current();
    server.show(discoveryXml({ keys: ["bmV3ZXI=", "bmV3"] }));
    clock.advance(12 * hourMs);
    expect(await discovery.current()).toMatchObject({
      proofKey: { modulus: "bmV3ZXI=" },
      oldProofKey: { modulus: "bmV3" },
    });
  });

  it("are taken up when an editor begins to sign", async () => {
    const server = await editorShowing();
    const discovery = discoveryOf(server);
    expect((await discovery.current()).proofKey).toBeUndefined();
    server.show(discoveryXml({ keys: ["bmV3", "b2xk"] }));
    clock.advance(halfMinuteMs);
    expect((await discovery.refreshed()).proofKey?.modulus).toBe("bmV3");
  });

  it("are read anew after a failed proof, at most every half minute", async () => {
    const server = await editorShowing(discoveryXml({ keys: ["b25l", "bm9uZQ=="] }));
    const discovery = discoveryOf(server);
    await discovery.current();
    server.show(discoveryXml({ keys: ["dHdv", "b25l"] }));
    clock.advance(halfMinuteMs - 1);
    expect((await discovery.refreshed()).proofKey?.modulus).toBe("b25l");
    expect(server.reads()).toBe(1);
    clock.advance(1);
    expect((await discovery.refreshed()).proofKey?.modulus).toBe("dHdv");
    for (let i = 0; i < 10; i++) await discovery.refreshed();
    expect(server.reads()).toBe(2);
    expect((await discovery.current()).proofKey?.modulus).toBe("dHdv");
  });

  it("are the new ones for everybody who asks while they are being read", async () => {
    const server = await editorShowing(discoveryXml({ keys: ["b25l", "bm9uZQ=="] }));
    const discovery = discoveryOf(server);
    await discovery.current();
    server.show(discoveryXml({ keys: ["dHdv", "b25l"] }));
    clock.advance(halfMinuteMs);
    const answers = await Promise.all([discovery.refreshed(), discovery.refreshed(), discovery.refreshed()]);
    for (const { proofKey } of answers) expect(proofKey?.modulus).toBe("dHdv");
    expect(server.reads()).toBe(2);
  });

  it("are read at once after a restart, when the copy in the store does not verify a proof", async () => {
    const server = await editorShowing(discoveryXml({ keys: ["b25l", "bm9uZQ=="] }));
    await discoveryOf(server).current();
    server.show(discoveryXml({ keys: ["dHdv", "b25l"] }));
    expect((await discoveryOf(server).refreshed()).proofKey?.modulus).toBe("dHdv");
  });
});

describe("several editors", () => {
  const action = (origin: string) => `${origin}/browser/other-hash/cool.html?WOPISrc=x`;

  async function twoEditors() {
    const first = await editorShowing(discoveryXml({ origin: "https://first.example" }));
    const second = await editorShowing(discoveryXml({ origin: "https://second.example:9980" }));
    return { first, second, editors: new Editors([discoveryOf(first), discoveryOf(second)]) };
  }

  it("are told apart by the origin of an action URL, port and scheme included", async () => {
    const { first, second, editors } = await twoEditors();
    expect((await editors.behind(action("https://first.example")))?.url).toBe(first.url);
    expect((await editors.behind(action("https://second.example:9980")))?.url).toBe(second.url);
    expect(await editors.behind(action("https://second.example"))).toBeUndefined();
    expect(await editors.behind(action("http://first.example"))).toBeUndefined();
    expect(await editors.behind(action("https://first.example.evil.example"))).toBeUndefined();
  });

  it("do not stand in each other's way when one of them is away", async () => {
    const { first, second, editors } = await twoEditors();
    await first.stop();
    expect((await editors.behind(action("https://second.example:9980")))?.url).toBe(second.url);
  });

  it("leave it open whose an address is while one of them could never be read", async () => {
    const { first, editors } = await twoEditors();
    await first.stop();
    expect(await unreachable(editors.behind(action("https://first.example")))).toContain(first.url);
  });

  it("are each checked with their own keys", async () => {
    const { second, editors } = await twoEditors();
    expect((await editors.signerOf(action("https://second.example:9980")))?.url).toBe(second.url);
    expect(await editors.signerOf(action("https://third.example"))).toBeUndefined();
  });

  it("are shown with whether they can be had", async () => {
    const { first, second, editors } = await twoEditors();
    await first.stop();
    expect(await editors.states()).toEqual([
      { url: first.url, ok: false },
      { url: second.url, ok: true },
    ]);
  });

  it("may be one: its keys then hold for every grant, also after it has moved to another origin", async () => {
    const only = await editorShowing();
    const editors = new Editors([discoveryOf(only)]);
    expect((await editors.signerOf(action("https://former.example")))?.url).toBe(only.url);
    expect(await editors.behind(action("https://former.example"))).toBeUndefined();
  });

  it("offer nothing for a grant whose editor is not known, and fail nothing by that", async () => {
    const { first, second, editors } = await twoEditors();
    expect((await editors.offersOf(action("https://second.example:9980"))).length).toBeGreaterThan(0);
    expect(await editors.offersOf(action("https://third.example"))).toEqual([]);
    const down = new Editors([new EditorDiscovery(`${first.url}/away`, openMemoryStore(clock.now), clock.now)]);
    await first.stop();
    await second.stop();
    expect(await down.offersOf(action("https://first.example"))).toEqual([]);
  });

  it("may be none", async () => {
    const editors = new Editors([]);
    expect(editors.areConfigured).toBe(false);
    expect(await editors.behind(action("https://first.example"))).toBeUndefined();
    expect(await editors.signerOf(action("https://first.example"))).toBeUndefined();
    expect(await editors.states()).toEqual([]);
    expect(new Editors([discoveryOf(await editorShowing())]).areConfigured).toBe(true);
  });
});
