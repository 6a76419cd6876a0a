import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CloudreveClient } from "../../src/cloudreve/client.ts";
import { cloudreveDrive } from "../../src/cloudreve/cloudreveDrive.ts";
import { Credentials } from "../../src/cloudreve/credential.ts";
import { createEncryption } from "../../src/cloudreve/encryption.ts";
import { CloudreveSignIn } from "../../src/cloudreve/signIn.ts";
import type { Drive } from "../../src/model/drive.ts";
import { FileMutex } from "../../src/model/fileMutex.ts";
import { type FakeCloudreve, openFakeCloudreve } from "../../src/sandbox/fakeCloudreve/fakeCloudreve.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { setClock } from "../support/clock.ts";
import { type DriveAccountClient, driveAccount } from "../support/driveAccount.ts";
import { type DriveProxy, driveProxy } from "../support/driveProxy.ts";

const email = "owner@example.com";
const password = "owner-password";
const viewer = (id: string, exts = ["docx"]) => ({
  id,
  type: "wopi" as const,
  display_name: id,
  exts,
  wopi_actions: Object.fromEntries(exts.map((ext) => [ext, { edit: `http://127.0.0.1:9/${id}?` }])),
});

describe("the viewers that an administrator has set up in Cloudreve", () => {
  const clock = setClock();
  let dir: string;
  let fake: FakeCloudreve;
  let proxy: DriveProxy;
  let owner: DriveAccountClient;
  let drive: Drive;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "viewers-"));
    const accounts = [{ email, password, nickname: "Owner" }];
    fake = await openFakeCloudreve({ dir, port: 0, accounts, viewers: [] });
    proxy = await driveProxy(fake.url);
    owner = await driveAccount(fake.url, email, password);
    for (const name of ["a.docx", "a.odt"]) await owner.put(name, "text");
    const store = openMemoryStore(clock.now);
    const encryption = createEncryption([randomBytes(32)]);
    const client = new CloudreveClient(proxy.url);
    const { now } = clock;
    const mutex = new FileMutex();
    const credentials = new Credentials({ store, encryption, client, mutex, now, login: { email, password } });
    const signIn = new CloudreveSignIn({ client, credentials, now, publicUrl: fake.url, oauthClient: undefined });
    const knownVersion = async () => undefined;
    drive = cloudreveDrive({ client, credentials, signIn, store, encryption, storageOrigins: [], knownVersion, now });
  });
  afterAll(async () => {
    await proxy.close();
    await fake.close();
    await rm(dir, { recursive: true, force: true });
  });

  const open = async (name: string, viewerId?: string): Promise<string> => {
    const asked = viewerId === undefined ? {} : { viewerId };
    const account = await drive.account(undefined);
    const opened = await drive.open(account, { target: { uri: owner.uriOf(name) }, action: "edit", ...asked });
    return new URL(opened.actionUrl).pathname;
  };
  /** How often the list was read meanwhile. */
  const readings = async (work: () => Promise<unknown>): Promise<number> => {
    proxy.seen.length = 0;
    await work();
    return proxy.seen.filter(({ path }) => path.includes("/site/config/explorer")).length;
  };

  it("are read once for the documents that are opened within a minute", async () => {
    fake.setViewers([viewer("first")]);
    expect(await open("a.docx")).toBe("/first");
    expect(await readings(() => open("a.docx"))).toBe(0);
    clock.advance(61_000);
    expect(await readings(() => open("a.docx"))).toBe(1);
  });

  it("open documents at once after they were imported anew, under another id", async () => {
    fake.setViewers([viewer("second")]);
    expect(await open("a.docx")).toBe("/second");
  });

  it("open at once what a viewer is added for", async () => {
    fake.setViewers([viewer("second"), viewer("for odt", ["odt"])]);
    expect(await open("a.odt", "for odt")).toBe("/for%20odt");
  });

  it("open nothing from the moment on that they are switched off", async () => {
    fake.setViewers([{ ...viewer("second"), disabled: true }]);
    await expect(open("a.docx")).rejects.toMatchObject({ failure: { kind: "noEditor" } });
    await expect(open("a.docx", "second")).rejects.toMatchObject({ failure: { kind: "noEditor" } });
  });
});
