/** Why a document has no text here. */
export type WhyNotRead = "unreadable" | "tooLarge";

/** Ends the reading of a document; never leaves this room. */
export class NotRead extends Error {
  readonly why: WhyNotRead;

  constructor(why: WhyNotRead, options?: ErrorOptions) {
    super(why, options);
    this.why = why;
  }
}
