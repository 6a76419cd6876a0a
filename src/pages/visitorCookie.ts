import { createHash, randomBytes } from "node:crypto";
import type { Request, Response } from "express";
import { z } from "zod";
import type { SignedCookies } from "../http/signedCookies.ts";
import type { EditLink } from "../links/links.ts";

const cookieName = "visitor";
const rememberedForMs = 180 * 24 * 3_600_000;
const keptDoors = 20;
const longestName = 64;
/** More than the longest name with all that is taken out of it, and less than anybody would have to wait for. */
const looksAt = 1_024;

const visitorSchema = z.object({
  /** Stable on this browser: the same person in every document. */
  id: z.string(),
  name: z.string().optional(),
  /** Links whose password was given on this browser. */
  doors: z.array(z.string()),
});
type Visitor = z.output<typeof visitorSchema>;

/** A colleague without an account, as this browser remembers him. */
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

/** A changed password is asked for again. */
export function hasPassed(visitor: Visitor, link: EditLink): boolean {
  return visitor.doors.includes(doorOf(link));
}

function doorOf({ id, passwordHash = "" }: EditLink): string {
  return createHash("sha256").update(`${id}\n${passwordHash}`).digest("base64url").slice(0, 16);
}

/**
 * A name as a person types it, fit to be shown and to be part of a file name.
 * @returns undefined when nothing is left of it
 */
export function cleanName(text: unknown): string | undefined {
  if (typeof text !== "string") return undefined;
  // Controls, and what turns the direction of the text around it; joiners belong to names and emoji.
  const shown = text
    .slice(0, looksAt)
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u061C\u200B\u200E\u200F\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFEFF]/gu, " ");
  const whole = shown.replace(/\s+/g, " ").trim();
  // A joiner that the cut has left behind would join the name to what follows it.
  const name = [...whole]
    .slice(0, longestName)
    .join("")
    .replace(/[\s\u200C\u200D]+$/u, "");
  return isVisible(name) ? name : undefined;
}

/** Joiners, fillers and blank patterns alone are no name. */
function isVisible(name: string): boolean {
  return /[^\s\p{Default_Ignorable_Code_Point}\u2800]/u.test(name);
}
