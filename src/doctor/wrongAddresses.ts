import type { Config } from "../config.ts";
import type { Finding } from "./finding.ts";

/** An address that has been found to be wrong is advised to nobody. No I/O here. */

interface WrongAddress {
  readonly setting: string;
  /** The check that found it wrong. */
  readonly check: string;
  readonly address: string;
}

/** Replaces advice that contains a wrong address: what is wrong with the address comes first. */
export function withoutWrongAddresses(findings: readonly Finding[], config: Config): Finding[] {
  const wrong = wrongAddresses(findings, config);
  return findings.map((one) => {
    const { change } = one;
    const contained = change === undefined ? undefined : wrong.find(({ address }) => advises(change, address));
    if (contained === undefined) return one;
    const { setting, check } = contained;
    const isOwn = nameOf(one) === check;
    return { ...one, change: isOwn ? `${setting}=<the right address>` : `first ${setting}, see "${check}"` };
  });
}

function wrongAddresses(findings: readonly Finding[], config: Config): WrongAddress[] {
  const { BRIDGE_URL, WOPI_URL, CLOUDREVE_URL, CLOUDREVE_PUBLIC_URL, DISCOVERY_URLS } = config;
  const bridge = { setting: "BRIDGE_URL", address: new URL(BRIDGE_URL).origin };
  const wopi = WOPI_URL === undefined ? bridge : { setting: "WOPI_URL", address: new URL(WOPI_URL).origin };
  const drive = { setting: "CLOUDREVE_URL", address: CLOUDREVE_URL };
  const published =
    CLOUDREVE_PUBLIC_URL === undefined ? drive : { setting: "CLOUDREVE_PUBLIC_URL", address: CLOUDREVE_PUBLIC_URL };
  const behind: Readonly<Record<string, readonly Omit<WrongAddress, "check">[]>> = {
    "bridge's address": [bridge],
    "WOPI address": [wopi],
    Cloudreve: [drive],
    "public address": [published],
    discovery: DISCOVERY_URLS.map((address) => ({ setting: "DISCOVERY_URLS", address })),
  };
  return findings
    .filter(({ outcome }) => outcome === "failed")
    .flatMap((one) => {
      const check = nameOf(one);
      const host = /\((.+)\)$/.exec(one.check)?.[1];
      const meant = behind[check] ?? [];
      return meant
        .filter(({ address }) => host === undefined || new URL(address).host === host)
        .map((address) => ({ ...address, check }));
    });
}

/** Of several editors, each check has the host behind it. */
const nameOf = ({ check }: Finding): string => check.replace(/ \(.+\)$/, "");

/** As a value, not as "now …". */
function advises(change: string, address: string): boolean {
  const values = change.replace(/\(now [^)]*\)/g, "");
  for (let at = values.indexOf(address); at >= 0; at = values.indexOf(address, at + 1)) {
    // Another port, or a longer name, is another address.
    if (!/^[\w.:-]/.test(values.slice(at + address.length))) return true;
  }
  return false;
}
