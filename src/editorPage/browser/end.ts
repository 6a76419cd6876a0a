// The end of a session while its page is open.

/** An editor answers a request to save at once; people must not be able to go on typing for longer than this. */
const handOverAtMostMs = 5000;
/** An editor that saves only when the last of its users has left takes a while. */
const waitForCopyMs = 60_000;

interface EndParts {
  readonly hasUnsaved: () => boolean;
  /** Whether the editor can be asked for what is unsaved. */
  readonly canBeAsked: () => boolean;
  readonly began: () => void;
  /** Asks the editor to save its unsaved work … */
  readonly save: () => Promise<unknown>;
  /** … and the bridge what happened to it. */
  readonly look: () => Promise<void>;
  /** Removes the editor. */
  readonly takeAway: () => void;
  readonly isSettled: () => boolean;
  /** The page no longer waits for a copy. */
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
    /** Starts the end; resolves once the editor is removed and it is known what happened to unsaved work. */
    begin: (): Promise<void> => {
      under ??= run();
      return under;
    },
    /** For a page that has opened the document again. */
    reset: () => {
      under = undefined;
    },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
