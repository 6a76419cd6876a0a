import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ActionChoices, actionUrl } from "../../src/editors/actionUrl.ts";
import { randomRuns } from "../support/tier.ts";

const wopiSrc = "https://bridge.example/wopi/files/bviO";
const german: ActionChoices = { wopiSrc, language: "de-DE", theme: "dark" };
const asItComes: ActionChoices = { wopiSrc, language: undefined, theme: undefined };

/** `wopi_src` as a real Cloudreve answered: recordings/cloudreve/viewer-session-ok.json. */
const fromCloudreve =
  "http://127.0.0.1:9980/browser/dist/cool.html?WOPISrc=http%3A%2F%2F127.0.0.1%3A5213%2Fapi%2Fv4%2Ffile%2Fwopi%2FbviO&lang=lng";
const templatedFromCloudreve =
  "http://127.0.0.1:9980/hosting/wopi/word/edit?embed=true&fs=true&lang=lng&rs=lng&thm=darkmode&ui=lng&wopisrc=http%3A%2F%2F127.0.0.1%3A5213%2Fapi%2Fv4%2Ffile%2Fwopi%2FbviO";
/** `urlsrc` as discovery documents give it. */
const fromCollabora = "https://office.example/browser/e808afa229/cool.html?";
const fromMicrosoft =
  "https://word-edit.example/we/wordeditorframe.aspx?<ui=UI_LLCC&><rs=DC_LLCC&><dchat=DISABLE_CHAT&><hid=HOST_SESSION_ID&><sc=SESSION_CONTEXT&><wopisrc=WOPI_SOURCE&><IsLicensedUser=BUSINESS_USER&><actnavid=ACTIVITY_NAVIGATION_ID&><thm=THEME_ID&>";

function parameters(source: string, choices: ActionChoices): Record<string, string> {
  return Object.fromEntries(new URL(actionUrl(source, choices)).searchParams);
}

describe("the WOPI source", () => {
  it("becomes ours in what Cloudreve gives, in place of its own", () => {
    expect(parameters(fromCloudreve, german)).toEqual({ WOPISrc: wopiSrc, lang: "de-DE" });
  });

  it("keeps the parameter's name of a template of Cloudreve's", () => {
    expect(parameters(templatedFromCloudreve, german)).toEqual({
      embed: "true",
      fs: "true",
      lang: "de-DE",
      rs: "de-DE",
      ui: "de-DE",
      thm: "2",
      wopisrc: wopiSrc,
    });
  });

  it("is appended where an editor has no placeholder for it", () => {
    expect(actionUrl(fromCollabora, asItComes)).toBe(
      "https://office.example/browser/e808afa229/cool.html?WOPISrc=https%3A%2F%2Fbridge.example%2Fwopi%2Ffiles%2FbviO",
    );
  });

  it("goes into the editor's own placeholder, once", () => {
    const url = actionUrl(fromMicrosoft, german);
    expect(new URL(url).searchParams.getAll("wopisrc")).toEqual([wopiSrc]);
    expect(url.match(/wopisrc/gi)).toHaveLength(1);
  });

  it("goes into the editor's own placeholder under whatever name it has", () => {
    expect(parameters("https://office.example/e?<document=WOPI_SOURCE&>", asItComes)).toEqual({ document: wopiSrc });
  });

  it("is found under any name by what Cloudreve's own address looks like", () => {
    const source = "https://office.example/edit?src=https%3A%2F%2Fdrive.example%2Fapi%2Fv4%2Ffile%2Fwopi%2FbviO&x=1";
    expect(parameters(source, asItComes)).toEqual({ src: wopiSrc, x: "1" });
  });

  it("is there once, though the address named it twice in two spellings", () => {
    const url = new URL(actionUrl("https://office.example/edit?WOPISrc=a&wopisrc=b", asItComes));
    expect([...url.searchParams.values()]).toEqual([wopiSrc]);
  });

  it("is percent-encoded", () => {
    expect(actionUrl(fromCloudreve, german)).toContain("=https%3A%2F%2Fbridge.example%2Fwopi%2Ffiles%2FbviO");
  });
});

describe("the language", () => {
  it("replaces Cloudreve's word in the parameter, not in a host or path that happens to contain it", () => {
    const source = "https://lng.example/lng/darkmode.html?lang=lng&name=lngdarkmode";
    const url = new URL(actionUrl(source, german));
    expect(url.host).toBe("lng.example");
    expect(url.pathname).toBe("/lng/darkmode.html");
    expect(url.searchParams.get("lang")).toBe("de-DE");
    expect(url.searchParams.get("name")).toBe("lngdarkmode");
  });

  it("fills each placeholder that asks for it", () => {
    expect(parameters(fromMicrosoft, german)).toMatchObject({ ui: "de-DE", rs: "de-DE" });
  });

  it("is added by Collabora's name where the address has no place for it", () => {
    expect(parameters(fromCollabora, german)).toMatchObject({ lang: "de-DE" });
  });

  it("is added under no second name where the address has a place for it", () => {
    expect(parameters(fromMicrosoft, german)).not.toHaveProperty("lang");
  });

  it("is left to the editor when nobody chose one, and Cloudreve's word goes", () => {
    expect(parameters(fromCloudreve, asItComes)).toEqual({ WOPISrc: wopiSrc });
    expect(parameters(templatedFromCloudreve, asItComes)).toEqual({ embed: "true", fs: "true", wopisrc: wopiSrc });
    expect(parameters(fromMicrosoft, asItComes)).toEqual({ wopisrc: wopiSrc });
  });
});

