import { once } from "node:events";
import { get, request } from "node:http";
import { describe, expect, it } from "vitest";
import { suiteOf } from "../../src/editors/suites.ts";
import type { HostReply } from "./demoEditorHost.ts";
import { eventually, postForm } from "./demoEditorPage.ts";
import { demoSession } from "./demoEditorSession.ts";

const demo = demoSession({ guise: "collabora" });

function answerSaves(reply: HostReply | undefined): void {
  demo.host.rule = (call) => (call.operation === "PUT" ? reply : undefined);
}

function callsOf(operation: string): number {
  return demo.host.operations().filter((each) => each === operation).length;
}

/** A save that the host answers only when told to. */
function heldSave(): (reply: HostReply) => void {
  let answer: (reply: HostReply) => void = () => undefined;
  const reply = new Promise<HostReply>((resolve) => {
    answer = resolve;
  });
  demo.host.rule = (call) => (call.operation === "PUT" ? reply : undefined);
  return answer;
}

async function serverId(): Promise<unknown> {
  const answer = await fetch(`${demo.editor.url}/hosting/capabilities`);
  return ((await answer.json()) as Record<string, unknown>)["serverId"];
}

describe("Collabora's addresses", () => {
  it("are one for all actions, and name the suite and its release", async () => {
    const { txt } = demo.editor.actions();
    expect(txt?.["edit"]).toMatch(/\/browser\/[0-9a-f]+\/cool\.html\?$/);
    expect(txt?.["view"]).toBe(txt?.["edit"]);
    expect(suiteOf(txt?.["edit"] ?? "").name).toBe("collabora");
    expect((await demo.open("ann")).text).toBe("hello");
  });

  it("offer some extensions only to edit, pdf only to comment, and nothing for phones and embedding", () => {
    const actions = demo.editor.actions();
    expect(Object.keys(actions["odt"] ?? {})).toEqual(["edit"]);
    expect(Object.keys(actions["pdf"] ?? {})).toEqual(["view_comment"]);
    const names = new Set(Object.values(actions).flatMap((byName) => Object.keys(byName)));
    expect([...names].sort()).toEqual(["edit", "view", "view_comment"]);
  });

  it("answer 404 after an upgrade, until discovery is read again", async () => {
    const old = demo.editor.actions()["txt"]?.["edit"] ?? "";
    await demo.editor.upgrade();
    const wopiSrc = demo.host.wopiSrc("1");
    expect((await postForm({ editorUrl: demo.editor.url, pageUrl: old, wopiSrc, token: "ann" })).status).toBe(404);
    expect(await (await fetch(demo.editor.discoveryUrl)).text()).not.toContain(old);
    expect((await demo.open("ann")).text).toBe("hello");
  });
});

describe("Collabora's server", () => {
  it("names itself in its capabilities, by another id after each start", async () => {
    const before = await serverId();
    expect(before).toMatch(/^[0-9a-f]+$/);
    await demo.crashAndRestart();
    expect(await serverId()).toMatch(/^[0-9a-f]+$/);
    expect(await serverId()).not.toBe(before);
  });

  it("locks with another id after a crash, and opens read-only when the old lock stands", async () => {
    await demo.open("ann");
    const before = demo.host.last("LOCK").headers["x-wopi-lock"];
    await demo.crashAndRestart();
    demo.host.rule = (call) => (call.operation === "LOCK" ? { status: 409 } : undefined);
    const page = await demo.open("ann");
    expect((await page.heard("access")).readOnly?.canTryAgain).toBe(true);
    expect(demo.host.last("LOCK").headers["x-wopi-lock"]).not.toBe(before);
    expect(callsOf("UNLOCK")).toBe(0);
  });

  it("or opens writable under a lock it did not get, and meets the conflict at the first save", async () => {
    await demo.restartEditor({ guise: "collabora", afterRefusedLock: "writable" });
    demo.host.rule = ({ operation }) => (["LOCK", "PUT"].includes(operation) ? { status: 409 } : undefined);
    const page = await demo.open("ann");
    expect((await page.heard("access")).readOnly).toBeNull();
    expect(await page.typeAndSave("typed under nobody's lock")).toMatchObject({ result: "Conflict" });
    expect((await page.heard("conflict")).open).toBe(true);
  });

  it("warns in its log of a time without a fraction, at each load and save", async () => {
    demo.host.files.set("1", { name: "a.txt", content: Buffer.from("x"), lastModifiedTime: "2026-11-20T10:11:12Z" });
    const page = await demo.open("ann");
    expect(demo.editor.warnings).toHaveLength(1);
    answerSaves({ status: 200, body: { LastModifiedTime: "2026-11-20T10:11:13Z" } });
    await page.typeAndSave("changed");
    expect(demo.editor.warnings).toHaveLength(2);
    answerSaves({ status: 200, body: { LastModifiedTime: "2026-11-20T10:11:14.0000000Z" } });
    await page.typeAndSave("changed again");
    expect(demo.editor.warnings).toHaveLength(2);
  });
});

