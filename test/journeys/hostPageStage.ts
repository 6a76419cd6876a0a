import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { BrowserContext, FrameLocator, Locator, Page } from "playwright-core";
import { type DemoEditor, openDemoEditor } from "../../src/sandbox/demoEditor/demoEditor.ts";
import type { GuiseName } from "../../src/sandbox/demoEditor/guises.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { type Session, sessionSchema } from "../support/wopiClient.ts";

/** A bridge on a fake drive, with an editor that really opens documents. */
export interface Stage {
  readonly bridge: TestBridge;
  readonly editor: DemoEditor;
  /** A new document of alice's, opened by a portal. */
  session(more?: Record<string, unknown>): Promise<Session>;
  close(): Promise<void>;
}

export interface StageOptions {
  readonly settings?: Readonly<Record<string, string>>;
  /** Where documents are opened, in place of the demo editor. */
  readonly editAddress?: string;
  /** What the demo editor passes for; the plain one if left out. */
  readonly guise?: GuiseName;
  /** The bridge's clock runs; else it stands still until it is told otherwise. */
  readonly clockRuns?: boolean;
}

export async function openStage({ settings = {}, editAddress, guise, clockRuns }: StageOptions = {}): Promise<Stage> {
  const editor = await openDemoEditor({ port: 0, ...(guise === undefined ? {} : { guise }) });
  const ofGuise = guise === undefined ? undefined : editor.actions()["txt"];
  const address = editAddress ?? ofGuise?.["edit"] ?? `${editor.url}/editor/edit?closebutton=1&`;
  const bridge = await testBridge({
    // What else a real one opens, such as PDF, is known from its discovery.
    settings: { ...(guise === undefined ? {} : { DISCOVERY_URLS: editor.discoveryUrl }), ...settings },
    // No waiting between the tries of a save.
    pause: async () => undefined,
    drive: {
      viewers: [
        {
          id: "editor",
          type: "wopi",
          display_name: "Editor",
          exts: ["txt"],
          wopi_actions: { txt: { view: ofGuise?.["view"] ?? address, edit: address } },
        },
      ],
    },
  });
  let tickedAt = Date.now();
  const tick = (): void => {
    const now = Date.now();
    bridge.clock.advance(now - tickedAt);
    tickedAt = now;
  };
  const ticking = clockRuns === true ? setInterval(tick, 20) : undefined;
  let documents = 0;
  return {
    bridge,
    editor,
    session: async (more = {}) => {
      const name = `document-${++documents}.txt`;
      const known = more["uri"] !== undefined;
      if (!known) await bridge.alice.put(name, "first line\n");
      const answered = await bridge.postSession({
        ...(known ? {} : { uri: bridge.alice.uriOf(name) }),
        action: "edit",
        ...more,
      });
      return sessionSchema.parse(await answered.json());
    },
    close: async () => {
      clearInterval(ticking);
      await editor.kill();
      await bridge.close();
    },
  };
}

/** Somebody who looks at a host page. */
export interface Visitor {
  readonly page: Page;
  readonly editor: FrameLocator;
  readonly line: Locator;
  type(text: string): Promise<void>;
  save(): Promise<void>;
}

export async function visit(context: BrowserContext, hostPageUrl: string): Promise<Visitor> {
  const page = await context.newPage();
  await page.goto(hostPageUrl);
  const visitor = visitorOf(page, page.frameLocator("iframe[name=editor-frame]"), page.locator("#status"));
  await visitor.editor.locator("#text:not([readonly])").waitFor();
  return visitor;
}

export function visitorOf(page: Page, editor: FrameLocator, line: Locator): Visitor {
  return {
    page,
    editor,
    line,
    type: async (text) => {
      await editor.locator("#text").focus();
      await page.keyboard.press("Control+End");
      await page.keyboard.type(text);
    },
    save: () => editor.locator("#save").click(),
  };
}

/** Waits until the line says it. */
export async function says(line: Locator, text: string | RegExp, timeout = 10_000): Promise<void> {
  await line.filter({ hasText: text }).waitFor({ timeout });
}

export interface SmallServer {
  readonly port: number;
  close(): Promise<void>;
}

export async function serve(listener: RequestListener): Promise<SmallServer> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
