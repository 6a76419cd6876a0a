import { describe, expect, it } from "vitest";
import { judgeAccessCheck } from "../../src/doctor/accessCheck.ts";
import { isInnerName } from "../../src/doctor/addresses.ts";
import { judgeActionOrigin, judgeCapabilities, judgeFraming, judgeProofKey } from "../../src/doctor/editorAnswers.ts";
import { judgeEditorCall } from "../../src/doctor/editorCall.ts";
import { refusalOf } from "../../src/doctor/framing.ts";
import type { Asked } from "../../src/doctor/httpProbe.ts";
import { judgeUpgrade, webSocketUrl } from "../../src/doctor/webSocket.ts";
import { answer, config } from "./answers.ts";

const collaboraAction = "https://editor.example.org/browser/0b27e85/cool.html?";

describe("who may frame the editor", () => {
  const editor = "https://editor.example.org";
  const bridge = "https://office.example.org";
  it.each([
    ["no header at all", undefined, undefined, true],
    ["a policy about other things", "default-src 'self'", undefined, true],
    ["everybody", "frame-ancestors *", undefined, true],
    ["the bridge by its origin", `frame-ancestors 'self' ${bridge}`, undefined, true],
    ["the bridge by its host", "frame-ancestors office.example.org", undefined, true],
    ["the bridge with its port", "frame-ancestors office.example.org:443", undefined, true],
    ["any port of the bridge's host", "frame-ancestors office.example.org:*", undefined, true],
    ["all hosts of the domain", "frame-ancestors *.example.org", undefined, true],
    ["every https page", "frame-ancestors https:", undefined, true],
    ["the bridge over http, which covers https", "frame-ancestors http://office.example.org:80", undefined, true],
    ["the bridge in one of two policies only", `frame-ancestors ${bridge}, frame-ancestors 'self'`, undefined, false],
    ["nobody", "frame-ancestors 'none'", undefined, false],
    ["itself alone", "frame-ancestors 'self'", undefined, false],
    ["another host", "frame-ancestors https://cloud.example.org", undefined, false],
    ["the domain without its hosts", "frame-ancestors example.org", undefined, false],
    ["another port", "frame-ancestors https://office.example.org:8443", undefined, false],
    ["an empty list", "frame-ancestors", undefined, false],
    ["nobody, by the older header", undefined, "DENY", false],
    ["itself alone, by the older header", undefined, "SAMEORIGIN", false],
    ["a value that browsers do not know", undefined, "ALLOW-FROM https://cloud.example.org", true],
    ["the bridge by a list, whatever the older header says", `frame-ancestors ${bridge}`, "DENY", true],
  ])("%s", (_who, policy, frameOptions, isAdmitted) => {
    expect(refusalOf({ origin: editor, policy, frameOptions }, bridge) === undefined).toBe(isAdmitted);
  });

  it("asks for the portals too, which frame the bridge", () => {
    const page = answer(200, { "content-security-policy": `frame-ancestors ${bridge}` });
    const withPortal = config({ EMBED_ORIGINS: "https://portal.example.org" });
    const judged = (version?: string) =>
      judgeFraming(page, { origin: editor, suite: "collabora", version }, withPortal);
    const origins = "https://office.example.org https://portal.example.org";
    const policy = `Collabora: command: --o:net.content_security_policy=frame-ancestors ${origins};`;
    const older = `Collabora: extra_params=--o:net.frame_ancestors="${origins}"`;
    for (const version of ["22.05.8.4", "23.05.1", "25.04.9.4", undefined])
      expect([version, judged(version)]).toMatchObject([version, { outcome: "failed", change: policy }]);
    for (const version of ["21.11.5.3", "6.4.14", "4.2.0", "22.04"])
      expect([version, judged(version)]).toMatchObject([version, { outcome: "failed", change: older }]);
  });

  it.each([
    ["refuses the host", answer(403), "Collabora: aliasgroup1=https://office.example.org"],
    ["is not handed on", answer(404), "proxy in front of the editor: pass on /browser"],
    [
      "has a name unknown here",
      { reason: "the name does not resolve" },
      "Collabora: server_name=<public host of the editor>",
    ],
    [
      "is told to be at a wrong port",
      { reason: "connection refused" },
      "Collabora: server_name=<host:port that browsers use> (now editor.example.org)",
    ],
    [
      "is told to be behind TLS that is not there",
      { reason: "that port does not use TLS" },
      "Collabora: extra_params=--o:ssl.termination=false (or serve https://editor.example.org with TLS)",
    ],
  ])("names the line for a page that %s", (_how, page: Asked, change) => {
    const told = { origin: editor, suite: "collabora", version: "25.04.1" } as const;
    expect(judgeFraming(page, told, config())).toMatchObject({ outcome: "failed", change });
  });
});

