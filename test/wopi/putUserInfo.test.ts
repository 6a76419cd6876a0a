import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { linkOwner } from "../support/linkOwner.ts";
import { openAsOwner } from "../support/namedDocument.ts";
import { type OperationsStage, operationsStage } from "../support/operationsStage.ts";
import { rawConnection, rawStatus } from "../support/rawHttp.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { until } from "../support/until.ts";
import { editorForm, webPerson } from "../support/webPerson.ts";
import { type WopiClient, wopiOfForm } from "../support/wopiClient.ts";

const keep = (client: WopiClient, text: string | Buffer) =>
  client.send("POST", client.address(), { "X-WOPI-Override": "PUT_USER_INFO" }, Buffer.from(text));
const keptBy = async (client: WopiClient) => (await client.check()).json()["UserInfo"];

describe("PutUserInfo", () => {
  let bridge: OperationsStage;
  let people = 0;
  beforeAll(async () => {
    bridge = await operationsStage({ drive: { settings: { accessTokenTtlSeconds: 2_000 * 24 * 3600 } } });
    await bridge.alice.put("one.docx", "one");
    await bridge.alice.put("two.docx", "two");
  });
  afterAll(() => bridge.close());

  /** Somebody whose editor has kept nothing yet. */
  const newPerson = () => ({ id: `person-${++people}`, name: "Person" });
  const openAs = (user: object, path = "one.docx", action = "edit") => bridge.open(path, { user, action });
  it("keeps a text that CheckFileInfo gives back; before that there is none", async () => {
    const client = await openAs(newPerson());
    expect((await client.check()).json()).not.toHaveProperty("UserInfo");
    const answer = await keep(client, "theme=dark;zoom=120");
    expect(answer.status).toBe(200);
    expect(answer.text).toBe("");
    expect(await keptBy(client)).toBe("theme=dark;zoom=120");
  });

  it("keeps the last one", async () => {
    const client = await openAs(newPerson());
    for (const text of ["first", "second"]) expect((await keep(client, text)).status).toBe(200);
    expect(await keptBy(client)).toBe("second");
  });

  it("keeps it for the person and not for the file: other files show it, other people do not", async () => {
    const person = newPerson();
    const client = await openAs(person);
    const other = await openAs(newPerson());
    await keep(other, "of the other");
    await keep(client, "of the person");
    expect(await keptBy(await openAs(person, "two.docx"))).toBe("of the person");
    expect(await keptBy(await openAs(person, "one.docx", "view"))).toBe("of the person");
    expect(await keptBy(other)).toBe("of the other");
    expect(await keptBy(await bridge.open("one.docx"))).toBeUndefined();
  });

  it("is for readers too", async () => {
    const reader = await openAs(newPerson(), "one.docx", "view");
    expect((await keep(reader, "a reader's")).status).toBe(200);
    expect(await keptBy(reader)).toBe("a reader's");
  });

  it.each([
    ["what looks like JSON", '{"a": [1,  null], "b": "\\u00e9"}'],
    ["what looks like markup", "<script>alert('&amp;')</script>"],
    ["blanks and line breaks", "  a \r\n\t b \n"],
    ["every character there is", String.fromCharCode(...Array.from({ length: 128 }, (_, code) => code))],
  ])("leaves it as it is: %s", async (_what, text) => {
    const client = await openAs(newPerson());
    expect((await keep(client, text)).status).toBe(200);
    expect(await keptBy(client)).toBe(text);
  });

  it("takes 1024 characters and not one more", async () => {
    const client = await openAs(newPerson());
    const longest = "x".repeat(1024);
    expect((await keep(client, longest)).status).toBe(200);
    expect([400, 413]).toContain((await keep(client, `${longest}y`)).status);
    expect([400, 413]).toContain((await keep(client, "y".repeat(1_000_000))).status);
    expect(await keptBy(client)).toBe(longest);
  });

  it.each([
    ["UTF-8", Buffer.from("größe")],
    ["Latin-1", Buffer.from("größe", "latin1")],
    ["anything", Buffer.from([0xff, 0x00, 0x80])],
  ])("takes ASCII alone: %s is 400, and what was there stays", async (_what, bytes) => {
    const client = await openAs(newPerson());
    await keep(client, "before");
    expect((await keep(client, bytes)).status).toBe(400);
    expect(await keptBy(client)).toBe("before");
  });

  it("forgets at an empty text, and CheckFileInfo is silent then", async () => {
    const client = await openAs(newPerson());
    await keep(client, "before");
    expect((await keep(client, "")).status).toBe(200);
    expect((await client.check()).json()).not.toHaveProperty("UserInfo");
  });

  it("needs no length beforehand", async () => {
    const client = await openAs(newPerson());
    const body = Readable.from([Buffer.from("abcde"), Buffer.from("fgh")]);
    const answer = await client.send("POST", client.address(), { "X-WOPI-Override": "PUT_USER_INFO" }, body);
    expect(answer.status).toBe(200);
    expect(await keptBy(client)).toBe("abcdefgh");
  });

  it("of a portal's person ends half a year after it was last asked for, and no earlier", async () => {
    const person = newPerson();
    await keep(await openAs(person), "half a year");
    bridge.clock.advance(179 * 24 * 3_600_000);
    expect(await keptBy(await openAs(person))).toBe("half a year");
    bridge.clock.advance(179 * 24 * 3_600_000);
    expect(await keptBy(await openAs(person))).toBe("half a year");
    bridge.clock.advance(181 * 24 * 3_600_000);
    expect(await keptBy(await openAs(person))).toBeUndefined();
  });

  it("of the owner is not read by a portal that names nobody, nor the other way round", async () => {
    const own = await openAsOwner(bridge, "one.docx");
    const nobody = await bridge.open("one.docx");
    await keep(own, "the owner's");
    expect(await keptBy(nobody)).toBeUndefined();
    await keep(nobody, "nobody's");
    expect(await keptBy(own)).toBe("the owner's");
    expect(await keptBy(await openAsOwner(bridge, "two.docx"))).toBe("the owner's");
  });

  it("moves neither version nor time, and asks for no lock", async () => {
    const client = await openAs(newPerson(), "two.docx");
    const other = await bridge.open("two.docx");
    await other.lock("theirs");
    const before = (await client.check()).json();
    bridge.clock.advance(5_000);
    expect((await keep(client, "kept")).status).toBe(200);
    expect((await client.check()).json()).toEqual({ ...before, UserInfo: "kept" });
  });
});

