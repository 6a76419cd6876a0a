import { describe, expect, it } from "vitest";
import { FileMutex } from "../../src/model/fileMutex.ts";

/** Work that ends when it is told to. */
function heldWork<Result>(name: string, log: string[]) {
  let end: (result: Result) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const ended = new Promise<Result>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  const work = async () => {
    log.push(`${name} begins`);
    try {
      return await ended;
    } finally {
      log.push(`${name} ends`);
    }
  };
  return { work, end, fail };
}

/** Lets everything happen that can happen by now. */
const idle = () => new Promise((resolve) => setImmediate(resolve));

describe("the turns of a file", () => {
  it("come one after the other, in the order they were asked for", async () => {
    const mutex = new FileMutex();
    const log: string[] = [];
    const first = heldWork<number>("first", log);
    const second = heldWork<number>("second", log);
    const both = [mutex.run("f", first.work), mutex.run("f", second.work)];
    await idle();
    expect(log).toEqual(["first begins"]);
    second.end(2);
    await idle();
    expect(log).toEqual(["first begins"]);
    first.end(1);
    expect(await Promise.all(both)).toEqual([1, 2]);
    expect(log).toEqual(["first begins", "first ends", "second begins", "second ends"]);
  });

  it("wait also for one that began after others had ended", async () => {
    const mutex = new FileMutex();
    const log: string[] = [];
    const second = heldWork<void>("second", log);
    const both = [mutex.run("f", async () => {}), mutex.run("f", second.work)];
    await idle();
    const third = mutex.run("f", async () => void log.push("third"));
    await idle();
    expect(log).toEqual(["second begins"]);
    second.end();
    await Promise.all([...both, third]);
    expect(log).toEqual(["second begins", "second ends", "third"]);
  });

  it("do not make other files wait", async () => {
    const mutex = new FileMutex();
    const log: string[] = [];
    const slow = heldWork<void>("slow", log);
    const waiting = mutex.run("f", slow.work);
    expect(await mutex.run("g", async () => "done")).toBe("done");
    slow.end();
    await waiting;
  });

  it("go on after one that failed, whose caller alone hears of it", async () => {
    const mutex = new FileMutex();
    const log: string[] = [];
    const broken = heldWork<void>("broken", log);
    const outcomes = Promise.allSettled([mutex.run("f", broken.work), mutex.run("f", async () => "next")]);
    broken.fail(new Error("drive away"));
    const [failed, next] = await outcomes;
    expect(failed).toMatchObject({ status: "rejected", reason: { message: "drive away" } });
    expect(next).toEqual({ status: "fulfilled", value: "next" });
  });

  it("go on after work that throws before it begins", async () => {
    const mutex = new FileMutex();
    const throws = () => {
      throw new TypeError("at once");
    };
    await expect(mutex.run("f", throws)).rejects.toThrow("at once");
    expect(await mutex.run("f", async () => "next")).toBe("next");
  });

  it("keep fifty increments of one number apart, though each reads, waits and writes", async () => {
    const mutex = new FileMutex();
    let count = 0;
    await Promise.all(
      Array.from({ length: 50 }, () =>
        mutex.run("f", async () => {
          const read = count;
          await idle();
          count = read + 1;
        }),
      ),
    );
    expect(count).toBe(50);
  });

  it("are free again for one who asks from outside after the last has ended", async () => {
    const mutex = new FileMutex();
    expect(await mutex.run("f", async () => 1)).toBe(1);
    expect(await mutex.run("f", async () => 2)).toBe(2);
  });
});

describe("whoever waits for the turn of a file", () => {
  it("is told that it is busy after a while, and those behind him come all the same", async () => {
    const mutex = new FileMutex(undefined, 30);
    const log: string[] = [];
    const slow = heldWork<void>("slow", log);
    const first = mutex.run("f", slow.work);
    const late = mutex.run("f", async () => void log.push("late"));
    await expect(late).rejects.toMatchObject({ failure: { kind: "driveBusy" } });
    const next = mutex.run("f", async () => void log.push("next"));
    slow.end();
    await Promise.all([first, next]);
    expect(log).toEqual(["slow begins", "slow ends", "next"]);
  });

  it("leaves the queue at once when he has gone, wherever in it he stood", async () => {
    const mutex = new FileMutex();
    const log: string[] = [];
    const slow = heldWork<void>("slow", log);
    const first = mutex.run("f", slow.work);
    const gone = new AbortController();
    const others = Array.from({ length: 1_000 }, () =>
      mutex.run("f", async () => void log.push("nobody wants it"), gone.signal),
    );
    const last = mutex.run("f", async () => void log.push("last"));
    gone.abort();
    for (const outcome of await Promise.allSettled(others)) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { failure: { kind: "driveBusy" } } });
    }
    slow.end();
    await Promise.all([first, last]);
    expect(log).toEqual(["slow begins", "slow ends", "last"]);
  });

  it("does not begin when he has gone before he asked", async () => {
    const mutex = new FileMutex();
    let begun = false;
    const asked = mutex.run(
      "f",
      async () => {
        begun = true;
      },
      AbortSignal.abort(),
    );
    await expect(asked).rejects.toMatchObject({ failure: { kind: "driveBusy" } });
    expect(begun).toBe(false);
    expect(await mutex.run("f", async () => "next")).toBe("next");
  });

  it("is not interrupted once his turn has come", async () => {
    const mutex = new FileMutex();
    const log: string[] = [];
    const gone = new AbortController();
    const slow = heldWork<string>("slow", log);
    const working = mutex.run("f", slow.work, gone.signal);
    await idle();
    gone.abort();
    slow.end("done");
    expect(await working).toBe("done");
  });
});

describe("the wait for all turns under way", () => {
  it("is over at once when there are none", async () => {
    await expect(new FileMutex().settled()).resolves.toBeUndefined();
  });

  it("lasts until the last of a file's queue has ended, however it ended", async () => {
    const mutex = new FileMutex();
    const log: string[] = [];
    const first = heldWork<void>("first", log);
    const last = heldWork<void>("last", log);
    const outcomes = Promise.allSettled([mutex.run("f", first.work), mutex.run("f", last.work)]);
    let settled = false;
    const waiting = mutex.settled().then(() => {
      settled = true;
    });
    first.end();
    await idle();
    expect(settled).toBe(false);
    last.fail(new Error("drive away"));
    await waiting;
    await outcomes;
    expect(log).toEqual(["first begins", "first ends", "last begins", "last ends"]);
  });
});
