import { isIP, isIPv4 } from "node:net";
import type { Request } from "express";

/**
 * Where a request comes from, for limits: an IPv4 address, or the /64 of an IPv6 address, since every household has at
 * least that many addresses.
 * @returns the connection's own address when a proxy passes on something that is not an address
 */
export function sourceOf(request: Pick<Request, "ip" | "socket">): string {
  return networkOf(request.ip) ?? networkOf(request.socket.remoteAddress) ?? "unknown";
}

/** @param text an address as sockets and X-Forwarded-For spell it, with brackets, port or zone */
export function networkOf(text: string | undefined): string | undefined {
  const address = plainAddress(text?.trim() ?? "");
  if (isIPv4(address)) return address;
  if (isIP(address) !== 6) return undefined;
  const groups = groupsOf(address);
  // ::ffff:a.b.c.d is an IPv4 address on a socket for both versions.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    const [high = 0, low = 0] = groups.slice(6);
    return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".");
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(":")}::/64`;
}

function plainAddress(text: string): string {
  if (text.length > 100) return "";
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1];
  const withPort = /^([\d.]+):\d+$/.exec(text)?.[1];
  return (bracketed ?? withPort ?? text).replace(/%.*$/, "");
}

/** The eight groups of a valid IPv6 address. */
function groupsOf(address: string): number[] {
  // The URL parser writes the last two groups of any spelling in hexadecimal.
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const numbers = (part: string) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16)));
  if (tail === undefined) return numbers(head);
  const [first, last] = [numbers(head), numbers(tail)];
  return [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
}
