import { join } from "node:path";
import { type BuiltinViewer, builtinViewers } from "./builtinViewers.ts";
import { ContentStore } from "./contentStore.ts";
import { DriveState, type UserRecord } from "./driveState.ts";
import { HashIds, type IdKind } from "./hashIds.ts";
import { type LockApplication, LockTable } from "./lockTable.ts";
import { Timestamps } from "./timestamps.ts";

/** One editor as the setting `file_viewers` stores it, beside the viewers that are none. */
export interface FakeViewer {
  id: string;
  type: "wopi";
  display_name: string;
  exts: string[];
  wopi_actions: Record<string, Record<string, string>>;
  icon?: string;
  disabled?: boolean;
}

/** The setting `file_viewers` is a list of these. */
export interface FakeViewerGroup {
  viewers: (FakeViewer | BuiltinViewer)[];
}

export interface FakeAccount {
  email: string;
  password: string;
  nickname: string;
  admin?: boolean;
  quotaBytes?: number;
}

/** An application registered from the start, as an administrator would by hand. */
export interface FakeOauthClient {
  clientId: string;
  clientSecret: string;
  name: string;
  redirectUris: string[];
  scopes: string[];
}

export interface FakeSettings {
  maxEditSizeBytes: number;
  viewerSessionTimeoutSeconds: number;
  accessTokenTtlSeconds: number;
  refreshTokenTtlSeconds: number;
  entityUrlTtlSeconds: number;
  entityUrlCacheMarginSeconds: number;
  chunkSizeBytes: number;
  uploadSessionTimeoutSeconds: number;
  loginCaptcha: boolean;
  /** The zone of the server's clock, which all its times carry; what is stored keeps the zone it was written in. */
  utcOffsetMinutes: number;
  /** Versions kept of each file; 0 keeps none but the current. */
  versionRetention: number;
}

/** A way into one file for an editor; bound to the path, so a rename kills it. */
export interface ViewerSession {
  readonly id: string;
  readonly token: string;
  readonly userNumber: number;
  readonly uri: string;
  readonly fileNumber: number;
  readonly viewerId: string;
  /** 0 for the current version. */
  readonly entityNumber: number;
  readonly expiresAtMs: number;
}

/** A code on its way from the consent to the token endpoint. */
export interface OauthCode {
  readonly clientId: string;
  readonly userNumber: number;
  readonly scopes: readonly string[];
  /** Empty without PKCE. */
  readonly codeChallenge: string;
  readonly expiresAtMs: number;
}

export interface UploadSession {
  readonly id: string;
  readonly userNumber: number;
  readonly fileNumber: number;
  readonly isNewFile: boolean;
  readonly uri: string;
  readonly sizeBytes: number;
  readonly chunkSizeBytes: number;
  readonly lockToken: string;
  readonly temporary: string;
  readonly expiresAtMs: number;
  readonly lastModifiedMs: number | undefined;
  readonly receivedChunks: Set<number>;
}

export interface CachedUrl {
  readonly pathAndSign: string;
  readonly expiresAt: string;
  readonly reusableUntilMs: number;
}

export interface FakeDriveOptions {
  dir: string;
  writesState?: "with each change" | "at close";
  siteUrls: string[];
  accounts: FakeAccount[];
  viewers: FakeViewer[];
  oauthClients?: FakeOauthClient[];
  settings?: Partial<FakeSettings>;
  now?: () => number;
}

/** Renewed by LOCK and REFRESH_LOCK only, never by PutFile. */
export const viewerLockLifeMs = 30 * 60_000;
const defaultQuotaBytes = 1024 ** 3;
const defaults: FakeSettings = {
  maxEditSizeBytes: 52_428_800,
  viewerSessionTimeoutSeconds: 36_000,
  accessTokenTtlSeconds: 3600,
  refreshTokenTtlSeconds: 1_209_600,
  entityUrlTtlSeconds: 3600,
  entityUrlCacheMarginSeconds: 600,
  chunkSizeBytes: 26_214_400,
  uploadSessionTimeoutSeconds: 86_400,
  loginCaptcha: false,
  utcOffsetMinutes: 0,
  versionRetention: 10,
};

/** What all routes of one fake drive share. */
export class FakeDrive {
  readonly settings: FakeSettings;
  readonly now: () => number;
  readonly state: DriveState;
  readonly content: ContentStore;
  readonly locks: LockTable;
  readonly viewerSessions = new Map<string, ViewerSession>();
  readonly uploadSessions = new Map<string, UploadSession>();
  readonly secondSteps = new Map<string, { userNumber: number; expiresAtMs: number }>();
  readonly oauthCodes = new Map<string, OauthCode>();
  readonly urlCache = new Map<string, CachedUrl>();
  readonly siteTitle = "Demo Cloud";
  readonly stamps: Timestamps;
  siteUrls: string[];
  viewerGroups: FakeViewerGroup[] = [];
  readonly #ids: HashIds;
  readonly #passwords = new Map<string, string>();

