import { readFileSync } from "node:fs";
import { type Response, Router } from "express";
import { browserScript } from "../pages/browserScript.ts";

const script = browserScript("editorPage/browser/embed.js");
const declarations = readFileSync(new URL("./browser/embedTypes.d.ts", import.meta.url));

/** `/embed.js`: the module with which a page of another origin embeds a document, and its types. */
export function portalScriptRouter(): Router {
  const router = Router();
  router.get("/embed.js", (_request, response) => {
    sendPublic(response, "text/javascript; charset=utf-8", script);
  });
  router.get("/embed.d.ts", (_request, response) => {
    sendPublic(response, "text/plain; charset=utf-8", declarations);
  });
  return router;
}

/** Modules are fetched with CORS; everybody gets the same bytes. */
function sendPublic(response: Response, type: string, body: Buffer): void {
  response
    .set({
      "Content-Type": type,
      "Access-Control-Allow-Origin": "*",
      "Cross-Origin-Resource-Policy": "cross-origin",
      "Cache-Control": "public, max-age=600",
    })
    .end(body);
}
