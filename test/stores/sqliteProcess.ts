import { createInterface } from "node:readline";
import { failureOf } from "../../src/model/failure.ts";
import { FileLocks } from "../../src/model/fileLocks.ts";
import type { KeyValueStore } from "../../src/model/keyValueStore.ts";
import { openSqliteStore } from "../../src/stores/sqliteStore.ts";

const msBetweenRaces = 3;

/** Another process on the same store file: does one of these jobs once it is told to go. */
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
  /** Takes over lock after lock that has run out, each at its moment, and names those it got. */
  takeOver: async (store, name, times) => {
    const locks = new FileLocks(store, now);
    for (let i = 0; i < times; i++) {
      // All processes come at the same moment: that is the race.
      while (Date.now() < goAtMs + i * msBetweenRaces) await new Promise(setImmediate);
      try {
        await locks.lock(`file-${i}`, name, name);
        process.stdout.write(`${i}\n`);
      } catch (error) {
        if (failureOf(error, "lockMismatch") === undefined) throw error;
      }
    }
  },
};

const [path = "", job = "", name = "", times = "0", nowMs = "0"] = process.argv.slice(2);
const now = () => Number(nowMs);
const store = openSqliteStore(path, now);
process.stdout.write("ready\n");
let goAtMs = 0;
for await (const line of createInterface({ input: process.stdin })) {
  goAtMs = Number(line);
  break;
}
process.stdin.destroy();
await jobs[job]?.(store, name, Number(times));
await store.close();
