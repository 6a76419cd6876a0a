import { once } from "node:events";
import type { ClientRequest } from "node:http";
import { inTime } from "../model/inTime.ts";
import { failed, ok, skipped, type Verdict, warning } from "./finding.ts";
import {
  type Answer,
  answerWithinMs,
  isFromBridge,
  newCorrelationId,
  readAnswer,
  reasonOf,
  requestTo,
} from "./httpProbe.ts";

const mebibyte = 1024 * 1024;
const sentAtMostBytes = 64 * mebibyte;
const chunk = Buffer.alloc(mebibyte);
/** The bridge refuses a fake token before it reads the body. No answer by then: something waits for the whole body. */
const earlyWithinMs = 1_000;

/** What happened to a save of the maximum size. */
export interface BodyProbe {
  readonly answer: Answer | undefined;
  readonly isFromBridge: boolean;
  /** The answer came before most of the body was sent. */
  readonly isEarly: boolean;
  readonly sentBytes: number;
  /** Why there is no answer. */
  readonly reason: string;
}

/**
 * Announces a body of the maximum size and sends as much as it takes to get an answer, at most 64 MB. Proxies with a
 * body limit refuse at the Content-Length header; proxies that buffer don't answer until the whole body has arrived.
 */
export async function sendLargeBody(url: string, limitBytes: number): Promise<BodyProbe> {
  const correlationId = newCorrelationId();
  const signal = AbortSignal.timeout(answerWithinMs);
  const request = requestTo(url, {
    method: "POST",
    signal,
    headers: {
      "X-WOPI-Override": "PUT",
      "X-Correlation-Id": correlationId,
      "Content-Type": "application/octet-stream",
      "Content-Length": String(limitBytes),
    },
  });
  let answer: Answer | undefined;
  let reason = `no answer within ${answerWithinMs / 1000} s`;
  const settled = new Promise<void>((resolve) => {
    request.once("response", (response) => {
      readAnswer(response).then(
        (whole) => {
          answer = whole;
          resolve();
        },
        () => resolve(),
      );
    });
    // An answer that has arrived counts, even if the connection closes before the rest of the body is sent.
    request.on("error", (error) => {
      if (!signal.aborted) reason = reasonOf(error);
      resolve();
    });
  });
  let sentBytes = await send(request, 0, Math.min(limitBytes, mebibyte));
  await inTime(settled, earlyWithinMs, () => undefined);
  const isEarly = answer !== undefined;
  while (answer === undefined && !request.destroyed && sentBytes < Math.min(limitBytes, sentAtMostBytes)) {
    sentBytes = await send(request, sentBytes, limitBytes);
  }
  if (sentBytes === limitBytes) await settled;
  request.destroy();
  return {
    answer,
    isFromBridge: answer !== undefined && isFromBridge(answer, correlationId),
    isEarly: isEarly && sentBytes < limitBytes,
    sentBytes,
    reason: answer === undefined && sentBytes < limitBytes && !signal.aborted ? "the rest was not sent" : reason,
  };
}

/** Sends the next piece. @returns the total sent so far */
async function send(request: ClientRequest, sentBytes: number, limitBytes: number): Promise<number> {
  const piece = chunk.subarray(0, Math.min(chunk.length, limitBytes - sentBytes));
  if (request.destroyed) return sentBytes;
  const hasRoom = request.write(piece);
  if (!hasRoom) await Promise.race([once(request, "drain"), once(request, "close")]).catch(() => undefined);
  return sentBytes + piece.length;
}

export function judgeBodyLimit(probe: BodyProbe, maxFileMb: number): Verdict {
  const change = `proxy in front of WOPI_URL: allow bodies of ${maxFileMb} MB (nginx: client_max_body_size ${Math.ceil(maxFileMb)}m)`;
  const { answer } = probe;
  if (answer === undefined) {
    if (probe.reason === "the rest was not sent") {
      return ok(`Saves get through, tested up to ${Math.floor(probe.sentBytes / mebibyte)} MB.`);
    }
    return failed(`A save of MAX_FILE_MB (${maxFileMb} MB) got no answer: ${probe.reason}.`, change);
  }
  if (answer.status === 413) {
    return failed(`A proxy at the WOPI address rejects saves of MAX_FILE_MB (${maxFileMb} MB) with HTTP 413.`, change);
  }
  if (!probe.isFromBridge) {
    return failed(
      `A proxy at the WOPI address answers large saves instead of the bridge (HTTP ${answer.status}).`,
      change,
    );
  }
  return ok(`No proxy rejects saves of MAX_FILE_MB (${maxFileMb} MB).`);
}

export function judgeBuffering(probe: BodyProbe): Verdict {
  if (probe.answer !== undefined && !probe.isFromBridge) return skipped("Checked once large saves get through.");
  if (probe.isEarly) return ok("Saves are streamed to the bridge without buffering.");
  if (probe.sentBytes <= mebibyte && probe.answer !== undefined)
    return skipped("MAX_FILE_MB is too small to check this.");
  return warning(
    "A proxy at the WOPI address buffers whole saves before passing them on. This is slower and needs space on its disk.",
    "nginx in front of WOPI_URL: proxy_request_buffering off;",
  );
}
