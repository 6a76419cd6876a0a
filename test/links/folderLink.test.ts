import { describe, expect, it } from "vitest";
import { fileWithin, hasLeftFolder, isInside, linkTarget, listWithin } from "../../src/links/folderLink.ts";
import type { EditLink } from "../../src/links/links.ts";
import type { Drive, DriveEntry, DriveFile, DriveFolder } from "../../src/model/drive.ts";
import { BridgeError } from "../../src/model/failure.ts";

const root = "cloudreve://my";
const link = { id: "l1", account: "alice", fileId: "shared", folder: true } as EditLink;

/** Places of files and folders by id, which a test moves. */
function driveOf(places: Record<string, string>, pages: Record<string, readonly (readonly string[])[]> = {}) {
  const asked: string[] = [];
  const isFolder = (id: string) => !/\.\w+$/.test(places[id] ?? "");
  const at = (id: string, wantsFolder: boolean): DriveFolder => {
    asked.push(id);
    const uri = places[id];
    if (uri === undefined || isFolder(id) !== wantsFolder) throw new BridgeError({ kind: "fileMissing" });
    return { id, name: decodeURIComponent(uri === root ? "" : (uri.split("/").pop() ?? "")), uri };
  };
  const idOf = (uri: string) => Object.keys(places).find((id) => places[id] === uri) ?? "";
  const drive: Pick<Drive, "find" | "folder" | "foldersAbove" | "list"> = {
    find: async (_account, target) => at("fileId" in target ? target.fileId : idOf(target.uri), false) as DriveFile,
    folder: async (_account, target) => at("folderId" in target ? target.folderId : idOf(target.uri), true),
    foldersAbove: async (_account, uri) => {
      const steps = uri.slice(root.length + 1).split("/");
      return [root, ...steps.slice(0, -1).map((_step, end) => `${root}/${steps.slice(0, end + 1).join("/")}`)].map(
        (above) => at(idOf(above), true),
      );
    },
    list: async (_account, uri = "", next = "0") => {
      const names = pages[uri]?.[Number(next)] ?? [];
      const last = Number(next) + 1 >= (pages[uri]?.length ?? 1);
      return { entries: names.map((name) => entry(uri, name)), next: last ? undefined : String(Number(next) + 1) };
    },
  };
  return { services: { drive: drive as Drive }, asked, places };
}

const entry = (folderUri: string, name: string): DriveEntry => ({
  kind: name.endsWith("/") ? "folder" : "file",
  id: name,
  name: name.replace(/\/$/, ""),
  uri: `${folderUri}/${encodeURIComponent(name)}`,
  sizeBytes: 1,
  modifiedAt: "2026-11-21T08:15:00Z",
  version: "v",
});

const kindOf = (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof BridgeError ? error.failure.kind : "unexpected"),
  );

