import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { examineEditors } from "../../src/doctor/editorChecks.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { config } from "./answers.ts";

let close: () => void = () => undefined;
afterEach(() => close());

interface FakeCollabora {
  readonly discoveryUrl: string;
  readonly upgrades: readonly string[];
  readonly accessChecks: readonly string[];
}

/** Of Collabora only what the doctor asks it; its addresses are those of version 25. */
async function fakeCollabora({
  passesUpgrades = true,
  ancestors = "https://office.example.org",
  version = "25.04.1",
  hasWopiAccessCheck = true,
  calls = async (_address: string): Promise<string> => "",
}): Promise<FakeCollabora> {
  const upgrades: string[] = [];
  const accessChecks: string[] = [];
  let url = "";
  const server = createServer(async (request, response) => {
    const path = request.url?.split("?", 1)[0] ?? "";
    let body = "";
    for await (const chunk of request as AsyncIterable<Buffer>) body += chunk.toString("utf8");
    if (path === "/hosting/discovery") {
      const action = `<action name="edit" ext="docx" urlsrc="${url}/browser/0b27e85/cool.html?"/>`;
      response.end(
        `<wopi-discovery><net-zone name="external-http"><app name="writer">${action}</app></net-zone><proof-key modulus="AAAA" exponent="AQAB"/></wopi-discovery>`,
      );
    } else if (path === "/hosting/capabilities") {
      response.end(JSON.stringify({ productName: "CODE", productVersion: version, hasWopiAccessCheck }));
    } else if (path === "/hosting/wopiAccessCheck") {
      accessChecks.push(body);
      response.end(JSON.stringify({ status: "NotHttpSuccess" }));
    } else if (path === "/browser/0b27e85/cool.html" && request.method === "POST") {
      response.setHeader("Content-Security-Policy", `default-src 'none'; frame-ancestors ${ancestors}`);
      response.end("<html></html>");
    } else {
      response.writeHead(400).end();
    }
  });
  if (passesUpgrades) {
    server.on("upgrade", (request, socket) => {
      upgrades.push(request.url ?? "");
      socket.on("error", () => undefined);
      socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
      const document = decodeURIComponent(request.url?.split("/")[2] ?? "");
      void calls(document).then((said) => socket.end(said === "" ? "" : closeFrame(said)));
    });
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { discoveryUrl: `${url}/hosting/discovery`, upgrades, accessChecks };
}

/** How Collabora ends a WebSocket: the status 1008 and the reason, unmasked. */
function closeFrame(reason: string): Buffer {
  return Buffer.concat([Buffer.from([0x88, 2 + reason.length, 0x03, 0xf0]), Buffer.from(reason)]);
}

async function outcomes(discoveryUrl: string, more: Record<string, string> = {}): Promise<Record<string, string>> {
  const settings = config({
    BRIDGE_URL: "http://127.0.0.1:8080",
    WOPI_URL: "http://bridge:8080",
    DISCOVERY_URLS: discoveryUrl,
    ...more,
  });
  const { findings } = await examineEditors(settings, Date.now);
  return Object.fromEntries(findings.map(({ check, outcome, change }) => [check, change ?? outcome]));
}

it("asks Collabora for an upgrade, a frame and a call of the bridge, all for a made-up document", async () => {
  const collabora = await fakeCollabora({ ancestors: "http://127.0.0.1:8080" });
  expect(await outcomes(collabora.discoveryUrl)).toEqual({
    discovery: "ok",
    "editor's address": "ok",
    "editor's clock": "ok",
    "proof key": "ok",
    capabilities: "ok",
    "editor reaches the bridge": "ok",
    "editor in a frame": "ok",
    WebSocket: "ok",
  });
  expect(collabora.upgrades).toEqual([
    expect.stringMatching(/^\/cool\/http%3A%2F%2Fbridge%3A8080.*doctor\.check%3Faccess_token%3D.*\/ws\?/),
  ]);
  expect(collabora.accessChecks).toEqual(['{"callbackUrl":"http://bridge:8080/wopi/files/doctor.check"}']);
});

it("names the proxy line where upgrades do not get through to Collabora", async () => {
  const { discoveryUrl } = await fakeCollabora({ passesUpgrades: false, ancestors: "*" });
  expect((await outcomes(discoveryUrl))["WebSocket"]).toContain("proxy_set_header Upgrade $http_upgrade;");
});

it("names Collabora's setting where it refuses to be framed", async () => {
  const { discoveryUrl } = await fakeCollabora({ ancestors: "https://cloud.example.org" });
  expect((await outcomes(discoveryUrl))["editor in a frame"]).toBe(
    "Collabora: command: --o:net.content_security_policy=frame-ancestors http://127.0.0.1:8080;",
  );
});

it("tells several editors apart by their hosts", async () => {
  const { discoveryUrl } = await fakeCollabora({});
  const found = await outcomes(`${discoveryUrl},http://127.0.0.1:1/hosting/discovery`);
  expect(found[`discovery (${new URL(discoveryUrl).host})`]).toBe("ok");
  expect(found["discovery (127.0.0.1:1)"]).toMatch(/^DISCOVERY_URLS=/);
});

/** Up to 24.04 Collabora can't be asked by HTTP. */
const olderOne = { version: "22.05.8.4", hasWopiAccessCheck: false, ancestors: "*" };

describe("an older Collabora, which calls the bridge when a document's WebSocket opens", () => {
  let bridge: TestBridge;
  beforeAll(async () => {
    bridge = await testBridge({});
  });
  afterAll(() => bridge.close());

  const reach = async (collabora: Parameters<typeof fakeCollabora>[0], secret = config().SECRET) => {
    const { discoveryUrl } = await fakeCollabora({ ...olderOne, ...collabora });
    const found = await outcomes(discoveryUrl, {
      BRIDGE_URL: bridge.url,
      WOPI_URL: bridge.url,
      PORT: "0",
      SECRET: secret,
    });
    return found["editor reaches the bridge"];
  };
  const checkFileInfo = async (document: string): Promise<string> => {
    const { status } = await fetch(document);
    return status === 200 ? "" : "error: cmd=storage kind=loadfailed";
  };

  it("reaches it", async () => {
    expect(await reach({ calls: checkFileInfo })).toBe("ok");
  });

  it("goes somewhere else", async () => {
    expect(await reach({ calls: async () => "error: cmd=storage kind=loadfailed" })).toMatch(/^WOPI_URL=/);
  });

  it("does not call hosts it was not told of", async () => {
    expect(await reach({ calls: async () => "error: cmd=internal kind=unauthorized" })).toMatch(/aliasgroup1=/);
  });

  it("is not judged by a bridge with another secret", async () => {
    expect(await reach({ calls: checkFileInfo }, "another secret of thirty-two bytes")).toBe("skipped");
  });

  it("can't make the bridge remember anything without a token of the doctor's", async () => {
    const address = `${bridge.url}/wopi/files/doctor.check`;
    for (const query of ["", "?access_token=doctor", "?access_token=doctor&arrived=", "?access_token=a&access_token=b"])
      expect([query, (await fetch(`${address}${query}`)).status]).toEqual([query, 401]);
  });
});
