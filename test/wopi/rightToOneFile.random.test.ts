import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { discoveryServer } from "../support/discoveryServer.ts";
import { type LinkOwner, linkOwner } from "../support/linkOwner.ts";
import {
  exactly,
  namedDocument,
  openAsOwner,
  openedAt,
  openedByPage,
  saveAs,
  suggest,
} from "../support/namedDocument.ts";
import { editorUrl, type TestBridge, testBridge } from "../support/testBridge.ts";
import { randomRuns } from "../support/tier.ts";
import { utf7 } from "../support/utf7.ts";
import { editorForm, webPerson } from "../support/webPerson.ts";
import { type WopiAnswer, type WopiClient, wopiOfForm } from "../support/wopiClient.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const triesAnHour = 30;
/** What the drive of these tests has an office viewer for. */
const documentTypes = ["txt", "md", "docx", "wopitest"];

let bridge: TestBridge;
let owner: LinkOwner;
let made = 0;

beforeAll(async () => {
  bridge = await testBridge({
    settings: { GRANT_HOURS: "200" },
    drive: { settings: { accessTokenTtlSeconds: 1_000_000, viewerSessionTimeoutSeconds: 1_000_000 } },
  });
  owner = await linkOwner(bridge);
});
afterAll(() => bridge.close());

/** What lies beside the document, each of it another's and none of a visitor's business. */
const beside = ["Taken.docx", "Locked.docx", "Caf\u00e9.docx", "Taken.exe", "Taken", "Taken (2).docx"];
const lockId = '{"S":"their lock"}';

async function folderWith(names: readonly string[]): Promise<string> {
  const folder = `rights ${++made}`;
  for (const name of ["Report.docx", ...names]) {
    expect(await bridge.alice.put(`${folder}/${name}`, `before: ${name}`)).toBe(0);
  }
  return folder;
}

async function visitorOf(path: string, fields: Record<string, string> = {}): Promise<WopiClient> {
  const url = await owner.makeLink((await bridge.alice.info(path)).id, fields);
  return throughLink(url);
}

async function throughLink(url: string): Promise<WopiClient> {
  const person = webPerson(bridge.url);
  return wopiOfForm(editorForm(await person.follow(await person.post(url, { name: "Guest" }))));
}

const portalOf =
  (more: Record<string, unknown>) =>
  (path: string): Promise<WopiClient> =>
    bridge.open(path, { user: { id: `u${++made}`, name: "Portal's" }, ...more });

type Role = readonly [who: string, open: (path: string) => Promise<WopiClient>];

/** Who may make new files and nothing else. */
const makers: readonly Role[] = [
  ["a link's visitor who edits", visitorOf],
  ["a portal's person of whom nothing is said", portalOf({})],
  ["a portal's person with new files", portalOf({ options: { save_as: "new" } })],
  ["a portal that names nobody", (path) => bridge.open(path)],
  [
    "a visitor's Save As, as the editor opens it",
    async (path) => {
      const visitor = await visitorOf(path);
      return openedAt(namedDocument(await suggest(visitor, "Derived.docx")).Url, visitor);
    },
  ],
  [
    "a visitor's Save As of a Save As, as the page opens it",
    async (path) => {
      const visitor = await visitorOf(path);
      const first = openedAt(namedDocument(await suggest(visitor, "Derived.docx")).Url, visitor);
      return openedByPage(namedDocument(await suggest(first, "Derived.docx")).HostEditUrl, first);
    },
  ],
];

/** Who may make nothing. */
const others: readonly Role[] = [
  ["a link's visitor who looks", (path) => visitorOf(path, { permission: "view" })],
  ["a portal's reader", portalOf({ action: "view", options: { save_as: "overwrite" } })],
  ["a portal's person without Save As", portalOf({ options: { save_as: "none" } })],
  [
    "a visitor's Save As, as the page shows it",
    async (path) => {
      const visitor = await visitorOf(path);
      return openedByPage(namedDocument(await suggest(visitor, "Derived.docx")).HostViewUrl, visitor);
    },
  ],
];

