import type { webcrypto } from "node:crypto";
import { CompactEncrypt, compactDecrypt } from "jose";
import { OldestOutMap } from "../model/oldestOutMap.ts";

const rememberedSecrets = 2_000;

/** Encrypts secrets for the store: credentials and native session tokens are never stored in plain text. */
export interface Encryption {
  encrypt(secret: string): Promise<string>;
  /** @returns undefined when it was encrypted with another key or has been altered */
  decrypt(encrypted: string): Promise<string | undefined>;
}

/**
 * JWE, direct encryption with A256GCM.
 * @param keys 32 bytes each; the first encrypts, all decrypt (rotation of SECRET)
 */
export function createEncryption(keys: readonly Uint8Array[]): Encryption {
  // Imported once, because that takes as long as encrypting.
  const imported = keys.map(gcmKey);
  const [current] = imported;
  if (current === undefined) throw new TypeError("encryption needs a key");
  // The same few values are decrypted on every call, so they are remembered; in the store they stay encrypted.
  const decrypted = new OldestOutMap<string, string>(rememberedSecrets);
  return {
    encrypt: async (secret) =>
      new CompactEncrypt(new TextEncoder().encode(secret))
        .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
        .encrypt(await current),
    decrypt: async (encrypted) => {
      const known = decrypted.get(encrypted);
      if (known !== undefined) return known;
      for (const key of imported) {
        try {
          const { plaintext } = await compactDecrypt(encrypted, await key, {
            keyManagementAlgorithms: ["dir"],
            contentEncryptionAlgorithms: ["A256GCM"],
          });
          const secret = new TextDecoder().decode(plaintext);
          decrypted.set(encrypted, secret);
          return secret;
        } catch {
          // Try the next key.
        }
      }
      return undefined;
    },
  };
}

function gcmKey(bytes: Uint8Array): Promise<webcrypto.CryptoKey> {
  return crypto.subtle.importKey("raw", new Uint8Array(bytes), "AES-GCM", false, ["encrypt", "decrypt"]);
}
