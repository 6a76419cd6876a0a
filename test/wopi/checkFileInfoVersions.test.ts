import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cleanName } from "../../src/model/personName.ts";
import { type OperationsStage, operationsStage } from "../support/operationsStage.ts";
import { collabora, type WopiClient } from "../support/wopiClient.ts";

const info = async (client: WopiClient): Promise<Record<string, unknown>> => {
  const answer = await client.check();
  expect(answer.status, answer.text).toBe(200);
  return answer.json();
};

describe("a document, as CheckFileInfo tells of it", () => {
  let bridge: OperationsStage;
  let documents = 0;
  beforeAll(async () => {
    bridge = await operationsStage();
  });
  afterAll(() => bridge.close());

  const openNew = async (more: Record<string, unknown> = {}, text = "some text", name = `doc-${++documents}.docx`) => {
    expect(await bridge.alice.put(name, text)).toBe(0);
    return { name, client: await bridge.open(name, more) };
  };

  describe("version and time", () => {
    const text = (tag: number) => `content number ${tag}`;

    it("move with each save, and are the same in every answer", async () => {
      const { client } = await openNew();
      const before = await info(client);
      expect((await client.get()).header("x-wopi-itemversion")).toBe(before["Version"]);
      await client.lock("v");
      const seen = new Set([before["Version"]]);
      for (const tag of [1, 2, 3]) {
        const saved = await client.put(text(tag), "v");
        const after = await info(client);
        expect(saved.header("x-wopi-itemversion")).toBe(after["Version"]);
        expect(saved.json()["LastModifiedTime"]).toBe(after["LastModifiedTime"]);
        expect((await client.get()).header("x-wopi-itemversion")).toBe(after["Version"]);
        expect(seen).not.toContain(after["Version"]);
        seen.add(after["Version"]);
      }
      await client.unlock("v");
    });

    it("stand still while only locks move", async () => {
      const { client } = await openNew();
      const before = await info(client);
      for (const call of [
        () => client.lock("a"),
        () => client.refresh("a"),
        () => client.relock("a", "b"),
        () => client.unlock("b"),
      ]) {
        const answer = await call();
        expect(answer.header("x-wopi-itemversion")).toBe(before["Version"]);
        const after = await info(client);
        expect(after["Version"]).toBe(before["Version"]);
        expect(after["LastModifiedTime"]).toBe(before["LastModifiedTime"]);
      }
    });

    it("the time is UTC in whole seconds, and for each reader the same", async () => {
      const { client, name } = await openNew();
      const { LastModifiedTime } = await info(client);
      expect(LastModifiedTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.0{7}Z$/);
      const reader = await bridge.open(name, { action: "view", user: { id: "r", name: "R" } });
      expect((await info(reader))["LastModifiedTime"]).toBe(LastModifiedTime);
    });
  });

  describe("names", () => {
    const names = [
      "it's (1) & co; ~a=b, [x] {y} ^`!$@.docx",
      "100% #1 + 50%41.docx",
      "a%2Fb%2e%2e.docx",
      "a+b c.docx",
      "emoji 😀🏳️‍🌈.docx",
      "تقرير ٢٠٢٦ עברית.docx",
      "文書 ユニコード.docx",
      "nfd e\u0301 and nfc \u00e9.docx",
      ".leading dot.docx",
      "  blanks  inside .docx",
      `${"ä".repeat(112)}.docx`,
    ];

    it.each(names)("%s is shown, read, locked, saved and read back", async (name) => {
      expect(await bridge.alice.put(name, "first")).toBe(0);
      const client = await bridge.open(name, { user: { id: "n", name } });
      expect(await info(client)).toMatchObject({
        BaseFileName: name,
        UserFriendlyName: cleanName(name),
        FileExtension: ".docx",
      });
      expect((await client.get()).text).toBe("first");
      expect((await client.lock("name")).status).toBe(200);
      expect((await client.put("second", "name")).status).toBe(200);
      expect((await client.unlock("name")).status).toBe(200);
      expect(await bridge.alice.read(name)).toBe("second");
    });

    it("an upper-case extension finds its editor", async () => {
      const { client } = await openNew({}, "x", "SHOUTING.DOCX");
      expect((await info(client))["FileExtension"]).toBe(".DOCX");
    });
  });

  describe("an old version", () => {
    const openOld = async (more: Record<string, unknown> = {}) => {
      const { name, client: live } = await openNew({}, "the first");
      const { primary_entity: version } = await bridge.alice.info(name);
      await bridge.alice.put(name, "the second one");
      return { name, live, version, old: await bridge.open(name, { version, action: "view", ...more }) };
    };

    it("is another document to editors, with its own version, size and bytes", async () => {
      const { live, old, version } = await openOld();
      expect(old.src).not.toBe(live.src);
      expect(await info(old)).toMatchObject({ Version: version, Size: 9 });
      expect((await old.get()).text).toBe("the first");
      expect((await old.get()).header("x-wopi-itemversion")).toBe(version);
      expect((await live.get()).text).toBe("the second one");
    });

    it("can't be written, even when the portal asked to edit it", async () => {
      const { old, name } = await openOld({ action: "edit" });
      expect(old.session.permission).toBe("view");
      expect(await info(old)).toMatchObject({ UserCanWrite: false, ReadOnly: true });
      expect((await old.put("x")).status).toBe(404);
      expect((await old.put("x", "lock")).status).toBe(404);
      expect((await old.lock("lock")).status).toBe(404);
      expect(await bridge.alice.read(name)).toBe("the second one");
    });

    it("asked for to edit is opened with the editor's viewing address", async () => {
      const { old } = await openOld({ action: "edit" });
      expect(new URL(old.session.action_url).pathname).toBe("/view");
    });

    it("that is the current one is the live document", async () => {
      const { name, live } = await openOld();
      const { primary_entity: version } = await bridge.alice.info(name);
      const same = await bridge.open(name, { version });
      expect(same.src).toBe(live.src);
      expect(same.session.permission).toBe("edit");
    });

    it("stays readable when the file is renamed", async () => {
      const { old, name, version } = await openOld();
      expect(await bridge.alice.rename(name, `renamed ${name}`)).toBe(0);
      expect(await info(old)).toMatchObject({ Version: version, BaseFileName: `renamed ${name}` });
      expect((await old.get()).text).toBe("the first");
    });

    it("is not opened by the live document's token, nor the other way round", async () => {
      const { old, live } = await openOld();
      const crossed = await live.send("GET", `${old.src}?access_token=${live.session.access_token}`, {});
      expect(crossed.status).toBe(401);
      const back = await old.send("GET", `${live.src}?access_token=${old.session.access_token}`, {});
      expect(back.status).toBe(401);
    });
  });
});

