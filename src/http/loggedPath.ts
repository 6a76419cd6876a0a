/** Replaces the parts of a path that are, or may be, secret. */
const hidden = "-";
/** Ids are shorter than any secret: a link's has 32 characters, a token hundreds. */
const idPattern = /^[A-Za-z0-9_.-]{1,20}$/;

/**
 * Addresses of the bridge. `:id` is shown, `:secret` is not. A path that fits none of them is hidden completely: it may
 * be a secret pasted after the wrong prefix, have a slash too many, or a prefix that a proxy should have removed.
 */
const shapes: readonly (readonly string[])[] = [
  "",
  "wopi/files/:id",
  "wopi/files/:id/contents",
  "wopi/files/:id/direct/contents",
  "wopi/files/:id/ancestry",
  "wopi/files/:id/ecosystem_pointer",
  "wopi/pictures/:secret/:id",
  "wopi/containers/:id",
  "wopi/containers/:id/children",
  "wopi/containers/:id/ancestry",
  "wopi/containers/:id/ecosystem_pointer",
  "wopi/ecosystem",
  "wopi/ecosystem/root_container_pointer",
  "wopibootstrapper",
  "api/sessions",
  "api/sessions/:id",
  "api/links",
  "api/links/:id",
  "api/links/:id/requests",
  "api/links/:id/requests/:id",
  "api/files",
  "api/files/:id/activity",
  "api/files/:id/lock",
  "api/files/:id/versions",
  "edit/:secret",
  "edit/:secret/renew",
  "edit/:secret/status",
  "edit/:secret/address",
  "edit/:secret/closed",
  "edit/:secret/new-file",
  "edit/:secret/own-tab",
  "edit/:secret/ask",
  "edit/:secret/pictures",
  "edit/:secret/pictures/:id",
  "edit/:secret/copy",
  "l/:secret",
  "l/:secret/:id",
  "signin",
  "signin/oauth",
  "signin/callback",
  "signin/password",
  "signin/second-factor",
  "signout",
  "news/dismiss",
  "documents",
  "documents/check",
  "documents/folders",
  "documents/templates",
  "documents/in-use",
  "documents/:id/download",
  "documents/:id/rename",
  "documents/:id/delete",
  "documents/:id/restore",
  "open",
  "share",
  "links",
  "links/:id",
  "links/:id/change",
  "links/:id/expiry",
  "links/:id/revoke",
  "links/:id/access",
  "links/:id/mail",
  "request-mails",
  "takeover",
  "takeover/:id",
  "download/:secret",
  "versions/:id",
  "versions/:id/open",
  "versions/:id/content",
  "versions/:id/compare",
  "versions/:id/restore",
  "versions/:id/name",
  "versions/:id/copies/:id/content",
  "saves",
  "saves/:id/content",
  "saves/:id/dismiss",
  "admin",
  "admin/doctor",
  "admin/saves/:id/content",
  "admin/saves/:id/place",
  "admin/saves/:id/dismiss",
  "admin/links/:id/revoke",
  "language",
  "assets/:id",
  "embed.js",
  "embed.d.ts",
  "openapi.json",
  "docs",
  "healthz",
  "readyz",
  "metrics",
].map((shape) => shape.split("/"));

/** The first part of an address is shown even if the rest is hidden. */
const areas = new Set(["wopi", "api"]);

/**
 * The path of a request as the log shows it, without its query.
 * @param target as it was sent: possibly with scheme and host, and in any spelling that Express accepts
 */
export function loggedPath(target: string): string {
  const path = target.replace(/^[a-z][a-z0-9+.-]{0,20}:\/\/[^/?#]*/i, "").split(/[?#]/, 1)[0] ?? "";
  const parts = path.replace(/^\//, "").replace(/\/$/, "").split("/");
  const shape = shapes.find(
    (known) => known.length === parts.length && known.every((part, at) => fits(part, parts[at])),
  );
  if (shape !== undefined) return `/${shape.map((part, at) => shown(part, parts[at] ?? "")).join("/")}`;
  const area = (parts[0] ?? "").toLowerCase();
  return areas.has(area) ? `/${area}/${hidden}` : hidden;
}

function fits(part: string, sent: string | undefined): boolean {
  if (sent === undefined) return false;
  // Express treats /EDIT like /edit.
  return part.startsWith(":") ? sent !== "" : sent.toLowerCase() === part;
}

function shown(part: string, sent: string): string {
  if (part === ":id") return idPattern.test(sent) ? sent : hidden;
  return part === ":secret" ? hidden : sent;
}
