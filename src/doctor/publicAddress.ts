import { z } from "zod";
import type { Config } from "../config.ts";
import { SignedCookies } from "../http/signedCookies.ts";
import { languageCookie } from "../pages/pageAnswer.ts";
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

/** The language that no browser of this question asks for: only who can read our cookie answers in it. */
const cookieLanguage = "zh-CN";
const cookieLivesMs = 60_000;
const healthSchema = z.object({ ok: z.literal(true) });

/** Where the bridge listens, past every proxy. @returns undefined when the port is chosen at start */
export function localAddress({ HOST, PORT }: Config): string | undefined {
  const host = HOST === "0.0.0.0" || HOST === "::" ? "127.0.0.1" : HOST;
  return PORT === 0 ? undefined : `http://${host.includes(":") ? `[${host}]` : host}:${PORT}`;
}

/** Whether the bridge answers where it listens; from another container it can't be asked there. */
export async function isRunningHere(config: Config): Promise<boolean> {
  const address = localAddress(config);
  if (address === undefined) return false;
  const correlationId = newCorrelationId();
  const asked = await ask(`${address}/healthz`, { headers: { "X-Correlation-Id": correlationId } });
  return isAnswer(asked) && isFromBridge(asked, correlationId);
}

/** Asks the bridge at its public address, as a browser does. */
export async function examinePublicAddress(config: Config, runsHere: Promise<boolean>): Promise<Finding[]> {
  const { BRIDGE_URL: url } = config;
  const correlationId = newCorrelationId();
  const asked = await ask(`${url}/healthz`, { headers: { "X-Correlation-Id": correlationId } });
  const address = judgeHealth(asked, correlationId, config, await runsHere);
  const findings = [finding("browser", "bridge's address", address)];
  if (address.outcome !== "ok") return findings;
  const cookies = new SignedCookies([config.SECRET], url, Date.now);
  const cookie = await cookies.signed(languageCookie, cookieLanguage, cookieLivesMs);
  const page = await ask(`${url}/signin`, { headers: { "Accept-Language": "en", Cookie: cookie.join("=") } });
  return [
    ...findings,
    finding("browser", "secret", judgeSecret(page)),
    finding("browser", "page headers", judgePageHeaders(page)),
  ];
}

/** @param asked answer of `/healthz` @param runsHere whether the bridge answers where it listens */
export function judgeHealth(asked: Asked, correlationId: string, config: Config, runsHere: boolean): Verdict {
  const { BRIDGE_URL: url } = config;
  const listening = localAddress(config) ?? "the bridge";
  if (!isAnswer(asked)) {
    return runsHere
      ? failed(
          `The bridge runs, but BRIDGE_URL ${url} does not lead to it: ${asked.reason}.`,
          `BRIDGE_URL=<public address whose proxy hands on to ${listening}>`,
        )
      : failed(`Nothing answers at BRIDGE_URL ${url}: ${asked.reason}.`, "start the bridge: npm start");
  }
  if (isFromBridge(asked, correlationId) && healthSchema.safeParse(jsonOf(asked)).success) {
    return ok(`The bridge answers at ${url}.`);
  }
  const what = isRedirect(asked)
    ? `BRIDGE_URL ${url} sends its callers on to ${placeOf(asked)}`
    : [502, 503, 504].includes(asked.status)
      ? `The proxy at BRIDGE_URL ${url} does not reach the bridge (HTTP ${asked.status})`
      : `What answers at BRIDGE_URL ${url} is not the bridge (HTTP ${asked.status})`;
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

/** @param page `/signin`, asked for with a cookie that only this SECRET signs */
function judgeSecret(page: Asked): Verdict {
  if (isAnswer(page) && page.text.includes(`<html lang="${cookieLanguage}"`)) {
    return ok("The bridge at BRIDGE_URL has this SECRET.");
  }
  return failed(
    "The bridge at BRIDGE_URL does not know this SECRET: it is another one, or a proxy takes cookies away.",
    "SECRET=<the one that the running bridge was started with>",
  );
}

/** Whether the page's headers arrive as the bridge has written them. @see host/pages/layout.ts */
export function judgePageHeaders(page: Asked): Verdict {
  if (!isAnswer(page))
    return failed(`The sign-in page does not answer: ${page.reason}.`, "start the bridge: npm start");
  const policy = headerOf(page, "content-security-policy") ?? "";
  const nonce = /nonce-([A-Za-z0-9+/=]+)/.exec(policy)?.[1];
  if (!policy.startsWith("default-src 'none'") || nonce === undefined) {
    return failed(
      "A proxy replaces or drops the Content-Security-Policy of the bridge's pages.",
      "proxy of BRIDGE_URL: leave Content-Security-Policy as it is (nginx: no add_header or proxy_hide_header of it)",
    );
  }
  // The bridge's own policy holds no comma: what follows one was added on the way.
  if (policy.includes(",")) {
    return failed(
      "A proxy adds a second Content-Security-Policy to the bridge's pages; browsers obey both.",
      "proxy of BRIDGE_URL: remove add_header Content-Security-Policy",
    );
  }
  const frameOptions = headerOf(page, "x-frame-options");
  if (frameOptions !== undefined) {
    return failed(
      `A proxy adds X-Frame-Options "${frameOptions}": portals may not frame the bridge's pages.`,
      "proxy of BRIDGE_URL: remove add_header X-Frame-Options",
    );
  }
  if (!page.text.includes(`nonce="${nonce}"`)) {
    return failed(
      "A proxy serves the bridge's pages from its cache: their scripts will be blocked.",
      "proxy of BRIDGE_URL: no cache for pages of the bridge (nginx: proxy_cache off)",
    );
  }
  return ok("The headers of the bridge's pages arrive as they were written.");
}
