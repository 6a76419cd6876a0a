import { hkdfSync, type webcrypto } from "node:crypto";
import { errors, type JWTPayload, jwtVerify, SignJWT } from "jose";
import { BridgeError } from "../model/failure.ts";
import type { Clock } from "../model/keyValueStore.ts";
import { OldestOutMap } from "../model/oldestOutMap.ts";

/** The contents of an access token: grant, file and expiry. Everything else is read from the grant. */
export interface TokenClaims {
  readonly grantId: string;
  /** The last segment of the WOPISrc it is valid for. */
  readonly fileId: string;
  readonly expiresAtMs: number;
  /** As in `editorKey`; only for suites whose calls must be recognized even when the grant can't be looked up. */
  readonly editor?: string;
}

const issuer = "bridge";
const rememberedTokens = 5_000;

/** A 32-byte key for one purpose, derived from SECRET; keys for different purposes are independent. */
export function deriveKey(secret: string, purpose: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(hkdfSync("sha256", secret, "cloudreve-office-bridge", purpose, 32));
}

/** Signs and reads WOPI access tokens. They are short, since Office allows some 2000 characters for an address. */
export class AccessTokens {
  readonly #keys: readonly Promise<webcrypto.CryptoKey>[];
  readonly #now: Clock;
  /** Verified tokens: an editor sends the same one with every call. They contain no rights. */
  readonly #verified = new OldestOutMap<string, TokenClaims>(rememberedTokens);
  /** By their claims: each CheckFileInfo names the same addresses, and signing costs a third of it. */
  readonly #signed = new OldestOutMap<string, string>(rememberedTokens);

  /** @param secrets the first signs, all verify (rotation) */
  constructor(secrets: readonly string[], now: Clock) {
    // Imported once, because that takes as long as a signature.
    this.#keys = secrets.map((secret) => hmacKey(deriveKey(secret, "access token")));
    this.#now = now;
  }

  async sign(claims: TokenClaims): Promise<string> {
    const content = JSON.stringify([claims.grantId, claims.fileId, claims.expiresAtMs, claims.editor]);
    const known = this.#signed.get(content);
    if (known !== undefined) return known;
    const token = await this.#sign(claims);
    this.#signed.set(content, token);
    return token;
  }

  async #sign(claims: TokenClaims): Promise<string> {
    const [key] = this.#keys;
    if (key === undefined) throw new TypeError("an access token needs a key");
    return new SignJWT({ f: claims.fileId, ...(claims.editor === undefined ? {} : { e: claims.editor }) })
      .setProtectedHeader({ alg: "HS256" })
      .setIssuer(issuer)
      .setSubject(claims.grantId)
      .setExpirationTime(Math.floor(claims.expiresAtMs / 1000))
      .sign(await key);
  }

  /**
   * @param acceptExpired also accepts an expired token, to learn whose it was; it gives no permission
   * @throws tokenInvalid unless it is a valid token of ours
   */
  async verify(token: string, acceptExpired = false): Promise<TokenClaims> {
    const known = this.#verified.get(token);
    if (known !== undefined && known.expiresAtMs > this.#now()) return known;
    for (const key of this.#keys) {
      try {
        const { payload } = await jwtVerify(token, await key, {
          issuer,
          algorithms: ["HS256"],
          requiredClaims: ["sub", "exp", "f"],
          currentDate: new Date(this.#now()),
        });
        const claims = claimsOf(payload);
        if (claims !== undefined) return this.#remember(token, claims);
      } catch (error) {
        // Try the next key; if none fits, the token is refused below.
        const expired = error instanceof errors.JWTExpired ? claimsOf(error.payload) : undefined;
        if (expired !== undefined && acceptExpired) return expired;
      }
    }
    throw new BridgeError({ kind: "tokenInvalid" });
  }

  #remember(token: string, claims: TokenClaims): TokenClaims {
    this.#verified.set(token, claims);
    return claims;
  }
}

function hmacKey(bytes: Uint8Array<ArrayBuffer>): Promise<webcrypto.CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
}

function claimsOf(payload: JWTPayload): TokenClaims | undefined {
  const { sub, exp } = payload;
  const fileId: unknown = payload["f"];
  const editor: unknown = payload["e"];
  if (sub === undefined || exp === undefined || typeof fileId !== "string") return undefined;
  return { grantId: sub, fileId, expiresAtMs: exp * 1000, ...(typeof editor === "string" ? { editor } : {}) };
}
