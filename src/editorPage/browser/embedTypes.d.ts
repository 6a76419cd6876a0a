/**
 * Embeds a document of the bridge in a page of another origin. That origin must be listed in the bridge's
 * `EMBED_ORIGINS`; the session comes from the portal's own server, which requests it with `POST /api/sessions`.
 */

/** The answer to `POST /api/sessions`, or the part of it that is needed here. */
export interface BridgeSession {
  readonly host_page_url: string;
  /** Its name becomes the frame's title. */
  readonly file?: { readonly name: string };
}

export interface DocumentEvents {
  /** The document is visible. Sent again after each reload of the editor. */
  loaded: Record<string, never>;
  modified: { readonly modified: boolean };
  /** A save has reached the drive, no matter whose. `at` is ISO 8601. */
  saved: { readonly at: string; readonly by: string };
  /** `spool`: kept, retried automatically. `copy`: beside the document, as `copyName`. null: the editor has it. */
  saveFailed: {
    readonly reason: string;
    readonly keptIn: "spool" | "copy" | null;
    readonly copyName: string | null;
  };
  renamed: { readonly name: string };
  /**
   * Somebody has commented, in an editor that reports it. `at` is ISO 8601. `mentioned`: with the ids that editors
   * show; `name` is null for people whom the bridge has not met at this document.
   */
  commented: {
    readonly at: string;
    readonly by: string;
    readonly action: "added" | "updated" | "deleted";
    readonly mentioned: readonly { readonly id: string; readonly name: string | null }[];
  };
  /**
   * Who has the document open, the person themselves (`own`) among them: told at first, and at each change. Everybody
   * counts once, however many tabs they have. `id` is the one that editors show; `since` is ISO 8601. A link's visitor
   * gets no ids, and names only after giving one: otherwise `name` is null.
   */
  presence: {
    readonly people: readonly {
      readonly id: string | null;
      readonly name: string | null;
      readonly own: boolean;
      readonly permission: "view" | "edit";
      readonly since: string;
    }[];
  };
  /** Save As made a new file in the document's folder, under the name that the drive gave it. */
  savedAs: { readonly name: string; readonly fileId: string };
  /**
   * The editor does not show the document: `editorDown` (it does not answer, or the browser may not frame it),
   * `bridgeNotReached` (it is there, but its server has not called the bridge), `editorSlow` (it has, but nothing is
   * shown yet), `editorFailed` (it says so itself), `editorStopped` (its server ended). The page offers to try again;
   * `loaded` follows when that helped.
   *
   * Or the page itself could not be opened, and only a new session helps: `ticketUsed` (`host_page_url` was opened
   * before, is older than five minutes, or its session has ended), `documentMissing`, `signInNeeded` (of the account, in
   * the drive), `driveDown` (the same address still works when the drive is back), `unexpected`.
   */
  failed: {
    readonly code:
      | "editorDown"
      | "bridgeNotReached"
      | "editorSlow"
      | "editorFailed"
      | "editorStopped"
      | "ticketUsed"
      | "documentMissing"
      | "driveDown"
      | "signInNeeded"
      | "unexpected";
  };
  /** The frame has been removed. */
  closed: Record<string, never>;
  /**
   * Saves no longer go into the document. The editor is asked to save its unsaved work, and is then removed; the frame
   * stays and says why, and where the unsaved work is. `lostEditing`: the document can be opened again to view.
   */
  expired: {
    readonly reason: "revoked" | "expired" | "linkRevoked" | "linkExpired" | "signedOut" | "lostEditing";
  };
}

export type DocumentHandlers = {
  readonly [Name in keyof DocumentEvents]?: (detail: DocumentEvents[Name]) => void;
};

export interface OpenOptions {
  /** Either this … */
  readonly session?: BridgeSession;
  /** … or only its `host_page_url`, which opens a document once. */
  readonly hostPageUrl?: string;
  /** The frame's title, for screen readers. */
  readonly title?: string;
  readonly on?: DocumentHandlers;
  /**
   * Where the line with the state of saves is; `top` when left out. `none`: the portal shows the state itself. Trouble
   * that no event tells, or whose event (`saveFailed`, `failed`, `expired`) has no handler, is shown all the same.
   */
  readonly statusLine?: LinePlace;
  readonly ownTab?: false;
}

export type LinePlace = "top" | "bottom" | "none";

/** A tab of its own instead of a frame: it sends no events. */
export interface OwnTabOptions {
  readonly ownTab: true;
  /** Either this, or a promise of it: the tab has to be opened in the click itself … */
  readonly session?: BridgeSession | Promise<BridgeSession>;
  /** … or only its `host_page_url`. */
  readonly hostPageUrl?: string;
  /** Where the document's page leads back to, of an origin in `EMBED_ORIGINS`. */
  readonly closeUrl?: string;
}

/** `reason` is the editor's own, or `noAnswer`, `notSupported`, `notLoaded`, `viewOnly`, `ended`, `closed`. */
export type SaveOutcome = { readonly saved: true } | { readonly saved: false; readonly reason: string };

export interface OpenedDocument {
  readonly frame: HTMLIFrameElement;
  /** @returns a function that removes the handler */
  on<Name extends keyof DocumentEvents>(name: Name, handler: (detail: DocumentEvents[Name]) => void): () => void;
  /**
   * Asks the editor to save; resolves when it has, or after half a minute. ONLYOFFICE has no such command: with unsaved
   * changes it is `notSupported`, at once.
   */
  save(): Promise<SaveOutcome>;
  /**
   * Saves unsaved work, then removes the frame. False: saving failed, and the frame stays; a portal that still wants to
   * close it removes `frame`.
   */
  close(): Promise<boolean>;
}

/** To the page, always to one exact origin; like all messages it also has `source: "cloudreve-office-bridge"`. */
export type PortalMessage =
  | ({ readonly type: "hello"; readonly statusLine?: LinePlace } & Listening)
  /** The portal listens to other events than it said in `hello`. */
  | ({ readonly type: "listens" } & Listening)
  | { readonly type: "save" | "close"; readonly id: number };

export interface Listening {
  /** Events that have a handler; those of a portal that does not say are none. */
  readonly events?: readonly string[];
}

/** From the page: `welcome` answers `hello`; events before it are queued until then. */
export type PageMessage =
  | { readonly type: "welcome" }
  | { readonly type: "answer"; readonly id: number; readonly saved: boolean; readonly reason?: string }
  | EventMessage<keyof DocumentEvents>;

export type EventMessage<Names extends keyof DocumentEvents> = {
  [Name in Names]: { readonly type: "event"; readonly name: Name; readonly detail: DocumentEvents[Name] };
}[Names];

export const openDocument: {
  /**
   * Adds the frame as the last child of `element`, filling it.
   * @throws TypeError when there is no address, or a handler for an event that does not exist
   */
  (element: Element, options: OpenOptions): OpenedDocument;
  /**
   * Opens the document in a new tab, without an element. Call it in a click's handler, before anything is awaited.
   * Rejects with a `NotAllowedError` when the browser blocked the tab, and as the session's promise does; then no tab stays.
   */
  (element: Element | null, options: OwnTabOptions): Promise<void>;
};
