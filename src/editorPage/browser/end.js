// The end of a session while its page is open.

/** What an editor has to hand over is in its hands at once; longer than this nobody goes on typing. */
const handOverAtMostMs = 5000;
/** An editor that only saves when the last of its users has left takes a while. */
const waitForCopyMs = 60_000;

/**
 * Ends the page's session, in this order: `began`; `save` asks the editor for what is unsaved, when there is something
 * and the editor can be asked, and `look` asks the bridge what became of it; `takeAway` removes the editor; `settled`
 * follows when no copy is waited for any more.
 */
export function sessionEnd({ hasUnsaved, canBeAsked, began, save, look, takeAway, isSettled, settled }) {
  let under;

  async function run() {
    began();
    if (hasUnsaved() && canBeAsked()) await Promise.race([save().then(look), pause(handOverAtMostMs)]);
    takeAway();
    const untilMs = performance.now() + waitForCopyMs;
    while (!isSettled() && performance.now() < untilMs) await pause(1000);
    settled();
  }

  return {
    /** Begins the end; resolves once the editor is gone and all is known of what was unsaved. */
    begin: () => {
      under ??= run();
      return under;
    },
    /** For a page that has opened the document anew. */
    reset: () => {
      under = undefined;
    },
  };
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
