import { beforeAll, describe, expect, it } from "vitest";
import { watchedDrive } from "../support/watchedDrive.ts";

const metricsKey = "the operator's own key";
const at = watchedDrive({ settings: { METRICS_KEY: metricsKey } });
beforeAll(() => at.bridge.alice.put("a.docx", "text"));

const contractInReadyz = async (): Promise<unknown> =>
  ((await (await fetch(`${at.bridge.url}/readyz`)).json()) as { contract: unknown }).contract;

async function figure(call: string): Promise<string | undefined> {
  const answered = await fetch(`${at.bridge.url}/metrics`, { headers: { Authorization: `Bearer ${metricsKey}` } });
  const line = (await answered.text())
    .split("\n")
    .find((text) => text.startsWith(`bridge_drive_contract{call="${call}"}`));
  return line?.split(" ").at(-1);
}

describe("an upgrade of Cloudreve that answers otherwise", () => {
  it("is told in readyz, log and figures by the call's name, before anybody opens a document", async () => {
    await at.bridge.bridge.checkContract();
    expect(await contractInReadyz()).toBe("kept");
    expect(await figure("GET /site/config/explorer")).toBe("1");

    at.drive.intercept = (request, response) => {
      if (request.url?.includes("/site/config/explorer") !== true) return false;
      response.writeHead(200, { "Content-Type": "application/json" }).end('{"code":0,"data":{"viewers":[]},"msg":""}');
      return true;
    };
    await at.bridge.bridge.checkContract();
    expect(Object.keys((await contractInReadyz()) as object)).toEqual(["GET /site/config/explorer"]);
    expect(await figure("GET /site/config/explorer")).toBe("0");
    const told = at.bridge.logLines.filter(({ call }) => call === "GET /site/config/explorer");
    expect(told.length).toBe(1);

    at.drive.intercept = undefined;
    await at.bridge.bridge.checkContract();
    expect(await contractInReadyz()).toBe("kept");
  });

  it("is not claimed while the drive is only away", async () => {
    await at.bridge.stopDrive();
    await at.bridge.bridge.checkContract();
    expect(await contractInReadyz()).toBe("kept");
    await at.bridge.startDrive();
  });

  it("is looked for without changing anything in the drive", async () => {
    const before = [await at.bridge.alice.list(), await at.bridge.alice.info("a.docx")];
    await at.bridge.bridge.checkContract();
    expect([await at.bridge.alice.list(), await at.bridge.alice.info("a.docx")]).toEqual(before);
  });
});
