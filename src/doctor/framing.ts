/** Can a page be framed? Reads its headers the way browsers do. No I/O here. @see CSP Level 3, frame-ancestors */

interface FramedPage {
  /** Origin of the page in the frame. */
  readonly origin: string;
  /** All policies, comma-separated. */
  readonly policy: string | undefined;
  readonly frameOptions: string | undefined;
}

/** @returns why the page can't be framed by this origin; undefined = it can */
export function refusalOf(page: FramedPage, ancestor: string): string | undefined {
  const lists = (page.policy ?? "").split(",").flatMap((policy) => {
    const sources = directive(policy, "frame-ancestors");
    return sources === undefined ? [] : [sources];
  });
  const refusing = lists.find((sources) => !sources.some((source) => admits(source, ancestor, page.origin)));
  if (refusing !== undefined) return `frame-ancestors ${refusing.join(" ") || "'none'"}`;
  // With frame-ancestors present, browsers ignore the older header.
  const option = page.frameOptions?.trim();
  if (lists.length > 0 || option === undefined || option === "") return undefined;
  const isSame = /^sameorigin$/i.test(option) && page.origin === ancestor;
  // Browsers ignore values they don't know, such as ALLOW-FROM.
  return isSame || !/^(deny|sameorigin)$/i.test(option) ? undefined : `X-Frame-Options ${option}`;
}

function directive(policy: string, name: string): readonly string[] | undefined {
  for (const part of policy.split(";")) {
    const [first = "", ...values] = part.trim().split(/\s+/);
    if (first.toLowerCase() === name) return values;
  }
  return undefined;
}

function admits(source: string, ancestor: string, own: string): boolean {
  const asked = new URL(ancestor);
  const text = source.toLowerCase();
  if (text === "'self'") return ancestor === own;
  if (text === "*") return /^https?:$/.test(asked.protocol);
  if (/^[a-z][a-z0-9+.-]*:$/.test(text)) return isSchemeAdmitted(text, asked.protocol);
  const [, scheme, host = "", port] =
    /^(?:([a-z][a-z0-9+.-]*:)\/\/)?(\[[^\]]*\]|[^:/]+)(?::(\d+|\*))?/.exec(text) ?? [];
  if (!isSchemeAdmitted(scheme ?? new URL(own).protocol, asked.protocol)) return false;
  const isHost =
    host === "*" || (host.startsWith("*.") ? asked.hostname.endsWith(host.slice(1)) : host === asked.hostname);
  if (!isHost || port === "*") return isHost;
  const askedPort = asked.port || usualPort(asked.protocol);
  return askedPort === (port ?? usualPort(asked.protocol)) || (port === "80" && askedPort === "443");
}

/** What is allowed over http is also allowed over https. */
function isSchemeAdmitted(source: string, asked: string): boolean {
  return source === asked || (source === "http:" && asked === "https:");
}

function usualPort(protocol: string): string {
  return protocol === "https:" ? "443" : "80";
}
