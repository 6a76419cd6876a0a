import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CloudreveClient } from "../../src/cloudreve/client.ts";
import { cloudreveDrive } from "../../src/cloudreve/cloudreveDrive.ts";
import { Credentials } from "../../src/cloudreve/credential.ts";
import { createEncryption } from "../../src/cloudreve/encryption.ts";
import { CloudreveSignIn } from "../../src/cloudreve/signIn.ts";
import { ContentRecord } from "../../src/documents/contentRecord.ts";
import type { Drive, DriveAccount, DriveEntry } from "../../src/model/drive.ts";
import { FileMutex } from "../../src/model/fileMutex.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { type SetClock, setClock } from "../support/clock.ts";
import { type DriveAccountClient, driveAccount } from "../support/driveAccount.ts";
import type { ContractServer } from "./drive.contract.ts";
import { consent, failureOf } from "./signInStage.ts";

/** An application that is registered at the server, with the scopes that the bridge asks for. */
interface ContractApplication {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
}

export interface AccountServer extends ContractServer {
  readonly application?: ContractApplication;
}

const hourMs = 3_600_000;
const day = 24 * hourMs;

/**
 * What the bridge takes for granted of people and their folders, whichever server is behind it.
 * @param hasApplication whether the server comes with an OAuth application
 */
