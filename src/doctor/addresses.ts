/** Whether a host name means anything to those who reach the bridge by its own name. No I/O here. */

/** A service of a compose network, or a loopback address, while the bridge has a name that holds everywhere. */
export function isInnerName(hostname: string, bridgeHostname: string): boolean {
  if (isLoopback(hostname)) return !isLoopback(bridgeHostname);
  return !hostname.includes(".") && !hostname.startsWith("[") && bridgeHostname.includes(".");
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
