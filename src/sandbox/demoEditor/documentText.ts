import { UnreadableFile } from "./office/officeFile.ts";
import { openOfficeFile } from "./office/openOfficeFile.ts";
import type { CommentLook, PageForm } from "./office/pageForm.ts";
import { readPlainText, writePlainText } from "./plainText.ts";
import { SharedText } from "./sharedText.ts";

interface Content {
  text: string;
  form: PageForm;
  write(text: string): Buffer;
  comment?(comment: CommentLook): number | undefined;
}

/** A file's bytes as the text that its users share. */
export class DocumentText {
  readonly shared: SharedText;
  readonly form: PageForm;
  readonly #loaded: Buffer;
  readonly #content: Content | { problem: string };

  constructor(loaded: Buffer, fileName: string) {
    this.#loaded = loaded;
    this.#content = contentOf(loaded, fileName);
    const isReadable = !("problem" in this.#content);
    this.shared = new SharedText(isReadable ? this.#content.text : "");
    this.form = isReadable ? this.#content.form : { kind: "plain" };
  }

  /** Why the bytes are nothing that this editor understands, and so can't be changed; undefined when they are. */
  get problem(): string | undefined {
    return "problem" in this.#content ? this.#content.problem : undefined;
  }

  /** Whether this kind of file takes comments. */
  get takesComments(): boolean {
    return !("problem" in this.#content) && this.#content.comment !== undefined;
  }

  /** @returns the comment's number among what is only shown; undefined when there can be no more */
  comment(comment: CommentLook): number | undefined {
    return "problem" in this.#content ? undefined : this.#content.comment?.(comment);
  }

  /** The file as a save sends it: untouched while nobody has typed. */
  bytes(): Buffer {
    if ("problem" in this.#content || this.shared.revision === 0) return this.#loaded;
    return this.#content.write(this.shared.text);
  }
}

function contentOf(bytes: Buffer, fileName: string): Content | { problem: string } {
  try {
    const office = openOfficeFile(bytes, fileName);
    if (office !== undefined) return office;
  } catch (error) {
    if (error instanceof UnreadableFile) return { problem: error.message };
    throw error;
  }
  const plain = readPlainText(bytes);
  if (plain === undefined) return { problem: "This file is not UTF-8 text." };
  return { text: plain.text, form: { kind: "plain" }, write: (text) => writePlainText({ text, form: plain.form }) };
}
