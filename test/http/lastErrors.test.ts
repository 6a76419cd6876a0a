import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { LastErrors } from "../../src/http/lastErrors.ts";
import { setClock } from "../support/clock.ts";

const secret = "a secret of at least thirty-two bytes";

function noting() {
  const clock = setClock();
  const errors = new LastErrors([secret], clock.now);
  return { clock, errors, logger: errors.noting(pino({ level: "silent" })) };
}

describe("the last errors", () => {
  it("are warnings and errors, at any level of the log; the same again counts up", () => {
    const { errors, logger } = noting();
    logger.info("all is well");
    logger.warn({ failure: "driveUnreachable" }, "a round of the bridge failed");
    logger.error({ reason: "refused" }, "the store can't be reached");
    logger.warn({ failure: "driveUnreachable" }, "a round of the bridge failed");
    expect(errors.all().map(({ text, count, isError }) => [text, count, isError])).toEqual([
      ["a round of the bridge failed", 2, false],
      ["the store can't be reached", 1, true],
    ]);
  });

  it("hold no secret, no name of a document or a person, and no stack", () => {
    const { errors, logger } = noting();
    logger.warn(
      {
        fileName: "Dismissals.docx",
        person: "Carol",
        said: `wrong password ${secret}`,
        reason: "redis://:cGFzc3dvcmQgb2YgUmVkaXM@redis",
        stack: "Error: it broke\n    at /home/somebody/bridge.js:1:1",
        file: "f1",
      },
      "a save waits in the spool",
    );
    const text = JSON.stringify(errors.all());
    for (const hidden of ["Dismissals", "Carol", secret, "cGFzc3dvcmQ", "somebody"]) expect(text).not.toContain(hidden);
    expect(errors.all()[0]?.facts).toEqual(
      expect.arrayContaining(["said=wrong password ***", "stack=Error: it broke", "file=f1"]),
    );
  });

  it("are no more than fifty, the newest first", () => {
    const { errors, logger } = noting();
    for (let index = 0; index < 80; index++) logger.warn(`number ${index}`);
    expect(errors.all().length).toBe(50);
    expect(errors.all()[0]?.text).toBe("number 79");
  });
});
