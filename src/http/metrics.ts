import { createHash, timingSafeEqual } from "node:crypto";
import type { Request, RequestHandler } from "express";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { buildVersion } from "./buildVersion.ts";

/** One request that has been answered. */
export interface AnsweredRequest {
  readonly area: "wopi" | "api" | "pages";
  /** The WOPI operation, or the method. */
  readonly operation: string;
  readonly status: number;
  readonly failure: string | undefined;
  readonly seconds: number;
}

/** One call to the drive that has ended. */
export interface DriveCall {
  /** Method and path without ids. */
  readonly call: string;
  readonly outcome: "answered" | "failed";
  readonly seconds: number;
}

/** Current values, read whenever the metrics are requested. */
export interface Standing {
  readonly locks: number;
  readonly spoolSaves: number;
  readonly spoolBytes: number;
  /** 0 = nothing waits. */
  readonly spoolOldestSeconds: number;
  readonly spoolBroken: number;
  /** Events that portals have not taken yet. */
  readonly webhookEvents: number;
  /** 0 = nothing waits. */
  readonly webhookOldestSeconds: number;
}

const durations = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Prometheus metrics of one bridge. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<"area" | "operation" | "status" | "failure">;
  readonly #requestSeconds: Histogram<"area" | "operation">;
  readonly #driveSeconds: Histogram<"call" | "outcome">;
  readonly #saves: Counter<"outcome">;
  readonly #contract: Gauge<"call">;
  readonly #takeStock: () => Promise<void>;
  readonly #webhooks: Counter<"portal" | "outcome">;
  readonly #mails: Counter<"about" | "outcome">;

  /** @param standing called each time the metrics are read */
  constructor(standing: () => Promise<Standing>) {
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: "bridge_requests_total",
      help: "Answered requests",
      labelNames: ["area", "operation", "status", "failure"],
      registers,
    });
    this.#requestSeconds = new Histogram({
      name: "bridge_request_seconds",
      help: "Time until a request was answered",
      labelNames: ["area", "operation"],
      buckets: durations,
      registers,
    });
    this.#driveSeconds = new Histogram({
      name: "bridge_drive_seconds",
      help: "Time until Cloudreve answered a call",
      labelNames: ["call", "outcome"],
      buckets: durations,
      registers,
    });
    this.#saves = new Counter({
      name: "bridge_saves_total",
      help: "Results of saves: saved, copied (beside the document), kept (in the spool), refused, dropped (from the spool)",
      labelNames: ["outcome"],
      registers,
    });
    this.#contract = new Gauge({
      name: "bridge_drive_contract",
      help: "1 while this Cloudreve call answers as the bridge expects, 0 when its answer has changed",
      labelNames: ["call"],
      registers,
    });
    this.#webhooks = new Counter({
      name: "bridge_webhooks_total",
      help: "Events for portals: delivered, refused (an attempt that will be repeated), dropped (given up)",
      labelNames: ["portal", "outcome"],
      registers,
    });
    this.#mails = new Counter({
      name: "bridge_mails_total",
      help: "Mails about links and requests to edit: sent, refused (by the mail server), unsure (it did not say), notSent",
      labelNames: ["about", "outcome"],
      registers,
    });
    const webhookEvents = new Gauge({
      name: "bridge_webhook_events",
      help: "Events that portals have not taken yet, at the last look of any bridge",
      registers,
    });
    const webhookOldest = new Gauge({
      name: "bridge_webhook_oldest_seconds",
      help: "Age of the oldest of them",
      registers,
    });
    new Gauge({
      name: "bridge_build_info",
      help: "1; the label tells the version of the build",
      labelNames: ["version"],
      registers,
    }).set({ version: buildVersion }, 1);
    const locks = new Gauge({ name: "bridge_locks", help: "Files locked in Cloudreve for editors", registers });
    const spoolSaves = new Gauge({ name: "bridge_spool_saves", help: "Saves waiting in the spool", registers });
    const spoolOldest = new Gauge({
      name: "bridge_spool_oldest_seconds",
      help: "Age of the oldest save waiting in the spool",
      registers,
    });
    const spoolBroken = new Gauge({
      name: "bridge_spool_broken",
      help: "Saves in the spool damaged by a power failure",
      registers,
    });
    const spoolBytes = new Gauge({
      name: "bridge_spool_bytes",
      help: "Bytes of the saves in the spool",
      registers,
    });
    this.#takeStock = async () => {
      const now = await standing();
      locks.set(now.locks);
      spoolSaves.set(now.spoolSaves);
      spoolBytes.set(now.spoolBytes);
      spoolOldest.set(now.spoolOldestSeconds);
      spoolBroken.set(now.spoolBroken);
      webhookEvents.set(now.webhookEvents);
      webhookOldest.set(now.webhookOldestSeconds);
    };
    collectDefaultMetrics({ register: this.#registry });
    for (const outcome of ["saved", "copied", "kept", "refused", "dropped"]) this.#saves.inc({ outcome }, 0);
  }

  answered({ area, operation, status, failure, seconds }: AnsweredRequest): void {
    this.#requests.inc({ area, operation, status: String(status), failure: failure ?? "" });
    this.#requestSeconds.observe({ area, operation }, seconds);
  }

  driveCalled({ call, outcome, seconds }: DriveCall): void {
    this.#driveSeconds.observe({ call, outcome }, seconds);
  }

  save(outcome: "saved" | "copied" | "kept" | "refused" | "dropped"): void {
    this.#saves.inc({ outcome });
  }

  webhooks(portal: string, outcome: "delivered" | "refused" | "dropped", events: number): void {
    this.#webhooks.inc({ portal, outcome }, events);
  }

  mail(about: "link" | "request", outcome: "sent" | "refused" | "unsure" | "notSent"): void {
    this.#mails.inc({ about, outcome });
  }

  contract(call: string, isKept: boolean): void {
    this.#contract.set({ call }, isKept ? 1 : 0);
  }

  /** `GET /metrics`, for callers with the key; 404 when no key is set. */
  page(key: string | undefined): RequestHandler {
    return async (request, response) => {
      if (key === undefined) {
        response.status(404).end();
      } else if (holdsKey(request, key)) {
        // Before all figures: the library reads them at once, and would show those of the time before.
        await this.#takeStock();
        response.set("Content-Type", this.#registry.contentType).send(await this.#registry.metrics());
      } else {
        response.status(401).set("WWW-Authenticate", "Bearer").end();
      }
    };
  }
}

/** Does a request come from the operator, with `METRICS_KEY` as its bearer token? False when no key is set. */
export function holdsKey(request: Request, key: string | undefined): boolean {
  const given = /^Bearer (.+)$/i.exec(request.get("Authorization") ?? "")?.[1] ?? "";
  return key !== undefined && timingSafeEqual(hashOf(given), hashOf(key));
}

const hashOf = (text: string): Buffer => createHash("sha256").update(text).digest();
