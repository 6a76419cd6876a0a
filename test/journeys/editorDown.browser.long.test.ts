import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Browser, FrameLocator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBrowser } from "../support/browser.ts";
import { until } from "../support/until.ts";
import { openStage, type SmallServer, type Stage, says, serve } from "./hostPageStage.ts";

let browser: Browser;
let portal: SmallServer;
let stage: Stage;
/** Stands where the editor should be. */
let door: Server;
let doorPort = 0;
const sockets = new Set<Socket>();

const portalPage = (bridgeUrl: string) => `<!doctype html><meta charset="utf-8"><title>Portal</title>
<meta name="viewport" content="width=device-width"><body style="margin:0"><main style="height:600px"></main>
<script type="module">
import { openDocument } from "${bridgeUrl}/embed.js";
window.told = [];
const on = { failed: ({ code }) => window.told.push(code), loaded: () => window.told.push("loaded") };
openDocument(document.querySelector("main"), { session: JSON.parse(decodeURIComponent(location.hash.slice(1))), on });
</script>`;

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));

beforeAll(async () => {
  door = createServer((socket) => {
    const inside = connect(Number(new URL(stage.editor.url).port), "127.0.0.1");
    for (const one of [socket, inside]) {
      sockets.add(one);
      one.on("error", () => undefined);
    }
    socket.pipe(inside).pipe(socket);
  });
  await listen(door, 0);
  doorPort = (door.address() as AddressInfo).port;
  await new Promise((resolve) => door.close(resolve));
  portal = await serve((_request, response) => {
    response.setHeader("Content-Type", "text/html").end(portalPage(stage.bridge.url));
  });
  stage = await openStage({
    settings: { EMBED_ORIGINS: `http://localhost:${portal.port}` },
    editAddress: `http://127.0.0.1:${doorPort}/editor/edit?closebutton=1&`,
  });
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  for (const socket of sockets) socket.destroy();
  door?.close();
  await stage?.close();
  await portal?.close();
});

async function inPortal(width: number): Promise<{ page: Page; host: FrameLocator }> {
  const page = await browser.newPage({ viewport: { width, height: 640 } });
  const session = await stage.session({ user: { id: "ada", name: "Ada" } });
  await page.goto(`http://localhost:${portal.port}/#${encodeURIComponent(JSON.stringify(session))}`);
  return { page, host: page.frameLocator("main iframe") };
}

describe("an editor that is down, in a portal's frame", () => {
  it("is told to the portal and the person, who tries again until it is back", async () => {
    const { page, host } = await inPortal(800);
    const told = () => page.evaluate(() => (window as unknown as { told: string[] }).told);
    const again = host.getByRole("button", { name: "Try again" });
    await again.waitFor({ timeout: 30_000 });
    await says(host.locator("#status"), "The editor is not responding. The document is safe. Try again in a moment");
    expect(await told()).toEqual(["editorDown"]);
    await listen(door, doorPort);
    await again.click();
    await until("the document is there", async () => (await told()).includes("loaded"), 20_000);
    await host.frameLocator("iframe").locator("#text:not([readonly])").waitFor();
    await says(host.locator("#status"), "No changes yet");
    expect(await told()).toEqual(["editorDown", "loaded"]);
    expect(await again.isVisible()).toBe(false);
    await page.close();
    await new Promise<void>((resolve) => {
      door.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  }, 90_000);

  it.each([360, 390, 800, 1280])(
    "is explained in full at %i pixels, in letters that can be read",
    async (width) => {
      const { page, host } = await inPortal(width);
      await host.getByRole("button", { name: "Try again" }).waitFor({ timeout: 30_000 });
      const seen = await host.locator("#status").evaluate((line) => ({
        isCut: line.scrollHeight > line.clientHeight || line.scrollWidth > line.clientWidth,
        fontPx: Number.parseFloat(getComputedStyle(line).fontSize),
        pageIsTooWide: document.documentElement.scrollWidth > innerWidth,
      }));
      expect(seen).toEqual({ isCut: false, fontPx: 14, pageIsTooWide: false });
      await page.close();
    },
    60_000,
  );
});
