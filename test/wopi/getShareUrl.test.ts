import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AccessGrant } from "../../src/documents/grants.ts";
import { shareUrlTypes } from "../../src/wopi/getShareUrl.ts";
import { type OperationsStage, operationsStage } from "../support/operationsStage.ts";
import { type WopiClient, wopiClient } from "../support/wopiClient.ts";

const hourMs = 3_600_000;

const share = (client: WopiClient, type?: string) =>
  client.post("GET_SHARE_URL", type === undefined ? {} : { "X-WOPI-UrlType": type });

async function addressOf(client: WopiClient, type: string): Promise<string> {
  const answer = await share(client, type);
  expect(answer.status, answer.text).toBe(200);
  expect(Object.keys(answer.json())).toEqual(["ShareUrl"]);
  return String(answer.json()["ShareUrl"]);
}

describe("GetShareUrl", () => {
  let bridge: OperationsStage;
  let documents = 0;
  beforeAll(async () => {
    bridge = await operationsStage({
      settings: { GRANT_HOURS: "200" },
      drive: { settings: { accessTokenTtlSeconds: 1_000_000, viewerSessionTimeoutSeconds: 1_000_000 } },
    });
  });
  afterAll(() => bridge.close());

  const newDocument = async (): Promise<string> => {
    const path = `shared-${++documents}.docx`;
    expect(await bridge.alice.put(path, "text")).toBe(0);
    return path;
  };
  const openNew = async () => {
    const path = await newDocument();
    return { path, client: await bridge.openAsOwner(path) };
  };
  const linkAt = (url: string) => bridge.services.links.behindSecret(url.slice(`${bridge.url}/l/`.length));
  const myLinks = async (fileId: string) => {
    const account = await bridge.services.drive.account(undefined);
    return (await bridge.services.links.madeBy(`person:${account.userId}`)).filter((link) => link.fileId === fileId);
  };

  it.each([
    ["ReadOnly", "view"],
    ["ReadWrite", "edit"],
  ])("for %s makes a link of the owner's that allows people to %s", async (type, permission) => {
    const { client } = await openNew();
    const link = await linkAt(await addressOf(client, type));
    const fileId = client.session.file.id;
    expect(link).toMatchObject({ permission, fileId, mayRename: false, asksName: true });
    expect(link).not.toHaveProperty("expiresAtMs");
    expect(await myLinks(fileId)).toEqual([link]);
    const events = bridge.logLines.filter((line) => line["event"] === "linkMade" && line["link"] === link.id);
    expect(events).toMatchObject([{ file: fileId, by: link.maker, permission }]);
  });

  it("answers the same address again, also to another session, and another one for the other kind", async () => {
    const { client, path } = await openNew();
    const view = await addressOf(client, "ReadOnly");
    const edit = await addressOf(client, "ReadWrite");
    expect(edit).not.toBe(view);
    const later = await bridge.openAsOwner(path);
    expect(await addressOf(later, "ReadOnly")).toBe(view);
    expect(await addressOf(later, "ReadWrite")).toBe(edit);
    expect(await myLinks(client.session.file.id)).toHaveLength(2);
  });

  it("makes one link however many ask at once", async () => {
    const { client } = await openNew();
    const urls = await Promise.all(Array.from({ length: 12 }, () => addressOf(client, "ReadWrite")));
    expect(new Set(urls).size).toBe(1);
    expect(await myLinks(client.session.file.id)).toHaveLength(1);
  });

  it("hands out no link that the owner has made by hand: it may be meant for one person", async () => {
    const { client } = await openNew();
    const { links } = bridge.services;
    const asked = await linkAt(await addressOf(client, "ReadWrite"));
    await links.revoke(asked.id);
    const { id: _id, sharedFor: _sharedFor, createdAtMs: _at, ...facts } = asked;
    const { secret } = await links.make({ ...facts, note: "for Bob alone" });
    expect(await addressOf(client, "ReadWrite")).not.toContain(secret);
  });

  it("goes with the file when it is renamed, and is 404 once it is in the trash", async () => {
    const { client, path } = await openNew();
    const url = await addressOf(client, "ReadOnly");
    expect(await bridge.alice.rename(path, `renamed-${path}`)).toBe(0);
    expect(await addressOf(client, "ReadOnly")).toBe(url);
    await bridge.alice.call("DELETE", "/file", { uris: [bridge.alice.uriOf(`renamed-${path}`)] });
    expect((await share(client, "ReadOnly")).status).toBe(404);
    expect((await share(client, "ReadWrite")).status).toBe(404);
  });

  it.each([
    ["another type", "ReadComment", 501],
    ["a type in another spelling", "readonly", 501],
    ["the name of what every object has", "constructor", 501],
    ["no type", undefined, 400],
  ])("asked for %s makes nothing", async (_what, type, status) => {
    const { client } = await openNew();
    expect((await share(client, type)).status).toBe(status);
    expect(await myLinks(client.session.file.id)).toEqual([]);
  });

  it("is promised to the owner alone, with the kinds that are kept", async () => {
    const { client, path } = await openNew();
    expect((await client.check()).json()["SupportedShareUrlTypes"]).toEqual(["ReadOnly", "ReadWrite"]);
    expect((await (await bridge.open(path)).check()).json()).not.toHaveProperty("SupportedShareUrlTypes");
  });

  it.each<[string, Record<string, unknown>]>([
    ["a portal that names nobody", {}],
    ["a portal's user", { user: { id: "c", name: "Colleague" } }],
    ["a portal's user with the owner's own id", { user: { id: "LaVn", name: "Alice" } }],
    ["a reader", { action: "view", user: { id: "r", name: "Reader" } }],
  ])("gives %s nothing: 501, whatever is asked", async (_who, more) => {
    const path = await newDocument();
    const client = await bridge.open(path, more);
    for (const type of ["ReadOnly", "ReadWrite", "Other", undefined]) {
      expect((await share(client, type)).status).toBe(501);
    }
    expect((await client.check()).json()).not.toHaveProperty("SupportedShareUrlTypes");
    expect(await myLinks(client.session.file.id)).toEqual([]);
  });

  it("gives a link's visitor nothing, though the owner's account acts for her", async () => {
    const { client } = await openNew();
    const link = await linkAt(await addressOf(client, "ReadWrite"));
    const visitor = await openedFrom(client, { linkId: link.id, issuedTo: `link:${link.id}` });
    expect((await visitor.check()).json()).not.toHaveProperty("SupportedShareUrlTypes");
    expect((await share(visitor, "ReadWrite")).status).toBe(501);
    expect((await share(visitor, "ReadOnly")).status).toBe(501);
  });

  it("gives a token to view no link that edits", async () => {
    const { client } = await openNew();
    const reader = await openedFrom(client, { permission: "view" });
    expect((await reader.check()).json()["SupportedShareUrlTypes"]).toEqual(["ReadOnly"]);
    expect((await share(reader, "ReadWrite")).status).toBe(501);
    expect((await linkAt(await addressOf(reader, "ReadOnly"))).permission).toBe("view");
  });

  it("of an old version gives nothing: the link would lead to today's", async () => {
    const { client, path } = await openNew();
    const { primary_entity: version } = await bridge.alice.info(path);
    await bridge.alice.put(path, "newer");
    const old = await bridge.open(path, { version });
    const grant = await bridge.services.grants.find(old.session.id);
    const owners = await openedFrom(old, { issuedTo: `person:${grant?.ownerId}` });
    expect((await owners.check()).json()).not.toHaveProperty("SupportedShareUrlTypes");
    expect((await share(owners, "ReadOnly")).status).toBe(501);
    expect(await myLinks(client.session.file.id)).toEqual([]);
  });

  it("after the session has ended gives nothing", async () => {
    const { client } = await openNew();
    await addressOf(client, "ReadOnly");
    await bridge.services.grants.revoke(client.session.id);
    expect((await share(client, "ReadOnly")).status).toBe(401);
    expect(await myLinks(client.session.file.id)).toHaveLength(1);
  });

  it("with a sign-in that does not renew itself is 503: the link would end with it", async () => {
    const { client, path } = await openNew();
    const tokens = { accessToken: bridge.alice.accessToken };
    const portals = await bridge.open(path, {}, { tokens });
    const grant = await bridge.services.grants.find(portals.session.id);
    expect(grant?.accountEndsAtMs).toBeGreaterThan(bridge.clock.now());
    const brief = await openedFrom(portals, { issuedTo: `person:${grant?.ownerId}` });
    expect((await brief.check()).json()).not.toHaveProperty("SupportedShareUrlTypes");
    expect((await share(brief, "ReadOnly")).status).toBe(503);
    expect(await myLinks(client.session.file.id)).toEqual([]);
  });

  it("finds its links without counting, but makes at most a hundred in an hour", async () => {
    const { client } = await openNew();
    const url = await addressOf(client, "ReadOnly");
    const { maker } = await linkAt(url);
    await useUp(maker);
    expect(await addressOf(client, "ReadOnly")).toBe(url);
    const full = await share(client, "ReadWrite");
    expect(full.status).toBe(503);
    expect(Number(full.header("retry-after"))).toBeGreaterThan(0);
    bridge.clock.advance(hourMs);
    expect(await addressOf(client, "ReadWrite")).not.toBe(url);
  });

  /** The same session with other facts, as no caller could ask for it from outside. */
  async function openedFrom(client: WopiClient, other: Partial<AccessGrant>): Promise<WopiClient> {
    const { grants, tokens } = bridge.services;
    const grant = await grants.find(client.session.id);
    if (grant === undefined) throw new Error("the session has ended");
    const { id: _id, issuedAtMs: _at, ...facts } = grant;
    const { id: grantId, expiresAtMs } = await grants.issue({ ...facts, ...other });
    const fileId = new URL(client.src).pathname.split("/").pop() ?? "";
    const session = {
      ...client.session,
      id: grantId,
      access_token: await tokens.sign({ grantId, fileId, expiresAtMs }),
    };
    return wopiClient(session, client.src, client.send);
  }

  async function useUp(maker: string): Promise<void> {
    const take = () => bridge.services.allowances.take("shared links of", maker, { most: 100, withinMs: hourMs });
    for (;;) {
      const isUsedUp = await take().then(
        () => false,
        () => true,
      );
      if (isUsedUp) return;
    }
  }
});

describe("the kinds of links that a session may have made", () => {
  const grant = {
    document: { account: "a", fileId: "f" },
    permission: "edit",
    ownerId: "o",
    issuedTo: "person:o",
  } as unknown as AccessGrant;
  it.each<[string, Partial<AccessGrant>, readonly string[]]>([
    ["the owner's", {}, ["ReadOnly", "ReadWrite"]],
    ["the owner's to view", { permission: "view" }, ["ReadOnly"]],
    ["another person's", { issuedTo: "person:p" }, []],
    ["a portal's named like the owner", { issuedTo: "o" }, []],
    ["a link's", { issuedTo: "link:o", linkId: "o" }, []],
    ["an old version's", { document: { account: "a", fileId: "f", version: "v" } }, []],
    ["one whose account ends within the hour", { accountEndsAtMs: 1 }, []],
  ])("%s", (_whose, other, types) => {
    expect(shareUrlTypes({ ...grant, ...other })).toEqual(types);
  });
});
