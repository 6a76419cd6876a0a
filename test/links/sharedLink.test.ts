import { describe, expect, it } from "vitest";
import { createEncryption } from "../../src/cloudreve/encryption.ts";
import { Editors } from "../../src/editors/discovery.ts";
import { LinkAddresses } from "../../src/links/linkAddresses.ts";
import { EditLinks } from "../../src/links/links.ts";
import { changeLink, revokeLink } from "../../src/links/manageLinks.ts";
import { sharedLink } from "../../src/links/sharedLink.ts";
import { Allowances } from "../../src/model/allowances.ts";
import type { Drive, DriveAccount, DriveFile } from "../../src/model/drive.ts";
import { BridgeError, failureOf } from "../../src/model/failure.ts";
import { FileMutex } from "../../src/model/fileMutex.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { setClock } from "../support/clock.ts";
import { storedText } from "../support/watchedStore.ts";

const dayMs = 24 * 3_600_000;
const alice: DriveAccount = { account: "person:u1", userId: "u1", userName: "Alice", endsAtMs: undefined };
const bob: DriveAccount = { ...alice, account: "person:u2", userId: "u2", userName: "Bob" };
const key = (byte: number) => new Uint8Array(32).fill(byte);

function freshStage() {
  const clock = setClock(Date.parse("2026-11-21T08:15:00Z"));
  const store = openMemoryStore(clock.now);
  const there = new Set(["f1", "f2"]);
  const find: Drive["find"] = async (_account, target) => {
    const id = "fileId" in target ? target.fileId : "";
    if (!there.has(id)) throw new BridgeError({ kind: "fileMissing" });
    return { id, name: `${id}.docx` } as DriveFile;
  };
  const folder: Drive["folder"] = async () => {
    throw new BridgeError({ kind: "fileMissing" });
  };
  const links = new EditLinks(store, clock.now);
  const servicesWith = (keys: readonly Uint8Array[]) => ({
    drive: { find, folder } as Drive,
    editors: new Editors([]),
    links,
    linkAddresses: new LinkAddresses(store, createEncryption(keys)),
    allowances: new Allowances(store, clock.now),
    mutex: new FileMutex({ store, now: clock.now }),
    now: clock.now,
    bridgeUrl: "https://bridge.example",
    audit: () => undefined,
  });
  const services = servicesWith([key(1)]);
  const share = (permission: "view" | "edit" = "edit", fileId = "f1", account = alice, by = services) =>
    sharedLink(by, account, fileId, permission, new AbortController().signal);
  const linkAt = (url: string) => links.behindSecret(url.slice("https://bridge.example/l/".length));
  return { clock, store, there, links, services, servicesWith, share, linkAt };
}

const kindOf = (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof BridgeError ? error.failure.kind : "unexpected"),
  );