const asked: readonly [what: string, ask: (client: WopiClient) => Promise<WopiAnswer>, expected: 200 | 400][] = [
  ["a suggested name", (client) => suggest(client, "Taken.docx"), 200],
  ["an exact name", (client) => exactly(client, "Taken.docx"), 200],
  ["an exact name, not to be overwritten", (client) => exactly(client, "Taken.docx", "false"), 200],
  ["an exact name, overwritten", (client) => exactly(client, "Taken.docx", "true"), 200],
  ["the document's own name, overwritten", (client) => exactly(client, "Report.docx", "True"), 200],
  ["the document's own name, suggested", (client) => suggest(client, "Report.docx"), 200],
  ["another case", (client) => exactly(client, "TAKEN.DOCX", "true"), 200],
  ["another way to write the accent", (client) => exactly(client, "Cafe\u0301.docx", "true"), 200],
  ["a locked file, overwritten", (client) => exactly(client, "Locked.docx", "true"), 200],
  ["a locked file, suggested", (client) => suggest(client, "Locked.docx"), 200],
  ["a numbered name", (client) => exactly(client, "Taken (2).docx", "true"), 200],
  ["a way up, exact", (client) => exactly(client, "../Taken.docx", "true"), 400],
  ["a way up, suggested", (client) => suggest(client, "../Taken.docx"), 200],
  ["an extension alone", (client) => suggest(client, ".docx"), 200],
  ["an extension alone, exact", (client) => exactly(client, ".docx", "true"), 400],
  ["an extension that is none of a document", (client) => suggest(client, ".exe"), 400],
  ["a program, suggested", (client) => suggest(client, "Taken.exe"), 400],
  ["a program, overwritten", (client) => exactly(client, "Taken.exe", "true"), 400],
  ["a program behind a document", (client) => suggest(client, "Taken.docx.exe"), 400],
  ["a program before a blank", (client) => suggest(client, "Taken.exe . "), 400],
  ["no extension, suggested", (client) => suggest(client, "Taken"), 400],
  ["no extension, overwritten", (client) => exactly(client, "Taken", "true"), 400],
  ["an extension as long as a sentence", (client) => suggest(client, `Taken.${"x".repeat(60)}`), 400],
];

interface Standing {
  readonly id: string;
  /** Another word with each write. */
  readonly version: string;
}

async function standingIn(folder: string): Promise<Record<string, Standing>> {
  const files = await bridge.alice.files(folder);
  return Object.fromEntries(files.map(({ name, id, primary_entity: version }) => [name, { id, version }]));
}

/** All that an answer tells, but for the name that the new file has got and the secrets made for it. */
function toldBy(answer: WopiAnswer): unknown {
  const headers = [...answer.headers].filter(([name]) => !/^(date|content-length|x-correlation-id)$/.test(name));
  return { status: answer.status, headers, keys: answer.text === "" ? [] : Object.keys(answer.json()).sort() };
}

