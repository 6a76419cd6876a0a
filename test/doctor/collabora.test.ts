import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { examineEditors } from "../../src/doctor/editorChecks.ts";
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
      response.end(JSON.stringify({ productName: "CODE", productVersion: "25.04.1", hasWopiAccessCheck: true }));
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
      socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
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

async function outcomes(discoveryUrl: string): Promise<Record<string, string>> {
  const settings = config({
    BRIDGE_URL: "http://127.0.0.1:8080",
    WOPI_URL: "http://bridge:8080",
    DISCOVERY_URLS: discoveryUrl,
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
  expect(collabora.upgrades).toEqual([expect.stringMatching(/^\/cool\/http%3A%2F%2Fbridge%3A8080.*doctor\/ws\?/)]);
  expect(collabora.accessChecks).toEqual(['{"callbackUrl":"http://bridge:8080/wopi/files/doctor"}']);
});

it("names the proxy line where upgrades do not get through to Collabora", async () => {
  const { discoveryUrl } = await fakeCollabora({ passesUpgrades: false, ancestors: "*" });
  expect((await outcomes(discoveryUrl))["WebSocket"]).toContain("proxy_set_header Upgrade $http_upgrade;");
});

it("names Collabora's setting where it refuses to be framed", async () => {
  const { discoveryUrl } = await fakeCollabora({ ancestors: "https://cloud.example.org" });
  expect((await outcomes(discoveryUrl))["editor in a frame"]).toBe(
    'Collabora: extra_params=--o:net.frame_ancestors="http://127.0.0.1:8080"',
  );
});

it("tells several editors apart by their hosts", async () => {
  const { discoveryUrl } = await fakeCollabora({});
  const found = await outcomes(`${discoveryUrl},http://127.0.0.1:1/hosting/discovery`);
  expect(found[`discovery (${new URL(discoveryUrl).host})`]).toBe("ok");
  expect(found["discovery (127.0.0.1:1)"]).toMatch(/^DISCOVERY_URLS=/);
});
