/** Replaces `deleted` characters (UTF-16 units) at `position` by `inserted`. */
export interface Edit {
  position: number;
  deleted: number;
  inserted: string;
}

export function applyEdit(text: string, edit: Edit): string;
export function editBetween(before: string, after: string): Edit | undefined;
export function transformPair(earlier: Edit, later: Edit): [earlier: Edit, later: Edit];
