import type { Arrow, Finding, Outcome } from "./finding.ts";

const symbols: Readonly<Record<Outcome, string>> = { ok: "ok", warning: " !", failed: "!!", skipped: "--" };

const arrows: Readonly<Record<Arrow, string>> = {
  bridge: "bridge: settings, store and spool",
  drive: "drive: bridge → Cloudreve",
  editor: "editor: bridge ↔ editor's server",
  browser: "browser: browsers → bridge and editor",
};

/** One line per check, grouped by arrow, followed by the line to change. */
export function textReport(findings: readonly Finding[]): string {
  const lines: string[] = [];
  for (const [arrow, title] of Object.entries(arrows)) {
    const ofArrow = findings.filter((finding) => finding.arrow === arrow);
    if (ofArrow.length === 0) continue;
    lines.push(title);
    for (const { outcome, check, sentence, change } of ofArrow) {
      lines.push(`  ${symbols[outcome]} ${check}: ${sentence}`);
      if (change !== undefined) lines.push(`       change: ${change}`);
    }
  }
  const count = (outcome: Outcome) => findings.filter((finding) => finding.outcome === outcome).length;
  const warnings = count("warning") === 1 ? "1 warning" : `${count("warning")} warnings`;
  lines.push(
    `${count("ok")} ok, ${warnings} ( !), ${count("failed")} failed (!!), ${count("skipped")} not checked (--)`,
  );
  return `${lines.join("\n")}\n`;
}

/** `[{check, arrow, outcome, sentence, change?}]` */
export function jsonReport(findings: readonly Finding[]): string {
  return `${JSON.stringify(findings, undefined, 2)}\n`;
}

/** Runs right before printing: no secret gets out, even inside an error text. */
export function withoutSecrets(findings: readonly Finding[], secrets: readonly string[]): Finding[] {
  const clean = (text: string) => secrets.reduce((rest, secret) => rest.replaceAll(secret, "***"), text);
  return findings.map(({ sentence, change, ...rest }) => ({
    ...rest,
    sentence: clean(sentence),
    ...(change === undefined ? {} : { change: clean(change) }),
  }));
}
