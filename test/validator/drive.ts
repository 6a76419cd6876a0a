import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { openFakeCloudreve } from "../../src/sandbox/fakeCloudreve/fakeCloudreve.ts";
import { realServer, setting } from "../real/realServer.ts";
import { type DriveAccountClient, driveAccount } from "../support/driveAccount.ts";

/** A Cloudreve with a viewer for `.wopitest`; there is none for `.wopitestx`, of which the cases make files too. */
export interface ValidatorDrive {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  close(): Promise<void>;
}

interface Accounts extends ValidatorDrive {
  readonly admin: { readonly email: string; readonly password: string };
}

/** The real one that CLOUDREVE_URL names, or a fake. @param editorUrl where the viewer leads to */
export async function validatorDrive(editorUrl: string): Promise<ValidatorDrive> {
  const drive = process.env["CLOUDREVE_URL"] === undefined ? await fakeDrive() : await realDrive();
  const admin = await driveAccount(drive.url, drive.admin.email, drive.admin.password);
  const id = randomUUID();
  await changeViewers(admin, (groups) => [...groups, { viewers: [viewer(id, editorUrl)] }]);
  return {
    ...drive,
    close: async () => {
      await changeViewers(admin, (groups) => groups.filter(({ viewers }) => viewers.every((other) => other.id !== id)));
      await drive.close();
    },
  };
}

async function fakeDrive(): Promise<Accounts> {
  const dir = await mkdtemp(join(tmpdir(), "validator-drive-"));
  const owner = { email: "owner@example.com", password: "owner-password", nickname: "Owner" };
  const admin = { email: "admin@example.com", password: "admin-password", nickname: "Admin", admin: true };
  const drive = await openFakeCloudreve({ dir, port: 0, accounts: [owner, admin], viewers: [] });
  return {
    url: drive.url,
    ...owner,
    admin,
    close: async () => {
      await drive.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function realDrive(): Promise<Accounts> {
  const admin = { email: setting("CLOUDREVE_ADMIN_EMAIL"), password: setting("CLOUDREVE_ADMIN_PASSWORD") };
  return { ...(await realServer()), admin };
}

function viewer(id: string, editorUrl: string) {
  return {
    id,
    type: "wopi",
    display_name: "WOPI validator",
    exts: ["wopitest"],
    wopi_actions: { wopitest: { view: `${editorUrl}/view?`, edit: `${editorUrl}/edit?` } },
  };
}

const groupsSchema = z.array(z.looseObject({ viewers: z.array(z.looseObject({ id: z.string() })) }));
type Groups = z.infer<typeof groupsSchema>;

async function changeViewers(admin: DriveAccountClient, change: (groups: Groups) => Groups): Promise<void> {
  const shown = await admin.call("POST", "/admin/settings", { keys: ["file_viewers"] });
  const { file_viewers: text } = z.object({ file_viewers: z.string() }).parse(shown.data);
  const groups = change(groupsSchema.parse(JSON.parse(text)));
  const { code, msg } = await admin.call("PATCH", "/admin/settings", {
    settings: { file_viewers: JSON.stringify(groups) },
  });
  if (code !== 0) throw new Error(`the drive's viewers could not be changed: ${code} ${msg}`);
}
