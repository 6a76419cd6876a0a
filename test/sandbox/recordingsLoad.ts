import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** One exchange with a real Cloudreve; some entries hold only a note on what went on beside. */
export interface RecordedExchange {
  note?: string;
  as?: string;
  request?: { method: string; path: string; headers: Record<string, string>; body: unknown };
  response?: RecordedResponse;
}

export interface RecordedResponse {
  status: number;
  headers: Record<string, string>;
  body: unknown;
}

export interface Recording {
  name: string;
  about: string;
  exchanges: RecordedExchange[];
}

/** Recording → exchange number → why the fake is not held to it. */
export type NotCovered = Record<string, Record<string, string>>;

const folder = new URL("../recordings/", import.meta.url);

export function loadRecordings(): Recording[] {
  const names = readdirSync(fileURLToPath(new URL("cloudreve/", folder))).sort();
  return names.map((name) => JSON.parse(readFileSync(new URL(`cloudreve/${name}`, folder), "utf8")) as Recording);
}

export function loadNotCovered(): NotCovered {
  return JSON.parse(readFileSync(new URL("notCovered.json", folder), "utf8")) as NotCovered;
}

const shortened = /^<(\d+) bytes, sha256 (\w+)>$/;

/** Bodies too long for the recordings are there as length and hash; these are what was sent. */
export function bodyBytes(recorded: unknown): Buffer {
  if (recorded === null || recorded === undefined) return Buffer.alloc(0);
  if (typeof recorded !== "string") return Buffer.from(JSON.stringify(recorded));
  const [, length = "0", hash = ""] = shortened.exec(recorded) ?? [];
  if (hash === "") return Buffer.from(recorded);
  const size = Number(length);
  const candidates = [
    Buffer.alloc(size, "a"),
    Buffer.from(Array.from({ length: size }, (_, index) => index % 256)),
    Buffer.concat([Buffer.alloc(size / 2, "A"), Buffer.alloc(size / 2, "B")]),
  ];
  const found = candidates.find((candidate) => hashOf(candidate) === hash);
  if (!found) throw new Error(`nobody knows the ${length} bytes with hash ${hash}`);
  return found;
}

/** A body as the recordings would show it. */
export function shownBody(bytes: Buffer, recorded: unknown): string {
  const isShortened = typeof recorded === "string" && shortened.test(recorded);
  return isShortened ? `<${bytes.length} bytes, sha256 ${hashOf(bytes)}>` : bytes.toString("utf8");
}

function hashOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}
