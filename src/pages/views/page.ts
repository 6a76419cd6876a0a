import type { Html } from "../html.ts";
import type { Language } from "../language.ts";

/** A page and the headers that only it needs. */
export interface Page {
  readonly body: Html;
  readonly headers: Readonly<Record<string, string>>;
}

/** What every page knows. */
export interface PageContext {
  readonly language: Language;
  /** For this answer's own styles and scripts. */
  readonly nonce: string;
  /** Public base address, without a slash at its end; every address in a page begins with it. */
  readonly bridgeUrl: string;
  /** Path and query of the page itself, for the language switch; of a page that a GET answers. */
  readonly path: string;
  /** Who has signed in. */
  readonly person: { readonly name: string } | undefined;
}
