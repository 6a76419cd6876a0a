import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DemoEditor, openDemoEditor } from "../../src/sandbox/demoEditor/demoEditor.ts";
import { linkOwner } from "../support/linkOwner.ts";
import { portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { webPerson } from "../support/webPerson.ts";
import { type Session, sessionSchema } from "../support/wopiClient.ts";

const name = "Plan.txt";

async function stage(guise: "onlyoffice" | "collabora") {
  const editor = await openDemoEditor({ guise, port: 0 });
  const wopi_actions = editor.actions();
  const bridge = await testBridge({
    settings: { DISCOVERY_URLS: editor.discoveryUrl },
    drive: { viewers: [{ id: guise, type: "wopi", display_name: guise, exts: ["txt"], wopi_actions }] },
  });
  await bridge.alice.put(name, "text");
  return { editor, bridge };
}

describe.each(["onlyoffice", "collabora"] as const)("restrictions in %s", (guise) => {
  let bridge: TestBridge;
  let editor: DemoEditor;
  beforeAll(async () => {
    ({ bridge, editor } = await stage(guise));
  });
  afterAll(async () => {
    await editor.kill();
    await bridge.close();
  });

  const session = async (options: Record<string, unknown>): Promise<Response> =>
    bridge.postSession({ uri: bridge.alice.uriOf(name), action: "edit", options });
  const link = (method: string, below: string, body: unknown): Promise<Response> =>
    fetch(`${bridge.url}/api/links${below}`, {
      method,
      headers: { Authorization: `Bearer ${portalKey}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  const isRefusing = guise === "onlyoffice";

  it("go with the form where CheckFileInfo is not read for them, and Save stores", async () => {
    const opened: Session = sessionSchema.parse(await (await session({ download: false, copy: false })).json());
    const page = await (await fetch(opened.host_page_url)).text();
    const config = /name="docs_api_config" value="([^"]*)"/.exec(page)?.[1]?.replaceAll("&quot;", '"');
    expect(page).toContain(`"savesWhenTold":${!isRefusing}`);
    if (!isRefusing) expect(config).toBeUndefined();
    else {
      expect(JSON.parse(config ?? "")).toEqual({
        document: { permissions: { download: false, copy: false } },
        editorConfig: { customization: { forcesave: true } },
      });
    }
  });

  it("that it can't keep refuse the session, with the reason", async () => {
    const answer = await session({ watermark: "Ann" });
    expect(answer.status).toBe(isRefusing ? 422 : 201);
    const body = (await answer.json()) as Record<string, unknown>;
    if (isRefusing) expect(body).toMatchObject({ code: "noEditor", detail: expect.stringContaining("watermark") });
  });

  it("that it can't keep refuse the link, made or changed", async () => {
    await session({});
    const uri = bridge.alice.uriOf(name);
    const wish = { options: { watermark: true } };
    const made = await link("POST", "", { uri, permission: "edit", ...wish });
    expect(made.status).toBe(isRefusing ? 422 : 201);
    if (isRefusing) expect(await made.json()).toMatchObject({ code: "requestInvalid" });
    const plain = (await (await link("POST", "", { uri, permission: "edit" })).json()) as { id: string };
    expect((await link("PATCH", `/${plain.id}`, wish)).status).toBe(isRefusing ? 422 : 200);
  });

  it("that it can't keep are not offered in the form of a link", async () => {
    await session({});
    const { person } = await linkOwner(bridge);
    const { id } = await bridge.alice.info(name);
    const { text } = await person.get(`/share?file_id=${id}`);
    expect(text.includes('name="watermark"')).toBe(!isRefusing);
    expect(text.includes("show a watermark")).toBe(isRefusing);
  });

  it("that it can't keep are kept by opening nothing of a shared folder in it", async () => {
    await bridge.alice.put(`Shared/${name}`, "text");
    const uri = bridge.alice.uriOf("Shared");
    const made = await link("POST", "", { uri, permission: "edit", options: { watermark: true } });
    const { url } = (await made.json()) as { url: string };
    const visitor = webPerson(bridge.url);
    const folder = await visitor.follow(await visitor.post(url, { name: "Ann" }));
    expect(folder.text.includes(name)).toBe(!isRefusing);
    const { id } = await bridge.alice.info(`Shared/${name}`);
    const opened = await visitor.get(`${url}/${id}`);
    expect([opened.status, opened.text.includes('id="editor-form"')]).toEqual(isRefusing ? [422, false] : [200, true]);
  });
});
