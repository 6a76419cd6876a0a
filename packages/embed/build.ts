import { copyFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bundle } from "../../src/pages/bundle.ts";

// `npm pack` runs this: the same bytes that a bridge serves at /embed.js and /embed.d.ts.
const source = "editorPage/browser";
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

writeFileSync(here("embed.js"), bundle().get(`${source}/embed.js`) ?? "");
copyFileSync(here(`../../src/${source}/embedTypes.d.ts`), here("embed.d.ts"));
