import { describe, expect, it } from "vitest";
import { withSettings } from "../../src/setup/envFile.ts";
import { judgeFileApp, judgeImport, type Viewer, type ViewerGroup } from "../../src/setup/viewers.ts";

const discoveryUrl = "http://collabora:9980/hosting/discovery";
const app = { id: "new", name: "Edit with others", url: "https://office.example.com/open?file_id={$id}" };

function editor(name: string, origin: string, exts: readonly string[], more: Partial<Viewer> = {}): Viewer {
  const actions = { view: `${origin}/cool.html?`, edit: `${origin}/cool.html?` };
  const wopiActions = Object.fromEntries(exts.map((extension) => [extension, actions]));
  return {
    id: `${name} at ${origin}`,
    type: "wopi",
    display_name: name,
    exts: [...exts],
    wopi_actions: wopiActions,
    ...more,
  };
}

const group = (...viewers: Viewer[]): ViewerGroup => ({ viewers });

function imported(groups: readonly ViewerGroup[], viewers: readonly Viewer[]): readonly ViewerGroup[] {
  const step = judgeImport(groups, viewers, discoveryUrl);
  if (step.is !== "change") throw new Error(`${step.is}: ${step.sentence}`);
  const changed = step.change(groups);
  expect(judgeImport(changed, viewers, discoveryUrl).is).toBe("found");
  return changed;
}

describe("the import of an editor's viewers", () => {
  const old = "http://localhost:9980";
  const now = "https://collabora.example.com";

  it("adds what is missing as a group of its own, beside what is there", () => {
    const other = group({ id: "pdf", type: "builtin", display_name: "PDF", exts: ["pdf"], since: 4 });
    const writer = editor("writer", now, ["docx"]);
    expect(imported([other], [writer])).toEqual([other, group(writer)]);
  });

  it("takes over new addresses, and keeps the id, and the types an administrator chose", () => {
    const known = editor("writer", old, ["docx"], { icon: "w.svg" });
    expect(imported([group(known)], [editor("writer", now, ["docx", "odt"])])).toEqual([
      group({ ...editor("writer", now, ["docx"]), id: known.id, icon: "w.svg" }),
    ]);
  });

  it("finds nothing to do when types were taken away or added by hand", () => {
    const known = group(editor("writer", now, ["docx", "md"]));
    expect(judgeImport([known], [editor("writer", now, ["docx", "odt"])], discoveryUrl).is).toBe("found");
  });

  it("keeps two editors apart whose apps have the same names", () => {
    const [one, two] = [editor("writer", now, ["docx"]), editor("writer", "https://second.example.com", ["docx"])];
    expect(imported([group(two)], [one, two])).toEqual([group(two), group(one)]);
  });

  it("does not switch on what an administrator has switched off", () => {
    const off = group(editor("writer", now, ["docx"], { disabled: true }));
    expect(judgeImport([off], [editor("writer", now, ["docx"])], discoveryUrl)).toMatchObject({
      is: "byHand",
      sentence: expect.stringContaining("disabled"),
    });
  });

  it("says so when the document names no editor", () => {
    expect(judgeImport([], [], discoveryUrl).is).toBe("byHand");
  });
});

describe("a custom file app", () => {
  it("is added for the types that the editors edit", () => {
    const groups = [
      group(editor("writer", "http://e", ["odt", "docx"]), editor("off", "http://e", ["xls"], { disabled: true })),
    ];
    const step = judgeFileApp(groups, app);
    expect(step.is === "change" && step.change(groups).at(-1)).toEqual(
      group({ id: "new", type: "custom", display_name: app.name, exts: ["docx", "odt"], url: app.url }),
    );
  });

  it("is found under any name, and told when it is disabled", () => {
    const custom = { id: "c", type: "custom", display_name: "Mine", exts: ["docx"], url: app.url };
    expect(judgeFileApp([group(custom)], app).is).toBe("found");
    expect(judgeFileApp([group({ ...custom, disabled: true })], app).is).toBe("byHand");
  });
});

describe("settings in a .env file", () => {
  const settings = { OAUTH_CLIENT_ID: "id", OAUTH_CLIENT_SECRET: "a$&b" };

  it.each([
    ["an empty file", "", "OAUTH_CLIENT_ID=id\nOAUTH_CLIENT_SECRET=a$&b\n"],
    ["no newline at the end", "A=1", "A=1\nOAUTH_CLIENT_ID=id\nOAUTH_CLIENT_SECRET=a$&b\n"],
    [
      "commented out",
      "#OAUTH_CLIENT_ID=\n# OAUTH_CLIENT_SECRET=x\nB=2\n",
      "OAUTH_CLIENT_ID=id\nOAUTH_CLIENT_SECRET=a$&b\nB=2\n",
    ],
    [
      "set before",
      "OAUTH_CLIENT_SECRET=old\r\nOAUTH_CLIENT_ID=old\n",
      "OAUTH_CLIENT_SECRET=a$&b\r\nOAUTH_CLIENT_ID=id\n",
    ],
    [
      "set, and named in a comment",
      "#OAUTH_CLIENT_ID=x\nOAUTH_CLIENT_ID=old\n",
      "#OAUTH_CLIENT_ID=x\nOAUTH_CLIENT_ID=id\nOAUTH_CLIENT_SECRET=a$&b\n",
    ],
  ])("%s", (_case, before, after) => {
    expect(withSettings(before, settings)).toBe(after);
    expect(withSettings(after, settings)).toBe(after);
  });
});
