import { beforeAll, describe, expect, it } from "vitest";
import { watchedDrive } from "../support/watchedDrive.ts";

const metricsKey = "the operator's own key";
const at = watchedDrive({ settings: { METRICS_KEY: metricsKey } });
beforeAll(() => at.bridge.alice.put("a.docx", "text"));

const contractInReadyz = async (headers: Record<string, string> = {}): Promise<unknown> =>
  ((await (await fetch(`${at.bridge.url}/readyz`, { headers })).json()) as { contract: unknown }).contract;

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
    const told = await contractInReadyz({ Authorization: `Bearer ${metricsKey}` });
    expect(Object.keys(told as object)).toEqual(["GET /site/config/explorer"]);
    expect(await contractInReadyz()).toBe("changed");
    expect(await figure("GET /site/config/explorer")).toBe("0");
    const lines = at.bridge.logLines.filter(({ call }) => call === "GET /site/config/explorer");
    expect(lines.length).toBe(1);

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
