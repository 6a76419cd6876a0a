import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { wopiClient } from "../support/wopiClient.ts";
import { askBootstrapper, callAt, type FolderSession, folderSession, type Pointer } from "./folderSession.ts";

describe("containers", () => {
  let bridge: TestBridge;
  let app: FolderSession;
  beforeAll(async () => {
    bridge = await testBridge();
    await bridge.alice.put("Reports/2026/First.docx", "first");
    await bridge.alice.put("Reports/2026/Second.md", "second one");
    await bridge.alice.put("Reports/2026/Deep/Third.docx", "third");
    app = await folderSession(bridge, bridge.alice.accessToken);
  });
  afterAll(() => bridge.close());

  const names = async (path: string) => (await bridge.alice.list(path)).sort();
  const empty = async (name: string): Promise<string> => {
    await bridge.alice.call("POST", "/file/create", { uri: bridge.alice.uriOf(name), type: "folder" });
    return app.folder(name);
  };
  const create = (url: string, kind: "FILE" | "CONTAINER", headers: Record<string, string>) =>
    callAt(url, { override: `CREATE_CHILD_${kind}`, headers });

  it("lists a folder's folders and files, with what an app shows of them", async () => {
    const { status, headers, text } = await callAt(await app.folder("Reports/2026"), { below: "/children" });
    expect(status).toBe(200);
    expect(headers.get("Content-Type")).toContain("application/json");
    expect(JSON.parse(text)).toEqual({
      ChildContainers: [{ Name: "Deep", Url: expect.stringContaining("/wopi/containers/") }],
      ChildFiles: [
        expect.objectContaining({ Name: "First.docx", Size: 5, LastModifiedTime: expect.stringMatching(/Z$/) }),
        expect.objectContaining({ Name: "Second.md", Size: 10, Version: expect.stringMatching(/./) }),
      ],
    });
  });

  it.each([
    [".docx", ["First.docx"]],
    ["docx, .MD", ["First.docx", "Second.md"]],
    [".xlsx", []],
    [",", []],
  ])("lists only files of the types asked for, but all folders: %j", async (list, files) => {
    const headers = { "X-WOPI-FileExtensionFilterList": list };
    const { text } = await callAt(await app.folder("Reports/2026"), { below: "/children", headers });
    const children = JSON.parse(text) as Record<string, Pointer[]>;
    expect(children["ChildContainers"]?.map(({ Name }) => Name)).toEqual(["Deep"]);
    expect(children["ChildFiles"]?.map(({ Name }) => Name)).toEqual(files);
  });

  it("lists an empty folder", async () => {
    expect(JSON.parse((await callAt(await empty("Empty"), { below: "/children" })).text)).toEqual({
      ChildContainers: [],
      ChildFiles: [],
    });
  });

  it("names the folders above a file and above a folder, the root first", async () => {
    const above = async (url: string) =>
      (JSON.parse((await callAt(url, { below: "/ancestry" })).text) as { AncestorsWithRootFirst: Pointer[] })
        .AncestorsWithRootFirst;
    const ofFile = await above(await app.file("Reports/2026/First.docx"));
    expect(ofFile.map(({ Name }) => Name)).toEqual(["My files", "Reports", "2026"]);
    expect((await above(await app.folder("Reports/2026"))).map(({ Name }) => Name)).toEqual(["My files", "Reports"]);
    expect(await above(ofFile[0]?.Url ?? "")).toEqual([]);
    expect((await callAt(ofFile[2]?.Url ?? "")).json()["Name"]).toBe("2026");
  });

  it("says what may be done to a folder, and nothing to the root but creating", async () => {
    expect((await callAt(await app.folder("Reports"))).json()).toMatchObject({
      Name: "Reports",
      UserCanCreateChildContainer: true,
      UserCanCreateChildFile: true,
      UserCanDelete: true,
      UserCanRename: true,
    });
    const root = (await callAt(app.root.Url)).json();
    expect(root).toMatchObject({ UserCanCreateChildFile: true, UserCanDelete: false, UserCanRename: false });
    expect((await callAt(app.root.Url, { override: "DELETE_CONTAINER" })).status).toBe(404);
    const rename = { override: "RENAME_CONTAINER", headers: { "X-WOPI-RequestedName": "Mine" } };
    expect((await callAt(app.root.Url, rename)).status).toBe(404);
  });

  it("creates a file that can be filled, saved again and deleted", async () => {
    const url = await empty("New files");
    const made = await create(url, "FILE", { "X-WOPI-RelativeTarget": "Plan.docx" });
    expect(made.status).toBe(200);
    const { Name, Url } = made.json() as unknown as Pointer;
    expect(Name).toBe("Plan.docx");
    const [src = "", token = ""] = Url.split("?access_token=");
    const editor = wopiClient({ access_token: token } as never, src);
    expect((await editor.check()).json()).toMatchObject({ BaseFileName: "Plan.docx", Size: 0, UserCanWrite: true });
    expect((await editor.put("filled")).status).toBe(200);
    await editor.lock("A");
    expect((await editor.put("saved", "A")).status).toBe(200);
    await editor.unlock("A");
    expect(await bridge.alice.read("New files/Plan.docx")).toBe("saved");
    expect((await editor.post("DELETE")).status).toBe(200);
    expect(await names("New files")).toEqual([]);
  });

  it.each([
    [{ "X-WOPI-SuggestedTarget": "Notes.docx" }, "Notes.docx"],
    [{ "X-WOPI-SuggestedTarget": "Notes.docx" }, "Notes (2).docx"],
    [{ "X-WOPI-SuggestedTarget": ".docx" }, "Document.docx"],
    [{ "X-WOPI-SuggestedTarget": "a/b*c.docx" }, "a_b_c.docx"],
    [{ "X-WOPI-SuggestedTarget": "+APw-ber.docx" }, "über.docx"],
  ])("chooses a free name near the suggested one: %j", async (headers, name) => {
    const url = await app.folder("Empty");
    const made = await create(url, "FILE", headers);
    expect([made.status, made.json()["Name"]]).toEqual([200, name]);
  });

  it.each([
    ["FILE" as const, { "X-WOPI-RelativeTarget": "a/b.docx" }, 400],
    ["FILE" as const, { "X-WOPI-RelativeTarget": `${"long".repeat(80)}.docx` }, 400],
    ["FILE" as const, { "X-WOPI-RelativeTarget": "x.docx", "X-WOPI-SuggestedTarget": "x.docx" }, 501],
    ["CONTAINER" as const, { "X-WOPI-RelativeTarget": ".." }, 400],
    ["CONTAINER" as const, { "X-WOPI-RelativeTarget": "x", "X-WOPI-SuggestedTarget": "x" }, 501],
    ["FILE" as const, {}, 400],
    ["CONTAINER" as const, {}, 400],
  ])("creates no %s for %j: %i", async (kind, headers, status) => {
    const before = await names("Reports");
    const refused = await create(await app.folder("Reports"), kind, headers as Record<string, string>);
    expect(refused.status).toBe(status);
    expect(await names("Reports")).toEqual(before);
  });

  it("replaces a file under exactly its name only when asked to, and the old one is in the trash", async () => {
    const url = await empty("Exact");
    await bridge.alice.put("Exact/Plan.docx", "written by hand");
    const headers = { "X-WOPI-RelativeTarget": "Plan.docx" };
    expect((await create(url, "FILE", headers)).status).toBe(409);
    expect((await create(url, "FILE", { ...headers, "X-WOPI-OverwriteRelativeTarget": "false" })).status).toBe(409);
    expect(await bridge.alice.read("Exact/Plan.docx")).toBe("written by hand");
    expect((await create(url, "FILE", { ...headers, "X-WOPI-OverwriteRelativeTarget": "TRUE" })).status).toBe(200);
    expect(await bridge.alice.read("Exact/Plan.docx")).toBe("");
    const { data } = await bridge.alice.call("GET", "/file?uri=cloudreve%3A%2F%2Ftrash&page_size=1000");
    expect((data as { files: { name: string; size: number }[] }).files).toContainEqual(
      expect.objectContaining({ name: "Plan.docx", size: 15 }),
    );
  });

  it("replaces no file that somebody edits, and no folder", async () => {
    const url = await empty("Locked");
    await bridge.alice.put("Locked/Plan.docx", "edited");
    const editor = await bridge.open("Locked/Plan.docx");
    await editor.lock("mine");
    const headers = { "X-WOPI-RelativeTarget": "Plan.docx", "X-WOPI-OverwriteRelativeTarget": "true" };
    const refused = await create(url, "FILE", headers);
    expect([refused.status, refused.header("X-WOPI-Lock")]).toEqual([409, "mine"]);
    expect(await bridge.alice.read("Locked/Plan.docx")).toBe("edited");
    const onFolder = { ...headers, "X-WOPI-RelativeTarget": "Sub.docx" };
    expect((await create(url, "CONTAINER", { "X-WOPI-RelativeTarget": "Sub.docx" })).status).toBe(200);
    expect((await create(url, "FILE", onFolder)).status).toBe(409);
    expect((await create(url, "CONTAINER", onFolder)).status).toBe(409);
  });

  it("creates, renames and deletes a folder, which keeps its address", async () => {
    const url = await empty("Folders");
    const suggested = { "X-WOPI-SuggestedTarget": "Team" };
    const made = (await create(url, "CONTAINER", suggested)).json() as {
      ContainerPointer: Pointer;
      ContainerInfo: object;
    };
    expect(made.ContainerPointer.Name).toBe("Team");
    expect(made.ContainerInfo).toMatchObject({ Name: "Team", UserCanRename: true });
    const second = (await create(url, "CONTAINER", suggested)).json() as { ContainerPointer: Pointer };
    expect(second.ContainerPointer.Name).toBe("Team (2)");
    const rename = (name: string) =>
      callAt(second.ContainerPointer.Url, { override: "RENAME_CONTAINER", headers: { "X-WOPI-RequestedName": name } });
    expect((await rename("Team")).json()).toEqual({ Name: "Team (2)" });
    expect((await rename("container+AF8-name v1.2")).json()).toEqual({ Name: "container_name v1.2" });
    expect((await callAt(second.ContainerPointer.Url)).json()["Name"]).toBe("container_name v1.2");
    expect((await rename("...")).status).toBe(400);
    await bridge.alice.put("Folders/Team/kept.docx", "kept");
    expect((await callAt(made.ContainerPointer.Url, { override: "DELETE_CONTAINER" })).status).toBe(409);
    expect((await callAt(second.ContainerPointer.Url, { override: "DELETE_CONTAINER" })).status).toBe(200);
    expect((await callAt(second.ContainerPointer.Url)).status).toBe(404);
    expect(await names("Folders")).toEqual(["Team"]);
  });

  it("leads from any file or folder to the ecosystem, and from there to the root", async () => {
    for (const url of [await app.file("Reports/2026/First.docx"), await app.folder("Reports")]) {
      const { Url } = (await callAt(url, { below: "/ecosystem_pointer" })).json() as { Url: string };
      expect((await callAt(Url)).json()).toEqual({ SupportsContainers: true });
      const { ContainerPointer } = (await callAt(Url, { below: "/root_container_pointer" })).json() as {
        ContainerPointer: Pointer;
      };
      expect(ContainerPointer.Name).toBe("My files");
      expect((await callAt(ContainerPointer.Url)).status).toBe(200);
    }
  });

  it("finds the WOPISrc behind an address that a person knows", async () => {
    const { id } = await bridge.alice.info("Reports/2026/First.docx");
    const ask = (name: string) =>
      callAt(app.bootstrap.EcosystemUrl, {
        override: "GET_WOPI_SRC_WITH_ACCESS_TOKEN",
        headers: { "X-WOPI-HostNativeFileName": name },
      });
    for (const name of [id, `${bridge.url}/open?file_id=${id}`, `${bridge.url}/wopi/files/${id}?x=y`]) {
      const { Url } = (await ask(name)).json() as { Url: string };
      expect((await callAt(Url)).json()["BaseFileName"], name).toBe("First.docx");
    }
    for (const name of [
      "",
      "zzzzzz",
      `https://elsewhere.example/open?file_id=${id}`,
      `${bridge.url}/open?file_id=../..`,
    ]) {
      expect((await ask(name)).status, name).toBe(404);
    }
  });

  describe("the bootstrapper", () => {
    it("tells an app without a token where its person signs in", async () => {
      for (const authorization of ["", "Bearer", "Bearer garbage", "Basic YTpi"]) {
        const { status, header, text } = await askBootstrapper(bridge.url, { Authorization: authorization }, "GET");
        expect([status, text]).toEqual([401, ""]);
        expect(header("WWW-Authenticate")).toBe(
          `Bearer authorization_uri="${bridge.drive.url}/session/authorize",tokenIssuance_uri="${bridge.drive.url}/api/v4/session/oauth/token"`,
        );
      }
    });

    it("tells who has signed in, and never the drive's own id of the person", async () => {
      const bearer = { Authorization: `Bearer ${bridge.alice.accessToken}` };
      const { status, text } = await askBootstrapper(bridge.url, bearer, "GET");
      expect(status).toBe(200);
      expect(JSON.parse(text)).toEqual({
        Bootstrap: {
          EcosystemUrl: expect.stringContaining(`${bridge.url}/wopi/ecosystem?access_token=`),
          UserId: expect.stringMatching(/^o[0-9a-f]{20}$/),
          SignInName: "Alice",
          UserFriendlyName: "Alice",
        },
      });
    });

    it("gives a fresh token for a file or folder of the person's, and for nothing else", async () => {
      const file = await app.file("Reports/2026/First.docx");
      const folder = await app.folder("Reports");
      const ask = (wopiSrc: string, by = bridge.alice) =>
        askBootstrapper(bridge.url, {
          Authorization: `Bearer ${by.accessToken}`,
          "X-WOPI-EcosystemOperation": "GET_NEW_ACCESS_TOKEN",
          "X-WOPI-WopiSrc": wopiSrc,
        });
      for (const url of [file, folder]) {
        const [src = ""] = url.split("?");
        for (const asked of [src, url]) {
          const answered = (await ask(asked)).json() as {
            AccessTokenInfo: { AccessToken: string; AccessTokenExpiry: number };
          };
          const { AccessToken, AccessTokenExpiry } = answered.AccessTokenInfo;
          expect((await callAt(`${src}?access_token=${AccessToken}`)).status).toBe(200);
          expect(AccessTokenExpiry).toBeGreaterThan(bridge.clock.now());
        }
        // Bob is somebody else.
        expect((await ask(src, bridge.bob)).status).toBe(404);
        expect((await ask(src.replace("127.0.0.1", "127.0.0.2"))).status).toBe(404);
      }
      expect((await ask("")).status).toBe(404);
      expect((await ask(`${bridge.url}/wopi/files/zzzzzz`)).status).toBe(404);
    });

    it("opens a document as its owner", async () => {
      const file = await app.file("Reports/2026/First.docx");
      expect((await callAt(file)).json()).toMatchObject({
        SupportsContainers: true,
        SupportsEcosystem: true,
        SupportsDeleteFile: true,
        UserFriendlyName: "Alice",
      });
    });
  });
});
