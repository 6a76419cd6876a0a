import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type DiskFaults, diskFaults } from "../support/diskFaults.ts";
import { type SavingEditor, savingEditor } from "../support/savingEditor.ts";
import { editorUrl, portalKey } from "../support/testBridge.ts";
import type { WopiClient } from "../support/wopiClient.ts";

const minuteMs = 60_000;
const limitMb = 1;
/** The paths of their addresses. */
export const suites = {
  onlyoffice: "/hosting/wopi/word/edit?",
  collabora: "/browser/dist/cool.html?",
  microsoft365: "/we/wordeditorframe.aspx?",
  other: "/edit?",
} as const;

type Opened = Awaited<ReturnType<SavingEditor["openAndLock"]>>;

interface Reason {
  /** What the editor hears of a save that is refused for it. */
  readonly says: number;
  /** Whether the bytes of an exit save are safe all the same. */
  readonly isSafe: boolean;
  /** @returns how things come to be right again */
  begin(opened: Opened): Promise<(() => Promise<unknown>) | undefined>;
  readonly leavesVersion?: true;
  /** Nothing is lost with the bytes. */
  readonly isKeptNowhere?: true;
  readonly text?: string;
  readonly lockId?: string;
  readonly more?: Record<string, unknown>;
}

let editor: SavingEditor;
let disk: DiskFaults | undefined;

const storePath = () => join(editor.bridge.dir, "bridge.db");

async function storeAway(client: WopiClient): Promise<() => Promise<void>> {
  await rename(storePath(), `${storePath()}.away`);
  editor.bridge.clock.advance(1_000);
  expect((await client.getLock()).status).toBe(503);
  return () => rename(`${storePath()}.away`, storePath());
}

async function driveAway(): Promise<() => Promise<void>> {
  await editor.bridge.stopDrive();
  return () => editor.bridge.startDrive();
}

const reasons: Readonly<Record<string, Reason>> = {
  "somebody has changed the file in the drive": {
    says: 409,
    isSafe: true,
    begin: async ({ path }) => {
      editor.bridge.drive.forgetLocks();
      expect(await editor.bridge.alice.put(path, "theirs")).toBe(0);
      return undefined;
    },
  },
  "another lock stands": {
    says: 409,
    isSafe: true,
    begin: async ({ client }) => {
      expect((await client.relock("A", "B")).status).toBe(200);
      return undefined;
    },
  },
  "the owner has taken the lock": {
    says: 409,
    isSafe: true,
    begin: async ({ path }) => {
      const { id } = await editor.bridge.alice.info(path);
      const headers = { Authorization: `Bearer ${portalKey}` };
      const answer = await fetch(`${editor.bridge.url}/api/files/${id}/lock`, { method: "DELETE", headers });
      expect(answer.status).toBe(200);
      return undefined;
    },
  },
  "the session has just ended": {
    says: 401,
    isSafe: true,
    begin: async ({ client }) => {
      await editor.bridge.endSession(client.session.id);
      return undefined;
    },
  },
  "the session ended more than five minutes ago": {
    says: 401,
    isSafe: false,
    begin: async ({ client }) => {
      await editor.bridge.endSession(client.session.id);
      editor.bridge.clock.advance(5 * minuteMs);
      return undefined;
    },
  },
  "the session ran out hours ago, and is forgotten": {
    says: 401,
    isSafe: false,
    begin: async ({ client }) => {
      editor.bridge.clock.advance(client.session.access_token_ttl - editor.bridge.clock.now() + 120 * minuteMs);
      return undefined;
    },
  },
  // Whose the exit saves of this file can't be.
  "the session may only view": {
    says: 404,
    isSafe: false,
    leavesVersion: true,
    more: { action: "view" },
    begin: async () => undefined,
  },
  "the drive is away": { says: 503, isSafe: true, begin: () => driveAway() },
  "the store is away": { says: 503, isSafe: true, begin: ({ client }) => storeAway(client) },
  "the drive is away and the bytes are in memory alone": {
    says: 503,
    isSafe: false,
    begin: async () => {
      disk = diskFaults(editor.bridge.spoolDir);
      disk.fault = (call) => (call === "open" ? "ENOSPC" : undefined);
      return driveAway();
    },
  },
  "the lock id is malformed": { says: 400, isSafe: false, lockId: "no\u00e9", begin: async () => undefined },
  "it has no bytes": { says: 400, isSafe: true, isKeptNowhere: true, text: "", begin: async () => undefined },
  "it has no bytes, and the session has just ended": {
    says: 401,
    isSafe: true,
    isKeptNowhere: true,
    text: "",
    begin: async ({ client }) => {
      await editor.bridge.endSession(client.session.id);
      return undefined;
    },
  },
  "it has no bytes, and the drive is away": {
    says: 503,
    isSafe: true,
    isKeptNowhere: true,
    text: "",
    begin: () => driveAway(),
  },
  "the file is larger than allowed": {
    says: 413,
    isSafe: false,
    text: "x".repeat(limitMb * 1024 * 1024 + 1),
    begin: async () => undefined,
  },
  // In the spool it stays: the last one here.
  "the account has no room": { says: 413, isSafe: true, text: "x".repeat(200_000), begin: async () => undefined },
};

