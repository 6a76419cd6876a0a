import type { Config } from "../config.ts";
import { type BodyProbe, judgeBodyLimit, judgeBuffering, sendLargeBody } from "./bodyLimit.ts";
import { type Finding, failed, finding, ok, skipped, type Verdict, warning } from "./finding.ts";
import { type Asked, ask, isAnswer, isFromBridge, isRedirect, newCorrelationId } from "./httpProbe.ts";
import { localAddress, placeOf } from "./publicAddress.ts";

const mebibyte = 1024 * 1024;

/** Calls the bridge at the address editors are given, as an editor's server does, but with a fake token. */
export async function examineWopiAddress(config: Config, runsHere: Promise<boolean>): Promise<Finding[]> {
  const url = `${config.WOPI_URL ?? config.BRIDGE_URL}/wopi/files/doctor`;
  const correlationId = newCorrelationId();
  const asked = await ask(`${url}?access_token=doctor`, { headers: { "X-Correlation-Id": correlationId } });
  const address = judgeWopiAddress(asked, correlationId, config, await runsHere);
  const limitBytes = Math.floor(config.MAX_FILE_MB * mebibyte);
  const probe: BodyProbe | undefined =
    address.outcome === "ok" ? await sendLargeBody(`${url}/contents?access_token=doctor`, limitBytes) : undefined;
  const untold = skipped("Checked once the WOPI address is right.");
  return [
    finding("editor", "WOPI address", address),
    finding("editor", "largest save", probe === undefined ? untold : judgeBodyLimit(probe, config.MAX_FILE_MB)),
    finding("editor", "proxy buffering", probe === undefined ? untold : judgeBuffering(probe)),
  ];
}

/** @param asked answer to a call with a fake token, which the bridge refuses with 401 */
export function judgeWopiAddress(asked: Asked, correlationId: string, config: Config, runsHere: boolean): Verdict {
  const url = config.WOPI_URL ?? config.BRIDGE_URL;
  const name = config.WOPI_URL === undefined ? "WOPI_URL (BRIDGE_URL)" : "WOPI_URL";
  const change = `WOPI_URL=${suggestion(config, runsHere)}`;
  if (!isAnswer(asked)) {
    const isStopped = !runsHere && url === config.BRIDGE_URL;
    return failed(
      `Nothing answers at ${name} ${url}: ${asked.reason}.`,
      isStopped ? "start the bridge: npm start" : change,
    );
  }
  if (isFromBridge(asked, correlationId)) {
    if (asked.status === 401) return ok(`The bridge answers editors at ${url}.`);
    return warning(
      `The bridge at ${url} answers a fake token with HTTP ${asked.status} instead of 401; its log says why.`,
      "STORE_URL=<a store the running bridge can reach>",
    );
  }
  if (isRedirect(asked)) {
    return failed(
      `A proxy at ${name} ${url} redirects to a sign-in at ${placeOf(asked)}, where editors can't sign in.`,
      change,
    );
  }
  if ([502, 503, 504].includes(asked.status)) {
    return failed(`The proxy at ${name} ${url} can't reach the bridge (HTTP ${asked.status}).`, change);
  }
  return failed(`Something answers at ${name} ${url}, but it is not the bridge (HTTP ${asked.status}).`, change);
}

/** The best address known to lead directly to the bridge. */
function suggestion(config: Config, runsHere: boolean): string {
  const local = localAddress(config);
  if (runsHere && local !== undefined)
    return `${local} (or another address that leads to the bridge without a sign-in page)`;
  if (config.WOPI_URL !== undefined && config.WOPI_URL !== config.BRIDGE_URL) return config.BRIDGE_URL;
  return "<an address that leads directly to the bridge, without a sign-in page>";
}
