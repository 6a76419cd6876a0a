import { createInterface } from "node:readline";
import { failureOf } from "../../src/model/failure.ts";
import type { KeyValueStore } from "../../src/model/keyValueStore.ts";
import { openRedisStore } from "../../src/stores/redisStore.ts";
import { openSqliteStore } from "../../src/stores/sqliteStore.ts";
import { lockCalls } from "../documents/lockCalls.ts";

/** Another process on the same store: does one of these jobs once it is told to go. */
const jobs: Readonly<Record<string, (store: KeyValueStore, name: string, times: number) => Promise<void>>> = {
  /** Counts one key up. */
  increment: async (store, _name, times) => {
    for (let i = 0; i < times; ) {
      const count = await store.get("count");
      if (await store.swap("count", count, String(Number(count ?? 0) + 1))) i++;
    }
  },
  /** Writes key after key, and names each one after the store has taken it. */
  write: async (store, name, times) => {
    for (let i = 0; i < times; i++) {
      if (await store.swap(`${name}:${i}`, undefined, `value ${i}`)) process.stdout.write(`${i}\n`);
    }
  },
  /** Takes over lock after lock that has run out, and names those it got. */
  takeOver: async (store, name, times) => {
    const locks = lockCalls(store, now);
    for (let i = 0; i < times; i++) {
      try {
        await locks.lock(`file-${i}`, name, name);
        process.stdout.write(`${i}\n`);
      } catch (error) {
        if (failureOf(error, "lockMismatch") === undefined) throw error;
      }
    }
  },
};

const [place = "", job = "", name = "", times = "0", nowMs = "0"] = process.argv.slice(2);
const now = () => Number(nowMs);
const store = place.startsWith("unix:")
  ? await openRedisStore(place, now, () => undefined)
  : openSqliteStore(place, now);
process.stdout.write("ready\n");
for await (const _line of createInterface({ input: process.stdin })) break;
process.stdin.destroy();
try {
  await jobs[job]?.(store, name, Number(times));
} catch (error) {
  // Its server has been killed: that is what the test is about.
  if (failureOf(error, "storeUnreachable") === undefined) throw error;
}
await store.close();
