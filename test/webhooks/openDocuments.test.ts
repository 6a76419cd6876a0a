import { describe, expect, it } from "vitest";
import { closedAfterMs, judgeOpen, savedWithinMs } from "../../src/webhooks/openDocuments.ts";

const nowMs = 1_000_000;
const portal = (emptyForMs?: number) => ({
  grantIds: ["g1", "g2"],
  ...(emptyForMs === undefined ? {} : { emptySinceMs: nowMs - emptyForMs }),
});

describe("a document at a portal", () => {
  it.each([
    ["has an open session", portal(), ["g2"], undefined, "open"],
    ["has one again", portal(closedAfterMs), ["g1"], undefined, "open"],
    ["has just lost its last one", portal(), [], undefined, "empty"],
    ["is open at another portal only", portal(), ["other"], undefined, "empty"],
    ["has had none for nearly ten seconds", portal(closedAfterMs - 1), [], undefined, "empty"],
    ["has had none for ten seconds", portal(closedAfterMs), [], undefined, "closed"],
    ["is locked by another portal's editor", portal(closedAfterMs), [], "other", "closed"],
    ["is locked by its own editor, which may still save", portal(closedAfterMs), [], "g1", "empty"],
    ["is locked by an editor that has died", portal(savedWithinMs), [], "g1", "closed"],
  ])("that %s", (_what, at, open, lockedBy, is) => {
    expect(judgeOpen(at, new Set(open), lockedBy, nowMs).is).toBe(is);
  });

  it("waits anew when the clock was set back", () => {
    expect(judgeOpen(portal(-5_000), new Set(), undefined, nowMs)).toEqual({ is: "empty", sinceMs: nowMs });
  });
});
