import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { folderLinkStage, linkTo, written } from "../support/folderLinkStage.ts";
import { type LinkOwner, linkOwner } from "../support/linkOwner.ts";
import { portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { type WebAnswer, webPerson } from "../support/webPerson.ts";
import { collabora } from "../support/wopiClient.ts";

const dayMs = 24 * 3_600_000;
let bridge: TestBridge;
let owner: LinkOwner;
let stage: ReturnType<typeof folderLinkStage>;

beforeAll(async () => {
  bridge = await testBridge({ store: "file", drive: { settings: { accessTokenTtlSeconds: 90 * 24 * 3600 } } });
  owner = await linkOwner(bridge);
  stage = folderLinkStage(bridge);
});
afterAll(() => bridge.close());

describe("a colleague with a link to a folder", () => {
  it("finds her way down and up again", async () => {
    const { id, name } = await stage.newFolder();
    const { person, page } = await stage.comeIn(await owner.makeLink(id));
    const below = await person.get(linkTo(page, "Below"));
    expect(below.text).toContain("Deep.docx");
    expect(below.text).toContain(`<bdi>${written(name)}</bdi></a>`);
    const { editor } = await stage.openAt(person, linkTo(below, "Deep.docx"));
    expect((await editor.get()).text).toBe("deep");
  });

  it("learns no name outside, no path of the owner's, and of nothing that no editor opens", async () => {
    const { id, above } = await stage.newFolder();
    const { person, page } = await stage.comeIn(await owner.makeLink(id));
    const below = await person.get(linkTo(page, "Below"));
    const opened = await stage.openAt(person, linkTo(page, "Plan.docx"));
    const told = [page.text, below.text, opened.page.text, (await opened.editor.check()).text].join("\n");
    for (const secret of [above, encodeURIComponent(above), "Secret.docx", "Alike.docx", "photo.jpg", "cloudreve://"]) {
      expect(told).not.toContain(secret);
    }
  });

  it("can't tell a file outside from one that is not there", async () => {
    const { id, above, idOf } = await stage.newFolder();
    const url = await owner.makeLink(id);
    const { person } = await stage.comeIn(url);
    const there = await person.get(`${url}/${await idOf(`${above}/Secret.docx`)}`);
    const not = await person.get(`${url}/zzzzzz`);
    const plain = ({ text }: WebAnswer) => text.replaceAll(/\/l\/[^"]*|%2Fl%2F[^"]*|nonce="[^"]*"/g, "");
    expect([there.status, plain(there)]).toEqual([not.status, plain(not)]);
  });

  it("must come through the door: an address of a document leads there first", async () => {
    const { id, path, idOf } = await stage.newFolder();
    const url = await owner.makeLink(id);
    const document = `${url}/${await idOf(`${path}/Plan.docx`)}`;
    const stranger = webPerson(bridge.url);
    expect(await stranger.get(document)).toMatchObject({ status: 303, location: url });
    expect((await stranger.get(`${url}?folder=${await idOf(`${path}/Below`)}`)).text).not.toContain("Deep.docx");
    expect((await stranger.get(url)).text).not.toContain("Plan.docx");
    expect((await stranger.post(url, { name: " " })).status).toBe(422);
    const known = await stage.comeIn(await owner.makeLink((await stage.newFolder()).id));
    expect((await known.person.get(document)).location).toBe(url);
  });

  it("sees nothing before the password, not even what it is called", async () => {
    const { id, name, path, idOf } = await stage.newFolder();
    const url = await owner.makeLink(id, { password: "correct horse", note: "for the board" });
    const person = webPerson(bridge.url);
    const wrong = await person.post(url, { name: "Dora", password: "wrong" });
    expect(wrong.status).toBe(403);
    for (const { text } of [await person.get(url), await person.get(`${url}?folder=${id}`), wrong]) {
      expect(text).toContain('name="password"');
      for (const secret of [written(name), "Team", "Alice", "for the board", "Plan.docx"]) {
        expect(text).not.toContain(secret);
      }
    }
    const document = await idOf(`${path}/Plan.docx`);
    expect((await person.get(`${url}/${document}`)).location).toBe(url);
    const { page } = await stage.comeIn(url, { name: "Dora", password: "correct horse" });
    expect(page.text).toContain("Plan.docx");
  });

  it("reads where the link allows reading, and takes nothing away that it forbids", async () => {
    const { id } = await stage.newFolder();
    const { person, page } = await stage.comeIn(await owner.makeLink(id, { permission: "view", no_download: "1" }));
    const { editor } = await stage.openAt(person, linkTo(page, "Plan.docx"));
    expect((await editor.check()).json()).toMatchObject({ UserCanWrite: false, DisableExport: true });
    expect((await editor.lock("lock-1")).status).toBe(404);
    expect((await editor.put("x", "lock-1")).status).toBe(404);
  });

  it("makes new files beside the document only, and renames nothing", async () => {
    const { id, path, above } = await stage.newFolder();
    const { person, page } = await stage.comeIn(await owner.makeLink(id));
    const { editor } = await stage.openAt(person, linkTo(await person.get(linkTo(page, "Below")), "Deep.docx"));
    expect((await editor.check()).json()).toMatchObject({ UserCanRename: false, SupportsDeleteFile: false });
    expect((await editor.post("RENAME_FILE", { "X-WOPI-RequestedName": "Other" })).status).toBe(404);
    for (const name of ["New.docx", "../New.docx", "%2e%2e%2fNew.docx", "..\\New.docx"]) {
      await editor.post("PUT_RELATIVE", { "X-WOPI-SuggestedTarget": name }, "new");
    }
    expect(await bridge.alice.list(`${path}/Below`)).toContain("New.docx");
    expect(await bridge.alice.list(above)).toEqual(
      ["Secret.docx", path.split("/")[1], `${path.split("/")[1]} 2`].sort(),
    );
    expect(await bridge.alice.list(path)).toEqual(["Below", "Plan.docx", "photo.jpg"]);
  });

  it("keeps a folder's link wherever the folder goes, and loses a document that leaves it", async () => {
    const { id, path, above, idOf } = await stage.newFolder();
    const url = await owner.makeLink(id);
    const { person } = await stage.comeIn(url);
    const plan = `${url}/${await idOf(`${path}/Plan.docx`)}`;
    const secret = `${url}/${await idOf(`${above}/Secret.docx`)}`;
    expect(await bridge.alice.rename(path, "Renamed")).toBe(0);
    expect((await stage.move(`${above}/Renamed`, "")).code).toBe(0);
    const page = await person.get(url);
    expect(page.text).toContain("<bdi>Renamed</bdi>");
    expect((await stage.openAt(person, linkTo(page, "Plan.docx"))).page.status).toBe(200);
    expect((await stage.move("Renamed/Plan.docx", above)).code).toBe(0);
    expect((await person.get(plan)).status).toBe(404);
    expect((await person.get(url)).text).not.toContain("Plan.docx");
    expect((await stage.move(`${above}/Secret.docx`, "Renamed")).code).toBe(0);
    expect(await person.get(secret)).toMatchObject({
      status: 200,
      text: expect.stringContaining("<title>Secret.docx"),
    });
    await bridge.alice.call("DELETE", "/file", { uris: [bridge.alice.uriOf("Renamed")] });
    expect([(await person.get(url)).status, (await person.get(secret)).status]).toEqual([404, 404]);
    expect((await webPerson(bridge.url).get(url)).status).toBe(404);
  });

  it("opens nothing through a new folder at the shared one's old place", async () => {
    const { id, path, idOf } = await stage.newFolder();
    const url = await owner.makeLink(id);
    const { person } = await stage.comeIn(url);
    expect(await bridge.alice.rename(path, "Away")).toBe(0);
    expect(await bridge.alice.put(`${path}/Private.docx`, "private")).toBe(0);
    expect((await person.get(url)).text).not.toContain("Private.docx");
    expect((await person.get(`${url}/${await idOf(`${path}/Private.docx`)}`)).status).toBe(404);
  });

  it("is not renewed in a document that has left the folder", async () => {
    const { id, path, above } = await stage.newFolder();
    const { person, page } = await stage.comeIn(await owner.makeLink(id));
    const renew = async (answer: WebAnswer) => {
      const key = /"pageKey":"([\w-]+)"/.exec(answer.text)?.[1];
      return (await fetch(`${bridge.url}/edit/${key}/renew`, { method: "POST" })).status;
    };
    const { page: opened, editor } = await stage.openAt(person, linkTo(page, "Plan.docx"));
    expect(await renew(opened)).toBe(200);
    expect((await stage.move(`${path}/Plan.docx`, above)).code).toBe(0);
    expect(await renew(opened)).toBe(410);
    expect((await editor.check()).status).toBe(401);
  });

  it("pages through a long folder", async () => {
    const { id, path } = await stage.newFolder();
    for (let at = 0; at < 120; at++) await bridge.alice.put(`${path}/Below/Document ${at}.docx`, "x");
    const { person, page } = await stage.comeIn(await owner.makeLink(id));
    const first = await person.get(linkTo(page, "Below"));
    const more = /rel="next" href="([^"]*)"/.exec(first.text)?.[1]?.replaceAll("&amp;", "&") ?? "";
    const second = await person.get(more);
    const names = [first, second].flatMap(({ text }) =>
      [...text.matchAll(/>(Document \d+\.docx)</g)].map(([, n]) => n),
    );
    expect(new Set(names).size).toBe(120);
    expect(second.text).not.toContain('rel="next"');
  });

  it("keeps the language that she switches to on the page where she is", async () => {
    const { id } = await stage.newFolder();
    const { person, page } = await stage.comeIn(await owner.makeLink(id));
    const below = await person.get(linkTo(page, "Below"));
    const toChinese = /href="([^"]*\/language\?to=zh-CN[^"]*)"/.exec(below.text)?.[1]?.replaceAll("&amp;", "&") ?? "";
    const switched = await person.follow(await person.get(toChinese));
    expect(switched.text).toContain("Deep.docx");
    expect(switched.text).toContain('lang="zh-CN"');
  });
});

