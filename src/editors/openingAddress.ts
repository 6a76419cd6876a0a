import { BridgeError } from "../model/failure.ts";
import { fileType } from "../model/fileName.ts";
import { type ActionChoices, actionUrl, bareAddress } from "./actionUrl.ts";
import { bestAction, type OpeningWish } from "./bestAction.ts";
import type { EditorAction } from "./discovery.ts";
import { withSuiteParameters } from "./suites.ts";

/** A document, what somebody wants to do with it, and what goes into the editor's address besides. */
export interface Opening extends Omit<OpeningWish, "extension">, ActionChoices {
  readonly fileName: string;
}

export interface OpeningAddress {
  /** Complete, except for the token that is posted there. */
  readonly actionUrl: string;
  /** What is left of the wish. */
  readonly permission: "view" | "edit";
  /** The editor makes another file of it and leads on to our page for that one, so it needs the whole window. */
  readonly converts: boolean;
}

/**
 * Where an editor opens a document, by its discovery. Pure; everything that opens documents asks here.
 * @returns undefined when the discovery says nothing of such files
 * @throws noEditor when browsers could not show the address in a page
 */
export function openingAddress(actions: readonly EditorAction[], opening: Opening): OpeningAddress | undefined {
  const extension = fileType(opening.fileName);
  // Suites list actions without an extension, too: those are for MIME types.
  const chosen = extension === undefined ? undefined : bestAction(actions, { ...opening, extension });
  if (chosen === undefined) return undefined;
  return {
    actionUrl: completeAddress(chosen.action.urlsrc, opening),
    permission: chosen.permission,
    converts: chosen.action.name === "convert",
  };
}

/** An address from discovery, or from Cloudreve's viewer, made ready for our page. @throws noEditor as `openingAddress` */
export function completeAddress(source: string, choices: ActionChoices): string {
  const address = withSuiteParameters(actionUrl(source, choices), choices.theme);
  const sentence = unframeable(address);
  if (sentence !== undefined) throw new BridgeError({ kind: "noEditor", sentence });
  return address;
}

/**
 * Our page names the editor in its Content-Security-Policy, and that can't name an IPv6 address.
 * @returns why no browser shows this address in our page; undefined when they do
 */
export function unframeable(address: string): string | undefined {
  const { host, hostname } = new URL(bareAddress(address));
  if (!hostname.startsWith("[")) return undefined;
  return `The editor is at the IPv6 address ${host}, which browsers can't show inside a page: give it a host name, such as localhost, and use that in the editor's own settings and in DISCOVERY_URLS.`;
}
