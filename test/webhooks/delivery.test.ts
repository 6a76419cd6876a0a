import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Metrics } from "../../src/http/metrics.ts";
import { FileMutex } from "../../src/model/fileMutex.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { PortalDelivery } from "../../src/webhooks/delivery.ts";
import { EndpointStates } from "../../src/webhooks/endpointState.ts";
import { judgeStatus } from "../../src/webhooks/post.ts";
import { keyBytes, signatureHeaders } from "../../src/webhooks/signature.ts";
import { keptEvents, type WaitingEvent, WaitingEvents, withEvent } from "../../src/webhooks/waitingEvents.ts";
import { setClock } from "../support/clock.ts";
import { isSigned, type WebhookReceiver, webhookKey, webhookReceiver } from "../support/webhookReceiver.ts";

const second = 1_000;
const minute = 60 * second;

describe("events for a portal", () => {
  let receiver: WebhookReceiver;
  let stage: Awaited<ReturnType<typeof open>>;
  beforeEach(async () => {
    receiver = await webhookReceiver();
    stage = open();
  });
  afterEach(async () => {
    await stage.delivery.stop();
    await receiver.close();
  });

  function open(keys = [webhookKey]) {
    const clock = setClock();
    const store = openMemoryStore(clock.now);
    const waiting = new WaitingEvents(store, clock.now);
    const states = new EndpointStates(store, clock.now);
    const metrics = new Metrics(async () => Promise.reject(new Error("nobody asks")));
    const services = {
      mutex: new FileMutex(),
      now: clock.now,
      metrics,
      logger: pino({ level: "silent" }),
      waiting,
      states,
    };
    const delivery = new PortalDelivery(services, { portal: "test", address: receiver.url, keys });
    const happens = async (fileId: string, id: string, type = "saved") => {
      const file = { id: fileId, name: fileId };
      const { laneId } = await waiting.add("test", fileId, { id, type, atMs: clock.now(), data: { file } });
      delivery.wake(laneId);
      await delivery.sent();
    };
    const after = async (ms: number) => {
      clock.advance(ms);
      await delivery.sent();
    };
    const waits = async () => {
      const ids: string[] = [];
      for await (const [, lane] of waiting.all()) ids.push(...lane.events.map(({ id }) => id));
      return ids;
    };
    return { clock, waiting, states, delivery, happens, after, waits };
  }
  const ids = () => receiver.events.map(({ id }) => id);
  const attempts = () => receiver.attempts.map(({ id }) => id);
  const refuse = (status: number, isRefused: (body: string) => boolean = () => true, headers = {}) => {
    receiver.instead = (request, response, body) => {
      if (isRefused(body)) response.writeHead(status, headers).end();
      else {
        receiver.events.push({ id: String(request.headers["webhook-id"]), ...JSON.parse(body) });
        response.writeHead(200).end();
      }
    };
  };
  const isOf = (fileId: string) => (body: string) => body.includes(`"id":"${fileId}"`);

  it("are gone from the store once they are taken", async () => {
    await stage.happens("f1", "e1");
    expect(ids()).toEqual(["e1"]);
    expect(await stage.waits()).toEqual([]);
  });

  it("come again after growing pauses, under the same id and body, with a new time and signature", async () => {
    refuse(500);
    await stage.happens("f1", "e1");
    const pauses = [5, 30, 120, 600, 1_800, 3_600, 3_600].map((seconds) => seconds * second);
    for (const [at, pauseMs] of pauses.entries()) {
      await stage.after(pauseMs - 1);
      expect(receiver.attempts).toHaveLength(at + 1);
      await stage.after(1);
      expect(receiver.attempts).toHaveLength(at + 2);
    }
    receiver.instead = undefined;
    await stage.after(60 * minute);
    expect(ids()).toEqual(["e1"]);
    expect(await stage.waits()).toEqual([]);
    expect(new Set(receiver.attempts.map(({ id, body }) => `${id} ${body}`)).size).toBe(1);
    for (const { headers, body } of receiver.attempts) expect(isSigned(headers, body)).toBe(true);
    const times = receiver.attempts.map(({ headers }) => Number(headers["webhook-timestamp"]));
    expect(new Set(times).size).toBe(times.length);
    expect(times.at(-1)).toBe(Math.floor(stage.clock.now() / second));
  });

  it("of one document come in their order, whichever of them is refused", async () => {
    refuse(400, isOf("f1"));
    for (const id of ["e1", "e2", "e3"]) await stage.happens("f1", id);
    expect(attempts()).toEqual(["e1"]);
    receiver.instead = undefined;
    await stage.after(5 * second);
    expect(ids()).toEqual(["e1", "e2", "e3"]);
  });

  it("of one document that is refused hold up no other", async () => {
    refuse(422, isOf("f1"));
    await stage.happens("f1", "e1");
    await stage.happens("f2", "e2");
    expect(ids()).toEqual(["e2"]);
    expect(await stage.waits()).toEqual(["e1"]);
  });

  it("that the portal breaks over keep the others waiting for seconds only", async () => {
    refuse(500, isOf("f1"));
    await stage.happens("f1", "e1");
    for (const pauseMs of [5, 30, 120, 600].map((seconds) => seconds * second)) await stage.after(pauseMs);
    await stage.happens("f2", "e2");
    expect(ids()).toEqual([]);
    await stage.after(5 * second);
    expect(ids()).toEqual(["e2"]);
  });

  it("ask one at a time while the address is out of order, and all come once it works", async () => {
    refuse(503);
    for (let file = 0; file < 20; file++) await stage.happens(`f${file}`, `e${file}`);
    expect(receiver.attempts.length).toBe(1);
    for (let minutes = 0; minutes < 60; minutes += 5) await stage.after(5 * minute);
    expect(receiver.attempts.length).toBeGreaterThan(4);
    expect(receiver.attempts.length).toBeLessThan(12);
    receiver.instead = undefined;
    await stage.after(60 * minute);
    expect(ids()).toHaveLength(20);
  });

  it("are not sent sooner than the portal says", async () => {
    refuse(429, () => true, { "Retry-After": "100" });
    await stage.happens("f1", "e1");
    receiver.instead = undefined;
    await stage.after(99 * second);
    expect(ids()).toEqual([]);
    await stage.after(second);
    expect(ids()).toEqual(["e1"]);
  });

  it("do not follow a redirect", async () => {
    const elsewhere = await webhookReceiver();
    refuse(307, () => true, { Location: elsewhere.url });
    await stage.happens("f1", "e1");
    expect(elsewhere.attempts).toEqual([]);
    expect((await stage.states.of("test"))?.why).toBe("status 307, and redirects are not followed");
    await elsewhere.close();
  });

  it("have a signature of each key while a key is changed", async () => {
    const next = `whsec_${Buffer.from("the next key, as long as it has to be").toString("base64")}`;
    await stage.delivery.stop();
    stage = open([next, webhookKey]);
    await stage.happens("f1", "e1");
    const [{ headers, body } = { headers: {}, body: "" }] = receiver.attempts;
    expect(ids()).toEqual(["e1"]);
    expect(isSigned(headers, body, next)).toBe(true);
    expect(isSigned(headers, `${body} `, next)).toBe(false);
    expect(isSigned(headers, body, `whsec_${Buffer.alloc(32).toString("base64")}`)).toBe(false);
  });

  it("that are added while one is on its way are sent after it", async () => {
    let answer = (): void => undefined;
    receiver.instead = (_request, response) => {
      answer = () => response.writeHead(204).end();
      receiver.instead = undefined;
      void stage.waiting
        .add("test", "f1", { id: "e2", type: "closed", atMs: stage.clock.now(), data: {} })
        .then(({ laneId }) => stage.delivery.wake(laneId))
        .then(() => answer());
    };
    await stage.happens("f1", "e1");
    expect(attempts()).toEqual(["e1", "e2"]);
    expect(await stage.waits()).toEqual([]);
  });

  it("wait when the bridge stops, and whoever is on the way may end", async () => {
    await stage.delivery.stop();
    await stage.happens("f1", "e1");
    expect(attempts()).toEqual([]);
    expect(await stage.waits()).toEqual(["e1"]);
  });
});

