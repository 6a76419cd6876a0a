import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askingPage } from "../support/askingVisitor.ts";
import { type Json, portalClient, problem } from "../support/portalClient.ts";
import { portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { editorForm, webPerson } from "../support/webPerson.ts";
import { wopiClient, wopiOfForm } from "../support/wopiClient.ts";

const otherKey = "other-portal-key";
let bridge: TestBridge;
const portal = portalClient(() => bridge);

beforeAll(async () => {
  const address = "http://editor.example/hosting/wopi/word/edit?";
  bridge = await testBridge({
    settings: { PORTAL_KEYS: `test:${portalKey},other:${otherKey}` },
    drive: {
      viewers: [
        {
          id: "onlyoffice",
          type: "wopi",
          display_name: "ONLYOFFICE",
          exts: ["docx", "csv"],
          wopi_actions: { docx: { view: address, edit: address }, csv: { view: address, edit: address } },
        },
      ],
    },
  });
});
afterAll(() => bridge.close());

describe("a visitor of a portal's link who asks to edit", () => {
  const newLink = async (): Promise<Json> => {
    const { uri } = await portal.newFile();
    return portal.json("POST", "/links", 201, { uri, permission: "view" });
  };
  const visit = async (link: Json, name: string) => {
    const person = webPerson(bridge.url);
    const open = async () => person.follow(await person.get(String(link["url"])));
    const page = await person.follow(await person.post(String(link["url"]), { name }));
    return { page: askingPage(bridge.url, page), editor: async () => wopiOfForm(editorForm(await open())) };
  };
  const requestsOf = async (link: Json): Promise<Json[]> =>
    (await portal.json("GET", `/links/${link["id"]}/requests`, 200))["requests"] as Json[];
  const answer = (link: Json, request: Json | undefined, body: unknown, headers = {}) => {
    const { id } = (request?.["person"] ?? {}) as Json;
    return portal.call("POST", `/links/${link["id"]}/requests/${id}`, body, headers);
  };

  it("is seen and answered by the portal, and edits as long as it lets them", async () => {
    const link = await newLink();
    expect(await requestsOf(link)).toEqual([]);
    const grace = await visit(link, "Grace");
    expect((await grace.page.ask()).status).toBe(200);
    const [request] = await requestsOf(link);
    expect(request).toMatchObject({ person: { name: "Grace" }, state: "asked", answered_at: null });

    const allowed = await answer(link, request, { answer: "allow" });
    expect([allowed.status, ((await allowed.json()) as Json)["state"]]).toEqual([200, "allowed"]);
    expect(await grace.page.access()).toBe("granted");
    expect((await (await grace.editor()).check()).json()).toMatchObject({ UserCanWrite: true });
    expect((await answer(link, request, { answer: "allow" })).status).toBe(200);

    expect((await answer(link, request, { answer: "take_back" })).status).toBe(200);
    expect((await (await grace.editor()).check()).json()).toMatchObject({ UserCanWrite: false });
    expect((await requestsOf(link))[0]).toMatchObject({ state: "ended" });
    const late = await answer(link, request, { answer: "refuse" });
    expect([late.status, (await problem(late)).code]).toEqual([409, "accessAnswered"]);
  });

  it("can be refused, and allowed after all", async () => {
    const link = await newLink();
    const grace = await visit(link, "Grace");
    await grace.page.ask();
    const [request] = await requestsOf(link);
    expect((await answer(link, request, { answer: "refuse" })).status).toBe(200);
    expect(await grace.page.access()).not.toBe("granted");
    expect((await answer(link, request, { answer: "allow" })).status).toBe(200);
    expect(await grace.page.access()).toBe("granted");
  });

  it("is nobody's business but the portal's that made the link", async () => {
    const link = await newLink();
    const grace = await visit(link, "Grace");
    await grace.page.ask();
    const [request] = await requestsOf(link);
    const other = { Authorization: `Bearer ${otherKey}` };
    expect((await portal.call("GET", `/links/${link["id"]}/requests`, undefined, other)).status).toBe(404);
    expect((await answer(link, request, { answer: "allow" }, other)).status).toBe(404);
    expect(await grace.page.access()).toBe("asked");
  });

  it("can't be answered when there is none, the link has ended or the answer is odd", async () => {
    const link = await newLink();
    const nobody = { person: { id: "nobody" } };
    const unknown = await answer(link, nobody, { answer: "allow" });
    expect([unknown.status, (await problem(unknown)).code]).toEqual([404, "accessNotAsked"]);
    expect((await answer(link, nobody, { answer: "all" })).status).toBe(422);
    expect((await answer(link, nobody, {})).status).toBe(422);
    const grace = await visit(link, "Grace");
    await grace.page.ask();
    const [request] = await requestsOf(link);
    expect((await portal.call("DELETE", `/links/${link["id"]}`)).status).toBe(204);
    expect((await answer(link, request, { answer: "allow" })).status).toBe(410);
  });
});

describe("a portal's session for less than editing", () => {
  it.each([
    ["comment", { UserCanOnlyComment: true, UserCanWrite: false }],
    ["review", { UserCanReview: true, UserCanWrite: false }],
  ] as const)("keeps its person to %s, and takes what they write", async (action, facts) => {
    const { uri } = await portal.newFile();
    const session = await portal.session({ uri, action });
    expect(session).toMatchObject({ permission: action });
    const client = wopiClient(session);
    expect((await client.check()).json()).toMatchObject({
      ...facts,
      UserCanNotWriteRelative: true,
      UserCanRename: false,
    });
    expect((await client.lock("A")).status).toBe(200);
    expect((await client.put("with a comment", "A")).status).toBe(200);
    const { sessions } = await portal.json("GET", "/sessions", 200);
    expect(sessions).toContainEqual(expect.objectContaining({ id: session.id, permission: action }));
  });

  it("lets them view where the editor keeps nobody to it, and says so", async () => {
    const { uri } = await portal.newFile("csv", "a,b");
    const session = await portal.json("POST", "/sessions", 201, { uri, action: "comment" });
    expect(session).toMatchObject({
      permission: "view",
      warnings: [{ field: "action", message: expect.stringContaining('was changed to "view"') }],
    });
  });

  it("reaches no folders", async () => {
    const { uri } = await portal.newFile();
    const { errors } = await portal.refused({ uri, action: "comment", scope: "folder" }, 422);
    expect(errors).toEqual([{ field: "scope", message: 'can\'t be "folder" with action comment' }]);
  });
});
