import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DemoEditor, openDemoEditor } from "../../src/sandbox/demoEditor/demoEditor.ts";
import { type FakeCloudreve, openFakeCloudreve } from "../../src/sandbox/fakeCloudreve/fakeCloudreve.ts";
import { type SetupOptions, type SetupOutcome, setUp } from "../../src/setup/setUp.ts";
import type { Terminal } from "../../src/setup/terminal.ts";
import { type DriveAccountClient, driveAccount } from "../support/driveAccount.ts";

export const adminPassword = "a password of the administrator";
export const bridgeUrl = "https://office.example.com";

/** A fresh drive and an editor, and setup run on them. */
export interface SetupStage {
  readonly drive: FakeCloudreve;
  readonly editor: DemoEditor;
  /** Somebody who looks into the dashboard. */
  readonly admin: DriveAccountClient;
  run(answers: readonly string[], more?: RunOptions): Promise<Run>;
  close(): Promise<void>;
}

interface RunOptions {
  readonly settings?: Partial<Parameters<typeof setUp>[0]>;
  readonly options?: Partial<SetupOptions>;
}

export interface Run {
  readonly outcome: SetupOutcome;
  /** All lines, and questions with their answers, unless they are hidden. */
  readonly shown: string;
  readonly questions: readonly string[];
}

export async function setupStage(): Promise<SetupStage> {
  const dir = await mkdtemp(join(tmpdir(), "setup-"));
  const editor = await openDemoEditor({ port: 0 });
  const accounts = [
    { email: "alice@example.com", password: adminPassword, nickname: "Alice", admin: true },
    { email: "bob@example.com", password: adminPassword, nickname: "Bob" },
  ];
  const drive = await openFakeCloudreve({ dir, port: 0, accounts, viewers: [], writesState: "at close" });
  return {
    drive,
    editor,
    admin: await driveAccount(drive.url, "alice@example.com", adminPassword),
    run: (answers, { settings, options } = {}) => {
      const config = {
        BRIDGE_URL: bridgeUrl,
        CLOUDREVE_URL: drive.url,
        DISCOVERY_URLS: [editor.discoveryUrl],
        OAUTH_CLIENT_ID: undefined,
        OAUTH_CLIENT_SECRET: undefined,
        ...settings,
      };
      return runSetup(config, answers, options);
    },
    close: async () => {
      await editor.kill();
      await drive.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export async function runSetup(
  config: Parameters<typeof setUp>[0],
  answers: readonly string[],
  options: Partial<SetupOptions> = {},
): Promise<Run> {
  const left = [...answers];
  const shown: string[] = [];
  const questions: string[] = [];
  const terminal: Terminal = {
    say: (line) => void shown.push(line),
    ask: async (question, hidden) => {
      const answer = left.shift();
      questions.push(question.trim());
      shown.push(`${question}${hidden === undefined ? answer : ""}`);
      return answer;
    },
    close: () => undefined,
  };
  const outcome = await setUp(config, terminal, {
    yes: false,
    newSecret: false,
    writeSettings: undefined,
    ...options,
  });
  return { outcome, shown: shown.join("\n"), questions };
}
