import { afterEach, describe, expect, it } from "vitest";
import { Housekeeping } from "../../src/documents/housekeeping.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { setClock } from "../support/clock.ts";
import { portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import type { WopiClient } from "../support/wopiClient.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

let bridge: TestBridge | undefined;
afterEach(async () => {
  await bridge?.close();
  bridge = undefined;
});

/** A bridge whose clock jumps, and a drive whose clock does not: the drive is another machine. */
async function jumping() {
  const drivesClock = setClock();
  bridge = await testBridge({ drive: { now: drivesClock.now }, settings: { GRANT_HOURS: "48" } });
  const opened = bridge;
  await opened.alice.put("plan.txt", "first");
  const editor = await opened.open("plan.txt");
  await editor.get();
  expect((await editor.lock("lock-1")).status).toBe(200);
  return {
    bridge: opened,
    editor,
    /** Time that passes everywhere, with the bridge at its minute's work. */
    pass: async (minutes: number) => {
      for (let at = 0; at < minutes; at += 5) {
        opened.clock.advance(5 * minuteMs);
        drivesClock.advance(5 * minuteMs);
        await opened.bridge.sweep();
      }
    },
  };
}

const heldLock = async (editor: WopiClient) => (await editor.getLock()).header("X-WOPI-Lock");

describe("an editor that refreshes its lock every fifteen minutes", () => {
  const returns: readonly [string, (editor: WopiClient) => Promise<{ status: number }>][] = [
    ["REFRESH_LOCK", (editor) => editor.refresh("lock-1")],
    ["LOCK", (editor) => editor.lock("lock-1")],
    ["UnlockAndRelock", (editor) => editor.relock("lock-1", "lock-1")],
  ];
  for (const [hours, direction] of [
    [1, "ahead"],
    [2, "ahead"],
    [5, "ahead"],
    [-2, "back"],
    [-12, "back"],
  ] as const) {
    it.each(returns)(
      `keeps it by %s when the clock jumps ${Math.abs(hours)} h ${direction} between`,
      async (_by, again) => {
        const { bridge, editor, pass } = await jumping();
        await pass(10);
        bridge.clock.advance(hours * hourMs);
        expect((await again(editor)).status).toBe(200);
        expect(await heldLock(editor)).toBe("lock-1");
        // Nobody else gets in, not even in the drive, where our own lock from before the jump still stands.
        expect((await editor.lock("lock-2")).status).toBe(409);
        expect(await bridge.alice.put("plan.txt", "foreign")).toBe(40073);
        await pass(15);
        expect((await editor.put("second", "lock-1")).status).toBe(200);
        expect(await bridge.alice.read("plan.txt")).toBe("second");
        expect((await editor.unlock("lock-1")).status).toBe(200);
        expect(await bridge.alice.put("plan.txt", "third")).toBe(0);
      },
    );

    it(`saves without a refresh when the clock jumps ${Math.abs(hours)} h ${direction}`, async () => {
      const { bridge, editor } = await jumping();
      bridge.clock.advance(hours * hourMs);
      expect((await editor.put("second", "lock-1")).status).toBe(200);
      expect(await bridge.alice.read("plan.txt")).toBe("second");
      expect(await bridge.alice.list()).toEqual(["plan.txt"]);
    });
  }

  it("does not get it back when somebody else has taken it after the jump", async () => {
    const { bridge, editor } = await jumping();
    bridge.clock.advance(2 * hourMs);
    expect((await editor.lock("lock-2")).status).toBe(200);
    const refused = await editor.refresh("lock-1");
    expect([refused.status, refused.header("X-WOPI-Lock")]).toEqual([409, "lock-2"]);
  });

  it("does not get it back when the lock had run out before the jump, or long after it", async () => {
    const { bridge, editor, pass } = await jumping();
    await pass(35);
    bridge.clock.advance(2 * hourMs);
    expect((await editor.refresh("lock-1")).status).toBe(409);
    expect((await editor.lock("lock-1")).status).toBe(200);
    bridge.clock.advance(2 * hourMs);
    await pass(40);
    expect((await editor.refresh("lock-1")).status).toBe(409);
  });

  it("does not get it back after a takeover, and who opens the document anew does, also when the clock was set back", async () => {
    const { bridge, editor } = await jumping();
    const headers = { Authorization: `Bearer ${portalKey}`, "Content-Type": "application/json" };
    const { id } = await bridge.alice.info("plan.txt");
    await fetch(`${bridge.url}/api/files/${id}/lock`, { method: "DELETE", headers });
    bridge.clock.advance(2 * hourMs);
    expect((await editor.refresh("lock-1")).status).toBe(409);
    expect((await editor.lock("lock-1")).status).toBe(409);
    bridge.clock.advance(-6 * hourMs);
    const anew = await bridge.open("plan.txt");
    await anew.get();
    expect((await anew.lock("lock-1")).status).toBe(200);
  });
});

describe("an editor that is gone when the clock is set back", () => {
  it("leaves its lock for half an hour from then, and not for as long as the clock went back", async () => {
    const { bridge, editor, pass } = await jumping();
    bridge.clock.advance(-12 * hourMs);
    await pass(25);
    expect(await heldLock(editor)).toBe("lock-1");
    await pass(15);
    expect(await heldLock(editor)).toBe("");
    expect(await bridge.alice.put("plan.txt", "foreign")).toBe(0);
    // What stood under the lock is not believed any more.
    expect((await editor.check()).json()["Size"]).toBe("foreign".length);
  });
});

describe("the round of each minute", () => {
  it("gives no lock back for twenty minutes after a jump ahead: editors refresh theirs meanwhile", async () => {
    const clock = setClock();
    let sweeps = 0;
    const locks = {
      held: async function* () {
        sweeps += 1;
        yield* [];
      },
    };
    const links = { liveAccounts: async () => [] };
    const guard = { check: async () => [] };
    const spoolEnd = { look: async () => undefined };
    const housekeeping = new Housekeeping({
      now: clock.now,
      store: openMemoryStore(clock.now),
      locks,
      links,
      guard,
      spoolEnd,
    } as never);
    const minutes = async (count: number) => {
      for (let at = 0; at < count; at++) {
        clock.advance(minuteMs);
        await housekeeping.minute();
      }
    };
    await minutes(5);
    expect(sweeps).toBe(5);
    clock.advance(2 * hourMs);
    await minutes(20);
    expect(sweeps).toBe(5);
    await minutes(5);
    expect(sweeps).toBe(10);
    clock.advance(-12 * hourMs);
    await minutes(5);
    expect(sweeps).toBe(15);
  });
});
