import { expect } from "vitest";
import { type DriveProxy, driveProxy } from "./driveProxy.ts";
import { type OperationsStage, operationsStage } from "./operationsStage.ts";
import type { Stage, StageOptions } from "./stage.ts";
import { type TestBridge, type TestBridgeOptions, testBridge } from "./testBridge.ts";
import type { WopiAnswer, WopiClient } from "./wopiClient.ts";

interface OpenedForSaving {
  /** A folder that holds nothing but this document. */
  readonly folder: string;
  readonly path: string;
  readonly client: WopiClient;
}

/** A bridge whose line to the drive can be disturbed, and documents opened through it as editors open them. */
export interface SavingEditor<On extends Stage = TestBridge> {
  readonly bridge: On;
  readonly proxy: DriveProxy;
  /** A new document, opened to edit; nothing of it loaded or locked yet. */
  openNew(text?: string, more?: Record<string, unknown>): Promise<OpenedForSaving>;
  /** The same, loaded and locked; `timestamp` is the time that the editor was told. */
  openAndLock(
    lockId: string,
    text?: string,
    more?: Record<string, unknown>,
  ): Promise<OpenedForSaving & { readonly timestamp: string }>;
  /** Whether somebody at the drive can save into the document now; asks by doing it. */
  othersCanSave(path: string): Promise<boolean>;
  close(): Promise<void>;
}

/** Tokens and sessions of the drive outlive every clock that is moved here. */
const longLives = { accessTokenTtlSeconds: 1_000_000, viewerSessionTimeoutSeconds: 1_000_000 };

/** An editor that calls the bridge's server. */
export function savingEditor(options: TestBridgeOptions = {}): Promise<SavingEditor> {
  return savingEditorOn(testBridge, options);
}

/** An editor that calls the operations as functions. */
export function operationsEditor(options: StageOptions = {}): Promise<SavingEditor<OperationsStage>> {
  return savingEditorOn(operationsStage, options);
}

async function savingEditorOn<On extends Stage, Options extends StageOptions>(
  openStage: (options: Options) => Promise<On>,
  options: Options,
): Promise<SavingEditor<On>> {
  let proxy: DriveProxy | undefined;
  const bridge = await openStage({
    settings: { GRANT_HOURS: "200" },
    drive: { settings: longLives },
    driveAddress: async (url: string) => {
      proxy = await driveProxy(url);
      return proxy.url;
    },
    ...options,
  });
  const between = proxy ?? (await driveProxy(bridge.drive.url));
  let documents = 0;
  const openNew: SavingEditor<On>["openNew"] = async (text = "before", more = {}) => {
    const folder = `saving-${++documents}`;
    const path = `${folder}/Report.docx`;
    expect(await bridge.alice.put(path, text)).toBe(0);
    return { folder, path, client: await bridge.open(path, more) };
  };
  return {
    bridge,
    proxy: between,
    openNew,
    openAndLock: async (lockId, text, more) => {
      const opened = await openNew(text, more);
      const info = await opened.client.check();
      expect((await opened.client.get()).status).toBe(200);
      expect((await opened.client.lock(lockId)).status).toBe(200);
      return { ...opened, timestamp: String(info.json()["LastModifiedTime"]) };
    },
    othersCanSave: async (path) => {
      const code = await bridge.alice.put(path, "theirs");
      expect([0, 40073]).toContain(code);
      return code === 0;
    },
    close: async () => {
      await bridge.close();
      await between.close();
    },
  };
}

/** A 409 as the protocol wants it: the lock header there, empty when there is none, and 1010 for a change alone. */
export function expectRefusal(answer: WopiAnswer, lockHeader: string, because: "lock" | "change"): void {
  expect(answer.status).toBe(409);
  expect(answer.header("x-wopi-lock")).toBe(lockHeader);
  expect(answer.header("x-wopi-lockfailurereason")).toMatch(/^[\x20-\x7e]+$/);
  if (because === "change") expect(answer.json()).toEqual({ COOLStatusCode: 1010, LOOLStatusCode: 1010 });
  // To an editor 1010 means "changed in storage"; a lock conflict must never look like one.
  else expect(answer.text).not.toContain("1010");
}

/** @returns the lock id that stands at the bridge, by GetLock; empty when none does */
export async function heldLock(client: WopiClient): Promise<string | null> {
  const answer = await client.getLock();
  expect(answer.status).toBe(200);
  return answer.header("x-wopi-lock");
}
