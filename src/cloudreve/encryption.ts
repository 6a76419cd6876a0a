import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { OldestOutMap } from "../model/oldestOutMap.ts";

const rememberedSecrets = 2_000;

/** Encrypts secrets for the store: credentials and native session tokens are never stored in plain text. */
export interface Encryption {
  encrypt(secret: string): Promise<string>;
  /** @returns undefined when it was encrypted with another key or has been altered */
  decrypt(encrypted: string): Promise<string | undefined>;
}

const algorithm = "aes-256-gcm";
const ivBytes = 12;
const tagBytes = 16;
/** Also what the tag covers besides the text. */
const head = Buffer.from('{"alg":"dir","enc":"A256GCM"}').toString("base64url");
const covered = Buffer.from(head);

/**
 * JWE in its compact form, direct encryption with A256GCM (RFC 7516). Node's own cipher takes 20 µs; Web Crypto, which
 * JWE libraries use, takes 240.
 * @param keys 32 bytes each; the first encrypts, all decrypt (rotation of SECRET)
 */
export function createEncryption(keys: readonly Uint8Array[]): Encryption {
  const known = keys.map((key) => createSecretKey(key));
  const [current] = known;
  if (current === undefined) throw new TypeError("encryption needs a key");
  // The same few values are decrypted on every call, so they are remembered; in the store they stay encrypted.
  const decrypted = new OldestOutMap<string, string>(rememberedSecrets);
  return {
    encrypt: async (secret) => sealed(secret, current),
    decrypt: async (encrypted) => {
      const remembered = decrypted.get(encrypted);
      if (remembered !== undefined) return remembered;
      for (const key of known) {
        const secret = unsealed(encrypted, key);
        if (secret === undefined) continue;
        decrypted.set(encrypted, secret);
        return secret;
      }
      return undefined;
    },
  };
}

function sealed(secret: string, key: KeyObject): string {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv(algorithm, key, iv, { authTagLength: tagBytes }).setAAD(covered);
  const text = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
  // With direct encryption, the second part, an encrypted key, is empty.
  return [head, "", ...[iv, text, cipher.getAuthTag()].map((part) => part.toString("base64url"))].join(".");
}

function unsealed(encrypted: string, key: KeyObject): string | undefined {
  const [sentHead, encryptedKey, ...parts] = encrypted.split(".");
  const [iv, text, tag] = parts.map((part) => Buffer.from(part, "base64url"));
  if (sentHead !== head || encryptedKey !== "" || parts.length !== 3) return undefined;
  if (iv?.length !== ivBytes || text === undefined || tag?.length !== tagBytes) return undefined;
  try {
    const decipher = createDecipheriv(algorithm, key, iv, { authTagLength: tagBytes }).setAAD(covered).setAuthTag(tag);
    return Buffer.concat([decipher.update(text), decipher.final()]).toString("utf8");
  } catch {
    return undefined;
  }
}