describe("LastModifiedTime and the drive's own clock", () => {
  let bridge: OperationsStage;
  beforeAll(async () => {
    bridge = await operationsStage();
  });
  afterAll(() => bridge.close());

  it("stays what it was when the file is renamed in the drive, and the new name shows at once", async () => {
    await bridge.alice.put("before.docx", "text");
    const client = await bridge.open("before.docx");
    const before = await info(client);
    bridge.clock.advance(5_000);
    expect(await bridge.alice.rename("before.docx", "after.docx")).toBe(0);
    const after = await info(client);
    expect(after["BaseFileName"]).toBe("after.docx");
    expect(after["LastModifiedTime"]).toBe(before["LastModifiedTime"]);
    expect(after["Version"]).toBe(before["Version"]);
  });

  it("after a save and a rename is what the save was told", async () => {
    await bridge.alice.put("saved.docx", "text");
    const client = await bridge.open("saved.docx");
    await client.lock("t");
    const saved = await client.put("more text", "t");
    await client.unlock("t");
    bridge.clock.advance(5_000);
    await bridge.alice.rename("saved.docx", "saved 2.docx");
    expect((await info(client))["LastModifiedTime"]).toBe(saved.json()["LastModifiedTime"]);
  });

  it("is not moved by somebody who leafs through old versions after a rename", async () => {
    const versions: string[] = [];
    for (const text of ["1", "2", "3", "4", "5", "6"]) {
      await bridge.alice.put("live.docx", text);
      versions.push((await bridge.alice.info("live.docx")).primary_entity);
    }
    const live = await bridge.open("live.docx");
    const before = await info(live);
    bridge.clock.advance(5_000);
    await bridge.alice.rename("live.docx", "live 2.docx");
    for (const version of versions.slice(0, -1)) {
      await info(await bridge.open("live 2.docx", { version, action: "view" }));
    }
    expect((await info(live))["LastModifiedTime"]).toBe(before["LastModifiedTime"]);
  });

  it("of an old version stays what it was when the live document is saved", async () => {
    await bridge.alice.put("kept.docx", "the first");
    const { primary_entity: version } = await bridge.alice.info("kept.docx");
    await bridge.alice.put("kept.docx", "the second");
    const old = await bridge.open("kept.docx", { version, action: "view" });
    const before = await info(old);
    bridge.clock.advance(5_000);
    const live = await bridge.open("kept.docx");
    await live.lock("k");
    await live.put("the third", "k");
    await live.unlock("k");
    expect((await info(old))["LastModifiedTime"]).toBe(before["LastModifiedTime"]);
  });

  it("moves with a change that others make, and lets the next save compare with it", async () => {
    await bridge.alice.put("moving.docx", "text");
    const client = await bridge.open("moving.docx");
    const before = await info(client);
    bridge.clock.advance(5_000);
    await bridge.alice.put("moving.docx", "their text");
    const after = await info(client);
    expect(after["LastModifiedTime"]).not.toBe(before["LastModifiedTime"]);
    await client.get();
    await client.lock("m");
    const saved = await client.put("mine", "m", collabora({ timestamp: String(after["LastModifiedTime"]) }));
    expect(saved.status).toBe(200);
  });
});
