import { describe, expect, it } from "vitest";
import type { Finding, Outcome } from "../../src/doctor/finding.ts";
import { textReport } from "../../src/doctor/report.ts";

const findings = (...outcomes: Outcome[]): Finding[] =>
  outcomes.map((outcome) => ({ check: "a check", arrow: "drive", outcome, sentence: "What was found." }));

describe("the last line of the doctor's report", () => {
  it.each<[Outcome[], string]>([
    [["ok", "ok"], "2 ok, 0 warnings ( !), 0 failed (!!), 0 not checked (--)"],
    [["warning"], "0 ok, 1 warning ( !), 0 failed (!!), 0 not checked (--)"],
    [["ok", "warning", "warning", "failed", "skipped"], "1 ok, 2 warnings ( !), 1 failed (!!), 1 not checked (--)"],
  ])("counts %j", (outcomes, line) => {
    expect(
      textReport(findings(...outcomes))
        .trimEnd()
        .split("\n")
        .at(-1),
    ).toBe(line);
  });
});
