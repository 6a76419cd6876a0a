// Saves that the page requests from the editor.
import type { SaveResponse } from "./saveResponse.ts";

const saveTimeoutMs = 30_000;

export interface SaveAnswer {
  readonly saved: boolean;
  /** Why it was not saved. */
  readonly reason?: string;
}

interface SavingParts {
  readonly tell: (message: "Action_Save", values: Readonly<Record<string, boolean>>) => void;
  /** Called after each request and each answer. */
  readonly changed: () => void;
}

interface Asked {
  readonly promise: Promise<SaveAnswer>;
  readonly resolve: (answer: SaveAnswer) => void;
  readonly timer: number;
}

export function saveRequests({ tell, changed }: SavingParts) {
  let asked: Asked | undefined;

  const settle = (answer: SaveAnswer): void => {
    if (asked === undefined) return;
    const { resolve, timer } = asked;
    clearTimeout(timer);
    asked = undefined;
    resolve(answer);
    changed();
  };

  return {
    isWaiting: () => asked !== undefined,
    /** Resolves with whether all is saved, or with the editor's reason; editors without this command never answer. */
    ask: (): Promise<SaveAnswer> => {
      if (asked !== undefined) return asked.promise;
      let resolve: (answer: SaveAnswer) => void = () => undefined;
      const promise = new Promise<SaveAnswer>((resolved) => {
        resolve = resolved;
      });
      const timer = setTimeout(() => settle({ saved: false, reason: "noAnswer" }), saveTimeoutMs);
      asked = { promise, resolve, timer };
      tell("Action_Save", { DontTerminateEdit: true, DontSaveIfUnmodified: true, Notify: true });
      changed();
      return promise;
    },
    answered: ({ success, result, errorMsg }: SaveResponse): void => {
      const saved = success === true || result === "unmodified";
      settle(saved ? { saved } : { saved, reason: typeof errorMsg === "string" ? errorMsg : "" });
    },
  };
}
