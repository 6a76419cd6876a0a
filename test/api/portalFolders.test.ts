import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Json, portalClient, problem } from "../support/portalClient.ts";
import { portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { sessionSchema, wopiClient } from "../support/wopiClient.ts";

const otherKey = "other-portal-key";
const other = { Authorization: `Bearer ${otherKey}` };

let bridge: TestBridge;
const portal = portalClient(() => bridge);
const folderAt = (uri: string) => `/files?${new URLSearchParams({ folder: uri })}`;
const asBob = () => ({ "X-Cloudreve-Token": bridge.bob.accessToken });
const refused = async (method: string, path: string, status: number, body?: unknown, headers = {}) => {
  const answered = await portal.call(method, path, body, headers);
  expect(answered.status, await answered.clone().text()).toBe(status);
  return problem(answered);
};
beforeAll(async () => {
  bridge = await testBridge({ store: "file", settings: { PORTAL_KEYS: `test:${portalKey},other:${otherKey}` } });
  await bridge.alice.call("POST", "/file/create", { uri: "cloudreve://my/Reports 2026", type: "folder" });
  await bridge.alice.put("Reports 2026/b.docx", "bb");
  await bridge.alice.put("Reports 2026/a.zip", "z");
});
afterAll(() => bridge.close());

describe("the documents in a folder", () => {
  it("are listed with what opens them, folders first", async () => {
    const root = await portal.json("GET", "/files", 200);
    expect(root["folder"]).toMatchObject({ name: "", uri: "cloudreve://my" });
    const folder = (root["entries"] as Json[])[0];
    expect(folder).toMatchObject({ kind: "folder", name: "Reports 2026", size: null, version: null, can_open: false });
    const listed = await portal.json("GET", folderAt(String(folder?.["uri"])), 200);
    const { id, primary_entity } = await bridge.alice.info("Reports 2026/b.docx");
    expect(listed).toMatchObject({
      folder: { id: folder?.["id"], name: "Reports 2026" },
      entries: [
        { name: "a.zip", can_open: false },
        { kind: "file", id, name: "b.docx", size: 2, version: primary_entity, can_open: true },
      ],
      next: null,
    });
    const uri = String((listed["entries"] as Json[])[1]?.["uri"]);
    expect((await portal.session({ uri })).file).toMatchObject({ id });
  });

  it("come in pages", async () => {
    await bridge.alice.call("POST", "/file/create", { uri: "cloudreve://my/Many", type: "folder" });
    const uris = Array.from({ length: 102 }, (_none, count) => `cloudreve://my/Many/${count}.docx`);
    await Promise.all(uris.map((uri) => bridge.alice.call("POST", "/file/create", { uri, type: "file" })));
    const first = await portal.json("GET", folderAt("cloudreve://my/Many"), 200);
    const next = new URLSearchParams({ folder: "cloudreve://my/Many", next: String(first["next"]) });
    const second = await portal.json("GET", `/files?${next}`, 200);
    const names = [first, second].flatMap(({ entries }) => (entries as Json[]).map(({ name }) => name));
    expect(new Set(names).size).toBe(102);
    expect(second["next"]).toBeNull();
  });

  it("are those of the account that the portal acts as", async () => {
    expect((await portal.json("GET", "/files", 200, undefined, asBob()))["entries"]).toEqual([]);
    await refused("GET", folderAt("cloudreve://my/Reports 2026"), 404, undefined, asBob());
  });

  it.each([
    ["of another place", "cloudreve://share/abc"],
    ["that is a search", "cloudreve://my?name=b"],
    ["that is a document", "cloudreve://my/Reports 2026/b.docx"],
    ["that is not there", "cloudreve://my/None"],
  ])("are not those of a folder %s", async (_what, uri) => {
    expect((await refused("GET", folderAt(uri), 404)).code).toBe("fileMissing");
  });

  it("are asked for with names that this call knows", async () => {
    const { errors } = await refused("GET", "/files?foldr=cloudreve://my&next=", 422);
    expect(errors).toEqual([
      { field: "next", message: "must be text that is not empty" },
      { field: "foldr", message: "is not a field of this call; did you mean folder?" },
    ]);
    expect((await refused("GET", "/files?folder=/Reports", 422)).errors).toEqual([
      { field: "folder", message: "must start with cloudreve://" },
    ]);
    expect((await refused("GET", "/files?folder=a&folder=b", 422)).errors).toEqual([
      { field: "folder", message: "must be text" },
    ]);
    expect((await refused("GET", "/files?next=junk", 404)).code).toBe("fileMissing");
  });
});

describe("a new document", () => {
  it("is there, empty, and opens with what the answer says", async () => {
    const made = await portal.json("POST", "/files", 201, {
      folder: "cloudreve://my/Reports 2026",
      name: "New é.docx",
    });
    const { id, size } = await bridge.alice.info("Reports 2026/New é.docx");
    expect(made).toMatchObject({ file: { id, name: "New é.docx", size }, open_with: { file_id: id, action: "edit" } });
    const session = await portal.session({ ...(made["open_with"] as Json), user: { id: "u1", name: "Ada" } });
    const content = (await wopiClient(session).get()).bytes;
    expect(Object.keys(unzipSync(content))).toContain("word/document.xml");
    expect((await portal.session({ uri: made["uri"] })).file).toMatchObject({ id });
    expect(bridge.logLines).toContainEqual(
      expect.objectContaining({
        ...{ stream: "audit", event: "created", file: id, name: "New é.docx", through: "portal:test" },
        person: expect.objectContaining({ name: "Alice" }),
      }),
    );
  });

  it("may be a text file, or be in the account's root", async () => {
    expect(await portal.json("POST", "/files", 201, { name: "Notes.md" })).toMatchObject({
      file: { size: 0 },
      uri: "cloudreve://my/Notes.md",
    });
  });

  it("never replaces another: its name is refused, with one that is free", async () => {
    await bridge.alice.put("Taken.docx", "mine");
    const answer = await refused("POST", "/files", 409, { name: "Taken.docx" });
    expect(answer).toMatchObject({ code: "nameTaken", free_name: "Taken (2).docx" });
    expect(await bridge.alice.read("Taken.docx")).toBe("mine");
    await portal.json("POST", "/files", 201, { name: "Taken (2).docx" });
  });

  it("is made once when the call is sent again under its key", async () => {
    const again = () => portal.json("POST", "/files", 201, { name: "Once.xlsx" }, { "Idempotency-Key": "k1" });
    expect(await again()).toEqual(await again());
  });

  it.each<[Json, [string, string][]]>([
    [{}, [["name", "is missing"]]],
    [{ name: "a/b.docx" }, [["name", 'contains one of \\ / : * ? " < > |']]],
    [{ name: "" }, [["name", "is empty"]]],
    [{ name: "CON.docx" }, [["name", "is reserved by Windows"]]],
    [
      { folder: "Reports", name: "a.exe", type: "docx" },
      [
        ["folder", "must start with cloudreve://"],
        ["name", "must end in .docx, .xlsx, .pptx, .txt or .md"],
        ["type", "is not a field of this call"],
      ],
    ],
  ])("needs a place and a name: %j", async (body, mistakes) => {
    const { errors } = await refused("POST", "/files", 422, body);
    expect(errors?.map(({ field, message }) => [field, message])).toEqual(mistakes);
  });

  it("goes into a folder that is there, of the account", async () => {
    const inFolder = (folder: string) => ({ folder, name: "x.docx" });
    expect((await refused("POST", "/files", 404, inFolder("cloudreve://my/None"))).code).toBe("fileMissing");
    await refused("POST", "/files", 404, inFolder("cloudreve://my/Reports 2026"), asBob());
    await refused("POST", "/files", 404, inFolder("cloudreve://share/abc"));
    await refused("POST", "/files", 401, inFolder("cloudreve://my"), { Authorization: "Bearer wrong" });
  });
});

describe("the sessions of a portal", () => {
  const iso = (ms: number) => new Date(ms).toISOString();
  const opened = async (body: Json) => {
    const answer = await portal.json("POST", "/sessions", 201, { action: "edit", ...body });
    return { session: sessionSchema.parse(answer), person: answer["person"] };
  };
  const sessions = async (query = "", headers = {}) =>
    (await portal.json("GET", `/sessions${query}`, 200, undefined, headers))["sessions"] as Json[];

  it("tell who has what open, since when, to do what, and the last save", async () => {
    const { name, uri } = await portal.newFile();
    const { id: fileId } = await bridge.alice.info(name);
    const createdAt = iso(bridge.clock.now());
    const { session, person } = await opened({ uri, user: { id: "u1", name: "Ada" } });
    const mine = async () => (await sessions()).find(({ id }) => id === session.id);
    const listed = {
      id: session.id,
      file: { id: fileId, name },
      version: null,
      person,
      permission: "edit",
      created_at: createdAt,
      expires_at: session.expires_at,
      open: null,
      last_save: null,
    };
    expect(await mine()).toEqual(listed);
    expect((listed.person as Json)["id"]).toMatch(/^p[0-9a-f]{20}$/);
    bridge.clock.advance(5_000);
    const client = wopiClient(session);
    await client.get();
    await client.lock("a-lock-of-the-editor");
    const saved = await client.put("after", "a-lock-of-the-editor");
    const now = iso(bridge.clock.now());
    expect(await mine()).toEqual({
      ...listed,
      open: { opened_at: now, seen_at: now },
      last_save: { at: now, person, version: saved.header("x-wopi-itemversion") },
    });
    const text = JSON.stringify(await sessions());
    for (const secret of [session.access_token, session.host_page_url, "a-lock-of-the-editor"]) {
      expect(text).not.toContain(secret);
    }
  });

  it("are listed newest first, for one document too, and leave when they end", async () => {
    const [a, b] = [await portal.newFile(), await portal.newFile()];
    bridge.clock.advance(1_000);
    const first = await portal.session({ uri: a.uri });
    bridge.clock.advance(1_000);
    const second = await portal.session({ uri: b.uri, action: "view" });
    expect((await sessions()).slice(0, 2).map(({ id }) => id)).toEqual([second.id, first.id]);
    const { id: fileId } = await bridge.alice.info(a.name);
    expect((await sessions(`?file_id=${fileId}`)).map(({ id }) => id)).toEqual([first.id]);
    await portal.end(first.id);
    expect(await sessions(`?file_id=${fileId}`)).toEqual([]);
    expect(await bridge.storedText()).not.toMatch(new RegExp(`portalSession:\\S+${first.id}`));
    expect((await sessions()).map(({ id }) => id)).toContain(second.id);
  });

  it("are its own: not another portal's, nor those of links", async () => {
    const { name, uri } = await portal.newFile();
    const { id: fileId } = await bridge.alice.info(name);
    const others = await portal.session({ uri }, other);
    expect(await sessions(`?file_id=${fileId}`)).toEqual([]);
    expect((await sessions(`?file_id=${fileId}`, other)).map(({ id }) => id)).toEqual([others.id]);
  });

  it("name the drive's owner as editors do, without the drive's own id", async () => {
    const { name, uri } = await portal.newFile();
    const { id: fileId } = await bridge.alice.info(name);
    const { session, person } = await opened({ uri });
    const client = wopiClient(session);
    await client.lock("A");
    await client.put("after", "A");
    const [listed] = await sessions(`?file_id=${fileId}`);
    expect(listed?.["person"]).toEqual(person);
    expect(listed?.["last_save"]).toMatchObject({ person });
  });

  it("are asked for by a document's id", async () => {
    expect((await refused("GET", "/sessions?file_id=../x", 422)).errors).toEqual([
      { field: "file_id", message: "must be a Cloudreve id" },
    ]);
  });
});

describe("an address that Cloudreve can't read", () => {
  const odd = ["cloudreve://", "cloudreve://\u319d3X", "cloudreve://my/a\n.docx", "cloudreve://my/50%.docx"];
  it.each(odd)("is a mistake of the request, in every call: %j", async (uri) => {
    for (const [path, body] of [
      ["/sessions", { uri, action: "edit" }],
      ["/links", { uri, permission: "view" }],
      ["/files", { folder: uri, name: "a.docx" }],
    ] as const) {
      expect((await refused("POST", path, 422, body)).errors, path).toHaveLength(1);
    }
    await refused("GET", folderAt(uri), 422);
  });
});
