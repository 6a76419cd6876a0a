import type { Readable, Writable } from "node:stream";
import { z } from "zod";
import type { LockHolder } from "./failure.ts";
import { rowObject } from "./record.ts";

/** A file as it is in the drive now. */
export interface DriveFile {
  /** Stable over saves, renames and moves. */
  readonly id: string;
  /** With extension. */
  readonly name: string;
  readonly uri: string;
  readonly sizeBytes: number;
  /** Opaque; changes whenever the content changes. */
  readonly version: string;
  /** UTC in whole seconds, `2026-11-21T08:15:00Z`: some of the drive's answers are no more precise. */
  readonly modifiedAt: string;
}

export const driveDocumentSchema = rowObject({
  /** Name of the drive account that acts; its credential stays inside the drive adapter. */
  account: z.string(),
  fileId: z.string(),
  /** Set when an old, immutable version was opened. */
  version: z.string().exactOptional(),
});
/** What every later call about an opened file needs; holds no secret. */
export type DriveDocument = z.infer<typeof driveDocumentSchema>;

export interface DriveAccount {
  readonly account: string;
  /** The drive's id of the person behind the account. */
  readonly userId: string;
  readonly userName: string;
  /** As the drive tells it at a sign-in, not as it was typed; otherwise unknown. */
  readonly email?: string;
  /** When the account's credential ends; undefined when it renews itself. */
  readonly endsAtMs: number | undefined;
  /** false: its token is of an application that may only read. */
  readonly mayWrite?: false;
}

export interface DriveTokens {
  readonly accessToken: string;
  readonly refreshToken?: string;
}

export interface OpenRequest {
  readonly target: { readonly uri: string } | { readonly fileId: string };
  readonly action: "edit" | "view";
  readonly viewerId?: string;
  readonly version?: string;
  readonly parentUri?: string;
  readonly purchaseTicket?: string;
}

export interface OpenedDocument {
  readonly document: DriveDocument;
  readonly file: DriveFile;
  /** The editor's address, still with the drive's own WOPISrc. */
  readonly actionUrl: string;
  /** How long the drive lets this document be read, locked and saved through its session. */
  readonly expiresAtMs: number;
  /** Settles once the drive's session is in the store. Rows that are written meanwhile share its commit. */
  readonly kept: Promise<void>;
}

/** Content that can be sent more than once. */
export interface Bytes {
  readonly sizeBytes: number;
  /** @param first offset of the first byte; @param lengthBytes to the end when left out */
  open(first?: number, lengthBytes?: number): Readable;
}

/** Content that can be read once, as it arrives. */
export interface NewContent {
  readonly sizeBytes: number;
  readonly body: Readable;
}

interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** A response whose headers are set, the body's length among them. */
export interface HttpResponse extends Writable {
  readonly socket: Writable | null;
  flushHeaders(): void;
}

/** A body that can go into a response without a detour through streams, which costs more than the bytes. */
export interface DirectBody {
  /** @throws Error when either side breaks off */
  sendTo(response: HttpResponse): Promise<void>;
}

export interface DriveContent {
  readonly body: Readable & Partial<DirectBody>;
  /** Length of the body, or of the range when one was requested. */
  readonly lengthBytes: number;
  /** Size of the whole file. */
  readonly sizeBytes: number;
  readonly version: string;
  readonly range: ByteRange | undefined;
}

/** What must still hold in the drive for a save to go in: our lock, or the version the bytes are based on. */
export type WriteGuard = { readonly lockToken: string } | { readonly previousVersion: string };

/** One entry in a folder. */
export interface DriveEntry {
  readonly kind: "folder" | "file";
  readonly id: string;
  readonly name: string;
  readonly uri: string;
  readonly sizeBytes: number;
  readonly modifiedAt: string;
  /** As of a file; without meaning for a folder. */
  readonly version: string;
}

export interface DriveFolder {
  /** Stable over renames and moves. */
  readonly id: string;
  /** Empty for the root. */
  readonly name: string;
  readonly uri: string;
}

export interface DriveFolderPage {
  readonly entries: readonly DriveEntry[];
  /** Pass it back to get the next page; undefined on the last page. */
  readonly next: string | undefined;
}

export interface DriveOrder {
  readonly by: "name" | "modifiedAt" | "size";
  readonly direction: "asc" | "desc";
}

/** The result of signing in with a password. */
export type SignInOutcome =
  | { readonly is: "signedIn"; readonly account: DriveAccount }
  /** The account has a second factor: its code goes with this id. */
  | { readonly is: "secondFactorNeeded"; readonly secondStepId: string }
  /** The drive demands a captcha, which only its own page can show. */
  | { readonly is: "captchaNeeded" }
  | { readonly is: "refused" };

