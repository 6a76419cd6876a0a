import { describe, expect, it } from "vitest";
import { loadNotCovered, loadRecordings } from "./recordingsLoad.ts";
import { plans } from "./recordingsPlans.ts";
import { replay } from "./recordingsReplay.ts";

const recordings = loadRecordings();
const notCovered = loadNotCovered();

describe("the fake drive answers like the real Cloudreve that was recorded", () => {
  it.each(recordings.map((recording) => [recording.name, recording.about, recording] as const))(
    "%s: %s",
    async (name, _about, recording) => {
      expect(await replay(recording, plans[name] ?? {}, notCovered[name])).toEqual([]);
    },
  );

  it("names only exchanges that exist among those it is not held to", () => {
    const lengths = new Map(recordings.map(({ name, exchanges }) => [name, exchanges.length]));
    const named = Object.entries(notCovered).flatMap(([name, exchanges]) =>
      Object.keys(exchanges).map((index) => Number(index) < (lengths.get(name) ?? 0)),
    );
    expect(named).not.toContain(false);
  });

  it("is held to at least nine of ten exchanges", () => {
    const all = recordings.reduce((sum, { exchanges }) => sum + exchanges.length, 0);
    const left = Object.values(notCovered).reduce((sum, exchanges) => sum + Object.keys(exchanges).length, 0);
    expect(left / all).toBeLessThan(0.1);
  });
});
