// Messages between the bridge and the page around the editor. Only types: both sides import them.

import type { Failure } from "../model/failure.ts";
import type { Language } from "../words/language.ts";
import type { HostPageWords } from "../words/words.ts";

/** What the page's script receives with the page, as JSON. */
export interface ScriptFacts {
  readonly editorOrigin: string;
  readonly fileName: string;
  readonly fileId: string;
  /** Who may frame the page. */
  readonly embedOrigins: readonly string[];
  readonly bridgeUrl: string;
  /** The key with which the page makes all requests below. */
  readonly pageKey: string;
  readonly permission: "view" | "edit";
  readonly tokenEndsAtMs: number;
  readonly renewableUntilMs: number;
  /** Whether the editor accepts a token by message; one that does not is reloaded with it. */
  readonly takesFreshTokens: boolean;
  /** Whether the editor saves when the page sends Action_Save, and reports the result. */
  readonly savesWhenTold: boolean;
  /** Whether "not modified" means only that the editor's own server has the work. */
  readonly tellsLocalSaves: boolean;
  /** Whether the editor is told when its token ends. */
  readonly postsTokenEnd: boolean;
  /** Whether a link's visitor can ask its owner to let them edit; and whether they have given a name. */
  readonly mayAskToEdit: boolean;
  readonly hasName: boolean;
  readonly mayShare: boolean;
  readonly maySeeVersions: boolean;
  /** Where the owner's documents are; null for everybody else. */
  readonly homeUrl: string | null;
  /** Whether a reload of the page's own address opens the document again. */
  readonly isReopenable: boolean;
  /** Whether the page may ask for the name of a new file. */
  readonly maySaveAs: boolean;
  readonly mayInsertPictures: boolean;
  /** Names in the editor's messages are percent-encoded. */
  readonly encodesNames: boolean;
  readonly language: Language;
  readonly words: HostPageWords;
}

/** Answer to `GET /edit/KEY/pictures?folder=&next=`: a folder of the owner's, as far as it has pictures. */
export interface PicturesShown {
  /** From the root to this folder; the root's name is empty. */
  readonly path: readonly { readonly name: string; readonly uri: string }[];
  readonly folders: readonly { readonly name: string; readonly uri: string }[];
  readonly pictures: readonly { readonly id: string; readonly name: string }[];
  readonly next: string | null;
}

/** Answer to `POST /edit/KEY/pictures/ID`: where the editor's server fetches it within some minutes. */
export interface PictureToInsert {
  readonly url: string;
}

/** Why a session has ended. */
export type SessionEnd = "revoked" | "expired" | "linkRevoked" | "linkExpired" | "signedOut";

/** Answer to `POST /edit/KEY/renew`; times in ms since 1970, on the bridge's clock. */
export interface RenewedToken {
  readonly access_token: string;
  readonly access_token_ttl: number;
  readonly renewable_until: number;
}

/** The answer of `renew` with 410. */
export interface NotRenewed {
  readonly ended: SessionEnd;
}

/** Answer to `POST /edit/KEY/address`. */
export interface FreshAddress {
  /** Where the editor opens the document now; null when that has not changed. */
  readonly action_url: string | null;
}

/** Answer to `GET /edit/KEY/status`, the source of the status line; times in ms since 1970, on the bridge's clock. */
export interface HostPageStatus {
  readonly now: number;
  readonly ended: SessionEnd | null;
  readonly permission: "view" | "edit";
  /** What the editor's server has requested from the bridge for this session. */
  readonly editor_called: { readonly check_file_info: boolean; readonly get_file: boolean };
  /** The editor's server ended while it had the document open for this session. */
  readonly editor_stopped: boolean;
  /** Whose lock keeps this session's editor from changing the document; empty when that is not known. */
  readonly locked_by: string | null;
  readonly saving_since: number | null;
  readonly last_save: { readonly at: number; readonly by: string; readonly is_mine: boolean } | null;
  /** The newest save that failed to reach the document, unless a later successful one contains it. */
  readonly not_saved: NotSaved | null;
  /** The copy made of this session's last save after it lost its permission to edit. */
  readonly last_copy: string | null;
  /** `POST /edit/KEY/copy` opens the copy that `last_copy` or `not_saved` names; left out when it does not. */
  readonly copy_opens?: true;
  /** The newest rename by anybody's editor; left out while there is none. */
  readonly renamed?: { readonly at: number; readonly name: string };
  /** The newest comments, the oldest of them first; left out while there are none. Never for a link's visitor. */
  readonly comments?: readonly ToldComment[];
  /** For a link's visitor who may not edit: where their request to do so stands. */
  readonly access?: AccessStanding;
  /** The newest outcome of Save As in this session; left out while there is none. */
  readonly new_file?: NewFileOutcome;
  /** Who has the document open, oneself first; left out when the session has ended. */
  readonly people?: readonly PresentPerson[];
}

/** Somebody who has the document open, however often. */
export interface PresentPerson {
  /** As editors show it; null for a link's visitor who asks. */
  readonly id: string | null;
  /** null when somebody asks who has given no name. */
  readonly name: string | null;
  readonly is_me: boolean;
  readonly permission: "view" | "edit";
  readonly since: number;
  /** Came through a link. Only for the owner. */
  readonly by_link?: true;
}

/** `none`: they can ask. */
export type AccessStanding = "none" | "asked" | "granted" | "refused";

/** Answer to `POST /edit/KEY/ask`. */
export interface AskedAccess {
  readonly access: AccessStanding;
}

/** A comment, with the ids that editors show to everybody in the document. */
export interface ToldComment {
  readonly at: number;
  readonly by: string;
  readonly action: "added" | "updated" | "deleted";
  readonly mentioned: readonly { readonly id: string; readonly name: string | null }[];
}

/** `file_id` of a file that was made; otherwise `why` it was not: a kind of failure. */
export type NewFileOutcome = { readonly at: number } & (
  | { readonly name: string; readonly file_id: string }
  | { readonly why: string }
);

/** Reasons that the page has words for. */
export type NotSavedReason = Failure["kind"];

export interface NotSaved {
  readonly at: number;
  readonly by: string;
  readonly is_mine: boolean;
  /** A kind of failure; a newer bridge may name one that this page does not know. */
  readonly why: string;
  /** `spool`: retried automatically. `copy`: beside the document, as `copy_name`. null: the editor still has it. */
  readonly kept_in: "spool" | "copy" | null;
  readonly copy_name: string | null;
}
