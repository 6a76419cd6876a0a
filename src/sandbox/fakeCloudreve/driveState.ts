import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

export interface UserRecord {
  readonly number: number;
  readonly email: string;
  readonly createdAt: string;
  nickname: string;
  admin: boolean;
  quotaBytes: number;
  rootNumber: number;
  /** Versions kept per file; undefined follows the instance, 0 switches retention off. */
  versionRetention?: number | undefined;
  totpSecret?: string | undefined;
  twoFactor: boolean;
}

export interface FileRecord {
  readonly number: number;
  readonly ownerNumber: number;
  readonly isFolder: boolean;
  readonly createdAt: string;
  name: string;
  /** 0 for a root and for what lies in the trash. */
  parentNumber: number;
  updatedAt: string;
  size: number;
  /** Oldest first. */
  entityNumbers: number[];
  /** 0 while nothing was ever written. */
  primaryEntity: number;
  metadata: Record<string, string>;
  /** The path segment below `cloudreve://trash`. */
  trashName?: string | undefined;
}

export interface EntityRecord {
  readonly number: number;
  readonly size: number;
  readonly createdAt: string;
  readonly createdBy: number;
  /** Path of the bytes below `files/`. */
  readonly blob: string;
  /** Copies share their versions with the original. */
  references: number;
}

export interface ShareRecord {
  readonly number: number;
  readonly ownerNumber: number;
  readonly fileNumber: number;
  readonly password: string;
  readonly createdAt: string;
  expiresAtMs?: number | undefined;
  remainingDownloads?: number | undefined;
  views: number;
}

/** An application that an administrator registered; the client id is its `guid`. */
export interface OauthClientRecord {
  readonly number: number;
  readonly guid: string;
  readonly createdAt: string;
  updatedAt: string;
  secret: string;
  name: string;
  homepageUrl: string;
  redirectUris: readonly string[];
  scopes: readonly string[];
  props: OauthClientProps;
  isEnabled: boolean;
  /** Rows are only marked there: the client id is never free again. */
  isRemoved: boolean;
}

export interface OauthClientProps {
  readonly description?: string;
  readonly icon?: string;
  /** Seconds; 0 and absent follow the instance. */
  readonly refresh_token_ttl?: number;
}

/** What one user allowed one application, as the last consent said it. */
export interface OauthGrantRecord {
  readonly userNumber: number;
  readonly clientNumber: number;
  scopes: readonly string[];
  lastUsedAt: string;
  /** Only marked, and no later consent takes the mark away: a grant once revoked never comes back. */
  isRevoked: boolean;
}

interface StoredState {
  instanceId: string;
  secretKey: string;
  counters: Record<CounterName, number>;
  users: UserRecord[];
  files: FileRecord[];
  entities: EntityRecord[];
  shares: ShareRecord[];
  revokedTokenRoots: string[];
  oauthClients: OauthClientRecord[];
  oauthGrants: OauthGrantRecord[];
}

type CounterName = "user" | "file" | "entity" | "share" | "oauthClient";

/** Cloudreve brings two applications of its own, for its desktop and iOS clients. */
const systemOauthClients = 2;

/** Everything the drive keeps over a crash, in memory and in one file that is replaced as a whole. */
export class DriveState {
  readonly users = new Map<number, UserRecord>();
  readonly files = new Map<number, FileRecord>();
  readonly entities = new Map<number, EntityRecord>();
  readonly shares = new Map<number, ShareRecord>();
  readonly revokedTokenRoots: Set<string>;
  readonly oauthClients = new Map<number, OauthClientRecord>();
  readonly oauthGrants: OauthGrantRecord[];
  readonly instanceId: string;
  readonly secretKey: string;
  readonly #path: string;
  readonly #writesEachChange: boolean;
  readonly #counters: Record<CounterName, number>;
  readonly #children = new Map<number, Map<string, FileRecord>>();
  #writing: Promise<void> | undefined;
  #queued: Promise<void> | undefined;

