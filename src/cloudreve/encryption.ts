import { CompactEncrypt, compactDecrypt } from "jose";
import { OldestOutMap } from "../model/oldestOutMap.ts";

const rememberedSeals = 2_000;

/** Seals secrets for the store: credentials and native session tokens are never at rest in the open. */
export interface Encryption {
  close(secret: string): Promise<string>;
  /** @returns undefined when it was sealed under another key or has been altered */
  open(sealed: string): Promise<string | undefined>;
}

/**
 * JWE, direct encryption with A256GCM.
 * @param keys 32 bytes each; the first seals, all open (rotation of SECRET)
 */
export function createEncryption(keys: readonly Uint8Array[]): Encryption {
  const [current] = keys;
  if (current === undefined) throw new TypeError("a seal needs a key");
  // The same few are opened with every call; at rest they stay sealed.
  const opened = new OldestOutMap<string, string>(rememberedSeals);
  return {
    close: (secret) =>
      new CompactEncrypt(new TextEncoder().encode(secret))
        .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
        .encrypt(current),
    open: async (sealed) => {
      const known = opened.get(sealed);
      if (known !== undefined) return known;
      for (const key of keys) {
        try {
          const { plaintext } = await compactDecrypt(sealed, key, {
            keyManagementAlgorithms: ["dir"],
            contentEncryptionAlgorithms: ["A256GCM"],
          });
          const secret = new TextDecoder().decode(plaintext);
          opened.set(sealed, secret);
          return secret;
        } catch {
          // Another key may fit.
        }
      }
      return undefined;
    },
  };
}
