import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";

/** 32 MiB and about a tenth of a second each: dear enough for who guesses, cheap enough for who knows. */
const cost = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
const keyBytes = 32;

/** @returns `scrypt$SALT$HASH` */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  return `scrypt$${salt.toString("base64url")}$${(await derived(password, salt)).toString("base64url")}`;
}

/** @param hash as `hashPassword` made it */
export async function isPassword(password: string, hash: string): Promise<boolean> {
  const [, salt = "", kept = ""] = hash.split("$");
  const expected = Buffer.from(kept, "base64url");
  const given = await derived(password, Buffer.from(salt, "base64url"));
  return expected.length === given.length && timingSafeEqual(expected, given);
}

/** Keyboards compose accents differently, and copying takes blanks along: the same word must stay the same password. */
function derived(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize("NFC").trim(), salt, keyBytes, cost, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
