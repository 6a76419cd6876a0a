import type { UpstreamCalls } from "./calls.ts";
import type { Figures, Memory, WayFigures } from "./measure.ts";
import { ways } from "./measure.ts";
import type { Profile } from "./profile.ts";
import { type ScenarioFigures, stalledName } from "./scenarios.ts";

/** Rows of text with columns as wide as they need to be: the first to the left, all others to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd();
  return [line(head), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}

const number = (value: number, digits: number): string => (Number.isFinite(value) ? value.toFixed(digits) : "");
const fine = (value: number): string => number(value, value < 10 ? 2 : value < 100 ? 1 : 0);
const memoryText = (memory: Memory | undefined): string =>
  memory === undefined ? "" : [memory.before, memory.highest, memory.after].map((mib) => Math.round(mib)).join("/");
const failedText = (failed: Readonly<Record<string, number>>): string =>
  Object.entries(failed)
    .map(([status, count]) => `${count}x ${status}`)
    .join(" ");
const percent = (part: number | undefined): string => (part === undefined ? "" : String(Math.round(part * 100)));

const head = [
  "operation",
  "way",
  "req/s",
  "p50 ms",
  "p99 ms",
  "CPU ms",
  "MB/s",
  "÷drive",
  "÷pipe",
  "RSS MB",
  "busy %",
  "failed",
];

/** One row for each way of each operation. */
export function figuresTable(figures: readonly Figures[]): string {
  const rows = figures.flatMap((one) =>
    ways.map((way) => {
      const of: WayFigures = one.ways[way];
      const isOurs = way === "ours";
      return [
        isOurs ? `${one.operation} (${one.concurrency} at once)` : "",
        isOurs ? `bridge on ${one.drive}` : way === "drive" ? `${one.drive} itself` : "pipe",
        fine(of.callsPerSecond),
        fine(of.p50Ms),
        fine(of.p99Ms),
        of.cpuMsPerCall === undefined ? "" : fine(of.cpuMsPerCall),
        of.megabytesPerSecond < 1 ? "" : fine(of.megabytesPerSecond),
        isOurs ? number(one.ratioToDrive, 2) : "",
        isOurs ? number(one.ratioToPipe, 2) : "",
        memoryText(of.memory),
        [isOurs ? of.busy["bridge"] : way === "pipe" ? of.busy["pipe"] : undefined, of.busy["drive"], of.busy["load"]]
          .map(percent)
          .filter((text) => text !== "")
          .join("/"),
        failedText(of.failed),
      ];
    }),
  );
  const legend = [
    "CPU ms: of the process in the middle, for each call (of the drive in the drive's own row).",
    "÷drive, ÷pipe: calls a second, ours by theirs. RSS: before/highest/after. busy %: of one core, bridge or pipe/drive/load generator.",
  ];
  const targets = figures.flatMap(({ operation, target }) =>
    target === undefined
      ? []
      : [`${target.isMet ? "met" : "MISSED"}: ${operation}, ${target.says} of Cloudreve's own WOPI host`],
  );
  return [table(head, rows), ...legend, ...targets].join("\n");
}

export function scenariosTable(scenarios: readonly ScenarioFigures[]): string {
  const rows = scenarios.flatMap(({ scenario, parts }) =>
    parts.map((part, index) => [
      index === 0 ? scenario : "",
      part.name,
      String(part.calls),
      failedText(part.failed) || "none",
      fine(part.elapsedMs / 1000),
      fine(part.p50Ms),
      fine(part.p95Ms),
      fine(part.p99Ms),
      fine(part.maxMs),
      fine(part.cpuMsPerCall),
      memoryText(part.memory),
      [part.health.p50Ms, part.health.p99Ms, part.health.maxMs].map(fine).join("/"),
    ]),
  );
  const facts = scenarios.flatMap(({ scenario, facts = [] }) => facts.map((fact) => `${scenario}: ${fact}`));
  const legend = "CPU ms: of the bridge for each call, the asking for /healthz included (40 times a second at most).";
  return `${table(
    [
      "scenario",
      "part",
      "calls",
      "failed",
      "s",
      "p50 ms",
      "p95 ms",
      "p99 ms",
      "max ms",
      "CPU ms",
      "RSS MB",
      "/healthz ms p50/p99/max",
    ],
    rows,
  )}\n${[legend, ...facts].join("\n")}`;
}

