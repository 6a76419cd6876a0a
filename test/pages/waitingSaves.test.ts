import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type LinkOwner, linkOwner } from "../support/linkOwner.ts";
import { type SavingEditor, savingEditor } from "../support/savingEditor.ts";
import { collabora } from "../support/wopiClient.ts";

let editor: SavingEditor;
let alice: LinkOwner;
let bob: LinkOwner;

beforeAll(async () => {
  editor = await savingEditor();
  alice = await linkOwner(editor.bridge);
  bob = await linkOwner(editor.bridge, "bob@example.com");
});
afterAll(() => editor.close());
beforeEach(async () => {
  editor.proxy.intercept = undefined;
  await editor.bridge.bridge.replay();
});

/** A save that the drive has refused for a reason of its own. */
async function waitingSave(text: string) {
  const opened = await editor.openAndLock("A");
  editor.proxy.intercept = (request, response) => {
    if (request.headers["x-wopi-override"] !== "PUT") return false;
    request.resume();
    response.writeHead(500).end();
    return true;
  };
  const { timestamp } = opened;
  expect((await opened.client.put(text, "A", collabora({ timestamp, exitSave: true }))).status).toBe(500);
  return opened;
}
const idIn = (text: string): string => /\/saves\/([0-9a-f]+)\/content/.exec(text)?.[1] ?? "";
const audited = (event: string) => editor.bridge.logLines.filter((line) => line["event"] === event);

describe("the page of saves that wait", () => {
  it("shows the owner what waits, hands it out, and lets it go in when it can", async () => {
    const { path } = await waitingSave("unsaved work");
    expect((await alice.person.get("/")).text).toContain("/saves");
    const page = await alice.person.get("/saves");
    expect(page.status).toBe(200);
    expect(page.text).toContain("Report.docx");
    const content = await alice.person.get(`/saves/${idIn(page.text)}/content`);
    expect(content.text).toBe("unsaved work");
    expect(content.headers.get("content-type")).toBe("application/octet-stream");
    expect(content.headers.get("content-disposition")).toMatch(/^attachment; filename=/);
    expect(audited("saveDownloaded").length).toBe(1);
    editor.proxy.intercept = undefined;
    expect(await editor.bridge.bridge.replay()).toBe(0);
    expect(await editor.bridge.alice.read(path)).toBe("unsaved work");
    expect((await alice.person.get("/saves")).text).not.toContain("Report.docx");
    expect((await alice.person.get(`/saves/${idIn(page.text)}/content`)).status).toBe(404);
  });

  it("shows nothing to others, and gives them nothing", async () => {
    await waitingSave("not for bob");
    const id = idIn((await alice.person.get("/saves")).text);
    expect((await bob.person.get("/saves")).text).not.toContain("Report.docx");
    expect((await bob.person.get("/")).text).not.toContain("/saves");
    expect((await bob.person.get(`/saves/${id}/content`)).status).toBe(404);
    expect((await bob.person.post(`/saves/${id}/dismiss`)).status).toBe(404);
    for (const below of ["", `/${id}/content`]) {
      const answer = await fetch(`${editor.bridge.url}/saves${below}`, { redirect: "manual" });
      expect([answer.status, answer.headers.get("location")]).toEqual([303, expect.stringContaining("/signin")]);
    }
  });

  it("dismisses for good, but not when a page of another site asks", async () => {
    const { path, folder } = await waitingSave("thrown away");
    const id = idIn((await alice.person.get("/saves")).text);
    const foreign = await alice.person.post(`/saves/${id}/dismiss`, {}, { Origin: "https://evil.example" });
    expect(foreign.status).toBe(403);
    expect(idIn((await alice.person.get("/saves")).text)).toBe(id);
    expect((await alice.person.post(`/saves/${id}/dismiss`)).status).toBe(303);
    expect(audited("saveDropped")).toEqual([expect.objectContaining({ why: "dismissed" })]);
    editor.proxy.intercept = undefined;
    expect(await editor.bridge.bridge.replay()).toBe(0);
    expect(await editor.bridge.alice.read(path)).toBe("before");
    expect(await editor.bridge.alice.list(folder)).toEqual(["Report.docx"]);
  });

  it("shows what a power cut has damaged, as it is", async () => {
    await waitingSave("damaged work");
    const dir = editor.bridge.spoolDir;
    const [name = ""] = (await readdir(dir)).filter((one) => one.endsWith(".save"));
    await writeFile(join(dir, name), (await readFile(join(dir, name))).subarray(0, -5));
    await editor.bridge.bridge.replay();
    const page = await alice.person.get("/saves");
    expect(page.text).toContain("This save was damaged by a power failure");
    expect((await alice.person.get(`/saves/${idIn(page.text)}/content`)).text).toBe("damaged");
    expect((await alice.person.post(`/saves/${idIn(page.text)}/dismiss`)).status).toBe(303);
    expect((await readdir(dir)).filter((one) => one.endsWith(".broken"))).toEqual([]);
  });
});

describe("a save of a document that is deleted", () => {
  it.each(["in the trash", "gone, and its folder too"])("goes into its folder, else to the root: %s", async (where) => {
    const { path, folder, client } = await waitingSave(`work on what is ${where}`);
    editor.proxy.intercept = undefined;
    await client.unlock("A");
    expect(await editor.bridge.alice.remove(path)).toBe(0);
    if (where !== "in the trash") expect(await editor.bridge.alice.remove(folder)).toBe(0);
    expect(await editor.bridge.bridge.replay()).toBe(0);
    const place = where === "in the trash" ? folder : "";
    const copy = (await editor.bridge.alice.list(place)).find((name) => name.startsWith("Report (conflict"));
    expect(await editor.bridge.alice.read(place === "" ? `${copy}` : `${place}/${copy}`)).toBe(
      `work on what is ${where}`,
    );
    expect(await readdir(editor.bridge.spoolDir)).toEqual([]);
  });
});
