import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Failure } from "../../src/model/failure.ts";
import { put } from "../../src/model/keyValueStore.ts";
import { driveAccount } from "../support/driveAccount.ts";
import {
  alice,
  answer,
  application,
  type Connection,
  failureOf,
  hourMs,
  openSignInStage,
  refreshPath,
  type SignInStage,
  scopes,
} from "./signInStage.ts";

const refused = { code: 40020, msg: "Failed to issue token pair" };

let stage: SignInStage;
let bridge: Connection;
beforeEach(async () => {
  stage = await openSignInStage();
  bridge = stage.connect();
});
afterEach(() => stage.close());

/** The drive refuses to renew anything from now on. */
function refuseRefresh(): void {
  stage.proxy.intercept = (request, response) =>
    request.url === `/api/v4${refreshPath}` ? answer(response, refused) : false;
}

describe("the account of somebody who signed in", () => {
  it("is found by its name, and renews itself", async () => {
    const account = await stage.signedIn(bridge);
    expect(account).toMatchObject({ account: `person:${account.userId}`, userName: "Alice", endsAtMs: undefined });
    stage.clock.advance(2 * hourMs);
    expect(await bridge.drive.accountNamed(account.account)).toEqual(account);
    expect(stage.calls(refreshPath)).toBe(1);
  });

  it("is found by another bridge on the same store", async () => {
    const account = await stage.signedIn(bridge);
    expect(await stage.connect().drive.accountNamed(account.account)).toEqual(account);
  });

  it("is needed: a name that nobody signed in under is no account", async () => {
    expect(await failureOf(bridge.drive.accountNamed("person:none"))).toEqual({ kind: "signInNeeded" });
    expect(await failureOf(bridge.drive.keepAlive("person:none"))).toEqual({ kind: "signInNeeded" });
    expect(stage.calls()).toBe(0);
  });

  it("leaves no token in the store that could be read", async () => {
    const account = await stage.signedIn(bridge);
    const token = await bridge.credentials.accessToken(account.account);
    const texts: string[] = [];
    for await (const [key, value] of stage.store.list("")) texts.push(key, value);
    expect(texts.join("\n")).toContain("credential:person:");
    expect(texts.join("\n")).not.toContain(token);
    expect(texts.join("\n")).not.toContain(token.split(".")[1]);
  });
});

describe("an account whose token another bridge has just replaced, so that the drive refuses the one before", () => {
  const replaced = async () => {
    const { account } = await stage.signedIn(bridge);
    await bridge.drive.list(account);
    const before = await bridge.credentials.accessToken(account);
    // The drive's tokens differ from second to second.
    stage.clock.advance(1_000);
    await stage.signedIn(stage.connect());
    stage.proxy.intercept = (request, response) =>
      request.headers.authorization === `Bearer ${before}`
        ? answer(response, { code: 401, msg: "Login required" })
        : false;
    return account;
  };

  it("goes on at once with the new one", async () => {
    expect((await bridge.drive.list(await replaced())).entries).toEqual([]);
    expect(stage.calls(refreshPath)).toBe(0);
  });

  it("asks the drive with the old one no second time", async () => {
    const account = await replaced();
    await bridge.drive.list(account);
    const lists = stage.calls("/file");
    await bridge.drive.list(account);
    expect(stage.calls("/file")).toBe(lists + 1);
  });
});

describe("the account of the configuration", () => {
  it("is found by its name too, without an end", async () => {
    const { drive } = stage.connect({ login: alice });
    const account = await drive.account(undefined);
    expect(await drive.accountNamed(account.account)).toEqual(account);
    expect(account.endsAtMs).toBeUndefined();
  });

  it("signs in anew when its refresh is refused, as often as that happens", async () => {
    const { drive } = stage.connect({ login: alice });
    const account = await drive.account(undefined);
    refuseRefresh();
    for (const times of [2, 3]) {
      stage.clock.advance(2 * hourMs);
      expect(await drive.accountNamed(account.account)).toEqual(account);
      expect(stage.calls("/session/token") - stage.calls(refreshPath)).toBe(times);
    }
  });
});

describe("the account of the configuration, after its refresh was refused to a bridge without its password", () => {
  it("still signs in anew", async () => {
    const { drive } = stage.connect({ login: alice });
    const account = await drive.account(undefined);
    refuseRefresh();
    stage.clock.advance(24 * hourMs);
    expect(await failureOf(bridge.drive.keepAlive(account.account))).toEqual({ kind: "signInNeeded" });
    await drive.keepAlive(account.account);
    expect(await drive.accountNamed(account.account)).toEqual(account);
    expect((await drive.list(account.account)).entries).toEqual([]);
  });
});

