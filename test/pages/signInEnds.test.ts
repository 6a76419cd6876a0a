import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { oauthClient, signInByOauth, testBridgeWithOauth } from "../support/consent.ts";
import { driveAccount } from "../support/driveAccount.ts";
import { type LinkOwner, linkOwnerAs } from "../support/linkOwner.ts";
import { drivePassword, type TestBridge } from "../support/testBridge.ts";
import { editorForm, type WebAnswer, webPerson } from "../support/webPerson.ts";
import { collabora, type WopiClient, wopiOfForm } from "../support/wopiClient.ts";

const hourMs = 3_600_000;
let bridge: TestBridge;
let owner: LinkOwner;
let page: WebAnswer;
let editor: WopiClient;

/** A colleague edits by the link of an owner who has signed in by OAuth. */
beforeEach(async () => {
  bridge = await testBridgeWithOauth();
  const person = webPerson(bridge.url);
  await signInByOauth(person);
  owner = linkOwnerAs(person);
  await bridge.alice.put("open.txt", "as it was");
  const url = await owner.makeLink((await bridge.alice.info("open.txt")).id);
  const colleague = webPerson(bridge.url);
  page = await colleague.follow(await colleague.post(url, { name: "Nia" }));
  editor = wopiOfForm(editorForm(page));
  await editor.get();
  await editor.lock("lock-1");
});
afterEach(() => bridge.close());

async function renew(): Promise<number> {
  const key = /"pageKey":"([\w-]+)"/.exec(page.text)?.[1];
  const answered = await fetch(`${bridge.url}/edit/${key}/renew`, { method: "POST" });
  if (answered.status === 200) {
    const { access_token: accessToken } = (await answered.json()) as { access_token: string };
    editor = wopiOfForm({ ...editorForm(page), accessToken });
  }
  return answered.status;
}

async function statusOfPage(): Promise<Record<string, unknown>> {
  const key = /"pageKey":"([\w-]+)"/.exec(page.text)?.[1];
  return (await (await fetch(`${bridge.url}/edit/${key}/status`)).json()) as Record<string, unknown>;
}

/** Alice as she is today: the token of the test's beginning has ended meanwhile. */
const aliceNow = () => driveAccount(bridge.drive.url, "alice@example.com", drivePassword);

/** Alice takes the bridge's permission back, in the drive. */
async function revokeGrant(): Promise<void> {
  const { code } = await bridge.alice.call("DELETE", `/session/oauth/grant/${oauthClient.clientId}`);
  expect(code).toBe(0);
}

describe("the owner takes the bridge's permission back in the drive while a colleague edits", () => {
  it("saves on through the session that the drive gave, for as long as that lives", async () => {
    await revokeGrant();
    bridge.clock.advance(2 * hourMs);
    await editor.lock("lock-1");
    expect((await editor.put("two hours later", "lock-1", collabora({}))).status).toBe(200);
    expect(await (await aliceNow()).read("open.txt")).toBe("two hours later");
  });

  it("then keeps the save, says so, and places it once the owner has signed in anew", async () => {
    await revokeGrant();
    bridge.clock.advance(9 * hourMs);
    expect(await renew()).toBe(200);
    bridge.clock.advance(2 * hourMs);
    await editor.lock("lock-1");
    expect((await editor.put("eleven hours later", "lock-1", collabora({}))).status).toBe(503);
    expect((await statusOfPage())["not_saved"]).toMatchObject({ kept_in: "spool", why: "signInNeeded", is_mine: true });
    expect(await (await aliceNow()).read("open.txt")).toBe("as it was");

    await signInByOauth(owner.person);
    expect(await bridge.bridge.replay()).toBe(0);
    expect(await (await aliceNow()).read("open.txt")).toBe("eleven hours later");
    expect((await statusOfPage())["not_saved"]).toBeNull();
  });

  it("tells the owner on the link's page what to do", async () => {
    await revokeGrant();
    bridge.clock.advance(2 * hourMs);
    await bridge.bridge.keepAlive();
    const text = (await owner.linkPageOf("open.txt")).text;
    expect(text).toContain("/signin");
  });
});

describe("an owner who has taken the permission back and signs in anew", () => {
  it("is told that a link would not last, since Cloudreve renews such a sign-in no more", async () => {
    await revokeGrant();
    await signInByOauth(owner.person);
    const fileId = (await bridge.alice.info("open.txt")).id;
    const refused = await owner.person.post("/share", { file_id: fileId, permission: "edit" });
    expect(refused.status).toBe(409);
    expect(refused.text).toContain("new OAuth application");
    // Until its hour is over the sign-in is as good as any.
    expect((await owner.person.get("/")).text).toContain("open.txt");
  });
});

describe("an access token that ends while somebody edits", () => {
  it("is followed by a fresh one, and the save under it goes through", async () => {
    bridge.clock.advance(9 * hourMs);
    expect(await renew()).toBe(200);
    bridge.clock.advance(5 * hourMs);
    await editor.lock("lock-1");
    expect((await editor.put("the next day", "lock-1", collabora({}))).status).toBe(200);
  });

  it("without renewal ends the session: the save is refused, kept beside, and the page says so", async () => {
    bridge.clock.advance(10 * hourMs + 1000);
    expect((await editor.put("too late", "lock-1", collabora({}))).status).toBe(401);
    const status = await statusOfPage();
    expect(status["ended"]).toBe("expired");
    expect(status["not_saved"]).toMatchObject({ kept_in: "copy", by: "Nia" });
    const copy = (status["not_saved"] as { copy_name: string }).copy_name;
    expect(await (await aliceNow()).read(copy)).toBe("too late");
    expect(await renew()).toBe(410);
  });
});
