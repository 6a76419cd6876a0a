import { createPublicKey, type KeyObject, verify } from "node:crypto";
import type { Request } from "express";
import type { Discovery, Editors, ProofKey } from "../editors/discovery.ts";
import { BridgeError } from "../model/failure.ts";
import type { Services } from "../services.ts";

/** Proves that a call comes from the editor's server whose discovery we have read. */
export interface Proof {
  /** Value of the access_token query parameter, decoded. */
  readonly accessToken: string;
  /** The address as the editor requested it: our public WOPI base and the raw request target. */
  readonly url: string;
  readonly timestamp: string | undefined;
  readonly proof: string | undefined;
  readonly proofOld: string | undefined;
}

export function proofOf({ wopiUrl }: Pick<Services, "wopiUrl">, request: Request): Proof {
  const inQuery = request.query["access_token"];
  return {
    accessToken: typeof inQuery === "string" ? inQuery : "",
    url: `${wopiUrl}${request.originalUrl}`,
    timestamp: request.get("X-WOPI-TimeStamp"),
    proof: request.get("X-WOPI-Proof"),
    proofOld: request.get("X-WOPI-ProofOld"),
  };
}

/** .NET ticks (100 ns since the year 1) at 1970-01-01. */
const ticksAtEpoch = 621_355_968_000_000_000n;
const maxAgeMs = 20 * 60_000;
const maxAheadMs = 5 * 60_000;

/**
 * Does the proof match the editor's public keys, and is it fresh? Three pairs count: proof with the current key, old
 * proof with the current key, proof with the old key.
 * @see WOPI proof keys; reference wopi.md section 11
 */
export function isProven(proof: Proof, keys: Pick<Discovery, "proofKey" | "oldProofKey">, nowMs: number): boolean {
  if (proof.timestamp === undefined || !/^\d{1,19}$/.test(proof.timestamp)) return false;
  const ticks = BigInt(proof.timestamp);
  const sentAtMs = Number((ticks - ticksAtEpoch) / 10_000n);
  if (nowMs - sentAtMs > maxAgeMs || sentAtMs - nowMs > maxAheadMs) return false;
  const signed = signedBytes(proof.accessToken, proof.url, ticks);
  return (
    matches(signed, proof.proof, keys.proofKey) ||
    matches(signed, proof.proofOld, keys.proofKey) ||
    matches(signed, proof.proof, keys.oldProofKey)
  );
}

function signedBytes(accessToken: string, url: string, ticks: bigint): Buffer {
  const token = Buffer.from(accessToken, "utf8");
  const address = Buffer.from(url.toUpperCase(), "utf8");
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(ticks);
  return Buffer.concat([length(token), token, length(address), address, length(time), time]);
}

function length(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(bytes.length);
  return size;
}

function matches(signed: Buffer, signature: string | undefined, key: ProofKey | undefined): boolean {
  if (signature === undefined || key === undefined) return false;
  const publicKey = publicKeyOf(key);
  return publicKey !== undefined && verify("RSA-SHA256", signed, publicKey, Buffer.from(signature, "base64"));
}

const keys = new Map<string, KeyObject | undefined>();

/** @returns undefined for an invalid key: the check then fails instead of crashing */
function publicKeyOf({ modulus, exponent }: ProofKey): KeyObject | undefined {
  const name = `${modulus}.${exponent}`;
  if (!keys.has(name)) {
    if (keys.size > 32) keys.clear();
    keys.set(name, importKey(modulus, exponent));
  }
  return keys.get(name);
}

function importKey(modulus: string, exponent: string): KeyObject | undefined {
  try {
    const n = Buffer.from(modulus, "base64").toString("base64url");
    const e = Buffer.from(exponent, "base64").toString("base64url");
    return createPublicKey({ key: { kty: "RSA", n, e }, format: "jwk" });
  } catch {
    return undefined;
  }
}

/**
 * Is a call signed by an editor whose keys are already known here? Which editor it has to be is known only from the
 * grant.
 * @throws proofInvalid
 */
export function requireKnownProof(
  editors: Pick<Editors, "known">,
  proofMode: "required" | "offered" | "off",
  proof: Proof,
  nowMs: number,
): void {
  if (proofMode === "off") return;
  const known = editors.known();
  if (known.some((keys) => keys !== undefined && isProven(proof, keys, nowMs))) return;
  const maySignNothing = known.length === 0 || known.some((keys) => keys?.proofKey === undefined);
  if (proofMode === "required" || !maySignNothing) throw new BridgeError({ kind: "proofInvalid" });
}
