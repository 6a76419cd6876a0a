// What the bridge and the page around the editor tell each other. Types alone: both sides import them.

import type { Failure } from "../model/failure.ts";
import type { Language } from "../pages/language.ts";
import type { HostPageWords } from "./words.ts";

/** What the page's script is given with the page, as JSON. */
export interface ScriptFacts {
  readonly editorOrigin: string;
  readonly fileName: string;
  readonly fileId: string;
  /** Who may frame the page. */
  readonly embedOrigins: readonly string[];
  readonly bridgeUrl: string;
  /** By which the page asks for all below. */
  readonly pageKey: string;
  readonly permission: "view" | "edit";
  readonly tokenEndsAtMs: number;
  readonly renewableUntilMs: number;
  /** Whether the editor takes a token by message; one that does not is reloaded with it. */
  readonly takesFreshTokens: boolean;
  readonly mayShare: boolean;
  readonly language: Language;
  readonly words: HostPageWords;
}

/** Why a session has ended. */
export type SessionEnd = "revoked" | "expired" | "linkRevoked" | "linkExpired" | "signedOut";

/** Answer to `POST /edit/KEY/renew`; times in ms since 1970, on the bridge's clock. */
export interface RenewedToken {
  readonly access_token: string;
  readonly access_token_ttl: number;
  readonly renewable_until: number;
}

/** Its answer with 410. */
export interface NotRenewed {
  readonly ended: SessionEnd;
}

/** Answer to `GET /edit/KEY/status`, of which the status line is made; times in ms since 1970, on the bridge's clock. */
export interface HostPageStatus {
  readonly now: number;
  readonly ended: SessionEnd | null;
  readonly permission: "view" | "edit";
  /** What the editor's server has asked of the bridge for this session. */
  readonly editor_called: { readonly check_file_info: boolean; readonly get_file: boolean };
  readonly saving_since: number | null;
  readonly last_save: { readonly at: number; readonly by: string; readonly is_mine: boolean } | null;
  /** The newest save that did not get into the document, unless a later one did that holds it too. */
  readonly not_saved: NotSaved | null;
  /** The copy that this session's last save has become, once it may not edit any more. */
  readonly last_copy: string | null;
}

/** What the page has words for. */
export type NotSavedReason = Failure["kind"];

export interface NotSaved {
  readonly at: number;
  readonly by: string;
  readonly is_mine: boolean;
  /** A kind of failure; a newer bridge may name one that this page does not know. */
  readonly why: string;
  /** `spool`: tried again by itself. `copy`: beside the document, under `copy_name`. null: the editor still has it. */
  readonly kept_in: "spool" | "copy" | null;
  readonly copy_name: string | null;
}
