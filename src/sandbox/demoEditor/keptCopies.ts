/** Bytes that the editor holds for a document's key after its last user has left. */
export interface KeptCopy {
  readonly bytes: Buffer;
  /** The host refused them: whoever opens the document next saves them, under their own name. */
  readonly isForgotten: boolean;
}

/**
 * What an ONLYOFFICE server keeps of exit saves, through restarts too. A document whose key is the same opens from here,
 * without GetFile: the host sees nothing of it and has only CheckFileInfo's Version to end it.
 */
export class KeptCopies {
  readonly #copies = new Map<string, KeptCopy>();

  keep(documentKey: string, copy: KeptCopy): void {
    this.#copies.set(documentKey, copy);
  }

  of(documentKey: string): KeptCopy | undefined {
    return this.#copies.get(documentKey);
  }
}
