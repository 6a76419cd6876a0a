import type { IncomingMessage, ServerResponse } from "node:http";
import { strToU8, zipSync } from "fflate";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type LinkOwner, linkOwner } from "../support/linkOwner.ts";
import { type SavingEditor, savingEditor } from "../support/savingEditor.ts";
import { editorForm, type WebAnswer, webPerson } from "../support/webPerson.ts";
import { wopiOfForm } from "../support/wopiClient.ts";

let editor: SavingEditor;
let alice: LinkOwner;
beforeAll(async () => {
  editor = await savingEditor();
  alice = await linkOwner(editor.bridge);
});
afterAll(() => editor.close());
beforeEach(() => {
  editor.proxy.intercept = undefined;
});

/** A document that alice wrote first, and Ann after her, in a portal. */
async function twoVersions() {
  const { path, client } = await editor.openNew("alice wrote this", { user: { id: "ann", name: "Ann" } });
  await client.check();
  await client.get();
  await client.lock("A");
  expect((await client.put("Ann wrote that", "A")).status).toBe(200);
  const { id } = await editor.bridge.alice.info(path);
  return { path, client, id };
}
async function closedVersions() {
  const stage = await twoVersions();
  expect((await stage.client.unlock("A")).status).toBe(200);
  return stage;
}
const page = (id: string): Promise<WebAnswer> => alice.person.get(`/versions/${id}`);
const versionsIn = ({ text }: WebAnswer): string[] =>
  [...text.matchAll(/\/content\?version=(\w+)"/g)].map(([, version = ""]) => version);
const restore = (id: string, version = "", current = "") =>
  alice.person.post(`/versions/${id}/restore`, { version, current });
const rows = ({ text }: WebAnswer): string[] => text.slice(text.indexOf("<main")).split("<li>").slice(1);

describe("the page of a document's versions", () => {
  it("shows who really saved each, and which one is current", async () => {
    const { id } = await closedVersions();
    const shown = await page(id);
    expect(shown.status).toBe(200);
    const [newest = "", oldest = ""] = rows(shown).slice(-2);
    expect(newest).toContain("<bdi>Ann</bdi> (in test)");
    expect(newest).toContain("Current");
    expect(newest).toContain("14 B");
    expect(oldest).toContain("Saved in Cloudreve");
    expect(oldest).not.toContain("Current");
  });

  it("shows the name that a link's visitor gave", async () => {
    const path = "versions-visitor/Plan.docx";
    await editor.bridge.alice.put(path, "before");
    const { id } = await editor.bridge.alice.info(path);
    const visitor = webPerson(editor.bridge.url);
    const url = await alice.makeLink(id);
    const opened = await visitor.follow(await visitor.post(new URL(url).pathname, { name: "Zoë Guest" }));
    const client = wopiOfForm(editorForm(opened));
    await client.lock("V");
    expect((await client.put("the guest's", "V")).status).toBe(200);
    await client.unlock("V");
    expect(rows(await page(id))[0]).toContain("<bdi>Zoë Guest</bdi> (through a link)");
    // A visitor has cookies of a link, and sees no versions.
    const asGuest = await visitor.get(`/versions/${id}`);
    expect([asGuest.status, asGuest.location]).toEqual([303, expect.stringContaining("/signin")]);
  });

  it("hands each version out as a file, and opens it read-only", async () => {
    const { id } = await closedVersions();
    const [, oldest = ""] = versionsIn(await page(id));
    const content = await alice.person.get(`/versions/${id}/content?version=${oldest}`);
    expect(content.text).toBe("alice wrote this");
    expect(content.headers.get("content-disposition")).toMatch(/^attachment; filename="Report \(\d{4}-.*\)\.docx"/);
    const opened = await alice.person.get(`/versions/${id}/open?version=${oldest}`);
    const client = wopiOfForm(editorForm(await alice.person.follow(opened)));
    expect((await client.check()).json()).toMatchObject({ ReadOnly: true, UserCanWrite: false });
    expect((await client.get()).text).toBe("alice wrote this");
  });

  it("names a version, changes the name and takes it away", async () => {
    const { id } = await closedVersions();
    const [, oldest = ""] = versionsIn(await page(id));
    const name = async (to: string): Promise<string> => {
      const done = await alice.person.post(`/versions/${id}/name`, { version: oldest, name: to });
      expect(done.status).toBe(303);
      return rows(await alice.person.follow(done)).at(-1) ?? "";
    };
    expect(await name(`  Before <b>Ann</b>   came `)).toContain("Before &lt;b&gt;Ann&lt;/b&gt; came</bdi></strong>");
    expect(await name("First")).toContain("<strong><bdi>First</bdi></strong>");
    expect(await name("")).not.toContain("<strong>");
  });

  it("is the owner's alone, and only of this document", async () => {
    const { id } = await closedVersions();
    const [newest = "", oldest = ""] = versionsIn(await page(id));
    const other = await closedVersions();
    const bob = await linkOwner(editor.bridge, "bob@example.com");
    for (const path of ["", `/open?version=${oldest}`, `/content?version=${oldest}`]) {
      expect((await bob.person.get(`/versions/${id}${path}`)).status).toBe(404);
      const guest = await webPerson(editor.bridge.url).get(`/versions/${id}${path}`);
      expect(guest.location).toContain("/signin");
    }
    const wish = { version: oldest, current: newest, name: "x" };
    for (const act of ["restore", "name"]) {
      expect((await bob.person.post(`/versions/${id}/${act}`, wish)).status).toBe(404);
      const foreign = await alice.person.post(`/versions/${id}/${act}`, wish, { Origin: "https://evil.example" });
      expect(foreign.status).toBe(403);
    }
    for (const act of ["open", "content"]) {
      expect((await alice.person.get(`/versions/${other.id}/${act}?version=${oldest}`)).status).toBe(404);
    }
    const [current = ""] = versionsIn(await page(other.id));
    const strange = await restore(other.id, oldest, current);
    expect([strange.status, strange.text]).toEqual([409, expect.stringContaining("no longer has this version")]);
    expect((await page("zzzzzz")).status).toBe(404);
    expect((await page("no..id")).status).toBe(404);
  });
});

describe("restoring a version", () => {
  it("stores it as a new one: whatever the document was before stays", async () => {
    const { id, path } = await closedVersions();
    const [newest = "", oldest = ""] = versionsIn(await page(id));
    const done = await restore(id, oldest, newest);
    expect(done.status).toBe(303);
    const after = await alice.person.follow(done);
    expect(after.text).toContain("The version is restored");
    expect(rows(after)[0]).toMatch(/, by restoring <time datetime="2/);
    const versions = versionsIn(after);
    expect(versions.slice(1)).toEqual([newest, oldest]);
    expect(await editor.bridge.alice.read(path)).toBe("alice wrote this");
    const before = await alice.person.get(`/versions/${id}/content?version=${newest}`);
    expect(before.text).toBe("Ann wrote that");
    const audited = editor.bridge.logLines.filter((line) => line["event"] === "restored");
    expect(audited.at(-1)).toMatchObject({ file: id, from: oldest, version: versions[0] });
  });

  it("is done once, however often it is clicked", async () => {
    const { id } = await closedVersions();
    const [newest = "", oldest = ""] = versionsIn(await page(id));
    const answers = await Promise.all([1, 2, 3].map(() => restore(id, oldest, newest)));
    expect(answers.map(({ status }) => status)).toEqual([303, 303, 303]);
    expect(versionsIn(await page(id))).toHaveLength(3);
  });

  it("is refused in words while somebody edits, and a later save is not lost", async () => {
    const { id, path, client } = await twoVersions();
    const [newest = "", oldest = ""] = versionsIn(await page(id));
    const refused = await restore(id, oldest, newest);
    expect(refused.status).toBe(409);
    expect(refused.text).toContain("<bdi>Ann</bdi> is editing this document");
    expect(refused.text).toContain(`/takeover?file_id=${id}`);
    expect((await client.put("Ann goes on", "A")).status).toBe(200);
    expect(await editor.bridge.alice.read(path)).toBe("Ann goes on");
  });

  it("is refused when the document has changed since the page was shown", async () => {
    const { id, path } = await closedVersions();
    const [newest = "", oldest = ""] = versionsIn(await page(id));
    await editor.bridge.alice.put(path, "somebody was faster");
    const refused = await restore(id, oldest, newest);
    expect([refused.status, refused.text]).toEqual([409, expect.stringContaining("has changed since you opened")]);
    expect(await editor.bridge.alice.read(path)).toBe("somebody was faster");
  });

  it("tells the truth about a drive that says it was done, and it was not", async () => {
    const { id, path } = await closedVersions();
    const [newest = "", oldest = ""] = versionsIn(await page(id));
    const file = await editor.bridge.alice.info(path);
    editor.proxy.intercept = (request: IncomingMessage, response: ServerResponse) => {
      if (request.method !== "PUT" || !request.url?.includes("/file/content")) return false;
      request.resume();
      const data = { ...file, type: 0, size: 16, path: editor.bridge.alice.uriOf(path) };
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify({ code: 0, data, msg: "" }));
      return true;
    };
    const answer = await restore(id, oldest, newest);
    expect([answer.status, answer.text]).toEqual([502, expect.stringContaining("does not hold the version")]);
    editor.proxy.intercept = undefined;
    expect(await editor.bridge.alice.read(path)).toBe("Ann wrote that");
  });

  it("leaves the document as it is when the old bytes stop coming", async () => {
    const { id, path } = await closedVersions();
    const [newest = "", oldest = ""] = versionsIn(await page(id));
    editor.proxy.intercept = (request: IncomingMessage, response: ServerResponse) => {
      if (!request.url?.includes(`/file/content/${oldest}/`)) return false;
      response.writeHead(200, { "Content-Length": "16", ETag: `"${oldest}"` });
      response.write("alice", () => response.destroy());
      return true;
    };
    expect((await restore(id, oldest, newest)).status).toBe(503);
    editor.proxy.intercept = undefined;
    expect(await editor.bridge.alice.read(path)).toBe("Ann wrote that");
    expect(versionsIn(await page(id))).toHaveLength(2);
  });
});

describe("copies beside a document", () => {
  it("are listed: a conflict's, and what came after a link had ended; a deleted one is told so", async () => {
    const path = "versions-copies/Report.docx";
    await editor.bridge.alice.put(path, "before");
    const { id } = await editor.bridge.alice.info(path);
    const url = await alice.makeLink(id);
    const visitor = webPerson(editor.bridge.url);
    const opened = await visitor.follow(await visitor.post(new URL(url).pathname, { name: "Late Larry" }));
    const client = wopiOfForm(editorForm(opened));
    await client.check();
    await client.get();
    await client.lock("V");
    const shownLink = await alice.linkPageOf("Report.docx");
    await alice.revoke("Report.docx");
    expect([401, 404]).toContain((await client.put("typed until the end", "V")).status);
    const shown = await page(id);
    const copy = rows(shown).at(-1) ?? "";
    expect(copy).toContain("After the link ended");
    expect(copy).toContain("<bdi>Late Larry</bdi>");
    const content = /href="([^"]*\/copies\/\w+\/content)"/.exec(copy)?.[1] ?? "";
    expect((await alice.person.get(content)).text).toBe("typed until the end");
    const compare = /href="([^"]*\/compare\?copy=\w+)"/.exec(copy)?.[1] ?? "";
    expect((await alice.person.get(compare)).text.match(/<iframe/g)).toHaveLength(2);
    expect((await alice.person.get(shownLink.url)).text).toContain("After the link ended");
    const [name = ""] = (await editor.bridge.alice.list("versions-copies")).filter((one) => one.includes("("));
    await editor.bridge.alice.remove(`versions-copies/${name}`);
    expect(rows(await page(id)).at(-1)).toContain("deleted or moved to the trash");
  });
});

