import { afterAll, beforeAll, expect, it } from "vitest";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { sessionSchema, wopiClient } from "../support/wopiClient.ts";

let bridge: TestBridge;
beforeAll(async () => {
  bridge = await testBridge();
});
afterAll(() => bridge.close());

/** Somebody's page, by the key that its script gets, and the editor in it. */
async function openPage(name: string, more: Record<string, unknown> = {}) {
  await bridge.alice.put(name, "the original");
  const answered = await bridge.postSession({ uri: bridge.alice.uriOf(name), action: "edit", ...more });
  const session = sessionSchema.parse(await answered.json());
  const html = await (await fetch(session.host_page_url)).text();
  const { pageKey } = JSON.parse(/id="facts"[^>]*>([^<]+)</.exec(html)?.[1] ?? "") as { pageKey: string };
  const page = `${bridge.url}/edit/${pageKey}`;
  const status = async () => (await (await fetch(`${page}/status`)).json()) as Record<string, unknown>;
  return { html, page, status, client: wopiClient(session) };
}

const saveAs = (client: Awaited<ReturnType<typeof openPage>>["client"], name: string) =>
  client.post("PUT_RELATIVE", { "X-WOPI-SuggestedTarget": name }, "the copy");

it("a page is told of the new file that its editor has made, and opens it", async () => {
  const { page, status, client } = await openPage("Report.docx");
  expect((await saveAs(client, "Copy.docx")).status).toBe(200);
  const { id } = await bridge.alice.info("Copy.docx");
  expect((await status())["new_file"]).toEqual({ at: bridge.clock.now(), name: "Copy.docx", file_id: id });
  const opened = await fetch(`${page}/new-file`);
  expect(opened.status).toBe(200);
  expect(await opened.text()).toContain("<title>Copy.docx</title>");
});

it("a page is told why its editor could not make one", async () => {
  const { page, status, client } = await openPage("Letter.docx", { user: { id: "anna", name: "Anna" } });
  expect((await saveAs(client, "Program.exe")).status).toBe(400);
  expect((await status())["new_file"]).toEqual({ at: bridge.clock.now(), why: "nameIllegal" });
  expect((await fetch(`${page}/new-file`)).status).toBe(410);
});

it("an exact name that is taken is no failure: the editor goes on with another", async () => {
  const { status, client } = await openPage("Taken.docx", { options: { save_as: "overwrite" } });
  const answer = await client.post("PUT_RELATIVE", { "X-WOPI-RelativeTarget": "Taken.docx" }, "the copy");
  expect(answer.status).toBe(409);
  expect(await status()).not.toHaveProperty("new_file");
});

it("the page has the question for a name only where a new file may be made", async () => {
  const question = '<dialog id="save-as"';
  expect((await openPage("A.docx")).html).toContain(question);
  expect((await openPage("B.docx", { action: "view" })).html).not.toContain(question);
  expect((await openPage("C.docx", { options: { save_as: "none" } })).html).not.toContain(question);
});
