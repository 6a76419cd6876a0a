// Watches whether the editor's page comes up, and finds its address after an upgrade.
import type { FreshAddress } from "../pageMessages.ts";

/** An editor's own page says something, or its server calls the bridge, well before this; "404 not found" never does. */
const silentAfterLoadMs = 3_000;
const silentMs = 15_000;
/** The editor may still be starting; the bridge reads its discovery at most every half minute. */
const againMs = 10_000;

interface ComingUpParts {
  readonly isUp: () => boolean;
  /** Asks the bridge for the editor's address of today. */
  readonly ask: () => Promise<Response>;
  /** Called once at most: a second new address would mean that it is not the address. */
  readonly moved: (actionUrl: string) => void;
}

export function editorComingUp({ isUp, ask, moved }: ComingUpParts) {
  let timer: number | undefined;
  let hasMoved = false;

  const plan = (inMs: number): void => {
    clearTimeout(timer);
    if (!hasMoved && !isUp()) timer = setTimeout(look, inMs);
  };

  async function look(): Promise<void> {
    if (isUp()) return;
    const address = await freshAddress(ask);
    if (address === null || isUp()) plan(againMs);
    else if (!hasMoved) {
      hasMoved = true;
      moved(address);
    }
  }

  return {
    /** @param frame that the editor's page has been asked into */
    watch: (frame: HTMLIFrameElement): void => {
      plan(silentMs);
      // The frame's page is of another origin: that it has loaded is all that can be seen, also of a "404 not found".
      frame.addEventListener("load", () => plan(silentAfterLoadMs));
    },
  };
}

async function freshAddress(ask: () => Promise<Response>): Promise<string | null> {
  try {
    const answered = await ask();
    if (!answered.ok) return null;
    const { action_url }: FreshAddress = await answered.json();
    return action_url;
  } catch {
    return null;
  }
}
