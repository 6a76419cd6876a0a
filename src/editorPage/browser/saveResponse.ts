// What an Action_Save_Resp is about: the same message answers Save and Save As.

/** Values of the message, as the editor sends them. */
export interface SaveResponse {
  readonly success?: unknown;
  readonly result?: unknown;
  readonly errorMsg?: unknown;
  readonly fileName?: unknown;
}

/**
 * - `moved`: a new file was made, and the editor now shows it in place of the document
 * - `exported`: a new file was made, and the editor still shows the document
 * - `refused`: a new file was not made
 * - `saved`: it is about a save of the document
 */
export function meaningOf(
  { success, result, fileName }: SaveResponse,
  waits: { readonly forSave: boolean; readonly forNewFile: boolean },
): "moved" | "exported" | "refused" | "saved" {
  if (success === true && result === "exportas") return "exported";
  if (success === true && typeof fileName === "string" && fileName !== "") return "moved";
  return success !== true && waits.forNewFile && !waits.forSave ? "refused" : "saved";
}