  constructor(options: FakeDriveOptions) {
    this.now = options.now ?? Date.now;
    this.settings = { ...defaults, ...options.settings };
    this.siteUrls = options.siteUrls;
    this.viewers = options.viewers;
    this.state = new DriveState(join(options.dir, "state.json"), options.writesState !== "at close");
    this.content = new ContentStore(options.dir);
    this.locks = new LockTable(this.now);
    this.stamps = new Timestamps(this.now, () => this.settings.utcOffsetMinutes);
    this.#ids = new HashIds(this.state.instanceId);
    for (const account of options.accounts) this.#admit(account);
    for (const client of options.oauthClients ?? []) this.registerOauthClient(client);
  }

  word(kind: IdKind, number: number): string {
    return this.#ids.encode(kind, number);
  }

  number(kind: IdKind, word: string): number | undefined {
    return this.#ids.decode(kind, word);
  }

  get viewers(): FakeViewer[] {
    return this.viewerGroups.flatMap(({ viewers }) => viewers).filter((viewer) => viewer.type === "wopi");
  }

  /** The editors, beside what a fresh Cloudreve brings along. */
  set viewers(viewers: FakeViewer[]) {
    this.viewerGroups = [{ viewers: [...builtinViewers] }, { viewers }];
  }

  get primarySiteUrl(): string {
    return this.siteUrls[0] ?? "";
  }

  /** The site url with exactly this host and port, otherwise the first. */
  siteUrlFor(host: string | undefined): string {
    return this.siteUrls.find((url) => new URL(url).host === host) ?? this.primarySiteUrl;
  }

  passwordOf(user: UserRecord): string | undefined {
    return this.#passwords.get(user.email);
  }

  findUser(email: string): UserRecord | undefined {
    const wanted = email.toLowerCase();
    return [...this.state.users.values()].find((user) => user.email.toLowerCase() === wanted);
  }

  versionRetentionOf(user: UserRecord): number {
    return user.versionRetention ?? this.settings.versionRetention;
  }

  usedBytes(user: UserRecord): number {
    let used = 0;
    for (const file of this.state.files.values()) {
      if (file.ownerNumber !== user.number) continue;
      for (const entity of file.entityNumbers) used += this.state.entities.get(entity)?.size ?? 0;
    }
    return used;
  }

  /** Registers an application, or brings what it may and its secret up to date. */
  registerOauthClient({ clientId, clientSecret, name, redirectUris, scopes }: FakeOauthClient): void {
    const known = [...this.state.oauthClients.values()].find(({ guid }) => guid === clientId);
    const updatedAt = this.stamps.next();
    const client = known ?? {
      number: this.state.nextNumber("oauthClient"),
      guid: clientId,
      createdAt: updatedAt,
      homepageUrl: "",
      props: {},
      isEnabled: true,
      isRemoved: false,
    };
    const present = { ...client, updatedAt, secret: clientSecret, name, redirectUris, scopes };
    this.state.oauthClients.set(client.number, present);
  }

  /** A lock that another program took: a test's way to WebDAV and to a stalled upload. */
  plantLock(email: string, path: string, application: LockApplication, token?: string): string {
    const user = this.findUser(email);
    if (!user) throw new Error(`no account ${email}`);
    const answer = this.locks.create({
      root: `${user.number}${path}`,
      uri: `cloudreve://my${path.split("/").map(encodeURIComponent).join("/")}`,
      lifeMs: this.settings.uploadSessionTimeoutSeconds * 1000,
      application,
      ...(token === undefined ? {} : { token }),
    });
    if ("conflict" in answer) throw new Error(`${path} is locked already`);
    return answer.made.token;
  }

  #admit(account: FakeAccount): void {
    this.#passwords.set(account.email, account.password);
    const known = this.findUser(account.email);
    const user: UserRecord = known ?? {
      number: this.state.nextNumber("user"),
      email: account.email,
      createdAt: this.stamps.next(),
      nickname: account.nickname,
      admin: false,
      quotaBytes: defaultQuotaBytes,
      rootNumber: this.state.nextNumber("file"),
      twoFactor: false,
    };
    user.nickname = account.nickname;
    user.admin = account.admin ?? false;
    user.quotaBytes = account.quotaBytes ?? defaultQuotaBytes;
    if (known) return;
    this.state.users.set(user.number, user);
    const createdAt = this.stamps.next();
    this.state.addFile({
      number: user.rootNumber,
      ownerNumber: user.number,
      isFolder: true,
      createdAt,
      name: "",
      parentNumber: 0,
      updatedAt: createdAt,
      size: 0,
      entityNumbers: [],
      primaryEntity: 0,
      metadata: {},
    });
  }
}
