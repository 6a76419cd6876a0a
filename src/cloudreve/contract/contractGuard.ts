import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { z } from "zod";
import { BridgeError } from "../../model/failure.ts";
import { jsonIn } from "../../model/jsonIn.ts";
import { type CloudreveClient, readText } from "../client.ts";
import type { Credentials } from "../credential.ts";
import { envelopeSchema } from "../errorCodes.ts";
import { fileSchema } from "../fileApi.ts";
import { hasOAuth } from "../signIn.ts";
import type { OAuthClient } from "../tokenCalls.ts";
import { viewersSchema } from "../viewerSessions.ts";
import { contractProbes, type Known, noAccount, type Probe, type Question } from "./contractProbes.ts";
import { type DriveAnswer, refusedSignIn, unasked, type Verdict, verdictOf } from "./contractVerdict.ts";

const defaultCheckMs = 10_000;
/** The time of one question. */
const probeMs = 4_000;
/** Asked at a time: a drive must not feel that it is looked at. */
const lanes = 3;

interface ContractState {
  /** Method and path without ids. */
  readonly call: string;
  /** "unasked": it could not be asked now, which says nothing of the contract. */
  readonly state: Verdict["state"];
  /** What has changed, or why it was not asked; holds nothing of anybody's. */
  readonly said?: string;
}
export type ContractReport = readonly ContractState[];

interface GuardParts {
  readonly client: CloudreveClient;
  readonly credentials: Credentials;
  /** Whose name to ask in; asked at each check. undefined = there is nobody, and only what needs none is asked. */
  readonly account: () => Promise<string | undefined>;
  readonly oauthClient: OAuthClient | undefined;
  /** The time of a whole check: ten seconds. */
  readonly checkMs?: number;
}

/** The sign-in itself is not asked by a probe; it is seen when the account's credential is made or renewed. */
const signInCall = "POST /session/token";

/**
 * Asks Cloudreve harmless questions, and holds the answers against the schemas and codes that the adapter goes by.
 * Nothing is made, locked, written or opened.
 *
 * Not guarded, since no question about it is harmless: what a viewer session, an upload session, native CheckFileInfo,
 * GetFile and a download look like when they succeed; native LOCK, UNLOCK and PutFile; DELETE /file and /file/upload,
 * which are never sent as a question; a password that is refused, which servers may count.
 */
export class ContractGuard {
  readonly #client: CloudreveClient;
  readonly #credentials: Credentials;
  readonly #account: GuardParts["account"];
  readonly #oauthClient: OAuthClient | undefined;
  readonly #checkMs: number;
  #underWay: Promise<ContractReport> | undefined;

  constructor({ client, credentials, account, oauthClient, checkMs = defaultCheckMs }: GuardParts) {
    this.#client = client;
    this.#credentials = credentials;
    this.#account = account;
    this.#oauthClient = oauthClient;
    this.#checkMs = checkMs;
  }

  /** @returns one state for each call, always of the same calls in the same order; within its time, ten seconds */
  check(): Promise<ContractReport> {
    this.#underWay ??= this.#check().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #check(): Promise<ContractReport> {
    const verdicts: [string, Verdict][] = [];
    const signal = AbortSignal.timeout(this.#checkMs);
    const probe = async (asked: Probe, known: Known): Promise<Outcome> => {
      const outcome = await this.#ask(asked, known, signal);
      verdicts.push([asked.call, outcome.verdict]);
      return outcome;
    };

    const { ping, list, explorer, ...others } = contractProbes;
    const { verdict, data } = await probe(ping, { noName: "" });
    if (verdict.state === "unasked") return reportOf(reportedCalls.map((call) => [call, verdict]));
    const version = z.string().safeParse(data);
    const signedIn = await this.#signedIn(signal);
    verdicts.push([signInCall, signedIn.verdict], [list.call, signedIn.list.verdict]);
    const identity = { noName: `contract-guard-${randomUUID()}`, ...signedIn.known };
    const known: Known = {
      ...identity,
      ...foundIn(signedIn.list.data),
      viewerId: viewerIn((await probe(explorer, identity)).data),
      hasOAuth: version.success && hasOAuth(version.data),
      oauthClient: this.#oauthClient,
    };
    const waiting: Probe[] = Object.values(others);
    const lane = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await probe(next, known);
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    return reportOf(verdicts);
  }

  /** Lists the account's files, with a renewed credential where the kept one is refused. */
  async #signedIn(signal: AbortSignal): Promise<SignedIn> {
    const nobody = (verdict: Verdict): SignedIn => {
      const said = verdict.state === "unasked" ? verdict.said : "the account can't sign in";
      return { verdict, list: { verdict: unasked(said), data: undefined }, known: { nobody: said } };
    };
    const work = async (): Promise<SignedIn> => {
      const account = await this.#account();
      if (account === undefined) return nobody(unasked(noAccount));
      const { userId } = await this.#credentials.accountNamed(account);
      let known: SignedIn["known"] = {};
      let list: Outcome = { verdict: unasked(refusedSignIn), data: undefined };
      await this.#credentials.authorised(account, async (accessToken) => {
        known = { accessToken, userId };
        list = await this.#ask(contractProbes.list, { noName: "", accessToken }, signal);
        const { verdict } = list;
        if (verdict.state === "unasked" && verdict.said === refusedSignIn) {
          throw new BridgeError({ kind: "signInNeeded" });
        }
      });
      return { verdict: { state: "kept" }, list, known };
    };
    try {
      return await within(work(), signal);
    } catch (error) {
      if (error instanceof BridgeError) return nobody(verdictOf(error));
      throw error;
    }
  }

  async #ask(probe: Probe, known: Known, deadline: AbortSignal): Promise<Outcome> {
    const question = probe.question(known);
    if (typeof question === "string") return { verdict: unasked(question), data: undefined };
    try {
      const answer = await this.#answer(question, AbortSignal.any([deadline, AbortSignal.timeout(probeMs)]));
      const verdict = probe.judge(answer);
      return { verdict, data: verdict.state === "kept" ? dataIn(answer) : undefined };
    } catch (error) {
      if (error instanceof BridgeError) return { verdict: verdictOf(error), data: undefined };
      throw error;
    }
  }

  async #answer(question: Question, signal: AbortSignal): Promise<DriveAnswer> {
    const { method, path, query, accessToken } = question;
    const { type, bytes } = bodyOf(question);
    const answer = await within(
      this.#client.raw({
        method,
        url: `${this.#client.address(path)}${query === undefined ? "" : `?${new URLSearchParams(query)}`}`,
        headers: {
          ...(accessToken === undefined ? {} : { Authorization: `Bearer ${accessToken}` }),
          ...(method === "GET" ? {} : { "Content-Type": type, "Content-Length": String(bytes.length) }),
        },
        ...(bytes.length === 0 ? {} : { body: Readable.from([bytes]) }),
        signal,
      }),
      signal,
    );
    return {
      status: answer.status,
      text: await within(readText(answer.body), signal),
      serverError: answer.header("x-wopi-servererror"),
      etag: answer.header("etag"),
    };
  }
}

