import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Express } from "express";
import type { Logger } from "pino";
import { type Config, ConfigError } from "./config.ts";
import { unframeable } from "./editors/openingAddress.ts";
import { boundedServer } from "./http/connectionLimits.ts";
import { logFailure } from "./http/requestLog.ts";
import { failureOf } from "./model/failure.ts";
import { inTime } from "./model/inTime.ts";
import type { Clock, Pause } from "./model/keyValueStore.ts";
import { giveEnds } from "./model/rowLives.ts";
import { openServices } from "./openServices.ts";
import { bridgeServer } from "./server.ts";

/** An editor that was upgraded has other addresses; its discovery is a few milliseconds' work. */
const discoveryEveryMs = 5 * 60_000;

/** An editor that does not answer must not keep the bridge from starting. */
const firstLookMs = 2_000;

/** How long stopping waits for work whose callers are gone; saves that are cut off are in the spool. */
const settleMs = 5_000;

export interface Bridge {
  readonly app: Express;
  /** Retries every save in the spool. @returns how many still wait; also runs automatically */
  replay(): Promise<number>;
  /** @returns the port it listens on */
  listen(): Promise<number>;
  /** Releases the drive's lock of every file whose WOPI lock has expired; also runs every minute. */
  sweep(): Promise<void>;
  /** Renews the accounts behind active links, whose refresh tokens last two weeks; also runs every hour. */
  keepAlive(): Promise<void>;
  /** Removes saves that have waited too long in the spool; also runs at start and every hour. */
  tidySpool(): Promise<void>;
  /** Checks that Cloudreve still answers as the bridge expects; also runs at start and every hour. */
  checkContract(): Promise<void>;
  /** Reads the editors' discovery again; also runs at start and every five minutes. */
  lookAtEditors(): Promise<void>;
  /** Tells portals what waits for them, as far as it is due; also runs by itself. @returns how many events still wait */
  deliver(): Promise<number>;
  /** Lets saves in progress finish, within a limit; keeps locks. @see Drain */
  close(): Promise<void>;
}

/**
 * Creates everything that a bridge needs, puts it behind one Express app, and starts to place what its spool has kept.
 * @param options now: the clock for everything that expires; logger: receives the log lines; pause: between two
 *   attempts
 * @throws Error with a sentence for the operator when the store or the spool can't be used
 */
export async function openBridge(
  config: Config,
  options: { now?: Clock; logger?: Logger; pause?: Pause } = {},
): Promise<Bridge> {
  const services = await openServices(config, options);
  const { drain, editors, housekeeping, logger, mutex, now, replay, store, webhooks } = services;
  const app = bridgeServer(services);
  replay.start();
  webhooks.start();
  let looking: NodeJS.Timeout | undefined;

  async function lookAtEditors(): Promise<void> {
    for (const error of await editors.look()) {
      const { kind, said } = failureOf(error, "editorUnreachable") ?? {};
      logger.warn({ failure: kind ?? logFailure(error)?.kind, said }, "an editor's discovery could not be read");
    }
  }

  return {
    app,
    listen: async () => {
      await inTime(lookAtEditors(), firstLookMs, () => undefined);
      const addresses = editors.known().flatMap((discovery) => discovery?.actions ?? []);
      const refusals = new Set(addresses.flatMap(({ urlsrc }) => unframeable(urlsrc) ?? []));
      if (refusals.size > 0) throw new ConfigError([...refusals]);
      looking = setInterval(() => void lookAtEditors(), discoveryEveryMs).unref();
      const server = boundedServer(app);
      drain.watch(server);
      housekeeping.start();
      giveEnds(store, now).catch((error: unknown) =>
        logger.warn({ failure: logFailure(error)?.kind }, "could not give an end to rows from an older version"),
      );
      return listening(server, config.HOST, config.PORT);
    },
    sweep: () => housekeeping.sweep(),
    keepAlive: () => housekeeping.keepAlive(),
    checkContract: () => housekeeping.checkContract(),
    tidySpool: () => housekeeping.tidySpool(),
    replay: () => replay.run(),
    lookAtEditors,
    deliver: () => webhooks.look(),
    close: async () => {
      clearInterval(looking);
      housekeeping.stop();
      await drain.end();
      await inTime(Promise.all([replay.stop(), webhooks.stop(), mutex.settled()]), settleMs, () => undefined);
      await store.close();
    },
  };
}

function listening(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
