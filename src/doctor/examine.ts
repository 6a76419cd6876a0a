import type { Config } from "../config.ts";
import { inTime } from "../model/inTime.ts";
import type { Clock } from "../model/keyValueStore.ts";
import { type DriveViewers, examineDrive } from "./driveChecks.ts";
import { discoveriesAt, type EditorReport, examineEditors } from "./editorChecks.ts";
import { type Arrow, type Finding, failed, finding, skipped } from "./finding.ts";
import { examineMail } from "./mailChecks.ts";
import { examineOffload } from "./offload.ts";
import { examinePublicAddress, isRunningHere } from "./publicAddress.ts";
import { examineSpool } from "./spoolChecks.ts";
import { examineStore } from "./storeChecks.ts";
import { judgeOrigins, judgeShields, judgeViewer, judgeViewers, officeExtensions, originOf } from "./viewerAnswers.ts";
import { examineWebhooks } from "./webhookChecks.ts";
import { examineWopiAddress } from "./wopiAddress.ts";
import { withoutWrongAddresses } from "./wrongAddresses.ts";

/** Each check ends within five seconds; a group, in which one check follows another, by then. All groups run at the same time. */
const arrowWithinMs = 12_000;

/** Runs all checks. @returns the findings, grouped by arrow; never rejects */
export async function examine(config: Config, now: Clock = Date.now): Promise<Finding[]> {
  const runsHere = isRunningHere(config);
  const drive = examineDrive(config, now);
  const editors = examineEditors(config, now);
  const findings = await Promise.all([
    withinArrow("bridge", "store", examineStore(config, now)),
    withinArrow("bridge", "spool", examineSpool(config, now)),
    withinArrow("bridge", "webhooks", examineWebhooks(config, now)),
    withinArrow("bridge", "mail", examineMail(config)),
    withinArrow(
      "drive",
      "Cloudreve",
      drive.then((report) => report.findings),
    ),
    withinArrow("drive", "viewers", viewerFindings(config, now, drive, editors)),
    withinArrow(
      "editor",
      "discovery",
      editors.then((report) => report.findings),
    ),
    withinArrow("editor", "WOPI address", examineWopiAddress(config, runsHere)),
    withinArrow("editor", "nginx", examineOffload(config)),
    withinArrow("browser", "bridge's address", examinePublicAddress(config, runsHere)),
  ]);
  return withoutWrongAddresses(findings.flat(), config);
}

/** Compares Cloudreve's viewers with what the editors offer. */
async function viewerFindings(
  config: Config,
  now: Clock,
  drive: Promise<{ viewers: DriveViewers | undefined }>,
  editors: Promise<EditorReport>,
): Promise<Finding[]> {
  const [{ viewers }, report] = await Promise.all([drive, editors]);
  if (viewers === undefined) return [finding("drive", "viewers", skipped("Checked once Cloudreve answers."))];
  // Without DISCOVERY_URLS, the editor is where Cloudreve's viewers lead.
  const discoveries =
    config.DISCOVERY_URLS.length > 0 ? report.discoveries : await discoveriesAt(viewers.actionOrigins ?? [], now);
  const actions = discoveries.flatMap((discovery) => discovery.actions);
  const editable =
    discoveries.length === 0
      ? undefined
      : new Set(actions.filter(({ name }) => name === "edit").map(({ extension }) => extension));
  const discovered = report.discoveries.flatMap((discovery) => discovery.actions);
  const origins = [...new Set(discovered.map(({ urlsrc }) => originOf(urlsrc)))].filter(
    (origin) => origin !== undefined,
  );
  const [discoveryUrl] = config.DISCOVERY_URLS;
  return [
    finding("drive", "viewers", judgeViewers(viewers.viewers, editable, discoveryUrl)),
    ...officeExtensions.map((extension) =>
      finding("drive", `viewer for ${extension}`, judgeViewer(extension, viewers.viewers, editable, discoveryUrl)),
    ),
    finding("drive", "locks", judgeShields(viewers.viewers, editable)),
    finding("drive", "viewers' editor", judgeOrigins(viewers.actionOrigins, origins, viewers.isAdministrator)),
  ];
}

async function withinArrow(
  arrow: Arrow,
  check: string,
  examining: Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  const safely = examining.catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : "unknown reason";
    return [finding(arrow, check, failed(`The check itself failed (${reason}).`, "report this as a bug"))];
  });
  return inTime(safely, arrowWithinMs, () => {
    const sentence = `The checks did not finish within ${arrowWithinMs / 1000} s.`;
    return [
      finding(arrow, check, failed(sentence, "run the doctor on a machine with a faster connection to this service")),
    ];
  });
}
