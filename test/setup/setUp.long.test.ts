import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { adminPassword, bridgeUrl, type SetupStage, setupStage } from "./setupStage.ts";

let stage: SetupStage;
beforeEach(async () => {
  stage = await setupStage();
});
afterEach(() => stage.close());

const alice = ["alice@example.com", adminPassword];
const redirectUri = `${bridgeUrl}/signin/callback`;

interface Client {
  readonly id: number;
  readonly guid: string;
  readonly redirect_uris: readonly string[];
  readonly scopes: readonly string[];
  readonly is_enabled?: boolean;
}

async function clients(): Promise<readonly Client[]> {
  const { data } = await stage.admin.call("POST", "/admin/oauthClient", { page: 1, page_size: 50, searches: {} });
  return (data as { clients: Client[] }).clients;
}

async function viewersSetting(): Promise<string> {
  const { data } = await stage.admin.call("POST", "/admin/settings", { keys: ["file_viewers"] });
  return (data as { file_viewers: string }).file_viewers;
}

const whole = async () => JSON.stringify([await clients(), await viewersSetting()]);

function settingsIn(shown: string): { OAUTH_CLIENT_ID: string; OAUTH_CLIENT_SECRET: string } {
  const [, id = "", secret = ""] = /^OAUTH_CLIENT_ID=(.+)\nOAUTH_CLIENT_SECRET=(.+)$/m.exec(shown) ?? [];
  return { OAUTH_CLIENT_ID: id, OAUTH_CLIENT_SECRET: secret };
}

describe("setup, run by an administrator on a fresh Cloudreve", () => {
  it("registers the application, imports the editor and adds both file apps, and a second run changes nothing", async () => {
    const first = await stage.run(alice, { options: { yes: true } });
    expect(first.outcome).toBe("done");
    const settings = settingsIn(first.shown);
    expect(await clients()).toMatchObject([
      {
        guid: settings.OAUTH_CLIENT_ID,
        redirect_uris: [redirectUri],
        scopes: ["openid", "profile", "email", "offline_access", "Files.Read", "Files.Write"],
        is_enabled: true,
      },
    ]);
    expect(settings.OAUTH_CLIENT_SECRET.length).toBeGreaterThan(30);
    const setting = await viewersSetting();
    expect(setting).toContain(`${stage.editor.url}/`);
    expect(setting).toContain(`${bridgeUrl}/open?file_id={$id}`);
    expect(setting).toContain(`${bridgeUrl}/share?file_id={$id}`);
    expect(setting).toContain("fileManager.musicPlayer");

    const before = await whole();
    const second = await stage.run(alice, { settings, options: { yes: true } });
    expect(second.outcome).toBe("done");
    expect(second.shown).not.toContain("->");
    expect(await whole()).toBe(before);
  });

  it("asks before each change, and leaves what is declined", async () => {
    const before = await whole();
    const run = await stage.run([...alice, "n", "", "no", "n"]);
    expect(run.questions.filter((question) => question.endsWith("[y/N]"))).toHaveLength(2);
    expect(run.shown).toContain("Left as it is.");
    expect(await whole()).toBe(before);
  });

  it("shows neither password nor secret when it writes them into .env", async () => {
    const written: unknown[] = [];
    const run = await stage.run([...alice, "y", "y", "n"], {
      options: { writeSettings: async (settings) => void written.push(settings) },
    });
    const [client] = await clients();
    expect(written).toEqual([{ OAUTH_CLIENT_ID: client?.guid, OAUTH_CLIENT_SECRET: expect.any(String) }]);
    expect(run.shown).not.toContain(adminPassword);
    expect(run.shown).not.toContain("OAUTH_CLIENT_SECRET=");
  });

  it("prints them if .env can't be written, since Cloudreve shows the secret to nobody", async () => {
    const run = await stage.run(alice, {
      options: { yes: true, writeSettings: () => Promise.reject(new Error("EROFS: read-only file system")) },
    });
    expect(run.shown).toContain("EROFS");
    expect(settingsIn(run.shown).OAUTH_CLIENT_ID).toBe((await clients())[0]?.guid);
  });

  it("does not give an application a new secret on a second run, unless it is told to", async () => {
    await stage.run(alice, { options: { yes: true } });
    const before = await whole();
    const again = await stage.run(alice, { options: { yes: true } });
    expect(again.outcome).toBe("somethingByHand");
    expect(again.shown).toContain("--new-secret");
    expect(await whole()).toBe(before);
    const renewed = await stage.run(alice, { options: { yes: true, newSecret: true } });
    expect(settingsIn(renewed.shown).OAUTH_CLIENT_ID).toBe((await clients())[0]?.guid);
    expect(await clients()).toHaveLength(1);
  });

  it("brings an application up to date whose addresses are those of before", async () => {
    const settings = settingsIn((await stage.run(alice, { options: { yes: true } })).shown);
    const run = await stage.run(alice, {
      settings: { ...settings, BRIDGE_URL: "https://new.example.com" },
      options: { yes: true },
    });
    expect(run.shown).toContain("it lacks the redirect address https://new.example.com/signin/callback");
    expect((await clients())[0]?.redirect_uris).toEqual([redirectUri, "https://new.example.com/signin/callback"]);
    expect(run.shown).not.toContain("OAUTH_CLIENT_SECRET=");
  });

  it("asks for the code of the second factor, without showing it", async () => {
    const code = await stage.admin.turnOnSecondFactor(Date.now);
    const otp = code();
    const run = await stage.run([...alice, "000000", otp, "n", "n"]);
    expect(run.shown).toContain("Cloudreve refuses this code.");
    expect(run.shown).toContain("Left as it is.");
    expect(run.shown).not.toContain(otp);
  });

  it("ends for somebody who is no administrator, or whose password is wrong", async () => {
    await expect(stage.run(["bob@example.com", adminPassword])).rejects.toThrow("not an administrator");
    await expect(stage.run(["alice@example.com", "x", ...alice.slice(0, 1), "y", "a", "b"])).rejects.toThrow(
      "Not signed in",
    );
    await expect(stage.run(["alice@example.com"])).rejects.toThrow("Cancelled");
  });

  it("tells what it could not do, and does the rest", async () => {
    const discovery = `${stage.drive.url}/hosting/discovery`;
    const run = await stage.run(alice, { settings: { DISCOVERY_URLS: [discovery] }, options: { yes: true } });
    expect(run.outcome).toBe("somethingByHand");
    expect(run.shown).toContain(`Cloudreve can't read the editor's discovery at ${discovery}`);
    expect(run.shown).toContain("import the editor's viewers, then run setup again");
    expect(await clients()).toHaveLength(1);
  });

  it("says so when Cloudreve does not answer", async () => {
    await expect(stage.run(alice, { settings: { CLOUDREVE_URL: "http://127.0.0.1:1" } })).rejects.toThrow(
      "Cloudreve does not answer at CLOUDREVE_URL http://127.0.0.1:1",
    );
  });
});