describe("Save As by somebody who may make new files", () => {
  it.each(makers)(
    "leaves every other file, its versions and its lock alone, and tells of none: %s",
    async (_who, open) => {
      const folder = await folderWith(beside);
      const holder = await bridge.open(`${folder}/Locked.docx`);
      expect((await holder.lock(lockId)).status).toBe(200);
      const client = await open(`${folder}/Report.docx`);
      const empty = await folderWith([]);
      const inEmpty = await open(`${empty}/Report.docx`);
      const before = await standingIn(folder);
      const beforeEmpty = await standingIn(empty);
      for (const [what, ask, expected] of asked) {
        // Two tries each, and never more in an hour than are let through.
        bridge.clock.advance(5 * minuteMs);
        await holder.lock(lockId);
        const answer = await ask(client);
        expect(answer.status, what).toBe(expected);
        const after = await standingIn(folder);
        expect(after, what).toMatchObject(before);
        const fresh = Object.keys(after).filter((name) => !(name in before));
        expect(fresh, what).toHaveLength(expected === 200 ? 1 : 0);
        if (expected === 200) {
          expect(answer.json()["Name"]).toBe(fresh[0]);
          expect(documentTypes).toContain(fresh[0]?.split(".").at(-1)?.toLowerCase());
          expect(await bridge.alice.read(`${folder}/${fresh[0]}`)).toBe("the copy");
        } else expect(answer.header("x-wopi-invalidfilenameerror"), what).toMatch(/^[\x20-\x7e]+$/);
        // The same where nothing is taken but the document's own name.
        expect(toldBy(await ask(inEmpty)), what).toEqual(toldBy(answer));
        for (const name of fresh) await bridge.alice.remove(`${folder}/${name}`);
        for (const name of Object.keys(await standingIn(empty))) {
          if (!(name in beforeEmpty)) await bridge.alice.remove(`${empty}/${name}`);
        }
      }
      expect((await holder.put("saved by its holder", lockId)).status).toBe(200);
      expect((await client.check()).json()).toMatchObject({ UserCanNotWriteRelative: false });
    },
  );

  it.each(makers)("goes nowhere but beside the document, whatever it is called: %s", async (_who, open) => {
    const folder = await folderWith(beside);
    const client = await open(`${folder}/Report.docx`);
    const before = await standingIn(folder);
    const around = (await bridge.alice.list()).filter((name) => !name.startsWith("rights "));
    const pieces = fc.constantFrom(
      ...'aZ9._-+%#&/\\:*?"<>| \u0000\n\u202e\u0301\u3000',
      "..",
      ".docx",
      ".exe",
      "Taken",
      "😀",
    );
    const name = fc
      .tuple(fc.string({ unit: pieces, maxLength: 40 }), fc.constantFrom("", ".docx", ".DOCX", ".exe", ".md/", ".txt."))
      .map(([stem, end]) => `${stem}${end}`)
      .filter((text) => text !== "");
    let tries = 0;
    await fc.assert(
      fc.asyncProperty(name, fc.boolean(), async (wanted, isExact) => {
        if (++tries % 20 === 0) bridge.clock.advance(hourMs);
        const answer = await (isExact ? exactly(client, wanted, "true") : suggest(client, wanted));
        expect([200, 400]).toContain(answer.status);
        const after = await standingIn(folder);
        expect(after).toMatchObject(before);
        const fresh = Object.keys(after).filter((one) => !(one in before));
        expect(fresh).toHaveLength(answer.status === 200 ? 1 : 0);
        for (const one of fresh) expect(documentTypes).toContain(one.split(".").at(-1)?.toLowerCase());
        for (const one of fresh) await bridge.alice.remove(`${folder}/${one}`);
      }),
      randomRuns(25),
    );
    expect((await bridge.alice.list()).filter((one) => !one.startsWith("rights "))).toEqual(around);
  });
});

describe("Save As by somebody who may make nothing", () => {
  it.each(others)("is 501 in every form, and nothing is made: %s", async (_who, open) => {
    const folder = await folderWith(beside);
    const client = await open(`${folder}/Report.docx`);
    const before = await standingIn(folder);
    expect((await client.check()).json()).toMatchObject({ UserCanNotWriteRelative: true });
    for (const [what, ask] of asked) {
      const answer = await ask(client);
      expect(answer.status, what).toBe(501);
      expect(
        [...answer.headers.keys()].filter((name) => name.startsWith("x-wopi")),
        what,
      ).toEqual([]);
    }
    expect(await standingIn(folder)).toEqual(before);
  });
});