  /** @param writesEachChange whether `save` writes; if not, only `write` does */
  constructor(path: string, writesEachChange: boolean) {
    this.#path = path;
    this.#writesEachChange = writesEachChange;
    mkdirSync(dirname(path), { recursive: true });
    const stored = readStored(path);
    this.instanceId = stored.instanceId;
    this.secretKey = stored.secretKey;
    this.#counters = stored.counters;
    this.revokedTokenRoots = new Set(stored.revokedTokenRoots);
    for (const client of stored.oauthClients) this.oauthClients.set(client.number, client);
    this.oauthGrants = stored.oauthGrants;
    for (const user of stored.users) this.users.set(user.number, user);
    for (const entity of stored.entities) this.entities.set(entity.number, entity);
    for (const share of stored.shares) this.shares.set(share.number, share);
    for (const file of stored.files) this.addFile(file);
  }

  nextNumber(counter: CounterName): number {
    this.#counters[counter] += 1;
    return this.#counters[counter];
  }

  child(parentNumber: number, name: string): FileRecord | undefined {
    return this.#children.get(parentNumber)?.get(name);
  }

  childrenOf(parentNumber: number): FileRecord[] {
    return [...(this.#children.get(parentNumber)?.values() ?? [])];
  }

  addFile(file: FileRecord): void {
    this.files.set(file.number, file);
    if (file.parentNumber === 0) return;
    const siblings = this.#children.get(file.parentNumber) ?? new Map<string, FileRecord>();
    siblings.set(file.name, file);
    this.#children.set(file.parentNumber, siblings);
  }

  placeFile(file: FileRecord, parentNumber: number, name: string): void {
    this.removeFile(file);
    file.parentNumber = parentNumber;
    file.name = name;
    this.addFile(file);
  }

  removeFile(file: FileRecord): void {
    this.files.delete(file.number);
    this.#children.get(file.parentNumber)?.delete(file.name);
  }

  /** Resolves when a state file that holds the present state is in place; callers at once share one write. */
  async save(): Promise<void> {
    if (this.#writesEachChange) await this.write();
  }

  /** As `save`, whether each change is written or not. */
  write(): Promise<void> {
    if (!this.#writing) {
      this.#writing = this.#write().finally(() => {
        this.#writing = undefined;
      });
      return this.#writing;
    }
    this.#queued ??= this.#writing.then(() => {
      this.#queued = undefined;
      return this.write();
    });
    return this.#queued;
  }

  async #write(): Promise<void> {
    const stored: StoredState = {
      instanceId: this.instanceId,
      secretKey: this.secretKey,
      counters: this.#counters,
      users: [...this.users.values()],
      files: [...this.files.values()],
      entities: [...this.entities.values()],
      shares: [...this.shares.values()],
      revokedTokenRoots: [...this.revokedTokenRoots],
      oauthClients: [...this.oauthClients.values()],
      oauthGrants: this.oauthGrants,
    };
    // A reader after kill -9 finds the old file or the new one, never half of one.
    await writeFile(`${this.#path}.new`, JSON.stringify(stored));
    await rename(`${this.#path}.new`, this.#path);
  }
}

function readStored(path: string): StoredState {
  const fresh: StoredState = {
    instanceId: randomUUID(),
    secretKey: randomBytes(48).toString("base64url"),
    counters: { user: 0, file: 0, entity: 0, share: 0, oauthClient: systemOauthClients },
    users: [],
    files: [],
    entities: [],
    shares: [],
    revokedTokenRoots: [],
    oauthClients: [],
    oauthGrants: [],
  };
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return fresh;
  }
  // A file of before there was OAuth names none of it.
  const stored = JSON.parse(text) as Partial<StoredState>;
  return { ...fresh, ...stored, counters: { ...fresh.counters, ...stored.counters } };
}
