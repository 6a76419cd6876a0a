import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserScript } from "../../src/pages/browserScript.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";

const declarations = fileURLToPath(new URL("../../src/editorPage/browser/embedTypes.d.ts", import.meta.url));

describe("the portal script", () => {
  let bridge: TestBridge;
  beforeAll(async () => {
    bridge = await testBridge();
  });
  afterAll(() => bridge.close());

  it("can be imported as a module by a page of any origin, and kept for ten minutes", async () => {
    const answered = await fetch(`${bridge.url}/embed.js`);
    expect(answered.status).toBe(200);
    expect(answered.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(answered.headers.get("access-control-allow-origin")).toBe("*");
    expect(answered.headers.get("cross-origin-resource-policy")).toBe("cross-origin");
    expect(answered.headers.get("cache-control")).toBe("public, max-age=600");
    expect(answered.headers.get("x-content-type-options")).toBe("nosniff");
    expect(answered.headers.get("set-cookie")).toBeNull();
  });

  it("needs nothing else: no import, no storage, no cookie, no wildcard as a target", async () => {
    const script = await (await fetch(`${bridge.url}/embed.js`)).text();
    expect(script).not.toMatch(/\bimport\b.*from|localStorage|sessionStorage|document\.cookie/);
    expect(script).not.toMatch(/postMessage\([^)]*["']\*["']/);
  });

  it("comes with its types", async () => {
    const answered = await fetch(`${bridge.url}/embed.d.ts`);
    expect(answered.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(await answered.text()).toBe(readFileSync(declarations, "utf8"));
  });
});

describe("the types of the portal script", () => {
  it("name what the script exports, and the events that it knows", () => {
    const script = browserScript("editorPage/browser/embed.js").toString();
    const types = readFileSync(declarations, "utf8");
    const names = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name);
    const exported = /^export \{([^}]*)\}/m.exec(script)?.[1] ?? "";
    expect(names(types, /^export (?:async )?(?:function|const|class) (\w+)/gm)).toEqual(names(exported, /(\w+)/g));
    const events = /export interface DocumentEvents \{([\s\S]*?)\n\}/.exec(types)?.[1] ?? "";
    const known = /const handlers = \{([^}]*)\}/.exec(script)?.[1] ?? "";
    expect(names(events, /^ {2}(\w+):/gm)).toEqual(names(known, /(\w+):/g));
  });
});
