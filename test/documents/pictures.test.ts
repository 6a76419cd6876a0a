import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { drivePassword, type TestBridge, testBridge } from "../support/testBridge.ts";
import { webPerson } from "../support/webPerson.ts";

const png = Buffer.from("89504e470d0a1a0a", "hex");
const office = "https://office.example/hosting/wopi/word/edit?";
const minuteMs = 60_000;

describe("a picture from the drive", () => {
  let bridge: TestBridge;
  let pageUrl: string;
  let pictureId: string;
  let noteId: string;
  const keyIn = (html: string) => /"pageKey":"([\w-]+)"/.exec(html)?.[1] ?? "";
  const calls = async (more: object = {}) => {
    const answered = await bridge.postSession({ uri: bridge.alice.uriOf("Report.docx"), action: "edit", ...more });
    const { host_page_url } = z.object({ host_page_url: z.string() }).parse(await answered.json());
    return `${bridge.url}/edit/${keyIn(await (await fetch(host_page_url)).text())}/pictures`;
  };
  const addressOf = async (id = pictureId): Promise<string> =>
    z.object({ url: z.string() }).parse(await (await fetch(`${pageUrl}/${id}`, { method: "POST" })).json()).url;

  beforeAll(async () => {
    const viewer = {
      id: "o",
      type: "wopi" as const,
      display_name: "O",
      exts: ["docx"],
      wopi_actions: { docx: { edit: office, view: office } },
    };
    bridge = await testBridge({ drive: { viewers: [viewer] } });
    await bridge.alice.put("Report.docx", "text");
    await bridge.alice.put("Photo.PNG", png);
    await bridge.alice.put("Plan.txt", "no picture");
    pictureId = (await bridge.alice.info("Photo.PNG")).id;
    noteId = (await bridge.alice.info("Plan.txt")).id;
    const alice = webPerson(bridge.url);
    await alice.post("/signin/password", { email: "alice@example.com", password: drivePassword });
    const page = await alice.follow(await alice.get(`/open?file_id=${(await bridge.alice.info("Report.docx")).id}`));
    pageUrl = `${bridge.url}/edit/${keyIn(page.text)}/pictures`;
  });
  afterAll(() => bridge.close());

  it("is offered to the owner, with the folder's other pictures and nothing else", async () => {
    const shown = z.object({ path: z.array(z.unknown()), pictures: z.array(z.object({ name: z.string() })) });
    const { path, pictures } = shown.parse(await (await fetch(pageUrl)).json());
    expect([path.length, pictures.map(({ name }) => name)]).toEqual([1, ["Photo.PNG"]]);
    expect((await fetch(`${pageUrl}?folder=${encodeURIComponent("cloudreve://share/x")}`)).status).toBe(404);
  });

  it("is fetched by anybody who has its address, for five minutes", async () => {
    const address = await addressOf();
    expect(address).toMatch(/\/wopi\/pictures\/[\w.-]+\/picture\.png$/);
    const answered = await fetch(address);
    expect([answered.status, answered.headers.get("content-type")]).toEqual([200, "image/png"]);
    expect(answered.headers.get("content-security-policy")).toContain("sandbox");
    expect(Buffer.from(await answered.arrayBuffer())).toEqual(png);
    const head = await fetch(address, { method: "HEAD" });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, String(png.length)]);
    // As a real Collabora asks before it fetches.
    const methods = await fetch(address, { method: "OPTIONS" });
    expect([methods.status, methods.headers.get("allow")]).toEqual([204, "GET, HEAD"]);
    bridge.clock.advance(5 * minuteMs);
    expect((await fetch(address)).status).toBe(401);
  });

  it("has an address that opens nothing else, and no token of a document opens it", async () => {
    const token = (await addressOf()).split("/").at(-2) ?? "";
    expect((await fetch(`${bridge.url}/wopi/files/${pictureId}?access_token=${token}`)).status).toBe(401);
    const { access_token } = z
      .object({ access_token: z.string() })
      .parse(await (await fetch(pageUrl.replace("/pictures", "/renew"), { method: "POST" })).json());
    expect((await fetch(`${bridge.url}/wopi/pictures/${access_token}/picture.png`)).status).toBe(401);
  });

  it("is no document, and nothing of somebody else's", async () => {
    expect((await fetch(`${pageUrl}/${noteId}`, { method: "POST" })).status).toBe(404);
    expect((await fetch(`${pageUrl}/nosuch`)).status).toBe(404);
  });

  it("is for no guest of a portal, whatever they ask", async () => {
    const guests = await calls({ user: { id: "u1", name: "Anna" } });
    for (const [address, method] of [
      [guests, "GET"],
      [`${guests}/${pictureId}`, "GET"],
      [`${guests}/${pictureId}`, "POST"],
    ] as const)
      expect((await fetch(address, { method })).status, `${method} ${address}`).toBe(404);
  });
});
