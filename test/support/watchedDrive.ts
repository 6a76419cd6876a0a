import { afterAll, afterEach, beforeAll } from "vitest";
import { type DriveProxy, driveProxy } from "./driveProxy.ts";
import { type OperationsStage, operationsStage } from "./operationsStage.ts";
import type { Stage, StageOptions } from "./stage.ts";
import { type TestBridge, type TestBridgeOptions, testBridge } from "./testBridge.ts";

/** A bridge whose calls to the drive can be seen and spoilt, for all tests of a file or a `describe`. */
export interface WatchedDrive<On extends Stage = TestBridge> {
  readonly bridge: On;
  readonly drive: DriveProxy;
}

/** Starts both before the tests, hands everything on again after each, and stops them at the end. */
export function watchedDrive(options: Omit<TestBridgeOptions, "driveAddress"> = {}): WatchedDrive {
  return watchedDriveOn(testBridge, options);
}

/** The same without a server of the bridge: editors call the operations as functions. */
export function watchedOperations(options: Omit<StageOptions, "driveAddress"> = {}): WatchedDrive<OperationsStage> {
  return watchedDriveOn(operationsStage, options);
}

function watchedDriveOn<On extends Stage, Options extends StageOptions>(
  openStage: (options: Options) => Promise<On>,
  options: Omit<Options, "driveAddress">,
): WatchedDrive<On> {
  let bridge: On | undefined;
  let drive: DriveProxy | undefined;
  const started = <Part>(part: Part | undefined): Part => {
    if (part === undefined) throw new Error("the bridge is there only while tests run");
    return part;
  };
  beforeAll(async () => {
    const driveAddress = async (url: string) => {
      drive = await driveProxy(url);
      return drive.url;
    };
    bridge = await openStage({ ...options, driveAddress } as Options);
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
