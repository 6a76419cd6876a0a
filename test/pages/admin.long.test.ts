import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { signInByOauth, testBridgeWithOauth } from "../support/consent.ts";
import { type LinkOwner, linkOwner } from "../support/linkOwner.ts";
import { type SavingEditor, savingEditor } from "../support/savingEditor.ts";
import { webPerson } from "../support/webPerson.ts";
import { collabora } from "../support/wopiClient.ts";

let editor: SavingEditor;
let alice: LinkOwner;
let bob: LinkOwner;

beforeAll(async () => {
  editor = await savingEditor({ settings: { ADMIN_EMAILS: "BOB@example.com" } });
  alice = await linkOwner(editor.bridge);
  bob = await linkOwner(editor.bridge, "bob@example.com");
});
afterAll(() => editor.close());

const admin = async (query = "") => (await bob.person.get(`/admin${query}`)).text;
const audited = (event: string) => editor.bridge.logLines.filter((line) => line["event"] === event);

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
  const id = /\/admin\/saves\/([0-9a-f]+)\/content/.exec(await admin())?.[1] ?? "";
  return { ...opened, id };
}

describe("/admin", () => {
  it("tells which documents are open, who has them open, and who holds the lock", async () => {
    const { client } = await editor.openAndLock("A");
    expect(await admin()).toMatch(/Report\.docx.*has been editing since.*Locked for .* until/s);
    await client.unlock("A");
    expect(await admin()).not.toContain("Locked for");
  });

  it("hands out a save that waits, tries again, and says what came of it", async () => {
    const { id, path } = await waitingSave("unsaved work");
    expect((await bob.person.get(`/admin/saves/${id}/content`)).text).toBe("unsaved work");
    expect(audited("saveDownloaded")).toEqual([
      expect.objectContaining({ by: expect.stringMatching(/^administrator:/) }),
    ]);
    const stillDown = await bob.person.follow(await bob.person.post(`/admin/saves/${id}/place`));
    expect(stillDown.text).toContain("still waits");
    expect(stillDown.text).toContain("a save waits in the spool");
    editor.proxy.intercept = undefined;
    const placed = await bob.person.follow(await bob.person.post(`/admin/saves/${id}/place`));
    expect(placed.text).toContain("The save is in Cloudreve.");
    expect(await editor.bridge.alice.read(path)).toBe("unsaved work");
    expect((await bob.person.get(`/admin/saves/${id}/content`)).status).toBe(404);
  });

  it("deletes a waiting save only after a question that offers the download", async () => {
    const { id } = await waitingSave("thrown away");
    expect(await admin()).toMatch(
      new RegExp(
        `<details class="danger">(?:(?!</details>).)*/saves/${id}/content(?:(?!</details>).)*/saves/${id}/dismiss`,
        "s",
      ),
    );
    const page = await bob.person.follow(await bob.person.post(`/admin/saves/${id}/dismiss`));
    expect(page.text).toContain("The save was deleted.");
    expect(audited("saveDropped")).toEqual([
      expect.objectContaining({ why: "dismissed", by: expect.stringMatching(/^administrator:/) }),
    ]);
    editor.proxy.intercept = undefined;
  });

  it("counts and finds links without their addresses, and revokes them", async () => {
    const { path } = await editor.openNew();
    const made = await alice.makeLink((await editor.bridge.alice.info(path)).id);
    expect(await admin()).toContain("1 active, 0 expired, 0 revoked");
    const found = await admin("?q=alice");
    const id = /\/admin\/links\/([^/]+)\/revoke/.exec(found)?.[1] ?? "";
    expect(found).not.toContain(made);
    expect(await admin("?q=nothing-like-it")).toContain("No link matches.");
    const page = await bob.person.follow(await bob.person.post(`/admin/links/${id}/revoke`));
    expect(page.text).toContain("0 active, 0 expired, 1 revoked");
    expect(audited("linkRevoked")).toEqual([expect.objectContaining({ by: expect.stringMatching(/^administrator:/) })]);
    expect((await fetch(made)).status).toBe(410);
  });

  it("runs the doctor once, however often it is asked at the same time", async () => {
    const both = await Promise.all([bob.person.post("/admin/doctor"), bob.person.post("/admin/doctor")]);
    expect(both.map(({ status }) => status)).toEqual([303, 303]);
    expect(await admin()).toMatch(/ok, \d+ warnings? \( !\), \d+ failed/);
  });

  it("knows an administrator who signs in on Cloudreve's own pages too", async () => {
    const withOauth = await testBridgeWithOauth({ settings: { ADMIN_EMAILS: "ALICE@example.com" } });
    const person = webPerson(withOauth.url);
    expect((await person.get("/admin")).status).toBe(404);
    await signInByOauth(person);
    expect((await person.get("/admin")).status).toBe(200);
    await person.post("/signout");
    expect((await person.get("/admin")).status).toBe(404);
    await withOauth.close();
  });

  it("works while Cloudreve is down", async () => {
    editor.proxy.intercept = (_request, response) => {
      response.destroy();
      return true;
    };
    expect(await admin()).toContain("Open documents");
    editor.proxy.intercept = undefined;
  });
});
