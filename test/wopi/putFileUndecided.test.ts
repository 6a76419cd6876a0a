import { generateKeyPairSync, sign } from "node:crypto";
import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { rightWhenItCame } from "../../src/documents/undecidedSave.ts";
import { requireKnownProof } from "../../src/wopi/proofKey.ts";
import { type SavingEditor, savingEditor } from "../support/savingEditor.ts";
import { until } from "../support/until.ts";
import { collabora, type WopiClient } from "../support/wopiClient.ts";

const minuteMs = 60_000;
let editor: SavingEditor;
beforeEach(async () => {
  editor = await savingEditor({ store: "file" });
});
afterEach(() => editor.close());

const storePath = () => join(editor.bridge.dir, "bridge.db");
async function storeAway(client: WopiClient): Promise<void> {
  await rename(storePath(), `${storePath()}.away`);
  // The bridge looks once a second whether the file is still there, and with every call once it was not.
  editor.bridge.clock.advance(1_000);
  expect((await client.getLock()).status).toBe(503);
}
const storeBack = () => rename(`${storePath()}.away`, storePath());
const spooled = async () => (await readdir(editor.bridge.spoolDir)).filter((name) => !name.startsWith("."));
const logged = (text: string) => editor.bridge.logLines.filter(({ msg }) => String(msg).includes(text));

describe("an exit save that comes while the store is away", () => {
  it.each([
    ["Collabora's", "X-COOL-WOPI"],
    ["ONLYOFFICE's", "X-LOOL-WOPI"],
  ])("is kept, and goes into the document when the store is back: %s", async (_whose, prefix) => {
    const { client, path, timestamp, folder } = await editor.openAndLock("A");
    await storeAway(client);
    const headers = { [`${prefix}-IsExitSave`]: "true", [`${prefix}-Timestamp`]: timestamp };
    expect((await client.put("the last words", "A", headers)).status).toBe(503);
    expect(await spooled()).toEqual([expect.stringMatching(/\.undecided$/)]);
    expect(await editor.bridge.alice.read(path)).toBe("before");
    await storeBack();
    expect(await editor.bridge.bridge.replay()).toBe(0);
    expect(await editor.bridge.alice.read(path)).toBe("the last words");
    expect((await editor.bridge.alice.list(folder)).length).toBe(1);
    expect(await spooled()).toEqual([]);
  });

  it("is kept over a restart of the bridge", async () => {
    const { client, path, timestamp } = await editor.openAndLock("A");
    await storeAway(client);
    await client.put("the last words", "A", collabora({ timestamp, exitSave: true }));
    await storeBack();
    await editor.bridge.restart();
    await until("it is placed", async () => (await editor.bridge.alice.read(path)) === "the last words");
    await until("it is gone", async () => (await spooled()).length === 0);
  });

  it("becomes a copy when somebody has saved into the document meanwhile", async () => {
    const { client, path, timestamp, folder } = await editor.openAndLock("A");
    await client.unlock("A");
    await storeAway(client);
    await client.put("the last words", "A", collabora({ timestamp, exitSave: true }));
    editor.bridge.clock.advance(minuteMs);
    expect(await editor.bridge.alice.put(path, "a stranger's")).toBe(0);
    await storeBack();
    expect(await editor.bridge.bridge.replay()).toBe(0);
    expect(await editor.bridge.alice.read(path)).toBe("a stranger's");
    const copy = (await editor.bridge.alice.list(folder)).find((name) => name.includes("conflict"));
    expect(await editor.bridge.alice.read(`${folder}/${copy}`)).toBe("the last words");
  });

  it("is judged by the rights of when it came: revoked afterwards it goes in, before it goes beside", async () => {
    for (const isRevokedBefore of [false, true]) {
      const { client, path, timestamp, folder } = await editor.openAndLock("A");
      if (isRevokedBefore) await editor.bridge.endSession(client.session.id);
      await storeAway(client);
      editor.bridge.clock.advance(minuteMs);
      await client.put("the last words", "A", collabora({ timestamp, exitSave: true }));
      await storeBack();
      editor.bridge.clock.advance(minuteMs);
      if (!isRevokedBefore) await editor.bridge.endSession(client.session.id);
      expect(await editor.bridge.bridge.replay()).toBe(0);
      expect(await editor.bridge.alice.read(path)).toBe(isRevokedBefore ? "before" : "the last words");
      expect((await editor.bridge.alice.list(folder)).length).toBe(isRevokedBefore ? 2 : 1);
    }
  });

  it("of somebody who may only view goes nowhere, and the log says so", async () => {
    const { client, path, folder } = await editor.openNew("before", { action: "view" });
    await client.get();
    await storeAway(await editor.bridge.open(path));
    expect((await client.put("smuggled", "A", collabora({ exitSave: true }))).status).toBe(503);
    await storeBack();
    expect(await editor.bridge.bridge.replay()).toBe(0);
    expect(await editor.bridge.alice.list(folder)).toEqual(["Report.docx"]);
    expect(await editor.bridge.alice.read(path)).toBe("before");
    expect(logged("a save was dropped").length).toBe(1);
    expect(await spooled()).toEqual([]);
  });

  it("of a session whose token has just run out is taken, of one long ago not", async () => {
    const { client, path, timestamp, folder } = await editor.openAndLock("A");
    await storeAway(client);
    editor.bridge.clock.advance(client.session.access_token_ttl - editor.bridge.clock.now() + 2 * minuteMs);
    await client.put("just late", "A", collabora({ timestamp, exitSave: true }));
    expect((await spooled()).length).toBe(1);
    editor.bridge.clock.advance(10 * minuteMs);
    await client.put("far too late", "A", collabora({ timestamp, exitSave: true }));
    expect((await spooled()).length).toBe(1);
    await storeBack();
    expect(await editor.bridge.bridge.replay()).toBe(0);
    expect(await editor.bridge.alice.read(path)).toBe("before");
    expect((await editor.bridge.alice.list(folder)).length).toBe(2);
  });

  it.each([
    ["no exit save", (client: WopiClient) => client.put("again", "A", collabora({ autosave: true })), 503],
    [
      "a token of somebody else's making",
      (client: WopiClient) =>
        fetch(`${client.src}/contents?access_token=${client.session.access_token.slice(0, -4)}AAAA`, {
          method: "POST",
          headers: { "X-WOPI-Override": "PUT", "X-COOL-WOPI-IsExitSave": "true" },
          body: "forged",
        }),
      401,
    ],
    [
      "a token for another file",
      (client: WopiClient) =>
        fetch(`${client.src}x/contents?access_token=${client.session.access_token}`, {
          method: "POST",
          headers: { "X-WOPI-Override": "PUT", "X-COOL-WOPI-IsExitSave": "true" },
          body: "elsewhere",
        }),
      503,
    ],
  ])("is the only thing that is: %s leaves nothing", async (_what, send, status) => {
    const { client } = await editor.openAndLock("A");
    await storeAway(client);
    expect((await send(client)).status).toBe(status);
    expect(await spooled()).toEqual([]);
    await storeBack();
  });

  it("is one per session: a newer takes the place of the older, and what repeats itself fills no disk", async () => {
    const { client, path, timestamp } = await editor.openAndLock("A");
    await storeAway(client);
    for (const text of ["first", "second", "third"]) {
      editor.bridge.clock.advance(1000);
      await client.put(text, "A", collabora({ timestamp, exitSave: true }));
    }
    expect((await spooled()).length).toBe(1);
    await storeBack();
    expect(await editor.bridge.bridge.replay()).toBe(0);
    expect(await editor.bridge.alice.read(path)).toBe("third");
  });
});

