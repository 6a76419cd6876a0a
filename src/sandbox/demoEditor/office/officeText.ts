import type { CommentLook, PageForm } from "./pageForm.ts";

/** An office file's content as a text that several people can change at once. */
export interface OfficeText<Form extends PageForm = PageForm> {
  text: string;
  form: Form;
  /** The file with another text in place of its own; all that the text does not hold stays as it was. */
  write(text: string): Buffer;
  /** Takes a comment. @returns its number among what is only shown; undefined when there are too many */
  comment?(comment: CommentLook): number | undefined;
}
