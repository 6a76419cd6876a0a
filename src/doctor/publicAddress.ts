import { SignJWT } from "jose";
import { z } from "zod";
import type { Config } from "../config.ts";
import { deriveKey } from "../http/accessToken.ts";
import { type Finding, failed, finding, ok, type Verdict } from "./finding.ts";
import {
  type Answer,
  type Asked,
  ask,
  headerOf,
  isAnswer,
  isFromBridge,
  isRedirect,
  jsonOf,
  newCorrelationId,
} from "./httpProbe.ts";

/** Not the language the request asks for: only a bridge that can read our cookie answers in it. */
const cookieLanguage = "zh-CN";
const cookieLivesMs = 60_000;
const healthSchema = z.object({ ok: z.literal(true) });

/** The address the bridge listens on, without any proxy. @returns undefined when the port is chosen at start */
export function localAddress({ HOST, PORT }: Config): string | undefined {
  const host = HOST === "0.0.0.0" || HOST === "::" ? "127.0.0.1" : HOST;
  return PORT === 0 ? undefined : `http://${host.includes(":") ? `[${host}]` : host}:${PORT}`;
}

/** Does the bridge answer on the address it listens on? From another container it can't be reached there. */
export async function isRunningHere(config: Config): Promise<boolean> {
  const address = localAddress(config);
  if (address === undefined) return false;
  const correlationId = newCorrelationId();
  const asked = await ask(`${address}/healthz`, { headers: { "X-Correlation-Id": correlationId } });
  return isAnswer(asked) && isFromBridge(asked, correlationId);
}

/** Calls the bridge at its public address, as a browser does. */
export async function examinePublicAddress(config: Config, runsHere: Promise<boolean>): Promise<Finding[]> {
  const { BRIDGE_URL: url } = config;
  const correlationId = newCorrelationId();
  const asked = await ask(`${url}/healthz`, { headers: { "X-Correlation-Id": correlationId } });
  const address = judgeHealth(asked, correlationId, config, await runsHere);
  const findings = [finding("browser", "bridge's address", address)];
  if (address.outcome !== "ok") return findings;
  const cookie = `${url.startsWith("https:") ? "__Host-" : ""}bridge-lang=${await languageCookie(config.SECRET)}`;
  const page = await ask(`${url}/signin`, { headers: { "Accept-Language": "en", Cookie: cookie } });
  return [
    ...findings,
    finding("browser", "secret", judgeSecret(page)),
    finding("browser", "page headers", judgePageHeaders(page)),
  ];
}

/** Signed the way the bridge does it. @see http/signedCookies.ts, pages/pageAnswer.ts */
function languageCookie(secret: string): Promise<string> {
  return new SignJWT({ c: cookieLanguage })
    .setProtectedHeader({ alg: "HS256" })
    .setAudience("lang")
    .setExpirationTime(new Date(Date.now() + cookieLivesMs))
    .sign(deriveKey(secret, "cookie"));
}

/** @param asked answer of `/healthz` @param runsHere the bridge answers on the address it listens on */
export function judgeHealth(asked: Asked, correlationId: string, config: Config, runsHere: boolean): Verdict {
  const { BRIDGE_URL: url } = config;
  const listening = localAddress(config) ?? "the bridge";
  if (!isAnswer(asked)) {
    return runsHere
      ? failed(
          `The bridge is running, but BRIDGE_URL ${url} does not lead to it: ${asked.reason}.`,
          `BRIDGE_URL=<public address whose proxy leads to ${listening}>`,
        )
      : failed(`Nothing answers at BRIDGE_URL ${url}: ${asked.reason}.`, "start the bridge: npm start");
  }
  if (isFromBridge(asked, correlationId) && healthSchema.safeParse(jsonOf(asked)).success) {
    return ok(`The bridge answers at ${url}.`);
  }
  const what = isRedirect(asked)
    ? `BRIDGE_URL ${url} redirects to ${placeOf(asked)}`
    : [502, 503, 504].includes(asked.status)
      ? `The proxy at BRIDGE_URL ${url} can't reach the bridge (HTTP ${asked.status})`
      : `Something answers at BRIDGE_URL ${url}, but it is not the bridge (HTTP ${asked.status})`;
  return failed(
    `${what}.`,
    runsHere
      ? `BRIDGE_URL=${listening} (or the public address that leads there)`
      : "BRIDGE_URL=<public address of the bridge>",
  );
}

/** Host and path of a redirect, without its query. */
export function placeOf(answer: Answer): string {
  const location = headerOf(answer, "location") ?? "nowhere";
  return location.split("?", 1)[0] ?? location;
}

/** @param page `/signin`, requested with a cookie signed with this SECRET */
function judgeSecret(page: Asked): Verdict {
  if (isAnswer(page) && page.text.includes(`<html lang="${cookieLanguage}"`)) {
    return ok("The bridge at BRIDGE_URL uses this SECRET.");
  }
  return failed(
    "The bridge at BRIDGE_URL uses a different SECRET, or a proxy strips cookies.",
    "SECRET=<the one the running bridge was started with>",
  );
}

/** Do the page's headers arrive the way the bridge sent them? @see pages/views/layout.ts */
export function judgePageHeaders(page: Asked): Verdict {
  if (!isAnswer(page))
    return failed(`The sign-in page does not answer: ${page.reason}.`, "start the bridge: npm start");
  const policy = headerOf(page, "content-security-policy") ?? "";
  const nonce = /nonce-([A-Za-z0-9+/=]+)/.exec(policy)?.[1];
  if (!policy.startsWith("default-src 'none'") || nonce === undefined) {
    return failed(
      "A proxy replaces or removes the Content-Security-Policy of the bridge's pages.",
      "proxy in front of BRIDGE_URL: leave Content-Security-Policy alone (nginx: no add_header or proxy_hide_header for it)",
    );
  }
  // The bridge's own policy has no comma: anything after one was added on the way.
  if (policy.includes(",")) {
    return failed(
      "A proxy adds a second Content-Security-Policy to the bridge's pages, and browsers apply both.",
      "proxy in front of BRIDGE_URL: remove add_header Content-Security-Policy",
    );
  }
  const frameOptions = headerOf(page, "x-frame-options");
  if (frameOptions !== undefined) {
    return failed(
      `A proxy adds X-Frame-Options "${frameOptions}", so portals can't embed the bridge's pages.`,
      "proxy in front of BRIDGE_URL: remove add_header X-Frame-Options",
    );
  }
  if (!page.text.includes(`nonce="${nonce}"`)) {
    return failed(
      "A proxy serves the bridge's pages from its cache, so browsers will block their scripts.",
      "proxy in front of BRIDGE_URL: don't cache the bridge's pages (nginx: proxy_cache off)",
    );
  }
  return ok("The headers of the bridge's pages arrive unchanged.");
}
