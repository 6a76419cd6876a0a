import { afterAll, beforeAll, expect, it } from "vitest";
import { linkOwner } from "../support/linkOwner.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import type { WopiClient } from "../support/wopiClient.ts";

let bridge: TestBridge;
beforeAll(async () => {
  bridge = await testBridge();
});
afterAll(() => bridge.close());

const keyIn = (html: string) => /"pageKey":"([\w-]+)"/.exec(html)?.[1] ?? "";
const pageOf = async ({ session }: WopiClient) => {
  const key = keyIn(await (await fetch(session.host_page_url)).text());
  return {
    status: async () => (await (await fetch(`${bridge.url}/edit/${key}/status`)).json()) as Record<string, unknown>,
    openCopy: () => fetch(`${bridge.url}/edit/${key}/copy`, { redirect: "manual" }),
  };
};

it("the copy of one's own changes opens from the page, for nobody else's guest, and on the owner's own pages", async () => {
  await bridge.alice.put("Report.docx", "first");
  const anna = await bridge.open("Report.docx", { user: { id: "anna", name: "Anna" } });
  const ben = await bridge.open("Report.docx", { user: { id: "ben", name: "Ben" } });
  const [annas, bens] = [await pageOf(anna), await pageOf(ben)];
  expect((await annas.status())["copy_opens"]).toBeUndefined();
  expect((await annas.openCopy()).status).toBe(410);
  expect((await anna.lock("L1")).status).toBe(200);
  const owner = await linkOwner(bridge);
  const taken = await owner.person.post(`/takeover/${anna.session.file.id}`);
  expect(taken.status).toBe(303);
  // An exit save is kept, whatever stands in its way.
  await anna.put("Anna's text", "L1", { "X-COOL-WOPI-IsExitSave": "true" });
  const status = await annas.status();
  expect(status["not_saved"]).toMatchObject({ kept_in: "copy", is_mine: true });
  expect(status["copy_opens"]).toBe(true);

  const opened = await annas.openCopy();
  expect(opened.status).toBe(303);
  const page = await (await fetch(opened.headers.get("location") ?? "")).text();
  const { copy_name: name } = status["not_saved"] as { copy_name: string };
  expect(page).toContain(`<title>${name}</title>`);
  expect((await bens.status())["copy_opens"]).toBeUndefined();
  expect((await bens.openCopy()).status).toBe(410);

  const alices = await owner.person.follow(await owner.person.get(`/open?file_id=${anna.session.file.id}`));
  const atOwner = await fetch(`${bridge.url}/edit/${keyIn(alices.text)}/copy`, { redirect: "manual" });
  const copyId = (await bridge.alice.info(name)).id;
  expect(atOwner.headers.get("location")).toBe(`${bridge.url}/open?file_id=${copyId}`);
  const list = await owner.person.get("/");
  expect(list.text).toContain(`/versions/${anna.session.file.id}/compare?copy=${copyId}`);
  expect(list.text).toContain("Conflict: ");

  // It ends with the session it was opened from.
  await bridge.endSession(anna.session.id);
  expect((await annas.openCopy()).status).toBe(410);
});
