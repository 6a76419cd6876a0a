import { type RecordedResponse, shownBody } from "./recordingsLoad.ts";
import type { LiveResponse, Stage } from "./recordingsStage.ts";

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Fields that differ from run to run; their type and form are compared, not their value. */
const volatileKeys = new Set([
  "created_at",
  "updated_at",
  "expires",
  "access_expires",
  "refresh_expires",
  "last_used_at",
  "LastModifiedTime",
  "correlation_id",
  "context_hint",
  "sys:expected_collect_time",
  "instance_id",
  "callback_secret",
  "themes",
  "icons",
]);
/** Fields whose recorded word is learnt when first seen, and must then come again wherever it came again. */
const idKeys = new Set([
  "id",
  "primary_entity",
  "session_id",
  "sys:upload_session_id",
  "access_token",
  "token",
  "code",
  "Version",
  "UserId",
  "OwnerId",
  "x-wopi-itemversion",
  "x-wopi-lock",
]);
const namedInUrls = [
  /\/file\/content\/(\w+)\/0\//,
  /sign=([\w%-]+?%3D)%3A(\d+)/,
  /\/s\/(\w+)(?:\/(\w+))?$/,
  /\/file\/archive\/([0-9a-f-]+)\//,
  /wopi%2F(\w+)/,
];
/** A live answer may not have one of these when the recorded had none. */
const tellingHeaders = [
  "x-wopi-lock",
  "x-wopi-itemversion",
  "x-wopi-servererror",
  "x-wopi-invalidfilenameerror",
  "etag",
  "accept-ranges",
  "content-range",
  "content-disposition",
  "content-security-policy",
  "cache-control",
  "location",
  "access-control-allow-origin",
];
const unheldHeaders = new Set(["content-length", "transfer-encoding", "connection", "last-modified"]);

/** @returns what differs, in sentences; nothing when the live answer is the recorded one but for ids and times */
export function compareAnswers(recorded: RecordedResponse, live: LiveResponse, stage: Stage): string[] {
  const differences: string[] = [];
  const say = (where: string, expected: unknown, found: unknown): void => {
    differences.push(`${where}: recorded ${JSON.stringify(expected)}, live ${JSON.stringify(found)}`);
  };
  if (recorded.status !== live.status) say("status", recorded.status, live.status);
  compareHeaders(recorded, live, stage, say);
  if (typeof recorded.body === "object" && recorded.body !== null) {
    compareValues(recorded.body, parse(live.body), "body", stage, say);
  } else {
    compareText("body", String(recorded.body ?? ""), shownBody(live.body, recorded.body), stage, say);
  }
  return differences;
}

type Say = (where: string, expected: unknown, found: unknown) => void;

function compareHeaders(recorded: RecordedResponse, live: LiveResponse, stage: Stage, say: Say): void {
  const expected = new Map(Object.entries(recorded.headers).map(([name, value]) => [name.toLowerCase(), value]));
  for (const [name, value] of expected) {
    const found = live.headers[name];
    if (unheldHeaders.has(name)) continue;
    if (name === "content-type" && value.startsWith("multipart/byteranges")) {
      if (!String(found).startsWith("multipart/byteranges; boundary=")) say(name, value, found);
    } else if (typeof found !== "string") say(name, value, found);
    else if (idKeys.has(name)) compareId(name, value, found, stage, say);
    else if (name === "x-wopi-servererror") compareText(name, maskNumbers(value), maskNumbers(found), stage, say);
    else compareText(name, value, found, stage, say);
  }
  for (const name of tellingHeaders) {
    if (!expected.has(name) && live.headers[name] !== undefined) say(name, undefined, live.headers[name]);
  }
  const length = expected.get("content-length");
  const isDocument = expected.has("etag") && !String(expected.get("content-type")).startsWith("multipart");
  if (isDocument && length !== live.headers["content-length"]) {
    say("content-length", length, live.headers["content-length"]);
  }
}

function compareValues(expected: unknown, found: unknown, where: string, stage: Stage, say: Say): void {
  if (kindOf(expected) !== kindOf(found)) say(where, expected, found);
  else if (Array.isArray(expected) && Array.isArray(found)) {
    if (expected.length !== found.length) say(`${where}.length`, expected.length, found.length);
    for (const [index, value] of expected.entries()) {
      compareValues(value, found[index], `${where}[${index}]`, stage, say);
    }
  } else if (kindOf(expected) === "object") {
    compareObjects(expected as Record<string, unknown>, found as Record<string, unknown>, where, stage, say);
  } else compareLeaf(expected, found, where, stage, say);
}

