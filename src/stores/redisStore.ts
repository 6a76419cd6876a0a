import { type CommandParser, createClient, defineScript } from "@redis/client";
import { BridgeError } from "../model/failure.ts";
import { inTime } from "../model/inTime.ts";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { requireNoNul } from "./keptText.ts";
import { NewerStoreError, schemaVersion } from "./storeSchema.ts";

/** Prefix of every key, because others may use the same database. */
const namespace = "bridge:";
/** Holds the layout version; not a row. */
const schemaKey = `${namespace}schema`;
const keysPerScan = 1_000;

/** A server that has not answered by then counts as lost; the bridge opens a new connection. */
const answerWithinMs = 5_000;
/** How long a call waits for a reconnect: a server restart is not an outage. */
const patienceMs = 2_000;
const silence = `no answer within ${answerWithinMs} ms`;
const longestPauseMs = 1_000;
/** An idle connection is tested this often, so that a dead one is noticed before it is needed. */
const pingEveryMs = 2_000;
const silentForMs = 5_000;

/**
 * Compare and set in one step: Redis runs nothing else during a script. Sent by its hash; after a restart or failover,
 * the server gets the whole text. ARGV: has expected, expected, has next, next, lifetime in ms or "".
 */
const swap = defineScript({
  NUMBER_OF_KEYS: 1,
  SCRIPT: `
local current = redis.call('GET', KEYS[1])
if ARGV[1] == '1' then
  if current ~= ARGV[2] then return 0 end
elseif current then
  return 0
end
if ARGV[3] == '0' then
  redis.call('DEL', KEYS[1])
elseif ARGV[5] == '' then
  redis.call('SET', KEYS[1], ARGV[4])
else
  redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[5])
end
return 1`,
  parseCommand(parser: CommandParser, key: string, ...values: readonly string[]) {
    parser.pushKey(key);
    parser.push(...values);
  },
  transformReply: (reply: number): boolean => reply === 1,
});

/**
 * `redis://…`, `rediss://…` or `unix:/path`, shared by several bridges; Redis or Valkey. How durable a row is depends
 * on the server's settings (`appendonly yes`, `appendfsync always`). Expiry times are stored as lifetimes on the
 * server's clock, so bridges with different clocks agree on what has expired.
 * @param onLost is called once each time the server is lost; the store then tries to reconnect forever
 * @throws Error with a sentence for the operator when the server can't be reached at start
 */
export async function openRedisStore(url: string, now: Clock, onLost: (error: Error) => void): Promise<KeyValueStore> {
  const connection = await RedisConnection.open(url, onLost);
  try {
    await migrate(connection);
  } catch (error) {
    await connection.close();
    if (error instanceof NewerStoreError) throw error;
    throw new Error(`The store can't be used (${reasonOf(causeOf(error))}). Check STORE_URL.`);
  }
  const read = async (key: string): Promise<string | undefined> =>
    (await connection.ask((client) => client.get(namespace + key))) ?? undefined;
  return {
    get: read,
    swap: async (key, expected, next, expiresAtMs) => {
      requireNoNul(key, next);
      const lifetimeMs = expiresAtMs === undefined ? undefined : Math.ceil(expiresAtMs - now());
      // It has already expired, so it counts as absent and is removed.
      const isGone = next === undefined || (lifetimeMs !== undefined && lifetimeMs <= 0);
      const lifetime = lifetimeMs === undefined ? "" : String(lifetimeMs);
      return connection.ask((client) =>
        client.swap(
          namespace + key,
          ...(expected === undefined ? ["0", ""] : ["1", expected]),
          ...(isGone ? ["0", "", ""] : ["1", next, lifetime]),
        ),
      );
    },
    list: async function* (prefix) {
      const pattern = `${(namespace + prefix).replace(/[\\*?[\]]/g, "\\$&")}*`;
      // A scan may return a key twice.
      const seen = new Set<string>();
      let cursor = "0";
      do {
        const page = await connection.ask((client) => client.scan(cursor, { MATCH: pattern, COUNT: keysPerScan }));
        cursor = page.cursor;
        for (const found of page.keys) {
          const key = found.slice(namespace.length);
          if (found === schemaKey || seen.has(key)) continue;
          seen.add(key);
          // One at a time, as they are read: the caller may be slow, and rows that expire meanwhile are left out.
          const value = await read(key);
          if (value !== undefined) yield [key, value] as const;
        }
      } while (cursor !== "0");
    },
    close: () => connection.close(),
  };
}

type Client = ReturnType<typeof newClient>;

/** @see storeSchema.ts */
const steps: readonly ((connection: RedisConnection) => Promise<void>)[] = [
  // The first layout had no number.
  async () => undefined,
];

