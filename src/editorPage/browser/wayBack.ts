// Where the page leads back to.

/** A link in the page. */
export interface Way {
  readonly label: string;
  readonly href: string;
  /** In another tab. */
  readonly isBeside?: boolean;
}

/**
 * Where a document's page leads back to: the address that a portal has put behind `#close=`, if it is one of a listed
 * portal, since the author of an address chooses its hash; otherwise the owner's documents; for guests nowhere.
 */
export function wayBackFrom({
  homeUrl,
  hash,
  embedOrigins,
}: {
  readonly homeUrl: string | null;
  readonly hash: string;
  readonly embedOrigins: readonly string[];
}): { readonly href: string; readonly isPortals: boolean } | undefined {
  const portals = addressIn(/^#close=([^&]+)$/.exec(hash)?.[1]);
  if (portals !== undefined && embedOrigins.includes(portals.origin)) return { href: portals.href, isPortals: true };
  return homeUrl === null ? undefined : { href: homeUrl, isPortals: false };
}

function addressIn(written: string | undefined): URL | undefined {
  try {
    const url = written === undefined ? undefined : new URL(decodeURIComponent(written));
    return url !== undefined && /^https?:$/.test(url.protocol) ? url : undefined;
  } catch {
    return undefined;
  }
}