function bodyOf({ json, form }: Question): { readonly type: string; readonly bytes: Buffer } {
  if (form !== undefined) {
    return { type: "application/x-www-form-urlencoded", bytes: Buffer.from(new URLSearchParams(form).toString()) };
  }
  if (json !== undefined) return { type: "application/json", bytes: Buffer.from(JSON.stringify(json)) };
  return { type: "application/octet-stream", bytes: Buffer.alloc(0) };
}

interface Outcome {
  readonly verdict: Verdict;
  /** `data` of the envelope where the contract is kept. */
  readonly data: unknown;
}

interface SignedIn {
  readonly verdict: Verdict;
  readonly list: Outcome;
  readonly known: Pick<Known, "accessToken" | "userId" | "nobody">;
}

/** One state for each call: a change outweighs everything, and an answer that was had outweighs one that was not. */
function reportOf(verdicts: readonly (readonly [string, Verdict])[]): ContractReport {
  return reportedCalls.map((call) => {
    const of = verdicts.filter(([asked]) => asked === call).map(([, verdict]) => verdict);
    const state = (["changed", "kept", "unasked"] as const).find((wanted) => of.some((one) => one.state === wanted));
    const said = new Set(of.flatMap((one) => (one.state === state && one.state !== "kept" ? [one.said] : [])));
    return { call, state: state ?? "unasked", ...(said.size === 0 ? {} : { said: [...said].join("; ") }) };
  });
}

const reportedCalls: readonly string[] = [
  ...new Set([contractProbes.ping.call, signInCall, ...Object.values(contractProbes).map(({ call }) => call)]),
];

const parentSchema = z.object({
  files: z.array(fileSchema),
  parent: z.object({ id: z.string().optional(), primary_entity: z.string() }),
});

function foundIn(listed: unknown): Pick<Known, "entryId" | "fileId" | "noVersion"> {
  const found = parentSchema.safeParse(listed);
  if (!found.success) return {};
  const { files, parent } = found.data;
  return { entryId: files[0]?.id, fileId: files[0]?.id ?? parent.id, noVersion: parent.primary_entity };
}

/** An office viewer where there is one, as the bridge would take. */
function viewerIn(explorer: unknown): string | undefined {
  const found = viewersSchema.safeParse(explorer);
  if (!found.success) return undefined;
  const viewers = found.data.file_viewers.flatMap((group) => group.viewers).filter(({ disabled }) => disabled !== true);
  return (viewers.find(({ type }) => type === "wopi") ?? viewers[0])?.id;
}

function dataIn({ text }: DriveAnswer): unknown {
  return envelopeSchema.safeParse(jsonIn(text)).data?.data;
}

/** @throws driveUnreachable when the time is over first; the work itself ends by deadlines of its own */
async function within<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const over = () => new BridgeError({ kind: "driveUnreachable" }, { cause: new Error("not answered in time") });
  let tell: (() => void) | undefined;
  try {
    return await Promise.race([
      work,
      new Promise<never>((_resolve, reject) => {
        tell = () => reject(over());
        if (signal.aborted) tell();
        else signal.addEventListener("abort", tell, { once: true });
      }),
    ]);
  } finally {
    if (tell !== undefined) signal.removeEventListener("abort", tell);
  }
}
