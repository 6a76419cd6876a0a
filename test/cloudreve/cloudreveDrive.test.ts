import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { openFakeCloudreve } from "../../src/sandbox/fakeCloudreve/fakeCloudreve.ts";
import { type AccountServer, accountContract } from "./account.contract.ts";
import { driveContract } from "./drive.contract.ts";
import { application, scopes } from "./signInStage.ts";

async function openServer(): Promise<AccountServer> {
  const dir = await mkdtemp(join(tmpdir(), "drive-contract-"));
  const account = { email: "owner@example.com", password: "owner-password", nickname: "Owner" };
  const { redirectUri, ...registered } = application;
  const drive = await openFakeCloudreve({
    dir,
    port: 0,
    accounts: [account],
    viewers: [
      {
        id: "contract-editor",
        type: "wopi",
        display_name: "Editor",
        exts: ["docx"],
        wopi_actions: { docx: { view: "http://127.0.0.1:9/view?", edit: "http://127.0.0.1:9/edit?" } },
      },
    ],
    oauthClients: [{ ...registered, name: "Office", redirectUris: [redirectUri], scopes: scopes.split(" ") }],
  });
  return {
    url: drive.url,
    ...account,
    application,
    close: async () => {
      await drive.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

describe("the fake Cloudreve", () => {
  driveContract(openServer);
  accountContract(true, openServer);
});
