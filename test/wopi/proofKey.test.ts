import { createSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { ProofKey } from "../../src/editors/discovery.ts";
import { isProven, type Proof } from "../../src/wopi/proofKey.ts";

const nowMs = Date.parse("2026-11-21T08:15:00Z");
const minuteMs = 60_000;
const accessToken = "eyJh.eyJm.c2ln";
const url = "https://bridge.example/wopi/files/bviO/contents?access_token=eyJh.eyJm.c2ln&access_token_ttl=0";

interface KeyPair extends ProofKey {
  readonly privateKey: KeyObject;
}

function keyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const { n = "", e = "" } = publicKey.export({ format: "jwk" });
  const base64 = (text: string) => Buffer.from(text, "base64url").toString("base64");
  return { privateKey, modulus: base64(n), exponent: base64(e) };
}

const current = keyPair();
const old = keyPair();
const stranger = keyPair();
const keys = { proofKey: current, oldProofKey: old };

const ticksAt = (atMs: number) => BigInt(atMs) * 10_000n + 621_355_968_000_000_000n;

/** As the specification says, written down once more: token, address in upper case, ticks, each behind its length. */
function sign(key: KeyPair, ticks = ticksAt(nowMs), token = accessToken, address = url): string {
  const signing = createSign("RSA-SHA256");
  const lengthOf = (bytes: number) => Buffer.from([bytes >>> 24, bytes >>> 16, bytes >>> 8, bytes]);
  for (const part of [Buffer.from(token), Buffer.from(address.toUpperCase())]) {
    signing.update(lengthOf(part.length)).update(part);
  }
  signing.update(lengthOf(8)).update(Buffer.from(ticks.toString(16).padStart(16, "0"), "hex"));
  return signing.sign(key.privateKey, "base64");
}

function proofWith(change: Partial<Proof> = {}): Proof {
  const proof = sign(current);
  return { accessToken, url, timestamp: String(ticksAt(nowMs)), proof, proofOld: proof, ...change };
}

/** Signed by the current key at that moment. */
const signedAt = (atMs: number) => proofWith({ timestamp: String(ticksAt(atMs)), proof: sign(current, ticksAt(atMs)) });

describe("the three pairs that count, and the fourth that does not", () => {
  const table = [
    ["proof with the current key", { proof: sign(current), proofOld: undefined }, true],
    [
      "old proof with the current key: the editor has changed keys, our copy is behind",
      { proof: sign(stranger), proofOld: sign(current) },
      true,
    ],
    [
      "proof with the old key: our copy is new, this server of the editor is behind",
      { proof: sign(old), proofOld: sign(stranger) },
      true,
    ],
    ["old proof with the old key", { proof: sign(stranger), proofOld: sign(old) }, false],
    ["proofs with somebody else's key", { proof: sign(stranger), proofOld: sign(stranger) }, false],
    ["no proof at all", { proof: undefined, proofOld: undefined }, false],
    ["old proof alone, with the current key", { proof: undefined, proofOld: sign(current) }, true],
    ["old proof alone, with the old key", { proof: undefined, proofOld: sign(old) }, false],
  ] as const;

  it.each(table)("%s", (_name, proofs, proven) => {
    expect(isProven(proofWith(proofs), keys, nowMs)).toBe(proven);
  });

  it("is the current key alone when the editor has no old one", () => {
    const onlyCurrent = { proofKey: current, oldProofKey: undefined };
    expect(isProven(proofWith(), onlyCurrent, nowMs)).toBe(true);
    expect(isProven(proofWith({ proof: sign(old), proofOld: sign(old) }), onlyCurrent, nowMs)).toBe(false);
  });

  it("is nothing when the editor has no keys", () => {
    expect(isProven(proofWith(), { proofKey: undefined, oldProofKey: undefined }, nowMs)).toBe(false);
  });
});

describe("the time of a proof", () => {
  it("may be twenty minutes ago, and not a millisecond more", () => {
    const proof = signedAt(nowMs);
    expect(isProven(proof, keys, nowMs + 20 * minuteMs)).toBe(true);
    expect(isProven(proof, keys, nowMs + 20 * minuteMs + 1)).toBe(false);
  });

  it("may be five minutes ahead, for clocks that differ, and not a millisecond more", () => {
    expect(isProven(signedAt(nowMs + 5 * minuteMs), keys, nowMs)).toBe(true);
    expect(isProven(signedAt(nowMs + 5 * minuteMs + 1), keys, nowMs)).toBe(false);
  });

  it("is signed to the last tick, though it has more digits than a number of JavaScript's holds", () => {
    const ticks = ticksAt(nowMs) + 1n;
    expect(ticks).toBeGreaterThan(2n ** 53n);
    const proof = sign(current, ticks);
    expect(isProven(proofWith({ timestamp: String(ticks), proof }), keys, nowMs)).toBe(true);
    for (const other of [ticks - 1n, ticks + 1n, ticks + 10n]) {
      expect(isProven(proofWith({ timestamp: String(other), proof, proofOld: proof }), keys, nowMs)).toBe(false);
    }
  });

  it("can't be exchanged for a fresh one under an old signature", () => {
    const proof = signedAt(nowMs);
    const laterMs = nowMs + 30 * minuteMs;
    expect(isProven({ ...proof, timestamp: String(ticksAt(laterMs)) }, keys, laterMs)).toBe(false);
  });

  it.each([undefined, "", " ", "now", "-1", "1e18", "0x8d", "6391", "99999999999999999999", "63.5", "９"])(
    "must be a count of ticks: %s",
    (timestamp) => {
      expect(isProven(proofWith({ timestamp }), keys, nowMs)).toBe(false);
    },
  );

  it.each(["0", "9999999999999999999"])("may be any count without harm: %s", (timestamp) => {
    expect(isProven(proofWith({ timestamp, proof: sign(current, BigInt(timestamp)) }), keys, nowMs)).toBe(false);
  });
});

