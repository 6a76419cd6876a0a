import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DriveUnderTest, type Native } from "./fakeCloudreveClient.ts";

const minuteMs = 60_000;
let drive: DriveUnderTest;
let editor: Native;

beforeEach(async () => {
  drive = await new DriveUnderTest().open();
  await drive.put("/a.docx", "text");
  editor = await drive.openSession("/a.docx");
});

afterEach(() => drive.close());

describe("a viewer lock", () => {
  it("ends thirty minutes after the last refresh", async () => {
    await editor.lock("LOCK", "L1");
    drive.nowMs += 29 * minuteMs;
    expect(await editor.lock("REFRESH_LOCK", "L1")).toEqual([200, "L1"]);
    drive.nowMs += 29 * minuteMs;
    expect(await editor.lock("LOCK", "L2")).toEqual([409, "L1"]);
    drive.nowMs += minuteMs;
    expect(await editor.lock("LOCK", "L2")).toEqual([200, "L2"]);
  });

  it("is not renewed by a save under it", async () => {
    await editor.lock("LOCK", "L1");
    drive.nowMs += 20 * minuteMs;
    expect(await editor.putFile("saved", "L1")).toBe(200);
    drive.nowMs += 10 * minuteMs;
    expect(await editor.lock("REFRESH_LOCK", "L1")).toEqual([409, null]);
  });

  it("frees the first of two files with an equal lock string only after its own thirty minutes", async () => {
    await drive.put("/b.docx", "text");
    const other = await drive.openSession("/b.docx");
    await editor.lock("LOCK", "SAME");
    drive.nowMs += 10 * minuteMs;
    await other.lock("LOCK", "SAME");
    drive.nowMs += 19 * minuteMs;
    expect(await editor.lock("LOCK", "SAME")).toEqual([409, "SAME"]);
    drive.nowMs += minuteMs;
    expect(await editor.lock("LOCK", "fresh")).toEqual([200, "fresh"]);
    // The end of the first lock took the token of the second with it.
    expect(await other.lock("REFRESH_LOCK", "SAME")).toEqual([409, null]);
  });

  it("is removed by a force unlock that names it twice, which then answers 500", async () => {
    await editor.lock("LOCK", "L1");
    const response = await fetch(`${drive.fake.url}/api/v4/file/lock`, {
      method: "DELETE",
      body: JSON.stringify({ tokens: ["L1", "L1"] }),
    });
    expect([response.status, await response.text()]).toEqual([500, ""]);
    expect(await editor.lock("REFRESH_LOCK", "L1")).toEqual([409, null]);
  });

  it("is forgotten by a restart while the editor's session lives on", async () => {
    await editor.lock("LOCK", "L1");
    await drive.restart();
    expect((await editor.check()).status).toBe(200);
    expect(await editor.lock("REFRESH_LOCK", "L1")).toEqual([409, null]);
    expect(await editor.putFile("saved after all", "L1")).toBe(200);
  });

  it("is named, and nothing is changed, by asking for a version that no file has", async () => {
    const none = (await drive.list()).parent.primary_entity;
    const ask = () =>
      drive.call<{ token: string }[]>("POST", "/file/version/current", { uri: "cloudreve://my/a.docx", version: none });
    const before = (await drive.info("/a.docx")).data;
    expect((await ask()).code).toBe(40077);
    await editor.lock("LOCK", "L1");
    expect(await ask()).toMatchObject({ code: 40073, data: [{ token: "L1" }] });
    expect((await drive.info("/a.docx")).data).toEqual(before);
    // A file that was never written has that very version.
    await drive.call("POST", "/file/create", { uri: "cloudreve://my/new.docx", type: "file" });
    const body = { uri: "cloudreve://my/new.docx", version: none };
    expect((await drive.call("POST", "/file/version/current", body)).code).toBe(0);
  });

  it("is seen before a stale previous version and before a full account", async () => {
    await editor.lock("LOCK", "L1");
    expect((await drive.put("/a.docx", "x", "garbage")).code).toBe(40073);
  });

  it("meets the lock of another program and names its token", async () => {
    const token = drive.fake.plantLock("alice@example.com", "/a.docx", { type: "upload" });
    expect(await editor.lock("LOCK", "L1")).toEqual([409, token]);
    expect((await drive.put("/a.docx", "x")).code).toBe(40073);
    drive.fake.forgetLocks();
    expect((await drive.put("/a.docx", "x")).code).toBe(0);
  });
});

describe("a viewer session", () => {
  it("lives ten hours and says it ends ten seconds earlier", async () => {
    expect(editor.session.expires).toBe(drive.nowMs + 36_000_000 - 10_000);
    drive.nowMs += 35_999_000;
    expect((await editor.check()).status).toBe(200);
    drive.nowMs += 1000;
    expect((await editor.check()).status).toBe(403);
  });

  it("dies with the name of its file, and writes into whatever takes the name", async () => {
    await drive.call("POST", "/file/rename", { uri: "cloudreve://my/a.docx", new_name: "b.docx" });
    expect((await editor.check()).status).toBe(500);
    await drive.put("/a.docx", "impostor");
    expect(await editor.putFile("for the other one")).toBe(200);
    expect(await drive.read("/a.docx")).toBe("for the other one");
    expect(await drive.read("/b.docx")).toBe("text");
  });
});

describe("a viewer session of one version", () => {
  it("stays with its version when others save, and ends with it", async () => {
    const { primary_entity: version } = (await drive.info("/a.docx")).data;
    const pinned = await drive.openSession("/a.docx", version);
    await drive.put("/a.docx", "newer text");
    expect(await (await pinned.check()).json()).toMatchObject({ Version: version, Size: 4, ReadOnly: true });
    await drive.call("DELETE", "/file/version", { uri: "cloudreve://my/a.docx", version });
    const check = await pinned.check();
    expect([check.status, check.headers.get("X-WOPI-ServerError")]).toEqual([500, "version not found"]);
  });
});

describe("tokens", () => {
  it("make an expired caller silently anonymous", async () => {
    drive.nowMs += 3_600_000;
    expect((await drive.call("GET", "/user/me")).code).toBe(401);
  });

  it("can be refreshed with the same refresh token again and again, until the sign-out, over a restart", async () => {
    const { refresh_token } = await drive.signIn();
    for (let round = 0; round < 3; round++) {
      expect((await drive.call("POST", "/session/token/refresh", { refresh_token })).code).toBe(0);
    }
    await drive.call("DELETE", "/session/token", { refresh_token });
    await drive.restart();
    expect((await drive.call("POST", "/session/token/refresh", { refresh_token })).code).toBe(40020);
  });

  it("are not given out by password while a captcha is asked for", async () => {
    drive.fake.settings.loginCaptcha = true;
    const body = { email: "alice@example.com", password: "sandbox-password" };
    expect((await drive.call("POST", "/session/token", body)).code).toBe(40026);
  });

  it("that refresh stop working when the password changes", async () => {
    const { refresh_token } = await drive.signIn();
    const { accounts } = drive.options();
    await drive.restart({ accounts: accounts.map((account) => ({ ...account, password: "changed-password" })) });
    expect((await drive.call("POST", "/session/token/refresh", { refresh_token })).code).toBe(40020);
  });
});
