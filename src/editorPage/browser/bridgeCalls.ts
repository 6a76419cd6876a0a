// What the page asks the bridge, without cookies: its address holds the page's key.

const callTimeoutMs = 10_000;

/** @param pageUrl the page's address on the bridge, `…/edit/KEY` */
export function bridgeCalls(pageUrl: string) {
  return {
    ask: (
      what: "status" | "renew" | "address" | "ask",
      method: "GET" | "POST",
      body?: Readonly<Record<string, unknown>>,
    ): Promise<Response> =>
      fetch(`${pageUrl}/${what}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
        credentials: "omit",
        cache: "no-store",
        signal: AbortSignal.timeout(callTimeoutMs),
      }),
    /** keepalive sends it after the page is closed, as a beacon would, but a beacon could not leave out cookies. */
    sayClosed: (): void => {
      fetch(`${pageUrl}/closed`, { method: "POST", credentials: "omit", keepalive: true }).catch(() => undefined);
    },
  };
}
