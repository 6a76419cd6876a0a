// What becomes of a new file: the editor makes it, the bridge knows whether it lies in the drive.

import type { HostPageWords } from "../../words/words.ts";
import type { HostPageStatus, NewFileOutcome } from "../pageMessages.ts";
import type { Notice } from "./noticeLine.ts";
import { failureInWords, fill } from "./statusLine.ts";

/** An editor converts large documents first. */
const answerWithinMs = 3 * 60_000;

interface NewsParts {
  readonly words: HostPageWords;
  /** Where the newest new file can be opened. */
  readonly href: string;
  readonly show: (notice: Notice) => void;
  readonly tellPortal: (made: { readonly name: string; readonly fileId: string }) => void;
}

export function newFileNews({ words, href, show, tellPortal }: NewsParts) {
  let asked: { readonly name: string; readonly timer: number; isRefused: boolean } | undefined;
  /** On the bridge's clock: what is older was told, or belongs to an earlier opening. */
  let toldMs: number | undefined;

  const done = (notice: Notice): void => {
    clearTimeout(asked?.timer);
    asked = undefined;
    show(notice);
  };

  const told = (outcome: NewFileOutcome): void => {
    if ("file_id" in outcome) {
      const { name, file_id: fileId } = outcome;
      done({ text: fill(words.savedAs, { name }), link: { label: words.openNewFile, href } });
      tellPortal({ name, fileId });
    } else done(failed(failureInWords(outcome.why, words)));
  };

  const failed = (why: string): Notice => ({
    tone: "trouble",
    text:
      asked === undefined ? fill(words.notSavedAsNameless, { why }) : fill(words.notSavedAs, { name: asked.name, why }),
  });

  return {
    isWaiting: () => asked !== undefined,
    /** The editor was told the name. */
    asked: (name: string): void => {
      clearTimeout(asked?.timer);
      const unheard: Notice = { tone: "trouble", text: fill(words.savedAsUnheard, { name }) };
      asked = { name, isRefused: false, timer: setTimeout(() => done(unheard), answerWithinMs) };
      show({ text: fill(words.savingAs, { name }) });
    },
    /** The editor says that it could not. The bridge knows better why, if it was asked at all. */
    refused: (): void => {
      if (asked !== undefined) asked.isRefused = true;
    },
    /** @param sinceMs when the page was opened, on the bridge's clock */
    took: ({ new_file: outcome }: HostPageStatus, sinceMs: number): void => {
      toldMs ??= sinceMs;
      if (outcome !== undefined && outcome.at > toldMs) {
        toldMs = outcome.at;
        told(outcome);
      } else if (asked?.isRefused) done(failed(words.whyEditorRefused));
    },
  };
}
