import { afterEach, beforeEach, expect } from "vitest";
import { type DemoEditor, type DemoEditorOptions, openDemoEditor } from "../../src/sandbox/demoEditor/demoEditor.ts";
import type { GuiseName } from "../../src/sandbox/demoEditor/guises.ts";
import { type DemoHost, openDemoHost } from "./demoEditorHost.ts";
import { type DemoPage, openPage } from "./demoEditorPage.ts";

/** When the host's document was last changed, finer than a millisecond: editors must echo it unchanged. */
export const loadedTime = "2026-11-20T10:11:12.3456789Z";

/** A host with one document `1`, an editor and its clock, new for each test; it signs only where that is the point. */
export interface DemoSession {
  host: DemoHost;
  editor: DemoEditor;
  nowMs: number;
  /** The editor dies without a word and is started again. */
  crashAndRestart(): Promise<void>;
  restartEditor(options: Partial<DemoEditorOptions>): Promise<void>;
  open(
    token: string,
    more?: {
      action?: "edit" | "view";
      query?: string;
      ttl?: string;
      file?: string;
      /** Further fields of the form. */
      form?: Record<string, string>;
    },
  ): Promise<DemoPage>;
}

interface DemoSessionOptions {
  signs?: boolean;
  guise?: GuiseName;
}

export function demoSession({ signs = false, guise = "plain" }: DemoSessionOptions = {}): DemoSession {
  const addressOf = ({ action = "edit", ...more }: { action?: "edit" | "view" }) => {
    if (guise === "plain") return { action, ...more };
    const actions = session.editor.actions()["txt"] ?? {};
    return { pageUrl: (actions[action] ?? "").replaceAll(/<[^>]*>/g, ""), ...more };
  };
  const session = {
    nowMs: 0,
    crashAndRestart: async () => {
      await session.editor.crash();
      // Nobody listens; and no later call goes out on a connection to the dead one.
      await expect(fetch(session.editor.discoveryUrl)).rejects.toThrow();
      await session.editor.restart();
    },
    restartEditor: async (options: Partial<DemoEditorOptions>) => {
      await session.editor.kill();
      session.editor = await openDemoEditor({ port: 0, signs, guise, now: () => session.nowMs, ...options });
    },
    open: (token, { file = "1", ...more } = {}) =>
      openPage({ editorUrl: session.editor.url, wopiSrc: session.host.wopiSrc(file), token, ...addressOf(more) }),
  } as DemoSession;
  beforeEach(async () => {
    session.nowMs = Date.parse("2026-11-21T08:00:00Z");
    session.host = await openDemoHost();
    session.host.files.set("1", { name: "Notes.txt", content: Buffer.from("hello"), lastModifiedTime: loadedTime });
    session.editor = await openDemoEditor({ port: 0, signs, guise, now: () => session.nowMs });
  });
  afterEach(async () => {
    await session.editor.kill();
    await session.host.close();
  });
  return session;
}
