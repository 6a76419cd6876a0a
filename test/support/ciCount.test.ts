import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const dir = mkdtempSync(join(tmpdir(), "ci-count-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const result =
  (status: string) =>
  (fullName: string, failureMessages: readonly string[] = []) => ({
    fullName,
    status,
    failureMessages,
  });
const [passed, skipped, failed] = [result("passed"), result("skipped"), result("failed")];

interface TestedFile {
  readonly name: string;
  readonly status: "passed" | "failed";
  readonly message: string;
  readonly assertionResults: readonly ReturnType<typeof passed>[];
}

/** One file of a report as Vitest writes it. */
const file = (assertionResults: TestedFile["assertionResults"], more: Partial<TestedFile> = {}): TestedFile => ({
  name: join(process.cwd(), "test/a.test.ts"),
  status: assertionResults.some(({ status }) => status === "failed") ? "failed" : "passed",
  message: "",
  assertionResults,
  ...more,
});

let reports = 0;
function report(...testResults: readonly TestedFile[]): string {
  const path = join(dir, `${++reports}.json`);
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const numPassedTests = tests.filter(({ status }) => status === "passed").length;
  const success = testResults.every(({ status }) => status === "passed");
  writeFileSync(path, JSON.stringify({ numPassedTests, success, testResults }));
  return path;
}

function count(...paths: readonly string[]): { lines: readonly string[]; code: number | null } {
  const { stdout, status } = spawnSync(process.execPath, [".ci/count.mjs", ...paths], { encoding: "utf8" });
  return { lines: stdout.trimEnd().split("\n"), code: status };
}

describe("what CI prints at its end", () => {
  it("is one line when all is well, over both tiers", () => {
    const paths = [report(file([passed("one"), passed("two")])), report(file([passed("three")]))];
    expect(count(...paths)).toEqual({ lines: ["3 passed, 0 failed"], code: 0 });
  });

  it("names a failing test once, with its file and the first line of what it said", () => {
    const path = report(file([passed("one"), failed("a lock is kept", ["Error: it was not\n    at somewhere"])]));
    expect(count(path)).toEqual({
      lines: ["FAILED test/a.test.ts > a lock is kept: Error: it was not", "1 passed, 1 failed"],
      code: 1,
    });
  });

  it.each<[string, TestedFile, string]>([
    ["a file that can't be loaded", file([], { status: "failed", message: "no module" }), "no module"],
    [
      "a file whose preparations fail, and none of the tests left out for it",
      file([passed("one"), skipped("two")], { status: "failed", message: "no server\n    at x" }),
      "no server",
    ],
    ["a file whose end fails", file([passed("one")], { status: "failed" }), "failed outside its tests"],
  ])("counts %s", (_what, broken, said) => {
    const { lines, code } = count(report(file([passed("elsewhere")]), broken));
    expect(lines.slice(0, -1)).toEqual([`FAILED test/a.test.ts: ${said}`]);
    expect(lines.at(-1)).toMatch(/ passed, 1 failed$/);
    expect(code).toBe(1);
  });

  it("takes a test that was left out for one that has failed", () => {
    const { lines, code } = count(report(file([passed("one"), skipped("two")])));
    expect(lines).toEqual(["FAILED test/a.test.ts > two: skipped", "1 passed, 1 failed"]);
    expect(code).toBe(1);
  });

  it("takes a run without a report, without a test or with an error beside its tests for one that has failed", () => {
    const missing = join(dir, "missing.json");
    const beside = report(file([passed("one")]));
    writeFileSync(beside, JSON.stringify({ numPassedTests: 1, success: false, testResults: [] }));
    const { lines, code } = count(missing, report(), beside);
    expect(lines).toEqual([
      `FAILED ${missing} is missing: that run has not come to its end`,
      expect.stringContaining("failed outside its tests"),
      expect.stringContaining("failed outside its tests"),
      "1 passed, 3 failed",
    ]);
    expect(code).toBe(1);
  });

  it("stays short: thirty are named, and the closing line is the last one", () => {
    const { lines } = count(report(file(Array.from({ length: 40 }, (_, at) => failed(`test ${at}`, ["no"])))));
    expect(lines).toHaveLength(32);
    expect(lines.slice(-2)).toEqual(["and 10 more", "0 passed, 40 failed"]);
  });
});
