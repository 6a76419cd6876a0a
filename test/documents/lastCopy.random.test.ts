import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConflictCopies } from "../../src/documents/conflictCopy.ts";
import { ContentRecord } from "../../src/documents/contentRecord.ts";
import { LastCopies } from "../../src/documents/lastCopy.ts";
import type { SaveNews } from "../../src/documents/saveEvents.ts";
import type { SpooledSave } from "../../src/documents/saveSpool.ts";
import { VersionRecord } from "../../src/documents/versionRecord.ts";
import type { Drive, DriveFile } from "../../src/model/drive.ts";
import { BridgeError } from "../../src/model/failure.ts";
import type { KeyValueStore } from "../../src/model/keyValueStore.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { setClock } from "../support/clock.ts";
import { randomRuns } from "../support/tier.ts";

const startMs = Date.parse("2026-11-21T08:15:00Z");
const bytesOf = (text: string) => Buffer.byteLength(text);

/** Report.docx in a folder, and bridges that keep last saves beside it: all on one store, without turns of the file. */
function freshStage() {
  const clock = setClock(startMs);
  const files: { file: DriveFile; text: string }[] = [];
  let versions = 0;
  /** Steps left until a bridge is killed: at each call to the drive or the store. */
  let stepsLeft = Number.POSITIVE_INFINITY;
  const step = async <Result>(work: () => Result | Promise<Result>): Promise<Result> => {
    if (stepsLeft-- <= 0) throw new Error("killed");
    // Others come in between.
    await new Promise((resolve) => setImmediate(resolve));
    return work();
  };
  const put = (id: string, name: string, text: string): DriveFile => {
    const file = {
      id,
      name,
      uri: `cloudreve://my/${name}`,
      sizeBytes: bytesOf(text),
      version: `v${++versions}`,
      modifiedAt: "2026-11-21T08:15:00Z",
    };
    const at = files.findIndex((other) => other.file.id === id);
    files.splice(at < 0 ? files.length : at, at < 0 ? 0 : 1, { file, text });
    return file;
  };
  const found = (id: string) => {
    const standing = files.find(({ file }) => file.id === id);
    if (standing === undefined) throw new BridgeError({ kind: "fileMissing" });
    return standing;
  };
  const drive: Pick<Drive, "stat" | "read" | "write" | "createBeside" | "findBeside"> = {
    stat: ({ fileId }) => step(() => found(fileId).file),
    read: ({ fileId }) =>
      step(() => {
        const { file, text } = found(fileId);
        const { sizeBytes, version } = file;
        return {
          body: Readable.from([Buffer.from(text)]),
          lengthBytes: sizeBytes,
          sizeBytes,
          version,
          range: undefined,
        };
      }),
    write: async ({ fileId }, { name }, bytes, guard) => {
      const text = String(await buffer(bytes.open()));
      return step(() => {
        const isGuarded = "previousVersion" in guard && guard.previousVersion === found(fileId).file.version;
        if (!isGuarded) throw new BridgeError({ kind: "changedInStorage" });
        return put(fileId, name, text);
      });
    },
    createBeside: async (_document, _file, name, bytes) => {
      const text = String(await buffer(bytes.open()));
      return step(() => {
        if (files.some(({ file }) => file.name === name)) throw new BridgeError({ kind: "nameTaken" });
        return put(`f${files.length}`, name, text);
      });
    },
    findBeside: (_document, _file, name) => step(() => files.find(({ file }) => file.name === name)?.file),
  };
  put("f0", "Report.docx", "what the drive has");
  const memory = openMemoryStore(clock.now);
  const store: KeyValueStore = {
    ...memory,
    get: (key) => step(() => memory.get(key)),
    swap: (...change) => step(() => memory.swap(...change)),
    list: (prefix) => memory.list(prefix),
    close: () => memory.close(),
  };
  const news: SaveNews[] = [];
  const bridge = () =>
    new ConflictCopies({
      content: new ContentRecord(store),
      versionRecord: new VersionRecord(store, clock.now),
      drive: drive as Drive,
      lastCopies: new LastCopies(store, clock.now),
      now: clock.now,
      tell: async (_save, one) => void news.push(one),
    });
  const save = (text: string, receivedAtMs = clock.now(), grantId = "g1"): SpooledSave => ({
    facts: {
      grantId,
      document: { account: "alice", fileId: "f0" },
      personName: "Ann",
      editor: "https://office.example",
      fileName: "Report.docx",
      receivedAtMs,
      isBesideOnly: true,
      isOfEndedGrant: true,
    },
    sizeBytes: bytesOf(text),
    sha256: createHash("sha256").update(text).digest("base64"),
    open: () => Readable.from([Buffer.from(text)]),
    discard: async () => {},
    keep: async () => {},
    id: `${grantId}-${receivedAtMs}`,
    claim: () => true,
    release: async () => {},
    restated: () => Promise.reject(new TypeError("not asked for here")),
  });
  const copies = () => files.slice(1).map(({ text }) => text);
  const killAfter = (steps: number) => {
    stepsLeft = steps;
  };
  return { clock, files, put, news, bridge, save, copies, killAfter };
}

