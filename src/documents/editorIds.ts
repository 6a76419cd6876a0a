import { createHmac } from "node:crypto";
import type { AccessGrant } from "./grants.ts";

/** Who an editor is told somebody is, and whose the file is; equal for the owner. */
export type EditorIds = (grant: Pick<AccessGrant, "person" | "ownerId">) => { userId: string; ownerId: string };

/**
 * Editors show these ids to everybody at the document. The drive's own id of the owner would lead a visitor to the
 * owner's profile and public shares in Cloudreve, and is short enough to be guessed behind a plain hash.
 * @param key of this purpose alone; with another one owners are told as somebody else
 */
export function editorIdsBy(key: Uint8Array): EditorIds {
  return ({ person, ownerId }) => {
    const hidden = `o${createHmac("sha256", key).update(ownerId).digest("hex").slice(0, 20)}`;
    return { userId: person.id === ownerId ? hidden : person.id, ownerId: hidden };
  };
}
