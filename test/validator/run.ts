import type { CaseGroup, CaseRequest, Resources, Suite, TestCase } from "./cases.ts";
import { selected } from "./jsonPath.ts";
import { textOf } from "./properties.ts";
import {
  answersText,
  type HttpRequest,
  httpRequest,
  type SavedState,
  unknownRequest,
  type WopiSession,
} from "./requests.ts";
import type { FitsSchema } from "./schemas.ts";
import type { Sign } from "./signing.ts";
import { type Answer, unknownValidator, wrongAnswers } from "./validators.ts";
import type { XmlElement } from "./xml.ts";

export interface CaseResult {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Why it did not pass, in words. */
  readonly reasons: readonly string[];
  /** What was answered in place of what was expected. */
  readonly answer?: string;
}

export interface GroupResult {
  readonly name: string;
  /** Name of the session its cases were run with; undefined when none met the prerequisites. */
  readonly session: string | undefined;
  /** Why the sessions before that one could not be used. */
  readonly unmet: readonly string[];
  readonly results: readonly CaseResult[];
}

export interface Means {
  readonly schemas: ReadonlyMap<string, FitsSchema>;
  readonly sign: Sign;
  readonly send: (request: HttpRequest) => Promise<Omit<Answer, "isText">>;
  readonly now: () => number;
}

type Run = Means & { readonly resources: Resources };

/** Runs each group with the first session that meets its prerequisites. */
export async function* runSuite(
  suite: Suite,
  sessions: readonly WopiSession[],
  means: Means,
): AsyncGenerator<GroupResult> {
  const run = { ...means, resources: suite.resources };
  for (const group of suite.groups) yield runGroup(run, group, sessions);
}

async function runGroup(run: Run, group: CaseGroup, sessions: readonly WopiSession[]): Promise<GroupResult> {
  const unmet: string[] = [];
  let chosen: WopiSession | undefined;
  for (const session of sessions) {
    const missing = await unmetPrerequisite(run, group, session);
    if (missing === undefined) {
      chosen = session;
      break;
    }
    unmet.push(`${session.name}: ${missing}`);
  }
  const results: CaseResult[] = [];
  for (const testCase of group.cases) {
    if (chosen === undefined) results.push({ name: testCase.name, outcome: "skipped", reasons: [] });
    else results.push(await runCase(run, testCase, chosen));
  }
  return { name: group.name, session: chosen?.name, unmet, results };
}

async function unmetPrerequisite(run: Run, group: CaseGroup, session: WopiSession): Promise<string | undefined> {
  for (const prerequisite of group.prerequisites) {
    const { outcome, reasons } = await runCase(run, prerequisite, session);
    if (outcome !== "passed") return `${prerequisite.name}: ${reasons.join("; ")}`;
  }
  return undefined;
}

async function runCase(run: Run, testCase: TestCase, session: WopiSession): Promise<CaseResult> {
  const { name, requests, cleanup } = testCase;
  const unknown = unknownIn(testCase);
  if (unknown !== undefined) return { name, outcome: "skipped", reasons: [`this engine does not know ${unknown}`] };
  const saved: SavedState = new Map([
    ["OriginalAccessToken", session.accessToken],
    ["OriginalWopiSrc", session.wopiSrc],
  ]);
  let wrong: Wrong | undefined;
  for (const [at, request] of requests.entries()) {
    wrong = await wrongWith(run, { ...request, at: at + 1 }, session, saved);
    if (wrong !== undefined) break;
  }
  for (const request of cleanup) await cleanUp(run, request, session, saved);
  return wrong === undefined ? { name, outcome: "passed", reasons: [] } : { name, outcome: "failed", ...wrong };
}

type Wrong = Pick<CaseResult, "reasons" | "answer">;

function unknownIn({ requests, cleanup }: TestCase): string | undefined {
  return [...requests, ...cleanup]
    .flatMap((request) => [unknownRequest(request), ...(request.validators ?? []).map(unknownValidator)])
    .find((unknown) => unknown !== undefined);
}

/** Sends a request, judges its answer and keeps of it what later requests need. @param request with its place */
async function wrongWith(
  run: Run,
  request: CaseRequest & { readonly at: number },
  session: WopiSession,
  saved: SavedState,
): Promise<Wrong | undefined> {
  const place = `request ${request.at}, ${request.name}`;
  try {
    const answer = await answerTo(run, request, session, saved);
    const wrong = wrongAnswers(request.validators, answer, { ...run, saved });
    if (wrong.length > 0) return { reasons: wrong.map((each) => `${place}: ${each}`), answer: shownAnswer(answer) };
    for (const save of request.saves) saved.set(save.attributes["Name"] ?? "", keptOf(save, answer));
    return undefined;
  } catch (error) {
    return { reasons: [`${place}: it could not be tried: ${error instanceof Error ? error.message : error}`] };
  }
}

/** What was made is to be removed; where nothing was made, there is nothing to remove either. */
async function cleanUp(run: Run, request: CaseRequest, session: WopiSession, saved: SavedState): Promise<void> {
  await answerTo(run, request, session, saved).catch(() => undefined);
}

async function answerTo(run: Run, request: CaseRequest, session: WopiSession, saved: SavedState): Promise<Answer> {
  const { resources, sign, now } = run;
  const sent = httpRequest(request, { session, saved, resources, sign, nowMs: now() });
  return { ...(await run.send(sent)), isText: answersText(request) };
}

/** @returns undefined when the answer does not hold it */
function keptOf({ attributes: { Source = "", SourceType = "" } }: XmlElement, answer: Answer): string | undefined {
  if (SourceType.toLowerCase() === "header") return answer.headers[Source.toLowerCase()] || undefined;
  if (!answer.isText || answer.body.length === 0) return undefined;
  try {
    const value = selected(JSON.parse(answer.body.toString("utf8")), Source);
    return value === undefined || value === null ? undefined : textOf(value);
  } catch {
    return undefined;
  }
}

/** Of an answer that was not expected, what tells most. */
function shownAnswer({ status, headers, body, isText }: Answer): string {
  const told = Object.entries(headers).filter(([name]) => /^x-wopi-(lock|.*reason|.*error)/.test(name));
  const text = isText ? body.toString("utf8").slice(0, 300) : "";
  return [status, ...told.map(([name, value]) => `${name}: ${value}`), text].join(" ").trim();
}