describe("the last save of a session that has ended", () => {
  it("is one copy, whose place the later one takes and an older one does not", async () => {
    const { bridge, save, copies, news } = freshStage();
    await bridge().copyBeside(save("first", startMs), "rightMissing");
    await bridge().copyBeside(save("third", startMs + 2), "rightMissing");
    await bridge().copyBeside(save("second", startMs + 1), "rightMissing");
    expect(copies()).toEqual(["third"]);
    expect(news).toHaveLength(3);
    expect(news.every(({ is }) => is === "copied")).toBe(true);
  });

  it("stays one copy wherever the bridge is killed, and holds what comes after the restart", async () => {
    let wasKilled = true;
    for (let steps = 0; wasKilled; steps++) {
      for (const again of ["first", "second"]) {
        const { clock, bridge, save, copies, killAfter } = freshStage();
        killAfter(steps);
        wasKilled = await bridge()
          .copyBeside(save("first"), "rightMissing")
          .then(
            () => false,
            () => true,
          );
        killAfter(Number.POSITIVE_INFINITY);
        clock.advance(1);
        await bridge().copyBeside(save(again), "rightMissing");
        expect(copies(), `killed after ${steps} steps`).toEqual([again]);
        await bridge().copyBeside(save("and more"), "rightMissing");
        expect(copies(), `killed after ${steps} steps`).toEqual(["and more"]);
      }
    }
  });

  it("stays one copy wherever a bridge is killed while it replaces another", async () => {
    let wasKilled = true;
    for (let steps = 0; wasKilled; steps++) {
      const { clock, bridge, save, copies, killAfter } = freshStage();
      await bridge().copyBeside(save("first"), "rightMissing");
      clock.advance(1);
      killAfter(steps);
      wasKilled = await bridge()
        .copyBeside(save("second"), "rightMissing")
        .then(
          () => false,
          () => true,
        );
      killAfter(Number.POSITIVE_INFINITY);
      clock.advance(1);
      await bridge().copyBeside(save("third"), "rightMissing");
      expect(copies(), `killed after ${steps} steps`).toEqual(["third"]);
    }
  });

  it("is never a second copy when two bridges on one store place saves at once, and none writes over a person's", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom("a", "bb", "ccc", "dd"), { minLength: 2, maxLength: 6 }),
        async (texts) => {
          const { clock, bridge, save, copies } = freshStage();
          const saves = texts.map((text) => {
            clock.advance(1);
            return save(text);
          });
          const kept = await Promise.allSettled(saves.map((one) => bridge().copyBeside(one, "rightMissing")));
          expect(copies().length).toBeLessThanOrEqual(1);
          // Who could not place it keeps it in the spool, and tries again.
          for (const [index, outcome] of kept.entries()) {
            const one = saves[index];
            if (outcome.status === "rejected" && one !== undefined) await bridge().copyBeside(one, "rightMissing");
          }
          expect(copies()).toHaveLength(1);
          expect(texts).toContain(copies()[0]);
        },
      ),
      randomRuns(60),
    );
  });

  it("leaves a copy that a person has worked on in or thrown away, and makes no other", async () => {
    const { files, put, bridge, save, copies, news } = freshStage();
    await bridge().copyBeside(save("first"), "rightMissing");
    const [, copy] = files;
    put("f1", copy?.file.name ?? "", "a person's");
    await bridge().copyBeside(save("second"), "rightMissing");
    expect(copies()).toEqual(["a person's"]);
    expect(news.at(-1)).toEqual({ is: "refused", why: "rightMissing" });
    files.splice(1, 1);
    await bridge().copyBeside(save("third"), "rightMissing");
    expect(copies()).toEqual([]);
  });

  it("takes another name when a file of that name is there, and leaves that", async () => {
    const { put, bridge, save, copies } = freshStage();
    put("f1", "Report (conflict, Ann, 2026-11-21 08.15).docx", "another's");
    await bridge().copyBeside(save("first"), "rightMissing");
    await bridge().copyBeside(save("second"), "rightMissing");
    expect(copies()).toEqual(["another's", "second"]);
  });

  it("is none when the document holds it already", async () => {
    const { bridge, save, copies, news } = freshStage();
    await bridge().copyBeside(save("what the drive has"), "rightMissing");
    expect(copies()).toEqual([]);
    expect(news).toEqual([{ is: "saved", version: "v1" }]);
  });

  it("is one for each session, of the same person too", async () => {
    const { bridge, save, copies } = freshStage();
    await bridge().copyBeside(save("of one", startMs, "g1"), "rightMissing");
    await bridge().copyBeside(save("of the other", startMs, "g2"), "rightMissing");
    await bridge().copyBeside(save("later of one", startMs, "g1"), "rightMissing");
    expect(copies()).toEqual(["later of one", "of the other"]);
  });
});