describe("Save As by somebody who may overwrite", () => {
  it.each<Role>([
    ["the owner", (path) => openAsOwner(bridge, path)],
    ["a portal's person who may", portalOf({ options: { save_as: "overwrite" } })],
  ])("is what the protocol has: %s", async (_who, open) => {
    const folder = await folderWith(beside);
    const holder = await bridge.open(`${folder}/Locked.docx`);
    await holder.lock(lockId);
    const client = await open(`${folder}/Report.docx`);
    const before = await standingIn(folder);
    const refused = await exactly(client, "Taken.docx");
    expect(refused.status).toBe(409);
    expect(refused.header("x-wopi-validrelativetarget")).toBe("Taken (3).docx");
    const locked = await exactly(client, "Locked.docx", "true");
    expect([locked.status, locked.header("x-wopi-lock")]).toEqual([409, lockId]);
    expect(namedDocument(await exactly(client, "Taken.docx", "true")).Name).toBe("Taken.docx");
    const after = await standingIn(folder);
    expect(after["Taken.docx"]?.id).toBe(before["Taken.docx"]?.id);
    expect(await bridge.alice.read(`${folder}/Taken.docx`)).toBe("the copy");
    expect(Object.keys(after)).toEqual(Object.keys(before));
  });

  it("lets the owner make what no editor opens, and nobody else", async () => {
    const folder = await folderWith([]);
    const own = await openAsOwner(bridge, `${folder}/Report.docx`);
    expect(namedDocument(await suggest(own, "Report.epub")).Name).toBe("Report.epub");
    const trusted = await bridge.open(`${folder}/Report.docx`, { options: { save_as: "overwrite" } });
    expect((await suggest(trusted, "Other.epub")).status).toBe(400);
    expect((await exactly(trusted, "Report.epub", "true")).status).toBe(400);
  });
});

describe("tries to make new files", () => {
  const free = (client: WopiClient) => suggest(client, "New.docx");
  const wait = (answer: WopiAnswer) => {
    expect(answer.status).toBe(503);
    expect(Number(answer.header("retry-after"))).toBeGreaterThan(0);
    expect(answer.header("x-wopi-servererror")).toMatch(/again in \d+ min/);
  };
  const useUp = async (client: WopiClient) => {
    for (let at = 0; at < triesAnHour; at++) {
      const answer = at % 3 === 0 ? await free(client) : await suggest(client, at % 3 === 1 ? "a.exe" : "none");
      expect(answer.status).toBe(at % 3 === 0 ? 200 : 400);
    }
  };

  it("are counted by the hour for all visitors of a link together, failed ones too, and for no other link", async () => {
    const folder = await folderWith([]);
    const { id } = await bridge.alice.info(`${folder}/Report.docx`);
    const [url, otherUrl] = [await owner.makeLink(id), await owner.makeLink(id)];
    const visitor = await throughLink(url);
    const copy = openedAt(namedDocument(await free(visitor)).Url, visitor);
    bridge.clock.advance(hourMs);
    await useUp(visitor);
    const count = (await bridge.alice.list(folder)).length;
    wait(await free(visitor));
    wait(await exactly(visitor, "New.docx", "true"));
    // A guest is somebody new with every browser; what he made asks in the name of the same link.
    wait(await free(await throughLink(url)));
    wait(await free(copy));
    expect(await bridge.alice.list(folder)).toHaveLength(count);
    namedDocument(await free(await throughLink(otherUrl)));
    expect((await visitor.check()).status).toBe(200);
    bridge.clock.advance(hourMs);
    namedDocument(await free(visitor));
  });

  it("are counted for each person of a portal alone, in all documents, and never for the owner", async () => {
    const [one, two] = [await folderWith([]), await folderWith([])];
    const user = { id: "busy", name: "Busy" };
    await useUp(await bridge.open(`${one}/Report.docx`, { user }));
    wait(await free(await bridge.open(`${two}/Report.docx`, { user })));
    namedDocument(await free(await bridge.open(`${two}/Report.docx`, { user: { id: "other", name: "Other" } })));
    const own = await openAsOwner(bridge, `${one}/Report.docx`);
    for (let at = 0; at <= triesAnHour; at++) namedDocument(await free(own));
  });
});

