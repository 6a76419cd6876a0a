import { CompactEncrypt, compactDecrypt } from "jose";

const rememberedSecrets = 2_000;

/** Encrypts secrets for the store: credentials and native session tokens are never at rest in the open. */
export interface Encryption {
  encrypt(secret: string): Promise<string>;
  /** @returns undefined when it was encrypted under another key or has been altered */
  decrypt(encrypted: string): Promise<string | undefined>;
}

/**
 * JWE, direct encryption with A256GCM.
 * @param keys 32 bytes each; the first encrypts, all decrypt (rotation of SECRET)
 */
export function createEncryption(keys: readonly Uint8Array[]): Encryption {
  const [current] = keys;
  if (current === undefined) throw new TypeError("encryption needs a key");
  // The same few are decrypted with every call; at rest they stay encrypted.
  const decrypted = new Map<string, string>();
  const remember = (encrypted: string, secret: string): string => {
    const [oldest] = decrypted.keys();
    if (decrypted.size >= rememberedSecrets && oldest !== undefined) decrypted.delete(oldest);
    decrypted.set(encrypted, secret);
    return secret;
  };
  return {
    encrypt: (secret) =>
      new CompactEncrypt(new TextEncoder().encode(secret))
        .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
        .encrypt(current),
    decrypt: async (encrypted) => {
      const known = decrypted.get(encrypted);
      if (known !== undefined) return known;
      for (const key of keys) {
        try {
          const { plaintext } = await compactDecrypt(encrypted, key, {
            keyManagementAlgorithms: ["dir"],
            contentEncryptionAlgorithms: ["A256GCM"],
          });
          return remember(encrypted, new TextDecoder().decode(plaintext));
        } catch {
          // Another key may fit.
        }
      }
      return undefined;
    },
  };
}