/** How a person signs in to the drive. The account then renews itself and is named after the person. */
export interface DriveSignIn {
  /** The ways to sign in: OAuth needs a registered client and a recent enough drive. @throws driveUnreachable */
  ways(): Promise<{ readonly oauth: boolean; readonly password: boolean }>;
  /** Where the browser asks for consent. Always the same scopes, because a narrower consent ends earlier ones. */
  consentUrl(asked: { state: string; nonce: string; codeChallenge: string; redirectUri: string }): string;
  /** OAuth's endpoints, for a client of its own that signs a person in by itself. */
  oauthAddresses(): { readonly authorize: string; readonly token: string };
  /** @throws signInNeeded when the code is refused */
  byCode(code: string, codeVerifier: string): Promise<DriveAccount>;
  byPassword(email: string, password: string): Promise<SignInOutcome>;
  bySecondFactor(secondStepId: string, code: string): Promise<SignInOutcome>;
}

/** The accounts that act in the drive. */
interface DriveAccounts {
  readonly signIn: DriveSignIn;
  /**
   * Names the account that will act.
   * @param tokens from a portal; undefined = the configured account
   * @throws signInNeeded when the credential is refused, expired or not configured; requestInvalid when the drive
   *   refuses the refresh token, or it belongs to another account
   */
  account(tokens: DriveTokens | undefined): Promise<DriveAccount>;
  /**
   * The account with a name that `account` or a sign-in returned earlier.
   * @throws signInNeeded when its credential is gone, refused or expired
   */
  accountNamed(account: string): Promise<DriveAccount>;
  /**
   * An account of the same person for what lasts longer than a token handed over by an app: the account itself if it
   * renews itself, otherwise the person's own sign-in here, if the drive lets the app share.
   * @throws signInNeeded when there is none
   */
  lastingAccount(account: string): Promise<DriveAccount>;
  /** Renews an account's credential last renewed a day or more ago. @throws signInNeeded, driveUnreachable */
  keepAlive(account: string): Promise<void>;
}

/** One content that the drive has of a file. */
export interface DriveVersion {
  /** As in `DriveFile.version`. */
  readonly version: string;
  readonly sizeBytes: number;
  /** UTC, when it was stored. */
  readonly storedAt: string;
}

/** The contents that a file had. To make one current again, its bytes are written as a new version. */
interface DriveVersions {
  /**
   * What the drive still has of a file this account owns.
   * @returns the versions, the newest first: the current one among them, unless the file was never written
   * @throws fileMissing, also when it is in the trash or is a folder
   */
  versions(
    account: string,
    fileId: string,
  ): Promise<{ readonly file: DriveFile; readonly versions: readonly DriveVersion[] }>;
  /**
   * The bytes of one of them. The caller must read or destroy the body.
   * @param range value of a Range header, passed on as it is
   * @throws fileMissing when the drive no longer has this version
   */
  readVersion(
    account: string,
    file: DriveFile,
    version: DriveVersion,
    range: string | undefined,
    signal: AbortSignal,
  ): Promise<DriveContent>;
}

/** What an account can see in the drive. */
export interface DriveFolders {
  /** A file this account owns. @throws fileMissing, also when it is in the trash or is a folder */
  find(account: string, target: OpenRequest["target"]): Promise<DriveFile>;
  /**
   * Folders before files.
   * @param folderUri the account's root when left out @param next from the previous page
   * @param order by name when left out; the same for all pages
   * @throws fileMissing
   */
  list(account: string, folderUri?: string, next?: string, order?: DriveOrder): Promise<DriveFolderPage>;
  /** Files and folders whose names contain the text, whatever its case; a page may be empty and not the last. */
  search(account: string, text: string, next?: string): Promise<DriveFolderPage>;
  /** A file or folder that was moved to the trash. @throws fileMissing when it is not there */
  findInTrash(account: string, id: string): Promise<DriveEntry>;
  /** Takes it out of the trash, to where it was. @throws nameTaken; fileMissing, also when its folder is gone */
  restore(account: string, id: string): Promise<DriveEntry>;
  /** A folder of this account's, by its id or uri; the root's uri is `cloudreve://my`. @throws fileMissing */
  folder(account: string, target: { readonly folderId: string } | { readonly uri: string }): Promise<DriveFolder>;
  /** @returns the folders above a file or folder, the root first */
  foldersAbove(account: string, uri: string): Promise<readonly DriveFolder[]>;
  /** Creates an empty file or folder. @throws nameTaken, nameIllegal, quotaExceeded */
  createIn(account: string, folder: DriveFolder, kind: DriveEntry["kind"], name: string): Promise<DriveEntry>;
  /** @throws what `createFrom` would throw before it reads the first byte */
  tryCreating(account: string, folder: DriveFolder, name: string, sizeBytes: number): Promise<void>;
  /**
   * Creates a file with this content; nothing is left of it when that fails.
   * @returns the file as read back afterwards
   * @throws nameTaken, nameIllegal, quotaExceeded, bodyTooLarge; bodyCut when the body ends too early
   */
  createFrom(account: string, folder: DriveFolder, name: string, content: NewContent): Promise<DriveFile>;
  /** The folder keeps its id. @throws nameTaken, nameIllegal, lockedElsewhere */
  renameFolder(account: string, folder: DriveFolder, name: string): Promise<DriveFolder>;
  /**
   * Moves a folder to the trash.
   * @param how with `evenFull` what is in it goes there too
   * @throws lockedElsewhere, also when something in it is locked; folderNotEmpty
   */
  removeFolder(account: string, folder: DriveFolder, how?: { readonly evenFull: boolean }): Promise<void>;
  /** @returns the extensions, in lower case, that the drive has an editor for */
  openable(account: string): Promise<ReadonlySet<string>>;
}

