import { randomBytes } from "node:crypto";
import { bareAddress } from "../editors/actionUrl.ts";
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

/**
 * A WebSocket address that is safe to test: for Collabora with a document that the bridge refuses, for ONLYOFFICE with
 * one that nobody opens.
 * @returns undefined for a suite whose addresses are unknown
 */
export function webSocketUrl(urlsrc: string, suite: string, wopiSrc: string): string | undefined {
  const url = new URL(bareAddress(urlsrc));
  if (suite === "collabora") {
    const document = encodeURIComponent(`${wopiSrc}?access_token=doctor`);
    const base = url.pathname.replace(/\/(browser|loleaflet)\/.*$/, "");
    return `${url.origin}${base}/cool/${document}/ws?WOPISrc=${encodeURIComponent(wopiSrc)}&compat=/ws`;
  }
  if (suite === "onlyoffice") {
    const base = url.pathname.replace(/\/hosting\/wopi\/.*$/, "");
    return `${url.origin}${base}/doc/doctor/c/?EIO=4&transport=websocket`;
  }
  return undefined;
}

/** Asks for an upgrade and closes the connection as soon as it is granted. Never rejects. */
export async function askForUpgrade(url: string): Promise<Asked> {
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
      request.once("upgrade", (response, socket) => {
        socket.destroy();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: "" });
      });
      request.end();
    });
  } catch (error) {
    return { reason: signal.aborted ? `no answer within ${answerWithinMs / 1000} s` : reasonOf(error) };
  }
}

/** @param asked undefined = the suite's addresses are unknown */
export function judgeUpgrade(asked: Asked | undefined, suite: string): Verdict {
  if (asked === undefined) return skipped("The WebSocket address of this editor is unknown, so it was not tested.");
  if (!isAnswer(asked)) return failed(`The editor's WebSocket address does not answer: ${asked.reason}.`, proxyLine);
  if (asked.status === 101) return ok("WebSockets get through to the editor.");
  // It refused the unknown document, so the upgrade request got through.
  if (suite === "collabora" && (asked.status === 401 || asked.status === 403)) {
    return ok(`WebSockets get through to the editor, which refuses the test document (HTTP ${asked.status}).`);
  }
  const server = headerOf(asked, "server");
  const sentence = `The editor's WebSocket address answers an upgrade with HTTP ${asked.status}${server === undefined ? "" : ` from "${server}"`}, so documents would not load.`;
  return suite === "collabora" ? failed(sentence, proxyLine) : warning(sentence, proxyLine);
}
