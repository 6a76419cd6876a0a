import { createHash } from "node:crypto";
import { decodeJwt } from "jose";
import { z } from "zod";
import type { DriveAccount, DriveTokens } from "../model/drive.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import type { FileMutex } from "../model/fileMutex.ts";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { OldestOutMap } from "../model/oldestOutMap.ts";
import { record, rowObject, type StoredRecord, type StoredRow } from "../model/record.ts";
import { credentialLifeMs } from "../model/rowLives.ts";
import type { CloudreveClient } from "./client.ts";
import type { Encryption } from "./encryption.ts";
import { type DriveUser, knowsUser, offerPassword, refreshed, signedIn, type Tokens, userOf } from "./tokenCalls.ts";

/** Tokens are renewed this long before they end, so that none expires during a call. */
const renewBeforeMs = 60_000;
/** A refresh token lives for days after its last use, so one renewal a day keeps it alive. */
const keepAliveMs = 24 * 3_600_000;
/** For so long the next calls of an account are made with the credential of the last one, without reading its row. */
const reusedForMs = 1_000;
const rememberedAccounts = 1_000;

const credentialSchema = rowObject({
  userId: z.string(),
  userName: z.string(),
  accessToken: z.string(),
  accessEndsAtMs: z.number(),
  refreshToken: z.string().optional(),
  /** When Cloudreve last issued these tokens to the bridge; absent = long ago. */
  renewedAtMs: z.number().optional(),
  /** Set once Cloudreve has refused to renew it; the bridge then stops trying. */
  endedAtMs: z.number().optional(),
});
type Credential = z.infer<typeof credentialSchema>;

export interface DriveLogin {
  readonly email: string;
  readonly password: string;
}

interface CredentialParts {
  readonly store: KeyValueStore;
  readonly encryption: Encryption;
  readonly client: CloudreveClient;
  /** One renewal at a time per account, also across bridges that share a store. */
  readonly mutex: FileMutex;
  readonly now: Clock;
  /** The configured account. */
  readonly login: DriveLogin | undefined;
}

/**
 * The accounts that act in Cloudreve, encrypted in the store: people who signed in, a portal's tokens, the configured
 * login. Cloudreve silently treats an expired access token as anonymous, so the bridge checks the expiry itself.
 */
