import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import type { Config } from "../config.ts";
import { AccessTokens } from "../http/accessToken.ts";
import { failed, ok, skipped, type Verdict } from "./finding.ts";
import { type Asked, ask, isAnswer, jsonOf } from "./httpProbe.ts";
import { localAddress } from "./publicAddress.ts";

/** What became of a call that the editor's server was made to send. */
export interface EditorCall {
  /** undefined = no running bridge could be asked. */
  readonly arrived: boolean | undefined;
  /** What the editor wrote to its WebSocket meanwhile. */
  readonly said: string;
}

const tokenLivesMs = 60_000;
const waitMs = 3_500;
const betweenMs = 250;
/** The last question to the bridge gets this much. */
const leastMs = 1_000;
const saidLimit = 4_096;
const answerSchema = z.object({ arrived: z.boolean() });

/** A token for the document that does not exist, so that the bridge knows a call as the doctor's. */
export async function doctorToken({ SECRET }: Config, fileId: string): Promise<string> {
  const expiresAtMs = Date.now() + tokenLivesMs;
  return new AccessTokens([SECRET], Date.now).sign({ grantId: randomUUID(), fileId, expiresAtMs });
}

/**
 * Collabora calls CheckFileInfo as soon as somebody opens the document's WebSocket. Waits until the bridge has noted that
 * call, the editor has hung up, or some seconds have passed.
 * @param socket the open WebSocket @see wopi/doctorFile.ts
 */
export async function watchEditorCall(
  socket: Duplex,
  config: Config,
  fileId: string,
  token: string,
): Promise<EditorCall> {
  let said = "";
  let isOpen = true;
  socket.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString("latin1")).slice(-saidLimit);
  });
  socket.once("close", () => {
    isOpen = false;
  });
  const untilMs = performance.now() + waitMs;
  for (;;) {
    // Looked at before asking: a call that was sent before the end has arrived by the time of the answer.
    const isLast = !isOpen || performance.now() >= untilMs;
    const arrived = await hasArrived(config, fileId, token, Math.max(leastMs, untilMs + leastMs - performance.now()));
    if (arrived !== false || isLast) return { arrived, said };
    await wait(betweenMs);
  }
}

/** Asks the bridge at the addresses it may have. @returns undefined when none of them is a bridge's */
async function hasArrived(
  config: Config,
  fileId: string,
  token: string,
  withinMs: number,
): Promise<boolean | undefined> {
  const addresses = new Set([localAddress(config), config.BRIDGE_URL, config.WOPI_URL]);
  const query = new URLSearchParams({ access_token: token, arrived: "" });
  const answers = await Promise.all(
    [...addresses].map(async (address) =>
      address === undefined
        ? undefined
        : arrivedIn(await ask(`${address}/wopi/files/${fileId}?${query}`, { withinMs })),
    ),
  );
  return answers.find((arrived) => arrived !== undefined);
}

function arrivedIn(asked: Asked): boolean | undefined {
  return isAnswer(asked) && asked.status === 200 ? answerSchema.safeParse(jsonOf(asked)).data?.arrived : undefined;
}

/**
 * @param call undefined = the editor's WebSocket did not open
 * @param manual the same check as a command
 */
export function judgeEditorCall(call: EditorCall | undefined, wopiUrl: string, manual: string): Verdict {
  if (call === undefined) {
    return skipped(
      `Checked once the editor's WebSocket opens, or run this in its container; it should print 401: ${manual}`,
    );
  }
  if (call.arrived === undefined) {
    return skipped(
      `Needs a running bridge with this SECRET. Or run this in the editor's container; it should print 401: ${manual}`,
    );
  }
  if (call.arrived) return ok(`The editor's server can reach the bridge at ${wopiUrl}.`);
  // Up to 23.05 this word means that the host is not allowed; later versions say it of every failure.
  if (/kind=unauthorized/.test(call.said)) {
    return failed(
      `The editor's server does not call the bridge at ${wopiUrl}: its configuration does not allow that host, or it can't reach it.`,
      `Collabora: aliasgroup1=${new URL(wopiUrl).origin} (if that is set, WOPI_URL=<an address the editor's server can reach>)`,
    );
  }
  return failed(
    `The editor's server can't reach the bridge at ${wopiUrl}: its call did not arrive.`,
    `WOPI_URL=<an address the editor's server can reach> (now ${wopiUrl})`,
  );
}
