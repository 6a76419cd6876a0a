import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CloudreveClient } from "../../src/cloudreve/client.ts";
import { cloudreveDrive } from "../../src/cloudreve/cloudreveDrive.ts";
import { Credentials } from "../../src/cloudreve/credential.ts";
import { createEncryption } from "../../src/cloudreve/encryption.ts";
import { CloudreveSignIn } from "../../src/cloudreve/signIn.ts";
import { ContentRecord } from "../../src/documents/contentRecord.ts";
import type { Bytes, Drive, DriveDocument, DriveFile } from "../../src/model/drive.ts";
import type { Failure } from "../../src/model/failure.ts";
import { BridgeError } from "../../src/model/failure.ts";
import { FileMutex } from "../../src/model/fileMutex.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { type SetClock, setClock } from "../support/clock.ts";
import { type DriveAccountClient, driveAccount } from "../support/driveAccount.ts";
import { foldersContract } from "./folders.contract.ts";

/** A Cloudreve with one account and a WOPI viewer for docx. */
export interface ContractServer {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  close(): Promise<void>;
}

const hourMs = 3_600_000;

/** What the bridge takes for granted of a drive, whichever server is behind it. */
export function driveContract(openServer: () => Promise<ContractServer>): void {
  const folder = `bridge-contract-${randomBytes(5).toString("hex")}`;
  let server: ContractServer;
  let outside: DriveAccountClient;
  let files = 0;

  beforeAll(async () => {
    server = await openServer();
    outside = await driveAccount(server.url, server.email, server.password);
  });
  afterAll(async () => {
    await outside?.remove(folder);
    await outside?.remove(`${folder}-folders`);
    await server?.close();
  });

  const connect = (password = server.password): { drive: Drive; clock: SetClock } => {
    const clock = setClock();
    const store = openMemoryStore(clock.now);
    const encryption = createEncryption([randomBytes(32)]);
    const client = new CloudreveClient(server.url);
    const login = { email: server.email, password };
    const { now } = clock;
    const credentials = new Credentials({ store, encryption, client, mutex: new FileMutex(), now, login });
    const signIn = new CloudreveSignIn({ client, credentials, now, publicUrl: server.url, oauthClient: undefined });
    const content = new ContentRecord(store);
    const knownVersion = (fileId: string, version: string) => content.known(fileId, version);
    const storageOrigins: string[] = [];
    const editorUrl = server.url;
    const parts = { client, credentials, signIn, store, encryption, storageOrigins, editorUrl, knownVersion, now };
    return { drive: cloudreveDrive(parts), clock };
  };
  const newFile = async (text: string | Buffer, extension = "docx"): Promise<string> => {
    const path = `${folder}/file-${++files}.${extension}`;
    expect(await outside.put(path, text)).toBe(0);
    return path;
  };
  const openFile = async (text: string | Buffer) => {
    const path = await newFile(text);
    const { drive, clock } = connect();
    const account = await drive.account(undefined);
    const opened = await drive.open(account, { target: { uri: outside.uriOf(path) }, action: "edit" });
    await opened.kept;
    return { path, drive, clock, account, document: opened.document, file: opened.file, opened };
  };

  describe("the account", () => {
    it("is named, and needs no end when it has a password", async () => {
      const account = await connect().drive.account(undefined);
      expect(account.userId).toMatch(/^[A-Za-z0-9]+$/);
      expect(account.userName).not.toBe("");
      expect(account.endsAtMs).toBeUndefined();
    });

    it("is refused with a wrong password", async () => {
      expect(await failureOf(connect("not the password").drive.account(undefined))).toEqual({ kind: "signInNeeded" });
    });

    it("of an access token alone ends with the token", async () => {
      const { drive, clock } = connect();
      const account = await drive.account({ accessToken: outside.accessToken });
      expect(account.userId).toBe((await drive.account(undefined)).userId);
      expect(account.endsAtMs).toBeGreaterThan(clock.now());
    });

    it("of an access and a refresh token renews itself after the access token's end", async () => {
      const { drive, clock } = connect();
      const path = await newFile("renewed");
      const account = await drive.account({ accessToken: outside.accessToken, refreshToken: outside.refreshToken });
      expect(account.endsAtMs).toBeUndefined();
      clock.advance(2 * hourMs);
      const opened = await drive.open(account, { target: { uri: outside.uriOf(path) }, action: "view" });
      expect(opened.file.sizeBytes).toBe(7);
    });

    it("is refused for a token that is none, and for one whose signature is not the drive's", async () => {
      const forged = `${outside.accessToken.slice(0, -6)}AAAAAA`;
      expect(await failureOf(connect().drive.account({ accessToken: "garbage" }))).toEqual({ kind: "signInNeeded" });
      expect(await failureOf(connect().drive.account({ accessToken: forged }))).toEqual({ kind: "signInNeeded" });
    });
  });

  describe("open", () => {
    it("reaches one document by its address and by its id", async () => {
      const { drive, account, document, file } = await openFile("one");
      const again = await drive.open(account, { target: { fileId: file.id }, action: "view" });
      expect(again.document).toEqual(document);
      expect(again.file).toEqual(file);
    });

    it("gives the editor's address and the end of the session, some hours ahead", async () => {
      const { opened, clock } = await openFile("one");
      expect(new URL(opened.actionUrl).protocol).toMatch(/^https?:$/);
      expect(opened.expiresAtMs).toBeGreaterThan(clock.now() + hourMs);
    });

    it("says that a file is not there, by address and by id", async () => {
      const { drive } = connect();
      const account = await drive.account(undefined);
      const gone = { target: { uri: outside.uriOf(`${folder}/gone.docx`) }, action: "edit" as const };
      expect(await failureOf(drive.open(account, gone))).toEqual({ kind: "fileMissing" });
      const unknown = { target: { fileId: "zzzzzz" }, action: "edit" as const };
      expect(await failureOf(drive.open(account, unknown))).toEqual({ kind: "fileMissing" });
    });

    it("opens no folder, no extension without an editor, and no unknown viewer", async () => {
      const { drive, account, path } = await openFile("one");
      const strange = await newFile("x", "no-such-extension");
      const edit = (target: string, viewerId?: string) =>
        failureOf(
          drive.open(account, {
            target: { uri: outside.uriOf(target) },
            action: "edit",
            ...(viewerId === undefined ? {} : { viewerId }),
          }),
        );
      expect(await edit(folder)).toMatchObject({ kind: "noEditor" });
      expect(await edit(strange)).toMatchObject({ kind: "noEditor" });
      expect(await edit(path, "no-such-viewer")).toMatchObject({ kind: "noEditor" });
    });

    it("says of a version that is not there that there is no such file", async () => {
      const { drive, account, path } = await openFile("one");
      const request = { target: { uri: outside.uriOf(path) }, action: "view" as const, version: "zzzzzz" };
      expect(await failureOf(drive.open(account, request))).toEqual({ kind: "fileMissing" });
    });
  });

  describe("stat", () => {
    it("tells name, size, version and the time in whole seconds of UTC", async () => {
      const { drive, document, path } = await openFile("twelve bytes");
      const info = await outside.info(path);
      const file = await drive.stat(document);
      expect(file).toMatchObject({ id: info.id, name: info.name, sizeBytes: 12, version: info.primary_entity });
      expect(file.modifiedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      expect(Date.parse(file.modifiedAt)).toBe(Math.floor(Date.parse(info.updated_at) / 1000) * 1000);
    });

    it.each([
      ["for good", true],
      ["into the trash", false],
    ])("says that a file is not there which was deleted %s", async (_name, forGood) => {
      const { drive, document, path } = await openFile("one");
      const removal = { uris: [outside.uriOf(path)], skip_soft_delete: forGood };
      expect((await outside.call("DELETE", "/file", removal)).code).toBe(0);
      expect(await failureOf(drive.stat(document))).toEqual({ kind: "fileMissing" });
      expect(await failureOf(drive.lock(document, tokenFor(document)))).toEqual({ kind: "fileMissing" });
    });
  });

  describe("read", () => {
    const text = "0123456789";
    const read = async (drive: Drive, document: DriveDocument, file: DriveFile, range?: string) => {
      const content = await drive.read(document, file, range, new AbortController().signal);
      const bytes = await buffer(content.body);
      expect(content.lengthBytes).toBe(bytes.length);
      return { ...content, text: bytes.toString() };
    };

    it("gives the bytes and names their version", async () => {
      const { drive, document, file } = await openFile(text);
      const content = await read(drive, document, file);
      expect(content).toMatchObject({ text, sizeBytes: 10, version: file.version, range: undefined });
    });

    it("gives a range, also one counted from the end", async () => {
      const { drive, document, file } = await openFile(text);
      const middle = await read(drive, document, file, "bytes=2-4");
      expect(middle).toMatchObject({ text: "234", sizeBytes: 10, range: { first: 2, last: 4 } });
      const end = await read(drive, document, file, "bytes=-3");
      expect(end).toMatchObject({ text: "789", sizeBytes: 10, range: { first: 7, last: 9 } });
    });

    it("says the size when a range is not in the file", async () => {
      const { drive, document, file } = await openFile(text);
      const reading = drive.read(document, file, "bytes=99-", new AbortController().signal);
      expect(await failureOf(reading)).toEqual({ kind: "rangeInvalid", sizeBytes: 10 });
    });

    it("gives an empty file", async () => {
      const { drive, document, file } = await openFile("");
      expect(await read(drive, document, file)).toMatchObject({ text: "", sizeBytes: 0, version: file.version });
    });

    it("gives a file that was only created, never written, and lets it be filled", async () => {
      const path = `${folder}/created-${++files}.docx`;
      const made = await outside.call("POST", "/file/create", { uri: outside.uriOf(path), type: "file" });
      // Some versions answer 500 although the file was made.
      expect([0, undefined]).toContain(made.code);
      const { drive } = connect();
      const request = { target: { uri: outside.uriOf(path) }, action: "edit" as const };
      const { document, file } = await drive.open(await drive.account(undefined), request);
      expect(await read(drive, document, file)).toMatchObject({ text: "", sizeBytes: 0 });
      const stored = await drive.write(document, file, bytesOf("filled"), { previousVersion: file.version });
      expect(await outside.read(path)).toBe("filled");
      const late = drive.write(document, file, bytesOf("late"), { previousVersion: file.version });
      expect(await failureOf(late)).toEqual({ kind: "changedInStorage" });
      expect((await drive.stat(document)).version).toBe(stored.version);
    });

    it("gives five million bytes unchanged", async () => {
      const bytes = randomBytes(5_000_000);
      const { drive, document, file } = await openFile(bytes);
      const content = await drive.read(document, file, undefined, new AbortController().signal);
      expect((await buffer(content.body)).equals(bytes)).toBe(true);
    });
  });

  describe("addressForEditor", () => {
    const { signal } = new AbortController();
    // Collabora sends the access token of its own session along.
    const headers = { Authorization: "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJncmFudCJ9.c2lnbmF0dXJl" };

    it("leads to this version without any credential, also after the next one was saved", async () => {
      const { path, drive, document, file } = await openFile("first");
      const url = (await drive.addressForEditor(document, file, signal)) ?? "";
      expect(url.startsWith(`${server.url}/api/v4/file/content/${file.version}/`)).toBe(true);
      await outside.put(path, "second");
      for (const answered of [await fetch(url), await fetch(url, { headers, redirect: "manual" })]) {
        expect([answered.status, answered.headers.get("ETag")]).toEqual([200, `"${file.version}"`]);
        expect(await answered.text()).toBe("first");
      }
    });

    it("is none for another file's version, and for a version that was deleted", async () => {
      const { path, drive, document, file } = await openFile("first");
      const other = await openFile("other");
      expect(await drive.addressForEditor(document, { ...file, version: other.file.version }, signal)).toBeUndefined();
      expect(await drive.addressForEditor(document, file, signal)).toBeDefined();
      await outside.put(path, "second");
      expect((await outside.call("DELETE", "/file/version", { uri: file.uri, version: file.version })).code).toBe(0);
      expect(await drive.addressForEditor(document, file, signal)).toBeUndefined();
    });

    it("is for a proxy what follows the place where the drive serves contents", async () => {
      const { path, drive, document, file } = await openFile("first");
      const below = (await drive.addressForProxy(document, file, signal)) ?? "";
      expect(below.startsWith(`${file.version}/`)).toBe(true);
      const answer = await fetch(`${server.url}/api/v4/file/content/${below}`);
      expect([answer.headers.get("ETag"), await answer.text()]).toEqual([`"${file.version}"`, "first"]);
      await outside.put(path, "second");
      expect((await outside.call("DELETE", "/file/version", { uri: file.uri, version: file.version })).code).toBe(0);
      expect(await drive.addressForProxy(document, file, signal)).toBeUndefined();
      expect(await drive.addressForProxy({ ...document, version: file.version }, file, signal)).toBeUndefined();
    });

    it("leads to nothing else for a file that was only created, never written", async () => {
      const uri = outside.uriOf(`${folder}/created-${++files}.docx`);
      await outside.call("POST", "/file/create", { uri, type: "file" });
      const { drive } = connect();
      const { document, file } = await drive.open(await drive.account(undefined), { target: { uri }, action: "edit" });
      const url = await drive.addressForEditor(document, file, signal);
      const answered = url === undefined ? undefined : await fetch(url);
      expect([undefined, ""]).toContain(await answered?.text());
    });
  });

  describe("write", () => {
    it("under the lock replaces the content, and what it returns is what stands there", async () => {
      const { drive, document, file, path } = await openFile("before");
      const token = tokenFor(document);
      await drive.lock(document, token);
      const stored = await drive.write(document, file, bytesOf("after it"), { lockToken: token });
      expect(stored).toEqual(await drive.stat(document));
      expect(stored.version).not.toBe(file.version);
      expect(stored.sizeBytes).toBe(8);
      expect(await outside.read(path)).toBe("after it");
      await drive.unlock(document, token);
    });

    it("under the lock takes three million bytes, and none", async () => {
      const { drive, document, file, path } = await openFile("before");
      const token = tokenFor(document);
      await drive.lock(document, token);
      const big = "x".repeat(3_000_000);
      const first = await drive.write(document, file, bytesOf(big), { lockToken: token });
      expect(await outside.read(path)).toBe(big);
      const second = await drive.write(document, first, bytesOf(""), { lockToken: token });
      expect(second.sizeBytes).toBe(0);
      expect(await outside.read(path)).toBe("");
      await drive.unlock(document, token);
    });

    it("gives equal bytes a version of their own", async () => {
      const { drive, document, file } = await openFile("same");
      const stored = await drive.write(document, file, bytesOf("same"), { previousVersion: file.version });
      expect(stored.version).not.toBe(file.version);
    });

    it("without a lock replaces the version that it names", async () => {
      const { drive, document, file, path } = await openFile("before");
      const stored = await drive.write(document, file, bytesOf("after"), { previousVersion: file.version });
      expect(stored).toEqual(await drive.stat(document));
      expect(await outside.read(path)).toBe("after");
    });

    it("without a lock writes nothing over a version that it does not know", async () => {
      const { drive, document, file, path } = await openFile("before");
      await outside.put(path, "somebody else's");
      const writing = drive.write(document, file, bytesOf("mine"), { previousVersion: file.version });
      expect(await failureOf(writing)).toEqual({ kind: "changedInStorage" });
      expect(await outside.read(path)).toBe("somebody else's");
    });

    it.each([
      ["a small body", 10],
      ["a body larger than any buffer on the way", 6_000_000],
    ])("writes nothing into a file that somebody else has locked: %s", async (_name, sizeBytes) => {
      const { drive, document, file, path } = await openFile("before");
      const release = await lockInCloudreve(outside, path);
      const body = bytesOf("x".repeat(sizeBytes));
      const underLock = drive.write(document, file, body, { lockToken: tokenFor(document) });
      expect(await failureOf(underLock)).toEqual({ kind: "lockedElsewhere", holder: "editor" });
      const without = drive.write(document, file, body, { previousVersion: file.version });
      expect(await failureOf(without)).toEqual({ kind: "lockedElsewhere", holder: "editor" });
      expect(await outside.read(path)).toBe("before");
      await release();
    });
  });

  describe("createBeside", () => {
    it("makes a new file in the same folder, whatever its name holds", async () => {
      const { drive, document, file, path } = await openFile("one");
      const name = `it's 100% #${files} + ü & 文 (x).docx`;
      const made = await drive.createBeside(document, file, name, bytesOf("copy"));
      expect(made.name).toBe(name);
      expect(await outside.read(`${folder}/${name}`)).toBe("copy");
      expect(await outside.read(path)).toBe("one");
    });

    it("takes a name as long as a conflict copy may have", async () => {
      const { drive, document, file } = await openFile("one");
      const name = `${"ä".repeat(112)}x.docx`;
      expect(Buffer.byteLength(name)).toBe(230);
      expect((await drive.createBeside(document, file, name, bytesOf("copy"))).name).toBe(name);
      expect(await outside.read(`${folder}/${name}`)).toBe("copy");
    });

    it("overwrites nothing", async () => {
      const { drive, document, file } = await openFile("one");
      const other = await newFile("two");
      const making = drive.createBeside(document, file, other.slice(folder.length + 1), bytesOf("copy"));
      expect(await failureOf(making)).toEqual({ kind: "nameTaken" });
      expect(await outside.read(other)).toBe("two");
    });
  });

  describe("folders", () => {
    foldersContract(async () => {
      await outside.put(`${folder}-folders/there.docx`, "there");
      const { drive } = connect();
      return { drive, account: await drive.account(undefined), outside, path: `${folder}-folders` };
    }, failureOf);
  });

  describe("lock", () => {
    it("keeps everybody else off until it is given back", async () => {
      const { drive, document, path } = await openFile("one");
      const token = tokenFor(document);
      await drive.lock(document, token);
      expect(await outside.put(path, "two")).toBe(40073);
      expect(await outside.rename(path, "other.docx")).toBe(40073);
      await drive.unlock(document, token);
      expect(await outside.put(path, "two")).toBe(0);
    });

    it("under the same token is a refresh, and one unlock ends it", async () => {
      const { drive, document, path } = await openFile("one");
      const token = tokenFor(document);
      await drive.lock(document, token);
      await drive.lock(document, token);
      await drive.unlock(document, token);
      expect(await outside.put(path, "two")).toBe(0);
    });

    it("can be given back twice, and when it was never taken", async () => {
      const { drive, document } = await openFile("one");
      await drive.unlock(document, tokenFor(document));
      await drive.unlock(document, tokenFor(document));
    });

    it("names Cloudreve's own editor when that holds the file", async () => {
      const { drive, document, path } = await openFile("one");
      const release = await lockInCloudreve(outside, path);
      const token = tokenFor(document);
      expect(await failureOf(drive.lock(document, token))).toEqual({ kind: "lockedElsewhere", holder: "editor" });
      await release();
      await drive.lock(document, token);
      await drive.unlock(document, token);
    });

    it("names an upload when one holds the file, and disturbs nothing of it", async () => {
      const { drive, document, file, path } = await openFile("one");
      const cancel = await startUpload(outside, path);
      const token = tokenFor(document);
      expect(await failureOf(drive.lock(document, token))).toEqual({ kind: "lockedElsewhere", holder: "upload" });
      expect((await drive.stat(document)).version).toBe(file.version);
      await cancel();
      await drive.lock(document, token);
      await drive.unlock(document, token);
    });
  });

  describe("refreshLock", () => {
    /** As the drive's page does that offers to unlock a file. */
    const forceUnlock = async (path: string) => {
      const refused = await outside.call("POST", "/file/rename", { uri: outside.uriOf(path), new_name: "x.docx" });
      const tokens = (refused.data as { token: string }[]).map(({ token }) => token);
      expect((await outside.call("DELETE", "/file/lock", { tokens })).code).toBe(0);
    };

    it("shows the file under a lock that stands, and takes none that does not", async () => {
      const { drive, document, file, path } = await openFile("one");
      const token = tokenFor(document);
      expect(await drive.refreshLock(document, token)).toBeUndefined();
      expect(await outside.put(path, "two")).toBe(0);
      const locked = await drive.lock(document, token);
      expect(locked.version).not.toBe(file.version);
      expect(await drive.refreshLock(document, token)).toEqual(locked);
      await drive.unlock(document, token);
    });

    it("finds a lock lost that its owner has broken, whatever has taken the file's place", async () => {
      const { drive, document, file, path } = await openFile("one");
      const other = await newFile("the other");
      const token = tokenFor(document);
      await drive.lock(document, token);
      await forceUnlock(path);
      const name = path.slice(folder.length + 1);
      expect(await outside.rename(path, `moved-${name}`)).toBe(0);
      expect(await outside.rename(other, name)).toBe(0);
      expect(await drive.refreshLock(document, token)).toBeUndefined();
      expect(await outside.put(path, "the other, still free")).toBe(0);
      const found = await drive.lock(document, token);
      expect(found).toMatchObject({ id: file.id, version: file.version, name: `moved-${name}` });
      await drive.unlock(document, token);
    });
  });

  describe("a file that others rename", () => {
    it("stays the same document: stat, read, lock and write follow it", async () => {
      const { drive, document, file, path } = await openFile("before");
      const renamed = `renamed-${files}.docx`;
      expect(await outside.rename(path, renamed)).toBe(0);
      const now = await drive.stat(document);
      expect(now).toMatchObject({ id: file.id, name: renamed, version: file.version });
      const content = await drive.read(document, now, undefined, new AbortController().signal);
      expect((await buffer(content.body)).toString()).toBe("before");
      const token = tokenFor(document);
      await drive.lock(document, token);
      await drive.write(document, now, bytesOf("after"), { lockToken: token });
      await drive.unlock(document, token);
      expect(await outside.read(`${folder}/${renamed}`)).toBe("after");
    });

    it("is not mistaken for a new file that takes its old place", async () => {
      const { drive, document, path } = await openFile("before");
      const renamed = `renamed-${files}.docx`;
      await outside.rename(path, renamed);
      await outside.put(path, "an impostor");
      const now = await drive.stat(document);
      const token = tokenFor(document);
      await drive.lock(document, token);
      await drive.write(document, now, bytesOf("after"), { lockToken: token });
      await drive.unlock(document, token);
      expect(await outside.read(`${folder}/${renamed}`)).toBe("after");
      expect(await outside.read(path)).toBe("an impostor");
    });
  });

  describe("an old version", () => {
    const openOld = async () => {
      const { path, drive, account, file, clock } = await openFile("the first");
      await outside.put(path, "the second one");
      const opened = await drive.open(account, {
        target: { uri: outside.uriOf(path) },
        action: "view",
        version: file.version,
      });
      return { path, drive, clock, file, opened, account };
    };

    it("is a document of its own, with its own size, version and bytes", async () => {
      const { drive, file, opened } = await openOld();
      expect(opened.document.version).toBe(file.version);
      const old = await drive.stat(opened.document);
      expect(old).toMatchObject({ id: file.id, sizeBytes: 9, version: file.version });
      const content = await drive.read(opened.document, old, undefined, new AbortController().signal);
      expect((await buffer(content.body)).toString()).toBe("the first");
    });

    it("stays as it is when the file is saved again or renamed", async () => {
      const { drive, path, file, opened } = await openOld();
      await outside.put(path, "the third");
      await outside.rename(path, `renamed-${files}.docx`);
      const old = await drive.stat(opened.document);
      expect(old).toMatchObject({ name: `renamed-${files}.docx`, sizeBytes: 9, version: file.version });
      const content = await drive.read(opened.document, old, undefined, new AbortController().signal);
      expect((await buffer(content.body)).toString()).toBe("the first");
    });

    it("that is the current one is the live document", async () => {
      const { drive, account, path } = await openOld();
      const { primary_entity: version } = await outside.info(path);
      const target = { uri: outside.uriOf(path) };
      const opened = await drive.open(account, { target, action: "edit", version });
      expect(opened.document.version).toBeUndefined();
    });
  });

  describe("versions", () => {
    it("lists all that a file was, the newest first, with size and time", async () => {
      const { drive, account, document, file, path } = await openFile("one");
      await outside.put(path, "two two");
      const after = await drive.stat(document);
      const { file: now, versions } = await drive.versions(account.account, document.fileId);
      expect(now).toEqual(after);
      expect(versions.map(({ version, sizeBytes }) => [version, sizeBytes])).toEqual([
        [after.version, 7],
        [file.version, 3],
      ]);
      const [newest = 0, oldest = 0] = versions.map(({ storedAt }) => Date.parse(storedAt));
      expect(newest).toBeGreaterThanOrEqual(oldest);
      expect(newest).toBeLessThan(Date.now() + hourMs);
    });

    it("gives the bytes of each, whole and in part", async () => {
      const { drive, account, document, path } = await openFile("first text");
      await outside.put(path, "second");
      const { file, versions } = await drive.versions(account.account, document.fileId);
      const read = async (at: number, range?: string): Promise<string> => {
        const version = versions[at];
        if (version === undefined) throw new Error(`no version ${at}`);
        const { signal } = new AbortController();
        const content = await drive.readVersion(account.account, file, version, range, signal);
        expect(content.version).toBe(version.version);
        return (await buffer(content.body)).toString();
      };
      expect(await read(0)).toBe("second");
      expect(await read(1)).toBe("first text");
      expect(await read(1, "bytes=6-9")).toBe("text");
    });

    it("are none of a file that was only created, and say when there is no such file", async () => {
      const path = `${folder}/created-${++files}.docx`;
      await outside.call("POST", "/file/create", { uri: outside.uriOf(path), type: "file" });
      const { drive } = connect();
      const { account } = await drive.account(undefined);
      const { versions } = await drive.versions(account, (await outside.info(path)).id);
      expect(versions).toEqual([]);
      expect(await failureOf(drive.versions(account, "zzzzzz"))).toEqual({ kind: "fileMissing" });
      expect(await failureOf(drive.versions(account, (await outside.info(folder)).id))).toEqual({
        kind: "fileMissing",
      });
    });

    it("give nothing of another file's version", async () => {
      const one = await openFile("mine");
      const { drive, account, document } = await openFile("also mine");
      const { file } = await drive.versions(account.account, document.fileId);
      const foreign = { version: one.file.version, sizeBytes: 4, storedAt: file.modifiedAt };
      const reading = drive.readVersion(account.account, file, foreign, undefined, new AbortController().signal);
      expect(await failureOf(reading)).toEqual({ kind: "fileMissing" });
    });
  });

  describe("after the end of an access token that came alone", () => {
    const openAndExpire = async (text: string) => {
      const path = await newFile(text);
      const { drive, clock } = connect();
      const account = await drive.account({ accessToken: outside.accessToken });
      const request = { target: { uri: outside.uriOf(path) }, action: "edit" as const };
      const { document, file, kept } = await drive.open(account, request);
      await kept;
      clock.advance(2 * hourMs);
      return { path, drive, account, document, file, request };
    };

    it("the session still reads, and tells the same as before", async () => {
      const { drive, document, file } = await openAndExpire("before");
      expect(await drive.stat(document)).toEqual(file);
      const content = await drive.read(document, file, undefined, new AbortController().signal);
      expect((await buffer(content.body)).toString()).toBe("before");
      expect(content.version).toBe(file.version);
    });

    it("the session still locks, saves and unlocks", async () => {
      const { drive, document, file, path } = await openAndExpire("before");
      const token = tokenFor(document);
      await drive.lock(document, token);
      expect(await outside.put(path, "no")).toBe(40073);
      const stored = await drive.write(document, file, bytesOf("after"), { lockToken: token });
      expect(stored.version).toBe((await outside.info(path)).primary_entity);
      await drive.unlock(document, token);
      expect(await outside.read(path)).toBe("after");
    });

    it("the session still saves without a lock, and leaves none behind", async () => {
      const { drive, document, file, path } = await openAndExpire("before");
      const stored = await drive.write(document, file, bytesOf("after"), { previousVersion: file.version });
      expect(stored.version).toBe((await outside.info(path)).primary_entity);
      expect(await outside.read(path)).toBe("after");
      expect(await outside.put(path, "and theirs")).toBe(0);
    });

    it("the session still does not save over a version that it does not know: it may be another file's", async () => {
      const { drive, document, file, path } = await openAndExpire("before");
      await outside.put(path, "somebody else's");
      const writing = drive.write(document, file, bytesOf("mine"), { previousVersion: file.version });
      expect(await failureOf(writing)).toEqual({ kind: "fileUnproven" });
      expect(await outside.read(path)).toBe("somebody else's");
      expect(await outside.put(path, "and theirs")).toBe(0);
    });

    it("nothing new can be opened", async () => {
      const { drive, account, request } = await openAndExpire("before");
      expect(await failureOf(drive.open(account, request))).toEqual({ kind: "signInNeeded" });
    });
  });
}

/** @returns the failure that a call must end in */
async function failureOf(work: Promise<unknown>): Promise<Failure> {
  try {
    await work;
  } catch (error) {
    if (error instanceof BridgeError) return error.failure;
    throw error;
  }
  throw new Error("the call should have been refused");
}

function bytesOf(text: string): Bytes {
  const bytes = Buffer.from(text);
  return { sizeBytes: bytes.length, open: () => Readable.from([bytes]) };
}

function tokenFor(document: DriveDocument): string {
  return `${document.fileId}.${randomBytes(12).toString("hex")}`;
}

/** Opens and locks the file as Cloudreve's own web page would. @returns how to give the lock back */
async function lockInCloudreve(outside: DriveAccountClient, path: string): Promise<() => Promise<void>> {
  const { data: config } = await outside.call("GET", "/site/config/explorer");
  const { file_viewers: groups } = config as {
    file_viewers: { viewers: { id: string; type: string; exts: string[] }[] }[];
  };
  const viewer = groups.flatMap(({ viewers }) => viewers).find((v) => v.type === "wopi" && v.exts.includes("docx"));
  const { data } = await outside.call("PUT", "/file/viewerSession", {
    uri: outside.uriOf(path),
    viewer_id: viewer?.id,
    preferred_action: "edit",
  });
  const { session } = data as { session: { access_token: string } };
  const { id } = await outside.info(path);
  const lockId = `web-${randomBytes(8).toString("hex")}`;
  const call = async (override: string) => {
    const answered = await outside.native(id, session.access_token, override, lockId);
    expect(answered).toBe(200);
  };
  await call("LOCK");
  return () => call("UNLOCK");
}

/** Begins to upload a new version without sending it. @returns how to cancel */
async function startUpload(outside: DriveAccountClient, path: string): Promise<() => Promise<void>> {
  const folder = path.slice(0, path.lastIndexOf("/"));
  const listed = await outside.call("GET", `/file?uri=${encodeURIComponent(outside.uriOf(folder))}&page_size=10`);
  const { storage_policy: policy } = listed.data as { storage_policy?: { id: string } };
  const uri = outside.uriOf(path);
  const begun = await outside.call("PUT", "/file/upload", {
    uri,
    size: 5,
    policy_id: policy?.id,
    entity_type: "version",
  });
  expect(begun.code).toBe(0);
  const { session_id: id } = begun.data as { session_id: string };
  return async () => {
    expect((await outside.call("DELETE", "/file/upload", { id, uri })).code).toBe(0);
  };
}
