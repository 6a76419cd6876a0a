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
/** The bridge refuses a made-up token before the body; who stays silent for so long is waiting for the body. */
const earlyWithinMs = 1_000;

/** How a save of the maximum size was received, up to the answer or up to what was sent. */
export interface BodyProbe {
  readonly answer: Answer | undefined;
  readonly isFromBridge: boolean;
  /** Whether the answer came while most of the body was still to be sent. */
  readonly isEarly: boolean;
  readonly sentBytes: number;
  /** Why there is no answer. */
  readonly reason: string;
}

/**
 * Announces a body of the maximum size and sends of it what it takes to be answered, at most 64 MiB. Proxies that limit
 * bodies refuse by the announcement; proxies that buffer keep silent until the body is there.
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
    // An answer that is there counts, though the connection is closed under the rest of the body.
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

/** Sends the next piece. @returns how much has been sent then */
async function send(request: ClientRequest, sentBytes: number, limitBytes: number): Promise<number> {
  const piece = chunk.subarray(0, Math.min(chunk.length, limitBytes - sentBytes));
  if (request.destroyed) return sentBytes;
  const hasRoom = request.write(piece);
  if (!hasRoom) await Promise.race([once(request, "drain"), once(request, "close")]).catch(() => undefined);
  return sentBytes + piece.length;
}

export function judgeBodyLimit(probe: BodyProbe, maxFileMb: number): Verdict {
  const change = `proxy of WOPI_URL: a body of ${maxFileMb} MiB (nginx: client_max_body_size ${Math.ceil(maxFileMb)}m)`;
  const { answer } = probe;
  if (answer === undefined) {
    if (probe.reason === "the rest was not sent") {
      return ok(`Saves get through as far as was tried (${Math.floor(probe.sentBytes / mebibyte)} MiB).`);
    }
    return failed(`A save of MAX_FILE_MB ${maxFileMb} was not answered: ${probe.reason}.`, change);
  }
  if (answer.status === 413) {
    return failed(`A proxy at the WOPI address refuses saves of MAX_FILE_MB ${maxFileMb} (HTTP 413).`, change);
  }
  if (!probe.isFromBridge) {
    return failed(`A proxy at the WOPI address answers large saves itself (HTTP ${answer.status}).`, change);
  }
  return ok(`No proxy refuses saves of MAX_FILE_MB ${maxFileMb} by their size.`);
}

export function judgeBuffering(probe: BodyProbe): Verdict {
  if (probe.answer !== undefined && !probe.isFromBridge) return skipped("Told once large saves get through.");
  if (probe.isEarly) return ok("Saves reach the bridge while they are being sent.");
  if (probe.sentBytes <= mebibyte && probe.answer !== undefined) return skipped("MAX_FILE_MB is too small to tell.");
  return warning(
    "A proxy at the WOPI address keeps whole saves before it hands them on: slower, and its disk must hold them.",
    "nginx in front of WOPI_URL: proxy_request_buffering off;",
  );
}
