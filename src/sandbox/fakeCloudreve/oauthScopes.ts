import type { Call, Route } from "./call.ts";
import { DriveError } from "./driveError.ts";

interface ScopeRule {
  /** What the path begins with, below `/api/v4`; the first rule that fits counts. */
  readonly under: string;
  readonly resource: string;
  /** Calls that ask for the Write scope behind the Read scope. */
  readonly writes: (route: Route) => boolean;
}

const rules: readonly ScopeRule[] = [
  { under: "/file", resource: "Files", writes: isFileWrite },
  { under: "/share", resource: "Shares", writes: (route) => route.method !== "GET" },
  { under: "/user/setting", resource: "UserInfo", writes: (route) => route.method !== "GET" },
  { under: "/user/me", resource: "UserInfo", writes: () => false },
  { under: "/user/capacity", resource: "UserInfo", writes: () => false },
  { under: "/user/search", resource: "UserInfo", writes: () => false },
  { under: "/admin", resource: "Admin", writes: (route) => route.method === "PUT" || isChange(route) },
];

/** The scopes that a call asks of a token of an OAuth client, in the order in which they are missed. */
export function neededScopes(route: Route): readonly string[] {
  const path = route.path.replace(/^\/api\/v4/, "");
  if (path === "/session/token/refresh") return ["offline_access"];
  if (path.startsWith("/session/oauth/grant/")) return ["UserSecurityInfo.Write"];
  // The address of a packed download is signed and asks for nothing else.
  if (path.startsWith("/file/archive/")) return [];
  const rule = rules.find(({ under }) => path === under || path.startsWith(`${under}/`));
  if (!rule) return [];
  return rule.writes(route) ? [`${rule.resource}.Read`, `${rule.resource}.Write`] : [`${rule.resource}.Read`];
}

/**
 * Tokens of a password sign-in may do everything; Write includes Read of the same resource.
 * @throws DriveError 40089 for the first scope that is missing
 */
export function requireScopes(call: Call, needed: readonly string[]): void {
  const { scopes } = call;
  if (!scopes) return;
  const missing = needed.find((scope) => !scopes.includes(scope) && !scopes.includes(writeScopeOf(scope)));
  if (missing !== undefined) throw new DriveError(40089, `Insufficient scope: ${missing}`);
}

function writeScopeOf(scope: string): string {
  return scope.replace(/\.Read$/, ".Write");
}

// A viewer session is a write there even for viewing, the URL of a download is none.
function isFileWrite(route: Route): boolean {
  return route.method !== "GET" && route.method !== "HEAD" && route.path !== "/api/v4/file/url";
}

// A POST with an administrator only reads, as lists are asked for by POST.
function isChange(route: Route): boolean {
  return route.method === "PATCH" || route.method === "DELETE";
}