describe("inside a folder", () => {
  it.each([
    [`${root}/A`, `${root}/A/x.docx`],
    [`${root}/A/`, `${root}/A/x.docx`],
    [`${root}/A`, `${root}/A/B/C/x.docx`],
    [`${root}/A`, `${root}/A/B/`],
    [`${root}/50%25%20%26%20more`, `${root}/50%25 & more/100%2525.docx`],
    [`${root}/%E6%8A%A5%E5%91%8A`, `${root}/报告/x.docx`],
    [`${root}/A`, `${root}/A/..x.docx`],
    [`${root}/A`, `${root}/A/%252e%252e/x.docx`],
    [`${root}/A`, `${root}/A/a%2Fb.docx`],
  ])("of %s lies %s", (folder, uri) => {
    expect(isInside(folder, uri)).toBe(true);
  });

  it.each([
    ["itself", `${root}/A`, `${root}/A`],
    ["itself with a slash", `${root}/A`, `${root}/A/`],
    ["a file beside", `${root}/A`, `${root}/x.docx`],
    ["a folder whose name begins alike", `${root}/A`, `${root}/AB/x.docx`],
    ["a folder whose name ends alike", `${root}/A`, `${root}/B/A/x.docx`],
    ["another case", `${root}/A`, `${root}/a/x.docx`],
    ["the folder above", `${root}/A/B`, `${root}/A/x.docx`],
    ["up and elsewhere", `${root}/A`, `${root}/A/../B/x.docx`],
    ["up and elsewhere, encoded", `${root}/A`, `${root}/A/%2e%2e/B/x.docx`],
    ["a step of nothing", `${root}/A`, `${root}/A//x.docx`],
    ["here and no further", `${root}/A`, `${root}/A/.`],
    ["a slash inside a name", `${root}/A`, `${root}/A%2Fx.docx`],
    ["a broken encoding", `${root}/A`, `${root}/A/%E0%A4%A`],
    ["a broken encoding like the folder's", `${root}/%E0%A4%A`, `${root}/%E0%A4%B/x.docx`],
    ["the trash", `${root}/A`, "cloudreve://trash/A/x.docx"],
    ["another account's", `${root}/A`, "cloudreve://u2@my/A/x.docx"],
    ["nothing", `${root}/A`, ""],
  ])("lies not %s", (_what, folder, uri) => {
    expect(isInside(folder, uri)).toBe(false);
  });
});

describe("a document of a folder's link", () => {
  const places = {
    shared: `${root}/Projects/Shared`,
    below: `${root}/Projects/Shared/Below`,
    in1: `${root}/Projects/Shared/in.docx`,
    in2: `${root}/Projects/Shared/Below/deep.docx`,
    out1: `${root}/Projects/secret.docx`,
    out2: `${root}/Projects/Shared 2/like.docx`,
  };

  it.each(["in1", "in2"])("is found where it lies in the folder or below it: %s", async (id) => {
    expect((await fileWithin(driveOf(places).services, link, id)).id).toBe(id);
  });

  it.each(["out1", "out2", "nothing", "below", "shared"])("is not there otherwise, for one reason: %s", async (id) => {
    expect(await kindOf(fileWithin(driveOf(places).services, link, id))).toBe("fileMissing");
  });

  it("comes and goes with where it lies at the moment, and stays when the folder moves", async () => {
    const stage = driveOf({ ...places });
    const opens = (id: string) => kindOf(fileWithin(stage.services, link, id));
    stage.places["in1"] = `${root}/elsewhere.docx`;
    stage.places["out1"] = `${root}/Projects/Shared/secret.docx`;
    expect([await opens("in1"), await opens("out1")]).toEqual(["fileMissing", undefined]);
    stage.places["shared"] = `${root}/Archive/Renamed`;
    expect(await opens("in2")).toBe("fileMissing");
    stage.places["in2"] = `${root}/Archive/Renamed/Below/deep.docx`;
    expect(await opens("in2")).toBeUndefined();
    delete (stage.places as Record<string, string>)["shared"];
    expect(await opens("in2")).toBe("fileMissing");
  });

  it("ends an open session once it is elsewhere, and no other", async () => {
    const stage = driveOf({ ...places });
    const links = { find: async (id: string) => (id === "l1" ? link : { ...link, folder: undefined }) };
    const noted: unknown[] = [];
    const services = { ...stage.services, links, note: (error: unknown) => void noted.push(error) };
    const hasLeft = (linkId: string | undefined, id: string) =>
      hasLeftFolder(services as unknown as Parameters<typeof hasLeftFolder>[0], linkId, id);
    expect(await hasLeft("l1", "in1")).toBe(false);
    expect(await hasLeft("l1", "out1")).toBe(true);
    expect(await hasLeft(undefined, "out1")).toBe(false);
    expect(await hasLeft("l2", "out1")).toBe(false);
    services.drive.find = async () => {
      throw new BridgeError({ kind: "driveUnreachable" });
    };
    expect(await hasLeft("l1", "out1")).toBe(false);
    expect(noted).toHaveLength(1);
  });
});

