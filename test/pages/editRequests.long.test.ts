import { afterEach, beforeEach, expect, it } from "vitest";
import { answerForm, askingPage } from "../support/askingVisitor.ts";
import { type LinkOwner, linkOwner } from "../support/linkOwner.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { editorForm, webPerson } from "../support/webPerson.ts";
import { wopiOfForm } from "../support/wopiClient.ts";

let bridge: TestBridge;
let owner: LinkOwner;
let url: string;

beforeEach(async () => {
  bridge = await testBridge({ store: "file" });
  await bridge.alice.put("Plan.txt", "as it is");
  owner = await linkOwner(bridge);
  url = await owner.makeLink((await bridge.alice.info("Plan.txt")).id, { permission: "view" });
});
afterEach(() => bridge.close());

const open = async (name: string, address = url) => {
  const visitor = webPerson(bridge.url);
  const page = await visitor.follow(await visitor.post(address, { name }));
  return { ...askingPage(bridge.url, page), visitor };
};

async function allow(name: string): Promise<void> {
  const { path, fields } = answerForm(await owner.linkPageOf("Plan.txt"), name);
  expect((await owner.person.post(path, { ...fields, answer: "grant" })).location).toContain("changed=1");
}

const mayWrite = async (visitor: ReturnType<typeof webPerson>, address = url): Promise<unknown> => {
  const info = (await wopiOfForm(editorForm(await visitor.get(address))).check()).json();
  return (info as Record<string, unknown>)["UserCanWrite"];
};

it("a link can't be flooded with requests", async () => {
  const answers: number[] = [];
  for (let at = 0; at < 30; at++) answers.push((await (await open(`Visitor ${at}`)).ask()).status);
  expect(answers.filter((status) => status === 200)).toHaveLength(20);
  expect(new Set(answers.slice(20))).toEqual(new Set([429]));
  const page = await owner.linkPageOf("Plan.txt");
  expect(page.text.split("asks to edit").length - 1).toBe(20);
  const before = (await bridge.storedText()).length;
  const last = await open("Impatient");
  const flood = await Promise.all(Array.from({ length: 1000 }, () => last.ask()));
  expect(new Set(flood.map(({ status }) => status))).toEqual(new Set([429]));
  expect((await bridge.storedText()).length - before).toBeLessThan(20_000);
});

it("asking a thousand times is one request", async () => {
  const grace = await open("Grace");
  for (let at = 0; at < 5; at++) await grace.ask();
  expect((await owner.linkPageOf("Plan.txt")).text.split("asks to edit").length - 1).toBe(1);
});

it("a portal's session has nobody to ask", async () => {
  const session = await bridge.postSession({ uri: "cloudreve://my/Plan.txt", action: "view" });
  const { host_page_url } = (await session.json()) as { host_page_url: string };
  const page = askingPage(bridge.url, await webPerson(bridge.url).get(host_page_url));
  expect(page.mayAsk).toBe(false);
  expect((await page.ask()).status).toBe(410);
});

it("somebody else who has signed in answers nothing, and no link's visitor carries the right to another link", async () => {
  const grace = await open("Grace");
  await grace.ask();
  const { path, fields } = answerForm(await owner.linkPageOf("Plan.txt"), "Grace");
  const bob = await linkOwner(bridge, "bob@example.com");
  expect((await bob.person.post(path, { ...fields, answer: "grant" })).status).toBe(404);
  await owner.person.post(path, { ...fields, answer: "grant" });
  expect(await mayWrite(grace.visitor)).toBe(true);
  await bridge.alice.put("Other.txt", "as it is");
  const other = await owner.makeLink((await bridge.alice.info("Other.txt")).id, { permission: "view" });
  await grace.visitor.post(other, { name: "Grace" });
  expect(await mayWrite(grace.visitor, other)).toBe(false);
  // The same person in another browser is another visitor.
  expect(await mayWrite((await open("Grace")).visitor)).toBe(false);
});

it("what was granted survives a restart, and ends when the owner signs out everywhere", async () => {
  const grace = await open("Grace");
  await grace.ask();
  await allow("Grace");
  await bridge.restart();
  expect([await grace.access(), await mayWrite(grace.visitor)]).toEqual(["granted", true]);
  await owner.person.post("/signout", { everywhere: "1" });
  expect([await grace.access(), await mayWrite(grace.visitor)]).toEqual(["none", false]);
  bridge.clock.advance(20 * 24 * 3_600_000);
  owner = await linkOwner(bridge);
  expect(await mayWrite(grace.visitor)).toBe(false);
});

it("a visitor of a link that asks for no name gives one when asking, and keeps it", async () => {
  const nameless = await owner.makeLink((await bridge.alice.info("Plan.txt")).id, {
    permission: "view",
    ask_name: "",
    note: "nameless",
  });
  const guest = await open("", nameless);
  expect((await guest.ask()).status).toBe(422);
  expect((await guest.ask({ name: " \u202E " })).status).toBe(422);
  expect((await guest.ask({ name: "Grace" })).status).toBe(200);
  const { path, fields } = answerForm(await owner.linkPageOf("Plan.txt", "nameless"), "Grace");
  await owner.person.post(path, { ...fields, answer: "grant" });
  const info = (await wopiOfForm(editorForm(await guest.visitor.get(nameless))).check()).json();
  expect(info).toMatchObject({ UserCanWrite: true, UserFriendlyName: "Grace", IsAnonymousUser: false });
});
