import { createHash } from "node:crypto";
import { decodeJwt } from "jose";
import { z } from "zod";
import type { DriveAccount, DriveTokens } from "../model/drive.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import { type Clock, type KeyValueStore, put } from "../model/keyValueStore.ts";
import type { CloudreveClient } from "./client.ts";
import type { Seal } from "./seal.ts";

/** Renewed this long before the end, so that no call leaves with a token that dies on the way. */
const renewBeforeMs = 60_000;

const tokenPairSchema = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  access_expires: z.string(),
  refresh_expires: z.string(),
});
const signInSchema = z.object({ user: z.object({ id: z.string(), nickname: z.string() }), token: tokenPairSchema });
const userSchema = z.object({ id: z.string(), nickname: z.string() });

const credentialSchema = z.object({
  userId: z.string(),
  userName: z.string(),
  accessToken: z.string(),
  accessEndsAtMs: z.number(),
  refreshToken: z.string().optional(),
});
type Credential = z.infer<typeof credentialSchema>;

export interface DriveLogin {
  readonly email: string;
  readonly password: string;
}

/**
 * The accounts that act in Cloudreve, sealed in the store: signed in with a password, or handed on by a portal.
 * An expired access token is silently anonymous at Cloudreve, so its end is watched here.
 */
export class Credentials {
  readonly #store: KeyValueStore;
  readonly #seal: Seal;
  readonly #client: CloudreveClient;
  readonly #now: Clock;
  readonly #login: DriveLogin | undefined;
  readonly #renewing = new Map<string, Promise<Credential>>();

  constructor(store: KeyValueStore, seal: Seal, client: CloudreveClient, now: Clock, login: DriveLogin | undefined) {
    this.#store = store;
    this.#seal = seal;
    this.#client = client;
    this.#now = now;
    this.#login = login;
  }

  /** @throws signInNeeded when the tokens are refused, or no account is configured */
  async account(tokens: DriveTokens | undefined): Promise<DriveAccount> {
    if (tokens === undefined) {
      if (this.#login === undefined) throw new BridgeError({ kind: "signInNeeded" });
      const account = loginAccount(this.#login);
      const credential = await this.#current(account);
      return { account, userId: credential.userId, userName: credential.userName, endsAtMs: undefined };
    }
    return this.#adopt(tokens);
  }

  /** @returns a token that lives for a while yet @throws signInNeeded when there is none any more */
  async accessToken(account: string): Promise<string> {
    return (await this.#current(account)).accessToken;
  }

  /** Works with a token; when Cloudreve refuses it, once more with a fresh one. */
  async authorised<Result>(account: string, work: (accessToken: string) => Promise<Result>): Promise<Result> {
    const first = await this.#current(account);
    try {
      return await work(first.accessToken);
    } catch (error) {
      if (failureOf(error, "signInNeeded") === undefined) throw error;
      const second = await this.#renewOnce(account, first);
      return work(second.accessToken);
    }
  }

  async #adopt(tokens: DriveTokens): Promise<DriveAccount> {
    const claims = claimsOf(tokens.accessToken);
    const name = tokens.refreshToken ?? tokens.accessToken;
    const account = `user:${claims.userId}:${createHash("sha256").update(name).digest("base64url").slice(0, 22)}`;
    if (claims.endsAtMs - this.#now() < renewBeforeMs && tokens.refreshToken === undefined) {
      throw new BridgeError({ kind: "signInNeeded" });
    }
    let credential: Credential = {
      userId: claims.userId,
      userName: "",
      accessToken: tokens.accessToken,
      accessEndsAtMs: claims.endsAtMs,
      ...(tokens.refreshToken === undefined ? {} : { refreshToken: tokens.refreshToken }),
    };
    if (this.#ends(credential)) credential = await this.#refresh(credential);
    // The claims are only read, not proved: this call is what proves them.
    const user = await this.#client.api(userSchema, {
      method: "GET",
      path: "/user/me",
      accessToken: credential.accessToken,
    });
    credential = { ...credential, userId: user.id, userName: user.nickname };
    await this.#keep(account, credential);
    return {
      account,
      userId: user.id,
      userName: user.nickname,
      endsAtMs: tokens.refreshToken === undefined ? claims.endsAtMs : undefined,
    };
  }

  async #current(account: string): Promise<Credential> {
    const credential = await this.#read(account);
    if (credential !== undefined && !this.#ends(credential)) return credential;
    return this.#renewOnce(account, credential);
  }

  /** One renewal at a time per account, whoever asks. */
  #renewOnce(account: string, stale: Credential | undefined): Promise<Credential> {
    const underWay = this.#renewing.get(account);
    if (underWay !== undefined) return underWay;
    const renewal = this.#renew(account, stale).finally(() => this.#renewing.delete(account));
    this.#renewing.set(account, renewal);
    return renewal;
  }

