import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";
import { examineWebhooks } from "../../src/doctor/webhookChecks.ts";
import { portalClient } from "../support/portalClient.ts";
import { portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { webhookReceiver } from "../support/webhookReceiver.ts";
import { wopiClient } from "../support/wopiClient.ts";

describe("what the doctor says of a webhook", () => {
  it("is true of a bridge whose portal is away", async () => {
    const receiver = await webhookReceiver();
    const bridge: TestBridge = await testBridge({ store: "file", settings: { PORTAL_WEBHOOKS: receiver.setting() } });
    const portal = portalClient(() => bridge);
    const examined = async () => {
      const settings = { BRIDGE_URL: bridge.url, CLOUDREVE_URL: bridge.drive.url, SECRET: "s".repeat(32) };
      const webhook = { PORTAL_KEYS: `test:${portalKey}`, PORTAL_WEBHOOKS: receiver.setting() };
      const config = readConfig({ ...settings, ...webhook, STORE_URL: `file:${bridge.dir}/bridge.db` });
      return (await examineWebhooks(config, bridge.clock.now)).map(({ check, sentence }) => `${check}: ${sentence}`);
    };
    receiver.instead = (_request, response) => response.writeHead(500).end();
    const { uri } = await portal.newFile();
    const editor = wopiClient(await portal.session({ uri }));
    await editor.lock("A");
    await editor.put("after", "A");
    await bridge.bridge.deliver();
    expect(await examined()).toEqual([
      expect.stringMatching(/^webhook of test: .*\(status 500\)\. 1 event is waiting/),
    ]);
    receiver.instead = undefined;
    bridge.clock.advance(6_000);
    expect(await bridge.bridge.deliver()).toBe(0);
    expect(await examined()).toEqual(["webhook of test: The portal's server answers. No events are waiting."]);
    await receiver.close();
    expect(await examined()).toEqual([expect.stringContaining("does not answer: connection refused")]);
    await bridge.close();
  });
});
