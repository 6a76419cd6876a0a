import { claimsOf, compareAnswers } from "./recordingsCompare.ts";
import { bodyBytes, type NotCovered, type RecordedExchange, type Recording } from "./recordingsLoad.ts";
import { Stage, type UserName } from "./recordingsStage.ts";

type Step = (stage: Stage) => Promise<unknown> | unknown;

/** What a recording presupposes and does not tell itself. */
export interface Plan {
  /** Whose the cut JWT was. Default: bob. */
  caller?: UserName;
  /** The exchanges in which it was somebody else's. */
  callers?: Record<number, UserName>;
  /** The Authorization header of single exchanges, where it was no good access token. */
  authorization?: Record<number, (stage: Stage) => Promise<string>>;
  prepare?: Step;
  /** What happened beside, right before an exchange. */
  before?: Record<number, Step>;
}

const jwt = /eyJ[\w-]+\.[\w-]+\.SIGNATURE/g;

/** @returns the differences, each with the number of its exchange */
export async function replay(recording: Recording, plan: Plan, skipped: NotCovered[string] = {}): Promise<string[]> {
  const stage = new Stage(recording);
  await stage.open();
  const differences: string[] = [];
  try {
    await plan.prepare?.(stage);
    for (const [index, exchange] of recording.exchanges.entries()) {
      stage.nowMs += 5;
      await plan.before?.[index]?.(stage);
      if (skipped[String(index)] !== undefined) continue;
      const found = await replayExchange(stage, exchange, plan, index);
      differences.push(...found.map((difference) => `[${index}] ${exchange.note ?? ""} ${difference}`));
    }
  } finally {
    await stage.close();
  }
  return differences;
}

async function replayExchange(stage: Stage, exchange: RecordedExchange, plan: Plan, index: number): Promise<string[]> {
  const { request, response } = exchange;
  if (!request || !response) return [];
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    headers[name] = stage.translate(await replaceTokens(stage, value));
  }
  if (headers["Authorization"] === "Bearer <jwt>") headers["Authorization"] = await authorize(stage, plan, index);
  const text = isForm(request) ? String(request.body) : isJson(request.body) ? JSON.stringify(request.body) : undefined;
  const body =
    text === undefined ? bodyBytes(request.body) : Buffer.from(stage.translate(await replaceTokens(stage, text)));
  // Live ids need not be as long as the recorded ones.
  if (text !== undefined) delete headers["Content-Length"];
  const live = await stage.send({ method: request.method, path: stage.translate(request.path), headers, body });
  return compareAnswers(response, live, stage);
}

async function authorize(stage: Stage, plan: Plan, index: number): Promise<string> {
  const special = plan.authorization?.[index];
  if (special) return `Bearer ${await special(stage)}`;
  return `Bearer ${await stage.accessToken(plan.callers?.[index] ?? plan.caller ?? "bob")}`;
}

async function replaceTokens(stage: Stage, text: string): Promise<string> {
  let replaced = text;
  for (const token of text.match(jwt) ?? []) {
    const claims = claimsOf(token);
    const user = stage.userOfRecordedId(String(claims["sub"]));
    const live =
      stage.learntToken(token) ??
      (claims["token_type"] === "refresh"
        ? await stage.refreshToken(user, String(claims["root_token_id"]))
        : await stage.accessToken(user));
    replaced = replaced.replace(token, live);
  }
  return replaced;
}

function isForm(request: NonNullable<RecordedExchange["request"]>): boolean {
  return request.headers["Content-Type"] === "application/x-www-form-urlencoded";
}

function isJson(body: unknown): boolean {
  return typeof body === "object" && body !== null;
}
