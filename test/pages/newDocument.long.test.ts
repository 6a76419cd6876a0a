import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blankDocument } from "../../src/blanks/blankDocument.ts";
import { type LinkOwner, linkOwner } from "../support/linkOwner.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { until } from "../support/until.ts";
import { webPerson } from "../support/webPerson.ts";

let bridge: TestBridge;
let alice: LinkOwner;
let folder: string;
let folders = 0;

beforeAll(async () => {
  bridge = await testBridge({ settings: { MAX_FILE_MB: "3" } });
  alice = await linkOwner(bridge);
});
afterAll(() => bridge.close());

const newFolder = async (): Promise<string> => {
  folder = `folder ${++folders}`;
  await bridge.alice.put(`${folder}/Plan.docx`, "the plan");
  return bridge.alice.uriOf(folder);
};
const create = (fields: Record<string, string>, headers = {}) =>
  alice.person.post("/documents", { type: "docx", ...fields }, headers);
const sizeOf = async (path: string) => (await bridge.alice.info(path)).size;

describe("a new document", () => {
  it("is created empty in the folder that is shown, and its editor opens", async () => {
    const uri = await newFolder();
    const page = await alice.person.get(`/?folder=${encodeURIComponent(uri)}`);
    expect(page.text).toContain(`name="folder" value="${uri}"`);
    // Only what an editor opens is offered.
    expect([...page.text.matchAll(/name="type" value="(\w+)"/g)].map(([, type]) => type)).toEqual([
      "docx",
      "txt",
      "md",
      "folder",
    ]);
    const made = await create({ folder: uri, name: "Minutes" });
    expect(made.status).toBe(303);
    expect((await alice.person.follow(made)).text).toContain("Minutes.docx");
    expect(await sizeOf(`${folder}/Minutes.docx`)).toBe(blankDocument("docx").length);
    await create({ folder: uri, name: "Notes.TXT", type: "txt" });
    expect(await bridge.alice.list(folder)).toEqual(["Minutes.docx", "Notes.TXT", "Plan.docx"]);
  });

  it("never takes the place of another: a chosen name is asked for again, the form's own gets a number", async () => {
    const uri = await newFolder();
    const refused = await create({ folder: uri, name: "Plan" });
    expect(refused.status).toBe(422);
    expect(refused.text).toContain("“Plan.docx” already exists here.");
    expect(refused.text).toContain('name="name" value="Plan (2)"');
    expect(refused.text).toMatch(/<details class="menu new" id="new" open>/);
    for (let times = 0; times < 2; times++) expect((await create({ folder: uri, name: "Untitled" })).status).toBe(303);
    expect(await bridge.alice.list(folder)).toEqual(["Plan.docx", "Untitled (2).docx", "Untitled.docx"]);
    expect(await bridge.alice.read(`${folder}/Plan.docx`)).toBe("the plan");
  });

  it("is a copy of one's own template", async () => {
    const uri = await newFolder();
    await bridge.alice.put("Templates/Letter.docx", "Dear …");
    expect((await alice.person.get("/")).text).not.toContain("template.");
    const page = await alice.person.get("/?new=1");
    expect(page.text).toMatch(/<details class="menu new" id="new" open>/);
    expect((await alice.person.get("/documents/templates")).text).toContain("Letter.docx");
    const type = /value="(template\.\w+)"/.exec(page.text)?.[1] ?? "";
    expect((await create({ folder: uri, name: "To Bob", type })).status).toBe(303);
    const { id } = await bridge.alice.info(`${folder}/To Bob.docx`);
    const versions = await alice.person.get(`/versions/${id}`);
    expect(versions.text).toMatch(/<small><bdi>Alice<\/bdi> · /i);
    expect(versions.text).not.toContain("Saved in Cloudreve");
    expect(await bridge.alice.read(`${folder}/To Bob.docx`)).toBe("Dear …");
    expect((await create({ folder: uri, name: "Plan", type })).status).toBe(422);
  });

  it("may be a folder, which is then shown", async () => {
    const uri = await newFolder();
    const shown = await alice.person.follow(await create({ folder: uri, name: "Below", type: "folder" }));
    expect(shown.text).toContain("<h1><bdi>Below</bdi></h1>");
  });

  it("has no name that breaks something elsewhere", async () => {
    const uri = await newFolder();
    for (const [name, sentence] of [
      ["", "Enter a name."],
      ["  ", "Enter a name."],
      ["a/b", "A name can&#39;t contain"],
      ["..", "A name can&#39;t end with a dot or a space."],
      ["CON", "Windows reserves this name."],
      ["x".repeat(231), "The name is too long."],
    ] as const) {
      const refused = await create({ folder: uri, name });
      expect([name, refused.status, refused.text.includes(sentence)]).toEqual([name, 422, true]);
    }
    expect(await bridge.alice.list(folder)).toEqual(["Plan.docx"]);
  });

  it("is created by the folder's owner alone, and not at another site's wish", async () => {
    const uri = await newFolder();
    expect((await create({ folder: uri, name: "x" }, { Origin: "https://evil.example.com" })).status).toBe(403);
    const nobody = await webPerson(bridge.url).post("/documents", { folder: uri, type: "docx", name: "x" });
    expect(nobody.location).toContain("/signin");
    const bob = await linkOwner(bridge, "bob@example.com");
    expect((await bob.person.post("/documents", { folder: uri, type: "docx", name: "x" })).status).toBe(404);
    const { id } = await bridge.alice.info("Templates/Letter.docx");
    const stolen = await bob.person.post("/documents", { type: `template.${id}`, name: "x" });
    expect(stolen.status).toBe(404);
    expect(await bridge.alice.list(folder)).toEqual(["Plan.docx"]);
  });
});

