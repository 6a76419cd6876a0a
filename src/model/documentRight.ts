/** What somebody may do with a document, the least first. */
export const documentRights = ["view", "comment", "review", "edit"] as const;
export type DocumentRight = (typeof documentRights)[number];

/**
 * Less than editing. It is written into the document like any change, so the bridge can't tell it apart: the editor
 * alone keeps people to it.
 */
export type LimitedRight = Exclude<DocumentRight, "view" | "edit">;

export function isMoreThan(right: DocumentRight, other: DocumentRight): boolean {
  return documentRights.indexOf(right) > documentRights.indexOf(other);
}

/** How a document is opened for somebody with this right. */
export function openedWith(right: DocumentRight): {
  readonly action: "view" | "edit";
  readonly limitedTo?: LimitedRight;
} {
  if (right === "view" || right === "edit") return { action: right };
  return { action: "edit", limitedTo: right };
}
