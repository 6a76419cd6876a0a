import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { portalClient } from "../support/portalClient.ts";
import { portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { type WebhookReceiver, webhookReceiver } from "../support/webhookReceiver.ts";
import { wopiClient } from "../support/wopiClient.ts";

const otherKey = "other-portal-key";

describe("a portal with a webhook", () => {
  let bridge: TestBridge;
  let receiver: WebhookReceiver;
  let other: WebhookReceiver;
  const portal = portalClient(() => bridge);
  const opened = async (more: Record<string, unknown> = {}, headers: Record<string, string> = {}) => {
    const { name, uri } = await portal.newFile();
    const session = await portal.session({ uri, user: { id: "u7", name: "Ada" }, ...more }, headers);
    const editor = wopiClient(session);
    await editor.check();
    await editor.get();
    await editor.lock("A");
    return { name, uri, session, editor };
  };
  beforeAll(async () => {
    receiver = await webhookReceiver();
    other = await webhookReceiver();
    bridge = await testBridge({
      settings: {
        PORTAL_KEYS: `test:${portalKey},other:${otherKey}`,
        PORTAL_WEBHOOKS: `${receiver.setting()}, ${other.setting("other")}`,
      },
    });
  });
  afterEach(() => {
    for (const one of [receiver, other]) {
      one.events.length = 0;
      one.attempts.length = 0;
      one.instead = undefined;
    }
  });
  afterAll(async () => {
    await bridge.close();
    await receiver.close();
    await other.close();
  });

  it("is told of a save: which document and version, who, and by which session", async () => {
    const { name, session, editor } = await opened();
    expect((await editor.put("after", "A")).status).toBe(200);
    await bridge.bridge.deliver();
    const { primary_entity: version } = await bridge.alice.info(name);
    expect(receiver.events).toEqual([
      {
        id: expect.stringMatching(/^evt_[\w-]{27}$/),
        type: "saved",
        timestamp: new Date(bridge.clock.now()).toISOString(),
        data: {
          file: { id: session.file.id, name },
          person: { id: expect.stringMatching(/^p[0-9a-f]{20}$/), name: "Ada" },
          session: session.id,
          link: null,
          version,
        },
      },
    ]);
    expect(other.attempts).toEqual([]);
  });
});
