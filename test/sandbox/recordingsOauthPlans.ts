import type { Plan } from "./recordingsReplay.ts";
import type { Stage } from "./recordingsStage.ts";

const recordedIds = { alice: "NgU3", bob: "3Rcm" };
const registeredScopes = [
  "openid",
  "profile",
  "email",
  "offline_access",
  "Files.Read",
  "Files.Write",
  "UserInfo.Read",
  "Shares.Read",
  "Admin.Read",
];

/** The OAuth recordings come from a second server: other user ids, and one application each. */
export const oauthPlans: Readonly<Record<string, Plan>> = {
  "oauth-register": { caller: "alice", callers: { 2: "bob" } },
  "oauth-consent": { prepare: (stage) => begin(stage, "02") },
  "oauth-token": {
    prepare: async (stage) => {
      await begin(stage, "03");
      await register(stage, "0c2f6a52-50f6-4b7f-8a39-5a6d1f0b9c02");
    },
  },
  "oauth-userinfo": { prepare: (stage) => begin(stage, "04") },
  "oauth-refresh": {
    callers: { 22: "alice", 26: "alice", 28: "alice" },
    prepare: async (stage) => {
      // The application had the number 8 there.
      for (const filler of ["a3", "a4", "a5", "a6", "a7"]) await register(stage, guid(filler));
      await begin(stage, "05");
    },
  },
  "oauth-revoke": { callers: { 5: "alice" }, prepare: (stage) => begin(stage, "06") },
  "oauth-file-calls": {
    callers: { 43: "alice", 46: "alice" },
    prepare: async (stage) => {
      await begin(stage, "07");
      await stage.put("bob", "/o/one.docx", "one");
    },
  },
};

async function begin(stage: Stage, end: string): Promise<void> {
  stage.bind(recordedIds.alice, stage.userId("alice"));
  stage.bind(recordedIds.bob, stage.userId("bob"));
  await register(stage, guid(end));
}

function guid(end: string): string {
  return `7b3a3f52-9a1e-4a0e-9a53-2f5d6c1b7e${end}`;
}

async function register(stage: Stage, clientId: string): Promise<void> {
  await stage.api("alice", "PUT", "/admin/oauthClient", {
    client: {
      guid: clientId,
      secret: "bridge-secret-0123456789",
      name: "WOPI bridge",
      homepage_url: "http://127.0.0.1:3999",
      redirect_uris: ["http://127.0.0.1:3999/oauth/callback"],
      scopes: registeredScopes,
      props: {},
      is_enabled: true,
    },
  });
}
