import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { linkOwner } from "../support/linkOwner.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { webPerson } from "../support/webPerson.ts";
import { callAt, type FolderSession, folderSession } from "./folderSession.ts";

describe("GetShareUrl on a container", () => {
  let bridge: TestBridge;
  /** Alice's app, from before she signed in at the bridge herself, and from afterwards. */
  let before: FolderSession;
  let app: FolderSession;
  beforeAll(async () => {
    bridge = await testBridge();
    await bridge.alice.put("Private/Team/Plan.docx", "the plan");
    before = await folderSession(bridge, bridge.alice.accessToken);
    await bridge.bob.put("Bobs/Plan.docx", "bob's");
  });
  afterAll(() => bridge.close());

  const share = (url: string, type?: string) =>
    callAt(url, { override: "GET_SHARE_URL", headers: type === undefined ? {} : { "X-WOPI-UrlType": type } });
  const typesOf = async (url: string) => (await callAt(url)).json()["SupportedShareUrlTypes"];

  it("is not promised, and 503, while only the app's token acts: a link would end with it", async () => {
    for (const url of [await before.folder("Private/Team"), await before.file("Private/Team/Plan.docx")]) {
      expect(await typesOf(url)).toBeUndefined();
      expect((await share(url, "ReadOnly")).status).toBe(503);
    }
    await linkOwner(bridge);
    app = await folderSession(bridge, bridge.alice.accessToken);
  });

  it("gives the owner a link to the folder for each kind, the same each time", async () => {
    const url = await app.folder("Private/Team");
    expect(await typesOf(url)).toEqual(["ReadOnly", "ReadWrite"]);
    const addresses = await Promise.all(
      ["ReadOnly", "ReadWrite", "ReadOnly"].map(async (type) => String((await share(url, type)).json()["ShareUrl"])),
    );
    expect(addresses[2]).toBe(addresses[0]);
    expect(addresses[1]).not.toBe(addresses[0]);
    const person = webPerson(bridge.url);
    const page = await person.follow(await person.post(addresses[0] ?? "", { name: "Ben" }));
    expect(page.text).toContain("Plan.docx");
    expect(page.text).not.toContain("Private");
  });

  it("makes a file's link in the same way", async () => {
    const url = await app.file("Private/Team/Plan.docx");
    expect(await typesOf(url)).toEqual(["ReadOnly", "ReadWrite"]);
    expect((await share(url, "ReadWrite")).json()["ShareUrl"]).toMatch(/\/l\//);
  });

  it("never shares the root", async () => {
    expect(await typesOf(app.root.Url)).toBeUndefined();
    for (const type of ["ReadOnly", "ReadWrite", undefined]) expect((await share(app.root.Url, type)).status).toBe(501);
  });

  it("refuses another type and none", async () => {
    const url = await app.folder("Private");
    expect((await share(url, "Other")).status).toBe(501);
    expect((await share(url)).status).toBe(400);
  });

  it("gives a portal nothing, though it reaches folders", async () => {
    const { session, src } = await bridge.open("Private/Team/Plan.docx", { scope: "folder" });
    const ancestors = await callAt(`${src}?access_token=${session.access_token}`, { below: "/ancestry" });
    const [, folder] = ancestors.json()["AncestorsWithRootFirst"] as { Url: string }[];
    const url = folder?.Url ?? "";
    expect((await callAt(url)).json()["Name"]).toBe("Private");
    expect(await typesOf(url)).toBeUndefined();
    for (const type of ["ReadOnly", "ReadWrite", "Other", undefined]) expect((await share(url, type)).status).toBe(501);
  });

  it("gives somebody else's app nothing of the owner's sign-in", async () => {
    const bobs = await folderSession(bridge, bridge.bob.accessToken);
    expect((await share(await bobs.folder("Bobs"), "ReadOnly")).status).toBe(503);
  });
});