describe("the owner of a folder", () => {
  it("shares it from the list of documents", async () => {
    const { above, name, id } = await stage.newFolder();
    const list = await owner.person.get(`/?folder=${encodeURIComponent(bridge.alice.uriOf(above))}`);
    expect(list.text).toContain(`/share?file_id=${id}`);
    const form = await owner.person.get(`/share?file_id=${id}`);
    expect(form.status).toBe(200);
    expect(form.text).toContain(written(name));
    expect(form.text).toContain("Share folder");
  });

  it("revokes the link: open sessions end, and the drive's locks are given back", async () => {
    const { id, path, name } = await stage.newFolder();
    const url = await owner.makeLink(id);
    const { person, page } = await stage.comeIn(url);
    const { editor } = await stage.openAt(person, linkTo(page, "Plan.docx"));
    await editor.get();
    await editor.lock("lock-1");
    expect(await bridge.alice.put(`${path}/Plan.docx`, "owner again")).toBe(40073);
    await owner.revoke(written(name));
    expect((await editor.check()).status).toBe(401);
    expect((await person.get(url)).status).toBe(410);
    await expect.poll(() => bridge.alice.put(`${path}/Plan.docx`, "owner again")).toBe(0);
  });

  it("changes it to view: open sessions read on, and unsaved work is kept beside the document", async () => {
    const { id, path, name } = await stage.newFolder();
    const { person, page } = await stage.comeIn(await owner.makeLink(id), { name: "Kim" });
    const { editor } = await stage.openAt(person, linkTo(page, "Plan.docx"));
    await editor.lock("lock-1");
    await owner.change(written(name), { permission: "view" });
    expect((await editor.check()).json()["UserCanWrite"]).toBe(false);
    expect((await editor.put("late work", "lock-1", collabora({}))).status).toBe(404);
    const copy = (await bridge.alice.list(path)).find((entry) => entry.startsWith("Plan (conflict, Kim, "));
    expect(await bridge.alice.read(`${path}/${copy}`)).toBe("late work");
  });

  it("can't share somebody else's folder, nor the whole drive", async () => {
    const { id } = await stage.newFolder();
    const bob = await linkOwner(bridge, "bob@example.com");
    expect((await bob.person.get(`/share?file_id=${id}`)).status).toBe(404);
    expect((await bob.person.post("/share", { file_id: id, permission: "edit" })).status).toBe(404);
    const { data } = await bridge.alice.call("GET", "/file?uri=cloudreve%3A%2F%2Fmy&page_size=1");
    const rootId = (data as { parent: { id: string } }).parent.id;
    expect((await owner.person.get(`/share?file_id=${rootId}`)).status).toBe(404);
    expect((await owner.person.post("/share", { file_id: rootId, permission: "edit" })).status).toBe(404);
  });

  it("ends it by an end of its own", async () => {
    const { id } = await stage.newFolder();
    const url = await owner.makeLink(id, { expires_in: "1" });
    const { person } = await stage.comeIn(url);
    bridge.clock.advance(dayMs + 1);
    expect((await person.get(url)).status).toBe(410);
    expect((await person.get(`${url}/zzz`)).status).toBe(410);
  });
});

