import type { Duplex } from "node:stream";
import type { Config } from "../config.ts";
import { actionUrl } from "../editors/actionUrl.ts";
import { type Discovery, parseDiscovery } from "../editors/discovery.ts";
import type { Clock } from "../model/keyValueStore.ts";
import { doctorFileId } from "../wopi/doctorFile.ts";
import { askForAccessCheck, judgeAccessCheck, manualCommand } from "./accessCheck.ts";
import { judgeClock } from "./driveAnswers.ts";
import {
  type Capabilities,
  capabilitiesIn,
  judgeActionOrigin,
  judgeCapabilities,
  judgeDiscovery,
  judgeFraming,
  judgeProofKey,
  probedAction,
  suiteBehind,
} from "./editorAnswers.ts";
import { doctorToken, type EditorCall, judgeEditorCall, watchEditorCall } from "./editorCall.ts";
import { type Finding, finding, skipped, type Verdict, warning } from "./finding.ts";
import { type Asked, ask, askFollowing, headerOf, isAnswer } from "./httpProbe.ts";
import { originOf } from "./viewerAnswers.ts";
import { askForUpgrade, judgeUpgrade, webSocketUrl } from "./webSocket.ts";

export interface EditorReport {
  readonly findings: readonly Finding[];
  /** The discovery documents that could be read. */
  readonly discoveries: readonly Discovery[];
}

/** Checks every editor in DISCOVERY_URLS, from the bridge's side and from the browser's. */
export async function examineEditors(config: Config, now: Clock): Promise<EditorReport> {
  if (config.DISCOVERY_URLS.length === 0) {
    const verdict = warning(
      "DISCOVERY_URLS is not set, so the bridge can't verify that calls come from the editor.",
      "DISCOVERY_URLS=<the editor's address, as seen from the bridge>/hosting/discovery",
    );
    return { findings: [finding("editor", "discovery", verdict)], discoveries: [] };
  }
  const reports = await Promise.all(config.DISCOVERY_URLS.map((url) => examineEditor(config, url, now)));
  const hosts = config.DISCOVERY_URLS.map((url) => new URL(url).host);
  return {
    findings: reports.flatMap(({ findings }, index) =>
      findings.map((one) => (reports.length === 1 ? one : { ...one, check: `${one.check} (${hosts[index]})` })),
    ),
    discoveries: reports.flatMap(({ discoveries }) => discoveries),
  };
}

async function examineEditor(config: Config, url: string, now: Clock): Promise<EditorReport> {
  const sentAtMs = now();
  const first = await askFollowing(url);
  const receivedAtMs = now();
  const known = await parsed(first, sentAtMs);
  const { discovery } = known;
  const readable = finding("editor", "discovery", judgeDiscovery(first, url, config.DISCOVERY_URLS, known.problem));
  if (discovery === undefined || !isAnswer(first)) return { findings: [readable], discoveries: [] };
  const urlsrc = probedAction(discovery);
  const suite = urlsrc === undefined ? undefined : suiteBehind(urlsrc);
  const [second, capabilitiesAnswer] = await Promise.all([
    askFollowing(url),
    ask(url.replace(/\/discovery\/?$/, "/capabilities")),
  ]);
  const again = (await parsed(second, sentAtMs)).discovery;
  const capabilities = capabilitiesIn(capabilitiesAnswer);
  const probes = await probeFindings(config, url, urlsrc, capabilities);
  const clock = judgeClock(headerOf(first, "date"), { sentAtMs, receivedAtMs }, "The editor's");
  const reads = again === undefined ? [discovery] : [discovery, again];
  return {
    findings: [
      readable,
      finding("editor", "editor's address", judgeActionOrigin(urlsrc, config)),
      finding("editor", "editor's clock", clock),
      finding("editor", "proof key", judgeProofKey(reads, config.PROOF_KEYS, suite)),
      finding("editor", "capabilities", judgeCapabilities(capabilities, suite)),
      ...probes,
    ],
    discoveries: [discovery],
  };
}

/** @returns the discovery documents of the editors at these origins that answer at the usual address */
export async function discoveriesAt(origins: readonly string[], now: Clock): Promise<readonly Discovery[]> {
  const read = await Promise.all(
    origins.map(async (origin) => (await parsed(await askFollowing(`${origin}/hosting/discovery`), now())).discovery),
  );
  return read.filter((discovery) => discovery !== undefined);
}

async function parsed(asked: Asked, nowMs: number): Promise<{ discovery?: Discovery; problem?: string }> {
  if (!isAnswer(asked) || asked.status !== 200) return {};
  try {
    return { discovery: await parseDiscovery(asked.text, nowMs) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : "unknown reason" };
  }
}

/** Opens a made-up document, both as a browser and as the editor's server would. */
async function probeFindings(
  config: Config,
  discoveryUrl: string,
  urlsrc: string | undefined,
  capabilities: Capabilities | undefined,
): Promise<Finding[]> {
  const wopiUrl = config.WOPI_URL ?? config.BRIDGE_URL;
  const wopiSrc = `${wopiUrl}/wopi/files/${doctorFileId}`;
  const manual = manualCommand(wopiUrl);
  const access = capabilities?.hasWopiAccessCheck === true ? askForAccessCheck(discoveryUrl, wopiSrc) : undefined;
  const reached = (verdict: Verdict) => finding("editor", "editor reaches the bridge", verdict);
  const origin = originOf(urlsrc ?? "");
  if (urlsrc === undefined || origin === undefined) return [reached(judgeAccessCheck(await access, wopiUrl, manual))];
  const suite = suiteBehind(urlsrc);
  const token = await doctorToken(config, doctorFileId);
  const socketUrl = webSocketUrl(urlsrc, suite, wopiSrc, token);
  const asksItself = suite === "collabora" && access === undefined;
  let call: EditorCall | undefined;
  const whileOpen = async (socket: Duplex): Promise<string> => {
    if (asksItself) call = await watchEditorCall(socket, config, doctorFileId, token);
    return "";
  };
  const [page, socket] = await Promise.all([
    ask(actionUrl(urlsrc, { wopiSrc, language: undefined, theme: undefined }), {
      method: "POST",
      headers: { "Content-Type": "application/x-www-form-urlencoded", Origin: new URL(config.BRIDGE_URL).origin },
      body: "access_token=doctor&access_token_ttl=0",
    }),
    socketUrl === undefined ? undefined : askForUpgrade(socketUrl, whileOpen),
  ]);
  const isMixed = config.BRIDGE_URL.startsWith("https:") && origin.startsWith("http:");
  const framing = isMixed
    ? skipped("Not checked: browsers block an http editor before it gets this far.")
    : judgeFraming(page, { origin, suite, version: capabilities?.productVersion }, config);
  return [
    reached(asksItself ? judgeEditorCall(call, wopiUrl, manual) : judgeAccessCheck(await access, wopiUrl, manual)),
    finding("browser", "editor in a frame", framing),
    finding("browser", "WebSocket", judgeUpgrade(socket, suite, origin)),
  ];
}
