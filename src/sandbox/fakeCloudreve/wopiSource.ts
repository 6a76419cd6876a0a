import { queryEscape } from "./cloudreveUri.ts";
import type { FakeViewer } from "./fakeDrive.ts";

// What the real one fills in; `lng` and `darkmode` are literal words for the host page to replace.
const filled: Readonly<Record<string, string>> = {
  UI_LLCC: "lng",
  DC_LLCC: "lng",
  THEME_ID: "darkmode",
  EMBEDDED: "true",
  FULLSCREEN: "true",
};
const dropped = new Set([
  "DISABLE_CHAT",
  "HOST_SESSION_ID",
  "SESSION_CONTEXT",
  "RECORDING",
  "BUSINESS_USER",
  "DISABLE_ASYNC",
  "VALIDATOR_TEST_CATEGORY",
]);

/**
 * The action URL of an editor with its placeholders filled, the WOPI source in it, and always `lang=lng`.
 * @returns undefined when the editor has no action for the extension
 */
export function makeWopiSource(
  viewer: FakeViewer,
  extension: string,
  action: string,
  source: string,
): string | undefined {
  const actions = viewer.wopi_actions[extension];
  const template = actions?.[action] ?? actions?.["view"] ?? actions?.["edit"];
  if (template === undefined) return undefined;
  const url = new URL(template.replace(/[<>]/g, ""));
  const query = new Map<string, string>();
  for (const [key, value] of url.searchParams) {
    if (value === "WOPI_SOURCE") query.set(key, source);
    else if (!dropped.has(value) && !query.has(key)) query.set(key, filled[value] ?? value);
  }
  if (![...query.values()].includes(source)) query.set("WOPISrc", source);
  query.set("lang", "lng");
  const pairs = [...query].sort(([left], [right]) => (left < right ? -1 : 1));
  return `${url.origin}${url.pathname}?${pairs.map((pair) => pair.map(queryEscape).join("=")).join("&")}`;
}