describe("an upload", () => {
  const upload = async (query: Record<string, string>, body: string | Readable, init: RequestInit = {}) => {
    const cookie = [...alice.person.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const answered = await fetch(`${bridge.url}/documents?${new URLSearchParams(query)}`, {
      ...init,
      method: "PUT",
      headers: { Cookie: cookie, Origin: bridge.url, ...init.headers },
      body: body as BodyInit,
    });
    return { status: answered.status, ...((await answered.json()) as Record<string, unknown>) };
  };

  it("stores the file, or says why not and under which name it could", async () => {
    const uri = await newFolder();
    expect(await upload({ folder: uri, name: "Bild ä.png", size: "5" }, "bytes")).toMatchObject({ status: 201 });
    expect(await bridge.alice.read(`${folder}/Bild ä.png`)).toBe("bytes");
    expect(await upload({ folder: uri, name: "Plan.docx", size: "5" }, "other")).toMatchObject({
      status: 409,
      code: "nameTaken",
      freeName: "Plan (2).docx",
    });
    expect(await bridge.alice.read(`${folder}/Plan.docx`)).toBe("the plan");
    const refused = { status: 422, code: "nameIllegal" };
    expect(await upload({ folder: uri, name: "a/b.docx", size: "5" }, "other")).toMatchObject({
      ...refused,
      sentence: "A name can't contain \\ / : * ? \" < > |",
      freeName: "a_b.docx",
    });
    expect(await upload({ folder: uri, name: "con.docx", size: "5" }, "other")).toMatchObject({
      ...refused,
      sentence: "Windows reserves this name. Choose another one.",
      freeName: "_con.docx",
    });
    expect(await upload({ folder: uri, name: "large.docx", size: "9999999" }, "x")).toMatchObject({ code: "bodyCut" });
  });

  it("is told before a byte is sent that it is too large, that its name is taken, or that there is no room", async () => {
    const uri = await newFolder();
    const check = async (name: string, size: number) => {
      const query = new URLSearchParams({ folder: uri, name, size: String(size) });
      return (await alice.person.get(`/documents/check?${query}`)).text;
    };
    expect(await check("new.docx", 2_000_000)).toBe("{}");
    expect(await check("Plan.docx", 2_000_000)).toContain('"freeName":"Plan (2).docx"');
    expect(await check("new.docx", 4_000_000)).toContain("Too large. A file may have up to 3 MB.");
    expect(await bridge.alice.list(folder)).toEqual(["Plan.docx"]);
  });

  it("leaves nothing when its connection is cut, and can be tried again at once", async () => {
    const uri = await newFolder();
    const half = new Readable({ read() {} });
    half.push("half of ");
    const cut = new AbortController();
    const query = { folder: uri, name: "cut.docx", size: "14", upload: "u1" };
    const broken = upload(query, half, {
      signal: cut.signal,
      headers: { "Content-Length": "14" },
      duplex: "half",
    } as RequestInit).catch(() => "broken");
    await until("the first try has begun", async () => (await bridge.alice.list(folder)).includes("cut.docx"));
    // The first one still hangs: its second try ends it.
    const again = upload(query, "half of itself");
    expect(await again).toMatchObject({ status: 201 });
    expect(await broken).toBe("broken");
    expect(await bridge.alice.read(`${folder}/cut.docx`)).toBe("half of itself");
  });

  it("is nobody else's, and not at another site's wish", async () => {
    const uri = await newFolder();
    const query = { folder: uri, name: "x.docx", size: "1" };
    const foreign = { headers: { Origin: "https://evil.example.com", Cookie: "" } };
    const address = `${bridge.url}/documents?${new URLSearchParams(query)}`;
    expect((await fetch(address, { method: "PUT", body: "x", ...foreign })).status).toBe(403);
    const nobody = await fetch(address, {
      method: "PUT",
      body: "x",
      headers: { Origin: bridge.url },
      redirect: "manual",
    });
    expect(nobody.status).toBe(401);
    expect(((await nobody.json()) as { sentence: string }).sentence).toContain("You are signed out.");
    expect(await bridge.alice.list(folder)).toEqual(["Plan.docx"]);
  });

  it("is refused in JSON whatever is wrong with it, since a script reads the answer", async () => {
    const uri = await newFolder();
    const gone = `${uri}/gone`;
    for (const [query, status] of [
      [{ folder: "elsewhere", name: "x.docx", size: "1" }, 404],
      [{ folder: gone, name: "x.docx", size: "1" }, 404],
      [{ name: "x.docx", size: "many" }, 404],
      [{ folder: uri, name: "", size: "1" }, 422],
    ] as const) {
      expect([query, await upload(query, "x")]).toMatchObject([query, { status, sentence: expect.any(String) }]);
    }
    const foreign = await fetch(`${bridge.url}/documents?name=x&size=1`, {
      method: "PUT",
      headers: { Origin: "https://evil.example.com" },
    });
    expect([foreign.status, foreign.headers.get("Content-Type")]).toEqual([403, "application/json; charset=utf-8"]);
    for (const path of ["check?name=x", "in-use?list=x"]) {
      const answer = await alice.person.get(`/documents/${path}`);
      expect([path, answer.status, JSON.parse(answer.text).code]).toEqual([path, 404, "fileMissing"]);
    }
  });

  it("brings its folder: made once, and files go into what is there already", async () => {
    const uri = await newFolder();
    const below = async (parent: string, name: string, headers = {}) => {
      const query = new URLSearchParams({ folder: parent, name });
      const { status, text } = await alice.person.post(`/documents/folders?${query}`, {}, headers);
      return { status, ...(JSON.parse(text) as { uri?: string; code?: string }) };
    };
    const made = await below(uri, "Bilder ä");
    expect(made).toMatchObject({ status: 200 });
    expect(await below(uri, "Bilder ä")).toEqual(made);
    const deeper = await below(made.uri ?? "", "2026");
    expect(await upload({ folder: deeper.uri ?? "", name: "a.png", size: "1" }, "a")).toMatchObject({ status: 201 });
    expect(await bridge.alice.list(`${folder}/Bilder ä/2026`)).toEqual(["a.png"]);
    expect(await below(uri, "Plan.docx")).toMatchObject({ status: 409, code: "nameTaken" });
    expect(await below(uri, "a/b")).toMatchObject({ status: 422 });
    expect(await below(uri, "x", { Origin: "https://evil.example.com" })).toMatchObject({ status: 403 });
    const bob = await linkOwner(bridge, "bob@example.com");
    const stolen = await bob.person.post(`/documents/folders?${new URLSearchParams({ folder: uri, name: "x" })}`);
    expect(stolen.status).toBe(404);
    expect(await bridge.alice.list(folder)).toEqual(["Bilder ä", "Plan.docx"]);
  });
});
