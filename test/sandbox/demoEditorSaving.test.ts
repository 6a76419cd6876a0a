import { describe, expect, it } from "vitest";
import type { HostReply } from "./demoEditorHost.ts";
import { type DemoPage, eventually } from "./demoEditorPage.ts";
import { demoSession, loadedTime } from "./demoEditorSession.ts";

const demo = demoSession();

/** The host's answer to every save from now on. */
function answerSaves(reply: HostReply | undefined): void {
  demo.host.rule = (call) => (call.operation === "PUT" ? reply : undefined);
}

function callsOf(operation: string): number {
  return demo.host.operations().filter((each) => each === operation).length;
}

async function type(page: DemoPage, text: string): Promise<void> {
  page.type(text);
  await eventually(() => page.settled);
}

describe("saving in the demo editor", () => {
  it("sends the whole file with lock, time and flags", async () => {
    const page = await demo.open("ann");
    expect(await page.typeAndSave("hello world")).toEqual({ success: true, result: "", errorMsg: "" });
    const { headers, body, target } = demo.host.last("PUT");
    expect(target).toMatch(/^\/wopi\/files\/1\/contents\?access_token=ann/);
    expect(body.toString()).toBe("hello world");
    expect(headers).toMatchObject({
      "x-wopi-override": "PUT",
      "x-wopi-lock": demo.host.last("LOCK").headers["x-wopi-lock"],
      "x-cool-wopi-timestamp": loadedTime,
      "x-cool-wopi-ismodifiedbyuser": "true",
      "x-cool-wopi-isautosave": "false",
      "x-cool-wopi-isexitsave": "false",
      "content-type": "application/octet-stream",
      "content-length": "11",
    });
  });

  it("uses the header names and the lock id of 2020 on request", async () => {
    await demo.restartEditor({ headerSpelling: "LOOL" });
    const page = await demo.open("ann");
    await page.typeAndSave("changed");
    expect(demo.host.last("PUT").headers["x-lool-wopi-timestamp"]).toBe(loadedTime);
    expect(demo.host.last("PUT").headers["x-wopi-lock"]).toMatch(/^lool-lock/);
    expect(demo.host.last("PUT").headers).not.toHaveProperty("x-cool-wopi-timestamp");
  });

  it("says what the host said last as the time of the next save", async () => {
    const page = await demo.open("ann");
    await page.typeAndSave("one");
    const given = demo.host.files.get("1")?.lastModifiedTime;
    await page.typeAndSave("two");
    expect(demo.host.last("PUT").headers["x-cool-wopi-timestamp"]).toBe(given);
  });

  it("says 1970 after a save whose answer named no time", async () => {
    answerSaves({ status: 200, body: {} });
    const page = await demo.open("ann");
    await page.typeAndSave("one");
    await page.typeAndSave("two");
    expect(demo.host.last("PUT").headers["x-cool-wopi-timestamp"]).toBe("1970-01-01T00:00:00.000000Z");
  });

  it("asks nothing of the host when nothing changed", async () => {
    const page = await demo.open("ann");
    expect(await page.save()).toEqual({ success: true, result: "unmodified", errorMsg: "" });
    expect(demo.host.operations()).not.toContain("PUT");
  });

  it("keeps line ends and the byte order mark of the file", async () => {
    demo.host.files.set("1", { name: "a.txt", content: Buffer.from("\uFEFFone\r\ntwo\r\n"), lastModifiedTime: "" });
    const page = await demo.open("ann");
    expect(page.text).toBe("one\ntwo\n");
    await page.typeAndSave("one\ntwo\nthree\n");
    expect(demo.host.last("PUT").body.toString()).toBe("\uFEFFone\r\ntwo\r\nthree\r\n");
  });

  it("saves by itself thirty seconds after the last key", async () => {
    const page = await demo.open("ann");
    await type(page, "hello.");
    demo.nowMs += 29_000;
    await type(page, "hello..");
    demo.nowMs += 29_000;
    await page.save();
    expect(demo.host.last("PUT").headers["x-cool-wopi-isautosave"]).toBe("false");
    await type(page, "hello...");
    demo.nowMs += 30_000;
    await eventually(() => callsOf("PUT") === 2);
    expect(demo.host.last("PUT").headers["x-cool-wopi-isautosave"]).toBe("true");
    expect(demo.host.last("PUT").headers["x-cool-wopi-isexitsave"]).toBe("false");
    await page.heard("state", ({ modified, saving }) => !modified && !saving);
  });

  it("saves by itself every five minutes while somebody keeps typing", async () => {
    await demo.restartEditor({ autosaveIdleMs: 60_000 });
    const page = await demo.open("ann");
    let text = "hello";
    for (let minute = 0; minute < 11; minute++) {
      text += ".";
      await type(page, text);
      demo.nowMs += 29_000;
    }
    await eventually(() => callsOf("PUT") === 1);
    expect(demo.host.last("PUT").headers["x-cool-wopi-isautosave"]).toBe("true");
  });

  it("sends LOCK with the same id every fifteen minutes", async () => {
    const page = await demo.open("ann");
    const { headers } = demo.host.last("LOCK");
    demo.nowMs += 15 * 60_000;
    await eventually(() => callsOf("LOCK") === 2);
    await type(page, "autosaved at a later tick");
    demo.nowMs += 30_000;
    await eventually(() => callsOf("PUT") === 1);
    expect(callsOf("LOCK")).toBe(2);
    demo.nowMs += 15 * 60_000;
    await eventually(() => callsOf("LOCK") === 3);
    expect(demo.host.last("LOCK").headers["x-wopi-lock"]).toBe(headers["x-wopi-lock"]);
  });

  it("repeats a refused refresh at once, tells nobody, and goes on editing and saving", async () => {
    const page = await demo.open("ann");
    demo.host.rule = (call) => (call.operation === "LOCK" ? { status: 409 } : undefined);
    demo.nowMs += 15 * 60_000;
    await eventually(() => callsOf("LOCK") === 4);
    expect((await page.typeAndSave("still editing"))?.success).toBe(true);
    expect(callsOf("LOCK")).toBe(4);
    expect(page.messages.filter(({ type: kind }) => kind === "access")).toHaveLength(1);
  });
});

