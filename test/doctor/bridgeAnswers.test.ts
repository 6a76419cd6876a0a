import { describe, expect, it } from "vitest";
import { type BodyProbe, judgeBodyLimit, judgeBuffering } from "../../src/doctor/bodyLimit.ts";
import { judgeHealth, judgePageHeaders } from "../../src/doctor/publicAddress.ts";
import { withoutSecrets } from "../../src/doctor/report.ts";
import { judgeFreeSpace, judgeSharedDisk, judgeSpoolContent } from "../../src/doctor/spoolChecks.ts";
import { judgeRedisDurability, judgeSwaps } from "../../src/doctor/storeChecks.ts";
import { judgeWopiAddress } from "../../src/doctor/wopiAddress.ts";
import { answer, config } from "./answers.ts";

describe("the WOPI address", () => {
  const ours = { "x-correlation-id": "id" };
  it.each([
    ["our refusal", answer(401, ours), "ok", undefined],
    ["a refusal of somebody else", answer(401), "failed", /^WOPI_URL=/],
    ["our own trouble", answer(503, ours), "warning", /^STORE_URL=/],
    ["a sign-in", answer(302, { location: "https://login.example.org/?secret=1" }), "failed", /^WOPI_URL=/],
    ["a page", answer(200), "failed", /^WOPI_URL=/],
    ["a proxy without a bridge", answer(502), "failed", /^WOPI_URL=/],
    ["nothing", { reason: "connection refused" }, "failed", /^WOPI_URL=/],
  ] as const)("%s", (_what, asked, outcome, change) => {
    const verdict = judgeWopiAddress(asked, "id", config({ WOPI_URL: "http://bridge:8080" }), false);
    expect(verdict.outcome).toBe(outcome);
    expect(verdict.sentence).not.toContain("secret=1");
    if (change !== undefined) expect(verdict.change).toMatch(change);
  });

  const probe = (more: Partial<BodyProbe>): BodyProbe => ({
    answer: answer(401),
    isFromBridge: true,
    isEarly: true,
    sentBytes: 1_048_576,
    reason: "",
    ...more,
  });
  it.each([
    ["answered early by the bridge", probe({}), "ok", "ok"],
    ["answered after the whole body", probe({ isEarly: false, sentBytes: 4_194_304 }), "ok", "warning"],
    ["refused by a proxy", probe({ answer: answer(413), isFromBridge: false }), "failed", "skipped"],
    ["answered by a proxy", probe({ answer: answer(502), isFromBridge: false }), "failed", "skipped"],
    ["too small to tell", probe({ isEarly: false, sentBytes: 1000 }), "ok", "skipped"],
    [
      "silent up to what was tried",
      probe({
        answer: undefined,
        isFromBridge: false,
        isEarly: false,
        sentBytes: 67_108_864,
        reason: "the rest was not sent",
      }),
      "ok",
      "warning",
    ],
    [
      "cut off",
      probe({ answer: undefined, isFromBridge: false, isEarly: false, reason: "the connection was dropped" }),
      "failed",
      "warning",
    ],
  ] as const)("a save %s", (_how, body, limit, buffering) => {
    expect(judgeBodyLimit(body, 1024).outcome).toBe(limit);
    expect(judgeBuffering(body).outcome).toBe(buffering);
  });
});

describe("the bridge's own address", () => {
  it.each([
    ["the bridge", answer(200, { "x-correlation-id": "id" }, { ok: true }), true, "ok", undefined],
    [
      "a page of somebody else",
      answer(200, {}, { ok: true }),
      true,
      "failed",
      /^BRIDGE_URL=http:\/\/127\.0\.0\.1:8080 /,
    ],
    ["a proxy without a bridge", answer(502), false, "failed", /^BRIDGE_URL=/],
    ["nothing, while the bridge runs", { reason: "the name does not resolve" }, true, "failed", /^BRIDGE_URL=/],
    ["nothing, nor a bridge", { reason: "connection refused" }, false, "failed", /^start the bridge: npm start$/],
  ] as const)("%s", (_what, asked, runsHere, outcome, change) => {
    const verdict = judgeHealth(asked, "id", config(), runsHere);
    expect(verdict.outcome).toBe(outcome);
    if (change !== undefined) expect(verdict.change).toMatch(change);
  });

  const policy = "default-src 'none'; script-src 'nonce-abc'";
  const page = '<script nonce="abc">';
  it.each([
    ["as written", { "content-security-policy": policy }, page, "ok"],
    ["without their policy", {}, page, "failed"],
    ["with another policy", { "content-security-policy": "default-src 'self'" }, page, "failed"],
    ["with two policies", { "content-security-policy": `${policy}, default-src 'self'` }, page, "failed"],
    ["with a header against frames", { "content-security-policy": policy, "x-frame-options": "DENY" }, page, "failed"],
    ["out of a cache", { "content-security-policy": policy }, '<script nonce="old">', "failed"],
  ])("pages %s", (_how, headers, text, outcome) => {
    expect(judgePageHeaders(answer(200, headers, text)).outcome).toBe(outcome);
  });
});

