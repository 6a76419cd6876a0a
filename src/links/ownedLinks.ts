import { type EditLink, linkEnd } from "./links.ts";

export const linkStates = ["active", "signInNeeded", "expired", "revoked"] as const;
/** What its owner has to know first; `signInNeeded`: it works again once the owner has signed in. */
export type LinkState = (typeof linkStates)[number];

/** What an owner looks for in the list; an empty text is in all links. */
export interface LinkFilter {
  readonly text: string;
  readonly state: LinkState | "all";
}

/** All links to one file or folder that the filter lets through, the newest first. */
export interface SharedDocument {
  readonly fileId: string;
  readonly links: readonly EditLink[];
}

/** @param signedOut accounts whose sign-in has ended */
export function linkState(link: EditLink, nowMs: number, signedOut: ReadonlySet<string>): LinkState {
  return linkEnd(link, nowMs)?.because ?? (signedOut.has(link.account) ? "signInNeeded" : "active");
}

/** @param links the newest first, as their documents then are */
export function sharedDocuments(
  links: readonly EditLink[],
  filter: LinkFilter,
  stateOf: (link: EditLink) => LinkState,
): SharedDocument[] {
  const sought = plain(filter.text);
  const documents = new Map<string, EditLink[]>();
  for (const link of links) {
    if (filter.state !== "all" && stateOf(link) !== filter.state) continue;
    if (![link.fileName, link.note ?? "", portalOf(link) ?? ""].some((text) => plain(text).includes(sought))) continue;
    const others = documents.get(link.fileId);
    if (others === undefined) documents.set(link.fileId, [link]);
    else others.push(link);
  }
  return [...documents].map(([fileId, of]) => ({ fileId, links: of }));
}

/** The portal that made a link for its owner; undefined for one that the owner made. */
export function portalOf({ maker }: EditLink): string | undefined {
  return maker.startsWith("portal:") ? maker.slice("portal:".length) : undefined;
}

const plain = (text: string): string => text.normalize("NFC").trim().toLocaleLowerCase();