describe("what waits for a portal that takes nothing", () => {
  const event = (id: string, type = "saved"): WaitingEvent => ({ id, type, atMs: 0, data: {} });
  const full = (types: (at: number) => string) =>
    Array.from({ length: keptEvents }, (_, at) => event(`e${at}`, types(at)));

  it("is each event once", () => {
    const standing = [event("e1")];
    expect(withEvent(standing, event("e1"))).toBe(standing);
    expect(withEvent(standing, event("e2"))).toHaveLength(2);
  });

  it("loses the oldest save that a later one follows, and nothing else", () => {
    const standing = full((at) => (at === 0 ? "renamed" : "saved"));
    const left = withEvent(standing, event("new", "closed")).map(({ id }) => id);
    expect(left).toHaveLength(keptEvents);
    expect(left.slice(0, 2)).toEqual(["e0", "e2"]);
    expect(left.at(-1)).toBe("new");
  });

  it("loses the oldest event when no save is followed by one", () => {
    const left = withEvent(
      full((at) => (at === 5 ? "saved" : "mention")),
      event("new", "closed"),
    );
    expect(left.map(({ id }) => id).slice(0, 5)).toEqual(["e1", "e2", "e3", "e4", "e5"]);
  });
});

describe("the signature", () => {
  it("is that of the standard's own example", () => {
    const id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    expect(signatureHeaders(id, 1_614_265_330_000, '{"test": 2432232314}', [key])).toEqual({
      "webhook-id": id,
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    });
  });

  it.each(["", "whsec_", "whsec_c2hvcnQ=", `whsec_${"A".repeat(100)}`, "A".repeat(32), `whsec_${"-".repeat(32)}`])(
    "needs a key that is one: %s",
    (key) => expect(keyBytes(key)).toBeUndefined(),
  );
});

describe("an answer of a portal", () => {
  it.each([
    [200, "taken", undefined],
    [204, "taken", undefined],
    [302, "refused", "endpoint"],
    [400, "refused", "event"],
    [401, "refused", "endpoint"],
    [404, "refused", "endpoint"],
    [410, "refused", "endpoint"],
    [422, "refused", "event"],
    [429, "refused", "endpoint"],
    [500, "refused", "endpoint"],
  ])("with %i means %s %s", (status, is, of) => {
    expect(judgeStatus(status, undefined)).toMatchObject({ is, ...(of === undefined ? {} : { of }) });
  });

  it("is believed for an hour at most", () => {
    expect(judgeStatus(503, "999999")).toMatchObject({ retryAfterMs: 3_600_000 });
    expect(judgeStatus(503, "Fri, 31 Dec 2100 23:59:59 GMT")).not.toHaveProperty("retryAfterMs");
  });
});
