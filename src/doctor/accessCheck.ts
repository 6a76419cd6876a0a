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

/** What stands in the way, and the line to change, by Collabora's words. */
const obstacles: Readonly<Record<string, (wopiUrl: string) => readonly [why: string, change: string]>> = {
  HostNotFound: (url) => [
    "it does not know the name",
    `WOPI_URL=<an address that the editor's server resolves> (now ${url})`,
  ],
  WopiHostNotAllowed: (url) => ["it may not call that host", `Collabora: aliasgroup1=${new URL(url).origin}`],
  ConnectionAborted: (url) => [
    "the connection broke off",
    `WOPI_URL=<an address that reaches the bridge> (now ${url})`,
  ],
  Timeout: (url) => ["no answer came in time", `WOPI_URL=<an address that the editor's server may reach> (now ${url})`],
  MissingSsl: (url) => ["no TLS is spoken there", `WOPI_URL=${url.replace(/^https:/, "http:")}`],
  NotHttps: (url) => ["it takes hosts over https only", `WOPI_URL=${url.replace(/^http:/, "https:")}`],
  SslHandshakeFail: (url) => [
    "the TLS handshake failed",
    `WOPI_URL=${url.replace(/^https:/, "http:")} (or mend its TLS)`,
  ],
};

/** @param manual the command that answers the same, for editors that can't be asked */
export function judgeAccessCheck(asked: Asked | undefined, wopiUrl: string, manual: string): Verdict {
  if (asked === undefined) {
    return skipped(`This editor can't be asked; run in its container, expecting 401: ${manual}`);
  }
  const status = isAnswer(asked) ? statusSchema.safeParse(jsonOf(asked)).data?.status : undefined;
  if (status === undefined) return skipped(`The editor did not say; run in its container, expecting 401: ${manual}`);
  // The bridge refuses the made-up document: that is the answer which shows that it was reached.
  if (status === "NotHttpSuccess") return ok(`The editor's server reaches the bridge at ${wopiUrl}.`);
  if (status === "Ok") {
    return warning(
      `The editor's server reaches something at ${wopiUrl} that lets a made-up token in: not the bridge.`,
      "WOPI_URL=<the bridge's own address as the editor's server reaches it>",
    );
  }
  if (/Certificate/.test(status)) {
    return failed(
      `The editor's server does not accept the certificate at ${wopiUrl} (${status}).`,
      "Collabora: extra_params=--o:ssl.ssl_verification=false (or give the address a certificate it trusts)",
    );
  }
  const [why, change] = obstacles[status]?.(wopiUrl) ?? [
    status,
    `WOPI_URL=<an address that reaches the bridge> (now ${wopiUrl})`,
  ];
  return failed(`The editor's server does not reach the bridge at ${wopiUrl}: ${why}.`, change);
}

/** The command by which an operator sees from the editor's side what the bridge answers there. */
export function manualCommand(wopiUrl: string): string {
  return `docker compose exec collabora curl -sS -o /dev/null -w '%{http_code}\\n' '${wopiUrl}/wopi/files/doctor'`;
}
