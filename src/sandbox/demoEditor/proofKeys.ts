import { createSign, generateKeyPairSync, type KeyObject } from "node:crypto";

interface KeyPair {
  privateKey: KeyObject;
  modulus: Buffer;
  exponent: Buffer;
}

export interface PublishedKey {
  modulus: string;
  exponent: string;
  value: string;
}

const ticksAtUnixEpoch = 621_355_968_000_000_000n;

/** The editor's current and previous signing key: what discovery publishes and what each call carries. */
export class ProofKeys {
  #current = newKeyPair();
  // A fresh editor repeats its one key as the old one, as Collabora does.
  #previous = this.#current;

  rotate(): void {
    this.#previous = this.#current;
    this.#current = newKeyPair();
  }

  published(): { current: PublishedKey; previous: PublishedKey } {
    return { current: publish(this.#current), previous: publish(this.#previous) };
  }

  /** The proof headers of one call to exactly this address, query included. */
  headersFor(address: string, accessToken: string, nowMs: number): Record<string, string> {
    const ticks = BigInt(Math.floor(nowMs)) * 10_000n + ticksAtUnixEpoch;
    const signed = signedBytes(address, accessToken, ticks);
    return {
      "X-WOPI-Proof": sign(this.#current, signed),
      "X-WOPI-ProofOld": sign(this.#previous, signed),
      "X-WOPI-TimeStamp": ticks.toString(),
    };
  }
}

function signedBytes(address: string, accessToken: string, ticks: bigint): Buffer {
  const moment = Buffer.alloc(8);
  moment.writeBigInt64BE(ticks);
  const parts = [Buffer.from(accessToken, "utf8"), Buffer.from(address.toUpperCase(), "utf8"), moment];
  return Buffer.concat(parts.flatMap((part) => [uint32(part.length, "BE"), part]));
}

function sign(pair: KeyPair, bytes: Buffer): string {
  return createSign("RSA-SHA256").update(bytes).sign(pair.privateKey, "base64");
}

function newKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = publicKey.export({ format: "jwk" });
  return {
    privateKey,
    modulus: Buffer.from(String(jwk.n), "base64url"),
    exponent: Buffer.from(String(jwk.e), "base64url"),
  };
}

function publish({ modulus, exponent }: KeyPair): PublishedKey {
  return {
    modulus: modulus.toString("base64"),
    exponent: exponent.toString("base64"),
    value: publicKeyBlob(modulus, exponent).toString("base64"),
  };
}

/** The key as a CryptoAPI PUBLICKEYBLOB for CALG_RSA_KEYX: little-endian throughout. */
function publicKeyBlob(modulus: Buffer, exponent: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from([0x06, 0x02, 0x00, 0x00]),
    uint32(0xa400, "LE"),
    Buffer.from("RSA1", "ascii"),
    uint32(modulus.length * 8, "LE"),
    uint32(exponent.readUIntBE(0, exponent.length), "LE"),
    Buffer.from(modulus).reverse(),
  ]);
}

function uint32(value: number, order: "BE" | "LE"): Buffer {
  const bytes = Buffer.alloc(4);
  if (order === "BE") bytes.writeUInt32BE(value);
  else bytes.writeUInt32LE(value);
  return bytes;
}
