import { describe, expect, it } from "vitest";
import { watchedOperations } from "../support/watchedDrive.ts";

const at = watchedOperations();
let documents = 0;

async function openNew(text: string) {
  const name = `calls-${++documents}.docx`;
  await at.bridge.alice.put(name, text);
  return { name, editor: await at.bridge.open(name) };
}

/** What the bridge asks of the drive while this is done; method and path below the API. */
async function callsDuring(work: () => Promise<unknown>): Promise<string[]> {
  at.drive.seen.length = 0;
  await work();
  return at.drive.seen.map(({ method, path }) => {
    const place = path.replace(/^\/api\/v4/, "").split("?", 1)[0] ?? "";
    return `${method} ${place.replace(/^\/file\/(wopi|content)\/[^/]+.*?(\/contents)?$/, "/file/$1/ID$2")}`;
  });
}

describe("a document that is locked", () => {
  it("is described without asking the drive, which lets nobody else change it", async () => {
    const { editor } = await openNew("text");
    expect(await callsDuring(() => editor.check())).toEqual(["GET /file/info"]);
    await editor.lock("A");
    expect(await callsDuring(() => editor.check())).toEqual([]);
    expect((await editor.check()).json()).toMatchObject({ Size: 4 });
  });

  it("is asked for no more than proves that it is this very one", async () => {
    const { editor } = await openNew("text");
    const locked = await callsDuring(() => editor.lock("A"));
    expect(locked).toEqual(["POST /file/wopi/ID", "GET /file/info"]);
    expect(await callsDuring(() => editor.refresh("A"))).toEqual(["POST /file/wopi/ID"]);
    expect(await callsDuring(() => editor.lock("A"))).toEqual(["POST /file/wopi/ID"]);
    expect(await callsDuring(() => editor.put("PK\u0003\u0004a longer text", "A"))).toEqual([
      "POST /file/wopi/ID",
      "POST /file/wopi/ID/contents",
      "GET /file/info",
    ]);
    expect(await callsDuring(() => editor.unlock("A"))).toEqual(["POST /file/wopi/ID"]);
  });

  it("is locked where it is now, and what lies in its old place stays free", async () => {
    const { name, editor } = await openNew("text");
    const moved = `moved-${documents}.docx`;
    await at.bridge.alice.rename(name, moved);
    await at.bridge.alice.put(name, "another document");
    expect((await editor.lock("A")).status).toBe(200);
    expect(await at.bridge.alice.put(name, "still free")).toBe(0);
    expect(await at.bridge.alice.put(moved, "a stranger's")).toBe(40073);
  });

  it("is looked at anew for the save after one whose answer was lost, and found changed", async () => {
    const { name, editor } = await openNew("text");
    await editor.lock("A");
    at.drive.intercept = (request, response) => {
      if (request.url?.includes("/contents") !== true) return false;
      response.destroy();
      return true;
    };
    expect((await editor.put("mine", "A")).status).toBe(503);
    at.drive.intercept = undefined;
    expect(await callsDuring(() => editor.put("mine, again", "A"))).toContain("GET /file/info");
    expect(await at.bridge.alice.read(name)).toBe("mine, again");
  });

  it("is described as the last save left it: version, size and time", async () => {
    const { name, editor } = await openNew("text");
    await editor.lock("A");
    at.bridge.clock.advance(5_000);
    const saved = await editor.put("a longer text", "A");
    const info = (await editor.check()).json();
    expect(info["Version"]).toBe(saved.header("x-wopi-itemversion"));
    expect(info["Version"]).toBe((await at.bridge.alice.info(name)).primary_entity);
    expect(info["LastModifiedTime"]).toBe(saved.json()["LastModifiedTime"]);
    expect(info["Size"]).toBe(13);
  });

  it("is described under its new name after a rename", async () => {
    const { editor } = await openNew("text");
    await editor.lock("A");
    await editor.post("RENAME_FILE", { "X-WOPI-Lock": "A", "X-WOPI-RequestedName": `renamed-${documents}` });
    expect((await editor.check()).json()["BaseFileName"]).toBe(`renamed-${documents}.docx`);
  });

  it("is asked about again once it is unlocked, and when the drive's lock may have run out", async () => {
    const { name, editor } = await openNew("text");
    await editor.lock("A");
    at.bridge.clock.advance(30 * 60_000 - 1);
    expect(await callsDuring(() => editor.check())).toEqual(["GET /file/info"]);
    await editor.lock("A");
    await editor.unlock("A");
    await at.bridge.alice.put(name, "somebody else's");
    expect((await editor.check()).json()["Size"]).toBe(15);
  });

  it("is not described from before a save whose answer was lost", async () => {
    const { name, editor } = await openNew("text");
    await editor.lock("A");
    at.drive.intercept = (request, response) => {
      if (request.url?.includes("/contents") !== true) return false;
      // The drive has it; the bridge never hears so, and no try after this one gets through.
      at.drive.intercept = (_later, unanswered) => {
        response.destroy();
        unanswered.destroy();
        return true;
      };
      return false;
    };
    await editor.put("a longer text", "A").catch(() => undefined);
    at.drive.intercept = undefined;
    const info = (await editor.check()).json();
    expect(info["Version"]).toBe((await at.bridge.alice.info(name)).primary_entity);
  });

  it("still finds what somebody changed after the drive had lost its locks", async () => {
    const { name, editor } = await openNew("text");
    await editor.get();
    await editor.lock("A");
    await at.bridge.stopDrive();
    await at.bridge.startDrive();
    expect(await at.bridge.alice.put(name, "somebody else's")).toBe(0);
    expect((await editor.put("mine", "A", { "X-COOL-WOPI-Timestamp": "2026-11-21T08:15:00Z" })).status).toBe(409);
    expect(await at.bridge.alice.read(name)).toBe("somebody else's");
  });
});

describe("loading a document", () => {
  it("asks for a version's download address once", async () => {
    const { editor } = await openNew("text");
    expect(await callsDuring(() => editor.get())).toEqual(["GET /file/info", "POST /file/url", "GET /file/content/ID"]);
    expect(await callsDuring(() => editor.get())).toEqual(["GET /file/info", "GET /file/content/ID"]);
    await editor.lock("A");
    expect(await callsDuring(() => editor.get())).toEqual(["GET /file/content/ID"]);
  });

  it("asks anew after a save, and gives the new bytes", async () => {
    const { editor } = await openNew("text");
    await editor.get();
    await editor.lock("A");
    await editor.put("new text", "A");
    expect(await callsDuring(() => editor.get())).toContain("POST /file/url");
    expect((await editor.get()).text).toBe("new text");
  });

  it("asks anew when an address is dead before its time", async () => {
    const { editor } = await openNew("text");
    await editor.get();
    let isDead = true;
    at.drive.intercept = (request, response) => {
      if (!isDead || request.url?.includes("/file/content/") !== true) return false;
      isDead = false;
      response.writeHead(200, { "Content-Type": "application/json" }).end('{"code":40005,"msg":"expired"}');
      return true;
    };
    expect((await editor.get()).text).toBe("text");
  });
});

it("finds the file although the drive's token ends while a call is on its way, which makes that anonymous", async () => {
  const { editor } = await openNew("text");
  at.drive.intercept = () => {
    at.drive.intercept = undefined;
    at.bridge.clock.advance(2 * 3_600_000);
    return false;
  };
  expect((await editor.check()).status).toBe(200);
});
