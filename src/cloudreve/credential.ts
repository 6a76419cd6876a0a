import { createHash } from "node:crypto";
import { decodeJwt } from "jose";
import { z } from "zod";
import type { DriveAccount, DriveTokens } from "../model/drive.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import type { FileMutex } from "../model/fileMutex.ts";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { record, rowObject, type StoredRecord, type StoredRow } from "../model/record.ts";
import { credentialLifeMs } from "../model/rowLives.ts";
import type { CloudreveClient } from "./client.ts";
import type { Encryption } from "./encryption.ts";
import { knowsPerson, offerPassword, type Person, personOf, refreshed, signedIn, type Tokens } from "./tokenCalls.ts";

/** Renewed this long before the end, so that no call leaves with a token that dies on the way. */
const renewBeforeMs = 60_000;
/** A refresh token lives for days from its last use; one renewal a day keeps any of them alive. */
const keepAliveMs = 24 * 3_600_000;

const credentialSchema = rowObject({
  userId: z.string(),
  userName: z.string(),
  accessToken: z.string(),
  accessEndsAtMs: z.number(),
  refreshToken: z.string().optional(),
  /** When Cloudreve last gave these tokens to the bridge; absent = long ago. */
  renewedAtMs: z.number().optional(),
  /** Set once Cloudreve has refused to renew it: it is not asked again. */
  endedAtMs: z.number().optional(),
});
type Credential = z.infer<typeof credentialSchema>;

export interface DriveLogin {
  readonly email: string;
  readonly password: string;
}

interface CredentialParts {
  readonly store: KeyValueStore;
  readonly seal: Encryption;
  readonly client: CloudreveClient;
  /** One renewal at a time per account, also among the bridges on one store. */
  readonly mutex: FileMutex;
  readonly now: Clock;
  /** The account of the configuration. */
  readonly login: DriveLogin | undefined;
}

/**
 * The accounts that act in Cloudreve, sealed in the store: people who signed in, tokens handed on by a portal, and the
 * login of the configuration. An expired access token is silently anonymous at Cloudreve, so its end is watched here.
 */
export class Credentials {
  /** One that was sealed under another key counts as none. */
  readonly #credentials: StoredRecord<Credential>;
  readonly #client: CloudreveClient;
  readonly #mutex: FileMutex;
  readonly #now: Clock;
  readonly #login: DriveLogin | undefined;
  readonly #renewing = new Map<string, Promise<Credential>>();

