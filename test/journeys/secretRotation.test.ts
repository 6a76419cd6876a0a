import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DriveProxy, driveProxy } from "../support/driveProxy.ts";
import { type LinkOwner, linkOwner } from "../support/linkOwner.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { editorForm, type WebPerson, webPerson } from "../support/webPerson.ts";
import { type WopiClient, wopiOfForm } from "../support/wopiClient.ts";

const hourMs = 3_600_000;
const first = { SECRET: "the first secret, of 32 bytes or more" };
const second = { SECRET: "the second secret, of 32 bytes or more" };
const both = { ...second, SECRET_PREVIOUS: first.SECRET };

let bridge: TestBridge;
let proxy: DriveProxy;
let alice: LinkOwner;
let bob: LinkOwner;

beforeEach(async () => {
  bridge = await testBridge({
    store: "file",
    settings: first,
    driveAddress: async (url) => {
      proxy = await driveProxy(url);
      return proxy.url;
    },
  });
  alice = await linkOwner(bridge);
  bob = await linkOwner(bridge, "bob@example.com");
});
afterEach(async () => {
  await bridge.close();
  await proxy.close();
});

/** A document of the portal's with its editor: loaded, locked. */
async function openAndLock(name: string, lockId: string): Promise<WopiClient> {
  await bridge.alice.put(name, "before");
  const editor = await bridge.open(name);
  await editor.get();
  expect((await editor.lock(lockId)).status).toBe(200);
  return editor;
}

async function linkTo(owner: LinkOwner, drive: TestBridge["alice"], name: string): Promise<string> {
  await drive.put(name, "owner's text");
  return owner.makeLink((await drive.info(name)).id);
}

/** A colleague goes through a link; what he typed before he need not type again. */
async function through(url: string, person: WebPerson, fields?: Record<string, string>) {
  const door = fields === undefined ? await person.get(url) : await person.post(url, fields);
  const page = await person.follow(door);
  return { status: page.status, editor: () => wopiOfForm(editorForm(page)) };
}

describe("a SECRET that was changed, with the old one as SECRET_PREVIOUS", () => {
  it("is noticed by nobody: editors, tickets, people, links and the drive's sessions go on", async () => {
    const editor = await openAndLock("portal.txt", "one");
    await bridge.alice.put("unopened.txt", "text");
    const unopened = await bridge.open("unopened.txt");
    const url = await linkTo(alice, bridge.alice, "shared.txt");
    const chloe = webPerson(bridge.url);
    const colleague = await through(url, chloe, { name: "Chloé" });
    await colleague.editor().get();
    await colleague.editor().lock("two");

    await bridge.restart(both);
    proxy.seen.length = 0;
    expect((await editor.put("saved", "one")).status).toBe(200);
    expect((await colleague.editor().put("saved too", "two")).status).toBe(200);
    expect([await bridge.alice.read("portal.txt"), await bridge.alice.read("shared.txt")]).toEqual([
      "saved",
      "saved too",
    ]);
    expect((await fetch(unopened.session.host_page_url)).status).toBe(200);
    expect((await alice.linkPageOf("shared.txt")).status).toBe(200);
    const again = await through(url, chloe);
    expect((await again.editor().check()).json()).toMatchObject({ UserFriendlyName: "Chloé" });
    // The sealed credentials and sessions were read, not made anew; that of the unopened document was never made.
    const anew = proxy.seen.filter(({ path }) => /\/session\/token/.test(path));
    expect(anew).toEqual([]);
  });

  it("can go once everything has been renewed: what lives by then is signed and sealed under the new one", async () => {
    const editor = await openAndLock("portal.txt", "one");
    const url = await linkTo(alice, bridge.alice, "shared.txt");
    const chloe = webPerson(bridge.url);
    const colleague = await through(url, chloe, { name: "Chloé" });

    await bridge.restart(both);
    // A day of use: tokens of the drive, cookies and the page's own token are renewed by then.
    bridge.clock.advance(2 * hourMs);
    await colleague.editor().check();
    await alice.person.get("/links");
    const last = await through(url, chloe, { name: "Chloé" });
    await last.editor().get();
    await last.editor().lock("two");
    const reopened = await bridge.open("portal.txt");
    bridge.clock.advance(23 * hourMs);
    await bridge.bridge.keepAlive();

    await bridge.restart(second);
    expect((await editor.check()).status).toBe(401);
    expect((await alice.person.get("/links")).status).toBe(200);
    const back = await through(url, chloe);
    expect(back.status).toBe(200);
    expect((await back.editor().check()).json()).toMatchObject({ UserFriendlyName: "Chloé" });
    await back.editor().get();
    expect((await back.editor().lock("three")).status).toBe(200);
    expect((await back.editor().put("under the new secret alone", "three")).status).toBe(200);
    expect((await back.editor().get()).text).toBe("under the new secret alone");
    expect((await bridge.open("portal.txt")).session.file.id).toBe(reopened.session.file.id);
  });
});

describe("a SECRET that was changed without naming the old one", () => {
  it("asks everybody to sign in again, never with a server error, and the editors' locks are kept", async () => {
    const editor = await openAndLock("portal.txt", "one");
    const ticket = (await bridge.open("portal.txt")).session.host_page_url;
    const url = await linkTo(bob, bridge.bob, "bobs.txt");
    const chloe = webPerson(bridge.url);
    const colleague = await through(url, chloe, { name: "Chloé" });
    await colleague.editor().get();
    await colleague.editor().lock("two");

    await bridge.restart(second);
    for (const client of [editor, colleague.editor()]) {
      const answers = [
        client.check(),
        client.get(),
        client.lock("one"),
        client.put("late", "one"),
        client.unlock("one"),
      ];
      expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([401, 401, 401, 401, 401]);
    }
    const list = await bob.person.get("/links");
    expect(list.location ?? list.text).toContain("signin");
    // The ticket is no signed thing; the account behind it signs in by its password.
    expect((await fetch(ticket)).status).toBe(200);
    // The owner's sign-in can't be read any more: a colleague is told that the owner must sign in.
    const door = await through(url, chloe, { name: "Chloé" });
    expect([401, 503]).toContain(door.status);

    const reopened = await bridge.open("portal.txt");
    expect((await reopened.getLock()).header("X-WOPI-Lock")).toBe("one");
    await reopened.get();
    expect((await reopened.put("with a new token", "one")).status).toBe(200);
    expect((await reopened.unlock("one")).status).toBe(200);
    expect(await bridge.alice.put("portal.txt", "anybody")).toBe(0);

    const again = await linkOwner(bridge, "bob@example.com");
    expect((await again.linkPageOf("bobs.txt")).status).toBe(200);
    const in2 = await through(url, chloe, { name: "Chloé" });
    expect(in2.status).toBe(200);
    expect(bridge.logLines.filter((line) => Number(line["status"]) === 500)).toEqual([]);
  });
});
