import { droppedReason, type NoAnswer, noTlsReason, refusedReason } from "./httpProbe.ts";

/** What is wrong with an address that others are given? No I/O here. */

/** True for a compose service or a loopback address when the bridge itself has a public name. */
export function isInnerName(hostname: string, bridgeHostname: string): boolean {
  if (isLoopback(hostname)) return !isLoopback(bridgeHostname);
  return !hostname.includes(".") && !hostname.startsWith("[") && bridgeHostname.includes(".");
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** The line to change when nothing answers where the editor sends browsers. @param origin as in its discovery */
export function addressLine({ reason }: NoAnswer, origin: string, suite: string): string {
  if (suite !== "collabora") return "the editor's public address: <scheme, host and port that browsers use>";
  if (reason === noTlsReason) {
    return `Collabora: extra_params=--o:ssl.termination=false (or serve ${origin} with TLS)`;
  }
  if (reason === droppedReason && origin.startsWith("http:")) {
    return "Collabora: extra_params=--o:ssl.termination=true (if TLS is served there)";
  }
  if (reason === refusedReason)
    return `Collabora: server_name=<host:port that browsers use> (now ${new URL(origin).host})`;
  return "Collabora: server_name=<public host of the editor>";
}
