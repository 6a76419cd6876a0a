import { createHash, randomBytes } from "node:crypto";
import type { Request, Response } from "express";
import { z } from "zod";
import type { SignedCookies } from "../http/signedCookies.ts";
import type { EditLink } from "../links/links.ts";

const cookieName = "visitor";
const rememberedForMs = 180 * 24 * 3_600_000;
const keptDoors = 20;

const visitorSchema = z.object({
  /** The same in this browser for every document. */
  id: z.string(),
  name: z.string().optional(),
  /** Links whose password was entered in this browser. */
  doors: z.array(z.string()),
});
export type Visitor = z.output<typeof visitorSchema>;

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
