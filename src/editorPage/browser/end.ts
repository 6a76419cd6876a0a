// The end of a session while its page is open.

/** What an editor has to hand over is in its hands at once; longer than this nobody goes on typing. */
const handOverAtMostMs = 5000;
/** An editor that only saves when the last of its users has left takes a while. */
const waitForCopyMs = 60_000;

interface EndParts {
  readonly hasUnsaved: () => boolean;
  /** Whether the editor can be asked for what is unsaved. */
  readonly canBeAsked: () => boolean;
  readonly began: () => void;
  /** Asks the editor for what is unsaved … */
  readonly save: () => Promise<unknown>;
  /** … and the bridge what became of it. */
  readonly look: () => Promise<void>;
  /** Removes the editor. */
  readonly takeAway: () => void;
  readonly isSettled: () => boolean;
  /** No copy is waited for any more. */
  readonly settled: () => void;
}

/** Ends the page's session, once. */
export function sessionEnd({ hasUnsaved, canBeAsked, began, save, look, takeAway, isSettled, settled }: EndParts) {
  let under: Promise<void> | undefined;

  async function run(): Promise<void> {
    began();
    if (hasUnsaved() && canBeAsked()) await Promise.race([save().then(look), pause(handOverAtMostMs)]);
    takeAway();
    const untilMs = performance.now() + waitForCopyMs;
    while (!isSettled() && performance.now() < untilMs) await pause(1000);
    settled();
  }

  return {
    /** Begins the end; resolves once the editor is gone and all is known of what was unsaved. */
    begin: (): Promise<void> => {
      under ??= run();
      return under;
    },
    /** For a page that has opened the document anew. */
    reset: () => {
      under = undefined;
    },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
