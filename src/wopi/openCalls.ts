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

/** A body that comes in with a call. */
export interface ComingBody {
  /** undefined = it is whole, or has only begun */
  bytesPerSecond(): number | undefined;
  /** Ends it where it is. */
  cut(): void;
}

interface OpenUpload {
  readonly linkKey: string;
  readonly body: ComingBody;
  readonly end: () => void;
}

/**
 * Counts the calls that are open, so that nobody stops the others: neither by one session, nor by many sessions of one
 * person, nor by many persons that one makes of himself. Each bridge counts its own.
 */
export class OpenCalls {
  readonly #shares: CallShares;
  readonly #open = new Map<string, number>();
  /** Bodies that come in through links. */
  readonly #coming = new Set<OpenUpload>();

  constructor(shares: CallShares = usualShares) {
    this.#shares = shares;
  }

  /**
   * When a link's uploads are all open, the slowest body gives way: a visitor comes as often as he likes as somebody
   * else, and half-sent saves of his must not keep the others' off.
   * @returns ends the call's count @throws tooManyCalls
   */
  begin(grant: AccessGrant, kind: CallKind, body?: ComingBody): () => void {
    const counted = sharersOf(grant).map(([of, name]) => ({
      of,
      key: `${kind} ${of} ${name}`,
      most: this.#shares[of][kind],
    }));
    for (const { of, key, most } of counted) {
      if (this.#count(key) < most) continue;
      if (of !== "link" || !this.#cutSlowest(key)) throw new BridgeError({ kind: "tooManyCalls", of: kind });
    }
    for (const { key } of counted) this.#open.set(key, this.#count(key) + 1);
    const link = counted.find(({ of }) => of === "link");
    let isOpen = true;
    const end = (): void => {
      // One that gave way has ended already.
      if (!isOpen) return;
      isOpen = false;
      if (upload !== undefined) this.#coming.delete(upload);
      for (const { key } of counted) {
        const left = this.#count(key) - 1;
        if (left > 0) this.#open.set(key, left);
        else this.#open.delete(key);
      }
    };
    const upload = link === undefined || body === undefined ? undefined : { linkKey: link.key, body, end };
    if (upload !== undefined) this.#coming.add(upload);
    return end;
  }

  /** @returns false when none can be cut */
  #cutSlowest(linkKey: string): boolean {
    let slowest: { readonly upload: OpenUpload; readonly bytesPerSecond: number } | undefined;
    for (const upload of this.#coming) {
      const bytesPerSecond = upload.linkKey === linkKey ? upload.body.bytesPerSecond() : undefined;
      if (bytesPerSecond === undefined || bytesPerSecond >= (slowest?.bytesPerSecond ?? Number.POSITIVE_INFINITY))
        continue;
      slowest = { upload, bytesPerSecond };
    }
    slowest?.upload.end();
    slowest?.upload.body.cut();
    return slowest !== undefined;
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
