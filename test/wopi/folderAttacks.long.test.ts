import { request as send } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type DriveProxy, driveProxy } from "../support/driveProxy.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { utf7 } from "../support/utf7.ts";
import { wopiClient } from "../support/wopiClient.ts";
import { callAt, type FolderSession, folderSession, type Pointer } from "./folderSession.ts";

let bridge: TestBridge;
let proxy: DriveProxy;
let app: FolderSession;
let work: string;
let made = 0;

beforeAll(async () => {
  bridge = await testBridge({
    driveAddress: async (url) => {
      proxy = await driveProxy(url);
      return proxy.url;
    },
    pause: async () => undefined,
  });
  await bridge.alice.put("Work/Report.docx", "the report");
  app = await folderSession(bridge, bridge.alice.accessToken);
  work = await app.folder("Work");
});
afterEach(() => {
  proxy.intercept = undefined;
});
afterAll(async () => {
  await bridge.close();
  await proxy.close();
});

const create = (url: string, kind: "FILE" | "CONTAINER", headers: Record<string, string>) =>
  callAt(url, { override: `CREATE_CHILD_${kind}`, headers });

async function newFolder(): Promise<{ path: string; url: string }> {
  const path = `Attack ${++made}`;
  await bridge.alice.call("POST", "/file/create", { uri: bridge.alice.uriOf(path), type: "folder" });
  return { path, url: await app.folder(path) };
}

const hostile: readonly (readonly [what: string, header: string])[] = [
  ["the folder above", ".."],
  ["a path", "../../Work/Report.docx"],
  ["an encoded path", "%2e%2e%2fWork%2fReport.docx"],
  ["an encoded slash", "a%2fb.docx"],
  ["a path in UTF-7", utf7("../x.docx").replaceAll("/", "+AC8-")],
  ["a NUL in UTF-7", "a+AAA-b.docx"],
  ["half a character in UTF-7", "a+2D0-.docx"],
  ["emoji", utf7("\u{1f469}\u200d\u{1f469}\u200d\u{1f467}.docx")],
  ["text that turns round", utf7("invoice\u202excod.exe")],
  ["300 characters", `${"n".repeat(300)}.docx`],
  ["300 characters of four bytes", utf7(`${"\u{1f600}".repeat(300)}.docx`)],
  ["dots behind", "name..."],
  ["spaces around", "  name  "],
  ["a name of Windows", "CON.docx"],
  ["a question mark and a hash", "a?b#c&d=e.docx"],
  ["an address", "cloudreve://my/Work/Report.docx"],
];
const malformed: readonly (readonly [what: string, header: string])[] = [
  ["half of UTF-7", "a+A-.docx"],
  ["nothing of UTF-7 at all", "+++"],
  ["an umlaut outside of UTF-7", "\xfcber.docx"],
];

