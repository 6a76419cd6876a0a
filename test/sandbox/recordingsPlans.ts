import { totpCode } from "../../src/sandbox/fakeCloudreve/totp.ts";
import { nativePlans } from "./recordingsNativePlans.ts";
import { oauthPlans } from "./recordingsOauthPlans.ts";
import type { Plan } from "./recordingsReplay.ts";
import { limitSize, makeShares, seedHome, seedReport, seedShared } from "./recordingsSeeds.ts";
import type { Stage } from "./recordingsStage.ts";
import { viewerPlan } from "./recordingsViewerPlan.ts";

const secondMs = 1000;

/** What each recording presupposes; one that is not named presupposes nothing. */
export const plans: Readonly<Record<string, Plan>> = {
  ...nativePlans,
  ...oauthPlans,
  "admin-access": {
    caller: "alice",
    callers: { 3: "bob" },
    prepare: async (stage) => {
      await stage.put("bob", "/demo.docx", "demo");
      await stage.bindFile("bviO", "bob", "/demo.docx");
    },
  },
  "admin-viewers": viewerPlan,
  "api-correlation": { prepare: seedHome },
  "content-put-missing": { prepare: (stage) => stage.put("bob", "/c/one.txt", "one") },
  "content-put-previous": {
    prepare: async (stage) => {
      await stage.put("bob", "/c/one.txt", "first");
      await stage.put("bob", "/c/one.txt", "second!");
    },
  },
  "content-put-quota": {
    prepare: (stage) => stage.put("bob", "/filled.bin", Buffer.alloc(101_831)),
    before: { 1: (stage) => stage.restart({ bob: 102_831 }) },
  },
  "content-put-too-large": { prepare: (stage) => limitSize(stage, 100_000) },
  "content-put-unauthorised": {
    callers: { 2: "alice" },
    prepare: (stage) => stage.put("bob", "/c/one.txt", "one"),
  },
  "file-info": { caller: "alice", callers: { 6: "bob", 12: "bob" }, prepare: seedHome },
  "file-list": { caller: "alice", prepare: seedHome },
  "file-restore": {
    prepare: async (stage) => {
      for (const [path, text] of [
        ["/rs/a.txt", "x"],
        ["/rs/b.txt", "y"],
      ] as const)
        await stage.put("bob", path, text);
    },
    before: {
      2: (stage) => stage.bindTrashed("033ba8ea-b597-4f8e-bf1d-394a96744645"),
      7: (stage) => stage.bindTrashed("dd83da13-546f-489d-8d7c-f0b9bbb9bb26"),
      8: (stage) => stage.put("bob", "/rs/a.txt", "new one"),
    },
  },
  "file-list-sorted": { prepare: seedSorted },
  "file-search": { prepare: seedSorted },
  "rename-and-delete": {
    prepare: async (stage) => {
      for (const path of ["/rd/a.txt", "/rd/b.txt", "/docs/c.txt"]) await stage.put("bob", path, "x");
    },
    before: { 10: (stage) => stage.put("bob", "/rd/c.txt", "x") },
  },
  "session-2fa": {
    caller: "carol",
    before: {
      1: (stage) => {
        const secret = stage.translate("4C75NOHWCFLVPMKQIANFFU4ZU6OVI4RL");
        stage.bind("131875", totpCode(secret, stage.nowMs));
      },
    },
  },
  "session-bad-access-token": { caller: "alice", authorization: { 2: (stage) => stage.refreshToken("alice") } },
  "session-expired-access-token": {
    caller: "alice",
    prepare: seedHome,
    authorization: { 1: (stage) => expiredToken(stage), 2: (stage) => expiredToken(stage) },
    before: { 3: (stage) => expireRefreshTokens(stage) },
  },
  "share-create": {
    caller: "alice",
    callers: { 7: "bob", 10: "bob", 20: "bob", 21: "bob" },
    prepare: async (stage) => {
      await seedShared(stage);
      await seedHome(stage);
    },
  },
  "share-use": {
    callers: { ...range(0, 7, "alice"), 30: "alice" },
    prepare: async (stage) => {
      await seedShared(stage);
      await makeShares(stage);
    },
  },
  "upload-session-new": { callers: { 4: "alice" } },
  "upload-session-locked": {
    prepare: async (stage) => {
      await stage.put("bob", "/w/us.docx", "x");
      await stage.openSession("590d514a", "bob", "cloudreve://my/w/us.docx");
    },
  },
  "url-cache": {
    prepare: seedReport,
    before: {
      // Two URLs made in one second for one version are the same.
      2: (stage) => {
        stage.nowMs += 1.1 * secondMs;
      },
    },
  },
  "url-download": { prepare: seedReport },
  "url-entity": { prepare: seedHome },
  "url-expired": {
    prepare: async (stage) => {
      await stage.put("bob", "/u/exp.docx", "exp");
      stage.fake.settings.entityUrlTtlSeconds = 2;
    },
    before: {
      2: (stage) => {
        stage.nowMs += 3 * secondMs;
      },
    },
  },
  "url-many": {
    callers: { 12: "alice" },
    prepare: async (stage) => {
      await seedHome(stage);
      await seedReport(stage);
    },
  },
  "url-unauthorised": { callers: { 1: "carol", 2: "alice" }, prepare: seedHome },
  "user-and-quota": { prepare: (stage) => stage.put("bob", "/filled.bin", Buffer.alloc(920_275)) },
};

function range(from: number, to: number, user: "alice"): Record<number, "alice"> {
  return Object.fromEntries(Array.from({ length: to - from + 1 }, (_, offset) => [from + offset, user]));
}

async function expiredToken(stage: Stage): Promise<string> {
  const presentMs = stage.nowMs;
  stage.nowMs -= 3605 * secondMs;
  const token = await stage.newAccessToken("alice");
  stage.nowMs = presentMs;
  return token;
}

async function expireRefreshTokens(stage: Stage): Promise<void> {
  const presentMs = stage.nowMs;
  stage.nowMs -= 30 * 86_400 * secondMs;
  // That recorded token names no chain.
  await stage.refreshToken("alice", "undefined");
  stage.nowMs = presentMs;
}

async function seedSorted(stage: Stage): Promise<void> {
  const files = { "b.txt": "22", "a.txt": "333", "c.txt": "1", "Plan.txt": "4444" };
  for (const [name, text] of Object.entries(files)) await stage.put("bob", `/so/${name}`, text);
  await stage.put("bob", "/so/deep/my plan.txt", "55555");
  await stage.put("bob", "/so/deep/down/PLANT.txt", "1");
}