describe("leaving the demo editor", () => {
  it("only unlocks when nothing is unsaved", async () => {
    const page = await demo.open("ann");
    await page.leave();
    expect(demo.host.operations().slice(3)).toEqual(["UNLOCK"]);
  });

  it("saves as the last user leaves, then unlocks", async () => {
    const page = await demo.open("ann");
    page.type("typed just before leaving");
    await page.leave();
    expect(demo.host.operations().slice(3)).toEqual(["PUT", "UNLOCK"]);
    expect(demo.host.last("PUT").body.toString()).toBe("typed just before leaving");
    expect(demo.host.last("PUT").headers).toMatchObject({
      "x-cool-wopi-isexitsave": "true",
      "x-cool-wopi-isautosave": "false",
    });
  });

  it("does the same when the connection drops without a word", async () => {
    const page = await demo.open("ann");
    await type(page, "about to lose the line");
    page.drop();
    await eventually(() => callsOf("UNLOCK") === 1);
    expect(demo.host.operations().slice(3)).toEqual(["PUT", "UNLOCK"]);
    expect(demo.host.last("PUT").headers["x-cool-wopi-isexitsave"]).toBe("true");
  });

  it("saves nothing for the first of two; the last one's token saves it", async () => {
    const ann = await demo.open("ann");
    const bob = await demo.open("bob");
    await type(ann, "by ann");
    await ann.leave();
    expect(demo.host.operations().slice(4)).toEqual([]);
    await bob.leave();
    expect(demo.host.operations().slice(4)).toEqual(["PUT", "UNLOCK"]);
    expect(demo.host.last("PUT").token).toBe("bob");
  });

  it("saves when only readers stay behind", async () => {
    demo.host.people.set("rita", { UserCanWrite: false });
    const ann = await demo.open("ann");
    await demo.open("rita");
    await type(ann, "by ann");
    await ann.leave();
    expect(demo.host.last("PUT").token).toBe("ann");
    expect(callsOf("UNLOCK")).toBe(0);
  });

  it.each([409, 500])("unlocks at once and does not try again when the exit save is answered %d", async (status) => {
    const page = await demo.open("ann");
    answerSaves({ status });
    page.type("lost");
    await page.leave();
    expect(demo.host.operations().slice(3)).toEqual(["PUT", "UNLOCK"]);
  });

  it("saves and unlocks every document when the editor is shut down, and tells the users", async () => {
    const page = await demo.open("ann");
    await type(page, "unsaved at shutdown");
    await demo.editor.close();
    expect(demo.host.operations().slice(3)).toEqual(["PUT", "UNLOCK"]);
    expect((await page.heard("closed")).reason).toBe("recycling");
  });

  it("says nothing to anybody when it is killed", async () => {
    const page = await demo.open("ann");
    await type(page, "never saved");
    await demo.editor.kill();
    expect(demo.host.operations()).toEqual(["CheckFileInfo", "GetFile", "LOCK"]);
  });

  it("does not even unlock when it is killed in the middle of the last save", async () => {
    const page = await demo.open("ann");
    let answerSave: (reply: HostReply) => void = () => undefined;
    const answer = new Promise<HostReply>((resolve) => {
      answerSave = resolve;
    });
    demo.host.rule = (call) => (call.operation === "PUT" ? answer : undefined);
    await type(page, "half saved");
    page.drop();
    await eventually(() => callsOf("PUT") === 1);
    await demo.editor.kill();
    answerSave({ status: 200 });
    await demo.restartEditor({});
    await demo.open("ann");
    expect(demo.host.operations().slice(3)).toEqual(["PUT", "CheckFileInfo", "GetFile", "LOCK"]);
  });

  it("takes a line that breaks and comes back at once for leaving and opening anew", async () => {
    const page = await demo.open("ann");
    await type(page, "typed before the break");
    page.drop();
    page.listen();
    await eventually(() => callsOf("LOCK") === 2);
    expect(demo.host.operations().slice(3)).toEqual(["PUT", "UNLOCK", "CheckFileInfo", "GetFile", "LOCK"]);
    await eventually(() => page.settled && page.text === "typed before the break");
  });

  it("does not take an edit that was sent before the line broke and arrives after", async () => {
    const ann = await demo.open("ann");
    const bob = await demo.open("bob");
    ann.drop();
    ann.listen();
    await ann.heard("opened", ({ epoch }) => epoch === 2);
    const late = { sequence: 1, edit: { position: 0, deleted: 0, inserted: "late " } };
    await ann.command({ command: "edit", epoch: 1, baseRevision: 0, edits: [late] });
    await type(ann, "hello again");
    await eventually(() => bob.text === "hello again");
  });

  it("lets a page come back after a lost connection with what was typed meanwhile", async () => {
    const ann = await demo.open("ann");
    const bob = await demo.open("bob");
    ann.drop();
    await bob.heard("people", ({ people }) => people.length === 1);
    await type(bob, "hello from bob");
    ann.listen();
    await eventually(() => ann.text === "hello from bob");
    await type(ann, "and ann: hello from bob");
    await eventually(() => bob.text === "and ann: hello from bob");
  });
});

