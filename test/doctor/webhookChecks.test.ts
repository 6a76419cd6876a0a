import { describe, expect, it } from "vitest";
import { judgeWebhook } from "../../src/doctor/webhookChecks.ts";

const sinceMs = Date.parse("2026-11-21T08:15:00Z");
const answer = (status: number, headers: Record<string, string> = {}) => ({ status, headers, text: "" });
const none = { events: 0, oldestAtMs: undefined };
const three = { events: 3, oldestAtMs: sinceMs };

describe("what the doctor says of a webhook", () => {
  it.each([
    [answer(405), { waiting: none, state: undefined }, "ok", "answers. No events are waiting."],
    [answer(405), undefined, "ok", "answers."],
    [
      { reason: "connection refused" },
      { waiting: three, state: undefined },
      "failed",
      "connection refused. 3 events are waiting since 2026-11-21T08:15Z",
    ],
    [
      answer(301, { location: "http://10.0.0.1/x?t=1" }),
      { waiting: none, state: undefined },
      "failed",
      "redirects to http://10.0.0.1, and",
    ],
    [
      answer(405),
      { waiting: three, state: { refusingSinceMs: sinceMs, why: "status 401" } },
      "warning",
      "no event since 2026-11-21T08:15Z (status 401)",
    ],
  ] as const)("%j, %j: %s", (asked, record, outcome, part) => {
    const verdict = judgeWebhook(asked, record);
    expect(verdict.outcome).toBe(outcome);
    expect(verdict.sentence).toContain(part);
    expect(verdict.change === undefined).toBe(outcome === "ok");
  });
});
