/**
 * Embeds a document of the bridge in a page of another origin. That origin stands in the bridge's `EMBED_ORIGINS`;
 * the session comes from the portal's own server, which asks for it by `POST /api/sessions`.
 */

/** What `POST /api/sessions` answered, or the part of it that is needed here. */
export interface BridgeSession {
  readonly host_page_url: string;
  /** Its name becomes the frame's title. */
  readonly file?: { readonly name: string };
}

export interface DocumentEvents {
  /** The document is on the screen. Again after each reload of the editor. */
  loaded: Record<string, never>;
  modified: { readonly modified: boolean };
  /** A save has reached the drive, by whomever. `at` is ISO 8601. */
  saved: { readonly at: string; readonly by: string };
  /** `spool`: kept, tried again by itself. `copy`: beside the document, as `copyName`. null: the editor still has it. */
  saveFailed: {
    readonly reason: string;
    readonly keptIn: "spool" | "copy" | null;
    readonly copyName: string | null;
  };
  renamed: { readonly name: string };
  /** The frame has been removed. */
  closed: Record<string, never>;
  /**
   * No save goes into the document any more. The editor is asked for what is unsaved and taken away; the frame stays
   * and says why, and where that is. `lostEditing`: the document can be opened again to view.
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
  /** … or its `host_page_url` alone, which opens a document once. */
  readonly hostPageUrl?: string;
  /** Of the frame, for screen readers. */
  readonly title?: string;
  readonly on?: DocumentHandlers;
}

/** `reason` is the editor's own, or `noAnswer`, `notLoaded`, `viewOnly`, `ended`, `closed`. */
export type SaveOutcome = { readonly saved: true } | { readonly saved: false; readonly reason: string };

export interface OpenedDocument {
  readonly frame: HTMLIFrameElement;
  /** @returns a function that takes the handler off again */
  on<Name extends keyof DocumentEvents>(name: Name, handler: (detail: DocumentEvents[Name]) => void): () => void;
  /** Asks the editor to save; resolves when it has, or after half a minute. Editors without that command: `noAnswer`. */
  save(): Promise<SaveOutcome>;
  /**
   * Saves what is unsaved, then removes the frame. False: it could not be saved, and the frame stays; a portal that
   * wants it gone all the same removes `frame`.
   */
  close(): Promise<boolean>;
}

/** To the page; as every message an object that also holds `source: "cloudreve-office-bridge"`, to one exact origin. */
export type PortalMessage = { readonly type: "hello" } | { readonly type: "save" | "close"; readonly id: number };

/** From the page: `welcome` is the answer to `hello`, and events before it are kept until then. */
export type PageMessage =
  | { readonly type: "welcome" }
  | { readonly type: "answer"; readonly id: number; readonly saved: boolean; readonly reason?: string }
  | EventMessage<keyof DocumentEvents>;

export type EventMessage<Names extends keyof DocumentEvents> = {
  [Name in Names]: { readonly type: "event"; readonly name: Name; readonly detail: DocumentEvents[Name] };
}[Names];

/**
 * Makes the frame as the last child of `element`, as large as that.
 * @throws TypeError when there is no address, or a handler for an event that does not exist
 */
export function openDocument(element: Element, options: OpenOptions): OpenedDocument;
