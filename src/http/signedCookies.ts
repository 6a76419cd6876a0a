import type { CookieOptions, Request, Response } from "express";
import { jwtVerify, SignJWT } from "jose";
import type { z } from "zod";
import type { Clock } from "../model/keyValueStore.ts";
import { deriveKey } from "./accessToken.ts";

/** Checking a signature takes time, and a header has room for a thousand cookies. */
const triedOfOneName = 8;

/** Cookies of our own pages: signed, for this host only, hidden from scripts, and not sent with other sites' forms. */
export class SignedCookies {
  readonly #keys: readonly Uint8Array[];
  readonly #now: Clock;
  readonly #isSecure: boolean;

  /** @param secrets the first signs, all verify (rotation) */
  constructor(secrets: readonly string[], bridgeUrl: string, now: Clock) {
    this.#keys = secrets.map((secret) => deriveKey(secret, "cookie"));
    this.#now = now;
    this.#isSecure = bridgeUrl.startsWith("https:");
  }

  /** @returns undefined when there is no valid cookie of ours */
  async read<Schema extends z.ZodType>(
    request: Request,
    name: string,
    schema: Schema,
  ): Promise<z.output<Schema> | undefined> {
    // Another host of the domain may have set a cookie of this name; browsers send both, perhaps that one first.
    for (const text of cookiesIn(request.get("Cookie") ?? "", this.#fullName(name)).slice(0, triedOfOneName)) {
      const claims = await this.verified(name, text, schema);
      if (claims !== undefined) return claims;
    }
    return undefined;
  }

  /** For what a page sends back itself. @param text what `statement` returned for this name @returns undefined for anything else */
  async verified<Schema extends z.ZodType>(
    name: string,
    text: string,
    schema: Schema,
  ): Promise<z.output<Schema> | undefined> {
    return schema.safeParse(await this.#claimsIn(text, name)).data;
  }

  /** @returns undefined for a value that is not ours; no schema accepts that */
  async #claimsIn(text: string, name: string): Promise<unknown> {
    for (const key of this.#keys) {
      try {
        const { payload } = await jwtVerify(text, key, {
          algorithms: ["HS256"],
          // A cookie made for one purpose is not valid for another.
          audience: name,
          requiredClaims: ["exp"],
          currentDate: new Date(this.#now()),
        });
        return payload["c"];
      } catch {
        // Try the next key; if none fits, there is no cookie.
      }
    }
    return undefined;
  }

  async write(response: Response, name: string, claims: unknown, lifetimeMs: number): Promise<void> {
    const [fullName, text] = await this.signed(name, claims, lifetimeMs);
    response.cookie(fullName, text, { ...this.#options(), maxAge: lifetimeMs });
  }

  /** @returns name and value, as browsers send them back */
  async signed(name: string, claims: unknown, lifetimeMs: number): Promise<readonly [name: string, value: string]> {
    return [this.#fullName(name), await this.statement(name, claims, lifetimeMs)];
  }

  /** The same without a cookie: a page shows it, and sends it back. */
  async statement(name: string, claims: unknown, lifetimeMs: number): Promise<string> {
    const [key] = this.#keys;
    if (key === undefined) throw new TypeError("a cookie needs a key");
    return new SignJWT({ c: claims })
      .setProtectedHeader({ alg: "HS256" })
      .setAudience(name)
      .setExpirationTime(Math.floor((this.#now() + lifetimeMs) / 1000))
      .sign(key);
  }

  clear(response: Response, name: string): void {
    response.clearCookie(this.#fullName(name), this.#options());
  }

  /** `__Host-`: no other host of the domain can set it. Browsers accept that prefix only over https. */
  #fullName(name: string): string {
    return this.#isSecure ? `__Host-bridge-${name}` : `bridge-${name}`;
  }

  #options(): CookieOptions {
    return { httpOnly: true, sameSite: "lax", secure: this.#isSecure, path: "/" };
  }
}

function cookiesIn(header: string, name: string): string[] {
  return header.split(";").flatMap((part) => {
    const [key = "", ...value] = part.trim().split("=");
    return key === name ? [value.join("=")] : [];
  });
}