describe("the address that the editor gives of itself", () => {
  it.each([
    ["https://editor.example.org/browser/x/cool.html?", "ok", undefined],
    ["http://editor.example.org/browser/x/cool.html?", "failed", /ssl\.termination=true/],
    ["http://editor.example.org/editor/edit?", "failed", /^the editor's public address: https:/],
    ["https://collabora:9980/browser/x/cool.html?", "failed", /^Collabora: server_name=/],
    ["https://127.0.0.1:9980/browser/x/cool.html?", "failed", /^Collabora: server_name=/],
    ["https://editor.example.org/hosting/wopi/word/edit?<ui=UI_LLCC&>", "ok", undefined],
    [undefined, "failed", /^DISCOVERY_URLS=/],
  ])("%s", (urlsrc, outcome, change) => {
    const verdict = judgeActionOrigin(urlsrc, config());
    expect(verdict.outcome).toBe(outcome);
    if (change !== undefined) expect(verdict.change).toMatch(change);
  });

  it.each([
    ["collabora", "office.example.org", true],
    ["localhost", "office.example.org", true],
    ["localhost", "127.0.0.1", false],
    ["editor", "bridge", false],
    ["editor.example.org", "office.example.org", false],
    ["[2001:db8::1]", "office.example.org", false],
  ])("%s beside %s", (hostname, bridgeHostname, isInner) => {
    expect(isInnerName(hostname, bridgeHostname)).toBe(isInner);
  });
});

describe("the editor's proof key", () => {
  const read = (modulus?: string) => ({
    actions: [],
    proofKey: modulus === undefined ? undefined : { modulus, exponent: "AQAB" },
    oldProofKey: undefined,
    fetchedAtMs: 0,
  });
  it.each([
    ["the same twice", [read("a"), read("a")], "offered", "ok", undefined],
    ["another each time", [read("a"), read("b")], "offered", "failed", /proof_key in every server/],
    ["at one of two servers only", [read("a"), read()], "offered", "failed", /proof_key in every server/],
    ["none where it is required", [read(), read()], "required", "failed", /coolconfig generate-proof-key/],
    ["none where it is offered", [read(), read()], "offered", "warning", /coolconfig generate-proof-key/],
    ["none where nobody asks", [read(), read()], "off", "skipped", undefined],
  ] as const)("%s", (_which, reads, mode, outcome, change) => {
    const verdict = judgeProofKey(reads, mode, "collabora");
    expect(verdict.outcome).toBe(outcome);
    if (change !== undefined) expect(verdict.change).toMatch(change);
  });

  it("misses capabilities at Collabora only", () => {
    expect(judgeCapabilities(undefined, "collabora").outcome).toBe("warning");
    expect(judgeCapabilities(undefined, "onlyoffice").outcome).toBe("skipped");
    expect(judgeCapabilities({ productName: "CODE", productVersion: "25.04" }, "collabora").sentence).toContain(
      "25.04",
    );
  });
});

describe("the editor's WebSocket", () => {
  it("is tried with a made-up document of the bridge at Collabora", () => {
    const url = webSocketUrl(collaboraAction, "collabora", "https://office.example.org/wopi/files/doctor", "doctor");
    expect(url).toMatch(
      /^https:\/\/editor\.example\.org\/cool\/https%3A%2F%2Foffice.*access_token%3Ddoctor\/ws\?WOPISrc=/,
    );
  });

  it("keeps the path that Collabora is served below", () => {
    const url = webSocketUrl(
      "https://example.org/office/browser/x/cool.html?",
      "collabora",
      "https://b/wopi/files/doctor",
      "token",
    );
    expect(url).toMatch(/^https:\/\/example\.org\/office\/cool\//);
  });

  it.each([
    ["collabora", answer(101), "ok", undefined],
    ["collabora", answer(403), "ok", undefined],
    ["collabora", answer(400), "failed", "proxy_set_header Upgrade $http_upgrade;"],
    ["collabora", answer(426), "failed", "proxy_set_header Upgrade $http_upgrade;"],
    ["collabora", answer(502, { server: "nginx" }), "failed", "pass on /cool"],
    ["collabora", answer(404), "failed", "pass on /cool"],
    ["collabora", { reason: "connection refused" }, "failed", "server_name=<host:port that browsers use>"],
    ["collabora", { reason: "that port does not use TLS" }, "failed", "ssl.termination=false"],
    ["collabora", { reason: "the connection was dropped" }, "failed", "server_name="],
    ["onlyoffice", answer(400), "warning", "proxy_set_header Upgrade $http_upgrade;"],
    ["onlyoffice", { reason: "connection refused" }, "failed", "the editor's public address"],
    ["other", undefined, "skipped", undefined],
  ] as const)("%s: %o", (suite, asked, outcome, change) => {
    const verdict = judgeUpgrade(asked, suite, "https://editor.example.org");
    expect(verdict.outcome).toBe(outcome);
    if (change !== undefined) expect(verdict.change).toContain(change);
  });

  it("that is dropped over plain http is served over TLS by somebody", () => {
    const dropped = { reason: "the connection was dropped" };
    expect(judgeUpgrade(dropped, "collabora", "http://editor.example.org").change).toContain("ssl.termination=true");
  });
});

describe("the bridge as the editor's server sees it", () => {
  it.each([
    ["NotHttpSuccess", "ok", undefined],
    ["Ok", "warning", /^WOPI_URL=/],
    ["HostNotFound", "failed", /^WOPI_URL=/],
    ["WopiHostNotAllowed", "failed", /^Collabora: aliasgroup1=http:\/\/bridge:8080$/],
    ["Timeout", "failed", /^WOPI_URL=/],
    ["SelfSignedCertificate", "failed", /ssl_verification=false/],
    ["NotHttps", "failed", /^WOPI_URL=https:\/\/bridge:8080$/],
    ["SomethingNew", "failed", /^WOPI_URL=/],
  ])("%s", (status, outcome, change) => {
    const verdict = judgeAccessCheck(answer(200, {}, { status }), "http://bridge:8080", "the command");
    expect(verdict.outcome).toBe(outcome);
    if (change !== undefined) expect(verdict.change).toMatch(change);
  });

  it("prints the command where the editor can't be asked or does not say", () => {
    expect(judgeAccessCheck(undefined, "http://bridge:8080", "the command").sentence).toContain("the command");
    expect(judgeAccessCheck(answer(404), "http://bridge:8080", "the command")).toMatchObject({ outcome: "skipped" });
  });

  it.each([
    ["arrived at the bridge", { arrived: true, said: "" }, "ok", undefined],
    ["did not arrive", { arrived: false, said: "error: cmd=storage kind=loadfailed" }, "failed", /^WOPI_URL=/],
    ["was refused", { arrived: false, said: "error: cmd=internal kind=unauthorized" }, "failed", /aliasgroup1=http:/],
    ["can't be asked about", { arrived: undefined, said: "" }, "skipped", undefined],
    ["was never sent", undefined, "skipped", undefined],
  ])("whose call %s", (_what, call, outcome, change) => {
    const verdict = judgeEditorCall(call, "http://bridge:8080", "the command");
    expect(verdict.outcome).toBe(outcome);
    if (change !== undefined) expect(verdict.change).toMatch(change);
    if (outcome === "skipped") expect(verdict.sentence).toContain("the command");
  });
});
