import { beforeAll, describe, expect, it } from "vitest";
import { auditSchema } from "../../src/http/auditLog.ts";
import { linkOwner } from "../support/linkOwner.ts";
import { exactly, namedDocument, openAsOwner, suggest } from "../support/namedDocument.ts";
import { portalKey, testBridge } from "../support/testBridge.ts";
import { watchedDrive } from "../support/watchedDrive.ts";
import { editorForm, webPerson } from "../support/webPerson.ts";
import { collabora, sessionSchema, wopiOfForm } from "../support/wopiClient.ts";

const metricsKey = "the operator's own key";
const at = watchedDrive({ settings: { METRICS_KEY: metricsKey } });
beforeAll(() => at.bridge.alice.put("a.docx", "text"));

function metrics(key = metricsKey): Promise<Response> {
  return fetch(`${at.bridge.url}/metrics`, { headers: { Authorization: `Bearer ${key}` } });
}

/** @returns the value of a figure, by its name and labels as they are written */
async function figure(name: string): Promise<number> {
  const line = (await (await metrics()).text()).split("\n").find((text) => text.startsWith(`${name} `));
  return Number(line?.split(" ").at(-1) ?? Number.NaN);
}

describe("the figures", () => {
  it("are for whoever has the key", async () => {
    expect((await metrics()).status).toBe(200);
    expect((await metrics("another key altogether")).status).toBe(401);
    expect((await fetch(`${at.bridge.url}/metrics`)).status).toBe(401);
  });

  it("are not there without a key in the settings", async () => {
    const plain = await testBridge();
    expect((await fetch(`${plain.url}/metrics`, { headers: { Authorization: "Bearer " } })).status).toBe(404);
    await plain.close();
  });

  it("count calls by operation and outcome, saves, locks and the spool", async () => {
    const editor = await at.bridge.open("a.docx");
    await editor.check();
    await editor.get();
    await editor.lock("lock-1");
    await editor.put("new text", "lock-1");
    await editor.put("newer text", "another lock");
    const requests = (operation: string, status: number, failure = "") =>
      figure(`bridge_requests_total{area="wopi",operation="${operation}",status="${status}",failure="${failure}"}`);
    expect(await requests("CHECK_FILE_INFO", 200)).toBe(1);
    expect(await requests("GET_FILE", 200)).toBe(1);
    expect(await requests("PUT", 200)).toBe(1);
    expect(await requests("PUT", 409, "lockMismatch")).toBe(1);
    expect(await figure('bridge_saves_total{outcome="saved"}')).toBe(1);
    expect(await figure('bridge_saves_total{outcome="refused"}')).toBe(1);
    expect(await figure('bridge_saves_total{outcome="kept"}')).toBe(0);
    expect(await figure('bridge_build_info{version="0.1.0"}')).toBe(1);
    expect(await figure("bridge_locks")).toBe(1);
    expect(await figure("bridge_spool_saves")).toBe(0);
    expect(await figure('bridge_drive_seconds_count{call="GET /file/info",outcome="answered"}')).toBeGreaterThan(0);
    expect(await figure('bridge_drive_seconds_count{call="POST /file/wopi/:id/contents",outcome="answered"}')).toBe(1);
  });

  it("count what open pages ask again and again, though the log leaves it out", async () => {
    const opened = await at.bridge.postSession({ uri: at.bridge.alice.uriOf("a.docx"), action: "edit" });
    const { host_page_url: page } = sessionSchema.parse(await opened.json());
    const [, key = ""] = /"pageKey":"([\w-]+)"/.exec(await (await fetch(page)).text()) ?? [];
    const before = await figure('bridge_requests_total{area="pages",operation="GET",status="200",failure=""}');
    const asked = await fetch(`${at.bridge.url}/edit/${key}/status`);
    expect(asked.status).toBe(200);
    expect(asked.headers.get("Content-Type")).toBe("application/json");
    expect(asked.headers.get("Cache-Control")).toBe("no-store");
    expect(asked.headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect((await fetch(`${at.bridge.url}/edit/unknown/status`)).status).toBe(410);
    const after = await figure('bridge_requests_total{area="pages",operation="GET",status="200",failure=""}');
    // The page and the figures themselves are counted there too.
    expect(after).toBe(before + 2);
    const logged = at.bridge.logLines.filter(({ path }) => String(path).endsWith("/status"));
    expect(logged).toMatchObject([{ status: 410 }]);
  });

  it("don't grow with words that somebody outside makes up", async () => {
    const editor = await at.bridge.open("a.docx");
    for (let word = 0; word < 20; word++) await editor.post(`MADE_UP_${word}`);
    for (let word = 0; word < 20; word++) await fetch(`${at.bridge.url}/made-up-${word}`, { method: "PROPFIND" });
    const text = await (await metrics()).text();
    expect(text).not.toMatch(/made.up|PROPFIND/i);
    expect(text).not.toContain((await at.bridge.alice.info("a.docx")).id);
  });
});

describe("the audit log", () => {
  const events = () =>
    at.bridge.logLines.filter((line) => line["stream"] === "audit").map((line) => auditSchema.parse(line));

  it("tells who opened, who saved, what became a copy, and what was done with links, each in its form", async () => {
    const owner = await linkOwner(at.bridge);
    const { id: file } = await at.bridge.alice.info("a.docx");
    const url = await owner.makeLink(file);
    const visitor = webPerson(at.bridge.url);
    const page = await visitor.follow(await visitor.post(url, { name: "Ola" }));
    const editor = wopiOfForm(editorForm(page));
    await fetch(`${at.bridge.url}/api/files/${file}/lock`, {
      method: "DELETE",
      headers: { Authorization: `Bearer ${portalKey}` },
    });
    await editor.lock("lock-2");
    await editor.put("by Ola", "lock-2");
    await owner.change("a.docx", { note: "for Ola" });
    await owner.revoke("a.docx");
    await editor.put("late", "lock-2", collabora({}));
    await owner.person.post("/signout");
    const told = events().map(({ event }) => event);
    for (const event of [
      "signedIn",
      "linkMade",
      "linkUsed",
      "sessionOpened",
      "lockTakenOver",
      "saved",
      "linkChanged",
      "linkRevoked",
      "conflictCopy",
      "signedOut",
    ]) {
      expect(told, event).toContain(event);
    }
    expect(events().findLast(({ event }) => event === "saved")).toMatchObject({ file, person: { name: "Ola" } });
    expect(events().findLast(({ event }) => event === "conflictCopy")).toMatchObject({ person: { name: "Ola" } });
    const secret = url.slice(url.lastIndexOf("/") + 1);
    expect(JSON.stringify(events())).not.toContain(secret);
  });
});

describe("the audit log of what happens to files", () => {
  const lastLine = (event: string) =>
    at.bridge.logLines
      .filter((line) => line["stream"] === "audit" && line["event"] === event)
      .map((line) => auditSchema.parse(line))
      .at(-1);
  const putAnew = async (path: string) => {
    await at.bridge.alice.put(path, "text");
    return (await at.bridge.alice.info(path)).id;
  };

  it("tells who made what of which file by Save As, and through what", async () => {
    const owner = await linkOwner(at.bridge);
    const file = await putAnew("audited/a.docx");
    const other = await putAnew("audited/b.docx");
    const url = await owner.makeLink(file);
    const visitor = webPerson(at.bridge.url);
    const guest = wopiOfForm(editorForm(await visitor.follow(await visitor.post(url, { name: "Ola" }))));
    const made = namedDocument(await exactly(guest, "b.docx", "true"));
    const newFile = (await at.bridge.alice.info(`audited/${made.Name}`)).id;
    expect(lastLine("savedAs")).toEqual({
      event: "savedAs",
      file,
      person: { id: expect.stringMatching(/^g/), name: "Ola" },
      newFile,
      name: "b (2).docx",
      overwritten: false,
      through: expect.stringMatching(/^link:/),
    });
    await exactly(await openAsOwner(at.bridge, "audited/a.docx"), "b.docx", "true");
    expect(lastLine("savedAs")).toMatchObject({
      ...{ file, newFile: other, name: "b.docx", overwritten: true, person: { name: "Alice" } },
      through: expect.stringMatching(/^person:/),
    });
    const portals = await at.bridge.open("audited/a.docx", { user: { id: "u", name: "Uma" } });
    await suggest(portals, "c.docx");
    expect(lastLine("savedAs")).toMatchObject({ person: { name: "Uma" }, name: "c.docx", through: "portal:test" });
    const lines = at.bridge.logLines.length;
    await suggest(portals, "c.exe");
    await exactly(portals, "../c.docx");
    expect(at.bridge.logLines.slice(lines).filter(({ stream }) => stream === "audit")).toEqual([]);
  });

  it("tells the old name and the new one, and nothing when the name stays", async () => {
    const file = await putAnew("audited/old.docx");
    const client = await at.bridge.open("audited/old.docx", { user: { id: "u", name: "Uma" } });
    await client.post("RENAME_FILE", { "X-WOPI-RequestedName": "new/name" });
    expect(lastLine("renamed")).toEqual({
      event: "renamed",
      file,
      from: "old.docx",
      to: "new_name.docx",
      person: { id: expect.stringMatching(/^p/), name: "Uma" },
      through: "portal:test",
    });
    const lines = at.bridge.logLines.length;
    await client.post("RENAME_FILE", { "X-WOPI-RequestedName": "new_name" });
    await client.post("RENAME_FILE", { "X-WOPI-RequestedName": "." });
    expect(at.bridge.logLines.slice(lines).filter(({ stream }) => stream === "audit")).toEqual([]);
  });

  it("tells who deleted what, and nothing of who may not", async () => {
    const file = await putAnew("audited/gone.docx");
    await (await at.bridge.open("audited/gone.docx")).post("DELETE");
    expect(lastLine("deleted")).toBeUndefined();
    await (await openAsOwner(at.bridge, "audited/gone.docx")).post("DELETE");
    expect(lastLine("deleted")).toMatchObject({
      ...{ file, name: "gone.docx", person: { name: "Alice" } },
      through: expect.stringMatching(/^person:/),
    });
  });
});

describe("a trace that began at a portal or an editor", () => {
  it("is in the line of the request, and goes on to the drive", async () => {
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    await at.bridge.alice.put("b.docx", "text");
    const editor = await at.bridge.open("b.docx");
    at.drive.seen.length = 0;
    await fetch(editor.address(), { headers: { traceparent } });
    const sent = at.drive.seen.map(({ headers }) => headers["traceparent"]);
    expect(sent.length).toBeGreaterThan(0);
    for (const value of sent) expect(value).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-(?!00f067)[0-9a-f]{16}-01$/);
    const line = at.bridge.logLines.findLast(({ traceId }) => traceId !== undefined);
    expect(line).toMatchObject({ traceId: "4bf92f3577b34da6a3ce929d0e0e4736", operation: "CHECK_FILE_INFO" });
  });
});
