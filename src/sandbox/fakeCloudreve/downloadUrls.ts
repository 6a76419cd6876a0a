import { createHmac, timingSafeEqual } from "node:crypto";
import { DriveError } from "./driveError.ts";
import type { FileRecord } from "./driveState.ts";
import type { CachedUrl, FakeDrive } from "./fakeDrive.ts";

/** Hands out the signed path of one version, the same again while it is cached. */
export function signedUrl(
  drive: FakeDrive,
  file: FileRecord,
  entityNumber: number,
  options: { download: boolean; noCache: boolean },
): CachedUrl {
  const { entityUrlTtlSeconds, entityUrlCacheMarginSeconds } = drive.settings;
  const entityWord = drive.word("entity", entityNumber);
  const path = `/api/v4/file/content/${entityWord}/0/${encodeURIComponent(file.name)}`;
  const key = `${options.download} ${path}`;
  const cached = drive.urlCache.get(key);
  if (cached && !options.noCache && drive.now() < cached.reusableUntilMs) return cached;
  const expiresAtMs = drive.now() + entityUrlTtlSeconds * 1000;
  const sign = signPath(drive, path, String(Math.floor(expiresAtMs / 1000)));
  const made: CachedUrl = {
    pathAndSign: `${path}?${options.download ? "download=true&" : ""}sign=${encodeURIComponent(sign)}`,
    expiresAt: drive.stamps.at(expiresAtMs, 846_554),
    reusableUntilMs: expiresAtMs - entityUrlCacheMarginSeconds * 1000,
  };
  drive.urlCache.set(key, made);
  return made;
}

/** @returns `<hmac>:<unix expiry>` over the decoded path; the query stays outside */
export function signPath(drive: FakeDrive, path: string, expiry: string): string {
  const mac = createHmac("sha256", drive.state.secretKey)
    .update(`${decodeURIComponent(path)}\n${expiry}`)
    .digest();
  return `${mac.toString("base64").replace(/\+/g, "-").replace(/\//g, "_")}:${expiry}`;
}

/** @throws DriveError in the order in which the real one looks: expiry first, then the signature */
export function checkSignature(drive: FakeDrive, path: string, sign: string): void {
  const [, expiry] = sign.split(":");
  if (expiry === undefined) throw new DriveError(403, "expire timestamp is missing");
  if (!/^\d+$/.test(expiry)) throw new DriveError(40071, "sign expired");
  if (Number(expiry) * 1000 < drive.now()) throw new DriveError(40005, "signature expired");
  const expected = Buffer.from(signPath(drive, path, expiry));
  const given = Buffer.from(sign);
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) {
    throw new DriveError(40071, "invalid sign");
  }
}
