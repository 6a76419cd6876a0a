// What has happened to the document since the page last heard of it.
import type { HostPageStatus } from "../pageMessages.ts";
import type { PortalTalk } from "./portal.ts";

interface HappeningsParts {
  readonly tellPortal: PortalTalk["tell"];
  readonly renamed: (name: string) => void;
}

/** Tells each save, failure, comment and rename once. Times on the bridge's clock. */
export function happenings({ tellPortal, renamed }: HappeningsParts) {
  const toldMs = { save: 0, failure: 0, rename: 0, comment: 0 };

  return {
    /** What happened before is no news. */
    beginAt: (ms: number): void => {
      Object.assign(toldMs, { save: ms, failure: ms, rename: ms, comment: ms });
    },
    /** When the last failure happened that was told. */
    failedAtMs: (): number => toldMs.failure,

    took: ({ last_save: saved, not_saved: failed, renamed: rename, comments = [] }: HostPageStatus): void => {
      if (saved !== null && saved.at > toldMs.save) {
        toldMs.save = saved.at;
        tellPortal("saved", { at: new Date(saved.at).toISOString(), by: saved.by });
      }
      if (failed !== null && failed.at > toldMs.failure) {
        toldMs.failure = failed.at;
        tellPortal("saveFailed", { reason: failed.why, keptIn: failed.kept_in, copyName: failed.copy_name });
      }
      if (rename !== undefined && rename.at > toldMs.rename) {
        toldMs.rename = rename.at;
        renamed(rename.name);
      }
      for (const { at, by, action, mentioned } of comments.filter((comment) => comment.at > toldMs.comment)) {
        toldMs.comment = at;
        tellPortal("commented", { at: new Date(at).toISOString(), by, action, mentioned });
      }
    },
  };
}
