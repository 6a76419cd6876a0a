import type { Config } from "../config.ts";

/**
 * What the environment makes the bridge use in place of the sandbox's own parts, one sentence each: what the portal lists
 * then lies in another drive than the bridge opens.
 */
export function usedElsewhere(
  { CLOUDREVE_URL, DISCOVERY_URLS }: Pick<Config, "CLOUDREVE_URL" | "DISCOVERY_URLS">,
  own: { readonly driveUrl: string; readonly discoveryUrl: string },
): string[] {
  const editors = DISCOVERY_URLS.join(", ");
  return [
    ...(CLOUDREVE_URL === own.driveUrl
      ? []
      : [`The bridge uses the drive at ${CLOUDREVE_URL} (CLOUDREVE_URL); the sandbox's own is at ${own.driveUrl}.`]),
    ...(editors === own.discoveryUrl
      ? []
      : [
          `The bridge uses ${editors === "" ? "no editor's discovery" : `the editor of ${editors}`} (DISCOVERY_URLS); the sandbox's own is at ${own.discoveryUrl}.`,
        ]),
  ];
}
