import type { Logger } from "pino";
import type { PortalCallers } from "./api/portalAuth.ts";
import type { Config } from "./config.ts";
import type { FileActivity } from "./documents/activity.ts";
import type { ConflictCopies } from "./documents/conflictCopy.ts";
import type { ContentRecord } from "./documents/contentRecord.ts";
import type { DocumentLocks } from "./documents/documentLock.ts";
import type { AccessGrants, EditorIds } from "./documents/grants.ts";
import type { Housekeeping } from "./documents/housekeeping.ts";
import type { LastCopies } from "./documents/lastCopy.ts";
import type { SaveDropped, TellSave } from "./documents/saveEvents.ts";
import type { SaveReplay } from "./documents/saveReplay.ts";
import type { SaveSpool, SpooledSave, WaitingSave } from "./documents/saveSpool.ts";
import type { Editors } from "./editors/discovery.ts";
import type { AccessTokens } from "./http/accessToken.ts";
import type { Audit } from "./http/auditLog.ts";
import type { Drain } from "./http/drain.ts";
import type { Metrics } from "./http/metrics.ts";
import type { SignedCookies } from "./http/signedCookies.ts";
import type { EditLinks } from "./links/links.ts";
import type { Allowances } from "./model/allowances.ts";
import type { AttemptLimits } from "./model/attemptLimits.ts";
import type { Drive } from "./model/drive.ts";
import type { FileMutex } from "./model/fileMutex.ts";
import type { Clock, KeyValueStore, Pause } from "./model/keyValueStore.ts";
import type { PersonSessions } from "./model/personSessions.ts";
import type { OpenCalls } from "./wopi/openCalls.ts";

/**
 * All that a bridge makes once, each by its one name. `openServices` makes them; a function names those it needs:
 * `Pick<Services, "drive" | "locks">`. Types alone, so that every room may import it.
 */
export interface Services {
  // Settings
  /** Origin of our own pages and API. */
  readonly bridgeUrl: string;
  /** Public base of WOPISrc: what the editor's server calls, and signs. */
  readonly wopiUrl: string;
  /** As given; those that are more than their value have names of their own here. */
  readonly config: Config;
  /** Of one save. */
  readonly limitBytes: number;
  readonly grantLifetimeMs: number;
  /** How long a save waits in the spool. */
  readonly saveLifetimeMs: number;

  // What lies below
  readonly now: Clock;
  readonly pause: Pause;
  readonly store: KeyValueStore;
  readonly drive: Drive;
  readonly editors: Editors;
  readonly mutex: FileMutex;

  // Documents and links
  readonly grants: AccessGrants;
  readonly locks: DocumentLocks;
  readonly content: ContentRecord;
  readonly activity: FileActivity;
  /** Of this bridge: another instance's saves are in that one's. */
  readonly spool: SaveSpool;
  readonly replay: SaveReplay;
  readonly copies: ConflictCopies;
  readonly lastCopies: LastCopies;
  readonly links: EditLinks;
  readonly housekeeping: Housekeeping;

  // Who calls, and how often
  readonly tokens: AccessTokens;
  readonly callers: PortalCallers;
  readonly cookies: SignedCookies;
  readonly sessions: PersonSessions;
  readonly editorIds: EditorIds;
  readonly attempts: AttemptLimits;
  readonly allowances: Allowances;
  readonly openCalls: OpenCalls;
  readonly drain: Drain;

  // Who hears of what
  readonly logger: Logger;
  readonly audit: Audit;
  readonly metrics: Metrics;
  readonly tell: TellSave;
  /** A save was kept: the replay takes over. */
  readonly kept: (save: SpooledSave, error: unknown) => void;
  readonly saveDropped: (save: WaitingSave, how: SaveDropped) => void;
  /** Notes what went wrong without changing the answer. */
  readonly note: (error: unknown) => void;
  /** Sessions of a file may have ended or lost rights: gives back a lock that only they held. Never rejects. */
  readonly sessionsEnded: (fileId: string) => Promise<void>;
  /** Somebody has signed out everywhere: the same for all files. */
  readonly personSignedOut: () => void;
}