describe("the address of a proof", () => {
  it("counts whatever its case, since the editor signs it in upper case", () => {
    expect(isProven(proofWith({ url: url.replace("bridge", "BRIDGE") }), keys, nowMs)).toBe(true);
  });

  it("counts with its percent escapes as they came, neither decoded nor encoded anew", () => {
    const escaped = "https://bridge.example/wopi/files/b%2fO?access_token=a%2Bb%20c";
    const proof = sign(current, ticksAt(nowMs), accessToken, escaped);
    expect(isProven(proofWith({ url: escaped, proof }), keys, nowMs)).toBe(true);
    expect(isProven(proofWith({ url: escaped.replace("%2f", "%2F"), proof }), keys, nowMs)).toBe(true);
    for (const other of [
      decodeURIComponent(escaped),
      escaped.replace("%20", "+"),
      new URL(escaped).href.replace("%2B", "+"),
    ]) {
      expect(isProven(proofWith({ url: other, proof, proofOld: proof }), keys, nowMs)).toBe(false);
    }
  });

  it.each([
    ["another file", url.replace("bviO", "bviP")],
    ["another host", url.replace("bridge.example", "inner.example")],
    ["another scheme", url.replace("https:", "http:")],
    ["a port that was not written", url.replace("bridge.example", "bridge.example:443")],
    ["no query", url.replace(/\?.*/, "")],
    ["a parameter more", `${url}&x=1`],
    [
      "its parameters in another order",
      "https://bridge.example/wopi/files/bviO/contents?access_token_ttl=0&access_token=eyJh.eyJm.c2ln",
    ],
  ])("does not count as %s", (_name, other) => {
    expect(isProven(proofWith({ url: other }), keys, nowMs)).toBe(false);
  });
});

describe("the token of a proof", () => {
  it("is part of it, to the letter", () => {
    expect(isProven(proofWith({ accessToken: "eyJh.eyJm.c2lN" }), keys, nowMs)).toBe(false);
    expect(isProven(proofWith({ accessToken: "" }), keys, nowMs)).toBe(false);
  });

  it("is counted in bytes of UTF-8, not in characters", () => {
    const token = "tökén-报告-🧾";
    const proof = sign(current, ticksAt(nowMs), token);
    expect(isProven(proofWith({ accessToken: token, proof }), keys, nowMs)).toBe(true);
  });

  it("can't lend its end to the address: the lengths are signed too", () => {
    const moved = { accessToken: accessToken.slice(0, -1), url: `${accessToken.slice(-1)}${url}` };
    expect(isProven(proofWith(moved), keys, nowMs)).toBe(false);
  });
});

describe("what is malformed", () => {
  const bytes = Buffer.from(sign(current), "base64");
  it.each([
    ["nothing", ""],
    ["no base64", "####"],
    ["a few bytes", "AAAA"],
    ["not ASCII", "ä"],
    ["padding alone", "="],
    ["some bytes short", bytes.subarray(6).toString("base64")],
    ["some bytes long", Buffer.concat([bytes, Buffer.alloc(6)]).toString("base64")],
    ["damaged in one character", sign(current).replace(/^./, "!")],
  ])("is a failed check, not a crash: a signature that is %s", (_name, proof) => {
    expect(isProven(proofWith({ proof, proofOld: proof }), keys, nowMs)).toBe(false);
  });

  it.each([
    ["no base64", { modulus: "####", exponent: "!!" }],
    ["nothing", { modulus: "", exponent: "" }],
    ["zero", { modulus: "AAAA", exponent: "AAAA" }],
    ["one", { modulus: "AQ==", exponent: "AQ==" }],
    ["far too large", { modulus: Buffer.alloc(5000, 255).toString("base64"), exponent: "AQAB" }],
    ["an even exponent", { modulus: current.modulus, exponent: "AgAA" }],
  ])("is a failed check, not a crash: a key that is %s", (_name, key) => {
    expect(isProven(proofWith(), { proofKey: key, oldProofKey: key }, nowMs)).toBe(false);
    expect(isProven(proofWith(), { proofKey: key, oldProofKey: current }, nowMs)).toBe(true);
  });

  it("does not spoil the keys of others, however many there have been", () => {
    for (let i = 0; i < 100; i++) {
      const key = { modulus: Buffer.alloc(128, i).toString("base64"), exponent: "AQAB" };
      expect(isProven(proofWith(), { proofKey: key, oldProofKey: undefined }, nowMs)).toBe(false);
    }
    const late = keyPair();
    const proof = proofWith({ proof: sign(late) });
    expect(isProven(proof, { proofKey: late, oldProofKey: undefined }, nowMs)).toBe(true);
  });
});