  constructor({ store, seal, client, mutex, now, login }: CredentialParts) {
    // What can't be renewed is of no use a moment after its end; what can is renewed by each use.
    const endsAtMs = ({ refreshToken, accessEndsAtMs }: Credential) =>
      refreshToken === undefined ? accessEndsAtMs + keepAliveMs : now() + credentialLifeMs;
    this.#credentials = record(store, "credential", credentialSchema, { endsAtMs, seal });
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

  /** Keeps what a person has signed in with; a sign-in before is replaced, so what acts in that name lives on. */
  async keepPerson({ userId, userName }: Person, tokens: Tokens): Promise<DriveAccount> {
    const account = `person:${userId}`;
    const credential = { userId, userName, ...this.#fresh(tokens) };
    await this.#credentials.put(account, credential);
    return this.#describe(account, credential);
  }

  /** Renews what was last renewed a day ago or longer, its access token alive or not. @throws signInNeeded */
  async keepAlive(account: string): Promise<void> {
    const isDue = ({ renewedAtMs = 0 }: Credential) => this.#now() - renewedAtMs >= keepAliveMs;
    const credential = await this.#credentials.get(account);
    this.#requireNotEnded(account, credential);
    if (credential !== undefined && credential.refreshToken === undefined) await this.#current(account);
    else if (credential === undefined || isDue(credential)) await this.#renewInTurn(account, isDue);
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

  /** @throws signInNeeded for the access token; requestInvalid when the refresh token with it would not carry on */
  async #adopt({ accessToken, refreshToken }: DriveTokens): Promise<DriveAccount> {
    const claims = claimsOf(accessToken);
    const name = refreshToken ?? accessToken;
    const account = `user:${claims.userId}:${createHash("sha256").update(name).digest("base64url").slice(0, 22)}`;
    const given: Tokens = { accessToken, accessEndsAtMs: claims.endsAtMs };
    const isOver = this.#ends(given);
    if (isOver && refreshToken === undefined) throw new BridgeError({ kind: "signInNeeded" });
    // The claims are only read, not proved: this call is what proves them.
    const person = isOver ? undefined : await personOf(this.#client, accessToken);
    const credential =
      refreshToken === undefined && person !== undefined
        ? { ...person, ...given }
        : await this.#carriedOn(account, refreshToken ?? "", person, claims.userId);
    await this.#credentials.put(account, credential);
    return this.#describe(account, credential);
  }

  /**
   * Tries a refresh token that was handed on: a link rests on it for years. Cloudreve takes one again and again, so that
   * whoever handed it on can use it still.
   * @param person whose the access token with it is; undefined when that is over
   * @throws requestInvalid
   */
  async #carriedOn(
    account: string,
    refreshToken: string,
    person: Person | undefined,
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
      // Cloudreve says the same when its database can't be asked.
      if (person !== undefined && !(await knowsPerson(this.#client, person.userId))) {
        throw new BridgeError({ kind: "driveUnreachable" }, { cause: error });
      }
      throw refreshTokenWrong("is refused by the drive: it has ended, or is none");
    }
    const renewedPerson = await personOf(this.#client, fresh.accessToken);
    const isSame =
      person === undefined
        ? claimsOf(fresh.accessToken).userId === claimedUserId
        : renewedPerson.userId === person.userId;
    if (!isSame) throw refreshTokenWrong("is of another account than X-Cloudreve-Token");
    return { ...renewedPerson, ...this.#fresh(fresh) };
  }

  async #current(account: string): Promise<Credential> {
    const credential = await this.#credentials.get(account);
    this.#requireNotEnded(account, credential);
    if (credential !== undefined && !this.#ends(credential)) return credential;
    return this.#renewOnce(account, credential);
  }

  /** Whoever asks while a renewal is under way gets what comes of it. */
  #renewOnce(account: string, stale: Credential | undefined): Promise<Credential> {
    const underWay = this.#renewing.get(account);
    if (underWay !== undefined) return underWay;
    const isDue = (stored: Credential) => stored.accessToken === stale?.accessToken || this.#ends(stored);
    const renewal = this.#renewInTurn(account, isDue).finally(() => this.#renewing.delete(account));
    this.#renewing.set(account, renewal);
    return renewal;
  }

  /** @param isDue asked under the mutex, of what stands in the store then: another bridge may have been faster */
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
   * Cloudreve refuses a refresh in the same words when its database can't be asked; only one that still finds the
   * person is believed that the sign-in is over.
   */
  async #end(account: string, row: StoredRow<Credential>, stored: Credential): Promise<void> {
    if (!(await knowsPerson(this.#client, stored.userId))) return;
    await this.#replace(account, row, { ...stored, endedAtMs: this.#now() });
  }

  /** @returns what stands in the store then: somebody may have signed in meanwhile, and that is what counts */
  async #replace(account: string, row: StoredRow<Credential>, next: Credential): Promise<Credential> {
    if (await row.swap(next)) return next;
    const credential = await row.read();
    this.#requireNotEnded(account, credential);
    if (credential === undefined) throw new BridgeError({ kind: "signInNeeded" });
    return credential;
  }

  #describe(account: string, credential: Credential): DriveAccount {
    const { userId, userName, accessEndsAtMs, refreshToken } = credential;
    return { account, userId, userName, endsAtMs: refreshToken === undefined ? accessEndsAtMs : undefined };
  }

  /** The login of the configuration needs no other sign-in than its own. */
  #requireNotEnded(account: string, credential: Credential | undefined): void {
    if (credential?.endedAtMs !== undefined && !this.#isLogin(account)) throw new BridgeError({ kind: "signInNeeded" });
  }

  #isLogin(account: string): boolean {
    return this.#login !== undefined && account === loginAccount(this.#login);
  }

  #fresh(tokens: Tokens): Tokens & { renewedAtMs: number } {
    return { ...tokens, renewedAtMs: this.#now() };
  }

  #ends(tokens: Tokens): boolean {
    return tokens.accessEndsAtMs - this.#now() < renewBeforeMs;
  }
}

function loginAccount(login: DriveLogin): string {
  // With the password in the name a changed password is another account: no old token is taken for it.
  return `login:${createHash("sha256").update(`${login.email}\n${login.password}`).digest("base64url").slice(0, 22)}`;
}

function refreshTokenWrong(message: string): BridgeError {
  return new BridgeError({ kind: "requestInvalid", issues: [{ field: "X-Cloudreve-Refresh-Token", message }] });
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
