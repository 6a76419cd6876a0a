import type { z } from "zod";
import type { BridgeError } from "../../model/failure.ts";
import { jsonIn } from "../../model/jsonIn.ts";
import type { TextAnswer } from "../client.ts";
import { type Envelope, envelopeSchema, oauthRefusalSchema } from "../errorCodes.ts";

export type CallState =
  | { readonly state: "unchanged" }
  /** said: where it differs and how, without anything from the answer itself. */
  | { readonly state: "changed"; readonly said: string }
  /** said: why the question could not be answered now; this says nothing about the contract. */
  | { readonly state: "unasked"; readonly said: string };

export type Judge = (answer: TextAnswer) => CallState;

const unchanged: CallState = { state: "unchanged" };
const changed = (said: string): CallState => ({ state: "changed", said });
export const unasked = (said: string): CallState => ({ state: "unasked", said });

export const refusedSignIn = "Cloudreve refuses the account's sign-in";
const unreachable = "Cloudreve is not reached";
/** What the client reports for an answer that does not come from the API. */
const noEnvelope = "no envelope in the answer";
const scopeMissing = 40_089;
const signInCodes = new Set([401, 40_020]);
/** What a proxy answers when the drive behind it is down or overloaded. */
const awayStatuses = new Set([429, 502, 503, 504]);
const firstOwnFault = 50_000;

/** Expects an envelope with code 0 whose data fits all these schemas. */
export function answersWith(...schemas: readonly z.ZodType[]): Judge {
  return judgeEnvelope(({ code, data }) => {
    if (code !== 0) return changed(`code ${code} in place of data`);
    for (const schema of schemas) {
      const wrong = misfits(schema, data, ["data"]);
      if (wrong !== undefined) return changed(wrong);
    }
    return unchanged;
  });
}

/** Expects an envelope that refuses with this code. */
export function refusesWith(expected: number): Judge {
  return judgeEnvelope(({ code }) => {
    return code === expected ? unchanged : changed(`code ${code} in place of ${expected}`);
  }, expected);
}

/** Expects plain JSON without an envelope. */
export function answersPlainly(schema: z.ZodType): Judge {
  return (answer) => {
    if (awayStatuses.has(answer.status)) return away(answer);
    const json = jsonIn(answer.text);
    const refusal = oauthRefusalSchema.safeParse(json);
    if (refusal.success && refusal.data.code !== 0) {
      return notNow(refusal.data.code) ?? changed(`code ${refusal.data.code} in place of an answer`);
    }
    if (answer.status !== 200) return changed(`HTTP ${answer.status} in place of 200`);
    if (json === undefined) return changed("no JSON in the answer");
    const wrong = misfits(schema, json, []);
    return wrong === undefined ? unchanged : changed(wrong);
  };
}

/** Expects a refusal in OAuth's format, with Cloudreve's code in it. @see recordings/cloudreve/oauth-token.json */
export function refusesAsOAuth(expected: number): Judge {
  return (answer) => {
    if (awayStatuses.has(answer.status)) return away(answer);
    const refusal = oauthRefusalSchema.safeParse(jsonIn(answer.text));
    if (!refusal.success) return changed(`HTTP ${answer.status} without the shape of an OAuth error`);
    const { code } = refusal.data;
    if (code >= firstOwnFault) return unasked(`Cloudreve has a fault of its own, code ${code}`);
    return code === expected ? unchanged : changed(`code ${code} in place of ${expected}`);
  };
}

/** The native endpoints refuse by status, with the reason in a header. @see recordings/cloudreve/wopi-token.json */
export const refusesNatively: Judge = (answer) => {
  if (awayStatuses.has(answer.status)) return away(answer);
  if (answer.status !== 403) return changed(`HTTP ${answer.status} in place of 403`);
  return answer.header("x-wopi-servererror") === undefined
    ? changed("no X-WOPI-ServerError in the refusal")
    : unchanged;
};

/** Expects the answer to an invalid download URL: an envelope without an ETag, which a file would have. */
export const isNoFile: Judge = (answer) => {
  if (answer.header("etag") !== undefined) return changed("an ETag on what is not the file");
  return judgeEnvelope(({ code }) => (code === 0 ? changed("code 0 for a broken signature") : unchanged), 401)(answer);
};

/** What a failed call of the adapter says about the contract: only an answer in another format is a change. */
export function stateOfFailure({ failure }: BridgeError): CallState {
  if (failure.kind === "signInNeeded") return unasked(refusedSignIn);
  if (failure.kind === "driveUnreachable") return unasked(unreachable);
  if (failure.kind !== "driveFailed") return unasked(failure.kind);
  const { code, said } = failure;
  const isEnvelope = code !== 0 && said !== noEnvelope;
  // 203, which asks for a second factor; the account must not have one.
  if (isEnvelope) return notNow(code) ?? unasked(`${refusedSignIn}, code ${code}`);
  if (awayStatuses.has(code)) return unasked(`${unreachable}: HTTP ${code}`);
  return changed(code === 0 ? said : `HTTP ${code}: ${said}`);
}

/** @param expected a code that is the right answer here, though elsewhere it means that there is no answer now */
function judgeEnvelope(judge: (envelope: Envelope) => CallState, expected?: number): Judge {
  return (answer) => {
    if (awayStatuses.has(answer.status)) return away(answer);
    if (answer.status !== 200) return changed(`HTTP ${answer.status} in place of an envelope`);
    const json = jsonIn(answer.text);
    if (json === undefined) return changed("no JSON in the answer");
    const envelope = envelopeSchema.safeParse(json);
    if (!envelope.success) return changed(noEnvelope);
    const { code } = envelope.data;
    return (code === expected ? undefined : notNow(code)) ?? judge(envelope.data);
  };
}

/** Codes about the account or the server's health, not about the contract. */
function notNow(code: number): CallState | undefined {
  if (signInCodes.has(code)) return unasked(refusedSignIn);
  if (code === scopeMissing) return unasked("the account's token lacks the scope");
  return code >= firstOwnFault ? unasked(`Cloudreve has a fault of its own, code ${code}`) : undefined;
}

const away = ({ status }: TextAnswer): CallState => unasked(`${unreachable}: HTTP ${status}`);

/** @returns every place that does not fit and what is wrong there, but never a value */
function misfits(schema: z.ZodType, value: unknown, at: readonly string[]): string | undefined {
  const parsed = schema.safeParse(value);
  if (parsed.success) return undefined;
  return parsed.error.issues
    .map(({ path, message }) => `${[...at, ...path.map(String)].join(".")}: ${message.replace(/^Invalid input: /, "")}`)
    .join("; ");
}