describe("the theme", () => {
  it.each([
    ["light", "1"],
    ["dark", "2"],
  ] as const)("%s is %s, in Cloudreve's place and in a placeholder", (theme, number) => {
    expect(parameters(templatedFromCloudreve, { ...german, theme })).toMatchObject({ thm: number });
    expect(parameters(fromMicrosoft, { ...german, theme })).toMatchObject({ thm: number });
  });

  it("is left out when nobody chose one", () => {
    expect(parameters(templatedFromCloudreve, asItComes)).not.toHaveProperty("thm");
  });
});

describe("what else stands in the address", () => {
  it("stays: fixed parameters, wd* parameters, values with special characters", () => {
    const source =
      "https://office.example/e?wdStartOn=2&wdAllowInteractivity=False&closebutton=1&name=a%26b%3Dc%2Bd%20e";
    expect(parameters(source, asItComes)).toEqual({
      wdStartOn: "2",
      wdAllowInteractivity: "False",
      closebutton: "1",
      name: "a&b=c+d e",
      WOPISrc: wopiSrc,
    });
  });

  it.each([
    "HOST_SESSION_ID",
    "SESSION_CONTEXT",
    "BUSINESS_USER",
    "EMBEDDED",
    "DISABLE_ASYNC",
    "DISABLE_CHAT",
    "FULLSCREEN",
    "VALIDATOR_TEST_CATEGORY",
    "SOMETHING_NEW",
    "constructor",
    "__proto__",
    "toString",
    "",
  ])("goes as a whole when it is a placeholder that nobody fills: %s", (word) => {
    const source = `https://office.example/e?a=1&<x=${word}&><ui=UI_LLCC&>b=2`;
    expect(parameters(source, german)).toEqual({ a: "1", ui: "de-DE", b: "2", WOPISrc: wopiSrc });
  });

  it("goes as a whole when it stands in brackets and is no parameter at all", () => {
    expect(parameters("https://office.example/e?a=1&<odd>b=2", asItComes)).toEqual({
      a: "1",
      b: "2",
      WOPISrc: wopiSrc,
    });
  });

  it("is filled also where the placeholder comes without its ampersand", () => {
    expect(parameters("https://office.example/e?<ui=UI_LLCC>", german)).toMatchObject({ ui: "de-DE" });
  });

  it.each(["<x>", "<>", "<x=1&y=2&>", "<x=a=b&>", "<<x=UI&>>", "<x", "x>"])(
    "never keeps a bracket, even of a group that is none: %s",
    (group) => {
      const url = actionUrl(`https://office.example/e?a=1&${group}&b=2`, german);
      expect(decodeURIComponent(url)).not.toMatch(/[<>]/);
      expect(new URL(url).searchParams.get("WOPISrc")).toBe(wopiSrc);
    },
  );

  it("never keeps anything in brackets, whatever the discovery document holds", () => {
    const word = fc.oneof(
      fc.constantFrom("UI_LLCC", "DC_LLCC", "THEME_ID", "WOPI_SOURCE", "HOST_SESSION_ID", "valueOf"),
      fc.stringMatching(/^[A-Z_]{1,12}$/),
    );
    const piece = fc.oneof(
      fc
        .tuple(fc.stringMatching(/^[a-f]{1,6}$/), word, fc.constantFrom("", "&"))
        .map(([name, value, end]) => `<${name}=${value}${end}>`),
      // Letters that can't spell one of the words looked for below.
      fc.stringMatching(/^[a-f]{1,6}=[a-f0-9]{0,6}&$/),
      fc.constantFrom("<", ">", "&", "<odd>"),
    );
    const choices = fc.record({
      wopiSrc: fc.constant(wopiSrc),
      language: fc.constantFrom(undefined, "de", "zh-CN"),
      theme: fc.constantFrom(undefined, "light" as const, "dark" as const),
    });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), choices, (pieces, chosen) => {
        const url = actionUrl(`https://office.example/e?${pieces.join("")}`, chosen);
        expect(decodeURIComponent(url)).not.toMatch(/[<>]/);
        expect(url).not.toMatch(/UI_LLCC|DC_LLCC|THEME_ID|WOPI_SOURCE|HOST_SESSION_ID|lng|undefined|object/);
        const sources = [...new URL(url).searchParams].filter(([, value]) => value === wopiSrc);
        expect(sources).toHaveLength(1);
      }),
      randomRuns(100),
    );
  });
});