describe("Collabora's saves", () => {
  it("call the document unmodified while the upload is still on its way, and answer after it", async () => {
    const page = await demo.open("ann");
    page.type("changed");
    await eventually(() => page.settled);
    const answer = heldSave();
    const saving = page.save();
    let saved = false;
    void saving.then(() => {
      saved = true;
    });
    const state = await page.heard("state", ({ saving: isSaving }) => isSaving);
    expect(state).toMatchObject({ modified: false, unstored: true });
    await eventually(() => callsOf("PUT") === 1);
    expect(saved).toBe(false);
    answer({ status: 200 });
    expect(await saving).toMatchObject({ success: true });
  });

  it("stay unmodified when the upload fails, although the host has nothing", async () => {
    const page = await demo.open("ann");
    answerSaves({ status: 500, body: "the drive is away" });
    expect((await page.typeAndSave("changed"))?.success).toBe(false);
    const state = await page.heard("state", ({ problem }) => problem !== null);
    expect(state).toMatchObject({ modified: false, unstored: true });
  });

  it("are sent again by themselves after the host failed", async () => {
    const page = await demo.open("ann");
    answerSaves({ status: 503 });
    await page.typeAndSave("sent twice");
    answerSaves(undefined);
    demo.nowMs += 5_000;
    await eventually(() => callsOf("PUT") === 2);
    expect(demo.host.last("PUT").headers["x-cool-wopi-isautosave"]).toBe("false");
    await page.heard("state", ({ unstored, saving }) => !unstored && !saving);
  });

  it("are tried five times as the last one leaves, then given up with the lock", async () => {
    const page = await demo.open("ann");
    answerSaves({ status: 500 });
    page.type("lost after all");
    const leaving = page.leave();
    for (let tries = 1; tries <= 4; tries++) {
      await eventually(() => callsOf("PUT") === tries);
      expect(callsOf("UNLOCK")).toBe(0);
      demo.nowMs += 5_000;
    }
    await leaving;
    expect(callsOf("PUT")).toBe(5);
    expect(demo.host.last("PUT").headers["x-cool-wopi-isexitsave"]).toBe("true");
    expect(callsOf("UNLOCK")).toBe(1);
  });

  it("are tried no more once a conflict is met as the last one leaves", async () => {
    const page = await demo.open("ann");
    answerSaves({ status: 409 });
    page.type("lost");
    await page.leave();
    expect(demo.host.operations().slice(3)).toEqual(["PUT", "UNLOCK"]);
  });

  it("do not hold up a shutdown when the host fails", async () => {
    const page = await demo.open("ann");
    answerSaves({ status: 500 });
    page.type("lost");
    void page.leave().catch(() => undefined);
    await eventually(() => callsOf("PUT") === 1);
    await demo.editor.close();
    expect(callsOf("UNLOCK")).toBe(1);
  });

  it("carry the text of somebody whose session was revoked, under the next one's name", async () => {
    const ann = await demo.open("ann");
    const bob = await demo.open("bob");
    demo.host.rule = (call) => (call.token === "ann" ? { status: 401 } : undefined);
    expect((await ann.typeAndSave("by ann, revoked"))?.success).toBe(false);
    await eventually(() => bob.text === "by ann, revoked");
    expect((await bob.save())?.success).toBe(true);
    expect(demo.host.last("PUT").token).toBe("bob");
    expect(demo.host.last("PUT").body.toString()).toBe("by ann, revoked");
  });
});

