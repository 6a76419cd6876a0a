import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { openFakeCloudreve } from "../../src/sandbox/fakeCloudreve/fakeCloudreve.ts";
import type { IdentityServer } from "../support/identityStage.ts";
import { identityContract } from "./identity.contract.ts";

async function openServer(): Promise<IdentityServer> {
  const dir = await mkdtemp(join(tmpdir(), "identity-drive-"));
  const account = { email: "owner@example.com", password: "owner-password", nickname: "Owner" };
  const address = { view: "http://127.0.0.1:9/view?", edit: "http://127.0.0.1:9/edit?" };
  const drive = await openFakeCloudreve({
    dir,
    port: 0,
    accounts: [account],
    viewers: [{ id: "editor", type: "wopi", display_name: "Editor", exts: ["docx"], wopi_actions: { docx: address } }],
  });
  return {
    url: drive.url,
    ...account,
    close: async () => {
      await drive.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

describe("a session for a file of the fake Cloudreve", () => identityContract(openServer));