describe("store and spool", () => {
  const safe = { appendonly: "yes", appendfsync: "always", maxmemory: "0", "maxmemory-policy": "noeviction" };
  it.each([
    ["a Redis that writes all down", safe, "ok", undefined],
    ["a Redis that forgets", { ...safe, appendonly: "no" }, "warning", "redis.conf: appendonly yes"],
    [
      "a Redis that writes every second",
      { ...safe, appendfsync: "everysec" },
      "warning",
      "redis.conf: appendfsync always",
    ],
    [
      "a Redis that drops entries",
      { ...safe, maxmemory: "1000", "maxmemory-policy": "allkeys-lru" },
      "warning",
      "redis.conf: maxmemory-policy noeviction",
    ],
    ["a Redis that can't be asked", undefined, "skipped", undefined],
  ])("%s", (_which, settings, outcome, change) => {
    expect(judgeRedisDurability(settings)).toMatchObject({ outcome, ...(change === undefined ? {} : { change }) });
  });

  it("a store that lets two create the same entry is none", () => {
    expect(judgeSwaps([true, true, true, true, true], "redis://r").outcome).toBe("failed");
    expect(judgeSwaps([true, false, true, true, true], "memory:").outcome).toBe("warning");
  });

  it.each([
    [10 * 2 ** 20, "failed"],
    [500 * 2 ** 20, "warning"],
    [5000 * 2 ** 20, "ok"],
  ])("%i free bytes", (freeBytes, outcome) => {
    expect(judgeFreeSpace(freeBytes, 1024, "data/spool").outcome).toBe(outcome);
  });

  it("store and spool on one disk are told, with what is left for the store", () => {
    expect(judgeSharedDisk(true, 64).sentence).toContain("keeps 64 MB of it free for the store");
    expect(judgeSharedDisk(false, 64).sentence).toBe("Spool and store are on different disks.");
  });

  it.each([
    [22, "keep SPOOL_DIR and leave the bridge running: it retries them automatically"],
    [24, "ask the owners to download them at /saves, or raise SPOOL_DAYS"],
  ])("a save that has waited for %i of 30 days", (days, change) => {
    const nowMs = Date.UTC(2026, 10, 21, 12);
    const save = { fileName: "a.docx", personName: "Alice", receivedAtMs: nowMs - days * 86_400_000 };
    expect(judgeSpoolContent([save], [], nowMs, 30 * 86_400_000)).toMatchObject({ outcome: "warning", change });
  });

  it("tells whose saves wait, the oldest first, and passes over what is being placed", () => {
    const nowMs = Date.UTC(2026, 10, 21, 12);
    const save = (fileName: string, minutesAgo: number) => ({
      fileName,
      personName: "Alice",
      receivedAtMs: nowMs - minutesAgo * 60_000,
    });
    const verdict = judgeSpoolContent(
      [save("late.docx", 2), save("early.docx", 90), save("now.docx", 0.5)],
      [],
      nowMs,
      30 * 86_400_000,
    );
    expect(verdict.outcome).toBe("warning");
    expect(verdict.sentence).toBe(
      '2 saves are not yet in Cloudreve: "early.docx" by Alice since 2026-11-21T10:30Z, "late.docx" by Alice since 2026-11-21T11:58Z.',
    );
    expect(judgeSpoolContent([save("now.docx", 0.5)], [], nowMs, 30 * 86_400_000).outcome).toBe("ok");
    expect(judgeSpoolContent([], ["a.save.broken"], nowMs, 30 * 86_400_000).outcome).toBe("warning");
  });
});

it("prints no secret, wherever a text has brought it from", () => {
  const findings = [
    {
      check: "store",
      arrow: "bridge",
      outcome: "failed",
      sentence: "redis://:hush@host failed",
      change: "hush",
    } as const,
  ];
  expect(JSON.stringify(withoutSecrets(findings, ["hush"]))).not.toContain("hush");
});
