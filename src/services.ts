import type { Logger } from "pino";
import type { IdempotentCalls } from "./api/idempotency.ts";
import type { PortalCallers } from "./api/portalAuth.ts";
import type { Config } from "./config.ts";
import type { DoctorRuns } from "./doctor/doctorRuns.ts";
import type { FileActivity } from "./documents/activity.ts";
import type { ConflictCopies } from "./documents/conflictCopy.ts";
import type { ContentRecord } from "./documents/contentRecord.ts";
import type { DocumentLocks } from "./documents/documentLock.ts";
import type { EditorWatch } from "./documents/editorWatch.ts";
import type { AccessGrants, EditorIds } from "./documents/grants.ts";
import type { Housekeeping } from "./documents/housekeeping.ts";
import type { LastCopies } from "./documents/lastCopy.ts";
import type { NewFiles } from "./documents/newFiles.ts";
import type { OwnersNews } from "./documents/ownersNews.ts";
import type { RecentDocuments } from "./documents/recentDocuments.ts";
import type { SaveDropped, TellSave } from "./documents/saveEvents.ts";
import type { SaveReplay } from "./documents/saveReplay.ts";
import type { SaveSpool, SpooledSave, WaitingSave } from "./documents/saveSpool.ts";
import type { ToldVersions } from "./documents/toldVersions.ts";
import type { VersionRecord } from "./documents/versionRecord.ts";
import type { Editors } from "./editors/discovery.ts";
import type { AccessTokens } from "./http/accessToken.ts";
import type { Audit } from "./http/auditLog.ts";
import type { Drain } from "./http/drain.ts";
import type { LastErrors } from "./http/lastErrors.ts";
import type { Metrics } from "./http/metrics.ts";
import type { SignedCookies } from "./http/signedCookies.ts";
import type { LinkAddresses } from "./links/linkAddresses.ts";
import type { EditLink, EditLinks } from "./links/links.ts";
import type { VisitorRights } from "./links/visitorRights.ts";
import type { MailReports } from "./mail/mailReports.ts";
import type { MailServer } from "./mail/mailServer.ts";
import type { OwnersMail } from "./mail/ownersMail.ts";
import type { Allowances } from "./model/allowances.ts";
import type { AttemptLimits } from "./model/attemptLimits.ts";
import type { Drive } from "./model/drive.ts";
import type { FileMutex } from "./model/fileMutex.ts";
import type { Clock, KeyValueStore, Pause } from "./model/keyValueStore.ts";
import type { NamedPerson } from "./model/person.ts";
import type { PersonSessions } from "./model/personSessions.ts";
import type { TellPortals } from "./webhooks/portalNews.ts";
import type { Webhooks } from "./webhooks/webhooks.ts";
import type { OpenCalls } from "./wopi/openCalls.ts";

/**
 * Everything that a bridge creates once, under one name each. `openServices` creates them; a function names those it
 * needs: `Pick<Services, "drive"
 * "locks">`. Only types, so that every folder may import it.
 */
export interface Services {
  // Settings
  /** Origin of our own pages and API. */
  readonly bridgeUrl: string;
  /** Public base of WOPISrc: the editor's server calls it and signs it. */
  readonly wopiUrl: string;
  /** As given; settings that are more than a plain value have their own names here. */
  readonly config: Config;
  /** The size limit of one save. */
  readonly limitBytes: number;
  readonly grantLifetimeMs: number;
  /** How long a save waits in the spool. */
  readonly saveLifetimeMs: number;

  // Clock, storage, drive and editors
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
  /** Of this bridge: another instance's saves are in that instance's spool. */
  readonly spool: SaveSpool;
  readonly replay: SaveReplay;
  readonly copies: ConflictCopies;
  readonly lastCopies: LastCopies;
  readonly toldVersions: ToldVersions;
  readonly versionRecord: VersionRecord;
  readonly newFiles: NewFiles;
  readonly recent: RecentDocuments;
  readonly ownersNews: OwnersNews;
  readonly links: EditLinks;
  readonly linkAddresses: LinkAddresses;
  readonly visitorRights: VisitorRights;
  readonly housekeeping: Housekeeping;
  readonly editorWatch: Pick<
    EditorWatch,
    "opened" | "locked" | "refused" | "hasStopped" | "mayHaveDied" | "lockedBy" | "look"
  >;

  // Callers and their limits
  readonly tokens: AccessTokens;
  readonly callers: PortalCallers;
  readonly idempotentCalls: IdempotentCalls;
  readonly cookies: SignedCookies;
  readonly sessions: PersonSessions;
  readonly editorIds: EditorIds;
  readonly attempts: AttemptLimits;
  readonly allowances: Allowances;
  readonly openCalls: OpenCalls;
  readonly drain: Drain;

  // Logs and events
  readonly logger: Logger;
  readonly audit: Audit;
  readonly metrics: Metrics;
  readonly tell: TellSave;
  /** Portals with a webhook hear of it, if it concerns them. */
  readonly tellPortals: TellPortals;
  /** Undefined where none is set up: then nothing is offered or told by mail. */
  readonly mailServer: MailServer | undefined;
  readonly ownersMail: OwnersMail;
  readonly mailReports: MailReports;
  /** Tells an owner by mail that a visitor asks to edit, if they want it. Never rejects. */
  readonly mailRequest: (link: EditLink, visitor: NamedPerson) => Promise<void>;
  readonly webhooks: Pick<Webhooks, "start" | "stop" | "look">;
  /** A save was kept: wakes the replay. */
  readonly kept: (save: SpooledSave, error: unknown) => void;
  readonly saveDropped: (save: WaitingSave, how: SaveDropped) => void;
  readonly lastErrors: Pick<LastErrors, "all">;
  readonly doctor: Pick<DoctorRuns, "run" | "state">;
  readonly startedAtMs: number;
  /** Logs what went wrong without changing the answer. */
  readonly note: (error: unknown) => void;
  /** Sessions of a file may have ended or lost permissions: releases a lock that only they needed. Never rejects. */
  readonly sessionsEnded: (fileId: string) => Promise<void>;
  /** As `sessionsEnded`, where the files are not known, in the background: somebody has signed out everywhere. */
  readonly manySessionsEnded: () => void;
}
