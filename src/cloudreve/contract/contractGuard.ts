import { randomUUID } from "node:crypto";
import { z } from "zod";
import { BridgeError } from "../../model/failure.ts";
import { inTime } from "../../model/inTime.ts";
import { jsonIn } from "../../model/jsonIn.ts";
import type { CloudreveClient, TextAnswer } from "../client.ts";
import type { Credentials } from "../credential.ts";
import { envelopeSchema } from "../errorCodes.ts";
import { cloudreveFileSchema } from "../fileApi.ts";
import { hasOAuth } from "../signIn.ts";
import type { OAuthClient } from "../tokenCalls.ts";
import { viewersSchema } from "../viewerSessions.ts";
import { type CallState, refusedSignIn, stateOfFailure, unasked } from "./callState.ts";
import { contractProbes, type Known, noAccount, type Probe } from "./contractProbes.ts";

const defaultCheckMs = 10_000;
/** Time for one question. */
const probeMs = 4_000;
/** Questions at a time, few enough that the drive does not notice. */
const lanes = 3;

interface ContractState {
  /** Method and path without ids. */
  readonly call: string;
  /** "unasked": the question could not be asked now, which says nothing about the contract. */
  readonly state: CallState["state"];
  /** What has changed, or why it was not asked; contains no one's data. */
  readonly said?: string;
}
export type ContractReport = readonly ContractState[];

interface GuardParts {
  readonly client: CloudreveClient;
  readonly credentials: Credentials;
  /** The account to ask with, looked up at each check; undefined = none: only questions without one are asked. */
  readonly account: () => Promise<string | undefined>;
  readonly oauthClient: OAuthClient | undefined;
  /** Time for a whole check: ten seconds when left out. */
  readonly checkMs?: number;
}

/** No probe signs in; the sign-in is checked when the account's credential is made or renewed. */
const signInCall = "POST /session/token";

/**
 * Asks Cloudreve harmless questions, and compares the answers with the schemas and codes that the adapter relies on.
 * Nothing is created, locked, written or opened.
 *
 * Not checked, because no question about it is harmless: successful answers of a viewer session, an upload session,
 * native CheckFileInfo, GetFile and downloads; native LOCK, UNLOCK and PutFile; DELETE /file and /file/upload; a
 * refused password, which servers may count.
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

  /** @returns one state per call, always for the same calls in the same order; within ten seconds */
  check(): Promise<ContractReport> {
    this.#underWay ??= this.#check().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #check(): Promise<ContractReport> {
    const states: [string, CallState][] = [];
    const signal = AbortSignal.timeout(this.#checkMs);
    const endsAtMs = performance.now() + this.#checkMs;
    const probe = async (asked: Probe, known: Known): Promise<Outcome> => {
      const outcome = await this.#ask(asked, known, signal);
      states.push([asked.call, outcome.found]);
      return outcome;
    };

    const { ping, list, explorer, ...others } = contractProbes;
    const { found, data } = await probe(ping, { noName: "" });
    if (found.state === "unasked") return reportOf(reportedCalls.map((call) => [call, found]));
    const version = z.string().safeParse(data);
    const signedIn = await this.#signedIn(signal, endsAtMs);
    states.push([signInCall, signedIn.found], [list.call, signedIn.list.found]);
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
    return reportOf(states);
  }

  /** Lists the account's files, with a renewed credential if the stored one is refused. */
  async #signedIn(signal: AbortSignal, endsAtMs: number): Promise<SignedIn> {
    const nobody = (found: CallState): SignedIn => {
      const said = found.state === "unasked" ? found.said : "the account can't sign in";
      return { found, list: { found: unasked(said), data: undefined }, known: { nobody: said } };
    };
    const work = async (): Promise<SignedIn> => {
      const account = await this.#account();
      if (account === undefined) return nobody(unasked(noAccount));
      const { userId } = await this.#credentials.accountNamed(account);
      let known: SignedIn["known"] = {};
      let list: Outcome = { found: unasked(refusedSignIn), data: undefined };
      await this.#credentials.authorised(account, async (accessToken) => {
        known = { accessToken, userId };
        list = await this.#ask(contractProbes.list, { noName: "", accessToken }, signal);
        const { found } = list;
        if (found.state === "unasked" && found.said === refusedSignIn) {
          throw new BridgeError({ kind: "signInNeeded" });
        }
      });
      return { found: { state: "unchanged" }, list, known };
    };
    try {
      return await inTime(work(), endsAtMs - performance.now(), () => {
        throw new BridgeError({ kind: "driveUnreachable" }, { cause: new Error("not answered in time") });
      });
    } catch (error) {
      if (error instanceof BridgeError) return nobody(stateOfFailure(error));
      throw error;
    }
  }

  async #ask(probe: Probe, known: Known, deadline: AbortSignal): Promise<Outcome> {
    const question = probe.question(known);
    if (typeof question === "string") return { found: unasked(question), data: undefined };
    try {
      const answer = await this.#client.text(question, AbortSignal.any([deadline, AbortSignal.timeout(probeMs)]));
      const found = probe.judge(answer);
      return { found, data: found.state === "unchanged" ? dataIn(answer) : undefined };
    } catch (error) {
      if (error instanceof BridgeError) return { found: stateOfFailure(error), data: undefined };
      throw error;
    }
  }
}

interface Outcome {
  readonly found: CallState;
  /** `data` of the envelope if the contract is unchanged. */
  readonly data: unknown;
}

interface SignedIn {
  readonly found: CallState;
  readonly list: Outcome;
  readonly known: Pick<Known, "accessToken" | "userId" | "nobody">;
}

/** One state per call: a change counts more than anything else, and an answer more than none. */
function reportOf(states: readonly (readonly [string, CallState])[]): ContractReport {
  return reportedCalls.map((call) => {
    const of = states.filter(([asked]) => asked === call).map(([, found]) => found);
    const state = (["changed", "unchanged", "unasked"] as const).find((wanted) =>
      of.some((one) => one.state === wanted),
    );
    const said = new Set(of.flatMap((one) => (one.state === state && one.state !== "unchanged" ? [one.said] : [])));
    return { call, state: state ?? "unasked", ...(said.size === 0 ? {} : { said: [...said].join("; ") }) };
  });
}

const reportedCalls: readonly string[] = [
  ...new Set([contractProbes.ping.call, signInCall, ...Object.values(contractProbes).map(({ call }) => call)]),
];

const parentSchema = z.object({
  files: z.array(cloudreveFileSchema),
  parent: z.object({ id: z.string().optional(), primary_entity: z.string() }),
});

function foundIn(listed: unknown): Pick<Known, "entryId" | "fileId" | "noVersion"> {
  const found = parentSchema.safeParse(listed);
  if (!found.success) return {};
  const { files, parent } = found.data;
  return { entryId: files[0]?.id, fileId: files[0]?.id ?? parent.id, noVersion: parent.primary_entity };
}

/** An office viewer that the bridge would use, if there is one. */
function viewerIn(explorer: unknown): string | undefined {
  const found = viewersSchema.safeParse(explorer);
  if (!found.success) return undefined;
  const viewers = found.data.file_viewers.flatMap((group) => group.viewers).filter(({ disabled }) => disabled !== true);
  return (viewers.find(({ type }) => type === "wopi") ?? viewers[0])?.id;
}

const dataIn = ({ text }: TextAnswer): unknown => envelopeSchema.safeParse(jsonIn(text)).data?.data;