async function openedFor(reason: Reason): Promise<Opened & { readonly version: unknown }> {
  const { more } = reason;
  const opened =
    more === undefined
      ? await editor.openAndLock("A")
      : { ...(await editor.openNew("before", more)), timestamp: "2020-01-01T00:00:00Z" };
  return { ...opened, version: (await opened.client.check()).json()["Version"] };
}

function save({ client, timestamp }: Opened, { text = "mine", lockId = "A" }: Reason, isExitSave: boolean) {
  const headers = { "X-LOOL-WOPI-IsExitSave": String(isExitSave), "X-LOOL-WOPI-Timestamp": timestamp };
  return client.put(text, lockId, headers);
}

/** What whoever opens the document next is told, and what the drive says. */
async function versionsOf(path: string) {
  const told = (await (await editor.bridge.open(path)).check()).json()["Version"];
  return { told, stored: (await editor.bridge.alice.info(path)).primary_entity };
}

const copies = async ({ folder }: Opened): Promise<string[]> =>
  (await editor.bridge.alice.list(folder)).filter((name) => name !== "Report.docx");

/** Tests of each reason why a save can't go into the document, for these suites. */
export function refusedSavesFrom(names: readonly (keyof typeof suites)[]): void {
  describe.each(names)("a save that can't go into the document, from %s", (suite) => {
    const path = suites[suite];
    const isOnlyoffice = suite === "onlyoffice";

    beforeAll(async () => {
      const actions = { edit: editorUrl + path, view: editorUrl + path };
      editor = await savingEditor({
        store: "file",
        settings: { GRANT_HOURS: "200", MAX_FILE_MB: String(limitMb) },
        pause: async () => undefined,
        drive: {
          settings: { accessTokenTtlSeconds: 10_000_000, viewerSessionTimeoutSeconds: 10_000_000 },
          accounts: [
            { email: "alice@example.com", password: "drive-password-1", nickname: "Alice", quotaBytes: 100_000 },
            { email: "bob@example.com", password: "drive-password-1", nickname: "Bob" },
          ],
          viewers: [{ id: suite, type: "wopi", display_name: suite, exts: ["docx"], wopi_actions: { docx: actions } }],
        },
      });
    });
    afterEach(() => {
      disk?.undo();
      disk = undefined;
    });
    afterAll(() => editor.close());

    it.each(Object.entries(reasons))("as its last: %s", async (_why, reason) => {
      const opened = await openedFor(reason);
      const mend = await reason.begin(opened);
      const answer = await save(opened, reason, true);
      const spooled = (await readdir(editor.bridge.spoolDir)).filter((name) => !name.startsWith("."));
      disk?.undo();
      await mend?.();
      expect(answer.status).toBe(isOnlyoffice && reason.isSafe ? 200 : reason.says);
      if (reason.isKeptNowhere) expect([spooled.length, (await copies(opened)).length]).toEqual([0, 0]);
      else if (isOnlyoffice && reason.isSafe) expect([spooled.length, (await copies(opened)).length]).toContain(1);
      const { told, stored } = await versionsOf(opened.path);
      if (isOnlyoffice && reason.leavesVersion !== true) expect(told).not.toBe(opened.version);
      else expect(told).toBe(stored);
      if (reason.says !== 413) expect(await editor.bridge.bridge.replay()).toBe(0);
    });

    it.each(Object.entries(reasons))("not as its last: %s", async (_why, reason) => {
      const opened = await openedFor(reason);
      const mend = await reason.begin(opened);
      const answer = await save(opened, reason, false);
      disk?.undo();
      await mend?.();
      expect(answer.status).toBe(reason.says);
      const { told, stored } = await versionsOf(opened.path);
      expect(told).toBe(stored);
      if (reason.says !== 413) await editor.bridge.bridge.replay();
    });
  });
}
