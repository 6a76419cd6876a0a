import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DriveProxy, driveProxy } from "../support/driveProxy.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";

const metricsKey = "the operator's own key";
let bridge: TestBridge;
let drive: DriveProxy;

beforeAll(async () => {
  bridge = await testBridge({
    settings: { METRICS_KEY: metricsKey },
    driveAddress: async (url) => {
      drive = await driveProxy(url);
      return drive.url;
    },
  });
  await bridge.alice.put("a.docx", "text");
});
afterAll(async () => {
  await bridge.close();
  await drive.close();
});

const contractInReadyz = async (): Promise<unknown> =>
  ((await (await fetch(`${bridge.url}/readyz`)).json()) as { contract: unknown }).contract;

async function figure(call: string): Promise<string | undefined> {
  const answered = await fetch(`${bridge.url}/metrics`, { headers: { Authorization: `Bearer ${metricsKey}` } });
  const line = (await answered.text())
    .split("\n")
    .find((text) => text.startsWith(`bridge_drive_contract{call="${call}"}`));
  return line?.split(" ").at(-1);
}

describe("an upgrade of Cloudreve that answers otherwise", () => {
  it("is told in readyz, log and figures by the call's name, before anybody opens a document", async () => {
    await bridge.bridge.checkContract();
    expect(await contractInReadyz()).toBe("kept");
    expect(await figure("GET /site/config/explorer")).toBe("1");

    drive.intercept = (request, response) => {
      if (request.url?.includes("/site/config/explorer") !== true) return false;
      response.writeHead(200, { "Content-Type": "application/json" }).end('{"code":0,"data":{"viewers":[]},"msg":""}');
      return true;
    };
    await bridge.bridge.checkContract();
    expect(Object.keys((await contractInReadyz()) as object)).toEqual(["GET /site/config/explorer"]);
    expect(await figure("GET /site/config/explorer")).toBe("0");
    const told = bridge.logLines.filter(({ call }) => call === "GET /site/config/explorer");
    expect(told.length).toBe(1);

    drive.intercept = undefined;
    await bridge.bridge.checkContract();
    expect(await contractInReadyz()).toBe("kept");
  });

  it("is not claimed while the drive is only away", async () => {
    await bridge.stopDrive();
    await bridge.bridge.checkContract();
    expect(await contractInReadyz()).toBe("kept");
    await bridge.startDrive();
  });

  it("is looked for without changing anything in the drive", async () => {
    const before = [await bridge.alice.list(), await bridge.alice.info("a.docx")];
    await bridge.bridge.checkContract();
    expect([await bridge.alice.list(), await bridge.alice.info("a.docx")]).toEqual(before);
  });
});
