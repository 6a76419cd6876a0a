import { afterAll, beforeAll, expect, it } from "vitest";
import { answerForm, askingPage } from "../support/askingVisitor.ts";
import { type LinkOwner, linkOwner } from "../support/linkOwner.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { editorForm, type WebPerson, webPerson } from "../support/webPerson.ts";
import { wopiOfForm } from "../support/wopiClient.ts";

let bridge: TestBridge;
let owner: LinkOwner;
let url: string;

beforeAll(async () => {
  bridge = await testBridge();
  await bridge.alice.put("Plan.txt", "as it is");
  owner = await linkOwner(bridge);
  url = await owner.makeLink((await bridge.alice.info("Plan.txt")).id, { permission: "view" });
});
afterAll(() => bridge.close());

const open = async (visitor: WebPerson, name: string) =>
  askingPage(bridge.url, await visitor.follow(await visitor.post(url, { name })));

it("a visitor asks with one click, the owner allows with one, and the visitor alone edits, until it is taken back", async () => {
  const [grace, eve] = [webPerson(bridge.url), webPerson(bridge.url)];
  const [seen, others] = [await open(grace, "<b>Grace</b>"), await open(eve, "Eve")];
  expect([seen.mayAsk, await seen.access()]).toEqual([true, "none"]);
  expect((await seen.ask()).status).toBe(200);
  expect(await seen.access()).toBe("asked");

  // The header of every page says so.
  expect((await owner.person.get("/")).text).toContain('aria-label="Requests to edit: 1"');
  const list = await owner.person.get("/links");
  expect(list.text).toContain("&lt;b&gt;Grace&lt;/b&gt;</bdi></strong> asks to edit");
  expect(list.text).not.toContain("<b>Grace");
  const { path, fields } = answerForm(await owner.linkPageOf("Plan.txt"), "Grace");

  // Nobody else's page can answer: not another site's, not the visitor's.
  const forged = { ...fields, answer: "grant" };
  expect((await owner.person.post(path, forged, { Origin: "https://evil.example" })).status).toBe(403);
  expect((await grace.post(path, forged)).location).toContain("/signin");
  expect((await owner.person.post(path, { ...fields, answer: "all" })).location).toContain("late=1");
  expect(await seen.access()).toBe("asked");

  await owner.person.post(path, forged);
  expect([await seen.access(), await others.access()]).toEqual(["granted", "none"]);
  expect((await owner.person.get("/")).text).not.toContain("Requests to edit");
  const editor = wopiOfForm(editorForm(await grace.get(url)));
  expect((await editor.check()).json()).toMatchObject({ UserCanWrite: true, UserCanRename: false });
  expect((await editor.lock("l1")).status).toBe(200);
  expect((await editor.put("Grace was here", "l1")).status).toBe(200);
  expect(await bridge.alice.read("Plan.txt")).toBe("Grace was here");
  const stranger = wopiOfForm(editorForm(await eve.get(url)));
  expect((await stranger.check()).json()).toMatchObject({ UserCanWrite: false });

  const granted = answerForm(await owner.linkPageOf("Plan.txt"), "Grace");
  await owner.person.post(path, { ...granted.fields, answer: "takeBack" });
  // The form of before, once more.
  await owner.person.post(path, forged);
  expect((await editor.check()).json()).toMatchObject({ UserCanWrite: false });
  // What was still unsaved becomes a copy beside the document.
  await editor.put("and here", "l1");
  expect(await bridge.alice.read("Plan.txt")).toBe("Grace was here");
  expect(bridge.logLines.filter(({ stream }) => stream === "audit").map(({ event }) => event)).toEqual(
    expect.arrayContaining(["accessAsked", "accessAnswered"]),
  );
});
