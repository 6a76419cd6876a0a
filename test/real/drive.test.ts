import { randomUUID } from "node:crypto";
import { describe } from "vitest";
import { type AccountServer, accountContract } from "../cloudreve/account.contract.ts";
import { driveContract } from "../cloudreve/drive.contract.ts";
import { driveAccount } from "../support/driveAccount.ts";
import { realServer, setting } from "./realServer.ts";

/** With an administrator's account, OAuth is tried too, through an application registered for these tests alone. */
const administrator = process.env["CLOUDREVE_ADMIN_EMAIL"];

async function openServerWithApplication(): Promise<AccountServer> {
  const server = await realServer();
  if (administrator === undefined) return server;
  const admin = await driveAccount(server.url, administrator, setting("CLOUDREVE_ADMIN_PASSWORD"));
  const application = {
    clientId: randomUUID(),
    clientSecret: randomUUID(),
    redirectUri: "https://office.example.com/oauth/callback",
  };
  const registered = await admin.call("PUT", "/admin/oauthClient", {
    client: {
      guid: application.clientId,
      secret: application.clientSecret,
      name: "Office bridge, tests",
      homepage_url: "https://office.example.com",
      redirect_uris: [application.redirectUri],
      scopes: ["openid", "profile", "email", "offline_access", "Files.Read", "Files.Write"],
      props: {},
      is_enabled: true,
    },
  });
  if (registered.code !== 0) throw new Error(`the application could not be registered: ${registered.code}`);
  const { id } = registered.data as { id: number };
  return {
    ...server,
    application,
    close: async () => void (await admin.call("DELETE", `/admin/oauthClient/${id}`)),
  };
}

describe("a real Cloudreve, with a WOPI viewer for docx set up", () => {
  driveContract(realServer);
  accountContract(administrator !== undefined, openServerWithApplication);
});
