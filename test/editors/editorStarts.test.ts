import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EditorDiscovery, Editors } from "../../src/editors/discovery.ts";
import { EditorStarts } from "../../src/editors/editorStarts.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { discoveryXml, type EditorServer, editorServer } from "./editorServer.ts";

const origin = "https://office.example";
const actionUrl = `${origin}/browser/e808afa229/cool.html?WOPISrc=${encodeURIComponent("https://bridge/wopi/files/f1")}`;

let editor: EditorServer;
let starts: EditorStarts;
/** What the servers behind the address answer, one after the other; the last one stays. */
let answers: unknown[];
let asked: string[];

beforeEach(async () => {
  editor = await editorServer("");
  answers = [{ serverId: "aaaa" }];
  asked = [];
  editor.answer = (request, response) => {
    if (request.url === "/hosting/discovery") return void response.end(discoveryXml({ origin }));
    asked.push(String(request.url));
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer === undefined) response.destroy();
    else response.setHeader("Content-Type", "application/json").end(JSON.stringify(answer));
  };
  starts = new EditorStarts(
    new Editors([
      new EditorDiscovery(
        editor.url,
        openMemoryStore(() => 0),
        () => 0,
      ),
    ]),
  );
});
afterEach(() => editor.stop());

describe("the start of an editor's server", () => {
  it("is asked where the bridge reaches it, with the document's address for load balancers", async () => {
    expect(await starts.current(actionUrl)).toBe("aaaa");
    expect(asked).toEqual([`/hosting/capabilities?WOPISrc=${encodeURIComponent("https://bridge/wopi/files/f1")}`]);
  });

  it("is over once another one answers, each time", async () => {
    expect(await starts.hasEnded(actionUrl, "aaaa")).toBe(false);
    answers = [{ serverId: "bbbb" }];
    expect(await starts.hasEnded(actionUrl, "aaaa")).toBe(true);
    expect(await starts.current(actionUrl)).toBe("bbbb");
  });

  it.each([
    ["it does not answer", [undefined]],
    ["it names none, as older versions", [{ productName: "Collabora" }]],
    ["it names nonsense", [{ serverId: 7 }]],
    ["it still answers now and then", [{ serverId: "bbbb" }, { serverId: "bbbb" }, { serverId: "aaaa" }]],
    ["several others answer", [{ serverId: "bbbb" }, { serverId: "cccc" }]],
  ])("is not known to be over when %s", async (_case, given) => {
    answers = given;
    expect(await starts.hasEnded(actionUrl, "aaaa")).toBe(false);
  });

  it("says nothing any more at an address that several servers share", async () => {
    answers = [{ serverId: "aaaa" }, { serverId: "bbbb" }, { serverId: "aaaa" }, { serverId: "bbbb" }];
    for (let times = 0; times < 2; times++) await starts.current(actionUrl);
    expect(await starts.current(actionUrl)).toBeUndefined();
    answers = [{ serverId: "bbbb" }];
    expect(await starts.hasEnded(actionUrl, "aaaa")).toBe(false);
  });

  it("is asked of no other suite, and of no editor that is not set up", async () => {
    expect(await starts.current(`${origin}/hosting/wopi/word/edit?wopisrc=x`)).toBeUndefined();
    expect(await starts.current("https://elsewhere.example/browser/e808afa229/cool.html?")).toBeUndefined();
    expect(asked).toEqual([]);
  });
});