describe("a new name", () => {
  it.each(hostile)("that is %s stays inside of the folder, as a similar one", async (_what, name) => {
    for (const kind of ["FILE", "CONTAINER"] as const) {
      const { path, url } = await newFolder();
      const before = await bridge.alice.list();
      const answered = await create(url, kind, { "X-WOPI-SuggestedTarget": name });
      expect(answered.status, answered.text).toBe(200);
      const names = await bridge.alice.list(path);
      const { Name = (answered.json()["ContainerPointer"] as Pointer | undefined)?.Name } = answered.json();
      expect(names).toEqual([Name]);
      expect(Buffer.byteLength(String(Name))).toBeLessThanOrEqual(230);
      expect(await bridge.alice.list()).toEqual(before);
    }
    expect(await bridge.alice.list("Work")).toEqual(["Report.docx"]);
  });

  it.each([...hostile.filter(([, name]) => /^\.\.|\/|^name\.\.\.|CON|\?|n{300}|AAA/.test(name)), ...malformed])(
    "that is %s is refused where it must be exactly this one",
    async (_what, name) => {
      const { path, url } = await newFolder();
      for (const kind of ["FILE", "CONTAINER"] as const) {
        const headers = { "X-WOPI-RelativeTarget": name, "X-WOPI-OverwriteRelativeTarget": "true" };
        expect((await create(url, kind, headers)).status).toBe(400);
      }
      expect(await bridge.alice.list(path)).toEqual([]);
    },
  );

  it.each(malformed)("that is %s is refused also where a similar one would do", async (_what, name) => {
    const { path, url } = await newFolder();
    expect((await create(url, "FILE", { "X-WOPI-SuggestedTarget": name })).status).toBe(400);
    const rename = { override: "RENAME_CONTAINER", headers: { "X-WOPI-RequestedName": name } };
    expect((await callAt(url, rename)).status).toBe(400);
    expect(await bridge.alice.list(path)).toEqual([]);
  });

  it("that many ask for at once makes as many files, each with its own name", async () => {
    const { path, url } = await newFolder();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => create(url, "FILE", { "X-WOPI-SuggestedTarget": "Plan.docx" })),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(new Set(answers.map((answered) => answered.json()["Name"])).size).toBe(8);
    expect(await bridge.alice.list(path)).toHaveLength(8);
    const exact = await Promise.all(
      Array.from({ length: 4 }, () => create(url, "FILE", { "X-WOPI-RelativeTarget": "Exact.docx" })),
    );
    expect(exact.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
  });

  it("with five megabytes behind it is created empty, and the connection goes on", async () => {
    const { path, url } = await newFolder();
    const answered = await fetch(url, {
      method: "POST",
      headers: { "X-WOPI-Override": "CREATE_CHILD_FILE", "X-WOPI-RelativeTarget": "Big.docx" },
      body: Buffer.alloc(5 * 1024 * 1024, 1),
    });
    expect(answered.status).toBe(200);
    expect(await bridge.alice.read(`${path}/Big.docx`)).toBe("");
    const withHeader = await new Promise<number>((resolve) => {
      const [address = "", query = ""] = url.split("?");
      const headers = { "X-WOPI-Override": "CREATE_CHILD_FILE", "X-WOPI-RelativeTarget": "n".repeat(5 * 1024 * 1024) };
      send(`${address}?${query}`, { method: "POST", headers }, (answer) => resolve(answer.resume().statusCode ?? 0))
        .on("error", () => resolve(0))
        .end();
    });
    expect([431, 0]).toContain(withHeader);
    expect((await callAt(url)).status).toBe(200);
  });
});

describe("a folder's id", () => {
  it("of a file, of another account, in the trash, or of nothing leads nowhere, whatever is asked", async () => {
    const { id: file } = await bridge.alice.info("Work/Report.docx");
    await bridge.bob.put("Bobs/x.docx", "x");
    const { id: bobs } = await bridge.bob.info("Bobs");
    const { path } = await newFolder();
    const { id: trashed } = await bridge.alice.info(path);
    await bridge.alice.call("DELETE", "/file", { uris: [bridge.alice.uriOf(path)] });
    for (const id of [file, bobs, trashed, "zzzzzz"]) {
      const bearer = { Authorization: `Bearer ${bridge.alice.accessToken}` };
      const asked = await fetch(`${bridge.url}/wopibootstrapper`, {
        method: "POST",
        headers: {
          ...bearer,
          "X-WOPI-EcosystemOperation": "GET_NEW_ACCESS_TOKEN",
          "X-WOPI-WopiSrc": `${bridge.url}/wopi/containers/${id}`,
        },
      });
      expect([id, asked.status]).toEqual([id, 404]);
    }
  });
});

