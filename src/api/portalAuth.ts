import { createHash, timingSafeEqual } from "node:crypto";
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { DriveTokens } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { type StoredRecord, wordRecord } from "../model/record.ts";

export interface PortalKey {
  readonly name: string;
  readonly key: string;
}

/** A portal that signs a token for each request in place of sending a key. */
export interface PortalSigner {
  readonly jwksUrl: string;
  readonly issuer: string;
  readonly audience: string;
}

/** Asymmetric ones alone: with a shared secret, the published key would sign what it should only check. */
const algorithms = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];
const clockToleranceMs = 60_000;
const longestLifeMs = 3_600_000;
const fetchTimeoutMs = 5_000;
/** An unknown key id makes the set be fetched anew, but not each time that somebody makes one up. */
const refetchAfterMs = 30_000;

/** Knows portals by their key, or by a token that they have signed. */
export class PortalCallers {
  readonly #keys: readonly { readonly name: string; readonly keyHash: Buffer }[];
  readonly #signer: PortalSigner | undefined;
  readonly #signerKeys: JWTVerifyGetKey | undefined;
  readonly #used: StoredRecord<string>;
  readonly #now: Clock;

  /** @param parts refetchAfterMs: how long after a fetch an unknown key id may cause the next */
  constructor(parts: {
    readonly keys: readonly PortalKey[];
    readonly signer: PortalSigner | undefined;
    readonly store: KeyValueStore;
    readonly now: Clock;
    readonly refetchAfterMs?: number;
  }) {
    this.#keys = parts.keys.map(({ name, key }) => ({ name, keyHash: hashOf(key) }));
    this.#signer = parts.signer;
    this.#signerKeys =
      parts.signer === undefined ? undefined : keysAt(parts.signer.jwksUrl, parts.refetchAfterMs ?? refetchAfterMs);
    this.#used = wordRecord(parts.store, "jti");
    this.#now = parts.now;
  }

  /**
   * @param authorization the header's value
   * @returns the portal's name; of one that signs, `jwt:` and its issuer, which no name of a key can be
   * @throws keyInvalid, whatever is wrong; portalKeysUnreachable
   */
  async callerOf(authorization: string | undefined): Promise<string> {
    const credential = /^Bearer (.+)$/i.exec(authorization ?? "")?.[1] ?? "";
    const name = this.#nameOfKey(credential);
    if (name !== undefined) return name;
    if (this.#signer === undefined || this.#signerKeys === undefined || !isJwt(credential)) throw refused();
    await this.#useUp(await this.#verified(credential, this.#signer, this.#signerKeys));
    return `jwt:${this.#signer.issuer}`;
  }

  /** Keys are compared by their hashes, in the same time whatever is wrong. */
  #nameOfKey(key: string): string | undefined {
    const given = hashOf(key);
    let found: string | undefined;
    for (const { name, keyHash } of this.#keys) if (timingSafeEqual(keyHash, given)) found = name;
    return found;
  }

  async #verified(token: string, { issuer, audience }: PortalSigner, keys: JWTVerifyGetKey): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms,
        issuer,
        audience,
        requiredClaims: ["exp", "jti"],
        clockTolerance: clockToleranceMs / 1000,
        currentDate: new Date(this.#now()),
      });
      return payload;
    } catch (error) {
      if (error instanceof BridgeError) throw error;
      throw refused(error);
    }
  }

  /** A token is good once, for all bridges on one store: whoever overhears it has nothing. */
  async #useUp({ iss, jti, exp }: JWTPayload): Promise<void> {
    if (exp === undefined || typeof jti !== "string" || jti === "") throw refused(new Error("jti is not a word"));
    if (exp * 1000 > this.#now() + longestLifeMs + clockToleranceMs) throw refused(new Error("exp is too far away"));
    const id = createHash("sha256")
      .update(JSON.stringify([iss, jti]))
      .digest("base64url");
    // The check of exp is in whole seconds: a fraction must not let the note end before the token does.
    const isFirst = await this.#used.create(id, "used", Math.ceil(exp) * 1000 + clockToleranceMs);
    if (!isFirst) throw refused(new Error("jti was used before"));
  }
}

/** @throws signInNeeded for half a credential: an empty token must not get what the configured account may do */
export function driveTokens(header: (name: string) => string | undefined): DriveTokens | undefined {
  const accessToken = header("X-Cloudreve-Token");
  const refreshToken = header("X-Cloudreve-Refresh-Token");
  if (accessToken === undefined && refreshToken === undefined) return undefined;
  if (!accessToken) throw new BridgeError({ kind: "signInNeeded" });
  return { accessToken, ...(refreshToken ? { refreshToken } : {}) };
}

/** The portal's published keys, kept for ten minutes. */
function keysAt(url: string, cooldownDuration: number): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(new URL(url), { timeoutDuration: fetchTimeoutMs, cooldownDuration });
  return async (header, token) => {
    try {
      return await remote(header, token);
    } catch (error) {
      // Which key is meant is the token's fault; all else is the set's.
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      throw new BridgeError({ kind: "portalKeysUnreachable" }, { cause: error });
    }
  };
}

const isJwt = (credential: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]*$/.test(credential);
const hashOf = (text: string): Buffer => createHash("sha256").update(text).digest();

/** @param reason for the log alone */
function refused(reason?: unknown): BridgeError {
  return new BridgeError({ kind: "keyInvalid" }, reason === undefined ? undefined : { cause: reason });
}
