import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** An event as a portal reads it. */
interface ReceivedEvent {
  readonly id: string;
  readonly type: string;
  readonly timestamp: string;
  readonly data: Record<string, unknown> & { readonly file: { id: string; name: string } };
}

/** A portal's server that takes events and checks them by the standard alone, sharing no code with the bridge. */
export interface WebhookReceiver {
  readonly url: string;
  /** What PORTAL_WEBHOOKS says of it. */
  setting(portal?: string): string;
  /** Everything that was taken, in the order in which it came. */
  readonly events: ReceivedEvent[];
  readonly attempts: { id: string; body: string; headers: IncomingMessage["headers"]; atMs: number }[];
  /** Answers in place of 204; an event that is answered by it was not taken. */
  instead: ((request: IncomingMessage, response: ServerResponse, body: string) => void) | undefined;
  of(type: string): ReceivedEvent[];
  close(): Promise<void>;
}

export const webhookKey = `whsec_${Buffer.from("a key of thirty-two bytes or more").toString("base64")}`;

/** As the standard's own libraries do it. @returns whether one of the signatures is made with this key */
export function isSigned(headers: IncomingMessage["headers"], body: string, key = webhookKey): boolean {
  const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signatures } = headers;
  const expected = createHmac("sha256", Buffer.from(key.replace("whsec_", ""), "base64"))
    .update(`${id}.${at}.${body}`)
    .digest();
  return String(signatures)
    .split(" ")
    .some((signature) => {
      const given = Buffer.from(signature.replace("v1,", ""), "base64");
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
}

export async function webhookReceiver(): Promise<WebhookReceiver> {
  const receiver: Pick<WebhookReceiver, "events" | "attempts" | "instead"> = {
    events: [],
    attempts: [],
    instead: undefined,
  };
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const { headers } = request;
    receiver.attempts.push({ id: String(headers["webhook-id"]), body, headers, atMs: Date.now() });
    if (receiver.instead !== undefined) {
      receiver.instead(request, response, body);
      return;
    }
    if (request.method !== "POST" || !isSigned(headers, body)) {
      response.writeHead(401).end();
      return;
    }
    receiver.events.push({ id: String(headers["webhook-id"]), ...(JSON.parse(body) as Omit<ReceivedEvent, "id">) });
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`;
  return Object.assign(receiver, {
    url,
    setting: (portal = "test") => `${portal} ${url} ${webhookKey}`,
    of: (type: string) => receiver.events.filter((event) => event.type === type),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}
