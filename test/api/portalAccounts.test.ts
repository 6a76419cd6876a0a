import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { driveAccount } from "../support/driveAccount.ts";
import { portalClient, problem } from "../support/portalClient.ts";
import { drivePassword, portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { collabora, sessionSchema, wopiClient } from "../support/wopiClient.ts";

describe("the account behind a portal's session", () => {
  let bridge: TestBridge;
  const portal = portalClient(() => bridge);
  beforeAll(async () => {
    bridge = await testBridge();
  });
  afterAll(() => bridge.close());

  describe("the drive's account", () => {
    it("is the configured one, or the user's own when his token comes along", async () => {
      const { uri } = await portal.newFile();
      await bridge.bob.put("bobs.docx", "bob's");
      const bobs = await portal.session(
        { uri: "cloudreve://my/bobs.docx" },
        { "X-Cloudreve-Token": bridge.bob.accessToken },
      );
      expect((await wopiClient(bobs).get()).text).toBe("bob's");
      const info = (await wopiClient(bobs).check()).json();
      expect(info).toMatchObject({ UserFriendlyName: "Bob", UserId: info["OwnerId"] });
      await portal.refused({ uri, action: "edit" }, 404, { "X-Cloudreve-Token": bridge.bob.accessToken });
    });

    it("is never the configured one for somebody whose token is missing, empty or no good", async () => {
      const { uri } = await portal.newFile();
      const body = { uri, action: "edit" };
      for (const token of ["", "garbage", `${bridge.bob.accessToken}x`, bridge.bob.refreshToken]) {
        expect((await portal.refused(body, 401, { "X-Cloudreve-Token": token })).code).toBe("signInNeeded");
      }
      const refreshAlone = await bridge.postSession(body, { "X-Cloudreve-Refresh-Token": bridge.bob.refreshToken });
      expect([401, 422]).toContain(refreshAlone.status);
    });

    it("shows in no answer and no line of the log", async () => {
      await bridge.bob.put("quiet.docx", "x");
      const tokens = {
        "X-Cloudreve-Token": bridge.bob.accessToken,
        "X-Cloudreve-Refresh-Token": bridge.bob.refreshToken,
      };
      const opened = await portal.session({ uri: "cloudreve://my/quiet.docx" }, tokens);
      const text = JSON.stringify([opened, bridge.logLines]);
      for (const secret of [...Object.values(tokens), drivePassword, portalKey]) expect(text).not.toContain(secret);
    });
  });
});

describe("a portal's access token that comes alone", () => {
  it("opens a session that outlives it: reads, locks, saves and ends as before", async () => {
    const bridge = await testBridge({ settings: { CLOUDREVE_EMAIL: "", CLOUDREVE_PASSWORD: "" } });
    await bridge.bob.put("a.docx", "before");
    const answered = await bridge.postSession(
      { uri: "cloudreve://my/a.docx", action: "edit" },
      { "X-Cloudreve-Token": bridge.bob.accessToken },
    );
    expect(answered.status).toBe(201);
    const opened = sessionSchema.parse(await answered.json());
    const client = wopiClient(opened);
    const before = (await client.check()).json();
    await client.get();
    bridge.clock.advance(2 * 3_600_000);

    expect((await client.check()).json()).toEqual(before);
    expect((await client.get()).text).toBe("before");
    expect((await client.lock("A")).status).toBe(200);
    const saved = await client.put("after", "A", collabora({ timestamp: String(before["LastModifiedTime"]) }));
    expect(saved.status).toBe(200);
    expect((await client.check()).json()).toMatchObject({
      Version: saved.header("x-wopi-itemversion"),
      LastModifiedTime: saved.json()["LastModifiedTime"],
      Size: 5,
    });
    expect((await client.get()).text).toBe("after");
    expect((await client.refresh("A")).status).toBe(200);
    expect((await client.unlock("A")).status).toBe(200);
    expect((await client.put("late", "A")).status).toBe(200);
    const bob = await driveAccount(bridge.drive.url, "bob@example.com", drivePassword);
    expect(await bob.read("a.docx")).toBe("late");
    expect(await bob.put("a.docx", "theirs")).toBe(0);
    // Whether "theirs" is this file's can't be asked any more.
    expect((await client.put("later", "A")).status).toBe(503);
    expect(await bob.read("a.docx")).toBe("theirs");

    const again = await bridge.postSession(
      { uri: "cloudreve://my/a.docx", action: "edit" },
      { "X-Cloudreve-Token": bridge.bob.accessToken },
    );
    expect(again.status).toBe(401);
    await bridge.close();
  });

  it("promises no more time than the drive gives it", async () => {
    const bridge = await testBridge({ drive: { settings: { viewerSessionTimeoutSeconds: 7200 } } });
    await bridge.bob.put("a.docx", "text");
    const body = { uri: "cloudreve://my/a.docx", action: "edit" };
    const alone = await bridge.postSession(body, { "X-Cloudreve-Token": bridge.bob.accessToken });
    const { access_token_ttl: endsAtMs } = sessionSchema.parse(await alone.json());
    expect(endsAtMs).toBeLessThanOrEqual(bridge.clock.now() + 7_200_000);
    expect(endsAtMs).toBeGreaterThan(bridge.clock.now() + 7_000_000);
    await bridge.close();
  });

  it("with a refresh token goes on in full after its end", async () => {
    const bridge = await testBridge({
      settings: { CLOUDREVE_EMAIL: "", CLOUDREVE_PASSWORD: "" },
      drive: { settings: { viewerSessionTimeoutSeconds: 3600 } },
    });
    await bridge.bob.put("a.docx", "text");
    const tokens = {
      "X-Cloudreve-Token": bridge.bob.accessToken,
      "X-Cloudreve-Refresh-Token": bridge.bob.refreshToken,
    };
    const body = { uri: "cloudreve://my/a.docx", action: "edit" };
    const client = wopiClient(sessionSchema.parse(await (await bridge.postSession(body, tokens)).json()));
    await client.get();
    // Token and session of the drive have both ended; both are had anew.
    bridge.clock.advance(3 * 3_600_000);
    expect((await client.get()).text).toBe("text");
    expect((await client.lock("A")).status).toBe(200);
    expect((await client.put("after", "A")).status).toBe(200);
    // The same pair still opens sessions: only the access token in it is old.
    expect((await bridge.postSession(body, tokens)).status).toBe(201);
    await bridge.close();
  });

  it("is needed where no account is configured", async () => {
    const bridge = await testBridge({ settings: { CLOUDREVE_EMAIL: "", CLOUDREVE_PASSWORD: "" } });
    const answered = await bridge.postSession({ uri: "cloudreve://my/a.docx", action: "edit" });
    expect(answered.status).toBe(401);
    expect((await problem(answered)).code).toBe("signInNeeded");
    await bridge.close();
  });
});
