import type { Language } from "../../words/language.ts";
import type { Html } from "../html.ts";

/** A page and its own headers. */
export interface Page {
  readonly body: Html;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Brand {
  readonly name?: string;
  readonly logoUrl?: string;
}

/** What every page needs to know. */
export interface PageContext {
  readonly language: Language;
  /** For the styles and scripts of this answer. */
  readonly nonce: string;
  /** Public base address, without a slash at the end; every address in a page starts with it. */
  readonly bridgeUrl: string;
  /** Path and query of the page itself, for the language switch; only for pages that answer a GET. */
  readonly path: string;
  /** The person who has signed in. */
  readonly person:
    | {
        readonly name: string;
        readonly isAdministrator?: true;
        /** By visitors of their links, who want to edit. */
        readonly requests?: number;
      }
    | undefined;
  /** What the operator calls the bridge; our own name and mark where it says nothing. */
  readonly brand?: Brand;
}