/** An opened document, and the files next to it. */
export interface DriveFiles {
  stat(document: DriveDocument): Promise<DriveFile>;
  /** @param range value of a Range header, passed on as it is. The caller must read or destroy the body. */
  read(document: DriveDocument, file: DriveFile, range: string | undefined, signal: AbortSignal): Promise<DriveContent>;
  /**
   * Where an editor's server can read this version straight from the drive, without any further credential.
   * @returns undefined when there is no such address: it reads from the bridge then
   */
  addressForEditor(document: DriveDocument, file: DriveFile, signal: AbortSignal): Promise<string | undefined>;
  /**
   * As `addressForEditor`, for a proxy in front of the bridge that knows where the drive serves contents.
   * @returns what follows that place: path and query, percent-encoded
   */
  addressForProxy(document: DriveDocument, file: DriveFile, signal: AbortSignal): Promise<string | undefined>;
  /**
   * Replaces the content.
   * @returns the file as read back afterwards
   * @throws changedInStorage, lockedElsewhere, quotaExceeded, bodyTooLarge
   */
  write(document: DriveDocument, file: DriveFile, bytes: Bytes, guard: WriteGuard): Promise<DriveFile>;
  /**
   * Creates a file beside this one; fails in the same step if the name is taken.
   * @throws nameTaken, nameIllegal, quotaExceeded
   */
  createBeside(document: DriveDocument, file: DriveFile, name: string, bytes: Bytes): Promise<DriveFile>;
  /** @returns the file with that name in the same folder; undefined when there is none */
  findBeside(document: DriveDocument, file: DriveFile, name: string): Promise<DriveFile | undefined>;
  /** The file keeps its id; the drive's lock must not be held. @throws nameTaken, nameIllegal, lockedElsewhere */
  rename(document: DriveDocument, file: DriveFile, name: string): Promise<DriveFile>;
  /** Moves the file to the trash. @throws lockedElsewhere */
  remove(document: DriveDocument, file: DriveFile): Promise<void>;
}

/** The drive's own lock on an opened document. */
export interface DriveLocks {
  /**
   * Takes the drive's own lock, or keeps it when it is already held under this token.
   * @returns the file, read under the lock
   * @throws lockedElsewhere when someone else holds the file
   */
  lock(document: DriveDocument, token: string): Promise<DriveFile>;
  /**
   * Refreshes a lock that `lock` has taken, and nothing else.
   * @param known the file as it was under this very lock: it is not looked at again
   * @returns the file, unchanged by others since it was locked; undefined when the lock was lost in the meantime
   */
  refreshLock(document: DriveDocument, token: string, known?: DriveFile): Promise<DriveFile | undefined>;
  /** Releases the drive's lock. @returns whether it still stood */
  unlock(document: DriveDocument, token: string): Promise<boolean>;
}

/**
 * A file drive as the bridge needs it; callers name the part they use. Every method throws only BridgeError. Every file
 * that a method returns or changes is proven to be the right one, whatever file is at its path now.
 * @throws fileUnproven when that can't be proven; nothing was returned or changed then
 */
export interface Drive extends DriveAccounts, DriveFolders, DriveFiles, DriveVersions, DriveLocks {
  /** Opens an editing or viewing session. @throws fileMissing, rightMissing, noEditor, bodyTooLarge */
  open(account: DriveAccount, request: OpenRequest): Promise<OpenedDocument>;
  /** @returns the drive's version. @throws driveUnreachable */
  ping(): Promise<string>;
}

/** Tells a person why a document is locked from elsewhere. */
export const holderReason: Readonly<Record<LockHolder, string>> = {
  editor: "The document is open in Cloudreve's own editor",
  upload: "The document is being uploaded",
  webdav: "The document is open in a WebDAV client",
  other: "The document is locked in Cloudreve",
};
