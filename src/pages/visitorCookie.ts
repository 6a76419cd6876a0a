import { createHash, randomBytes } from "node:crypto";
import type { Request, Response } from "express";
import { z } from "zod";
import type { SignedCookies } from "../http/signedCookies.ts";
import type { EditLink } from "../links/links.ts";

const cookieName = "visitor";
const rememberedForMs = 180 * 24 * 3_600_000;
const keptDoors = 20;
const longestName = 64;
/** Longer than the longest name with everything that is removed from it, and short enough to be fast. */
const looksAt = 1_024;

const visitorSchema = z.object({
  /** The same in this browser for every document. */
  id: z.string(),
  name: z.string().optional(),
  /** Links whose password was entered in this browser. */
  doors: z.array(z.string()),
});
type Visitor = z.output<typeof visitorSchema>;

/** A visitor without an account, as this browser remembers them. */
export async function visitorOf(cookies: SignedCookies, request: Request): Promise<Visitor> {
  const known = await cookies.read(request, cookieName, visitorSchema);
  return known ?? { id: `g${randomBytes(8).toString("hex")}`, doors: [] };
}

export async function rememberVisitor(
  cookies: SignedCookies,
  response: Response,
  visitor: Visitor,
  link: EditLink,
): Promise<void> {
  const doors = [doorOf(link), ...visitor.doors.filter((door) => door !== doorOf(link))].slice(0, keptDoors);
  await cookies.write(response, cookieName, { ...visitor, doors } satisfies Visitor, rememberedForMs);
}

/** Also false after the link's password has changed. */
export function hasPassed(visitor: Visitor, link: EditLink): boolean {
  return visitor.doors.includes(doorOf(link));
}

function doorOf({ id, passwordHash = "" }: EditLink): string {
  return createHash("sha256").update(`${id}\n${passwordHash}`).digest("base64url").slice(0, 16);
}

/**
 * A name as typed, made fit for display and for file names.
 * @returns undefined when nothing is left of it
 */
export function cleanName(text: unknown): string | undefined {
  if (typeof text !== "string") return undefined;
  // Without control characters and those that turn the text around them. Names and emoji need joiners.
  const shown = text
    .slice(0, looksAt)
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u061C\u200B\u200E\u200F\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFEFF]/gu, " ");
  const whole = shown.replace(/\s+/g, " ").trim();
  // A joiner left at the end would attach itself to the text that follows.
  const name = [...whole]
    .slice(0, longestName)
    .join("")
    .replace(/[\s\u200C\u200D]+$/u, "");
  return isVisible(name) ? name : undefined;
}

/** A name of only joiners, fillers and blank patterns is not a name. */
function isVisible(name: string): boolean {
  return /[^\s\p{Default_Ignorable_Code_Point}\u2800]/u.test(name);
}