export function accountContract(hasApplication: boolean, openServer: () => Promise<AccountServer>): void {
  const folder = `bridge-accounts-${randomBytes(5).toString("hex")}`;
  let server: AccountServer;
  let outside: DriveAccountClient;

  beforeAll(async () => {
    server = await openServer();
    outside = await driveAccount(server.url, server.email, server.password);
    await outside.put(`${folder}/b.docx`, "second");
    await outside.put(`${folder}/a.docx`, "first");
    await outside.put(`${folder}/c folder/inside.txt`, "inside");
  });
  afterAll(async () => {
    await outside?.remove(folder);
    await server?.close();
  });

  const connect = (): { drive: Drive; clock: SetClock } => {
    const clock = setClock();
    const { now } = clock;
    const store = openMemoryStore(now);
    const encryption = createEncryption([randomBytes(32)]);
    const client = new CloudreveClient(server.url);
    const credentials = new Credentials({ store, encryption, client, mutex: new FileMutex(), now, login: undefined });
    const publicUrl = server.url;
    const signIn = new CloudreveSignIn({ client, credentials, now, publicUrl, oauthClient: server.application });
    const content = new ContentRecord(store);
    const knownVersion = (fileId: string, version: string) => content.known(fileId, version);
    const storageOrigins: string[] = [];
    return {
      drive: cloudreveDrive({ client, credentials, signIn, store, encryption, storageOrigins, knownVersion, now }),
      clock,
    };
  };
  const signedIn = async (drive: Drive): Promise<DriveAccount> => {
    const outcome = await drive.signIn.byPassword(server.email, server.password);
    if (outcome.is !== "signedIn") throw new Error(`the password did not sign in: ${outcome.is}`);
    return outcome.account;
  };

  describe("a password", () => {
    it("signs in, and the account outlives its access token", async () => {
      const { drive, clock } = connect();
      const account = await signedIn(drive);
      const { email, ...lasting } = account;
      expect(email).toBe(server.email);
      expect(lasting).toMatchObject({ account: `person:${account.userId}`, endsAtMs: undefined });
      expect(account.userName).not.toBe("");
      clock.advance(2 * hourMs);
      expect(await drive.accountNamed(account.account)).toEqual(lasting);
    });

    it("that is wrong is refused, as is an unknown address and a second step that is nobody's", async () => {
      const { signIn } = connect().drive;
      expect(await signIn.byPassword(server.email, "not the password")).toEqual({ is: "refused" });
      expect(await signIn.byPassword("nobody@example.com", "not the password")).toEqual({ is: "refused" });
      expect(await signIn.byPassword("no address", "not the password")).toEqual({ is: "refused" });
      expect(await signIn.bySecondFactor("nobody's", "123456")).toEqual({ is: "refused" });
    });
  });

  describe("an account", () => {
    it("is kept alive by a renewal a day", async () => {
      const { drive, clock } = connect();
      const { account } = await signedIn(drive);
      clock.advance(day);
      await drive.keepAlive(account);
      expect((await drive.accountNamed(account)).account).toBe(account);
    });

    it("ends when the person signs out everywhere, and is told as that", async () => {
      const person = await driveAccount(server.url, server.email, server.password);
      const { drive, clock } = connect();
      const { accessToken, refreshToken } = person;
      const { account } = await drive.account({ accessToken, refreshToken });
      expect((await person.call("DELETE", "/session/token", { refresh_token: refreshToken })).code).toBe(0);
      clock.advance(day);
      expect(await failureOf(drive.keepAlive(account))).toEqual({ kind: "signInNeeded" });
      expect(await failureOf(drive.accountNamed(account))).toEqual({ kind: "signInNeeded" });
    });
  });

  describe("find", () => {
    it("names a file by its address and by its id", async () => {
      const { drive } = connect();
      const { account } = await signedIn(drive);
      const file = await drive.find(account, { uri: outside.uriOf(`${folder}/a.docx`) });
      expect(file).toMatchObject({ name: "a.docx", sizeBytes: 5 });
      expect(await drive.find(account, { fileId: file.id })).toEqual(file);
    });

    it("does not find folders, the root, what is missing, what is no address, and shares of nobody", async () => {
      const { drive } = connect();
      const { account } = await signedIn(drive);
      const addresses = [folder, `${folder}/missing.docx`].map((path) => outside.uriOf(path));
      for (const uri of [...addresses, "cloudreve://my", "cloudreve://nothing@share/a.docx", "nonsense", ""]) {
        expect(await failureOf(drive.find(account, { uri })), uri).toEqual({ kind: "fileMissing" });
      }
      expect(await failureOf(drive.find(account, { fileId: "nonsense" }))).toEqual({ kind: "fileMissing" });
    });

    it("does not find what has been moved to the trash", async () => {
      await outside.put(`${folder}/trashed.docx`, "x");
      const { id } = await outside.info(`${folder}/trashed.docx`);
      const uri = outside.uriOf(`${folder}/trashed.docx`);
      expect((await outside.call("DELETE", "/file", { uris: [uri] })).code).toBe(0);
      const { drive } = connect();
      const { account } = await signedIn(drive);
      expect(await failureOf(drive.find(account, { fileId: id }))).toEqual({ kind: "fileMissing" });
      expect(await failureOf(drive.find(account, { uri }))).toEqual({ kind: "fileMissing" });
    });
  });

  describe("list", () => {
    const all = async (drive: Drive, account: string, path: string): Promise<DriveEntry[]> => {
      const entries: DriveEntry[] = [];
      let next: string | undefined;
      do {
        const page = await drive.list(account, outside.uriOf(path), next);
        entries.push(...page.entries);
        next = page.next;
      } while (next !== undefined);
      return entries;
    };

    it("shows folders first, then files, by name", async () => {
      const { drive } = connect();
      const { account } = await signedIn(drive);
      const { entries, next } = await drive.list(account, outside.uriOf(folder));
      expect(entries.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
        "folder c folder",
        "file a.docx",
        "file b.docx",
      ]);
      expect(next).toBeUndefined();
      const file = await drive.find(account, { uri: outside.uriOf(`${folder}/a.docx`) });
      expect(entries[1]).toEqual({ kind: "file", ...file });
    });

    it("begins at the account's root, and goes on with the addresses it has given", async () => {
      const { drive } = connect();
      const { account } = await signedIn(drive);
      const step = async (entries: readonly DriveEntry[], name: string) => {
        const found = entries.find((entry) => entry.name === name);
        return (await drive.list(account, found?.uri)).entries;
      };
      const below = await step((await drive.list(account)).entries, folder);
      expect((await step(below, "c folder")).map(({ name }) => name)).toEqual(["inside.txt"]);
    });

    it("refuses what is no folder of the account's own, and a cursor that is none", async () => {
      const { drive } = connect();
      const { account } = await signedIn(drive);
      const missing = [`${folder}/missing`, `${folder}/a.docx`].map((path) => outside.uriOf(path));
      for (const uri of [...missing, "cloudreve://trash", "cloudreve://nothing@share", "nonsense", ""]) {
        expect(await failureOf(drive.list(account, uri)), uri).toEqual({ kind: "fileMissing" });
      }
      const cursor = drive.list(account, outside.uriOf(folder), "nonsense");
      expect(await failureOf(cursor)).toEqual({ kind: "fileMissing" });
    });

    it.each([
      [99, 3],
      [100, 1],
      [100, 3],
      [101, 3],
    ])("loses no document among %i folders and %i files, whatever their names and ages", async (folders, files) => {
      const path = `${folder}/many-${folders}-${files}`;
      const { drive } = connect();
      const { account } = await signedIn(drive);
      const expected: string[] = [];
      const make = async (type: "file" | "folder", name: string) => {
        expected.push(name);
        await outside.call("POST", "/file/create", { uri: outside.uriOf(`${path}/${name}`), type });
      };
      // Names before and after those of the folders, ages too.
      for (const name of ["a.txt", "n.txt", "z.txt"].slice(0, files)) await make("file", name);
      for (let index = 0; index < folders; index += 1) await make("folder", `m-${index}`);
      const seen = (await all(drive, account, path)).map(({ name }) => name);
      expect(seen.sort()).toEqual(expected.sort());
    });
  });

  if (!hasApplication) return;

  describe("OAuth", () => {
    it("signs a person in under the name that the password has, and reaches the documents", async () => {
      const { drive, clock } = connect();
      expect(await drive.signIn.ways()).toEqual({ oauth: true, password: false });
      const { code, codeVerifier } = await consent({ drive }, outside, server.application?.redirectUri);
      const account = await drive.signIn.byCode(code, codeVerifier);
      expect(account).toEqual(await signedIn(connect().drive));
      const uri = outside.uriOf(`${folder}/a.docx`);
      expect((await drive.find(account.account, { uri })).name).toBe("a.docx");
      const opened = await drive.open(account, { target: { uri }, action: "edit" });
      expect((await drive.stat(opened.document)).sizeBytes).toBe(5);
      clock.advance(day);
      await drive.keepAlive(account.account);
      const { email: _told, ...lasting } = account;
      expect(await drive.accountNamed(account.account)).toEqual(lasting);
    });

    it("refuses a code twice, and a code with another verifier", async () => {
      const { drive } = connect();
      const first = await consent({ drive }, outside, server.application?.redirectUri);
      await drive.signIn.byCode(first.code, first.codeVerifier);
      expect(await failureOf(drive.signIn.byCode(first.code, first.codeVerifier))).toEqual({ kind: "signInNeeded" });
      const second = await consent({ drive }, outside, server.application?.redirectUri);
      expect(await failureOf(drive.signIn.byCode(second.code, "another"))).toEqual({ kind: "signInNeeded" });
    });

    it("ends when the person takes the grant back", async () => {
      const { drive, clock } = connect();
      const { code, codeVerifier } = await consent({ drive }, outside, server.application?.redirectUri);
      const { account } = await drive.signIn.byCode(code, codeVerifier);
      const grant = `/session/oauth/grant/${server.application?.clientId}`;
      expect((await outside.call("DELETE", grant)).code).toBe(0);
      clock.advance(day);
      expect(await failureOf(drive.keepAlive(account))).toEqual({ kind: "signInNeeded" });
      expect(await failureOf(drive.find(account, { uri: outside.uriOf(folder) }))).toEqual({ kind: "signInNeeded" });
    });
  });
}