const cpuGoalMs = 1.5;
const throughputGoal = 0.9;
const growthGoalMib = 32;
const stalledGoal = 2;

/** Product, section 10: what of it this run can tell. */
export function goalsText(figures: readonly Figures[], scenarios: readonly ScenarioFigures[]): string {
  const goal = (isMet: boolean, text: string) => `${isMet ? "met" : "MISSED"}: ${text}`;
  const ofCalls = figures.flatMap(({ operation, drive, ways: { ours }, ratioToPipe }) => {
    if (operation === "GetFile 10 MB") {
      const ratio = `${fine(ratioToPipe)} of the bare pipe on ${drive}`;
      return [goal(ratioToPipe >= throughputGoal, `${operation} at least ${throughputGoal}: ${ratio}`)];
    }
    if (!/^(CheckFileInfo|Lock)/.test(operation) || ours.cpuMsPerCall === undefined) return [];
    const cpu = `${fine(ours.cpuMsPerCall)} ms CPU on ${drive}`;
    return [goal(ours.cpuMsPerCall <= cpuGoalMs, `${operation} at most ${cpuGoalMs}: ${cpu}`)];
  });
  const ofMemory = scenarios.flatMap(({ scenario, parts, facts }) => {
    const before = parts[0]?.memory.before ?? 0;
    const growth = Math.max(...parts.map(({ memory }) => memory.highest)) - before;
    const isAnswered = parts.every(({ failed }) => Object.keys(failed).length === 0);
    return [
      ...(scenario === stalledName || facts !== undefined
        ? []
        : [
            goal(growth <= growthGoalMib, `${scenario}, memory within ${growthGoalMib} MB: ${Math.round(growth)} more`),
          ]),
      goal(isAnswered, `${scenario}, all answered as they should be`),
    ];
  });
  const ofStalled = scenarios.flatMap(({ scenario, parts: [idle, stalled, again] }) => {
    if (scenario !== stalledName || idle === undefined || stalled === undefined || again === undefined) return [];
    // Before and after, as a busy machine changes meanwhile.
    const ratio = stalled.p99Ms / ((idle.p99Ms + again.p99Ms) / 2);
    return [goal(ratio <= stalledGoal, `${scenario}, p99 within ${stalledGoal} times the idle one: ${fine(ratio)}`)];
  });
  return [...ofCalls, ...ofMemory, ...ofStalled].join("\n");
}

export function callsTable(calls: readonly UpstreamCalls[]): string {
  const rows = calls.map(({ operation, first, later }) => {
    const isSame = first.join() === later.join();
    return [
      operation,
      `${later.length}`,
      `${later.join(", ")}${isSame ? "" : `  (first time ${first.length}: ${first.join(", ")})`}`,
    ];
  });
  return [
    "calls of the drive per operation",
    ...rows.map(([name = "", count, text]) => `${name.padEnd(24)} ${count}  ${text}`),
  ].join("\n");
}

export function profileText({ operation, calls, cpuMsPerCall, self, owners, below }: Profile): string {
  const list = (title: string, shares: Profile["self"]) => [
    title,
    ...shares.map(({ name, part }) => `${(part * 100).toFixed(1).padStart(6)} %  ${name}`),
  ];
  return [
    `${operation}: ${calls} calls, ${fine(cpuMsPerCall)} ms CPU each, the profiler's own cost included`,
    ...list("self time", self),
    ...list("self time by owner", owners),
    ...list("time below functions of the project", below),
  ].join("\n");
}
