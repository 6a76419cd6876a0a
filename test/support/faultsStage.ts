import { type FaultProxy, faultProxy } from "./faultsProxy.ts";
import { type TestBridge, type TestBridgeOptions, testBridge } from "./testBridge.ts";

/** A bridge on a fake drive, with something between them that can let every call go wrong. */
export interface FaultStage {
  readonly bridge: TestBridge;
  readonly proxy: FaultProxy;
  close(): Promise<void>;
}

export async function faultStage(options: TestBridgeOptions = {}): Promise<FaultStage> {
  let proxy: FaultProxy | undefined;
  const bridge = await testBridge({
    ...options,
    settings: { PROOF_KEYS: "off", ...options.settings },
    driveAddress: async (url) => {
      proxy = await faultProxy(url);
      return proxy.url;
    },
  });
  if (proxy === undefined) throw new Error("the bridge did not ask for the drive's address");
  const between = proxy;
  return {
    bridge,
    proxy: between,
    close: async () => {
      await bridge.close();
      await between.close();
    },
  };
}