export class Credentials {
  /** A credential encrypted with another key counts as absent. */
  readonly #credentials: StoredRecord<Credential>;
  readonly #client: CloudreveClient;
  readonly #mutex: FileMutex;
  readonly #now: Clock;
  readonly #login: DriveLogin | undefined;
  readonly #renewing = new Map<string, Promise<Credential>>();
  readonly #lastRead = new OldestOutMap<string, { readonly credential: Credential; readonly atMs: number }>(
    rememberedAccounts,
  );

  constructor({ store, encryption, client, mutex, now, login }: CredentialParts) {
    // A credential that can't be renewed is useless once it ends; the others are kept longer with each use.
    const endsAtMs = ({ refreshToken, accessEndsAtMs }: Credential) =>
      refreshToken === undefined ? accessEndsAtMs + keepAliveMs : now() + credentialLifeMs;
    this.#credentials = record(store, "credential", credentialSchema, { endsAtMs, encryption });
    this.#client = client;
    this.#mutex = mutex;
    this.#now = now;
    this.#login = login;
  }

  /** @throws signInNeeded when the tokens are refused, or no account is configured */
  async account(tokens: DriveTokens | undefined): Promise<DriveAccount> {
    if (tokens !== undefined) return this.#adopt(tokens);
    if (this.#login === undefined) throw new BridgeError({ kind: "signInNeeded" });
    return this.accountNamed(loginAccount(this.#login));
  }

  /** @throws signInNeeded when its credential is gone, refused or expired */
  async accountNamed(account: string): Promise<DriveAccount> {
    return this.#describe(account, await this.#current(account));
  }

  /**
   * The account itself if it renews itself, otherwise the person's own sign-in. An app whose token can't make shares in
   * Cloudreve must not get them made by a stronger credential.
   * @throws signInNeeded when there is none
   */
  async lastingAccount(account: string): Promise<DriveAccount> {
    const credential = await this.#current(account);
    if (credential.refreshToken !== undefined) return this.#describe(account, credential);
    if (!maySharePublicly(credential.accessToken)) throw new BridgeError({ kind: "signInNeeded" });
    const own = await this.accountNamed(personAccount(credential.userId));
    if (own.endsAtMs !== undefined) throw new BridgeError({ kind: "signInNeeded" });
    return own;
  }

  /** Stores a person's new sign-in in place of the previous one, so that links and sessions of the account go on. */
  async storeUser({ userId, userName, email }: DriveUser, tokens: Tokens): Promise<DriveAccount> {
    const account = personAccount(userId);
    const credential = { userId, userName, ...this.#fresh(tokens) };
    await this.#credentials.put(account, credential);
    this.#lastRead.delete(account);
    return { ...this.#describe(account, credential), ...(email === undefined ? {} : { email }) };
  }

  /** Renews tokens last renewed a day or more ago, even if the access token is still valid. @throws signInNeeded */
  async keepAlive(account: string): Promise<void> {
    const isDue = ({ renewedAtMs = 0 }: Credential) => this.#now() - renewedAtMs >= keepAliveMs;
    const credential = await this.#credentials.get(account);
    this.#requireNotEnded(account, credential);
    if (credential !== undefined && credential.refreshToken === undefined) await this.#current(account);
    else if (credential === undefined || isDue(credential)) await this.#renewInTurn(account, isDue);
  }

  /** @returns a token that is valid for a while yet @throws signInNeeded when there is none any more */
  async accessToken(account: string): Promise<string> {
    return (await this.#current(account)).accessToken;
  }

  /**
   * Does the work with a token. If Cloudreve refuses it, tries once more with a new one. A token that ends during the
   * call, as when the machine sleeps, makes the call anonymous: it then finds no file.
   */
  async authorised<Result>(account: string, work: (accessToken: string) => Promise<Result>): Promise<Result> {
    // If it has been replaced or has ended since, Cloudreve says so, and a new one is looked for below.
    const first = this.#justRead(account) ?? (await this.#current(account));
    try {
      return await work(first.accessToken);
    } catch (error) {
      const wasAnonymous = failureOf(error, "fileMissing") !== undefined && this.#ends(first);
      if (failureOf(error, "signInNeeded") === undefined && !wasAnonymous) throw error;
      const second = await this.#renewOnce(account, first);
      return work(second.accessToken);
    }
  }

  /** @throws signInNeeded for the access token; requestInvalid when its refresh token does not work */
  async #adopt({ accessToken, refreshToken }: DriveTokens): Promise<DriveAccount> {
    const claims = claimsOf(accessToken);
    const name = refreshToken ?? accessToken;
    const account = `user:${claims.userId}:${createHash("sha256").update(name).digest("base64url").slice(0, 22)}`;
    const given: Tokens = { accessToken, accessEndsAtMs: claims.endsAtMs };
    const isOver = this.#ends(given);
    if (isOver && refreshToken === undefined) throw new BridgeError({ kind: "signInNeeded" });
    // The claims are only read here, not verified; the call below verifies the token.
    const person = isOver ? undefined : await userOf(this.#client, accessToken);
    const credential =
      refreshToken === undefined && person !== undefined
        ? { userId: person.userId, userName: person.userName, ...given }
        : await this.#carriedOn(account, refreshToken ?? "", person, claims.userId);
    await this.#credentials.put(account, credential);
    this.#lastRead.delete(account);
    return this.#describe(account, credential);
  }

  /**
   * Tries a refresh token that was handed over, because a link may depend on it for years. Cloudreve accepts the same
   * one again and again, so its owner can still use it.
   * @param person whose access token came with it; undefined when that has expired
   * @throws requestInvalid
   */
  async #carriedOn(
    account: string,
    refreshToken: string,
    person: DriveUser | undefined,
    claimedUserId: string,
  ): Promise<Credential> {
    const before = await this.#credentials.get(account);
    const isTried = before?.renewedAtMs !== undefined && before.endedAtMs === undefined && !this.#ends(before);
    if (isTried && (person === undefined || person.userId === before.userId)) return before;
    let fresh: Tokens;
    try {
      fresh = await refreshed(this.#client, refreshToken);
    } catch (error) {
      if (failureOf(error, "signInNeeded") === undefined) throw error;
      // Cloudreve gives the same answer when its database is down.
      if (person !== undefined && !(await knowsUser(this.#client, person.userId))) {
        throw new BridgeError({ kind: "driveUnreachable" }, { cause: error });
      }
      throw refreshTokenWrong("is refused by the drive: it has ended, or is none");
    }
    const renewedUser = await userOf(this.#client, fresh.accessToken);
    const isSame =
      person === undefined
        ? claimsOf(fresh.accessToken).userId === claimedUserId
        : renewedUser.userId === person.userId;
    if (!isSame) throw refreshTokenWrong("is of another account than X-Cloudreve-Token");
    return { userId: renewedUser.userId, userName: renewedUser.userName, ...this.#fresh(fresh) };
  }

  async #current(account: string): Promise<Credential> {
    const credential = await this.#credentials.get(account);
    this.#requireNotEnded(account, credential);
    if (credential === undefined || this.#ends(credential)) return this.#renewOnce(account, credential);
    this.#lastRead.set(account, { credential, atMs: this.#now() });
    return credential;
  }

  #justRead(account: string): Credential | undefined {
    const { credential, atMs = 0 } = this.#lastRead.get(account) ?? {};
    if (credential === undefined || Math.abs(this.#now() - atMs) > reusedForMs) return undefined;
    return this.#ends(credential) ? undefined : credential;
  }

  /** Callers that ask during a renewal get its result. */
  #renewOnce(account: string, stale: Credential | undefined): Promise<Credential> {
    this.#lastRead.delete(account);
    const underWay = this.#renewing.get(account);
    if (underWay !== undefined) return underWay;
    const isDue = (stored: Credential) => stored.accessToken === stale?.accessToken || this.#ends(stored);
    const renewal = this.#renewInTurn(account, isDue).finally(() => this.#renewing.delete(account));
    this.#renewing.set(account, renewal);
    return renewal;
  }

  /** @param isDue asked of the stored credential, inside the mutex: another bridge may just have renewed it */
  #renewInTurn(account: string, isDue: (stored: Credential) => boolean): Promise<Credential> {
    return this.#mutex.run(`account:${account}`, async () => {
      const row = this.#credentials.row(account);
      const stored = await row.read();
      this.#requireNotEnded(account, stored);
      if (stored !== undefined && !isDue(stored)) return stored;
      return this.#replace(account, row, await this.#renewed(account, row, stored));
    });
  }

  async #renewed(account: string, row: StoredRow<Credential>, stored: Credential | undefined): Promise<Credential> {
    if (stored?.refreshToken !== undefined) {
      try {
        return { ...stored, ...this.#fresh(await refreshed(this.#client, stored.refreshToken)) };
      } catch (error) {
        if (failureOf(error, "signInNeeded") === undefined) throw error;
        if (!this.#isLogin(account)) await this.#end(account, row, stored);
      }
    }
    if (this.#login === undefined || !this.#isLogin(account)) throw new BridgeError({ kind: "signInNeeded" });
    const { userId, userName, ...tokens } = signedIn(
      await offerPassword(this.#client, this.#login.email, this.#login.password),
    );
    return { userId, userName, ...this.#fresh(tokens) };
  }

  /**
   * Cloudreve refuses a renewal with the same words when its database is down. The sign-in counts as ended only if the
   * server can still find the person.
   */
  async #end(account: string, row: StoredRow<Credential>, stored: Credential): Promise<void> {
    if (!(await knowsUser(this.#client, stored.userId))) return;
    await this.#replace(account, row, { ...stored, endedAtMs: this.#now() });
  }

  /** @returns what is in the store now: someone may have signed in meanwhile, and that sign-in is valid */
  async #replace(account: string, row: StoredRow<Credential>, next: Credential): Promise<Credential> {
    if (await row.swap(next)) return next;
    const credential = await row.read();
    this.#requireNotEnded(account, credential);
    if (credential === undefined) throw new BridgeError({ kind: "signInNeeded" });
    return credential;
  }

  #describe(account: string, credential: Credential): DriveAccount {
    const { userId, userName, accessToken, accessEndsAtMs, refreshToken } = credential;
    const endsAtMs = refreshToken === undefined ? accessEndsAtMs : undefined;
    return { account, userId, userName, endsAtMs, ...(mayWrite(accessToken) ? {} : { mayWrite: false }) };
  }

  /** The configured login simply signs in again. */
  #requireNotEnded(account: string, credential: Credential | undefined): void {
    if (credential?.endedAtMs !== undefined && !this.#isLogin(account)) throw new BridgeError({ kind: "signInNeeded" });
  }

  #isLogin(account: string): boolean {
    return this.#login !== undefined && account === loginAccount(this.#login);
  }

  #fresh({ accessToken, accessEndsAtMs, refreshToken }: Tokens): Tokens & { renewedAtMs: number } {
    return { accessToken, accessEndsAtMs, refreshToken, renewedAtMs: this.#now() };
  }

  #ends(tokens: Tokens): boolean {
    return tokens.accessEndsAtMs - this.#now() < renewBeforeMs;
  }
}

/** Of a person's own sign-in on our pages. */
const personAccount = (userId: string): string => `person:${userId}`;

function loginAccount(login: DriveLogin): string {
  // The password is part of the account's name: after a change of password, old tokens are not used.
  return `login:${createHash("sha256").update(`${login.email}\n${login.password}`).digest("base64url").slice(0, 22)}`;
}

function refreshTokenWrong(message: string): BridgeError {
  return new BridgeError({ kind: "requestInvalid", issues: [{ field: "X-Cloudreve-Refresh-Token", message }] });
}

/** Cloudreve limits only tokens of OAuth's clients. @see recordings/cloudreve/oauth-file-calls.json */
function mayWrite(accessToken: string): boolean {
  try {
    const { client_id: clientId, scopes } = decodeJwt(accessToken);
    return clientId === undefined || !Array.isArray(scopes) || scopes.includes("Files.Write");
  } catch {
    // Not a JWT: Cloudreve itself decides at each call.
    return true;
  }
}

function claimsOf(accessToken: string): { userId: string; endsAtMs: number } {
  try {
    const { sub, exp } = decodeJwt(accessToken);
    if (typeof sub === "string" && typeof exp === "number") return { userId: sub, endsAtMs: exp * 1000 };
  } catch {
    // Not a JWT: refused below like any other invalid token.
  }
  throw new BridgeError({ kind: "signInNeeded" });
}

/** @param accessToken one that Cloudreve has accepted; without scopes, it may do everything */
function maySharePublicly(accessToken: string): boolean {
  const claims = z.object({ scopes: z.array(z.string()).optional() }).safeParse(decodeJwt(accessToken));
  if (!claims.success) return false;
  const { scopes } = claims.data;
  return scopes === undefined || scopes.includes("Shares.Write");
}
