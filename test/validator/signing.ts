import { flag, type XmlElement } from "./xml.ts";

export type ProofHeaders = Readonly<Record<"X-WOPI-Proof" | "X-WOPI-ProofOld" | "X-WOPI-TimeStamp", string>>;

/** Signs a request as an editor's server: the proof with the current key, the old proof with the old key. */
export type Sign = (request: { accessToken: string; url: string; atMs: number }) => ProofHeaders;

const invalid = Buffer.from("INVALID").toString("base64");

/**
 * What a case makes of a request's proof. "Ahead": the editor has a newer key than the host has read; "Behind": the
 * editor's machine still has the key before; both leave one signature that fits.
 * @param signedAt the headers for one moment
 */
export function provenAsAsked(
  mutator: XmlElement | undefined,
  nowMs: number,
  signedAt: (atMs: number) => ProofHeaders,
): ProofHeaders {
  if (mutator === undefined) return signedAt(nowMs);
  const { Timestamp = "", KeyRelation = "Synced" } = mutator.attributes;
  const signed = signedAt(Number.isNaN(Date.parse(Timestamp)) ? nowMs : Date.parse(Timestamp));
  switch (KeyRelation) {
    case "Behind":
      return { ...signed, "X-WOPI-Proof": signed["X-WOPI-ProofOld"], "X-WOPI-ProofOld": invalid };
    case "Ahead":
      return { ...signed, "X-WOPI-Proof": invalid, "X-WOPI-ProofOld": signed["X-WOPI-Proof"] };
    default:
      return {
        ...signed,
        ...(flag(mutator, "MutateCurrent", false) ? { "X-WOPI-Proof": invalid } : {}),
        ...(flag(mutator, "MutateOld", false) ? { "X-WOPI-ProofOld": invalid } : {}),
      };
  }
}
