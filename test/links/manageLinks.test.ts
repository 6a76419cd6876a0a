import { describe, expect, it } from "vitest";
import { createEncryption } from "../../src/cloudreve/encryption.ts";
import { Editors } from "../../src/editors/discovery.ts";
import type { AuditEvent } from "../../src/http/auditLog.ts";
import { LinkAddresses } from "../../src/links/linkAddresses.ts";
import { optionsInRow } from "../../src/links/linkOptions.ts";
import { isPassword } from "../../src/links/linkPassword.ts";
import { EditLinks } from "../../src/links/links.ts";
import { addressOf, changeLink, linkOf, makeLink } from "../../src/links/manageLinks.ts";
import type { Drive, DriveAccount, DriveFile, OpenRequest } from "../../src/model/drive.ts";
import { BridgeError, failureOf } from "../../src/model/failure.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { setClock } from "../support/clock.ts";
import { sampleLink } from "../support/sampleLink.ts";
import { storedText } from "../support/watchedStore.ts";

const startMs = Date.parse("2026-11-21T08:15:00Z");
const maker = "person:u1";
const alice: DriveAccount = { account: "acc-alice", userId: "u1", userName: "Alice", endsAtMs: undefined };
const file: DriveFile = {
  id: "f1",
  name: "Report.docx",
  uri: "cloudreve://my/Report.docx",
  sizeBytes: 10,
  version: "v1",
  modifiedAt: "2026-11-21T08:00:00Z",
};

function freshStage() {
  const clock = setClock(startMs);
  const store = openMemoryStore(clock.now);
  const asked: unknown[] = [];
  const audited: AuditEvent[] = [];
  const drive: Pick<Drive, "find" | "folder"> = {
    find: async (account: string, target: OpenRequest["target"]) => {
      asked.push([account, target]);
      if ("fileId" in target && target.fileId !== file.id) throw new BridgeError({ kind: "fileMissing" });
      return file;
    },
    folder: async () => {
      throw new BridgeError({ kind: "fileMissing" });
    },
  };
  const links = new EditLinks(store, clock.now);
  const services: Parameters<typeof makeLink>[0] = {
    drive: drive as Drive,
    editors: new Editors([]),
    links,
    linkAddresses: new LinkAddresses(store, createEncryption([new Uint8Array(32).fill(1)])),
    now: clock.now,
    bridgeUrl: "https://bridge.example",
    audit: (event) => void audited.push(event),
  };
  const make = (wishes: Partial<Parameters<typeof makeLink>[4]> = {}) =>
    makeLink(services, alice, { fileId: "f1" }, maker, { permission: "edit", ...wishes });
  return { clock, store, links, services, asked, audited, make };
}

async function failureIn<Kind extends Parameters<typeof failureOf>[1]>(work: Promise<unknown>, kind: Kind) {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return failureOf(error, kind);
}

