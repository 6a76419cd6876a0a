import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { editorMessages, hostMessages } from "../../src/editorPage/editorMessages.ts";
import { suiteOf, withSuiteParameters } from "../../src/editors/suites.ts";
import { guises } from "../../src/sandbox/demoEditor/guises.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";

/** An address by which each suite is known. */
const addresses = {
  collabora: "https://office.example/browser/0123abc/cool.html?",
  onlyoffice: "https://office.example/hosting/wopi/word/edit?",
  microsoft365: "https://office.example/we/wordeditorframe.aspx?",
} as const;
const suites = Object.keys(addresses) as (keyof typeof addresses)[];

const treatments = suites.flatMap((suite) =>
  Object.entries(editorMessages[suite]).map(([message, treatment]) => ({ suite, message, treatment })),
);

/** Those messages of a suite that something of this kind invites, with what invites them. */
function invitedBy(suite: keyof typeof addresses, kind: "property" | "parameter" | "message"): [string, string][] {
  return treatments.flatMap(({ suite: own, message, treatment }) => {
    if (own !== suite || typeof treatment === "string" || !(kind in treatment)) return [];
    return [[message, String(Object.values(treatment)[0])] satisfies [string, string]];
  });
}

describe("the messages of each suite", () => {
  it.each(["collabora", "onlyoffice"] as const)("hold all that the demo editor sends as %s", (name) => {
    for (const message of guises[name].page.tells) expect(editorMessages[name]).toHaveProperty([message]);
  });

  it.each(suites)("are invited by no message that the page says to %s", (suite) => {
    for (const [message, invitation] of invitedBy(suite, "message"))
      expect(hostMessages, `${message} would come`).not.toContain(invitation);
  });

  it.each(suites)("are invited by nothing in the address of %s", (suite) => {
    expect(suiteOf(addresses[suite]).name).toBe(suite);
    const { searchParams } = new URL(withSuiteParameters(addresses[suite]));
    for (const [message, invitation] of invitedBy(suite, "parameter"))
      expect([...searchParams.keys()], `${message} would come`).not.toContain(invitation);
  });

  it("are buttons of the demo editor only as far as its suite has a property for them", () => {
    for (const name of ["collabora", "onlyoffice"] as const)
      for (const { message, property } of guises[name].page.buttons)
        if (
          property !== undefined &&
          (editorMessages[name] as Readonly<Record<string, unknown>>)[message] !== "answered"
        )
          expect(Object.fromEntries(invitedBy(name, "property"))).toMatchObject({ [message]: property });
  });
});

describe("CheckFileInfo", () => {
  let bridge: TestBridge;
  beforeAll(async () => {
    bridge = await testBridge();
    await bridge.alice.put("Report.docx", "text");
  });
  afterAll(() => bridge.close());

  it.each([
    ["edits", { action: "edit" }],
    ["views", { action: "view" }],
    ["may replace files", { action: "edit", options: { save_as: "overwrite" } }],
    ["is a guest of a portal", { action: "edit", user: { id: "u1", name: "Anna" } }],
  ])("invites no message that the page has no answer to, for somebody who %s", async (_who, more) => {
    const info = (await (await bridge.open("Report.docx", more)).check()).json();
    for (const suite of suites)
      for (const [message, property] of invitedBy(suite, "property"))
        expect(info[property] ?? false, `${message} of ${suite} would come`).toBe(false);
  });
});
