import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DiscoveryServer, discoveryServer } from "../support/discoveryServer.ts";
import { type LinkOwner, linkOwner } from "../support/linkOwner.ts";
import { portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { editorForm, webPerson } from "../support/webPerson.ts";
import { type WopiClient, wopiOfForm } from "../support/wopiClient.ts";

const editor = "http://127.0.0.1:9/hosting/wopi/word";

let discovery: DiscoveryServer;
let bridge: TestBridge;
let owner: LinkOwner;
let fileId: string;

const save = (text: string) => Buffer.concat([Buffer.from("PK\u0003\u0004"), Buffer.from(text)]);

beforeAll(async () => {
  discovery = await discoveryServer(editor, ["view docx", "edit docx", "view txt", "edit txt"]);
  discovery.show("noKeys");
  bridge = await testBridge({ settings: { DISCOVERY_URLS: discovery.url } });
  await bridge.alice.put("Plan.docx", save("as it is"));
  await bridge.alice.put("Plan.txt", "as it is");
  owner = await linkOwner(bridge);
  fileId = (await bridge.alice.info("Plan.docx")).id;
});
afterAll(async () => {
  await bridge.close();
  await discovery.close();
});

async function visit(permission: string): Promise<WopiClient> {
  // The newest link is the one that is changed below.
  bridge.clock.advance(1);
  const url = await owner.makeLink(fileId, { permission, may_rename: "1" });
  const visitor = webPerson(bridge.url);
  return wopiOfForm(editorForm(await visitor.follow(await visitor.post(url, { name: "Grace" }))));
}

describe.each([
  ["comment", { UserCanOnlyComment: true }],
  ["review", { UserCanReview: true, SupportsReviewing: true }],
])("a link to %s", (permission, told) => {
  it("tells the editor so, and an editor that does not know it that nothing may be written", async () => {
    const info = (await (await visit(permission)).check()).json();
    expect(info).toMatchObject({
      ...told,
      UserCanWrite: false,
      UserCanRename: false,
      UserCanNotWriteRelative: true,
      ReadOnly: false,
    });
  });

  it("lets what the editor saves into the document, and nothing else", async () => {
    const editing = await visit(permission);
    expect((await editing.lock("l1")).status).toBe(200);
    expect((await editing.put(save(permission), "l1")).status).toBe(200);
    expect(await bridge.alice.read("Plan.docx")).toBe(save(permission).toString());
    expect((await editing.post("PUT_RELATIVE", { "X-WOPI-SuggestedTarget": ".docx" }, "PK\u0003\u0004x")).status).toBe(
      501,
    );
    expect((await editing.post("RENAME_FILE", { "X-WOPI-RequestedName": "mine" })).status).toBe(404);
    expect((await editing.post("DELETE")).status).toBeGreaterThanOrEqual(400);
    expect((await bridge.alice.list()).toSorted()).toEqual(["Plan.docx", "Plan.txt"]);
    await editing.unlock("l1");
  });
});

it("a session to edit ends when its link lets people only comment, and may not go on by the old rights", async () => {
  const editing = await visit("edit");
  expect((await editing.lock("l1")).status).toBe(200);
  await owner.change("Plan.docx", { permission: "comment" });
  expect((await editing.check()).json()).toMatchObject({ UserCanWrite: false });
  const before = await bridge.alice.read("Plan.docx");
  await editing.put(save("after the change"), "l1");
  expect(await bridge.alice.read("Plan.docx")).toBe(before);
});

it("is offered, and made, only where the editor keeps people to it", async () => {
  expect((await owner.person.get(`/share?file_id=${fileId}`)).text).toContain('value="review"');
  const { id } = await bridge.alice.info("Plan.txt");
  const form = (await owner.person.get(`/share?file_id=${id}`)).text;
  expect(form).toContain('value="view"');
  expect(form).not.toMatch(/value="(review|comment)"/);
  const forged = { file_id: id, permission: "review", ask_name: "1" };
  expect((await owner.person.post("/share", forged)).status).toBe(422);
  const asked = await fetch(`${bridge.url}/api/links`, {
    method: "POST",
    headers: { Authorization: `Bearer ${portalKey}`, "Content-Type": "application/json" },
    body: JSON.stringify({ file_id: id, permission: "comment" }),
  });
  expect(asked.status).toBe(422);
  expect(await asked.json()).toMatchObject({ errors: [{ field: "permission" }] });
});
