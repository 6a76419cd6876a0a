import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LinkOwner, linkOwner } from "../support/linkOwner.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { webPerson } from "../support/webPerson.ts";

let bridge: TestBridge;
let alice: LinkOwner;
let folder: string;
let folders = 0;

beforeAll(async () => {
  bridge = await testBridge();
  alice = await linkOwner(bridge);
});
afterAll(() => bridge.close());

const newFolder = async (...files: string[]): Promise<string> => {
  folder = `folder ${++folders}`;
  for (const file of files) await bridge.alice.put(`${folder}/${file}`, file);
  return `/?folder=${encodeURIComponent(bridge.alice.uriOf(folder))}`;
};
const idOf = async (name: string) => (await bridge.alice.info(`${folder}/${name}`)).id;
const namesOn = (text: string) =>
  [...text.matchAll(/<div class="name"><a [^>]*><bdi>([^<]*)/g)].map(([, name]) => name);
const textOf = (text: string) => text.replace(/<\/?bdi>/g, "");

describe("an owner in the list of documents", () => {
  it("deletes a document into the trash, and has it back", async () => {
    await newFolder("Plan.docx", "Other.docx");
    const id = await idOf("Plan.docx");
    const deleted = await alice.person.follow(await alice.person.post(`/documents/${id}/delete`));
    expect(textOf(deleted.text)).toContain("“Plan.docx” is in Cloudreve&#39;s trash.");
    expect(namesOn(deleted.text)).toEqual(["Other.docx"]);
    const restored = await alice.person.follow(await alice.person.post(`/documents/${id}/restore`));
    expect(textOf(restored.text)).toContain("“Plan.docx” is back.");
    expect(namesOn(restored.text)).toEqual(["Other.docx", "Plan.docx"]);
    expect(await bridge.alice.read(`${folder}/Plan.docx`)).toBe("Plan.docx");
    expect(bridge.logLines.filter(({ event, file }) => event === "undeleted" && file === id)).toHaveLength(1);
  });

  it("is told what stands in the way of an undo, and nothing is overwritten", async () => {
    await newFolder("Plan.docx");
    const id = await idOf("Plan.docx");
    await alice.person.post(`/documents/${id}/delete`);
    await bridge.alice.put(`${folder}/Plan.docx`, "new");
    const taken = await alice.person.follow(await alice.person.post(`/documents/${id}/restore`));
    expect(textOf(taken.text)).toContain("There is another “Plan.docx” now.");
    expect(await bridge.alice.read(`${folder}/Plan.docx`)).toBe("new");
    const gone = await alice.person.follow(await alice.person.post(`/documents/${await idOf("Plan.docx")}/restore`));
    expect(gone.text).toContain("It can&#39;t be brought back from here");
  });

  it("is asked before a full folder is deleted, which goes to the trash whole, and has it back", async () => {
    await newFolder("Plan.docx", "below/Deep.docx", "below/deeper/Deepest.docx");
    const { id } = await bridge.alice.info(`${folder}/below`);
    const asked = await alice.person.post(`/documents/${id}/delete`);
    expect([asked.status, textOf(asked.text)]).toEqual([409, expect.stringContaining("There are 2 documents in it.")]);
    expect(await bridge.alice.list(folder)).toEqual(["Plan.docx", "below"]);
    const sure = await alice.person.post(`/documents/${id}/delete`, { with: "contents" });
    expect(textOf((await alice.person.follow(sure)).text)).toContain("“below” is in Cloudreve&#39;s trash.");
    expect(await bridge.alice.list(folder)).toEqual(["Plan.docx"]);
    const back = await alice.person.follow(await alice.person.post(`/documents/${id}/restore`));
    expect(textOf(back.text)).toContain("“below” is back.");
    expect(await bridge.alice.read(`${folder}/below/deeper/Deepest.docx`)).toBe("below/deeper/Deepest.docx");
    expect(bridge.logLines.filter(({ event, file }) => event === "deleted" && file === id)).toHaveLength(1);
  });

  it("deletes nothing that somebody edits, and no folder with such a document in it", async () => {
    const list = await newFolder("Plan.docx", "below/Deep.docx");
    const ann = await bridge.open(`${folder}/Plan.docx`, { user: { id: "ann", name: "Ann" } });
    await ann.lock("A");
    await ann.get();
    const refused = await alice.person.follow(await alice.person.post(`/documents/${await idOf("Plan.docx")}/delete`));
    expect(textOf(refused.text)).toContain("Somebody is editing “Plan.docx”.");
    expect((await alice.person.get(list)).text).toContain("Open: Ann");
    const deep = await bridge.open(`${folder}/below/Deep.docx`, { user: { id: "ann", name: "Ann" } });
    await deep.lock("B");
    const { id } = await bridge.alice.info(`${folder}/below`);
    const full = await alice.person.follow(await alice.person.post(`/documents/${id}/delete`, { with: "contents" }));
    expect(textOf(full.text)).toContain("Somebody is editing a document in “below”.");
    expect(await bridge.alice.list(`${folder}/below`)).toEqual(["Deep.docx"]);
    expect(await bridge.alice.list(folder)).toEqual(["Plan.docx", "below"]);
  });

  it("is told who has a document open now without a reload, and nobody else's can be asked for", async () => {
    const list = await newFolder("Plan.docx", "Other.docx");
    const watch = /data-watch="([^"]+)"/.exec((await alice.person.get(list)).text)?.[1] ?? "";
    const inUse = (person = alice.person, asked = watch) =>
      person.get(`/documents/in-use?${new URLSearchParams({ list: asked })}`);
    expect((await inUse()).text).toBe("{}");
    const ann = await bridge.open(`${folder}/Plan.docx`, { user: { id: "ann", name: "Ann" } });
    await ann.lock("A");
    await ann.get();
    const id = await idOf("Plan.docx");
    expect(JSON.parse((await inUse()).text)).toEqual({ [id]: { text: "Open: Ann", isOpen: true } });
    const bob = await linkOwner(bridge, "bob@example.com");
    expect((await inUse(bob.person)).status).toBe(404);
    expect((await inUse(alice.person, `${watch.slice(0, -2)}AA`)).status).toBe(404);
    expect((await inUse(webPerson(bridge.url))).status).toBe(401);
  });

  it("renames documents and folders; the type stays, and a lock too", async () => {
    await newFolder("Plan.docx", "below/Deep.docx");
    const id = await idOf("Plan.docx");
    expect((await alice.person.get(`/documents/${id}/rename`)).text).toContain('name="name" value="Plan"');
    const ann = await bridge.open(`${folder}/Plan.docx`, { user: { id: "ann", name: "Ann" } });
    await ann.lock("A");
    const renamed = await alice.person.follow(await alice.person.post(`/documents/${id}/rename`, { name: "Plan B" }));
    expect(textOf(renamed.text)).toContain("It is now named “Plan B.docx”.");
    expect((await ann.put("still edited", "A")).status).toBe(200);
    const below = (await bridge.alice.info(`${folder}/below`)).id;
    await alice.person.post(`/documents/${below}/rename`, { name: "under" });
    expect(await bridge.alice.list(folder)).toEqual(["Plan B.docx", "under"]);
    const refused = await alice.person.post(`/documents/${id}/rename`, { name: "a/b" });
    expect([refused.status, refused.text.includes('value="a/b"')]).toEqual([422, true]);
    expect(refused.text).toContain("A name can&#39;t contain");
  });

  it("says that a document can't be renamed because it is locked in Cloudreve, not that its name is wrong", async () => {
    await newFolder("Held.docx");
    const id = await idOf("Held.docx");
    bridge.drive.plantLock("alice@example.com", `/${folder}/Held.docx`, { type: "dav" });
    const refused = await alice.person.post(`/documents/${id}/rename`, { name: "Free" });
    expect([refused.status, textOf(refused.text).includes("locked in Cloudreve. Try again later.")]).toEqual([
      422,
      true,
    ]);
  });

  it("downloads a document, and the part of it that was missing", async () => {
    await newFolder("Bericht ä.docx");
    const path = `/documents/${await idOf("Bericht ä.docx")}/download`;
    const whole = await alice.person.get(path);
    expect(whole.headers.get("Content-Disposition")).toContain("filename*=UTF-8''Bericht%20%C3%A4.docx");
    expect(whole.headers.get("Content-Type")).toBe("application/octet-stream");
    expect(whole.text).toBe("Bericht ä.docx");
    expect((await alice.person.get(path, { Range: "bytes=0-6" })).text).toBe("Bericht");
  });

  it("sorts, finds, and sees what they opened lately", async () => {
    const list = await newFolder("b.docx", "a longer name.docx", "below/Quartalszahlen.docx");
    expect(namesOn((await alice.person.get(list)).text)).toEqual(["below", "a longer name.docx", "b.docx"]);
    const bySize = await alice.person.get(`${list}&sort=size&order=asc`);
    expect(namesOn(bySize.text)).toEqual(["below", "b.docx", "a longer name.docx"]);
    const byName = await alice.person.get(`${list}&sort=name&order=desc`);
    expect(namesOn(byName.text)).toEqual(["below", "b.docx", "a longer name.docx"]);
    expect(namesOn((await alice.person.get(`${list}&sort=evil&order=x`)).text)).toHaveLength(3);
    const found = await alice.person.get("/?q=quartalsZ");
    expect(namesOn(found.text)).toEqual(["Quartalszahlen.docx"]);
    expect(found.text).toContain("in below");
    expect((await alice.person.get("/?q=nowhere%3Cb%3E")).text).toContain("No document has “nowhere&lt;b&gt;” in its");
    for (const name of ["b.docx", "a longer name.docx", "b.docx"]) {
      await alice.person.get(`/open?file_id=${await idOf(name)}`);
    }
    expect(namesOn((await alice.person.get("/?recent=1")).text)).toEqual(["b.docx", "a longer name.docx"]);
    await bridge.alice.remove(`${folder}/b.docx`);
    expect(namesOn((await alice.person.get("/?recent=1")).text)).toEqual(["a longer name.docx"]);
  });

  it("alone may do all that, and only from the bridge's own pages", async () => {
    await newFolder("Plan.docx");
    const id = await idOf("Plan.docx");
    const bob = await linkOwner(bridge, "bob@example.com");
    const nobody = webPerson(bridge.url);
    for (const what of ["rename", "delete", "restore"]) {
      const path = `/documents/${id}/${what}`;
      expect([what, (await alice.person.post(path, {}, { Origin: "https://evil.example.com" })).status]).toEqual([
        what,
        403,
      ]);
      expect([what, (await nobody.post(path)).location?.includes("/signin")]).toEqual([what, true]);
      const refused = await bob.person.follow(await bob.person.post(path, { name: "mine" }));
      expect([what, refused.text.includes("Plan")]).toEqual([what, false]);
    }
    expect((await bob.person.get(`/documents/${id}/download`)).status).toBe(404);
    expect((await nobody.get(`/documents/${id}/download`)).location).toContain("/signin");
    await alice.person.post(`/documents/${id}/delete`);
    for (const told of ["deleted", "restoreTaken", "renamed"]) {
      expect((await bob.person.get(`/?told=${told}&id=${id}`)).text).not.toContain("Plan");
    }
    expect((await bob.person.follow(await bob.person.post(`/documents/${id}/restore`))).text).not.toContain("Plan");
    expect(await bridge.alice.list(folder)).toEqual([]);
  });
});