describe("the link of an editor's Share button", () => {
  it("is one for each file, permission and person, and found again", async () => {
    const { share, links } = freshStage();
    const ask = () => [share("view"), share("edit"), share("edit", "f2"), share("edit", "f1", bob)];
    const first = await Promise.all(ask());
    expect(new Set(first).size).toBe(4);
    expect(await Promise.all(ask())).toEqual(first);
    expect(await links.madeBy("person:u1")).toHaveLength(3);
    expect(await links.madeBy("person:u2")).toHaveLength(1);
  });

  it("is made once by two bridges that are asked at the same time", async () => {
    const { share, servicesWith, links } = freshStage();
    const other = servicesWith([key(1)]);
    const urls = await Promise.all(
      Array.from({ length: 8 }, (_, at) => share("edit", "f1", alice, at % 2 === 0 ? undefined : other)),
    );
    expect(new Set(urls).size).toBe(1);
    expect(await links.madeBy("person:u1")).toHaveLength(1);
  });

  it("has an address that nobody can read in the store", async () => {
    const { share, store } = freshStage();
    const url = await share();
    expect(await storedText(store)).not.toContain(url.slice(url.lastIndexOf("/") + 1));
  });

  it("is found by a bridge that knows the previous SECRET, and made anew by one that does not", async () => {
    const { share, servicesWith, links } = freshStage();
    const url = await share();
    expect(await share("edit", "f1", alice, servicesWith([key(2), key(1)]))).toBe(url);
    const fresh = await share("edit", "f1", alice, servicesWith([key(2)]));
    expect(fresh).not.toBe(url);
    expect(await links.madeBy("person:u1")).toHaveLength(2);
  });

  it.each<[string, Parameters<typeof changeLink>[3]]>([
    ["a password", { password: "geheim" }],
    ["a note", { note: "for the board" }],
    ["an end that has not come", { expiresAtMs: Date.parse("2026-11-22T08:15:00Z") }],
    ["a restriction", { restrictions: { download: true } }],
  ])("stays the same once its owner has given it %s: another one would undo that", async (_what, wishes) => {
    const { share, services, linkAt } = freshStage();
    const url = await share();
    await changeLink(services, "person:u1", (await linkAt(url)).id, wishes);
    expect(await share()).toBe(url);
  });

  it.each<["view" | "edit", "view" | "edit"]>([
    ["edit", "view"],
    ["view", "edit"],
  ])("made to %s is not handed out for that once it allows people to %s, nor for the other", async (was, is) => {
    const { share, services, linkAt, links } = freshStage();
    const url = await share(was);
    const { id } = await linkAt(url);
    await changeLink(services, "person:u1", id, { permission: is });
    expect(await share(was)).not.toBe(url);
    expect(await share(is)).not.toBe(url);
    expect((await links.find(id))?.permission).toBe(is);
  });

  it("is another one after it was revoked", async () => {
    const { share, services, linkAt } = freshStage();
    const url = await share();
    await revokeLink(services, "person:u1", (await linkAt(url)).id);
    const fresh = await share();
    expect(fresh).not.toBe(url);
    expect(await share()).toBe(fresh);
    expect(await kindOf(linkAt(url))).toBe("linkEnded");
  });

  it("is another one after it has expired, and its address ends in the store with it", async () => {
    const { clock, share, services, linkAt, store } = freshStage();
    const url = await share();
    const { id } = await linkAt(url);
    await changeLink(services, "person:u1", id, { expiresAtMs: clock.now() + dayMs });
    clock.advance(dayMs);
    expect(await share()).not.toBe(url);
    expect(await services.linkAddresses.secretOf(id)).toBeDefined();
    clock.advance(30 * dayMs);
    expect(await services.linkAddresses.secretOf(id)).toBeUndefined();
    expect(await storedText(store)).not.toContain(`linkAddress:${id}`);
  });

  it("is not told, nor made, for a file that is gone", async () => {
    const { share, there, links } = freshStage();
    await share();
    there.clear();
    expect(await kindOf(share())).toBe("fileMissing");
    expect(await kindOf(share("view"))).toBe("fileMissing");
    expect(await links.madeBy("person:u1")).toHaveLength(1);
  });

  it("needs a sign-in that renews itself", async () => {
    const { clock, share, links } = freshStage();
    expect(await kindOf(share("edit", "f1", { ...alice, endsAtMs: clock.now() + 3_600_000 }))).toBe("signInNeeded");
    expect(await links.madeBy("person:u1")).toEqual([]);
  });

  it("is made at most a hundred times in an hour by one person", async () => {
    const { clock, there, share } = freshStage();
    for (let at = 0; at < 101; at++) there.add(`g${at}`);
    for (let at = 0; at < 100; at++) await share("edit", `g${at}`);
    const refused = await share("edit", "g100").catch((error: unknown) => failureOf(error, "tooManyAttempts"));
    expect(refused).toMatchObject({ retryAfterSeconds: 3600 });
    expect(await share("edit", "g7")).toMatch(/\/l\//);
    expect(await share("edit", "f1", bob)).toMatch(/\/l\//);
    clock.advance(3_600_000);
    expect(await share("edit", "g100")).toMatch(/\/l\//);
  });
});