describe("an account handed on by a portal", () => {
  it("is found by its name until its access token ends, when it has no other", async () => {
    const { accessToken } = await stage.outside();
    const account = await bridge.drive.account({ accessToken });
    expect(await bridge.drive.accountNamed(account.account)).toEqual(account);
    expect(account.endsAtMs).toBeGreaterThan(stage.clock.now());
    await bridge.drive.keepAlive(account.account);
    stage.clock.advance(2 * hourMs);
    expect(await failureOf(bridge.drive.accountNamed(account.account))).toEqual({ kind: "signInNeeded" });
    expect(await failureOf(bridge.drive.keepAlive(account.account))).toEqual({ kind: "signInNeeded" });
    expect(stage.calls(refreshPath)).toBe(0);
  });

  it("is found by its name beyond that with a refresh token", async () => {
    const { accessToken, refreshToken } = await stage.outside();
    const account = await bridge.drive.account({ accessToken, refreshToken });
    stage.clock.advance(2 * hourMs);
    expect(await bridge.drive.accountNamed(account.account)).toEqual(account);
  });
});

describe("a refresh token handed on by a portal", () => {
  const field = "X-Cloudreve-Refresh-Token";
  const bob = () => driveAccount(stage.fake.url, "bob@example.com", "bob-password");
  const handOver = (accessToken: string, refreshToken: string) => bridge.drive.account({ accessToken, refreshToken });
  const fieldsOf = (failure: Failure | undefined) =>
    failure?.kind === "requestInvalid" ? failure.issues.map((issue) => issue.field) : failure;

  it("is tried, once in the hour, and stays good for whoever handed it on", async () => {
    const outside = await stage.outside();
    const account = await handOver(outside.accessToken, outside.refreshToken);
    expect(stage.calls(refreshPath)).toBe(1);
    expect(await handOver(outside.accessToken, outside.refreshToken)).toEqual(account);
    expect(stage.calls(refreshPath)).toBe(1);
    stage.clock.advance(hourMs);
    expect(await handOver(outside.accessToken, outside.refreshToken)).toEqual(account);
    expect(stage.calls(refreshPath)).toBe(2);
    await outside.call("POST", "/session/token/refresh", { refresh_token: outside.refreshToken });
  });

  it.each(["while the access token lives", "when the access token is over"])(
    "is refused by its name when it is no good, %s",
    async (when) => {
      const [mine, others] = [await stage.outside(), await bob()];
      const signedOut = await stage.outside();
      await signedOut.call("DELETE", "/session/token", { refresh_token: signedOut.refreshToken });
      if (when === "when the access token is over") stage.clock.advance(2 * hourMs);
      const wrong = ["garbage", mine.accessToken, `${mine.refreshToken}x`, others.refreshToken, signedOut.refreshToken];
      for (const token of wrong) {
        expect(fieldsOf(await failureOf(handOver(mine.accessToken, token)))).toEqual([field]);
      }
      expect((await handOver(mine.accessToken, mine.refreshToken)).endsAtMs).toBeUndefined();
    },
  );

  it("of an account that has been tried before serves nobody else's access token", async () => {
    const [mine, others] = [await stage.outside(), await bob()];
    await handOver(mine.accessToken, mine.refreshToken);
    expect(fieldsOf(await failureOf(handOver(others.accessToken, mine.refreshToken)))).toEqual([field]);
  });

  it("that was tried an hour ago and has ended since is refused again", async () => {
    const outside = await stage.outside();
    stage.fake.settings.accessTokenTtlSeconds = 100 * 3600;
    const { accessToken } = await stage.outside();
    await handOver(accessToken, outside.refreshToken);
    await outside.call("DELETE", "/session/token", { refresh_token: outside.refreshToken });
    stage.clock.advance(100 * hourMs - 30_000);
    expect(fieldsOf(await failureOf(handOver(accessToken, outside.refreshToken)))).toEqual([field]);
  });

  it("is not called wrong when the drive can't look, and an access token that is none is what is refused", async () => {
    const { accessToken, refreshToken } = await stage.outside();
    expect(await failureOf(handOver(`${accessToken}x`, refreshToken))).toEqual({ kind: "signInNeeded" });
    stage.proxy.intercept = (request, response) =>
      /token\/refresh|\/user\/info\//.test(request.url ?? "") ? answer(response, refused) : false;
    expect(await failureOf(handOver(accessToken, refreshToken))).toEqual({ kind: "driveUnreachable" });
  });
});

