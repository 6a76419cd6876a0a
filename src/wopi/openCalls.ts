import type { AccessGrant } from "../documents/grants.ts";
import { BridgeError } from "../model/failure.ts";

/** Downloads are GetFile, uploads whatever comes with a document as its body, and all the rest is small. */
type CallKind = "downloads" | "uploads" | "small calls";
type Shares = Readonly<Record<CallKind, number>>;

/**
 * How many calls may be open at once. An editor's server makes few, whatever it does and however many people type: it
 * holds one copy of a document, so loads it once and saves it once at a time, with the token of whoever is there. Two or
 * three of a kind for one grant are much. A lecture hall that opens one link makes 200 CheckFileInfo and, with ONLYOFFICE,
 * 200 GetFile, since its readers do not share a copy. Calls that timed out at the editor have hung up and count no more.
 */
const usualShares = {
  /** One session of one person on one document, with what was opened from it. */
  grant: { downloads: 8, uploads: 8, "small calls": 32 },
  /** One person: every document in a tab of its own, and all of them saved as the browser is closed. */
  person: { downloads: 64, uploads: 64, "small calls": 128 },
  /** A link with all its visitors: each visit may be another person, and the file is one. */
  link: { downloads: 256, uploads: 96, "small calls": 512 },
  /** The account itself, which may also be everybody of a portal that names nobody. */
  owner: { downloads: 256, uploads: 400, "small calls": 800 },
} as const satisfies Record<string, Shares>;
export type CallShares = Readonly<Record<keyof typeof usualShares, Shares>>;

/**
 * Counts the calls that are open, so that nobody stops the others: neither by one session, nor by many sessions of one
 * person, nor by many persons that one makes of himself. Each bridge counts its own.
 */
export class OpenCalls {
  readonly #shares: CallShares;
  readonly #open = new Map<string, number>();

  constructor(shares: CallShares = usualShares) {
    this.#shares = shares;
  }

  /** @returns ends the call's count; to be called once @throws tooManyCalls */
  begin(grant: AccessGrant, kind: CallKind): () => void {
    const counted = sharersOf(grant).map(([of, name]) => ({
      key: `${kind} ${of} ${name}`,
      most: this.#shares[of][kind],
    }));
    if (counted.some(({ key, most }) => this.#count(key) >= most)) {
      throw new BridgeError({ kind: "tooManyCalls", of: kind });
    }
    for (const { key } of counted) this.#open.set(key, this.#count(key) + 1);
    return () => {
      for (const { key } of counted) {
        const left = this.#count(key) - 1;
        if (left > 0) this.#open.set(key, left);
        else this.#open.delete(key);
      }
    };
  }

  #count(key: string): number {
    return this.#open.get(key) ?? 0;
  }
}

/** Who shares what a grant has open. */
function sharersOf({ id, derivedFrom, person, ownerId, issuedTo, linkId }: AccessGrant) {
  const session = ["grant", derivedFrom ?? id] as const;
  if (linkId !== undefined) {
    return [session, ["person", `visitor ${person.id}`], ["link", linkId]] as const;
  }
  if (person.id === ownerId) return [session, ["owner", ownerId]] as const;
  return [session, ["person", `${issuedTo} ${person.id}`]] as const;
}

/** @param override of a POST */
export function kindOfCall(method: string, isOfContents: boolean, override: string | undefined): CallKind {
  if (method === "GET") return isOfContents ? "downloads" : "small calls";
  // Renaming, Collabora sends the whole document along.
  return isOfContents || override === "PUT_RELATIVE" || override === "RENAME_FILE" ? "uploads" : "small calls";
}
