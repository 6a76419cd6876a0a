import type { Stage } from "./recordingsStage.ts";

const countingBytes = Buffer.from(Array.from({ length: 10_240 }, (_, index) => index % 256));

/** The documents every recording account began with. */
export async function seedHome(stage: Stage): Promise<void> {
  for (const [user, size] of [
    ["alice", 889],
    ["bob", 888],
  ] as const) {
    await stage.put(user, "/demo.docx", Buffer.alloc(size));
    await stage.put(user, "/notes.txt", "notes\n");
    await stage.put(user, "/docs/报告 100%.docx", "report");
  }
  await stage.api("alice", "DELETE", "/file", { uris: ["cloudreve://my/docs/报告 100%25.docx"] });
}

export async function seedShared(stage: Stage): Promise<void> {
  await stage.put("alice", "/sh/team.docx", "team");
  await stage.put("alice", "/sh/sub/in.docx", "inside");
}

/** The share links that share-create made for share-use and viewer-session-share. */
export async function makeShares(stage: Stage): Promise<void> {
  const team = "cloudreve://my/sh/team.docx";
  await stage.share("VDSZ", "alice", { uri: team });
  await stage.share("3dfn", "alice", { uri: "cloudreve://my/sh" });
  await stage.share("M7cM", "alice", { uri: team, is_private: true, password: "secret12" });
  await stage.share("pksv", "alice", { uri: team, expire: 2, downloads: 1 });
  stage.nowMs += 3000;
}

export function limitSize(stage: Stage, limitBytes: number): void {
  stage.fake.settings.maxEditSizeBytes = limitBytes;
}

export async function seedReport(stage: Stage): Promise<void> {
  await stage.put("bob", "/u/r 报告 100%.docx", countingBytes);
}