describe("a renewal", () => {
  it("is made once when two bridges on one store need it at the same time", async () => {
    const { account } = await stage.signedIn(bridge);
    const other = stage.connect();
    stage.clock.advance(2 * hourMs);
    const bridges = [bridge, other, bridge, other];
    const tokens = await Promise.all(bridges.map(({ credentials }) => credentials.accessToken(account)));
    expect(new Set(tokens).size).toBe(1);
    expect(stage.calls(refreshPath)).toBe(1);
  });

  it("is made once when two bridges keep an account alive at the same time", async () => {
    const { account } = await stage.signedIn(bridge);
    const other = stage.connect();
    stage.clock.advance(24 * hourMs);
    await Promise.all([bridge.drive.keepAlive(account), other.drive.keepAlive(account)]);
    expect(stage.calls(refreshPath)).toBe(1);
  });

  it("is made when the drive refuses a token during a call, and the call is made once more", async () => {
    const { account } = await stage.signedIn(bridge);
    let refusals = 0;
    stage.proxy.intercept = (request, response) => {
      if (!request.url?.startsWith("/api/v4/file?") || refusals > 0) return false;
      refusals += 1;
      return answer(response, { code: 401, msg: "Login required" });
    };
    stage.clock.advance(1_000);
    expect((await bridge.drive.list(account)).entries).toEqual([]);
    expect(stage.calls(refreshPath)).toBe(1);
  });
});

describe("keeping an account alive", () => {
  it("leaves it alone for a day, then renews it although its access token is good", async () => {
    stage.fake.settings.accessTokenTtlSeconds = 100 * 3600;
    const { account } = await stage.signedIn(bridge);
    stage.clock.advance(24 * hourMs - 1);
    await bridge.drive.keepAlive(account);
    expect(stage.calls(refreshPath)).toBe(0);
    stage.clock.advance(1);
    await bridge.drive.keepAlive(account);
    await bridge.drive.keepAlive(account);
    expect(stage.calls(refreshPath)).toBe(1);
  });

  it("carries it over many days, far beyond the life of one refresh token", async () => {
    const { account } = await stage.signedIn(bridge);
    for (let day = 0; day < 40; day += 1) {
      stage.clock.advance(24 * hourMs);
      await bridge.drive.keepAlive(account);
    }
    expect((await bridge.drive.list(account)).entries).toEqual([]);
  });

  it("renews a credential that an earlier bridge kept without a word about when", async () => {
    const { accessToken, refreshToken } = await stage.outside();
    const old = {
      userId: "u1",
      userName: "Alice",
      accessToken,
      accessEndsAtMs: stage.clock.now() + hourMs,
      refreshToken,
    };
    await put(stage.store, "credential:person:u1", await stage.encryption.encrypt(JSON.stringify(old)));
    await bridge.drive.keepAlive("person:u1");
    await bridge.drive.keepAlive("person:u1");
    expect(stage.calls(refreshPath)).toBe(1);
  });
});

describe("a sign-in that the drive has ended", () => {
  it("is remembered: the drive is asked no more, by no bridge, although an access token may live on", async () => {
    stage.fake.settings.accessTokenTtlSeconds = 100 * 3600;
    const { account } = await stage.signedIn(bridge);
    await (await stage.outside()).call("DELETE", "/session/token", { refresh_token: await refreshTokenOf(account) });
    stage.clock.advance(24 * hourMs);
    expect(await failureOf(bridge.drive.keepAlive(account))).toEqual({ kind: "signInNeeded" });
    const asked = stage.calls();
    for (const { drive, credentials } of [bridge, stage.connect()]) {
      expect(await failureOf(drive.accountNamed(account))).toEqual({ kind: "signInNeeded" });
      expect(await failureOf(drive.keepAlive(account))).toEqual({ kind: "signInNeeded" });
      expect(await failureOf(drive.list(account))).toEqual({ kind: "signInNeeded" });
      expect(await failureOf(credentials.accessToken(account))).toEqual({ kind: "signInNeeded" });
    }
    expect(stage.calls()).toBe(asked);
  });

  it("comes back to life, under the same name, when the person signs in again", async () => {
    const { account } = await stage.signedIn(bridge);
    refuseRefresh();
    stage.clock.advance(24 * hourMs);
    await failureOf(bridge.drive.keepAlive(account));
    stage.proxy.intercept = undefined;
    expect((await stage.signedIn(stage.connect())).account).toBe(account);
    expect((await bridge.drive.list(account)).entries).toEqual([]);
  });

  it("does not take a sign-in with it that was made while the drive refused the old one", async () => {
    const { account } = await stage.signedIn(bridge);
    const other = stage.connect();
    stage.clock.advance(24 * hourMs);
    stage.proxy.intercept = async (request, response) => {
      if (request.url !== `/api/v4${refreshPath}`) return false;
      stage.proxy.intercept = undefined;
      await stage.signedIn(other);
      return answer(response, refused);
    };
    await bridge.drive.keepAlive(account).catch(() => undefined);
    expect((await bridge.drive.list(account)).entries).toEqual([]);
  });

  it("is not believed of a drive that can't be reached", async () => {
    const { account } = await stage.signedIn(bridge);
    stage.clock.advance(24 * hourMs);
    stage.proxy.intercept = (request) => {
      request.socket.destroy();
      return true;
    };
    expect(await failureOf(bridge.drive.keepAlive(account))).toEqual({ kind: "driveUnreachable" });
    expect(await failureOf(bridge.drive.accountNamed(account))).toEqual({ kind: "driveUnreachable" });
    stage.proxy.intercept = undefined;
    await bridge.drive.keepAlive(account);
    expect((await bridge.drive.list(account)).entries).toEqual([]);
  });

  it("is not believed of a drive that falls over right after", async () => {
    const { account } = await stage.signedIn(bridge);
    stage.clock.advance(24 * hourMs);
    stage.proxy.intercept = (request, response) =>
      request.url === `/api/v4${refreshPath}` ? answer(response, refused) : answer(response, "", 500);
    expect((await failureOf(bridge.drive.keepAlive(account))).kind).toBe("driveFailed");
    stage.proxy.intercept = undefined;
    expect((await bridge.drive.list(account)).entries).toEqual([]);
  });

  it("is not believed of a drive that refuses everybody, since its database is down", async () => {
    const { account } = await stage.signedIn(bridge);
    stage.clock.advance(24 * hourMs);
    stage.proxy.intercept = (request, response) =>
      answer(response, request.url === `/api/v4${refreshPath}` ? refused : { code: -1, msg: "" });
    expect(await failureOf(bridge.drive.keepAlive(account))).toEqual({ kind: "signInNeeded" });
    stage.proxy.intercept = undefined;
    await bridge.drive.keepAlive(account);
    expect((await bridge.drive.list(account)).entries).toEqual([]);
  });
});

