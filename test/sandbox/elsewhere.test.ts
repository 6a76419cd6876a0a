import { describe, expect, it } from "vitest";
import { usedElsewhere } from "../../src/sandbox/elsewhere.ts";

const own = { driveUrl: "http://127.0.0.1:5212", discoveryUrl: "http://127.0.0.1:9980/hosting/discovery" };

describe("the sandbox says which parts are not its own", () => {
  it.each([
    ["none", own.driveUrl, [own.discoveryUrl], []],
    ["the drive", "https://cloud.example.org", [own.discoveryUrl], ["drive at https://cloud.example.org"]],
    ["the editor", own.driveUrl, ["https://e.example.org/d"], ["editor of https://e.example.org/d"]],
    ["a second editor", own.driveUrl, [own.discoveryUrl, "https://e.example.org/d"], [", https://e.example.org/d"]],
    ["no editor", own.driveUrl, [], ["no editor's discovery"]],
    ["both", "https://c.example.org", ["https://e.example.org/d"], ["c.example.org", "e.example.org"]],
  ])("%s", (_which, CLOUDREVE_URL, DISCOVERY_URLS, parts) => {
    const sentences = usedElsewhere({ CLOUDREVE_URL, DISCOVERY_URLS }, own);
    expect(sentences).toEqual(parts.map((part) => expect.stringContaining(part)));
  });
});