describe("the list of a folder's link", () => {
  const places = {
    root,
    projects: `${root}/Projects`,
    shared: `${root}/Projects/Shared`,
    below: `${root}/Projects/Shared/Below`,
    deeper: `${root}/Projects/Shared/Below/Deeper`,
    beside: `${root}/Projects/Beside`,
  };
  const isDocument = (name: string) => name.endsWith(".docx");

  it("shows folders and documents, and nothing else", async () => {
    const { services } = driveOf(places, { [places.shared]: [["Below/", "a.docx", "photo.jpg", "docx"]] });
    const { entries, path, next } = await listWithin(services, link, {}, isDocument);
    expect(entries.map(({ name }) => name)).toEqual(["Below", "a.docx"]);
    expect(path.map(({ id }) => id)).toEqual(["shared"]);
    expect(next).toBeUndefined();
  });

  it("names the way from the shared folder down, and nothing above it", async () => {
    const { services } = driveOf(places, { [places.deeper]: [["x.docx"]] });
    const { entries, path } = await listWithin(services, link, { folderId: "deeper" }, isDocument);
    expect(path.map(({ id }) => id)).toEqual(["shared", "below", "deeper"]);
    expect(entries.map(({ name }) => name)).toEqual(["x.docx"]);
  });

  it.each(["root", "projects", "beside", "nowhere"])("lists no folder that is not inside: %s", async (folderId) => {
    const { services } = driveOf(places, { [places.beside]: [["x.docx"]] });
    expect(await kindOf(listWithin(services, link, { folderId }, isDocument))).toBe("fileMissing");
  });

  it("reads on over pages without a document, up to an end", async () => {
    const photos = Array.from({ length: 100 }, (_, at) => `photo${at}.jpg`);
    const pages = [...Array.from({ length: 14 }, () => photos), ["last.docx"]];
    const { services } = driveOf(places, { [places.shared]: pages });
    const first = await listWithin(services, link, {}, isDocument);
    expect([first.entries.length, first.next]).toEqual([0, "10"]);
    const second = await listWithin(services, link, { next: first.next }, isDocument);
    expect([second.entries.map(({ name }) => name), second.next]).toEqual([["last.docx"], undefined]);
  });

  it("stops at a page once it is full", async () => {
    const documents = Array.from({ length: 60 }, (_, at) => `${at}.docx`);
    const { services } = driveOf(places, { [places.shared]: [documents, documents] });
    const { entries, next } = await listWithin(services, link, {}, isDocument);
    expect([entries.length, next]).toEqual([60, "1"]);
  });

  it("shows nothing of what has come to the folder's place while it was read", async () => {
    const stage = driveOf({ ...places }, { [places.shared]: [["x.docx"]] });
    const { list } = stage.services.drive;
    stage.services.drive.list = async (...asked) => {
      stage.places["shared"] = `${root}/Moved`;
      return list(...asked);
    };
    expect(await kindOf(listWithin(stage.services, link, {}, isDocument))).toBe("driveBusy");
  });
});

describe("what a link can lead to", () => {
  const places = { root, shared: `${root}/Shared`, file: `${root}/a.docx` };

  it.each([
    [{ fileId: "file" }, { file: { id: "file", name: "a.docx" }, isFolder: false }],
    [{ uri: `${root}/a.docx` }, { file: { id: "file", name: "a.docx" }, isFolder: false }],
    [{ fileId: "shared" }, { file: { id: "shared", name: "Shared" }, isFolder: true }],
    [{ uri: `${root}/Shared` }, { file: { id: "shared", name: "Shared" }, isFolder: true }],
  ])("%j", async (target, found) => {
    expect(await linkTarget(driveOf(places).services, "alice", target)).toMatchObject(found);
  });

  it.each([{ fileId: "root" }, { uri: root }, { fileId: "gone" }, { uri: `${root}/gone` }])(
    "is never the whole drive, nor what is not there: %j",
    async (target) => {
      expect(await kindOf(linkTarget(driveOf(places).services, "alice", target))).toBe("fileMissing");
    },
  );
});
