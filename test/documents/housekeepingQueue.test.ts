import { describe, expect, it } from "vitest";
import { DocumentLocks } from "../../src/documents/documentLock.ts";
import { Housekeeping } from "../../src/documents/housekeeping.ts";
import type { Drive } from "../../src/model/drive.ts";
import { FileMutex } from "../../src/model/fileMutex.ts";
import type { KeyValueStore } from "../../src/model/keyValueStore.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";

/** A bridge whose files are not locked; tells which of them were looked at. */
function stage() {
  const looks: string[] = [];
  const mutex = new FileMutex();
  const now = () => 0;
  const store = openMemoryStore(now);
  const watched: KeyValueStore = {
    ...store,
    get: (key) => {
      if (key.startsWith("lock:")) looks.push(key.slice("lock:".length));
      return store.get(key);
    },
  };
  const locks = new DocumentLocks({ store: watched, drive: {} as Drive, mutex, now });
  const housekeeping = new Housekeeping({ now, locks } as never);
  return { looks, mutex, housekeeping };
}

/** Holds the turn of a file until told. */
function busy(mutex: FileMutex, fileId: string) {
  let end = (): void => undefined;
  const work = mutex.run(fileId, () => new Promise<void>((resolve) => (end = resolve)));
  return { end: () => end(), work };
}

describe("a look whether a file's sessions have ended", () => {
  it("stands in the file's queue once, however many ask for it: a save behind them does not wait for each", async () => {
    const { looks, mutex, housekeeping } = stage();
    const save = busy(mutex, "f1");
    const asked = Array.from({ length: 500 }, () => housekeeping.sessionsEnded("f1"));
    await new Promise((resolve) => setImmediate(resolve));
    const next = mutex.run("f1", async () => looks.length);
    save.end();
    expect(await next).toBe(1);
    await Promise.all(asked);
    expect(looks).toEqual(["f1"]);
  });

  it("is made anew for whoever asks once one has begun, and for each file", async () => {
    const { looks, housekeeping } = stage();
    await Promise.all([
      housekeeping.sessionsEnded("f1"),
      housekeeping.sessionsEnded("f2"),
      housekeeping.sessionsEnded("f1"),
    ]);
    await housekeeping.sessionsEnded("f1");
    expect(looks.filter((fileId) => fileId === "f1").length).toBeGreaterThanOrEqual(2);
    expect(looks).toContain("f2");
  });
});
