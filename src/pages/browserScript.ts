import { readFileSync } from "node:fs";

// Production has no bundler: its scripts are next to the compiled code.
const bundled = import.meta.url.endsWith(".ts") ? (await import("./bundle.ts")).bundle() : undefined;

/**
 * A script for browsers, including everything it imports.
 * @param place path below `src`, such as `pages/browser/pages.js`
 */
export function browserScript(place: string): Buffer {
  const script = bundled?.get(place);
  return script === undefined ? readFileSync(new URL(`../${place}`, import.meta.url)) : Buffer.from(script);
}
