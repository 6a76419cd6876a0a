import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { BridgeError } from "../model/failure.ts";

/** 32 MB and about a tenth of a second each: expensive for guessing, cheap for those who know the password. */
const cost = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
const keyBytes = 32;
/** Each one takes its memory and one of Node's four threads, which file access needs too. */
const atOnce = 2;
const waitingAtMost = 500;
let running = 0;
const waiting: (() => void)[] = [];

/** @returns `scrypt$SALT$HASH` @throws tooManyAttempts */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  return `scrypt$${salt.toString("base64url")}$${(await derived(password, salt)).toString("base64url")}`;
}

/** @param hash from `hashPassword` @throws tooManyAttempts when hundreds are already waiting */
export async function isPassword(password: string, hash: string): Promise<boolean> {
  const [, salt = "", kept = ""] = hash.split("$");
  const expected = Buffer.from(kept, "base64url");
  const given = await derived(password, Buffer.from(salt, "base64url"));
  return expected.length === given.length && timingSafeEqual(expected, given);
}

/** Keyboards compose accents differently, and copying adds spaces: the same word must give the same hash. */
async function derived(password: string, salt: Buffer): Promise<Buffer> {
  if (running < atOnce) running += 1;
  else if (waiting.length < waitingAtMost) await new Promise<void>((resolve) => waiting.push(resolve));
  else throw new BridgeError({ kind: "tooManyAttempts", retryAfterSeconds: 10 });
  try {
    return await new Promise((resolve, reject) => {
      scrypt(password.normalize("NFC").trim(), salt, keyBytes, cost, (error, key) =>
        error ? reject(error) : resolve(key),
      );
    });
  } finally {
    // The next one takes this place; if no one is waiting, the place is free.
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}
