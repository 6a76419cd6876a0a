import { CompactEncrypt, compactDecrypt } from "jose";

/** Seals secrets for the store: credentials and native session tokens are never at rest in the open. */
export interface Seal {
  close(secret: string): Promise<string>;
  /** @returns undefined when it was sealed under another key or has been altered */
  open(sealed: string): Promise<string | undefined>;
}

/**
 * JWE, direct encryption with A256GCM.
 * @param keys 32 bytes each; the first seals, all open (rotation of SECRET)
 */
export function createSeal(keys: readonly Uint8Array[]): Seal {
  const [current] = keys;
  if (current === undefined) throw new TypeError("a seal needs a key");
  return {
    close: (secret) =>
      new CompactEncrypt(new TextEncoder().encode(secret))
        .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
        .encrypt(current),
    open: async (sealed) => {
      for (const key of keys) {
        try {
          const { plaintext } = await compactDecrypt(sealed, key, {
            keyManagementAlgorithms: ["dir"],
            contentEncryptionAlgorithms: ["A256GCM"],
          });
          return new TextDecoder().decode(plaintext);
        } catch {
          // Another key may fit.
        }
      }
      return undefined;
    },
  };
}
