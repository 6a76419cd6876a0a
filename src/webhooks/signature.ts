import { createHmac } from "node:crypto";

const prefix = "whsec_";

/** @returns the bytes of a key as settings have it, `whsec_` and base64; undefined when it is none of 24 to 64 bytes */
export function keyBytes(key: string): Buffer | undefined {
  if (!/^whsec_[A-Za-z0-9+/]+={0,2}$/.test(key)) return undefined;
  const bytes = Buffer.from(key.slice(prefix.length), "base64");
  return bytes.length >= 24 && bytes.length <= 64 ? bytes : undefined;
}

/**
 * The headers by which a portal knows an event as ours, as Standard Webhooks defines them: one signature for each key, so
 * that a key can be changed without a moment in which nothing fits.
 * @param sentAtMs of this attempt: receivers refuse what was recorded earlier and is sent again
 * @param keys as settings have them
 */
export function signatureHeaders(
  id: string,
  sentAtMs: number,
  body: string,
  keys: readonly string[],
): Readonly<Record<"webhook-id" | "webhook-timestamp" | "webhook-signature", string>> {
  const timestamp = String(Math.floor(sentAtMs / 1000));
  const signatures = keys.map((key) => {
    const bytes = keyBytes(key);
    if (bytes === undefined) throw new TypeError("the settings let only good keys pass");
    return `v1,${createHmac("sha256", bytes).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
  });
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}
