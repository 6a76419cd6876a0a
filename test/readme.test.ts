import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readConfig, settingNames } from "../src/config.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const rows = [...readme.matchAll(/^\| `([A-Z_]+)` \| (.+?) \| (.+) \|$/gm)].map(([, name = "", fallback = ""]) => ({
  name,
  fallback: fallback.replaceAll("`", ""),
}));

describe("the README", () => {
  it("lists every setting once, and no other", () => {
    expect(rows.map(({ name }) => name).sort()).toEqual([...settingNames].sort());
  });

  it("tells the defaults that are in force", () => {
    const required = {
      BRIDGE_URL: "https://bridge.example",
      CLOUDREVE_URL: "https://drive.example",
      SECRET: "s".repeat(32),
    };
    const config = readConfig(required) as Readonly<Record<string, unknown>>;
    for (const { name, fallback } of rows) {
      const inForce = config[name];
      const isNone = inForce === undefined || (Array.isArray(inForce) && inForce.length === 0);
      if (name in required) expect([name, fallback]).toEqual([name, "required"]);
      else if (isNone)
        expect([name, fallback]).toEqual([name, fallback === "none" ? "none" : expect.stringMatching(/_URL$/)]);
      else expect([name, fallback]).toEqual([name, String(inForce)]);
    }
  });

  it("stays short enough to be read", () => {
    expect(readme.split("\n").length).toBeLessThan(250);
  });
});
