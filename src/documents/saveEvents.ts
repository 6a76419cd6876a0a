import type { Logger } from "pino";
import { logFailure } from "../http/requestLog.ts";
import { BridgeError, type Failure } from "../model/failure.ts";
import type { Services } from "../services.ts";
import type { AccessGrant } from "./grants.ts";
import type { PlacingFacts, UndecidedFacts } from "./saveFacts.ts";
import type { SpooledSave, WaitingSave } from "./saveSpool.ts";

/** What happens to a save, for the people who look at the document's page. */
export type SaveNews =
  | { readonly is: "saving" }
  | { readonly is: "saved"; readonly version: string }
  /** Stored beside the document, because it could not go into it. */
  | {
      readonly is: "copied";
      readonly copyName: string;
      readonly copyId?: string;
      readonly why: Failure["kind"] | "unexpected";
    }
  /** In the spool; retried automatically. */
  | { readonly is: "kept"; readonly why: Failure["kind"] | "unexpected" }
  /** The editor was told, and still has the bytes. */
  | { readonly is: "refused"; readonly why: Failure["kind"] | "unexpected" };

/** Why the bytes of a waiting save were removed. `by` dismissed it: `person:ID`, `administrator:ID`. */
export type SaveDropped = { readonly why: "tooOld" } | { readonly why: "dismissed"; readonly by: string };

/** Called at each step of a save. Never rejects: a save does not depend on who is told about it. */
export type TellSave = (save: PlacingFacts, news: SaveNews) => Promise<void>;

export function whyNot(error: unknown): Failure["kind"] | "unexpected" {
  return error instanceof BridgeError ? error.failure.kind : "unexpected";
}

/** What happened to a kept save. */
export type ReplayOutcome = "written" | "copied" | "superseded" | "waiting";

/** Records each step of a save for those who look at the document's page; failing to record must not fail the save. */
export function tellOf({
  activity,
  links,
  ownersNews,
  metrics,
  audit,
  logger,
  tellPortals,
}: Pick<Services, "activity" | "links" | "ownersNews" | "metrics" | "audit" | "logger" | "tellPortals">): TellSave {
  return async (save, news) => {
    const { document, personId, personName, linkId } = save;
    const person = { id: personId ?? "", name: personName };
    const ofOwner = { fileId: document.fileId, fileName: save.fileName, person };
    const facts = { file: document.fileId, person, ...(linkId === undefined ? {} : { link: linkId }) };
    if (news.is !== "saving") metrics.save(news.is);
    if (news.is === "saved") audit({ event: "saved", ...facts, version: news.version });
    if (news.is === "copied") audit({ event: "conflictCopy", ...facts, copyName: news.copyName });
    try {
      if (news.is === "saving") activity.saving(document.fileId);
      else if (news.is === "saved") {
        await Promise.all([
          activity.saved(document.fileId, person, news.version),
          linkId !== undefined && links.saved(linkId, person),
          // A portal tells its people by itself.
          linkId !== undefined && ownersNews.add(save.ownerId, { kind: "saved", ...ofOwner }),
          tellPortals({ ...newsOf(save), type: "saved", mark: news.version, data: { version: news.version } }),
        ]);
      } else if (news.is === "copied") {
        const { copyName, copyId = null, why } = news;
        // The copy of an ended session may get later content; any other is made once.
        const mark = `${copyName} ${save.isOfEndedGrant === true ? save.receivedAtMs : ""}`;
        const kind = save.isOfEndedGrant === true ? "lateCopy" : "copy";
        await Promise.all([
          ownersNews.add(save.ownerId, { kind, ...ofOwner, ...(copyId === null ? {} : { copyId }) }),
          activity.notSaved(document.fileId, {
            person,
            why,
            keptIn: "copy",
            copyName,
            ...(copyId === null ? {} : { copyId }),
          }),
          tellPortals({
            ...newsOf(save),
            type: "conflictCopy",
            mark,
            data: { reason: why, copy: { id: copyId, name: copyName } },
          }),
        ]);
      } else {
        const keptIn = news.is === "kept" ? "spool" : undefined;
        await Promise.all([
          activity.notSaved(document.fileId, { person, why: news.why, keptIn }),
          tellPortals(failedNews(save, news.why, keptIn ?? null)),
        ]);
      }
    } catch (error) {
      logger.warn({ failure: logFailure(error)?.kind, file: document.fileId }, "what became of a save was not noted");
    }
  };
}

