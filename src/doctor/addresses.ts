/** Can those who reach the bridge by its own name also resolve another host name? No I/O here. */

/** True for a compose service or a loopback address when the bridge itself has a public name. */
export function isInnerName(hostname: string, bridgeHostname: string): boolean {
  if (isLoopback(hostname)) return !isLoopback(bridgeHostname);
  return !hostname.includes(".") && !hostname.startsWith("[") && bridgeHostname.includes(".");
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
