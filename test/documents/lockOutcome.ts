import { failureOf } from "../../src/model/failure.ts";

/** What an editor hears: done, or 409 with the id that is held (empty = none). */
export type Outcome = "done" | { readonly refusedNaming: string };

/** Anything but a done request or a lock conflict is thrown on. */
export async function outcomeOf(work: Promise<unknown>): Promise<Outcome> {
  try {
    await work;
    return "done";
  } catch (error) {
    const refused = failureOf(error, "lockMismatch");
    if (refused === undefined) throw error;
    return { refusedNaming: refused.currentLockId };
  }
}
