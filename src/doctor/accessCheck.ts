import { z } from "zod";
import { failed, ok, skipped, type Verdict, warning } from "./finding.ts";
import { type Asked, ask, isAnswer, jsonOf } from "./httpProbe.ts";

/**
 * Has the editor's server itself call an address of the bridge.
 * @see Collabora Online, POST /hosting/wopiAccessCheck (since 24.04.11, advertised as hasWopiAccessCheck)
 */
export function askForAccessCheck(discoveryUrl: string, probeUrl: string): Promise<Asked> {
  return ask(discoveryUrl.replace(/\/discovery\/?$/, "/wopiAccessCheck"), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ callbackUrl: probeUrl }),
  });
}

const statusSchema = z.object({ status: z.string() });

/** Collabora's status, in plain words, and the line to change. */
const obstacles: Readonly<Record<string, (wopiUrl: string) => readonly [why: string, change: string]>> = {
  HostNotFound: (url) => [
    "it can't resolve the name",
    `WOPI_URL=<an address the editor's server can resolve> (now ${url})`,
  ],
  WopiHostNotAllowed: (url) => [
    "its configuration does not allow that host",
    `Collabora: aliasgroup1=${new URL(url).origin}`,
  ],
  ConnectionAborted: (url) => [
    "the connection was dropped",
    `WOPI_URL=<an address that leads to the bridge> (now ${url})`,
  ],
  Timeout: (url) => ["it timed out", `WOPI_URL=<an address the editor's server can reach> (now ${url})`],
  MissingSsl: (url) => ["that address does not use TLS", `WOPI_URL=${url.replace(/^https:/, "http:")}`],
  NotHttps: (url) => ["it accepts https addresses only", `WOPI_URL=${url.replace(/^http:/, "https:")}`],
  SslHandshakeFail: (url) => [
    "the TLS handshake failed",
    `WOPI_URL=${url.replace(/^https:/, "http:")} (or fix its TLS)`,
  ],
};

/** @param manual the same check as a command, for editors that can't run it themselves */
export function judgeAccessCheck(asked: Asked | undefined, wopiUrl: string, manual: string): Verdict {
  if (asked === undefined) {
    return skipped(
      `This editor can't test its own connection. Run this in its container; it should print 401: ${manual}`,
    );
  }
  const status = isAnswer(asked) ? statusSchema.safeParse(jsonOf(asked)).data?.status : undefined;
  if (status === undefined)
    return skipped(`The editor did not report a result. Run this in its container; it should print 401: ${manual}`);
  // The bridge refuses the made-up document, which shows that the editor reached it.
  if (status === "NotHttpSuccess") return ok(`The editor's server can reach the bridge at ${wopiUrl}.`);
  if (status === "Ok") {
    return warning(
      `The editor's server reaches something at ${wopiUrl} that accepts a fake token, so it is not the bridge.`,
      "WOPI_URL=<the bridge's address, as seen from the editor's server>",
    );
  }
  if (/Certificate/.test(status)) {
    return failed(
      `The editor's server does not accept the certificate at ${wopiUrl} (${status}).`,
      "Collabora: extra_params=--o:ssl.ssl_verification=false (or use a certificate it trusts)",
    );
  }
  const [why, change] = obstacles[status]?.(wopiUrl) ?? [
    status,
    `WOPI_URL=<an address that leads to the bridge> (now ${wopiUrl})`,
  ];
  return failed(`The editor's server can't reach the bridge at ${wopiUrl}: ${why}.`, change);
}

/** A command that shows the operator how the bridge answers when called from the editor's container. */
export function manualCommand(wopiUrl: string): string {
  return `docker compose exec collabora curl -sS -o /dev/null -w '%{http_code}\\n' '${wopiUrl}/wopi/files/doctor'`;
}