describe("comparing", () => {
  const twoTexts = async (name: string, before: string | Buffer, after: string | Buffer) => {
    const path = `versions-compare/${name}`;
    await editor.bridge.alice.put(path, before);
    await editor.bridge.alice.put(path, after);
    const { id } = await editor.bridge.alice.info(path);
    const [newest = "", oldest = ""] = versionsIn(await page(id));
    return { id, newest, oldest };
  };

  it("marks what differs between two texts", async () => {
    const { id, oldest, newest } = await twoTexts("Plan.md", "one\na <b>big</b> dog\n", "one\na <b>small</b> dog\n");
    const shown = await alice.person.get(`/versions/${id}/compare?from=${oldest}`);
    expect(shown.text).toContain("a &lt;b&gt;<del>big</del>&lt;/b&gt; dog");
    expect(shown.text).toContain("a &lt;b&gt;<ins>small</ins>&lt;/b&gt; dog");
    const same = await alice.person.get(`/versions/${id}/compare?from=${newest}&to=${newest}`);
    expect(same.text).toContain("There are no differences");
  });

  it("marks what differs in the text of two office documents, which can be shown as well", async () => {
    const docx = (text: string) =>
      Buffer.from(zipSync({ "word/document.xml": strToU8(`<w:document><w:p><w:t>${text}</w:t></w:p></w:document>`) }));
    const { id, oldest } = await twoTexts("Marked.docx", docx("a big dog"), docx("a &lt;small&gt; dog"));
    const shown = await alice.person.get(`/versions/${id}/compare?from=${oldest}`);
    expect(shown.text).toContain("a <del>big</del> dog");
    expect(shown.text).toContain("<ins>&lt;small&gt;</ins> dog");
    expect(shown.text).toContain("Only text is compared");
    const [, both = ""] = /href="([^"]*as=documents)"/.exec(shown.text) ?? [];
    expect((await alice.person.get(both.replaceAll("&amp;", "&"))).text.match(/<iframe/g)).toHaveLength(2);
  });

  it("shows other documents side by side, read only, and tells what can't be shown", async () => {
    const { id, oldest, newest } = await twoTexts("Plan.docx", "old", "new");
    const shown = await alice.person.get(`/versions/${id}/compare?from=${oldest}`);
    for (const version of [oldest, newest]) {
      expect(shown.text).toMatch(
        new RegExp(`<iframe src="[^"]*/versions/${id}/open\\?version=${version}&amp;bare=#line=none"`),
      );
    }
    expect(shown.text).toContain("could not be read");
    expect(shown.headers.get("content-security-policy")).toContain("frame-src 'self'");
    const framed = await alice.person.get(`/versions/${id}/open?version=${newest}`);
    expect(framed.headers.get("content-security-policy")).toContain("frame-ancestors 'self'");
    expect((await wopiOfForm(editorForm(await alice.person.follow(framed))).check()).json()["UserCanWrite"]).toBe(
      false,
    );
    const zip = await twoTexts("Plan.zip", "old", "new");
    const not = await alice.person.get(`/versions/${zip.id}/compare?from=${zip.oldest}`);
    expect(not.text).toContain("No editor opens files of this type");
    expect(not.text).not.toContain("<iframe");
    const large = await twoTexts("Large.txt", "x".repeat(1024 * 1024 + 1), "x");
    const told = await alice.person.get(`/versions/${large.id}/compare?from=${large.oldest}`);
    expect(told.text).toContain("more than 1 MB");
  });

  it("takes a copy of this document, and nobody else's file", async () => {
    const { id, oldest } = await twoTexts("Own.md", "old", "new");
    const other = await twoTexts("Other.md", "old", "new");
    const bob = await linkOwner(editor.bridge, "bob@example.com");
    const refused = [
      await alice.person.get(`/versions/${id}/compare?copy=${other.id}`),
      await alice.person.get(`/versions/${id}/compare?from=${other.oldest}`),
      await alice.person.get(`/versions/${id}/compare?from=a&from=b`),
      await bob.person.get(`/versions/${id}/compare?from=${oldest}`),
    ];
    expect(refused.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
  });
});