describe("what a visitor's Save As gives", () => {
  const openAll = async (url: string) => {
    const visitor = await throughLink(url);
    const first = namedDocument(await suggest(visitor, "First.docx"));
    const copy = openedAt(first.Url, visitor);
    const second = namedDocument(await suggest(copy, "Second.docx"));
    return [
      copy,
      await openedByPage(first.HostEditUrl, visitor),
      openedAt(second.Url, visitor),
      await openedByPage(second.HostEditUrl, visitor),
    ] as const;
  };

  it("loses editing when the link does, and ends with it, at the second step too", async () => {
    const folder = await folderWith([]);
    const { id } = await bridge.alice.info(`${folder}/Report.docx`);
    const note = `chain ${folder}`;
    const clients = await openAll(await owner.makeLink(id, { note }));
    const linkPath = new URL((await owner.linkPageOf("Report.docx", note)).url).pathname;
    const change = (fields: Record<string, string>) =>
      owner.person.post(linkPath, { ask_name: "1", expires_in: "keep", note, ...fields });
    for (const client of clients) expect((await client.check()).json()["UserCanWrite"]).toBe(true);
    await change({ permission: "view", no_print: "1" });
    for (const client of clients) {
      expect((await client.check()).json()).toMatchObject({ UserCanWrite: false, DisablePrint: true });
      expect((await suggest(client, "Third.docx")).status).toBe(501);
      expect((await client.lock("L")).status).toBe(404);
    }
    await change({ permission: "edit" });
    await owner.revoke("Report.docx", note);
    for (const client of clients) expect((await client.check()).status).toBe(401);
    expect(await bridge.alice.list(folder)).toEqual(["First.docx", "Report.docx", "Second.docx"]);
  });

  it("is good for the new file alone", async () => {
    const folder = await folderWith(["Taken.docx"]);
    const taken = await bridge.alice.info(`${folder}/Taken.docx`);
    const clients = await openAll(await owner.makeLink((await bridge.alice.info(`${folder}/Report.docx`)).id));
    for (const client of clients) {
      const token = encodeURIComponent(client.session.access_token);
      expect((await fetch(`${bridge.url}/wopi/files/${taken.id}?access_token=${token}`)).status).toBe(401);
      expect((await client.post("DELETE")).status).toBe(404);
    }
  });
});

describe("Rename", () => {
  const rename = (client: WopiClient, name: string) =>
    client.post("RENAME_FILE", { "X-WOPI-RequestedName": utf7(name) });

  it("is for a link's visitors when the link allows it, from the moment on that it does and no longer", async () => {
    const folder = await folderWith([]);
    const { id } = await bridge.alice.info(`${folder}/Report.docx`);
    const note = `rename ${folder}`;
    const visitor = await throughLink(await owner.makeLink(id, { note }));
    const copy = openedAt(namedDocument(await suggest(visitor, "Copy.docx")).Url, visitor);
    const linkPath = new URL((await owner.linkPageOf("Report.docx", note)).url).pathname;
    const allow = (fields: Record<string, string>) =>
      owner.person.post(linkPath, { permission: "edit", ask_name: "1", expires_in: "keep", note, ...fields });
    const expectRight = async (client: WopiClient, isAllowed: boolean, name: string) => {
      const { UserCanRename, SupportsRename } = (await client.check()).json();
      expect({ UserCanRename, SupportsRename }).toEqual({ UserCanRename: isAllowed, SupportsRename: isAllowed });
      for (const asked of [name, "a/b", ""]) {
        if (!isAllowed) expect((await rename(client, asked)).status, asked).toBe(404);
      }
      if (isAllowed) expect(namedDocument(await rename(client, name)).Name).toBe(name);
    };
    for (const client of [visitor, copy]) await expectRight(client, false, "No");
    await allow({ may_rename: "1" });
    await expectRight(visitor, true, "Yes");
    await expectRight(copy, true, "Yes too");
    await allow({});
    for (const client of [visitor, copy]) await expectRight(client, false, "No");
    expect(await bridge.alice.list(folder)).toEqual(["Yes too.docx", "Yes.docx"]);
  });

  it.each<Role>([
    ["the owner", (path) => openAsOwner(bridge, path)],
    ["a portal's person who edits", portalOf({})],
    ["a portal's person without Save As", portalOf({ options: { save_as: "none" } })],
  ])("is for %s", async (_who, open) => {
    const folder = await folderWith([]);
    const client = await open(`${folder}/Report.docx`);
    expect((await client.check()).json()).toMatchObject({ UserCanRename: true, SupportsRename: true });
    expect(namedDocument(await rename(client, "Summary")).Name).toBe("Summary");
  });

  it("by a visitor is answered alike whether or not the name is another's, but for the name itself", async () => {
    const folder = await folderWith(["Taken.docx"]);
    const before = (await standingIn(folder))["Taken.docx"];
    const visitor = await visitorOf(`${folder}/Report.docx`, { may_rename: "1" });
    const toFree = await rename(visitor, "Free");
    const toTaken = await rename(visitor, "Taken");
    expect(toldBy(toTaken)).toEqual(toldBy(toFree));
    expect(namedDocument(toTaken).Name).toBe("Taken (2)");
    expect((await standingIn(folder))["Taken.docx"]).toEqual(before);
  });
});

