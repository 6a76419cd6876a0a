import { createHash, timingSafeEqual } from "node:crypto";
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { DriveTokens } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";
import type { Clock } from "../model/keyValueStore.ts";
import { type StoredRecord, wordRecord } from "../model/record.ts";
import type { Services } from "../services.ts";

export interface PortalKey {
  readonly name: string;
  readonly key: string;
}

/** A portal that signs a token for each request instead of sending a key. */
export interface PortalSigner {
  readonly jwksUrl: string;
  readonly issuer: string;
  readonly audience: string;
}

/** Asymmetric only: with a symmetric algorithm, anyone could sign with the published key. */
const algorithms = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];
const clockToleranceMs = 60_000;
const longestLifeMs = 3_600_000;
const fetchTimeoutMs = 5_000;
/** An unknown key id makes the bridge fetch the set again, but not more often than this. */
const refetchAfterMs = 30_000;

/** Identifies portals by their key or by a token they have signed. */
export class PortalCallers {
  readonly #keys: readonly { readonly name: string; readonly keyHash: Buffer }[];
  readonly #signer: PortalSigner | undefined;
  readonly #signerKeys: JWTVerifyGetKey | undefined;
  readonly #used: StoredRecord<string>;
  readonly #now: Clock;

  /** @param services refetchAfterMs: how long after a fetch an unknown key id may cause the next */
  constructor(
    services: Pick<Services, "store" | "now"> & {
      readonly keys: readonly PortalKey[];
      readonly signer: PortalSigner | undefined;
      readonly refetchAfterMs?: number;
    },
  ) {
    this.#keys = services.keys.map(({ name, key }) => ({ name, keyHash: hashOf(key) }));
    this.#signer = services.signer;
    this.#signerKeys =
      services.signer === undefined
        ? undefined
        : keysAt(services.signer.jwksUrl, services.refetchAfterMs ?? refetchAfterMs);
    this.#used = wordRecord(services.store, "jti");
    this.#now = services.now;
  }

  /**
   * @param authorization the header's value
   * @returns the portal's name; for signed tokens `jwt:` and the issuer, which can't clash with a key's name
   * @throws keyInvalid, for a signed token with the reason; portalKeysUnreachable
   */
  async callerOf(authorization: string | undefined): Promise<string> {
    const credential = /^Bearer (.+)$/i.exec(authorization ?? "")?.[1] ?? "";
    const name = this.#nameOfKey(credential);
    if (name !== undefined) return name;
    if (this.#signer === undefined || this.#signerKeys === undefined || !isJwt(credential)) throw refused();
    await this.#useUp(await this.#verified(credential, this.#signer, this.#signerKeys));
    return `jwt:${this.#signer.issuer}`;
  }

  /** Compares hashes, and always takes the same time. */
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
      throw refused(error, tokenFault(error));
    }
  }

  /** A token works once across all bridges on one store: an intercepted one is useless. */
  async #useUp({ iss, jti, exp }: JWTPayload): Promise<void> {
    if (exp === undefined || typeof jti !== "string" || jti === "") throw faulty("jti is missing");
    if (exp * 1000 > this.#now() + longestLifeMs + clockToleranceMs)
      throw faulty("exp is too far away: at most an hour");
    const id = createHash("sha256")
      .update(JSON.stringify([iss, jti]))
      .digest("base64url");
    // The check of exp is in whole seconds: a fraction must not let the note end before the token does.
    const isFirst = await this.#used.create(id, "used", Math.ceil(exp) * 1000 + clockToleranceMs);
    if (!isFirst) throw faulty("jti was used before: each token works once");
  }
}

/** @throws signInNeeded for an incomplete credential: an empty token must not act as the configured account */
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
      // A key that doesn't match is the token's fault; everything else is a fault of the key set.
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      throw new BridgeError({ kind: "portalKeysUnreachable" }, { cause: error });
    }
  };
}

const isJwt = (credential: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]*$/.test(credential);
const hashOf = (text: string): Buffer => createHash("sha256").update(text).digest();

/**
 * Pure: what is wrong with a signed token, for whoever signed it. It says no more than the token itself, and never what
 * would be right: claims are looked at only once the signature fits.
 */
function tokenFault(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "exp has passed";
  if (error instanceof errors.JWTClaimValidationFailed) {
    const claim = /^[a-z]{1,20}$/.test(error.claim) ? error.claim : "a claim";
    if (error.reason === "missing") return `${claim} is missing`;
    if (error.reason === "invalid") return `${claim} has the wrong type`;
    const faults: Readonly<Record<string, string>> = {
      nbf: "nbf is still to come",
      iss: "iss is not the issuer that this bridge knows",
      aud: "aud is not this bridge",
    };
    return faults[claim] ?? `${claim} is not accepted`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return `alg is not accepted: ${algorithms.join(" ")} are`;
  }
  if (error instanceof errors.JWKSNoMatchingKey) return "kid and alg fit none of the published keys";
  if (error instanceof errors.JWKSMultipleMatchingKeys) return "kid is missing, and several published keys fit";
  if (error instanceof errors.JWSSignatureVerificationFailed) return "the signature does not fit the published key";
  return "the token can't be read as a signed JWT";
}

function faulty(reason: string): BridgeError {
  return refused(new Error(reason), reason);
}

/** @param cause for the log only; @param reason for the caller, about its own token */
function refused(cause?: unknown, reason?: string): BridgeError {
  return new BridgeError(
    { kind: "keyInvalid", ...(reason === undefined ? {} : { reason }) },
    cause === undefined ? undefined : { cause },
  );
}