describe("a folder in which somebody edits a document", () => {
  it("is neither renamed nor removed, and the next save goes through", async () => {
    const { path, url } = await newFolder();
    await bridge.alice.put(`${path}/Plan.docx`, "before");
    const editor = await bridge.open(`${path}/Plan.docx`);
    expect((await editor.lock("A")).status).toBe(200);
    const renamed = await callAt(url, { override: "RENAME_CONTAINER", headers: { "X-WOPI-RequestedName": "Other" } });
    expect(renamed.status).toBe(400);
    expect(renamed.header("X-WOPI-InvalidContainerNameError") ?? renamed.header("X-WOPI-InvalidFileNameError")).toMatch(
      /open|locked/i,
    );
    expect((await callAt(url, { override: "DELETE_CONTAINER" })).status).toBe(409);
    expect((await editor.put("saved", "A")).status).toBe(200);
    expect(await bridge.alice.read(`${path}/Plan.docx`)).toBe("saved");
    await editor.unlock("A");
    const again = await callAt(url, { override: "RENAME_CONTAINER", headers: { "X-WOPI-RequestedName": `${path} b` } });
    expect(again.status).toBe(200);
    await editor.lock("A");
    expect((await editor.put("saved again", "A")).status).toBe(200);
    expect(await bridge.alice.read(`${path} b/Plan.docx`)).toBe("saved again");
  });

  it("that is filled at the moment of its removal is in the trash with all that is in it", async () => {
    const { path, url } = await newFolder();
    proxy.intercept = async (request) => {
      if (request.method === "DELETE") await bridge.alice.put(`${path}/Late.docx`, "late");
      return false;
    };
    expect((await callAt(url, { override: "DELETE_CONTAINER" })).status).toBe(200);
    const { data } = await bridge.alice.call("GET", "/file?uri=cloudreve%3A%2F%2Ftrash&page_size=1000");
    expect((data as { files: { name: string }[] }).files.map(({ name }) => name)).toContain(path);
  });
});

describe("when the drive is away", () => {
  it("every call on a folder is 503, and the same call works afterwards", async () => {
    const calls = [
      () => callAt(work),
      () => callAt(work, { below: "/children" }),
      () => callAt(work, { below: "/ancestry" }),
      () => callAt(app.bootstrap.EcosystemUrl, { below: "/root_container_pointer" }),
      () => create(work, "FILE", { "X-WOPI-SuggestedTarget": "Away.docx" }),
      () => callAt(work, { override: "RENAME_CONTAINER", headers: { "X-WOPI-RequestedName": "Away" } }),
      () => callAt(work, { override: "DELETE_CONTAINER" }),
      () =>
        folderSession(bridge, bridge.alice.accessToken).then(
          () => ({ status: 200 }),
          (error: Error) => ({ status: Number(/: (\d+)/.exec(error.message)?.[1]) }),
        ),
    ];
    proxy.intercept = (_request, response) => response.destroy() !== undefined;
    for (const call of calls) expect((await call()).status).toBe(503);
    proxy.intercept = undefined;
    expect((await callAt(work)).status).toBe(200);
    expect(await bridge.alice.list("Work")).toEqual(["Report.docx"]);
  });

  it("a caller who hangs up while it is slow leaves nothing behind", async () => {
    let asked = 0;
    proxy.intercept = async (request) => {
      if (request.url?.startsWith("/api/v4/file?")) asked++;
      await new Promise((resolve) => setTimeout(resolve, 200));
      return false;
    };
    const hangUp = AbortSignal.timeout(100);
    const [address = "", query = ""] = work.split("?");
    await expect(fetch(`${address}/children?${query}`, { signal: hangUp })).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect(asked).toBeLessThanOrEqual(1);
    proxy.intercept = undefined;
    expect((await callAt(work)).status).toBe(200);
  });
});

describe("the activity of what an app has open", () => {
  it("names the owner, who can also open it in the web at the same time", async () => {
    const file = await app.file("Work/Report.docx");
    const [src = "", token = ""] = file.split("?access_token=");
    const editor = wopiClient({ access_token: token } as never, src);
    await editor.check();
    await editor.get();
    await editor.lock("app");
    const answered = await fetch(
      `${bridge.url}/api/files/${(await bridge.alice.info("Work/Report.docx")).id}/activity`,
      {
        headers: { Authorization: "Bearer test-portal-key-as-long-as-real-ones" },
      },
    );
    expect(await answered.text()).toContain("Alice");
    expect((await editor.put("by the app", "app")).status).toBe(200);
    await editor.unlock("app");
    expect(await bridge.alice.read("Work/Report.docx")).toBe("by the app");
  });
});
