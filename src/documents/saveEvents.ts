import { BridgeError, type Failure } from "../model/failure.ts";
import type { PlacingFacts } from "./saveFacts.ts";

/** What becomes of a save, for the people who look at the document's page. */
export type SaveNews =
  | { readonly is: "saving" }
  | { readonly is: "saved"; readonly version: string }
  /** Beside the document, since it could not go into it. */
  | { readonly is: "copied"; readonly copyName: string; readonly why: Failure["kind"] | "unexpected" }
  /** In the spool; tried again by itself. */
  | { readonly is: "kept"; readonly why: Failure["kind"] | "unexpected" }
  /** The editor was told, and still has it. */
  | { readonly is: "refused"; readonly why: Failure["kind"] | "unexpected" };

/** Why the bytes of a save that waited are gone. `by` dismissed it: `person:ID`. */
export type SaveDropped = { readonly why: "tooOld" } | { readonly why: "dismissed"; readonly by: string };

/** Hears of each step of a save. Never rejects: a save does not depend on who hears of it. */
export type TellSave = (save: PlacingFacts, news: SaveNews) => Promise<void>;

export function whyNot(error: unknown): Failure["kind"] | "unexpected" {
  return error instanceof BridgeError ? error.failure.kind : "unexpected";
}
