import { randomBytes } from "node:crypto";
import { CompactEncrypt, compactDecrypt } from "jose";
import { describe, expect, it } from "vitest";
import { createEncryption } from "../../src/cloudreve/encryption.ts";

const key = new Uint8Array(randomBytes(32));
const otherKey = new Uint8Array(randomBytes(32));
const secret = '{"accessToken":"t-ä€𝄞"}';

/** As a library writes it, and as earlier versions wrote rows. */
function byLibrary(text: string, header = { alg: "dir", enc: "A256GCM" }, withKey = key): Promise<string> {
  return new CompactEncrypt(new TextEncoder().encode(text)).setProtectedHeader(header).encrypt(withKey);
}

describe("an encrypted secret", () => {
  it("is a JWE that a library reads", async () => {
    const { plaintext, protectedHeader } = await compactDecrypt(await createEncryption([key]).encrypt(secret), key);
    expect(new TextDecoder().decode(plaintext)).toBe(secret);
    expect(protectedHeader).toEqual({ alg: "dir", enc: "A256GCM" });
  });

  it.each(["", secret, "x".repeat(100_000)])("is read again, also when a library has written it", async (text) => {
    const encryption = createEncryption([key]);
    expect(await encryption.decrypt(await encryption.encrypt(text))).toBe(text);
    expect(await encryption.decrypt(await byLibrary(text))).toBe(text);
  });

  it("looks different each time", async () => {
    const encryption = createEncryption([key]);
    expect(await encryption.encrypt(secret)).not.toBe(await encryption.encrypt(secret));
  });

  it("is still read with the key of before, and written with the new one", async () => {
    const rotated = createEncryption([otherKey, key]);
    expect(await rotated.decrypt(await createEncryption([key]).encrypt(secret))).toBe(secret);
    expect(await createEncryption([otherKey]).decrypt(await rotated.encrypt(secret))).toBe(secret);
    expect(await createEncryption([key]).decrypt(await rotated.encrypt(secret))).toBeUndefined();
  });

  it("counts as absent once a single character has changed", async () => {
    const encrypted = await createEncryption([key]).encrypt(secret);
    for (let at = 0; at < encrypted.length; at++) {
      // The last character of a part may hold bits that mean nothing.
      if (at === encrypted.length - 1 || encrypted[at + 1] === ".") continue;
      const changed = `${encrypted.slice(0, at)}${encrypted[at] === "A" ? "B" : "A"}${encrypted.slice(at + 1)}`;
      expect(await createEncryption([key]).decrypt(changed)).toBeUndefined();
    }
  });

  it.each([
    ["nothing", ""],
    ["plain text", secret],
    ["a JWE without its parts", "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0...."],
    ["a tag of four bytes", "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAA"],
  ])("counts as absent when it is %s", async (_what, stored) => {
    expect(await createEncryption([key]).decrypt(stored)).toBeUndefined();
  });

  it("counts as absent when it is encrypted in another way", async () => {
    const short = await byLibrary(secret, { alg: "dir", enc: "A128GCM" }, key.slice(0, 16));
    expect(await createEncryption([key]).decrypt(short)).toBeUndefined();
  });
});
