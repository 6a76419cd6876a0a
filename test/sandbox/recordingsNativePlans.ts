import { type HalfSentFile, sendHalf } from "./recordingsHalfSent.ts";
import type { Plan } from "./recordingsReplay.ts";
import { limitSize, makeShares, seedHome, seedShared } from "./recordingsSeeds.ts";
import { type Stage, viewers, writerId } from "./recordingsStage.ts";

const my = (path: string): string => `cloudreve://my${path}`;
const davToken = "20db252f-5573-41f6-bc1e-0da60f666138";

/** What the recordings of viewer sessions, native WOPI calls and locks presuppose. */
export const nativePlans: Readonly<Record<string, Plan>> = {
  "lock-conflict-rest": {
    callers: { 14: "alice" },
    prepare: async (stage) => {
      await seedHome(stage);
      await seedSession(stage, "0dfbd2ac", "/w/lc/x.docx", "x");
    },
  },
  "lock-force-unlock": {
    callers: { 4: "alice" },
    prepare: (stage) => seedSession(stage, "42d00361", "/w/lc/x.docx", "x"),
  },
  "locks-after-restart": {
    prepare: (stage) => seedSession(stage, "89327e75", "/w/rs.docx", "x"),
    before: { 1: (stage) => stage.restart(), 5: (stage) => stage.crash() },
  },
  "viewer-session-errors": { callers: { 9: "bob", 10: "alice" }, prepare: seedHome },
  "viewer-session-ok": { prepare: seedHome },
  "viewer-session-too-large": { before: { 1: (stage) => limitSize(stage, 100_000) } },
  "viewer-session-share": {
    callers: { 22: "alice", 24: "alice", 31: "alice" },
    prepare: async (stage) => {
      await seedShared(stage);
      await makeShares(stage);
    },
  },
  "webdav-locks": {
    caller: "alice",
    prepare: (stage) => seedSession(stage, "cbdd83c8", "/w/dav.docx", "dav", "alice"),
    before: {
      3: (stage) =>
        stage.fake.plantLock("alice@example.com", "/w/dav.docx", { type: "dav", inner_xml: "word" }, davToken),
      7: (stage) => stage.api("alice", "DELETE", "/file/lock", { tokens: [davToken] }),
    },
  },
  "wopi-after-rename": {
    prepare: async (stage) => {
      await seedHome(stage);
      await seedSession(stage, "fec5d340", "/w/ren.docx", "x");
    },
    before: {
      4: (stage) => stage.openSession("ff68252f", "bob", my("/w/ren2.docx")),
      6: (stage) => stage.put("bob", "/w/ren.docx", "impostor"),
      9: (stage) => stage.openSession("72320397", "bob", my("/docs/ren2.docx")),
    },
  },
  "wopi-checkfileinfo": {
    prepare: async (stage) => {
      await seedSession(stage, "f569a1be", "/w/cfi 报告.docx", "12345");
      await stage.openSession("09f5fc52", "bob", my("/w/cfi 报告.docx"));
    },
  },
  "wopi-concurrent": planConcurrent(),
  "wopi-getfile": {
    prepare: (stage) => seedSession(stage, "c4fec99d", "/w/cfi 报告.docx", "changed by a view session"),
  },
  "wopi-lock": {
    prepare: async (stage) => {
      await seedSession(stage, "b1c2d105", "/w/l.docx", "l");
      await stage.openSession("e0a92d13", "bob", my("/w/l.docx"));
    },
  },
  "wopi-lock-collision": {
    prepare: async (stage) => {
      await seedSession(stage, "db33a958", "/w/c1.docx", "1");
      await seedSession(stage, "315b62ed", "/w/c2.docx", "2");
      await seedSession(stage, "db1ec11c", "/w/hers.docx", "3", "alice");
    },
  },
  "wopi-lock-ids": { prepare: (stage) => seedSession(stage, "32ff0e9e", "/w/l.docx", "l") },
  "wopi-put-relative": {
    prepare: async (stage) => {
      for (const [name, size] of [
        ["cfi 报告", 25],
        ["other", 1],
        ["l", 7],
        ["c1", 1],
        ["c2", 1],
        ["p", 3000],
      ] as const) {
        await stage.put("bob", `/w/${name}.docx`, Buffer.alloc(size));
      }
      await seedSession(stage, "eb895a65", "/w/rel.docx", "source");
    },
    before: { 15: (stage) => seedSession(stage, "a1a8ed32", "/w/locked-target.docx", "x") },
  },
  "wopi-putfile": {
    prepare: async (stage) => {
      await seedSession(stage, "65bd0fc2", "/w/p.docx", "p");
      await stage.openSession("dcd7f2af", "bob", my("/w/p.docx"));
    },
  },
  "wopi-putfile-large": {
    prepare: async (stage) => {
      await seedSession(stage, "a7cf5bc0", "/w/p.docx", "p");
      limitSize(stage, 1000);
    },
    before: { 1: (stage) => limitSize(stage, 52_428_800), 2: (stage) => limitSize(stage, 1000) },
  },
  "wopi-session-life": {
    callers: { 2: "alice", 4: "alice", 6: "alice" },
    prepare: async (stage) => {
      await seedSession(stage, "d7cb4ae3", "/w/life.docx", "life");
      await stage.put("alice", "/sl/x.docx", "x");
    },
    before: {
      3: (stage) => {
        const share = stage.translate("r5hW");
        return stage.openSession("452e6494", "bob", `cloudreve://${share}:pw123456@share/x.docx`);
      },
    },
  },
  "wopi-token": {
    prepare: async (stage) => {
      await stage.put("bob", "/w/cfi 报告.docx", "12345");
      await stage.put("bob", "/w/other.docx", "x");
      await stage.bindFile("BQDco", "bob", "/w/cfi 报告.docx");
      await stage.bindFile("ZYNC2", "bob", "/w/other.docx");
      await stage.openSession("f569a1be", "bob", my("/w/cfi 报告.docx"));
      await stage.openSession("a8604e28", "bob", my("/w/other.docx"));
    },
    before: {
      9: (stage) => {
        stage.nowMs += 36_001_000;
      },
    },
  },
  "wopi-viewer-disabled": {
    prepare: async (stage) => {
      await seedHome(stage);
      await stage.openSession("ccc1527f", "bob", my("/demo.docx"));
    },
    before: { 1: (stage) => disableWriter(stage, true), 3: (stage) => disableWriter(stage, false) },
  },
};

