import { afterAll, afterEach, beforeAll } from "vitest";
import { type DriveProxy, driveProxy } from "./driveProxy.ts";
import { type TestBridge, type TestBridgeOptions, testBridge } from "./testBridge.ts";

/** A bridge whose calls to the drive can be seen and spoilt, for all tests of a file or a `describe`. */
export interface WatchedDrive {
  readonly bridge: TestBridge;
  readonly drive: DriveProxy;
}

/** Starts both before the tests, hands everything on again after each, and stops them at the end. */
export function watchedDrive(options: Omit<TestBridgeOptions, "driveAddress"> = {}): WatchedDrive {
  let bridge: TestBridge | undefined;
  let drive: DriveProxy | undefined;
  const started = <Part>(part: Part | undefined): Part => {
    if (part === undefined) throw new Error("the bridge is there only while tests run");
    return part;
  };
  beforeAll(async () => {
    bridge = await testBridge({
      ...options,
      driveAddress: async (url) => {
        drive = await driveProxy(url);
        return drive.url;
      },
    });
  });
  afterEach(() => {
    started(drive).intercept = undefined;
    started(drive).seen.length = 0;
  });
  afterAll(async () => {
    await bridge?.close();
    await drive?.close();
  });
  return {
    get bridge() {
      return started(bridge);
    },
    get drive() {
      return started(drive);
    },
  };
}
