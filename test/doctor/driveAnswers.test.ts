import { describe, expect, it } from "vitest";
import {
  judgeClock,
  judgeContract,
  judgeEditorsUrl,
  judgeEditSize,
  judgeOAuthTerms,
  judgePublicUrl,
  judgeSignIn,
  judgeVersion,
} from "../../src/doctor/driveAnswers.ts";
import type { Answer } from "../../src/doctor/httpProbe.ts";
import { actionOriginsIn, judgeOrigins, judgeShields, judgeViewer } from "../../src/doctor/viewerAnswers.ts";
import { answer, config } from "./answers.ts";

const envelope = (code: number, msg = ""): Answer => answer(200, {}, { code, msg });

describe("Cloudreve", () => {
  const between = { sentAtMs: 1_000_000_000_000, receivedAtMs: 1_000_000_000_100 };
  it.each([
    [0, "ok"],
    [20_000, "ok"],
    [-45_000, "warning"],
    [299_000, "warning"],
    [301_000, "failed"],
    [-600_000, "failed"],
  ])("whose clock is %i ms ahead", (skewMs, outcome) => {
    const date = new Date(between.sentAtMs + skewMs).toUTCString();
    expect(judgeClock(date, between, "Cloudreve's").outcome).toBe(outcome);
  });

  it.each([
    [undefined, "skipped", /discovery/],
    [["docx", ""], "ok", /can lock every/],
    [["docx", "odt", "fodt"], "warning", /no viewer for odt, fodt,/],
    [["docx", ..."abcdefghij"], "warning", /a, b, c, d, e, f, g, h and more,/],
  ])("locks what the editor edits, %s", (editable, outcome, sentence) => {
    const viewers = [{ id: "v", name: "", extensions: ["docx", "xlsx"] }];
    const verdict = judgeShields(viewers, editable === undefined ? undefined : new Set(editable));
    expect(verdict.outcome).toBe(outcome);
    expect(verdict.sentence).toMatch(sentence);
  });

  it("that tells no time is not judged by it", () => {
    expect(judgeClock(undefined, between, "Cloudreve's").outcome).toBe("skipped");
  });

  it.each([
    ["3.8.3", false, "failed"],
    ["4.0.0", false, "ok"],
    ["4.11.9", true, "warning"],
    ["4.12.0-pro", true, "ok"],
    ["5.0.0", true, "ok"],
  ])("%s", (version, usesOAuth, outcome) => {
    expect(judgeVersion(version, usesOAuth).outcome).toBe(outcome);
  });

  it.each([
    [203, /^CLOUDREVE_EMAIL=<an account without two-factor sign-in>/],
    [40_026, /Captcha/],
    [40_018, /^CLOUDREVE_EMAIL=/],
    [40_080, /^CLOUDREVE_PASSWORD=/],
    [50_001, /^CLOUDREVE_EMAIL=/],
  ])("that answers a sign-in with %i", (code, change) => {
    const verdict = judgeSignIn(envelope(code), "alice@example.com");
    expect(verdict).toMatchObject({ outcome: "failed", change: expect.stringMatching(change) });
  });

  it.each([
    ["openid scope required", "ok", "ok"],
    ["Invalid redirect URI", "failed", "skipped"],
    ["Invalid scope requested", "ok", "failed"],
    ["", "skipped", "skipped"],
  ])('that says "%s" to a consent', (said, redirect, scopes) => {
    const terms = judgeOAuthTerms(envelope(40_001, said), "https://office.example.org/signin/callback", "openid");
    expect([terms.redirect.outcome, terms.scopes.outcome]).toEqual([redirect, scopes]);
  });

  it("whose answers have changed is told call by call, without what could not be tried", () => {
    const unasked = { call: "GET /user/me", state: "unasked", said: "there is no account" } as const;
    const unchanged = { call: "GET /site/ping", state: "unchanged" } as const;
    const changed = { call: "GET /file", state: "changed", said: "code 1 in place of data" } as const;
    expect(judgeContract([unasked])).toMatchObject({ outcome: "skipped" });
    expect(judgeContract([unchanged, unasked])).toEqual({
      outcome: "ok",
      sentence: "Cloudreve answers 1 of 2 calls as the bridge expects; the others could not be tried.",
    });
    expect(judgeContract([unchanged, changed, unasked])).toMatchObject({
      outcome: "warning",
      sentence: "Cloudreve answers otherwise than this bridge expects: GET /file (code 1 in place of data).",
    });
  });

  it("at a name of the inner network needs one for browsers", () => {
    expect(judgePublicUrl(answer(200), answer(200), config())).toMatchObject({
      outcome: "failed",
      change: expect.stringMatching(/^CLOUDREVE_PUBLIC_URL=/),
    });
  });

  describe("as editors reach it", () => {
    const instance = (id: string): Answer => answer(200, {}, { code: 0, data: { instance_id: id }, msg: "" });
    const set = config({ EDITOR_CLOUDREVE_URL: "http://cloudreve:5212" });
    it.each([
      ["is not set", undefined, "skipped", /through the bridge/],
      ["is the same Cloudreve", instance("one"), "ok", /same Cloudreve/],
      ["is another Cloudreve", instance("two"), "warning", /different Cloudreve/],
      ["is a sign-in page", answer(200, {}, "<html>"), "warning", /not Cloudreve \(HTTP 200\)/],
      ["answers nothing", { reason: "connection refused" }, "warning", /Nothing answers .*: connection refused/],
    ] as const)("%s", (_what, editors, outcome, sentence) => {
      const verdict = judgeEditorsUrl(instance("one"), editors, set);
      expect(verdict.outcome).toBe(outcome);
      expect(verdict.sentence).toMatch(sentence);
      if (outcome === "warning") expect(verdict.change).toMatch(/^EDITOR_CLOUDREVE_URL=/);
    });
  });

  it.each([
    ["52428800", 1024, "ok"],
    ["52428800", 50, "ok"],
    ["52428800", 10, "warning"],
    [undefined, 1024, "skipped"],
  ])("that opens %s bytes while the bridge saves %i MB", (maxEditSize, maxFileMb, outcome) => {
    expect(judgeEditSize(maxEditSize, maxFileMb).outcome).toBe(outcome);
  });
});

