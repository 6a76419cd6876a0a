import { request as openRequest } from "node:http";
import { request as openSecureRequest } from "node:https";
import type { HttpRequest } from "./requests.ts";
import type { Answer } from "./validators.ts";

/** Sends exactly the headers given, follows no redirect. @throws Error when there is no whole answer */
export function answerTo({ method, url, headers, body }: HttpRequest): Promise<Omit<Answer, "isText">> {
  const open = url.startsWith("https:") ? openSecureRequest : openRequest;
  // A GET has no length, a POST without a body the length 0.
  const length = method === "POST" ? { "Content-Length": String(body?.length ?? 0) } : {};
  return new Promise((resolve, reject) => {
    const sent = open(url, { method, headers: { ...headers, ...length }, agent: false }, (answered) => {
      const chunks: Buffer[] = [];
      answered.on("data", (chunk: Buffer) => chunks.push(chunk));
      answered.on("error", reject);
      answered.on("end", () => {
        const each = Object.entries(answered.headers).map(([name, value]) => [name, value?.toString()]);
        resolve({ status: answered.statusCode ?? 0, headers: Object.fromEntries(each), body: Buffer.concat(chunks) });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
