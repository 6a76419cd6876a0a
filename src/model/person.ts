/** Somebody who opens a document, as editors and colleagues are told. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly email?: string;
  readonly avatarUrl?: string;
  /** A visitor who gave no name. */
  readonly isNameless?: true;
}