describe("a portal", () => {
  const api = (body: unknown) =>
    fetch(`${bridge.url}/api/links`, {
      method: "POST",
      headers: { Authorization: `Bearer ${portalKey}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });

  it("makes links to folders as to files, by address or id, and is told which it is", async () => {
    const { id, path, name } = await stage.newFolder();
    for (const target of [{ file_id: id }, { uri: bridge.alice.uriOf(path) }]) {
      const made = await api({ ...target, permission: "view" });
      expect(made.status).toBe(201);
      const link = (await made.json()) as Record<string, unknown>;
      expect(link).toMatchObject({ is_folder: true, file: { id, name } });
      expect((await stage.comeIn(String(link["url"]))).page.text).toContain("Plan.docx");
    }
    const file = await api({ uri: bridge.alice.uriOf(`${path}/Plan.docx`), permission: "view" });
    expect(await file.json()).toMatchObject({ is_folder: false });
    expect((await api({ uri: "cloudreve://my", permission: "view" })).status).toBe(404);
  });
});

it("a link to a file opens nothing by a second part of its address", async () => {
  const { path, idOf } = await stage.newFolder();
  const url = await owner.makeLink(await idOf(`${path}/Plan.docx`));
  const { person } = await stage.comeIn(url);
  expect((await person.get(`${url}/${await idOf(`${path}/Below/Deep.docx`)}`)).status).toBe(404);
  expect((await person.get(`${url}/${await idOf(`${path}/Plan.docx`)}`)).status).toBe(404);
});