function planConcurrent(): Plan {
  let half: HalfSentFile | undefined;
  const finish = async (stage: Stage, recordedVersion: string): Promise<void> => {
    const version = await half?.finish();
    if (!version) throw new Error("the half sent PutFile did not end well");
    stage.bind(recordedVersion, version);
  };
  const halves = ["A", "B"].map((letter) => letter.repeat(1000)) as [string, string];
  const begin = async (stage: Stage, lock?: string): Promise<void> => {
    half = await sendHalf(stage, "1aebc420", halves, lock);
  };
  return {
    prepare: (stage) => seedSession(stage, "1aebc420", "/w/conc.docx", "0"),
    before: {
      1: (stage) => begin(stage, "CC"),
      9: (stage) => finish(stage, "6KyT3"),
      12: (stage) => begin(stage),
      16: (stage) => finish(stage, "bMLuN"),
      19: async (stage) => {
        await begin(stage);
        await half?.breakOff();
      },
    },
  };
}

async function seedSession(
  stage: Stage,
  tokenStart: string,
  path: string,
  content: string,
  user: "bob" | "alice" = "bob",
): Promise<void> {
  await stage.put(user, path, content);
  await stage.openSession(tokenStart, user, my(path.split("/").map(encodeURIComponent).join("/")));
}

function disableWriter(stage: Stage, disabled: boolean): void {
  stage.fake.setViewers(viewers.map((viewer) => ({ ...viewer, disabled: disabled && viewer.id === writerId })));
}