describe("Cloudreve's viewers", () => {
  const viewers = [{ id: "a", name: "Collabora", extensions: ["docx"] }];
  const discoveryUrl = "https://editor.example.org/hosting/discovery";
  it.each([
    ["docx", new Set(["docx", "odt"]), discoveryUrl, "ok"],
    ["odt", new Set(["docx", "odt"]), discoveryUrl, "failed"],
    ["pptx", new Set(["docx", "odt"]), discoveryUrl, "skipped"],
    ["docx", undefined, discoveryUrl, "skipped"],
    ["docx", undefined, undefined, "warning"],
    ["docx", new Set(["docx"]), undefined, "ok"],
    ["odt", undefined, discoveryUrl, "skipped"],
    ["odt", undefined, undefined, "warning"],
  ])("for %s", (extension, editable, url, outcome) => {
    expect(judgeViewer(extension, viewers, editable, url).outcome).toBe(outcome);
  });

  it("are read without those that are off or no WOPI", () => {
    const actions = (origin: string) => ({
      wopi_actions: { docx: { edit: `${origin}/e?<ui=UI_LLCC&>`, view: `${origin}/v?` } },
    });
    const groups = [
      { viewers: [{ type: "builtin" }, { type: "wopi", ...actions("https://a.example.org") }] },
      { viewers: [{ type: "wopi", disabled: true, ...actions("https://b.example.org") }] },
    ];
    expect(actionOriginsIn(JSON.stringify(groups))).toEqual(["https://a.example.org"]);
  });

  it.each([
    ["the editor that is read", ["https://a"], ["https://a"], "ok", undefined],
    ["another editor", ["https://b"], ["https://a"], "failed", "DISCOVERY_URLS=https://b/hosting/discovery"],
    [
      "one editor more",
      ["https://a", "https://b"],
      ["https://a"],
      "warning",
      "DISCOVERY_URLS=https://a/hosting/discovery,https://b/hosting/discovery",
    ],
    ["an editor that is not read", ["https://a"], [], "warning", "DISCOVERY_URLS=https://a/hosting/discovery"],
    ["nobody knows what", undefined, ["https://a"], "skipped", undefined],
  ])("open %s", (_what, inCloudreve, discovered, outcome, change) => {
    expect(judgeOrigins(inCloudreve, discovered, true)).toMatchObject({
      outcome,
      ...(change === undefined ? {} : { change }),
    });
  });
});