describe("a save the host refuses", () => {
  const changedInStorage: HostReply = { status: 409, body: { COOLStatusCode: 1010 } };

  it("shows everybody the conflict when the document changed in storage", async () => {
    const ann = await demo.open("ann");
    const bob = await demo.open("bob");
    answerSaves(changedInStorage);
    expect(await ann.typeAndSave("mine")).toMatchObject({ success: false, result: "Conflict" });
    expect((await ann.heard("conflict")).open).toBe(true);
    expect((await bob.heard("conflict")).open).toBe(true);
    expect((await bob.heard("state", ({ problem }) => problem !== null)).problem).toMatch(/changed in storage/);
  });

  it("overwrites without a time, and the conflict is over for everybody", async () => {
    const ann = await demo.open("ann");
    const bob = await demo.open("bob");
    answerSaves(changedInStorage);
    await ann.typeAndSave("mine");
    answerSaves(undefined);
    expect((await ann.command({ command: "overwrite" }))?.success).toBe(true);
    expect(demo.host.last("PUT").headers).not.toHaveProperty("x-cool-wopi-timestamp");
    expect(demo.host.last("PUT").body.toString()).toBe("mine");
    await bob.heard("conflict", ({ open }) => !open);
  });

  it("overwrites with the stale time as the editor of 2020 did", async () => {
    await demo.restartEditor({ headerSpelling: "LOOL" });
    const ann = await demo.open("ann");
    answerSaves({ status: 409, body: { LOOLStatusCode: 1010 } });
    await ann.typeAndSave("mine");
    await ann.command({ command: "overwrite" });
    expect(demo.host.last("PUT").headers["x-lool-wopi-timestamp"]).toBe(loadedTime);
  });

  it("shows everybody the stored text after Discard", async () => {
    const ann = await demo.open("ann");
    const bob = await demo.open("bob");
    answerSaves(changedInStorage);
    await ann.typeAndSave("mine");
    demo.host.files.set("1", { name: "Notes.txt", content: Buffer.from("theirs"), lastModifiedTime: "" });
    await bob.command({ command: "discard" });
    await eventually(() => ann.text === "theirs" && bob.text === "theirs");
    expect(demo.host.operations().slice(4)).toEqual([
      "PUT",
      "UNLOCK",
      "CheckFileInfo",
      "GetFile",
      "LOCK",
      "CheckFileInfo",
    ]);
  });

  it("saves no more by itself while the conflict is open", async () => {
    const ann = await demo.open("ann");
    answerSaves(changedInStorage);
    await ann.typeAndSave("mine");
    demo.nowMs += 15 * 60_000;
    await eventually(() => callsOf("LOCK") === 2);
    expect(callsOf("PUT")).toBe(1);
  });

  it("tells only the one whose session expired, and saves once a fresh token comes", async () => {
    const ann = await demo.open("ann");
    const bob = await demo.open("bob");
    demo.host.rule = (call) => (call.operation === "PUT" && call.token === "ann" ? { status: 401 } : undefined);
    expect(await ann.typeAndSave("by ann")).toMatchObject({
      success: false,
      result: "Invalid or expired access token",
    });
    await ann.heard("state", ({ problem }) => problem === "your session has expired");
    expect(bob.messages.some((message) => message.type === "state" && message.problem !== null)).toBe(false);
    await ann.command({ command: "token", accessToken: "ann-2", expiresAtMs: 0 });
    expect(demo.host.last("PUT").token).toBe("ann-2");
    await ann.heard("state", ({ modified, problem }) => !modified && problem === null);
  });

  it("saves by itself with the token of somebody whose session still holds", async () => {
    const ann = await demo.open("ann");
    await demo.open("bob");
    demo.host.rule = (call) => (call.operation === "PUT" && call.token === "ann" ? { status: 403 } : undefined);
    await ann.typeAndSave("by ann");
    demo.nowMs += 30_000;
    await eventually(() => callsOf("PUT") === 2);
    expect(demo.host.last("PUT").token).toBe("bob");
  });

  it.each([
    [413, "", "Disk full", /too large/],
    [404, "", "Invalid or expired access token", /session has expired/],
    [500, "the drive is away", "Save failed", /the drive is away/],
    [503, "later", "Save failed", /later/],
  ])("calls a %d by its name and sends everything again at the next save", async (status, body, result, problem) => {
    const page = await demo.open("ann");
    answerSaves({ status, body });
    expect(await page.typeAndSave("changed")).toEqual({ success: false, result, errorMsg: body });
    expect((await page.heard("state", (state) => state.problem !== null)).problem).toMatch(problem);
    answerSaves(undefined);
    expect((await page.save())?.success).toBe(true);
    expect(demo.host.last("PUT").body.toString()).toBe("changed");
  });
});

describe("a joiner who sees another time", () => {
  function moveTheTime(): void {
    const file = demo.host.files.get("1");
    if (file !== undefined) file.lastModifiedTime = "2026-11-20T10:11:12Z";
  }

  it("brings the conflict to everybody while something is unsaved", async () => {
    const ann = await demo.open("ann");
    await type(ann, "unsaved");
    moveTheTime();
    const bob = await demo.open("bob");
    expect((await ann.heard("conflict")).open).toBe(true);
    expect((await bob.heard("conflict")).open).toBe(true);
  });

  it("closes the document for everybody when nothing is unsaved", async () => {
    const ann = await demo.open("ann");
    moveTheTime();
    const bob = await demo.open("bob");
    expect((await ann.heard("closed")).reason).toBe("documentconflict");
    expect((await bob.heard("closed")).reason).toBe("documentconflict");
    await eventually(() => callsOf("UNLOCK") === 1);
  });

  it("means nothing when the host names no time", async () => {
    demo.host.people.set("bob", { LastModifiedTime: "" });
    await demo.open("ann");
    const bob = await demo.open("bob");
    expect((await bob.typeAndSave("fine"))?.success).toBe(true);
  });
});
