import { readPlainText, type TextForm, writePlainText } from "./plainText.ts";
import { SharedText } from "./sharedText.ts";

/** A file's bytes as the text that its users share. */
export class DocumentText {
  readonly shared: SharedText;
  readonly #loaded: Buffer;
  readonly #form: TextForm | undefined;

  constructor(loaded: Buffer) {
    const plain = readPlainText(loaded);
    this.#loaded = loaded;
    this.#form = plain?.form;
    this.shared = new SharedText(plain?.text ?? "");
  }

  /** Bytes that are not UTF-8 can be shown, not edited. */
  get isText(): boolean {
    return this.#form !== undefined;
  }

  /** The file as a save sends it: untouched while nobody has typed. */
  bytes(): Buffer {
    if (this.#form === undefined || this.shared.revision === 0) return this.#loaded;
    return writePlainText({ text: this.shared.text, form: this.#form });
  }
}
