import { z } from "zod";
import type { Edit } from "./browser/textOperation.js";
import type { HostButton, PageHabits } from "./guises.ts";
import type { CommentLook, PageForm } from "./office/pageForm.ts";

/** Why a page shows the text without letting anybody change it. */
export interface ReadOnlyNotice {
  reason: string;
  canTryAgain: boolean;
}

export interface Person {
  ViewId: number;
  UserId: string;
  UserName: string;
  Color: number;
  ReadOnly: boolean;
}

export interface SaveResult {
  success: boolean;
  result: string;
  errorMsg: string;
  fileName?: string;
}

/** What the server tells a page, one server-sent event each. */
export type ServerMessage =
  | {
      type: "info";
      viewNumber: number;
      fileName: string;
      postMessageOrigin: string;
      canSaveAs: boolean;
      canRename: boolean;
      hidesSave: boolean;
      enableShare: boolean;
      saveAsByMessage: boolean;
      closesByMessage: boolean;
      notesEdits: boolean;
      /** How the page talks with the page around it. */
      host: PageHabits;
      /** Those of the host's buttons that CheckFileInfo shows. */
      buttons: readonly HostButton[];
    }
  | { type: "opened"; form: PageForm; text: string; revision: number; acceptedSequence: number; epoch: number }
  | { type: "edit"; revision: number; edit: Edit; own: boolean }
  | { type: "access"; readOnly: ReadOnlyNotice | null; mayComment: boolean }
  /** Its place in the text follows as an edit. */
  | { type: "comment"; kept: number; look: CommentLook; own: boolean }
  /** modified: what the host's page is told; unstored: the host lacks something, whatever that page was told */
  | { type: "state"; modified: boolean; unstored: boolean; saving: boolean; problem: string | null }
  | { type: "people"; people: Person[] }
  | { type: "conflict"; open: boolean }
  | { type: "renamed"; fileName: string; newName: string }
  | { type: "result"; request: number; outcome: SaveResult }
  | { type: "tokenExpiring"; expiresAtMs: number }
  | { type: "notice"; text: string }
  | { type: "reload"; keepTyped: boolean }
  | { type: "moved"; view: string }
  | { type: "failed"; reason: string }
  | { type: "closed"; reason: string };

const editSchema = z.object({
  sequence: z.number().int().nonnegative(),
  edit: z.object({
    position: z.number().int().nonnegative(),
    deleted: z.number().int().nonnegative(),
    inserted: z.string(),
  }),
});

const request = z.number().int().default(0);
const editsShape = {
  /** Of the line the page listens on; what was sent on an earlier one is out of date. */
  epoch: z.number().int().nonnegative(),
  baseRevision: z.number().int().nonnegative(),
  edits: z.array(editSchema).max(10_000),
};

/** What a page asks of the server. */
export const pageCommandSchema = z.discriminatedUnion("command", [
  z.object({ command: z.literal("edit"), ...editsShape }),
  z.object({ command: z.literal("save"), request, extendedData: z.string().max(1000).optional() }),
  z.object({ command: z.literal("overwrite") }),
  z.object({ command: z.literal("discard") }),
  z.object({ command: z.literal("saveAs"), request, name: z.string().min(1).max(1000) }),
  z.object({ command: z.literal("rename"), name: z.string().min(1).max(1000) }),
  z.object({ command: z.literal("tryLock") }),
  z.object({
    command: z.literal("comment"),
    text: z.string().trim().min(1).max(4000),
    place: z.number().int().nonnegative(),
    baseRevision: z.number().int().nonnegative(),
  }),
  z.object({ command: z.literal("removeComment"), kept: z.number().int().nonnegative() }),
  z.object({ command: z.literal("picture"), url: z.string().max(4000) }),
  z.object({ command: z.literal("token"), accessToken: z.string().min(1), expiresAtMs: z.number().nonnegative() }),
  z.object({ command: z.literal("leave"), ...editsShape }),
]);

export type PageCommand = z.infer<typeof pageCommandSchema>;