/** Records for the owner that somebody has opened a document with a link. Never rejects. */
export function tellOwnerOf({ ownersNews, logger }: Pick<Services, "ownersNews" | "logger">) {
  return async ({ linkId, ownerId, person, document, fileName }: AccessGrant): Promise<void> => {
    if (linkId === undefined) return;
    const { fileId } = document;
    try {
      const who = { id: person.id, name: person.name };
      await ownersNews.add(ownerId, { kind: "linkUsed", fileId, fileName, person: who });
    } catch (error) {
      logger.warn({ failure: logFailure(error)?.kind, file: fileId }, "the owner was not told of a visitor");
    }
  };
}

/** What portals are told of every save. */
function newsOf({ document, fileName, ownerId, personId, personName, grantId, linkId, origin }: PlacingFacts) {
  const person = { id: personId ?? "", name: personName };
  return { fileId: document.fileId, fileName, ownerId, person, grantId, linkId, issuedTo: origin };
}

function failedNews(save: PlacingFacts, reason: string, keptIn: "spool" | null) {
  const mark = JSON.stringify([save.grantId, save.receivedAtMs, reason, keptIn]);
  return { ...newsOf(save), type: "saveFailed" as const, mark, data: { reason, kept_in: keptIn } };
}

/** Each retry of a save that still waits logs a warning: somebody's work is not where it should be. */
export function noteReplay(logger: Logger) {
  return (save: SpooledSave, outcome: ReplayOutcome, error?: unknown): void => {
    const { document, personName, fileName, receivedAtMs } = save.facts;
    const why = error instanceof BridgeError ? error.failure.kind : error instanceof Error ? error.message : undefined;
    const facts = { save: outcome, file: document.fileId, fileName, person: personName, receivedAtMs, why };
    if (outcome === "waiting") logger.warn(facts, "a save waits in the spool");
    else logger.info(facts, "a kept save has been placed");
  };
}

/** Logs the decision on saves that could not be decided when they arrived. */
export function noteDecided(logger: Logger) {
  return (save: UndecidedFacts, outcome: "accepted" | "dropped" | "waiting", error?: unknown): void => {
    const why = error instanceof BridgeError ? error.failure.kind : error instanceof Error ? error.message : undefined;
    const facts = { save: outcome, file: save.wopiFileId, grant: save.grantId, receivedAtMs: save.receivedAtMs, why };
    if (outcome === "waiting") logger.warn(facts, "a save waits in the spool until the store can be asked");
    else if (outcome === "dropped") logger.warn(facts, "a save was dropped: its session had no right to save");
    else logger.info(facts, "a save that waited for the store goes on");
  };
}

/** Records that a waiting save was removed for good. */
export function noteDropped({
  metrics,
  audit,
  logger,
  tellPortals,
}: Pick<Services, "metrics" | "audit" | "logger" | "tellPortals">) {
  return ({ facts, receivedAtMs, sizeBytes, isBroken }: WaitingSave, how: SaveDropped): void => {
    metrics.save("dropped");
    const by = how.why === "dismissed" ? { by: how.by } : {};
    if (facts !== undefined) {
      const person = { id: facts.personId ?? "", name: facts.personName };
      audit({ event: "saveDropped", file: facts.document.fileId, person, why: how.why, ...by });
      void tellPortals(failedNews(facts, how.why, null));
    }
    const line = { file: facts?.document.fileId, fileName: facts?.fileName, person: facts?.personName };
    logger.warn({ ...line, receivedAtMs, sizeBytes, isBroken, why: how.why, ...by }, "a kept save was removed");
  };
}

/** Warns that a save will be removed soon: somebody has to act. */
export function warnOfEnd(logger: Logger) {
  return ({ facts, receivedAtMs, isBroken }: WaitingSave, endsAtMs: number): void => {
    const line = { file: facts?.document.fileId, fileName: facts?.fileName, person: facts?.personName };
    logger.warn({ ...line, receivedAtMs, isBroken, endsAtMs }, "a kept save will be removed soon");
  };
}