/** @throws NewerStoreError */
async function migrate(connection: RedisConnection): Promise<void> {
  for (;;) {
    const written = (await connection.ask((client) => client.get(schemaKey))) ?? undefined;
    const version = Number(written ?? 0);
    if (!Number.isInteger(version)) throw new Error(`${schemaKey} holds no number`);
    if (version > schemaVersion) throw new NewerStoreError("The store in Redis", version);
    if (version === schemaVersion) return;
    await steps[version]?.(connection);
    // Another bridge that starts now may have been faster, so look again.
    const expected = written === undefined ? ["0", ""] : ["1", written];
    await connection.ask((client) => client.swap(schemaKey, ...expected, "1", String(version + 1), ""));
  }
}

function newClient(url: string) {
  return createClient({
    // The library only accepts `unix://` followed by the path.
    url: url.replace(/^unix:(?=\/(?!\/))/, "unix://"),
    scripts: { swap },
    // A call that waits for a lost server would hold up an editor, and a late swap may be a wrong one.
    disableOfflineQueue: true,
    // The library's time limit ends when a command is sent; ours is in `ask`.
    commandOptions: { timeout: 0 },
    pingInterval: pingEveryMs,
    maintNotifications: "disabled",
    socket: {
      connectTimeout: answerWithinMs,
      socketTimeout: silentForMs,
      // The library's own strategy gives up after a silent connection.
      reconnectStrategy: (retries) => Math.min(50 * 2 ** retries, longestPauseMs),
    },
  });
}

/** The connection to the server: it reconnects when lost, and no call hangs. */
class RedisConnection {
  readonly #url: string;
  readonly #onLost: (error: Error) => void;
  #client: Client;
  readonly #underWay = new Set<Promise<unknown>>();
  #isClosed = false;
  /** Why there is no connection; undefined while connected. */
  #lost: Error | undefined = new Error(silence);

  private constructor(url: string, onLost: (error: Error) => void) {
    this.#url = url;
    this.#onLost = onLost;
    this.#client = this.#connect();
  }

  /** @throws Error with a sentence for the operator */
  static async open(url: string, onLost: (error: Error) => void): Promise<RedisConnection> {
    let connection: RedisConnection | undefined;
    try {
      connection = new RedisConnection(url, onLost);
      await connection.#firstAnswer();
      return connection;
    } catch (error) {
      await connection?.close();
      throw new Error(`The store can't be reached (${reasonOf(error)}). Check STORE_URL.`);
    }
  }

  /**
   * @throws storeUnreachable when there is no connection, it breaks, or no answer comes; the server may or may not have
   *   done what it was asked
   */
  async ask<Reply>(question: (client: Client) => Promise<Reply>): Promise<Reply> {
    const asking = this.#ask(question);
    this.#underWay.add(asking);
    try {
      return await asking;
    } catch (error) {
      throw new BridgeError({ kind: "storeUnreachable" }, { cause: error });
    } finally {
      this.#underWay.delete(asking);
    }
  }

  /** Calls in progress are answered first, or fail as usual. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#underWay);
    this.#client.destroy();
  }

  async #ask<Reply>(question: (client: Client) => Promise<Reply>): Promise<Reply> {
    if (this.#isClosed) throw new Error("the store is closed");
    const client = await this.#connected();
    return answered(question(client), () => this.#replace(client));
  }

  #connect(): Client {
    const client = newClient(this.#url);
    client.on("error", (error: Error) => {
      if (client === this.#client) this.#lose(error);
    });
    client.on("ready", () => {
      // A connection that was given up while connecting may still open.
      if (client !== this.#client || this.#isClosed) client.destroy();
      else this.#lost = undefined;
    });
    // It tries forever, and ends with an error when it is closed.
    client.connect().catch(() => undefined);
    return client;
  }

  async #connected(): Promise<Client> {
    const endsAtMs = performance.now() + patienceMs;
    while (!this.#client.isReady) {
      if (performance.now() > endsAtMs) throw this.#lost ?? new Error("no connection");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return this.#client;
  }

  /** A server may be up and still refuse: the password is wrong, or it is loading its data. */
  async #firstAnswer(): Promise<void> {
    const endsAtMs = performance.now() + answerWithinMs;
    for (;;) {
      try {
        await this.#ask((client) => client.ping());
        return;
      } catch (error) {
        if (performance.now() > endsAtMs) throw error;
      }
    }
  }

  #lose(error: Error): void {
    const isNews = this.#lost === undefined && !this.#isClosed;
    this.#lost = error;
    if (isNews) this.#onLost(error);
  }

  #replace(silent: Client): void {
    if (silent !== this.#client || this.#isClosed) return;
    this.#lose(new Error(silence));
    this.#client = this.#connect();
    silent.destroy();
  }
}

function answered<Reply>(answer: Promise<Reply>, onSilence?: () => void): Promise<Reply> {
  return inTime(answer, answerWithinMs, () => {
    onSilence?.();
    throw new Error(silence);
  });
}

const causeOf = (error: unknown): unknown => (error instanceof BridgeError ? error.cause : error);

/** If a name has several addresses and all fail, the error has no message of its own, only a list of errors. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return reasonOf(error.errors[0]);
  return error instanceof Error && error.message !== "" ? error.message : "unknown reason";
}