describe("Collabora's page", () => {
  it("asks its host for a name at Save as, whatever CheckFileInfo says", async () => {
    const { saveAsByMessage, host } = await (await demo.open("ann")).heard("info");
    expect(saveAsByMessage).toBe(true);
    expect(host.asksHostForName).toBe(true);
  });

  it("warns at the old end of a session although a fresh token came", async () => {
    const endsAtMs = demo.nowMs + 3_600_000;
    const page = await demo.open("ann", { ttl: String(endsAtMs) });
    await page.command({ command: "token", accessToken: "ann-2", expiresAtMs: demo.nowMs + 36_000_000 });
    demo.nowMs += 56 * 60_000;
    expect((await page.heard("tokenExpiring")).expiresAtMs).toBe(endsAtMs);
    await page.typeAndSave("saved all the same");
    expect(demo.host.last("PUT").token).toBe("ann-2");
  });

  it("arms no warning when no end was posted", async () => {
    const page = await demo.open("ann", { ttl: "0" });
    demo.nowMs += 100 * 3_600_000;
    await eventually(() => callsOf("LOCK") === 2);
    expect(page.messages.some(({ type }) => type === "tokenExpiring")).toBe(false);
  });

  it("hears of a rename only when it asked for it", async () => {
    const ann = await demo.open("ann");
    const bob = await demo.open("bob");
    await ann.command({ command: "rename", name: "other" });
    expect((await ann.heard("renamed")).newName).toBe("renamed");
    await bob.save();
    expect(bob.messages.some(({ type }) => type === "renamed")).toBe(false);
  });
});

/** Says one thing on a WebSocket of the editor. @returns what came back first */
async function sayOnSocket(text: string): Promise<string> {
  const headers = {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": Buffer.from("sixteen bytes ok").toString("base64"),
  };
  const asking = request(`${demo.editor.url}/cool/anything/ws`, { headers });
  asking.end();
  const [answer, socket] = await once(asking, "upgrade");
  expect(answer.statusCode).toBe(101);
  const payload = Buffer.from(text);
  const head = Buffer.from([0x81, 0x80 | 126, payload.length >> 8, payload.length & 0xff, 1, 2, 3, 4]);
  socket.write(Buffer.concat([head, payload.map((byte, index) => byte ^ ((index % 4) + 1))]));
  const [frame] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  return frame.subarray(2).toString();
}

describe("a load on Collabora's WebSocket, from anybody", () => {
  const load = (wopiSrc: string) =>
    sayOnSocket(`load url=${encodeURIComponent(`${wopiSrc}?access_token=nonsense`)} lang=en`);

  it("makes the editor call CheckFileInfo at once, and tells that the host refused", async () => {
    demo.host.rule = () => ({ status: 401 });
    expect(await load(demo.host.wopiSrc("1"))).toBe("error: cmd=storage kind=loadfailed");
    expect(demo.host.operations()).toEqual(["CheckFileInfo"]);
    expect(demo.host.last("CheckFileInfo").token).toBe("nonsense");
  });

  it("tells what is no WOPI host from one that refuses", async () => {
    demo.host.rule = () => ({ status: 200, body: "<html>" });
    expect(await load(demo.host.wopiSrc("1"))).toBe("error: cmd=internal kind=unauthorized");
  });

  it("calls no host that the editor does not allow", async () => {
    expect(await load("http://192.0.2.1/wopi/files/1")).toBe("error: cmd=internal kind=unauthorized");
    expect(demo.host.calls).toEqual([]);
  });
});

describe("an editor without a guise", () => {
  it("takes no WebSocket, has no server id and no other address than its own", async () => {
    await demo.restartEditor({ guise: "plain" });
    expect(await serverId()).toBeUndefined();
    expect(suiteOf(demo.editor.actions()["txt"]?.["edit"] ?? "").name).toBe("other");
    const asking = get(`${demo.editor.url}/cool/x/ws`, { headers: { Connection: "Upgrade", Upgrade: "websocket" } });
    const [answer] = await once(asking, "response");
    expect(answer.statusCode).toBe(404);
    asking.destroy();
  });
});

describe("a document with a FileUrl", () => {
  const path = "/wopi/files/1/direct/contents?read=secret";
  const elsewhere = "/wopi/files/1/elsewhere/contents";
  const targets = () => demo.host.calls.filter(({ operation }) => operation === "GetFile").map(({ target }) => target);

  it("is read there and where it leads on to, with the token but unsigned", async () => {
    demo.host.people.set("ann", { FileUrl: demo.host.origin + path });
    demo.host.rule = ({ target }) =>
      target === path ? { status: 302, headers: { Location: demo.host.origin + elsewhere } } : undefined;
    expect((await demo.open("ann")).text).toBe("hello");
    expect(targets()).toEqual([path, elsewhere]);
    const { headers } = demo.host.last("GetFile");
    expect(headers.authorization).toBe("Bearer ann");
    expect(headers).not.toHaveProperty("x-wopi-proof");
  });

  it("is read by GetFile when that fails", async () => {
    demo.host.people.set("ann", { FileUrl: demo.host.origin + path });
    demo.host.rule = ({ target }) => (target === path ? { status: 503 } : undefined);
    expect((await demo.open("ann")).text).toBe("hello");
    expect(targets()).toHaveLength(2);
    expect(demo.host.last("GetFile").token).toBe("ann");
  });
});