function compareObjects(
  expected: Record<string, unknown>,
  found: Record<string, unknown>,
  where: string,
  stage: Stage,
  say: Say,
): void {
  const expectedKeys = Object.keys(expected).map((key) => stage.translate(key));
  if (expectedKeys.sort().join() !== Object.keys(found).sort().join()) {
    say(`keys of ${where}`, expectedKeys, Object.keys(found));
  }
  for (const [key, value] of Object.entries(expected)) {
    compareValues(value, found[stage.translate(key)], `${where}.${key}`, stage, say);
  }
}

function compareLeaf(expected: unknown, found: unknown, where: string, stage: Stage, say: Say): void {
  const key = where.slice(where.lastIndexOf(".") + 1);
  if (volatileKeys.has(key)) {
    if (formOf(expected) !== formOf(found)) say(where, expected, found);
  } else if (typeof expected === "string" && typeof found === "string") {
    if (expected.startsWith("eyJ")) compareTokens(where, expected, found, stage, say);
    else if (idKeys.has(key) || uuid.test(expected) || isSecret(expected))
      compareId(where, expected, found, stage, say);
    else compareText(where, expected, found, stage, say);
  } else if (expected !== found) say(where, expected, found);
}

function compareId(where: string, expected: string, found: string, stage: Stage, say: Say): void {
  if (stage.isBound(expected)) {
    if (stage.translate(expected) !== found) say(where, `${expected} = ${stage.translate(expected)}`, found);
  } else if (expected !== found) {
    if (!isMadeByServer(where, expected)) say(where, expected, found);
    else if (stage.isTaken(found)) say(`${where} is new`, expected, `${found}, seen before`);
    else stage.bind(expected, found);
  }
}

// A lock id is the caller's own word, unless it is a uuid: then the drive made it.
function isMadeByServer(where: string, word: string): boolean {
  if (uuid.test(word)) return true;
  const isLockId = where === "x-wopi-lock" || /\.data\[\d+\]\.token$/.test(where);
  if (/^[A-Za-z0-9]{128}$/.test(word)) return true;
  return !isLockId && (/^[A-Za-z0-9]{4,7}$/.test(word) || /^[0-9a-f-]{36}\.\w{128}$/.test(word) || isSecret(word));
}

function compareText(where: string, expected: string, found: string, stage: Stage, say: Say): void {
  for (const pattern of namedInUrls) {
    const recordedParts = pattern.exec(expected)?.slice(1) ?? [];
    const liveParts = pattern.exec(found)?.slice(1) ?? [];
    for (const [index, part] of recordedParts.entries()) {
      const live = liveParts[index];
      // Two signatures that differed must differ again; two moments need not.
      const isFree = live !== undefined && (!stage.isTaken(live) || /^\d+$/.test(live));
      if (part && live && isFree && !stage.isBound(part) && part !== live) stage.bind(part, live);
    }
  }
  // ETags are quoted ids.
  const quoted = /^"(\w+)"$/.exec(expected)?.[1];
  const liveQuoted = /^"(\w+)"$/.exec(found)?.[1];
  const masked = maskBoundary(stage.translate(expected));
  if (quoted && liveQuoted) compareId(where, quoted, liveQuoted, stage, say);
  else if (masked !== maskBoundary(found)) say(where, masked, found);
}

function compareTokens(where: string, expected: string, found: string, stage: Stage, say: Say): void {
  const [recorded, live] = [claimsOf(expected), claimsOf(found)];
  const life = (claims: Record<string, unknown>): number => Number(claims["exp"]) - Number(claims["nbf"]);
  if (Object.keys(recorded).sort().join() !== Object.keys(live).sort().join()) say(where, recorded, live);
  if (recorded["token_type"] !== live["token_type"] || life(recorded) !== life(live)) say(where, recorded, live);
  for (const claim of ["scopes", "client_id"]) {
    if (JSON.stringify(recorded[claim]) !== JSON.stringify(live[claim])) say(where, recorded, live);
  }
  if (recorded["client_id"] !== undefined) stage.learnToken(expected, found);
}

/** The claims of a JWT; recorded ones have their signature cut. */
export function claimsOf(token: string): Record<string, unknown> {
  const payload = token.split(".")[1] ?? "";
  return JSON.parse(Buffer.from(payload, "base64url").toString() || "{}") as Record<string, unknown>;
}

function formOf(value: unknown): string {
  if (typeof value === "number") return String(value).length > 9 ? `${String(value).length} digits` : "number";
  return typeof value === "string" && instant.test(value) ? "instant" : kindOf(value);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

// A TOTP secret is the only bare base32 text.
function isSecret(text: string): boolean {
  return /^[A-Z2-7]{32}$/.test(text);
}

function maskBoundary(text: string): string {
  return text.replace(/[0-9a-f]{60}/g, "BOUNDARY");
}

function maskNumbers(text: string): string {
  return text.replace(/\d+/g, "N");
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return body.toString();
  }
}
