import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { bareAddress } from "../editors/actionUrl.ts";
import { addressLine } from "./addresses.ts";
import { failed, ok, skipped, type Verdict, warning } from "./finding.ts";
import {
  type Answer,
  type Asked,
  answerWithinMs,
  headerOf,
  isAnswer,
  readAnswer,
  reasonOf,
  requestTo,
} from "./httpProbe.ts";

const proxyLine =
  'nginx in front of the editor: proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";';
/** A proxy that drops the Upgrade header is answered 400 by Collabora; other refusals come from a rule for the path. */
const pathLine =
  "proxy in front of the editor: pass on /cool (Collabora) or the path of its documents, with WebSockets";

/**
 * A WebSocket address that is safe to test: for Collabora with a document that the bridge refuses, for ONLYOFFICE with
 * one that nobody opens.
 * @param token access token of that document
 * @returns undefined for a suite whose addresses are unknown
 */
export function webSocketUrl(urlsrc: string, suite: string, wopiSrc: string, token: string): string | undefined {
  const url = new URL(bareAddress(urlsrc));
  if (suite === "collabora") {
    const document = encodeURIComponent(`${wopiSrc}?access_token=${token}`);
    const base = url.pathname.replace(/\/(browser|loleaflet)\/.*$/, "");
    return `${url.origin}${base}/cool/${document}/ws?WOPISrc=${encodeURIComponent(wopiSrc)}&compat=/ws`;
  }
  if (suite === "onlyoffice") {
    const base = url.pathname.replace(/\/hosting\/wopi\/.*$/, "");
    return `${url.origin}${base}/doc/doctor/c/?EIO=4&transport=websocket`;
  }
  return undefined;
}

/**
 * Asks for an upgrade. Never rejects.
 * @param whileOpen runs once the connection is open and gives the answer's text; the connection is closed after it
 */
export async function askForUpgrade(
  url: string,
  whileOpen: (socket: Duplex) => Promise<string> = async () => "",
): Promise<Asked> {
  const signal = AbortSignal.timeout(answerWithinMs);
  try {
    return await new Promise<Answer>((resolve, reject) => {
      const request = requestTo(url, {
        signal,
        headers: {
          Connection: "Upgrade",
          Upgrade: "websocket",
          Origin: new URL(url).origin,
          "Sec-WebSocket-Version": "13",
          "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
        },
      });
      request.once("error", reject);
      request.once("response", (response) => readAnswer(response).then(resolve, reject));
      request.once("upgrade", (response, socket, head) => {
        const { statusCode: status = 0, headers } = response;
        // What came in one packet with the answer.
        socket.unshift(head);
        // A connection that is reset now has told what it had to tell.
        socket.on("error", () => undefined);
        whileOpen(socket)
          .finally(() => socket.destroy())
          .then((text) => resolve({ status, headers, text }), reject);
      });
      request.end();
    });
  } catch (error) {
    return { reason: signal.aborted ? `no answer within ${answerWithinMs / 1000} s` : reasonOf(error) };
  }
}

/** @param asked undefined = the suite's addresses are unknown @param origin where browsers are sent */
export function judgeUpgrade(asked: Asked | undefined, suite: string, origin: string): Verdict {
  if (asked === undefined) return skipped("The WebSocket address of this editor is unknown, so it was not tested.");
  if (!isAnswer(asked)) {
    return failed(
      `The editor's WebSocket address does not answer: ${asked.reason}.`,
      addressLine(asked, origin, suite),
    );
  }
  if (asked.status === 101) return ok("WebSockets get through to the editor.");
  // It refused the unknown document, so the upgrade request got through.
  if (suite === "collabora" && (asked.status === 401 || asked.status === 403)) {
    return ok(`WebSockets get through to the editor, which refuses the test document (HTTP ${asked.status}).`);
  }
  const server = headerOf(asked, "server");
  const sentence = `The editor's WebSocket address answers an upgrade with HTTP ${asked.status}${server === undefined ? "" : ` from "${server}"`}, so documents would not load.`;
  const change = asked.status === 400 || asked.status === 426 ? proxyLine : pathLine;
  return suite === "collabora" ? failed(sentence, change) : warning(sentence, change);
}
