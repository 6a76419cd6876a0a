import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { openFakeCloudreve } from "../../src/sandbox/fakeCloudreve/fakeCloudreve.ts";
import { driveContract } from "./drive.contract.ts";

describe("the fake Cloudreve", () => {
  driveContract(async () => {
    const dir = await mkdtemp(join(tmpdir(), "drive-contract-"));
    const account = { email: "owner@example.com", password: "owner-password", nickname: "Owner" };
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
    });
    return {
      url: drive.url,
      ...account,
      close: async () => {
        await drive.close();
        await rm(dir, { recursive: true, force: true });
      },
    };
  });
});
