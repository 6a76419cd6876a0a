import { type Browser, chromium } from "playwright-core";
import { find } from "./machine.ts";

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Debian's Chromium; a page of it is a person. @param more flags beside the usual ones */
export function openBrowser(more: readonly string[] = []): Promise<Browser> {
  const executablePath = find("chromium");
  if (executablePath === undefined) throw new Error("there is no Chromium on this machine");
  return chromium.launch({ executablePath, args: [...flags, ...more] });
}