async function refreshTokenOf(account: string): Promise<string> {
  const encrypted = (await stage.store.get(`credential:${account}`)) ?? "";
  return (JSON.parse((await stage.encryption.decrypt(encrypted)) ?? "{}") as { refreshToken: string }).refreshToken;
}

describe("the account that acts for what outlives an app's token", () => {
  /** The account behind a token alone, as an app hands it over. */
  const ofToken = (accessToken: string) => bridge.drive.account({ accessToken });

  /** A token that Alice has allowed an app to have, for these scopes. */
  async function appToken(scope: string): Promise<string> {
    const { clientId, clientSecret, redirectUri } = application;
    const verifier = "v".repeat(43);
    const challenge = createHash("sha256").update(verifier).digest("base64url");
    const { data } = await (await stage.outside()).call("POST", "/session/oauth/consent", {
      ...{ client_id: clientId, response_type: "code", redirect_uri: redirectUri, state: "s", scope },
      ...{ code_challenge: challenge, code_challenge_method: "S256" },
    });
    const answered = await fetch(`${stage.fake.url}/api/v4/session/oauth/token`, {
      method: "POST",
      body: new URLSearchParams({
        ...{ client_id: clientId, client_secret: clientSecret, grant_type: "authorization_code" },
        ...{ code: (data as { code: string }).code, code_verifier: verifier },
      }),
    });
    return ((await answered.json()) as { access_token: string }).access_token;
  }

  it("is the same one if it renews itself", async () => {
    const account = await stage.signedIn(bridge);
    expect(await bridge.drive.lastingAccount(account.account)).toEqual(account);
  });

  it("is the person's own sign-in here, for an app that may do everything or make shares", async () => {
    const own = await stage.signedIn(bridge);
    for (const token of [(await stage.outside()).accessToken, await appToken(`${scopes} Shares.Write`)]) {
      const brief = await ofToken(token);
      expect(brief.endsAtMs).toBeDefined();
      expect(await bridge.drive.lastingAccount(brief.account)).toEqual(own);
    }
  });

  it.each([scopes, `${scopes} Shares.Read`])(
    "is none for an app that could make no share itself: %s",
    async (scope) => {
      await stage.signedIn(bridge);
      const { account } = await ofToken(await appToken(scope));
      expect(await failureOf(bridge.drive.lastingAccount(account))).toEqual({ kind: "signInNeeded" });
    },
  );

  it("is none for a person who has not signed in here, and never another's", async () => {
    const bob = await driveAccount(stage.fake.url, "bob@example.com", "bob-password");
    await stage.signedIn(bridge);
    const { account } = await ofToken(bob.accessToken);
    expect(await failureOf(bridge.drive.lastingAccount(account))).toEqual({ kind: "signInNeeded" });
  });
});
