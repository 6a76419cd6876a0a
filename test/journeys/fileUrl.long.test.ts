import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DemoEditor, openDemoEditor } from "../../src/sandbox/demoEditor/demoEditor.ts";
import { type DemoPage, eventually, openPage } from "../sandbox/demoEditorPage.ts";
import { type DriveProxy, driveProxy } from "../support/driveProxy.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";

const documentName = "Plan with ü & 100%.txt";

let bridge: TestBridge;
let editor: DemoEditor;
/** The drive as the editor's server reaches it. */
let front: DriveProxy;

beforeEach(async () => {
  let now: () => number = Date.now;
  editor = await openDemoEditor({ guise: "collabora", port: 0, now: () => now() });
  bridge = await testBridge({
    store: "file",
    settings: { DISCOVERY_URLS: editor.discoveryUrl, PROOF_KEYS: "off" },
    pause: async () => undefined,
    drive: {
      viewers: [
        { id: "collabora", type: "wopi", display_name: "Collabora", exts: ["txt"], wopi_actions: editor.actions() },
      ],
    },
  });
  now = bridge.clock.now;
  front = await driveProxy(bridge.drive.url);
  await bridge.restart({ EDITOR_CLOUDREVE_URL: front.url });
  await bridge.alice.put(documentName, "first line\n");
});
afterEach(async () => {
  await editor.kill();
  await bridge.close();
  await front.close();
});

async function open(name: string): Promise<DemoPage> {
  const { session } = await bridge.open(documentName, { user: { id: name.toLowerCase(), name } });
  const url = new URL(session.action_url);
  const wopiSrc = url.searchParams.get("WOPISrc") ?? "";
  url.searchParams.delete("WOPISrc");
  const pageUrl = `${url.href}${url.search === "" ? "?" : "&"}`;
  return openPage({ editorUrl: editor.url, pageUrl, wopiSrc, token: session.access_token });
}

/** Where the editor's server has read the document: what the bridge and the drive's front saw, in order of their kind. */
function readings() {
  const paths = bridge.logLines.filter(({ method }) => method === "GET").map(({ path }) => String(path));
  return {
    getFile: paths.filter((path) => /\/files\/[^/]+\/contents$/.test(path)).length,
    fileUrl: paths.filter((path) => path.endsWith("/direct/contents")).length,
    // What the bridge tries there first is one byte.
    drive: front.seen.filter(({ path, headers }) => path.includes("/file/content/") && headers.range === undefined)
      .length,
  };
}

const stored = (): Promise<string> => bridge.alice.read(documentName);

describe("a document that Collabora reads straight from the drive", () => {
  it("is edited together and saved, and no byte of the load has passed the bridge", async () => {
    const ann = await open("Ann");
    expect(ann.text).toBe("first line\n");
    const ben = await open("Ben");
    expect(await ann.typeAndSave("first line\nfrom Ann\n")).toMatchObject({ success: true });
    await eventually(() => ben.text === "first line\nfrom Ann\n");
    expect(await ben.typeAndSave("first line\nfrom Ann\nfrom Ben\n")).toMatchObject({ success: true });
    await ann.leave();
    await ben.leave();
    await eventually(() => editor.documentCount === 0);
    expect(readings()).toEqual({ getFile: 0, fileUrl: 1, drive: 1 });

    expect((await open("Cem")).text).toBe("first line\nfrom Ann\nfrom Ben\n");
    expect(await bridge.alice.list()).toEqual([documentName]);
  });

  it("meets a conflict when somebody has changed it since, and loses neither text", async () => {
    const ann = await open("Ann");
    // Cloudreve keeps its locks in memory.
    await bridge.stopDrive();
    await bridge.startDrive();
    bridge.clock.advance(5_000);
    expect(await bridge.alice.put(documentName, "a stranger's\n")).toBe(0);
    expect(await ann.typeAndSave("first line\nfrom Ann\n")).toMatchObject({ success: false });
    expect((await ann.heard("conflict")).open).toBe(true);
    expect(await stored()).toBe("a stranger's\n");
    expect(await ann.command({ command: "overwrite" })).toMatchObject({ success: true });
    expect(await stored()).toBe("first line\nfrom Ann\n");
  });

  it.each<[string, DriveProxy["intercept"]]>([
    [
      "refuses the editor alone",
      (request, response) => {
        if (request.headers.range !== undefined) return false;
        response.writeHead(403).end("no");
        return true;
      },
    ],
    [
      "is behind a sign-in page that answers 200",
      (_request, response) => {
        response.writeHead(200, { "Content-Type": "text/html" }).end("<html>Sign in</html>");
        return true;
      },
    ],
    ["is gone", (request) => Boolean(request.destroy())],
  ])("comes from the bridge when that drive %s, and is saved as it should be", async (_what, intercept) => {
    front.intercept = intercept;
    const ann = await open("Ann");
    expect(ann.text).toBe("first line\n");
    expect(await ann.typeAndSave("first line\nfrom Ann\n")).toMatchObject({ success: true });
    expect(await stored()).toBe("first line\nfrom Ann\n");
  });

  it("is not read by the address of a session that was revoked", async () => {
    const { client, url } = await told();
    await bridge.endSession(client.session.id);
    expect((await fetch(url)).status).toBe(401);
    expect(front.seen).toEqual([]);
  });
});

async function told() {
  const client = await bridge.open(documentName);
  return { client, url: String((await client.check()).json()["FileUrl"]) };
}
