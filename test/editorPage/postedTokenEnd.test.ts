import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { type Session, sessionSchema } from "../support/wopiClient.ts";

/** By extension, so that one drive opens each with another suite. */
const addresses = {
  odt: "http://127.0.0.1:9980/browser/dist/cool.html?",
  docx: "http://127.0.0.1:9980/hosting/wopi/word/edit?",
  xlsx: "http://127.0.0.1:9980/x/_layouts/xlviewerinternal.aspx?",
};

describe("the token's end in the form for the editor", () => {
  let bridge: TestBridge;
  beforeAll(async () => {
    const viewers = Object.entries(addresses).map(([extension, edit]) => ({
      id: extension,
      type: "wopi" as const,
      display_name: extension,
      exts: [extension],
      wopi_actions: { [extension]: { view: edit, edit } },
    }));
    bridge = await testBridge({ drive: { viewers } });
  });
  afterAll(() => bridge.close());

  const openPage = async (extension: string): Promise<{ session: Session; posted: string; facts: string }> => {
    const name = `Report.${extension}`;
    await bridge.alice.put(name, "text");
    const answered = await bridge.postSession({ uri: bridge.alice.uriOf(name), action: "edit" });
    const session = sessionSchema.parse(await answered.json());
    const page = await (await fetch(session.host_page_url)).text();
    const posted = /name="access_token_ttl" value="(\d+)"/.exec(page)?.[1] ?? "";
    return { session, posted, facts: page };
  };

  it.each(["docx", "xlsx"])("is the moment itself for an editor of %s", async (extension) => {
    const { session, posted } = await openPage(extension);
    expect(posted).toBe(String(session.access_token_ttl));
  });

  it("is 0 for Collabora, which would warn at this moment even after a renewal; our page knows the real one", async () => {
    const { session, posted, facts } = await openPage("odt");
    expect(posted).toBe("0");
    expect(facts).toContain(`"tokenEndsAtMs":${session.access_token_ttl}`);
    expect(facts).toContain('"postsTokenEnd":false');
  });
});
