import type { EditorAction } from "./discovery.ts";

/** What somebody wants to do with a document, and what is known of it. */
export interface OpeningWish {
  /** Lower case, without a dot. */
  readonly extension: string;
  readonly permission: "edit" | "view";
  /** 0 bytes is no document yet: editors that offer `editnew` make one of it. */
  readonly sizeBytes: number;
  readonly isPhone: boolean;
  /** Shown inside something else, with nothing around the document. */
  readonly isEmbedded: boolean;
  /** May a file be made beside it? Converting an old format does so. */
  readonly maySaveAs: boolean;
}

export interface ChosenAction {
  readonly action: EditorAction;
  /** What is left of the wish: an editor that can only show a format gives no right to change it. */
  readonly permission: "edit" | "view";
}

/** Actions under which the document itself can change; with a right to view alone CheckFileInfo makes them read-only. */
export const editingActions: ReadonlySet<string> = new Set([
  "editnew",
  "mobileEdit",
  "edit",
  "view_comment",
  "convert",
]);

/**
 * The editor's address for a wish. What fits best comes first; a wish to view is also met by an address for editing
 * (Collabora's discovery has `edit` alone for most formats), a wish to edit by one for viewing.
 * @returns undefined when the editor does not know the extension
 * @see WOPI discovery, actions; reference real-editors.md, Collabora 8, ONLYOFFICE 8
 */
export function bestAction(actions: readonly EditorAction[], wish: OpeningWish): ChosenAction | undefined {
  const offered = actions.filter(({ extension }) => extension === wish.extension);
  for (const name of wish.permission === "edit" ? [...namesToEdit(wish), ...namesToView(wish)] : namesToView(wish)) {
    const action = offered.find((offer) => offer.name === name);
    if (action === undefined) continue;
    return { action, permission: wish.permission === "edit" && editingActions.has(name) ? "edit" : "view" };
  }
  return undefined;
}

function namesToEdit({ sizeBytes, isPhone, maySaveAs }: OpeningWish): readonly string[] {
  return [
    ...(sizeBytes === 0 ? ["editnew"] : []),
    ...(isPhone ? ["mobileEdit"] : []),
    "edit",
    // Comments in a PDF are saved into it.
    "view_comment",
    ...(isPhone ? [] : ["mobileEdit"]),
    // Old formats can't be edited as they are: the editor makes a new file beside them.
    ...(maySaveAs && sizeBytes > 0 ? ["convert"] : []),
  ];
}

function namesToView({ isPhone, isEmbedded }: OpeningWish): readonly string[] {
  return [
    ...(isEmbedded ? ["embedview"] : []),
    ...(isPhone ? ["mobileView"] : []),
    "view",
    "view_comment",
    "edit",
    ...(isPhone ? ["mobileEdit"] : ["mobileView", "mobileEdit"]),
    ...(isEmbedded ? [] : ["embedview"]),
  ];
}
