import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DemoEditor, openDemoEditor } from "../../src/sandbox/demoEditor/demoEditor.ts";
import { runSetup } from "../setup/setupStage.ts";
import { type DriveAccountClient, driveAccount } from "../support/driveAccount.ts";
import { realServer, setting } from "./realServer.ts";

const administrator = process.env["CLOUDREVE_ADMIN_EMAIL"];

interface Group {
  readonly viewers?: readonly { readonly url?: string; readonly wopi_actions?: unknown }[];
}

/** Needs an administrator; all that it adds to the dashboard is removed again. */
describe.runIf(administrator !== undefined)("setup, on a real Cloudreve", () => {
  // Nobody else's, so that what is removed afterwards is ours.
  const bridgeUrl = `https://${randomUUID()}.example.com`;
  let editor: DemoEditor;
  let admin: DriveAccountClient;
  let url: string;
  beforeAll(async () => {
    editor = await openDemoEditor({ port: 0 });
    ({ url } = await realServer());
    admin = await driveAccount(url, setting("CLOUDREVE_ADMIN_EMAIL"), setting("CLOUDREVE_ADMIN_PASSWORD"));
  });
  afterAll(async () => {
    const isOurs = (part: unknown) => [bridgeUrl, editor.url].some((ours) => JSON.stringify(part).includes(ours));
    const groups = (await viewerGroups()).filter((group) => !isOurs(group));
    await admin.call("PATCH", "/admin/settings", { settings: { file_viewers: JSON.stringify(groups) } });
    for (const client of (await clients()).filter(isOurs))
      await admin.call("DELETE", `/admin/oauthClient/${client.id}`);
    await editor.kill();
  });

  async function viewerGroups(): Promise<readonly Group[]> {
    const { data } = await admin.call("POST", "/admin/settings", { keys: ["file_viewers"] });
    return JSON.parse((data as { file_viewers: string }).file_viewers) as Group[];
  }

  async function clients(): Promise<readonly { id: number; guid: string; updated_at: string }[]> {
    const { data } = await admin.call("POST", "/admin/oauthClient", { page: 1, page_size: 100 });
    return (data as { clients: { id: number; guid: string; updated_at: string }[] }).clients;
  }

  const config = (client?: { readonly id: string; readonly secret: string }) => ({
    BRIDGE_URL: bridgeUrl,
    CLOUDREVE_URL: url,
    DISCOVERY_URLS: [editor.discoveryUrl],
    OAUTH_CLIENT_ID: client?.id,
    OAUTH_CLIENT_SECRET: client?.secret,
  });
  const signIn = () => [setting("CLOUDREVE_ADMIN_EMAIL"), setting("CLOUDREVE_ADMIN_PASSWORD")];

  it("does what the README asks for, and changes nothing the second time", async () => {
    const groupsBefore = await viewerGroups();
    const first = await runSetup(config(), signIn(), { yes: true });
    expect(first.outcome).toBe("done");
    const [, id = "", secret = ""] = /^OAUTH_CLIENT_ID=(.+)\nOAUTH_CLIENT_SECRET=(.+)$/m.exec(first.shown) ?? [];
    const groups = await viewerGroups();
    expect(groups.slice(0, groupsBefore.length)).toEqual(groupsBefore);
    expect(JSON.stringify(groups)).toContain(`${bridgeUrl}/open?file_id={$id}`);

    const before = JSON.stringify([await clients(), groups]);
    const second = await runSetup(config({ id, secret }), signIn(), { yes: true });
    expect(second.outcome).toBe("done");
    expect(second.shown).not.toContain("->");
    expect(JSON.stringify([await clients(), await viewerGroups()])).toBe(before);
  });
});
