import { describe, expect, it } from "vitest";
import { toUtf7 } from "../../src/sandbox/demoEditor/headerText.ts";
import { eventually, startPage } from "./demoEditorPage.ts";
import { demoSession } from "./demoEditorSession.ts";

const demo = demoSession();

describe("names in headers", () => {
  it.each([
    ["Bericht Größe.odt", "Bericht Gr+APYA3w-e.odt"],
    ["ü.odt", "+APw.odt"],
    ["a+b & c.docx", "a+-b +ACY c.docx"],
    ["under_score.txt", "under+AF8-score.txt"],
    ["文档.txt", "+ZYdoYw.txt"],
    ["😀.txt", "+2D3eAA.txt"],
    ["ü-x", "+APw--x"],
    ["ends with ü", "ends with +APw-"],
    ["plain (1).txt", "plain (1).txt"],
  ])("writes %s as %s", (name, header) => {
    expect(toUtf7(name)).toBe(header);
  });
});

describe("Save as", () => {
  it("sends the whole file with a suggested name, its size and no lock", async () => {
    const page = await demo.open("ann");
    await page.command({ command: "saveAs", request: 1, name: "Größe.txt" });
    const { headers, body } = demo.host.last("PUT_RELATIVE");
    expect(headers).toMatchObject({ "x-wopi-suggestedtarget": "Gr+APYA3w-e.txt", "x-wopi-size": "5" });
    expect(headers).not.toHaveProperty("x-wopi-lock");
    expect(headers).not.toHaveProperty("x-wopi-relativetarget");
    expect(body.toString()).toBe("hello");
  });

  it("opens the address of the answer with its token cut out of it", async () => {
    const page = await demo.open("ann");
    const outcome = await page.command({ command: "saveAs", request: 1, name: "copy.txt" });
    expect(outcome).toMatchObject({ success: true, fileName: "copy.txt" });
    await page.heard("info", ({ fileName }) => fileName === "copy.txt");
    await eventually(() => demo.host.last("LOCK").fileId === "copy");
    const { target, token } = demo.host.last("CheckFileInfo");
    expect(target).toBe("/wopi/files/copy?access_token=token-of-copy");
    expect(token).toBe("token-of-copy");
    await eventually(() => demo.host.operations().includes("UNLOCK"));
    expect(demo.host.last("UNLOCK").fileId).toBe("1");
  });

  it("stays where it is when the answer has no address", async () => {
    demo.host.rule = ({ operation }) =>
      operation === "PUT_RELATIVE" ? { status: 200, body: { Name: "copy.txt" } } : undefined;
    const page = await demo.open("ann");
    expect((await page.command({ command: "saveAs", request: 1, name: "copy.txt" }))?.success).toBe(true);
    expect((await page.typeAndSave("still the old file"))?.success).toBe(true);
    expect(demo.host.last("PUT").fileId).toBe("1");
  });

  it("saves a conflict's text to a new file", async () => {
    const page = await demo.open("ann");
    demo.host.rule = ({ operation }) => (operation === "PUT" ? { status: 409 } : undefined);
    await page.typeAndSave("mine");
    await page.command({ command: "saveAs", request: 1, name: "mine.txt" });
    await page.heard("info", ({ fileName }) => fileName === "copy.txt");
    expect(demo.host.files.get("copy")?.content.toString()).toBe("mine");
  });

  it("does not follow the answer to a host it may not call", async () => {
    demo.host.rule = ({ operation }) =>
      operation === "PUT_RELATIVE"
        ? { status: 200, body: { Name: "x", Url: "http://192.0.2.1/wopi/files/2?access_token=t" } }
        : undefined;
    const page = await demo.open("ann");
    await page.command({ command: "saveAs", request: 1, name: "x.txt" });
    await page.typeAndSave("still here");
    expect(page.messages.some(({ type }) => type === "moved")).toBe(false);
  });

  it.each([400, 501])("is a failed save when the host answers %d", async (status) => {
    demo.host.rule = ({ operation }) => (operation === "PUT_RELATIVE" ? { status } : undefined);
    const page = await demo.open("ann");
    const outcome = await page.command({ command: "saveAs", request: 1, name: "copy.txt" });
    expect(outcome).toMatchObject({ success: false, result: "Save failed" });
  });

  it("closes an unmodified document for everybody when the host answers 409", async () => {
    const ann = await demo.open("ann");
    const bob = await demo.open("bob");
    demo.host.rule = ({ operation }) => (operation === "PUT_RELATIVE" ? { status: 409 } : undefined);
    await ann.command({ command: "saveAs", request: 1, name: "copy.txt" });
    expect((await bob.heard("closed")).reason).toBe("documentconflict");
  });

  it("opens the document anew for somebody who comes while it is being closed", async () => {
    const ann = await demo.open("ann");
    let refuse: () => void = () => undefined;
    const refused = new Promise<{ status: number }>((resolve) => {
      refuse = () => resolve({ status: 409 });
    });
    demo.host.rule = ({ operation }) => (operation === "PUT_RELATIVE" ? refused : undefined);
    const saving = ann.command({ command: "saveAs", request: 1, name: "copy.txt" });
    await eventually(() => demo.host.operations().includes("PUT_RELATIVE"));
    const bob = await startPage({ editorUrl: demo.editor.url, wopiSrc: demo.host.wopiSrc("1"), token: "bob" });
    refuse();
    await saving;
    await bob.shown();
    expect(bob.text).toBe("hello");
    expect(demo.host.operations().slice(4)).toEqual(["UNLOCK", "CheckFileInfo", "GetFile", "LOCK"]);
    expect(bob.messages[0]?.type).toBe("reload");
  });

  it("is not offered where the host does not say it may be", async () => {
    demo.host.people.set("ann", { UserCanNotWriteRelative: undefined });
    const page = await demo.open("ann");
    expect((await page.heard("info")).canSaveAs).toBe(false);
    expect((await page.command({ command: "saveAs", request: 1, name: "copy.txt" }))?.success).toBe(false);
    expect(demo.host.operations()).not.toContain("PUT_RELATIVE");
  });
});

