import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type DemoEditor, openDemoEditor } from "../../src/sandbox/demoEditor/demoEditor.ts";
import { openBrowser } from "../support/browser.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { until } from "../support/until.ts";
import { sessionSchema } from "../support/wopiClient.ts";
import { says, visit } from "./hostPageStage.ts";

let browser: Browser;
let editor: DemoEditor;
let bridge: TestBridge;

beforeAll(async () => {
  browser = await openBrowser();
  editor = await openDemoEditor({ guise: "collabora", port: 0 });
  bridge = await testBridge({
    store: "file",
    settings: { DISCOVERY_URLS: editor.discoveryUrl, PROOF_KEYS: "off" },
    drive: {
      viewers: [
        { id: "collabora", type: "wopi", display_name: "Collabora", exts: ["txt"], wopi_actions: editor.actions() },
      ],
    },
  });
  await bridge.alice.put("Plan.txt", "first line\n");
});
afterAll(async () => {
  await browser?.close();
  await editor?.kill();
  await bridge?.close();
});

it("somebody whose editor died is told so, and opens the document again from the same page", async () => {
  const asked = { uri: bridge.alice.uriOf("Plan.txt"), action: "edit", user: { id: "ann", name: "Ann" } };
  const session = sessionSchema.parse(await (await bridge.postSession(asked)).json());
  const ann = await visit(await browser.newContext({ viewport: { width: 1280, height: 720 } }), session.host_page_url);
  await until("the server is known", async () => (await bridge.storedText()).split('"serverId"').length > 2);
  await editor.crash();
  await editor.restart();
  bridge.clock.advance(10_000);
  await says(ann.line, "The editor stopped.", 20_000);
  expect(await ann.page.locator("#frame-holder").textContent()).toContain("What it had not saved is lost.");
  await ann.page.getByRole("button", { name: "Open again" }).click();
  await ann.editor.locator("#text:not([readonly])").waitFor();
});
