import type { AccessGrant } from "../documents/grants.ts";
import { BridgeError } from "../model/failure.ts";

/** Downloads are GetFile, uploads are calls with a document as their body, and everything else is small. */
type CallKind = "downloads" | "uploads" | "small calls";
type Shares = Readonly<Record<CallKind, number>>;

/**
 * How many calls may be open at once. An editor's server makes few, however many people type: it holds one copy of a
 * document, so it loads it once and saves it once at a time, with the token of a person who is present. Two or three of
 * a kind for one grant are a lot. A lecture hall that opens one link makes 200 CheckFileInfo and, with ONLYOFFICE, 200
 * GetFile, since its readers do not share a copy. Calls that timed out at the editor are closed and no longer count.
 */
const usualShares = {
  /** One session of one person on one document, and the sessions made from it. */
  grant: { downloads: 8, uploads: 8, "small calls": 32 },
  /** One person: each document in its own tab, and all of them saved when the browser is closed. */
  person: { downloads: 64, uploads: 64, "small calls": 128 },
  /** A link with all its visitors: each visit may be another person, on one file. */
  link: { downloads: 256, uploads: 96, "small calls": 512 },
  /** The account itself, which may also be every user of a portal that names nobody. */
  owner: { downloads: 256, uploads: 400, "small calls": 800 },
} as const satisfies Record<string, Shares>;
export type CallShares = Readonly<Record<keyof typeof usualShares, Shares>>;

/** The body of a call while it arrives. */
export interface ComingBody {
  /** undefined = it is complete, or has only just begun */
  bytesPerSecond(): number | undefined;
  /** Ends it before it is complete. */
  cut(): void;
}

interface OpenUpload {
  readonly linkKey: string;
  readonly body: ComingBody;
  readonly end: () => void;
}

/**
 * Counts open calls, so that nobody blocks the others: neither one session, nor many sessions of one person, nor one
 * person who appears as many. Each bridge counts its own.
 */
export class OpenCalls {
  readonly #shares: CallShares;
  readonly #open = new Map<string, number>();
  /** Bodies arriving through links. */
  readonly #coming = new Set<OpenUpload>();

  constructor(shares: CallShares = usualShares) {
    this.#shares = shares;
  }

  /**
   * When a link has no free upload left, the slowest body is cut: a visitor can return as a new person any number of
   * times, and their half-sent saves must not block those of others.
   * @returns a function that ends the call's count @throws tooManyCalls
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
      // A call that was cut has already ended.
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

  /** @returns false when there is none to cut */
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

/** Who a grant's open calls are counted for. */
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
  // For a rename, Collabora sends the whole document too.
  return isOfContents || override === "PUT_RELATIVE" || override === "RENAME_FILE" ? "uploads" : "small calls";
}