describe("PutUserInfo, through the bridge's server", () => {
  let bridge: TestBridge;
  let people = 0;
  beforeAll(async () => {
    bridge = await testBridge({ store: "file", drive: { settings: { accessTokenTtlSeconds: 2_000 * 24 * 3600 } } });
    await bridge.alice.put("one.docx", "one");
    await bridge.alice.put("two.docx", "two");
  });
  afterAll(() => bridge.close());

  /** Somebody whose editor has kept nothing yet. */
  const newPerson = () => ({ id: `person-${++people}`, name: "Person" });
  const openAs = (user: object, path = "one.docx", action = "edit") => bridge.open(path, { user, action });
  it("does not keep the connection's next call waiting for the rest of what was too long", async () => {
    const client = await openAs(newPerson());
    const { pathname, search } = new URL(client.address());
    const connection = await rawConnection(bridge.url);
    const target = `${pathname}${search} HTTP/1.1\r\nHost: bridge\r\n`;
    connection.socket.write(`POST ${target}X-WOPI-Override: PUT_USER_INFO\r\nContent-Length: 2000000\r\n\r\n`);
    connection.socket.write("y".repeat(2_000_000));
    connection.socket.write(`GET ${target}Connection: close\r\n\r\n`);
    await until("both are answered", () => connection.received().includes('"BaseFileName"'), 3_000);
    expect([400, 413]).toContain(rawStatus(connection.received()));
    connection.socket.destroy();
  });

  it("keeps nothing of a text that breaks off", async () => {
    const client = await openAs(newPerson());
    await keep(client, "before");
    const { pathname, search } = new URL(client.address());
    const connection = await rawConnection(bridge.url);
    const head = [`POST ${pathname}${search} HTTP/1.1`, "Host: bridge", "X-WOPI-Override: PUT_USER_INFO"];
    connection.socket.write([...head, "Content-Length: 100", "", "half of it"].join("\r\n"));
    connection.socket.end();
    expect(rawStatus(await connection.ended())).not.toBe(200);
    expect(await keptBy(client)).toBe("before");
  });

  describe("by a link's visitors", () => {
    const dayMs = 24 * 3_600_000;
    const visit = async (url: string, person = webPerson(bridge.url)) =>
      wopiOfForm(editorForm(await person.follow(await person.post(url, { name: "Guest" }))));
    const linkTo = async (path: string) => (await linkOwner(bridge)).makeLink((await bridge.alice.info(path)).id);

    it("is read by each alone, and ends a month after it was kept", async () => {
      const url = await linkTo("one.docx");
      const person = webPerson(bridge.url);
      const visitor = await visit(url, person);
      const other = await visit(url);
      expect((await keep(visitor, "the visitor's")).status).toBe(200);
      expect(await keptBy(visitor)).toBe("the visitor's");
      for (const reader of [other, await visit(await linkTo("one.docx")), await openAs(newPerson())]) {
        expect((await reader.check()).json()).not.toHaveProperty("UserInfo");
      }
      expect((await keep(other, "the other's")).status).toBe(200);
      expect(await keptBy(visitor)).toBe("the visitor's");
      expect((await keep(other, "")).status).toBe(200);
      expect((await other.check()).json()).not.toHaveProperty("UserInfo");
      bridge.clock.advance(30 * dayMs);
      expect(await keptBy(await visit(url, person))).toBeUndefined();
      expect(await bridge.storedText()).not.toContain("the visitor's");
    });

    it("takes no more room however many come: the latest hundred are known", async () => {
      const url = await linkTo("two.docx");
      const first = await visit(url);
      await keep(first, "of the first");
      for (let at = 0; at < 100; at++) await keep(await visit(url), `of number ${at}`);
      expect(await keptBy(first)).toBeUndefined();
      const texts = (await bridge.storedText()).match(/of number \d+/g) ?? [];
      expect(new Set(texts).size).toBe(100);
    }, 60_000);
  });

  it("outlives the session and a restart of the bridge", async () => {
    const person = newPerson();
    await keep(await openAs(person), "kept");
    await bridge.restart();
    expect(await keptBy(await openAs(person))).toBe("kept");
  });
});
