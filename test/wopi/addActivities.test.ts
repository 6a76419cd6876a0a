import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fileActivitySchema } from "../../src/api/schemas/files.ts";
import { linkOwner } from "../support/linkOwner.ts";
import { openAsOwner } from "../support/namedDocument.ts";
import { type OperationsStage, operationsStage } from "../support/operationsStage.ts";
import { rawConnection, rawStatus } from "../support/rawHttp.ts";
import { portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { until } from "../support/until.ts";
import { editorForm, type WebPerson, webPerson } from "../support/webPerson.ts";
import { type WopiClient, wopiOfForm } from "../support/wopiClient.ts";

const told = (client: WopiClient, body: string | Buffer) =>
  client.send("POST", client.address(), { "X-WOPI-Override": "ADD_ACTIVITIES" }, Buffer.from(body));
const tell = (client: WopiClient, ...Activities: object[]) => told(client, JSON.stringify({ Activities }));
let comments = 0;
const idOf = (number: number) => `7c9e6679-7425-40de-944b-${String(number).padStart(12, "0")}`;
const comment = (data: object = {}, more: object = {}) => ({
  Type: "comment",
  Id: idOf(++comments),
  Timestamp: "2026-11-21T08:15:00.0000000Z",
  Data: { ContentId: `comment-${comments}`, ContentAction: "created", ...data },
  ...more,
});
const done = (...activities: { Id: string }[]) => ({
  ActivityResponses: activities.map(({ Id }) => ({ Id, Status: 0, Message: "" })),
});
const editorIdOf = async (client: WopiClient) => String((await client.check()).json()["UserId"]);

describe("AddActivities", () => {
  let bridge: OperationsStage;
  let documents = 0;
  beforeAll(async () => {
    bridge = await operationsStage();
  });
  afterAll(() => bridge.close());

  const anna = { id: "anna", name: "Anna" };
  const ben = { id: "ben", name: "Ben" };
  async function openNew(more: object = { user: anna }) {
    const name = `commented-${++documents}.docx`;
    await bridge.alice.put(name, "text");
    const client = await bridge.open(name, more as Record<string, unknown>);
    const fileId = client.session.file.id;
    const kept = async () => (await bridge.services.activity.of(fileId)).comments ?? [];
    return { name, client, fileId, kept };
  }

  it("keeps a comment with the session's person and our time, whatever the body says of both", async () => {
    const { client, kept } = await openNew();
    const said = comment({ NavigationId: "page-7", CommentText: "secret", IsReply: true }, { UserName: "Mallory" });
    const answer = await tell(client, said);
    expect(answer.status).toBe(200);
    expect(answer.json()).toEqual(done(said));
    expect(await kept()).toEqual([
      {
        activityId: said.Id,
        atMs: bridge.clock.now(),
        person: { id: await editorIdOf(client), name: "Anna" },
        action: "added",
        contentId: said.Data.ContentId,
        navigationId: "page-7",
        mentioned: [],
      },
    ]);
  });

  it.each([
    ["created", "added"],
    ["Add", "added"],
    ["updated", "updated"],
    ["Edit", "updated"],
    ["deleted", "deleted"],
    ["DELETE", "deleted"],
    [undefined, "updated"],
  ])("calls the action %s %s", async (ContentAction, action) => {
    const { client, kept } = await openNew();
    expect((await tell(client, comment({ ContentAction }))).status).toBe(200);
    expect(await kept()).toMatchObject([{ action }]);
  });

  it("gives ids back letter for letter, and takes the longest that the protocol has", async () => {
    const { client, kept } = await openNew();
    const id = "7C9E6679-ABCD-40DE-944B-00000000FFFF";
    const long = "0123456789abcdef".repeat(64);
    const said = [
      comment({}, { Id: id }),
      comment({ ContentId: long, NavigationId: long }, { Type: "Comment" }),
      comment({ NavigationId: null }),
    ];
    expect((await tell(client, ...said)).json()).toEqual(done(...said));
    expect((await kept()).map(({ contentId }) => contentId)).toEqual(said.map(({ Data }) => Data.ContentId).reverse());
  });

  it("answers each in its place, and 3 to a type it does not know, with data or without", async () => {
    const { client, kept } = await openNew();
    const unknown = { Type: "applause", Id: "one" };
    const said = comment();
    const another = { Type: "task", Id: "two", Data: { ContentId: 7, People: "nobody" }, More: [] };
    const { ActivityResponses: answers } = (await tell(client, unknown, said, another)).json();
    expect(answers).toMatchObject([
      { Id: "one", Status: 3 },
      { Id: said.Id, Status: 0 },
      { Id: "two", Status: 3 },
    ]);
    expect(await kept()).toHaveLength(1);
    expect((await tell(client)).json()).toEqual({ ActivityResponses: [] });
  });

  it("keeps what is sent again once, in one call or in two, and answers 0 each time", async () => {
    const { client, name, kept } = await openNew();
    const said = comment();
    expect((await tell(client, said, said)).json()).toEqual(done(said, said));
    expect((await tell(client, said)).json()).toEqual(done(said));
    expect(await kept()).toHaveLength(1);
    // Nobody takes another's id away.
    await tell(await bridge.open(name, { user: ben }), said);
    expect((await kept()).map(({ person }) => person.name)).toEqual(["Ben", "Anna"]);
  });

  it("leaves the same when more than is kept is sent again", async () => {
    const { client, kept } = await openNew();
    const said = Array.from({ length: 30 }, () => comment());
    await tell(client, ...said);
    const before = await kept();
    expect(before.map(({ activityId }) => activityId)).toEqual(
      said
        .slice(-10)
        .map(({ Id }) => Id)
        .reverse(),
    );
    expect((await tell(client, ...said)).json()).toEqual(done(...said));
    expect(await kept()).toEqual(before);
  });

  describe("mentions", () => {
    it("are people who have been at the document, by the ids that editors know them by", async () => {
      const { client, name, kept, fileId } = await openNew();
      const owner = await bridge.openAsOwner(name);
      const colleague = await bridge.open(name, { user: ben, action: "view" });
      const ids = { owner: await editorIdOf(owner), ben: await editorIdOf(colleague) };
      const { ownerId } = (await bridge.services.grants.find(owner.session.id)) ?? {};
      const People = [
        { Type: "WOPI", Id: ids.ben },
        { Type: "WOPI", Id: ids.owner },
        { Type: "WOPI", Id: ids.ben },
      ];
      await tell(client, comment({ People }));
      expect((await kept())[0]?.mentioned).toEqual([
        { id: ids.ben, name: "Ben" },
        { id: ownerId, name: expect.any(String) },
      ]);
      expect(fileId).toBe(owner.session.file.id);
    });

    it("are told in either place and form: whoever only takes part, or has another's id, is not mentioned", async () => {
      const { client, kept } = await openNew();
      const People = [
        { Name: "A", Id: "a1", Provider: "wopi-example", Mentioned: true, More: "x" },
        { Name: "B", Id: "b1", Provider: "wopi-example", InThread: true },
        { Name: "C", Id: "c1", Provider: "wopi-example", RepliedTo: true, Mentioned: false },
        { Name: "D", Id: "{d1}", Provider: "Another Live", Mentioned: true },
        { Name: "E", Id: "e1", Type: "AAD" },
      ];
      const { Data } = comment({ People: [{ Id: "f1", Type: "wopi" }] });
      expect((await tell(client, comment(Data, { People }))).status).toBe(200);
      expect((await kept())[0]?.mentioned).toEqual([{ id: "a1" }, { id: "f1" }]);
    });

    it("with an id that nobody can have are left out", async () => {
      const { client, kept } = await openNew();
      const ids = ["", "\u0000", "a\nb", "<img src=x onerror=alert(1)>", "x".repeat(65), "\u202eabc", "__proto__"];
      await tell(client, comment({ People: ids.map((Id) => ({ Type: "WOPI", Id })) }));
      expect((await kept())[0]?.mentioned).toEqual([{ id: "__proto__" }]);
      const { client: other, kept: keptThere } = await openNew();
      const many = Array.from({ length: 100 }, (_, at) => ({ Type: "WOPI", Id: `p${at}` }));
      await tell(other, comment({ People: many }));
      expect((await keptThere())[0]?.mentioned).toHaveLength(20);
    });
  });

  describe("what can't be read is refused with 400, and nothing of it is kept", () => {
    let document: Awaited<ReturnType<typeof openNew>>;
    beforeAll(async () => {
      document = await openNew();
    });
    const of = (activity: object) => JSON.stringify({ Activities: [comment(), activity] });
    it.each<[string, string | Buffer]>([
      ["nothing", ""],
      ["no JSON", "Activities=1"],
      ["half of it", '{"Activities":[{"Type":"comment"'],
      ["not UTF-8", Buffer.from(JSON.stringify({ Activities: [comment({}, { Id: "\u00ff" })] }), "latin1")],
      ["a list", "[]"],
      ["null", "null"],
      ["no activities", "{}"],
      ["activities that are no list", '{"Activities":{"0":{}}}'],
      ["only __proto__", '{"__proto__":{"Activities":[]}}'],
      ["deep JSON", "[".repeat(200_000)],
      ["an activity that is null", '{"Activities":[null]}'],
      ["no type", of({ Id: "x" })],
      ["no id", of({ Type: "comment", Data: { ContentId: "c" } })],
      ["an empty id", of(comment({}, { Id: "" }))],
      ["an id that is a number", of(comment({}, { Id: 7 }))],
      ["an id that is too long", of(comment({}, { Id: "x".repeat(257) }))],
      ["a comment on nothing", of({ Type: "comment", Id: "x" })],
      ["a content id that is too long", of(comment({ ContentId: "x".repeat(1025) }))],
      ["people that are no list", of(comment({}, { People: { Id: "x" } }))],
      ["more people than anybody mentions", of(comment({ People: Array(101).fill({ Id: "x" }) }))],
    ])("%s", async (_what, body) => {
      const { client, kept } = document;
      const answer = await told(client, body);
      expect(answer.status).toBe(400);
      expect(answer.text).toBe("");
      expect(await kept()).toEqual([]);
    });

    it.each<[string, () => string]>([
      ["10,000 activities", () => JSON.stringify({ Activities: Array(10_000).fill({ Type: "c", Id: "x" }) })],
      ["101 activities", () => JSON.stringify({ Activities: Array.from({ length: 101 }, () => comment()) })],
      ["too many bytes", () => JSON.stringify({ Activities: [], filler: "x".repeat(512 * 1024) })],
    ])("with 413 where it is too much: %s", async (_what, body) => {
      const { client, kept } = document;
      expect((await told(client, body())).status).toBe(413);
      expect(await kept()).toEqual([]);
    });
  });

  it("is not thrown by names of JavaScript's own, nor by deep JSON where nobody looks", async () => {
    const { client, kept } = await openNew();
    const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
    const activity = `{"Type":"comment","Id":"constructor","__proto__":{"Type":"x"},"More":${deep},
      "Data":{"ContentId":"__proto__","ContentAction":"toString","__proto__":{"NavigationId":"n"}}}`;
    expect((await told(client, `\ufeff{"Activities":[${activity}]}`)).status).toBe(200);
    const [one] = await kept();
    expect(one).toMatchObject({ activityId: "constructor", contentId: "__proto__", action: "updated" });
    expect(one).not.toHaveProperty("navigationId");
  });

  it("reads no more than it may of a body without an end", async () => {
    const { client } = await openNew();
    let givenBytes = 0;
    const endless = new Readable({
      read() {
        givenBytes += 65_536;
        this.push(Buffer.alloc(65_536, "x"));
      },
    });
    const { status } = await client.send("POST", client.address(), { "X-WOPI-Override": "ADD_ACTIVITIES" }, endless);
    expect(status).toBe(413);
    expect(givenBytes).toBeLessThan(2_000_000);
    endless.destroy();
  });

  it("is for those who may edit: readers are answered 404, and are not told of it", async () => {
    const { name, client, kept } = await openNew();
    const reader = await bridge.open(name, { user: ben, action: "view" });
    expect((await reader.check()).json()["SupportsAddActivities"]).toBe(false);
    expect((await client.check()).json()["SupportsAddActivities"]).toBe(true);
    expect((await tell(reader, comment())).status).toBe(404);
    expect(await kept()).toEqual([]);
  });

  it("is 404 for a file that was deleted", async () => {
    const { name, client } = await openNew();
    await bridge.alice.remove(name);
    expect((await tell(client, comment())).status).toBe(404);
  });

  it("writes one line into the audit log for each comment, without its ids", async () => {
    const { client, fileId } = await openNew();
    const said = comment({ ContentId: "hidden-content", People: [{ Type: "WOPI", Id: "p1" }] });
    await tell(client, said);
    await tell(client, said);
    const lines = bridge.logLines.filter(({ event, file }) => event === "commented" && file === fileId);
    expect(lines).toMatchObject([
      { person: { name: "Anna" }, action: "added", mentioned: ["p1"], through: "portal:test" },
    ]);
    expect(JSON.stringify(lines)).not.toContain("hidden-content");
  });
});

describe("comments, through the bridge's server", () => {
  let bridge: TestBridge;
  beforeAll(async () => {
    bridge = await testBridge();
  });
  afterAll(() => bridge.close());

  const visit = async (url: string, name: string, person: WebPerson = webPerson(bridge.url)) =>
    wopiOfForm(editorForm(await person.follow(await person.post(url, { name }))));
  async function linkTo(fileName: string, fields: Record<string, string> = {}) {
    await bridge.alice.put(fileName, "text");
    const owner = await linkOwner(bridge);
    const url = await owner.makeLink((await bridge.alice.info(fileName)).id, fields);
    return { url, shown: async () => (await owner.linkPageOf(fileName)).text };
  }

  const keptOf = async (fileName: string) => {
    const { id } = await bridge.alice.info(fileName);
    const headers = { Authorization: `Bearer ${portalKey}` };
    const answered = await fetch(`${bridge.url}/api/files/${id}/activity`, { headers });
    return fileActivitySchema.parse(await answered.json()).comments;
  };

  it("are on the page of the link they came through, with whom they mention, and harm it by no name", async () => {
    const { url, shown } = await linkTo("link.docx");
    const anna = await visit(url, "Anna");
    const ben = await visit(url, "<b>Ben</b>");
    await tell(anna, comment({ ContentId: "<script>" }));
    const People = [
      { Type: "WOPI", Id: await editorIdOf(ben) },
      { Type: "WOPI", Id: "p0123456789abcdef0123" },
    ];
    await tell(anna, comment({ People }));
    const page = await shown();
    expect(page).toMatch(/<bdi>Anna<\/bdi> commented, <time/);
    expect(page).toMatch(/<bdi>Anna<\/bdi> commented and mentioned <bdi>&lt;b&gt;Ben&lt;\/b&gt;<\/bdi>, <time/);
    // Whom a visitor has never met here is nobody that a portal should be told of.
    expect(page).not.toContain("p0123456789abcdef0123");
  });

  it("of one link's visitors are not on another link's page", async () => {
    const { url } = await linkTo("two.docx", { note: "for the one" });
    const owner = await linkOwner(bridge);
    await owner.makeLink((await bridge.alice.info("two.docx")).id, { note: "for the other" });
    await tell(await visit(url, "Anna"), comment());
    expect((await owner.linkPageOf("two.docx", "for the one")).text).toContain("commented");
    expect((await owner.linkPageOf("two.docx", "for the other")).text).not.toContain("commented");
  });

  it("flooding through a link push out nobody else's", async () => {
    const { url } = await linkTo("flood.docx");
    const owner = await openAsOwner(bridge, "flood.docx");
    const said = comment();
    await tell(owner, said);
    const another = comment();
    await tell(await visit(url, "Quiet"), another);
    const visitor = await visit(url, "Loud");
    for (let call = 0; call < 6; call++) await tell(visitor, ...Array.from({ length: 20 }, () => comment()));
    const kept = await keptOf("flood.docx");
    expect(kept.filter(({ person }) => person.name === "Loud")).toHaveLength(10);
    expect(kept.map(({ content_id }) => content_id)).toEqual(
      expect.arrayContaining([said.Data.ContentId, another.Data.ContentId]),
    );
  });

  it("through a link to view, and after a session's end, are refused", async () => {
    const { url } = await linkTo("view.docx", { permission: "view" });
    const visitor = await visit(url, "Vera");
    expect((await tell(visitor, comment())).status).toBe(404);
    const client = await bridge.open("view.docx", { user: { id: "u", name: "U" } });
    await bridge.endSession(client.session.id);
    expect((await tell(client, comment())).status).toBe(401);
  });

  it("of ten megabytes do not keep the connection's next call waiting", async () => {
    await bridge.alice.put("large.docx", "text");
    const client = await bridge.open("large.docx");
    const { pathname, search } = new URL(client.address());
    const connection = await rawConnection(bridge.url);
    const target = `${pathname}${search} HTTP/1.1\r\nHost: bridge\r\n`;
    connection.socket.write(`POST ${target}X-WOPI-Override: ADD_ACTIVITIES\r\nContent-Length: 10000000\r\n\r\n`);
    connection.socket.write("[".repeat(10_000_000));
    connection.socket.write(`GET ${target}Connection: close\r\n\r\n`);
    await until("both are answered", () => connection.received().includes('"BaseFileName"'), 5_000);
    expect(rawStatus(connection.received())).toBe(413);
    connection.socket.destroy();
  });
});
