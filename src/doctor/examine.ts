import type { Config } from "../config.ts";
import type { Clock } from "../model/keyValueStore.ts";
import { type DriveViewers, examineDrive } from "./driveChecks.ts";
import { type EditorReport, examineEditors } from "./editorChecks.ts";
import { type Arrow, type Finding, failed, finding, skipped } from "./finding.ts";
import { examinePublicAddress, isRunningHere } from "./publicAddress.ts";
import { examineSpool } from "./spoolChecks.ts";
import { examineStore } from "./storeChecks.ts";
import { judgeOrigins, judgeViewer, judgeViewers, officeExtensions, originOf } from "./viewerAnswers.ts";
import { examineWopiAddress } from "./wopiAddress.ts";

/** Each group of checks ends by then, whatever hangs; all groups run at the same time. */
const arrowWithinMs = 17_000;

/** Runs all checks. @returns the findings, grouped by arrow; never rejects */
export async function examine(config: Config, now: Clock = Date.now): Promise<Finding[]> {
  const runsHere = isRunningHere(config);
  const drive = examineDrive(config, now);
  const editors = examineEditors(config, now);
  const findings = await Promise.all([
    inTime("bridge", "store", examineStore(config, now)),
    inTime("bridge", "spool", examineSpool(config, now)),
    inTime(
      "drive",
      "Cloudreve",
      drive.then((report) => report.findings),
    ),
    inTime("drive", "viewers", viewerFindings(config, drive, editors)),
    inTime(
      "editor",
      "discovery",
      editors.then((report) => report.findings),
    ),
    inTime("editor", "WOPI address", examineWopiAddress(config, runsHere)),
    inTime("browser", "bridge's address", examinePublicAddress(config, runsHere)),
  ]);
  return findings.flat();
}

/** Compares Cloudreve's viewers with what the editors offer. */
async function viewerFindings(
  config: Config,
  drive: Promise<{ viewers: DriveViewers | undefined }>,
  editors: Promise<EditorReport>,
): Promise<Finding[]> {
  const [{ viewers }, { discoveries }] = await Promise.all([drive, editors]);
  if (viewers === undefined) return [finding("drive", "viewers", skipped("Checked once Cloudreve answers."))];
  const actions = discoveries.flatMap((discovery) => discovery.actions);
  const editable =
    discoveries.length === 0
      ? undefined
      : new Set(actions.filter(({ name }) => name === "edit").map(({ extension }) => extension));
  const origins = [...new Set(actions.map(({ urlsrc }) => originOf(urlsrc)))].filter((origin) => origin !== undefined);
  const [discoveryUrl] = config.DISCOVERY_URLS;
  return [
    finding("drive", "viewers", judgeViewers(viewers.viewers, editable, discoveryUrl)),
    ...officeExtensions.map((extension) =>
      finding("drive", `viewer for ${extension}`, judgeViewer(extension, viewers.viewers, editable, discoveryUrl)),
    ),
    finding("drive", "viewers' editor", judgeOrigins(viewers.actionOrigins, origins, viewers.isAdministrator)),
  ];
}

async function inTime(
  arrow: Arrow,
  check: string,
  examining: Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly Finding[]>((resolve) => {
    const verdict = failed(
      `The checks did not finish within ${arrowWithinMs / 1000} s.`,
      "run the doctor on a machine with a faster connection to this service",
    );
    timer = setTimeout(() => resolve([finding(arrow, check, verdict)]), arrowWithinMs);
  });
  const safely = examining.catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : "unknown reason";
    return [finding(arrow, check, failed(`The check itself failed (${reason}).`, "report this as a bug"))];
  });
  try {
    return await Promise.race([safely, late]);
  } finally {
    clearTimeout(timer);
  }
}
