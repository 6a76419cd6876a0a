import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Request, type Response, Router } from "express";
import { browserScript } from "./browserScript.ts";

interface Asset {
  readonly type: string;
  readonly bytes: Buffer;
  /** Hash of the content. */
  readonly version: string;
}

const require = createRequire(import.meta.url);

const assets = {
  "pico.css": asset("text/css", readFileSync(require.resolve("@picocss/pico/css/pico.classless.min.css"))),
  "pages.css": asset("text/css", readFileSync(new URL("./browser/pages.css", import.meta.url))),
  "lists.css": asset("text/css", readFileSync(new URL("./browser/lists.css", import.meta.url))),
  "admin.css": asset("text/css", readFileSync(new URL("./browser/admin.css", import.meta.url))),
  "docs.css": asset("text/css", readFileSync(new URL("./browser/docs.css", import.meta.url))),
  "documents.css": asset("text/css", readFileSync(new URL("./browser/documents.css", import.meta.url))),
  "pages.js": asset("text/javascript", browserScript("pages/browser/pages.js")),
  "hostPage.js": asset("text/javascript", browserScript("editorPage/browser/hostPage.js")),
  "failedPage.js": asset("text/javascript", browserScript("editorPage/browser/failedPage.js")),
  // What chats show of a link: they take no SVG.
  "preview.png": asset("image/png", readFileSync(new URL("./browser/preview.png", import.meta.url))),
  "icon.svg": asset("image/svg+xml", readFileSync(new URL("./browser/icon.svg", import.meta.url))),
} as const;

type AssetName = keyof typeof assets;

/** Address of a stylesheet, script or picture; it changes with the content. */
export function assetUrl(bridgeUrl: string, name: AssetName): string {
  return `${bridgeUrl}/assets/${name}?v=${assets[name].version}`;
}

/** Serves the files that pages load; all are read at start. */
export function assetsRouter(): Router {
  const router = Router();
  for (const name of Object.keys(assets) as AssetName[]) {
    const { type, bytes, version } = assets[name];
    router.get(`/assets/${name}`, (request: Request, response: Response) => {
      // During an upgrade, one bridge may be asked for the other's version; that answer must not be cached for a year.
      const isAsked = request.query["v"] === version;
      response.set("Cache-Control", isAsked ? "public, max-age=31536000, immutable" : "no-cache");
      response.set("X-Content-Type-Options", "nosniff").type(type).send(bytes);
    });
  }
  return router;
}

function asset(type: string, bytes: Buffer): Asset {
  return { type, bytes, version: createHash("sha256").update(bytes).digest("base64url").slice(0, 10) };
}
