import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PageContext } from "../../src/pages/views/page.ts";
import { type VisitFacts, visitPage } from "../../src/pages/views/visitPage.ts";
import { folderLinkStage, linkTo, written } from "../support/folderLinkStage.ts";
import { type LinkOwner, linkOwner } from "../support/linkOwner.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { webPerson } from "../support/webPerson.ts";

let bridge: TestBridge;
let owner: LinkOwner;
let stage: ReturnType<typeof folderLinkStage>;

beforeAll(async () => {
  bridge = await testBridge();
  owner = await linkOwner(bridge);
  stage = folderLinkStage(bridge);
});
afterAll(() => bridge.close());

describe("a colleague with a link to a folder", () => {
  it("types a name once, sees the folder's documents, opens one and saves under that name", async () => {
    const { id, name, path } = await stage.newFolder();
    const url = await owner.makeLink(id, { note: "Please fill in" });
    const door = await webPerson(bridge.url).get(url);
    expect(door.text).toContain("Please fill in");
    const { person, page } = await stage.comeIn(url, { name: "Chloé" });
    expect(page.url).toBe(url);
    for (const said of [written(name), "Plan.docx", "Below", "Alice", "Please fill in"]) {
      expect(page.text).toContain(said);
    }
    const { editor } = await stage.openAt(person, linkTo(page, "Plan.docx"));
    expect((await editor.check()).json()).toMatchObject({ UserFriendlyName: "Chloé", UserCanWrite: true });
    await editor.get();
    await editor.lock("lock-1");
    expect((await editor.put("the new plan", "lock-1")).status).toBe(200);
    expect(await bridge.alice.read(`${path}/Plan.docx`)).toBe("the new plan");
    await editor.unlock("lock-1");
    expect((await owner.linkPageOf(written(name))).text).toContain("Chloé");
  });

  it("reaches nothing else: not beside, above or alike, no folder for a file, no file for a folder", async () => {
    const { id, above, path, idOf } = await stage.newFolder();
    const url = await owner.makeLink(id);
    const { person } = await stage.comeIn(url);
    const plan = await idOf(`${path}/Plan.docx`);
    expect((await person.get(`${url}/${plan}`)).text).toContain('id="editor-form"');
    const stranger = webPerson(bridge.url);
    expect(await stranger.get(`${url}/${plan}`)).toMatchObject({ status: 303, location: url });
    expect((await stranger.get(`${url}?folder=${await idOf(`${path}/Below`)}`)).text).not.toContain("Deep.docx");
    const sessions = () => bridge.logLines.filter((line) => line["event"] === "sessionOpened").length;
    const before = sessions();
    const files = [`${above}/Secret.docx`, `${path} 2/Alike.docx`, `${path}/Below`, path];
    const others = [above, `${path} 2`, `${above}/Secret.docx`, `${path}/Plan.docx`];
    const addresses = [
      ...(await Promise.all(files.map(idOf))).map((fileId) => `${url}/${fileId}`),
      ...(await Promise.all(others.map(idOf))).map((folderId) => `${url}?folder=${folderId}`),
      ...["zzzzz", "..", "%2e%2e", "%2E%2E%2FOther.docx", "Plan.docx", "a".repeat(65)].map((odd) => `${url}/${odd}`),
      ...["", "zzzzz", "..", "cloudreve://my", "a&folder=b"].map((odd) => `${url}?folder=${encodeURIComponent(odd)}`),
      `${url}?folder=a&folder=b`,
      `${url}?next=nonsense`,
    ];
    for (const address of addresses) {
      const answer = await person.get(address);
      expect(answer.status, address).toBe(404);
      expect(answer.text).not.toContain("Secret");
    }
    expect(sessions()).toBe(before);
  });
});

describe("the door of a folder", () => {
  const context: PageContext = { language: "en", nonce: "n", bridgeUrl: "http://b", path: "/l/x", person: undefined };
  const facts: VisitFacts = {
    fileName: "Quarter",
    isFolder: true,
    ownerName: "Alice",
    note: "for the board",
    expiresAtMs: 0,
    permission: "edit",
    asksName: true,
    needsPassword: true,
    action: "/l/x",
  };
  const secrets = ["Quarter", "Alice", "for the board", "1970", "edit"];
  const textOf = (more: Partial<VisitFacts>) => visitPage(context, { ...facts, ...more }).body.text;

  it("tells nothing before the password, whatever was wrong with it", () => {
    for (const error of ["passwordWrong", "nameMissing", "tooMany"] as const) {
      for (const secret of secrets) expect(textOf({ error })).not.toContain(secret);
    }
  });

  it("tells what it leads to where no password stands before it", () => {
    for (const secret of secrets) expect(textOf({ needsPassword: false })).toContain(secret);
  });
});