  async #renew(account: string, stale: Credential | undefined): Promise<Credential> {
    const stored = await this.#read(account);
    // Another instance was faster.
    if (stored !== undefined && stored.accessToken !== stale?.accessToken && !this.#ends(stored)) return stored;
    const credential = await this.#renewed(account, stored);
    await this.#keep(account, credential);
    return credential;
  }

  async #renewed(account: string, stored: Credential | undefined): Promise<Credential> {
    if (stored?.refreshToken !== undefined) {
      try {
        return await this.#refresh(stored);
      } catch (error) {
        if (failureOf(error, "signInNeeded") === undefined) throw error;
      }
    }
    if (this.#login !== undefined && account === loginAccount(this.#login)) return this.#signIn(this.#login);
    throw new BridgeError({ kind: "signInNeeded" });
  }

  async #refresh(credential: Credential): Promise<Credential> {
    const pair = await this.#client.api(tokenPairSchema, {
      method: "POST",
      path: "/session/token/refresh",
      json: { refresh_token: credential.refreshToken },
    });
    return {
      ...credential,
      accessToken: pair.access_token,
      accessEndsAtMs: Date.parse(pair.access_expires),
      refreshToken: pair.refresh_token,
    };
  }

  /** @see recordings/cloudreve/session-login-ok.json */
  async #signIn(login: DriveLogin): Promise<Credential> {
    const { user, token } = await this.#client.api(signInSchema, {
      method: "POST",
      path: "/session/token",
      json: { email: login.email, password: login.password },
    });
    return {
      userId: user.id,
      userName: user.nickname,
      accessToken: token.access_token,
      accessEndsAtMs: Date.parse(token.access_expires),
      refreshToken: token.refresh_token,
    };
  }

  #ends(credential: Credential): boolean {
    return credential.accessEndsAtMs - this.#now() < renewBeforeMs;
  }

  async #read(account: string): Promise<Credential | undefined> {
    const sealed = await this.#store.get(credentialKey(account));
    const opened = sealed === undefined ? undefined : await this.#seal.open(sealed);
    return opened === undefined ? undefined : credentialSchema.parse(JSON.parse(opened));
  }

  async #keep(account: string, credential: Credential): Promise<void> {
    await put(this.#store, credentialKey(account), await this.#seal.close(JSON.stringify(credential)));
  }
}

const credentialKey = (account: string): string => `credential:${account}`;

function loginAccount(login: DriveLogin): string {
  // With the password in the name a changed password is another account: no old token is taken for it.
  return `login:${createHash("sha256").update(`${login.email}\n${login.password}`).digest("base64url").slice(0, 22)}`;
}

function claimsOf(accessToken: string): { userId: string; endsAtMs: number } {
  try {
    const { sub, exp } = decodeJwt(accessToken);
    if (typeof sub === "string" && typeof exp === "number") return { userId: sub, endsAtMs: exp * 1000 };
  } catch {
    // Not a JWT: refused below like any other token that is no good.
  }
  throw new BridgeError({ kind: "signInNeeded" });
}
