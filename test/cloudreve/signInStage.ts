import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CloudreveClient } from "../../src/cloudreve/client.ts";
import { cloudreveDrive } from "../../src/cloudreve/cloudreveDrive.ts";
import { Credentials, type DriveLogin } from "../../src/cloudreve/credential.ts";
import { createEncryption, type Encryption } from "../../src/cloudreve/encryption.ts";
import { CloudreveSignIn } from "../../src/cloudreve/signIn.ts";
import { ContentRecord } from "../../src/documents/contentRecord.ts";
import type { Drive, DriveAccount } from "../../src/model/drive.ts";
import { BridgeError, type Failure } from "../../src/model/failure.ts";
import { FileMutex } from "../../src/model/fileMutex.ts";
import type { KeyValueStore } from "../../src/model/keyValueStore.ts";
import { type FakeCloudreve, openFakeCloudreve } from "../../src/sandbox/fakeCloudreve/fakeCloudreve.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { type SetClock, setClock } from "../support/clock.ts";
import { type DriveAccountClient, driveAccount } from "../support/driveAccount.ts";
import { type DriveProxy, driveProxy } from "../support/driveProxy.ts";

export const hourMs = 3_600_000;
export const alice = { email: "alice@example.com", password: "alice-password", nickname: "Alice" };
export const application = {
  clientId: "5f1d8c9e-6a53-4f0b-9f0e-3f6a2f6c7a10",
  clientSecret: "application-secret",
  redirectUri: "https://office.example.com/oauth/callback",
};
export const scopes = "openid profile email offline_access Files.Read Files.Write";

/** A bridge's drive adapter, as far as signing in goes. */
export interface Connection {
  readonly drive: Drive;
  readonly credentials: Credentials;
}

/** A drive, what stands between it and the bridges, and the store that all of them share. */
export interface SignInStage {
  readonly fake: FakeCloudreve;
  readonly proxy: DriveProxy;
  readonly clock: SetClock;
  readonly store: KeyValueStore;
  readonly encryption: Encryption;
  connect(options?: { oauthClient?: typeof application | undefined; login?: DriveLogin }): Connection;
  /** Alice at the drive itself, past the bridge. */
  outside(): Promise<DriveAccountClient>;
  /** Alice has signed in with her password. */
  signedIn(connection: Connection): Promise<DriveAccount>;
  /** @returns how often the drive has been asked for what begins with this path, from the beginning or the last reset */
  calls(path?: string): number;
  close(): Promise<void>;
}

export async function openSignInStage(): Promise<SignInStage> {
  const dir = await mkdtemp(join(tmpdir(), "sign-in-"));
  const clock = setClock();
  const { clientId, clientSecret, redirectUri } = application;
  const fake = await openFakeCloudreve({
    dir,
    port: 0,
    accounts: [alice, { email: "bob@example.com", password: "bob-password", nickname: "Bob" }],
    viewers: [],
    oauthClients: [
      {
        clientId,
        clientSecret,
        name: "Office",
        redirectUris: [redirectUri],
        scopes: [...scopes.split(" "), "Shares.Read", "Shares.Write"],
      },
    ],
    now: clock.now,
  });
  const proxy = await driveProxy(fake.url);
  const store = openMemoryStore(clock.now);
  const encryption = createEncryption([randomBytes(32)]);
  const { now } = clock;
  return {
    fake,
    proxy,
    clock,
    store,
    encryption,
    connect: ({ oauthClient, login } = {}) => {
      const client = new CloudreveClient(proxy.url);
      const mutex = new FileMutex({ store, now });
      const credentials = new Credentials({ store, encryption, client, mutex, now, login });
      const publicUrl = "https://cloud.example.com/";
      const signIn = new CloudreveSignIn({ client, credentials, now, publicUrl, oauthClient });
      const content = new ContentRecord(store);
      const knownVersion = (fileId: string, version: string) => content.known(fileId, version);
      const storageOrigins: string[] = [];
      return {
        drive: cloudreveDrive({
          client,
          credentials,
          signIn,
          store,
          encryption,
          storageOrigins,
          knownVersion,
          now,
        }),
        credentials,
      };
    },
    outside: () => driveAccount(fake.url, alice.email, alice.password),
    signedIn: async ({ drive }) => {
      const outcome = await drive.signIn.byPassword(alice.email, alice.password);
      if (outcome.is !== "signedIn") throw new Error(`Alice could not sign in: ${outcome.is}`);
      // The email is told at the sign-in only.
      const { email, ...account } = outcome.account;
      if (email !== alice.email) throw new Error(`the drive tells another email: ${email}`);
      return account;
    },
    calls: (path = "/") => proxy.seen.filter((request) => request.path.startsWith(`/api/v4${path}`)).length,
    close: async () => {
      await proxy.close();
      await fake.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export const refreshPath = "/session/token/refresh";

/** Answers in place of the drive. */
export function answer(response: ServerResponse, body: unknown, status = 200): true {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  return true;
}

interface Consent {
  readonly code: string;
  readonly codeVerifier: string;
}

/** What the drive's consent page does when the person agrees. */
async function consentTo(person: DriveAccountClient, consentUrl: URL, codeVerifier: string): Promise<Consent> {
  const asked = Object.fromEntries(consentUrl.searchParams);
  const { code, data } = await person.call("POST", "/session/oauth/consent", asked);
  if (code !== 0) throw new Error(`consent: ${code}`);
  return { code: (data as { code: string }).code, codeVerifier };
}

/** Goes where `consentUrl` leads, and agrees. */
export async function consent(
  { drive }: { readonly drive: Drive },
  person: DriveAccountClient,
  redirectUri = application.redirectUri,
): Promise<Consent> {
  const codeVerifier = randomBytes(32).toString("base64url");
  const codeChallenge = createHash("sha256").update(codeVerifier).digest("base64url");
  const url = new URL(drive.signIn.consentUrl({ state: "state-1", nonce: "nonce-1", codeChallenge, redirectUri }));
  return consentTo(person, url, codeVerifier);
}

/** @returns the failure that a call ends in */
export async function failureOf(work: Promise<unknown>): Promise<Failure> {
  try {
    await work;
  } catch (error) {
    if (error instanceof BridgeError) return error.failure;
    throw error;
  }
  throw new Error("it did not fail");
}