describe("Delete", () => {
  it.each<Role>([
    ["a link's visitor who may all that a link allows", (path) => visitorOf(path, { may_rename: "1" })],
    ["a portal's person who may overwrite", portalOf({ options: { save_as: "overwrite" } })],
    ["a portal that names nobody", (path) => bridge.open(path)],
  ])("is not for %s", async (_who, open) => {
    const folder = await folderWith([]);
    const client = await open(`${folder}/Report.docx`);
    expect((await client.check()).json()["SupportsDeleteFile"]).toBe(false);
    expect((await client.post("DELETE")).status).toBe(404);
    expect(await bridge.alice.list(folder)).toEqual(["Report.docx"]);
  });
});

it("a portal's own words for the right are known and no others", async () => {
  const folder = await folderWith([]);
  const uri = bridge.alice.uriOf(`${folder}/Report.docx`);
  for (const save_as of ["yes", "", true, null]) {
    const answered = await bridge.postSession({ uri, action: "edit", options: { save_as } });
    expect(answered.status).toBe(422);
  }
  expect((await saveAs(await bridge.open(`${folder}/Report.docx`), { "X-WOPI-SuggestedTarget": ".md" })).status).toBe(
    200,
  );
});

describe("the editor's own list of documents", () => {
  it("lets a visitor export to what the drive has no viewer for, in capitals too, and to nothing else", async () => {
    const discovery = await discoveryServer(editorUrl);
    const settings = { DISCOVERY_URLS: discovery.url, PROOF_KEYS: "off" };
    const listed = await testBridge({ settings });
    await listed.alice.put("Report.docx", "text");
    const client = await listed.open("Report.docx", { user: { id: "u", name: "Uma" } });
    expect(namedDocument(await suggest(client, ".pdf")).Name).toBe("Report.pdf");
    expect(namedDocument(await exactly(client, "Other.PDF")).Name).toBe("Other.PDF");
    for (const name of ["Report.exe", "Report.html", "Report.pdf.exe", "pdf"]) {
      expect((await suggest(client, name)).status, name).toBe(400);
    }
    await listed.close();
    await discovery.close();
  });
});

describe("what a visitor is told of the owner", () => {
  it("holds the owner's id of the drive nowhere: not in the facts for the editor, not in the page", async () => {
    const folder = await folderWith([]);
    const { id } = await bridge.alice.info(`${folder}/Report.docx`);
    const { data } = await bridge.alice.call("GET", "/user/me");
    const ownerId = String((data as { id: string }).id);
    expect(ownerId).toMatch(/^[A-Za-z0-9]{3,}$/);
    const person = webPerson(bridge.url);
    const page = await person.follow(await person.post(await owner.makeLink(id), { name: "Guest" }));
    const visitor = wopiOfForm(editorForm(page));
    const told = [page.text, (await visitor.check()).text, (await suggest(visitor, "Copy.docx")).text];
    const word = new RegExp(`"${ownerId}"`);
    for (const text of told) expect(text).not.toMatch(word);
    const own = (await (await openAsOwner(bridge, `${folder}/Report.docx`)).check()).json();
    expect(own["UserId"]).toBe(own["OwnerId"]);
    expect((await visitor.check()).json()["OwnerId"]).toBe(own["OwnerId"]);
  });
});
