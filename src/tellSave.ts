import type { Logger } from "pino";
import type { Audit } from "./http/auditLog.ts";
import type { Metrics } from "./http/metrics.ts";
import { logFailure } from "./http/requestLog.ts";
import type { EditLinks } from "./model/editLinks.ts";
import { BridgeError } from "./model/failure.ts";
import type { FileActivity } from "./model/fileActivity.ts";
import type { TellSave } from "./saves/saveNews.ts";
import type { ReplayParts } from "./saves/saveReplay.ts";

/** Notes each step of a save for those who look at the document's page; a note that fails must not fail the save. */
export function tellOf(to: {
  readonly activity: FileActivity;
  readonly links: EditLinks;
  readonly metrics: Metrics;
  readonly audit: Audit;
  readonly logger: Logger;
}): TellSave {
  const { activity, links, metrics, audit, logger } = to;
  return async ({ document, personId, personName, linkId }, news) => {
    const person = { id: personId ?? "", name: personName };
    const facts = { file: document.fileId, person, ...(linkId === undefined ? {} : { link: linkId }) };
    if (news.is !== "saving") metrics.save(news.is);
    if (news.is === "saved") audit({ event: "saved", ...facts, version: news.version });
    if (news.is === "copied") audit({ event: "conflictCopy", ...facts, copyName: news.copyName });
    try {
      if (news.is === "saving") activity.saving(document.fileId);
      else if (news.is === "saved") {
        await activity.saved(document.fileId, person, news.version);
        if (linkId !== undefined) await links.saved(linkId, person);
      } else if (news.is === "copied") {
        const { copyName, why } = news;
        await activity.notSaved(document.fileId, { person, why, keptIn: "copy", copyName });
      } else {
        const keptIn = news.is === "kept" ? "spool" : undefined;
        await activity.notSaved(document.fileId, { person, why: news.why, keptIn });
      }
    } catch (error) {
      logger.warn({ failure: logFailure(error)?.kind, file: document.fileId }, "what became of a save was not noted");
    }
  };
}

/** A save that waits is a warning each time it is tried: somebody's work is not where it should be. */
export function noteReplay(logger: Logger): ReplayParts["note"] {
  return (save, outcome, error) => {
    const { document, personName, fileName, receivedAtMs } = save.facts;
    const why = error instanceof BridgeError ? error.failure.kind : error instanceof Error ? error.message : undefined;
    const facts = { save: outcome, file: document.fileId, fileName, person: personName, receivedAtMs, why };
    if (outcome === "waiting") logger.warn(facts, "a save waits in the spool");
    else logger.info(facts, "a kept save has been placed");
  };
}
