import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";
import { failed, finding, ok } from "../../src/doctor/finding.ts";
import { withoutWrongAddresses } from "../../src/doctor/wrongAddresses.ts";

const config = readConfig({
  BRIDGE_URL: "https://office.example",
  WOPI_URL: "http://bridge:8080",
  CLOUDREVE_URL: "http://cloud:80",
  DISCOVERY_URLS: "http://editor/hosting/discovery, http://other/hosting/discovery",
  SECRET: "s".repeat(32),
});
const wopi = finding("editor", "WOPI address", failed("Nothing answers.", "WOPI_URL=<another>"));
const bridge = finding("browser", "bridge's address", failed("Nothing answers.", "start the bridge: npm start"));
const drive = finding("drive", "Cloudreve", failed("It redirects.", "CLOUDREVE_URL=http://cloud"));
const discovery = finding("editor", "discovery (editor)", failed("No editor answers.", "start the editor"));

describe("the doctor's advice", () => {
  it.each([
    ["Collabora: aliasgroup1=http://bridge:8080", wopi, 'first WOPI_URL, see "WOPI address"'],
    ["Collabora: aliasgroup1=http://bridge:80801", wopi, undefined],
    ["WOPI_URL=<an address the editor's server can reach> (now http://bridge:8080)", wopi, undefined],
    ["WOPI_URL=https://bridge:8080", wopi, undefined],
    ["Redirect URIs: https://office.example/signin/callback", bridge, `first BRIDGE_URL, see "bridge's address"`],
    [
      "frame-ancestors https://office.example https://portal.example;",
      bridge,
      `first BRIDGE_URL, see "bridge's address"`,
    ],
    ["frame-ancestors https://office.example.com;", bridge, undefined],
    ["DISCOVERY_URLS=http://editor/hosting/discovery", discovery, 'first DISCOVERY_URLS, see "discovery"'],
    ["DISCOVERY_URLS=http://other/hosting/discovery", discovery, undefined],
  ])("%s, when %s", (advice, wrong, expected) => {
    const [, judged] = withoutWrongAddresses([wrong, finding("editor", "another", failed("So.", advice))], config);
    expect(judged?.change).toBe(expected ?? advice);
  });

  it("is never the very address that was found wrong, and any address that was found right", () => {
    expect(withoutWrongAddresses([drive], config)[0]?.change).toBe("CLOUDREVE_URL=<the right address>");
    const right = finding("editor", "WOPI address", ok("It answers."));
    const advice = finding("editor", "another", failed("So.", "aliasgroup1=http://bridge:8080"));
    expect(withoutWrongAddresses([right, advice], config)).toEqual([right, advice]);
  });
});
