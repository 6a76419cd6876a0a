import { describe, expect, it } from "vitest";
import { discoveryServer } from "../support/discoveryServer.ts";
import { problem } from "../support/portalClient.ts";
import { editorUrl, testBridge } from "../support/testBridge.ts";
import { sessionSchema } from "../support/wopiClient.ts";

describe("sessions and DISCOVERY_URLS", () => {
  const body = { uri: "cloudreve://my/a.docx", action: "edit" };
  const open = async (discoveryUrls: string) => {
    const bridge = await testBridge({ settings: { DISCOVERY_URLS: discoveryUrls } });
    await bridge.alice.put("a.docx", "text");
    return { bridge, answered: await bridge.postSession(body) };
  };

  it("an editor of an origin that none of them describes is refused: the token is posted there", async () => {
    const discovery = await discoveryServer("http://127.0.0.1:7");
    const { bridge, answered } = await open(discovery.url);
    expect(answered.status).toBe(422);
    const { code, detail } = await problem(answered);
    expect(code).toBe("noEditor");
    expect(detail).toContain(editorUrl);
    expect(detail).toContain("DISCOVERY_URLS");
    await bridge.close();
    await discovery.close();
  });

  it("the address of discovery is used, for it is fresher than the drive's", async () => {
    const discovery = await discoveryServer(`${editorUrl}/browser/4f2a9c`);
    const { bridge, answered } = await open(discovery.url);
    const session = sessionSchema.parse(await answered.json());
    const action = new URL(session.action_url);
    expect(action.pathname).toBe("/browser/4f2a9c/edit");
    expect(action.searchParams.get("WOPISrc")).toBe(`${bridge.url}/wopi/files/${session.file.id}`);
    await bridge.close();
    await discovery.close();
  });

  it("an editor that is away is 503 and named; another editor's documents open all the same", async () => {
    const away = "http://127.0.0.1:9/hosting/discovery";
    const { bridge, answered } = await open(away);
    expect(answered.status).toBe(503);
    const { code, detail } = await problem(answered);
    expect(code).toBe("editorUnreachable");
    expect(detail).toContain(away);
    await bridge.close();
    const discovery = await discoveryServer(editorUrl);
    const second = await open(`${away},${discovery.url}`);
    expect(second.answered.status).toBe(201);
    await second.bridge.close();
    await discovery.close();
  });
});