describe("making a link", () => {
  it("gives the address that opens it, and what it is with no wishes: a name is asked for, all is allowed", async () => {
    const { links, asked, make } = freshStage();
    const made = await make();
    expect(made.file).toBe(file);
    expect(asked).toEqual([["acc-alice", { fileId: "f1" }]]);
    expect(made.link).toEqual({
      id: made.link.id,
      createdAtMs: startMs,
      account: "acc-alice",
      owner: { id: "u1", name: "Alice" },
      fileId: "f1",
      fileName: "Report.docx",
      permission: "edit",
      asksName: true,
      ...optionsInRow([]),
      maker,
    });
    expect(made.url).toMatch(/^https:\/\/bridge\.example\/l\/[\w-]{32}$/);
    const secret = made.url.slice("https://bridge.example/l/".length);
    expect(await links.behindSecret(secret)).toEqual(made.link);
  });

  it("keeps the address for its owner, unreadable in the store, as long as the link", async () => {
    const { clock, store, services, make } = freshStage();
    const { link, url } = await make({ expiresAtMs: startMs + 1 });
    expect(await addressOf(services, link)).toBe(url);
    expect(await storedText(store)).not.toContain(url.slice(url.lastIndexOf("/") + 1));
    clock.advance(1 + 30 * 24 * 3_600_000);
    expect(await addressOf(services, link)).toBeUndefined();
  });

  it("has no address to show for a link of an older version, nor under another SECRET", async () => {
    const { store, services, make } = freshStage();
    const older = await services.links.make(sampleLink);
    expect(await addressOf(services, older.link)).toBeUndefined();
    const { link } = await make();
    const linkAddresses = new LinkAddresses(store, createEncryption([new Uint8Array(32).fill(2)]));
    expect(await addressOf({ ...services, linkAddresses }, link)).toBeUndefined();
  });

  it("keeps what was wished for, the password as a hash alone", async () => {
    const { store, make } = freshStage();
    const restrictions = { download: true, print: true, copy: true, watermark: true };
    const { link } = await make({
      permission: "view",
      expiresAtMs: startMs + 1,
      password: "geheim-报告",
      note: "for you",
      asksName: false,
      restrictions,
    });
    expect(link).toMatchObject({
      permission: "view",
      expiresAtMs: startMs + 1,
      note: "for you",
      asksName: false,
      restrictions,
    });
    expect(await isPassword("geheim-报告", link.passwordHash ?? "")).toBe(true);
    expect(await storedText(store)).not.toContain("geheim");
  });

  it("takes null for none", async () => {
    const { make } = freshStage();
    const { link } = await make({ expiresAtMs: null, password: null, note: null });
    for (const absent of ["expiresAtMs", "passwordHash", "note"]) expect(link).not.toHaveProperty(absent);
  });

  it.each([startMs, startMs - 1, 0, -1, Number.NaN])("is refused with an end that is no future: %d", async (end) => {
    const { links, make } = freshStage();
    const failure = await failureIn(make({ expiresAtMs: end }), "requestInvalid");
    expect(failure?.issues.map(({ field }) => field)).toEqual(["expires_at"]);
    expect(await links.madeBy(maker)).toEqual([]);
  });

  it("is refused for an account that ends with its access token: the link would end within the hour", async () => {
    const { services, links } = freshStage();
    const brief = { ...alice, endsAtMs: startMs + 1000 };
    const made = makeLink(services, brief, { fileId: "f1" }, maker, { permission: "edit" });
    const failure = await failureIn(made, "requestInvalid");
    expect(failure?.issues.map(({ field }) => field)).toEqual(["X-Cloudreve-Refresh-Token"]);
    expect(await links.madeBy(maker)).toEqual([]);
  });

  it("is refused for a file that is not there", async () => {
    const { services, links } = freshStage();
    const made = makeLink(services, alice, { fileId: "f2" }, maker, { permission: "edit" });
    expect(await failureIn(made, "fileMissing")).toBeDefined();
    expect(await links.madeBy(maker)).toEqual([]);
  });
});

describe("changing a link", () => {
  it("changes what is wished for and leaves the rest, the password too", async () => {
    const { services, make } = freshStage();
    const { link } = await make({ password: "one", note: "hello", expiresAtMs: startMs + 1000 });
    const rightsEpoch = { id: expect.any(String), atMs: link.createdAtMs };
    expect(await changeLink(services, maker, link.id, { permission: "view" })).toEqual({
      ...link,
      rightsEpoch,
      permission: "view",
      lostEditingAtMs: link.createdAtMs,
    });
    const { note: _gone, expiresAtMs: _endless, ...rest } = link;
    const changed = await changeLink(services, maker, link.id, { note: null, expiresAtMs: null });
    expect(changed).toEqual({ ...rest, permission: "view", lostEditingAtMs: link.createdAtMs, rightsEpoch });
  });

  it("sets another password and takes it away", async () => {
    const { services, make } = freshStage();
    const { link } = await make({ password: "one" });
    const changed = await changeLink(services, maker, link.id, { password: "two" });
    expect(await isPassword("two", changed.passwordHash ?? "")).toBe(true);
    expect(await isPassword("one", changed.passwordHash ?? "")).toBe(false);
    expect(changed).not.toHaveProperty("password");
    expect(await changeLink(services, maker, link.id, { password: null })).not.toHaveProperty("passwordHash");
  });

  it.each([startMs, 0, -1])("is refused with an end that is no future: %d", async (expiresAtMs) => {
    const { services, links, make } = freshStage();
    const { link } = await make();
    expect(await failureIn(changeLink(services, maker, link.id, { expiresAtMs }), "requestInvalid")).toBeDefined();
    expect(await links.find(link.id)).toEqual(link);
  });

  it("is told when the link has been revoked", async () => {
    const { services, links, make } = freshStage();
    const { link } = await make();
    await links.revoke(link.id);
    const changed = changeLink(services, maker, link.id, { permission: "view" });
    expect((await failureIn(changed, "linkEnded"))?.because).toBe("revoked");
  });

  it("is for its maker alone: to anybody else it is no link", async () => {
    const { services, links, make } = freshStage();
    const { link } = await make();
    for (const other of ["person:u", "person:u11", "portal:u1", "", "person:U1"]) {
      expect(await failureIn(linkOf(services, other, link.id), "linkUnknown")).toBeDefined();
      expect(await failureIn(changeLink(services, other, link.id, { note: "x" }), "linkUnknown")).toBeDefined();
    }
    expect(await failureIn(linkOf(services, maker, "never"), "linkUnknown")).toBeDefined();
    expect(await links.find(link.id)).toEqual(link);
    expect(await linkOf(services, maker, link.id)).toEqual(link);
  });
});