describe("the proof of a save that nobody could be asked about", () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const { n = "", e = "" } = publicKey.export({ format: "jwk" });
  const standard = (text: string) => Buffer.from(text, "base64url").toString("base64");
  const keys = {
    actions: [],
    proofKey: { modulus: standard(n), exponent: standard(e) },
    oldProofKey: undefined,
    fetchedAtMs: 0,
  };
  const keyless = { actions: [], proofKey: undefined, oldProofKey: undefined, fetchedAtMs: 0 };
  const nowMs = Date.UTC(2026, 10, 21);
  const timestamp = BigInt(nowMs) * 10_000n + 621_355_968_000_000_000n;
  const url = "https://office.example/wopi/files/f1/contents?access_token=t";
  const part = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(timestamp);
  const signed = Buffer.concat([part(Buffer.from("t")), part(Buffer.from(url.toUpperCase())), part(time)]);
  const proof = sign("RSA-SHA256", signed, privateKey).toString("base64");
  const given = { accessToken: "t", url, timestamp: String(timestamp), proof, proofOld: undefined };
  const unsigned = { ...given, proof: undefined };

  it.each([
    ["signed, by an editor that is known", [keys], "required", given, true],
    ["not signed", [keys], "required", unsigned, false],
    ["not signed, though its editor offers keys", [keys], "offered", unsigned, false],
    ["not signed, and one of the editors has no keys", [keys, keyless], "offered", unsigned, true],
    ["not signed, and nothing is known of the editor", [undefined], "offered", unsigned, true],
    ["signed, and nothing is known of the editor", [undefined], "required", given, false],
    ["not signed, without any editor", [], "offered", unsigned, true],
    ["not signed, where nobody must", [keys], "off", unsigned, true],
  ] as const)("%s", (_what, known, mode, call, isTaken) => {
    const check = () => requireKnownProof({ known: () => known }, mode, call, nowMs);
    if (isTaken) expect(check).not.toThrow();
    else expect(check).toThrow("proofInvalid");
  });
});

describe("the right of a save at the moment it came", () => {
  const grant = { permission: "edit" as const, expiresAtMs: 100 * minuteMs };
  it.each([
    ["edit", grant, 99, "edit"],
    ["edit, revoked later", { ...grant, revokedAtMs: 51 * minuteMs }, 50, "edit"],
    ["edit, revoked just before", { ...grant, revokedAtMs: 50 * minuteMs }, 50, "justEnded"],
    ["edit, revoked long before", { ...grant, revokedAtMs: 45 * minuteMs }, 50, "none"],
    ["edit, just expired", grant, 104, "justEnded"],
    ["edit, long expired", grant, 105, "none"],
    ["view", { ...grant, permission: "view" as const }, 50, "none"],
    ["no longer edit", { ...grant, permission: "view" as const, lostEditingAtMs: 48 * minuteMs }, 50, "justEnded"],
    ["no longer edit, for long", { ...grant, permission: "view" as const, lostEditingAtMs: 45 * minuteMs }, 50, "none"],
    [
      "edit, turned to view later",
      { ...grant, permission: "view" as const, lostEditingAtMs: 51 * minuteMs },
      50,
      "edit",
    ],
  ] as const)("%s", (_what, rights, minute, expected) => {
    expect(rightWhenItCame(rights, minute * minuteMs)).toBe(expected);
  });
});
