import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { BridgeError } from "../model/failure.ts";
import { jsonIn } from "../model/jsonIn.ts";
import type { Clock } from "../model/keyValueStore.ts";

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
/** Every token of ours begins with this: no other algorithm is ever looked at. */
const head = `${Buffer.from('{"alg":"HS256"}').toString("base64url")}.`;
const payloadSchema = z.object({
  f: z.string(),
  e: z.string().optional(),
  iss: z.literal(issuer),
  sub: z.string(),
  exp: z.number(),
});

/** A 32-byte key for one purpose, derived from SECRET; keys for different purposes are independent. */
export function deriveKey(secret: string, purpose: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(hkdfSync("sha256", secret, "cloudreve-office-bridge", purpose, 32));
}

/**
 * Signs and reads WOPI access tokens: JWTs with HS256 (RFC 7515, RFC 7519). They are short, since Office allows some 2000
 * characters for an address. With Node's own HMAC, nothing needs to be remembered: it takes 3 µs, Web Crypto 180.
 */
export class AccessTokens {
  readonly #keys: readonly KeyObject[];
  readonly #now: Clock;

  /** @param secrets the first signs, all verify (rotation) */
  constructor(secrets: readonly string[], now: Clock) {
    this.#keys = secrets.map((secret) => createSecretKey(deriveKey(secret, "access token")));
    this.#now = now;
  }

  async sign({ grantId, fileId, expiresAtMs, editor }: TokenClaims): Promise<string> {
    const [key] = this.#keys;
    if (key === undefined) throw new TypeError("an access token needs a key");
    const payload: z.input<typeof payloadSchema> = {
      f: fileId,
      ...(editor === undefined ? {} : { e: editor }),
      iss: issuer,
      sub: grantId,
      exp: Math.floor(expiresAtMs / 1000),
    };
    const signed = head + Buffer.from(JSON.stringify(payload)).toString("base64url");
    return `${signed}.${signatureOf(signed, key)}`;
  }

  /**
   * @param acceptExpired also accepts an expired token, to learn whose it was; it gives no permission
   * @throws tokenInvalid unless it is a valid token of ours
   */
  async verify(token: string, acceptExpired = false): Promise<TokenClaims> {
    const claims = this.#claimsIn(token);
    if (claims === undefined || (claims.expiresAtMs <= this.#now() && !acceptExpired)) {
      throw new BridgeError({ kind: "tokenInvalid" });
    }
    return claims;
  }

  /** @returns undefined unless one of our keys signed it */
  #claimsIn(token: string): TokenClaims | undefined {
    const signed = token.slice(0, token.lastIndexOf("."));
    if (!signed.startsWith(head)) return undefined;
    const given = Buffer.from(token.slice(signed.length + 1));
    const isOurs = this.#keys.some((key) => isSame(given, Buffer.from(signatureOf(signed, key))));
    if (!isOurs) return undefined;
    const text = Buffer.from(signed.slice(head.length), "base64url").toString();
    const payload = payloadSchema.safeParse(jsonIn(text)).data;
    if (payload === undefined) return undefined;
    const { f, e, sub, exp } = payload;
    return { grantId: sub, fileId: f, expiresAtMs: exp * 1000, ...(e === undefined ? {} : { editor: e }) };
  }
}

const signatureOf = (signed: string, key: KeyObject): string =>
  createHmac("sha256", key).update(signed).digest("base64url");

const isSame = (given: Buffer, expected: Buffer): boolean =>
  given.length === expected.length && timingSafeEqual(given, expected);