describe("Rename", () => {
  it("saves first, then asks with the name without extension, the lock and the whole document", async () => {
    const page = await demo.open("ann");
    page.type("hello you");
    await eventually(() => page.settled);
    await page.command({ command: "rename", name: "Größe" });
    expect(demo.host.operations().slice(3)).toEqual(["PUT", "RENAME_FILE"]);
    const { headers, body } = demo.host.last("RENAME_FILE");
    expect(headers["x-wopi-requestedname"]).toBe("Gr+APYA3w-e");
    expect(headers["x-wopi-lock"]).toBe(demo.host.last("LOCK").headers["x-wopi-lock"]);
    expect(body.toString()).toBe("hello you");
    expect(await page.heard("renamed")).toMatchObject({ fileName: "renamed.txt", newName: "renamed" });
  });

  it("sends no lock as the editor of 2020", async () => {
    await demo.restartEditor({ headerSpelling: "LOOL" });
    const page = await demo.open("ann");
    await page.command({ command: "rename", name: "other" });
    expect(demo.host.last("RENAME_FILE").headers).not.toHaveProperty("x-wopi-lock");
  });

  it("forgets the file's time when the answer names none", async () => {
    const page = await demo.open("ann");
    demo.host.rule = ({ operation }) =>
      operation === "RENAME_FILE" ? { status: 200, body: { Name: "other" } } : undefined;
    await page.command({ command: "rename", name: "other" });
    await page.typeAndSave("changed");
    expect(demo.host.last("PUT").headers["x-cool-wopi-timestamp"]).toBe("1970-01-01T00:00:00.000000Z");
  });

  it("tells the one who asked when the host refuses", async () => {
    const page = await demo.open("ann");
    demo.host.rule = ({ operation }) => (operation === "RENAME_FILE" ? { status: 400, body: "name taken" } : undefined);
    await page.command({ command: "rename", name: "other" });
    expect((await page.heard("notice")).text).toBe("Not renamed: name taken");
  });

  it("closes an unmodified document for everybody when the host answers 409", async () => {
    const ann = await demo.open("ann");
    const bob = await demo.open("bob");
    demo.host.rule = ({ operation }) => (operation === "RENAME_FILE" ? { status: 409 } : undefined);
    await ann.command({ command: "rename", name: "other" });
    expect((await bob.heard("closed")).reason).toBe("documentconflict");
  });
});
