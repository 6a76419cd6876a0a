import { readdir, stat } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DriveAccountClient, driveAccount } from "../support/driveAccount.ts";
import { linkOwner } from "../support/linkOwner.ts";
import { drivePassword, portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { editorForm, webPerson } from "../support/webPerson.ts";
import { collabora, type WopiClient, wopiOfForm } from "../support/wopiClient.ts";

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

let bridge: TestBridge;
let documents = 0;

beforeAll(async () => {
  bridge = await testBridge();
});
afterAll(() => bridge.close());

/** Signs in anew: the clock moves by hours, and a sign-in of the drive lives for one. */
const alice = (): Promise<DriveAccountClient> => driveAccount(bridge.drive.url, "alice@example.com", drivePassword);

/** A document that somebody has opened, and what ends that. */
interface Opened {
  readonly name: string;
  readonly client: WopiClient;
  /** Of what runs out by itself: how long that takes. */
  readonly lifeMs?: number;
  end(): Promise<void>;
}
interface Ending {
  /** What the editor hears of a save afterwards: 401 is over, 404 is view. */
  readonly says: 401 | 404;
  open(name: string): Promise<Opened>;
}

async function api(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const answered = await fetch(`${bridge.url}/api${path}`, {
    method,
    headers: { Authorization: `Bearer ${portalKey}`, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answered.ok) throw new Error(`${method} ${path}: ${answered.status} ${await answered.text()}`);
  return answered.status === 204 ? {} : ((await answered.json()) as Record<string, unknown>);
}

async function byLink(name: string, more: Record<string, unknown> = {}) {
  const uri = bridge.alice.uriOf(name);
  const { id, url } = await api("POST", "/links", { uri, permission: "edit", ...more });
  const visitor = webPerson(bridge.url);
  const page = await visitor.follow(await visitor.post(String(url), { name: "Gus" }));
  return { id: String(id), client: wopiOfForm(editorForm(page)) };
}

const endings: Readonly<Record<string, Ending>> = {
  "the portal ended the session": {
    says: 401,
    open: async (name) => {
      const client = await bridge.open(name, { user: { id: "gus", name: "Gus" } });
      return { name, client, end: () => bridge.endSession(client.session.id) };
    },
  },
  "the link was revoked": {
    says: 401,
    open: async (name) => {
      const { id, client } = await byLink(name);
      return { name, client, end: async () => void (await api("DELETE", `/links/${id}`)) };
    },
  },
  "the link ran out": {
    says: 401,
    open: async (name) => {
      const lifeMs = 2 * hourMs;
      const { client } = await byLink(name, { expires_at: new Date(bridge.clock.now() + lifeMs).toISOString() });
      return { name, client, lifeMs, end: async () => bridge.clock.advance(lifeMs) };
    },
  },
  "the session ran out": {
    says: 401,
    open: async (name) => {
      const client = await bridge.open(name, { user: { id: "gus", name: "Gus" } });
      const lifeMs = client.session.access_token_ttl - bridge.clock.now();
      return { name, client, lifeMs, end: async () => bridge.clock.advance(lifeMs) };
    },
  },
  "the link was turned to view": {
    says: 404,
    open: async (name) => {
      const { id, client } = await byLink(name);
      return { name, client, end: async () => void (await api("PATCH", `/links/${id}`, { permission: "view" })) };
    },
  },
  "the link was turned to view, and then revoked": {
    says: 401,
    open: async (name) => {
      const { id, client } = await byLink(name);
      const end = async () => {
        await api("PATCH", `/links/${id}`, { permission: "view" });
        await api("DELETE", `/links/${id}`);
      };
      return { name, client, end };
    },
  },
  "the person signed out everywhere": {
    says: 401,
    open: async (name) => {
      const { person } = await linkOwner(bridge);
      const { id } = await (await alice()).info(name);
      const page = await person.follow(await person.get(`/open?file_id=${id}`));
      const end = async () => {
        // From another machine.
        const elsewhere = await linkOwner(bridge);
        expect((await elsewhere.person.post("/signout", { everywhere: "1" })).status).toBe(303);
      };
      return { name, client: wopiOfForm(editorForm(page)), end };
    },
  },
};

async function opened(ending: Ending): Promise<Opened> {
  const name = `report-${++documents}.txt`;
  await (await alice()).put(name, "as it was");
  const document = await ending.open(name);
  expect((await document.client.get()).status).toBe(200);
  expect((await document.client.lock("lock-1")).status).toBe(200);
  return document;
}

/** Files that came of a document, besides itself. */
async function beside(name: string): Promise<string[]> {
  const stem = name.replace(".txt", " ");
  return (await (await alice()).list()).filter((other) => other.startsWith(stem));
}

/** @returns what stands in the one copy beside; undefined when there is none */
async function copyOf(name: string): Promise<string | undefined> {
  const copies = await beside(name);
  expect(copies.length).toBeLessThanOrEqual(1);
  return copies[0] === undefined ? undefined : (await alice()).read(copies[0]);
}

describe.each(Object.entries(endings))("after %s", (_why, ending) => {
  it("one last save is kept beside the document, replaced for five minutes and not after", async () => {
    const { name, client, end } = await opened(ending);
    const versionBefore = (await (await alice()).info(name)).primary_entity;
    await end();

    expect((await client.put("first", "lock-1")).status).toBe(ending.says);
    expect(await copyOf(name)).toBe("first");
    const [copyName = ""] = await beside(name);
    const copy = await (await alice()).info(copyName);
    expect((await client.put("first", "lock-1")).status).toBe(ending.says);
    expect((await (await alice()).info(copyName)).primary_entity).toBe(copy.primary_entity);
    for (let round = 0; round < 50; round++) {
      expect((await client.put(`other ${round}`, "lock-1")).status).toBe(ending.says);
    }
    expect(await copyOf(name)).toBe("other 49");
    expect((await client.put("exit", "lock-1", collabora({ exitSave: true }))).status).toBe(ending.says);
    expect(await copyOf(name)).toBe("exit");
    expect((await (await alice()).info(copyName)).id).toBe(copy.id);

    bridge.clock.advance(5 * minuteMs - secondMs);
    expect((await client.put("at 4:59", "no such lock")).status).toBe(ending.says);
    expect((await client.put("at 4:59", "nöt ASCII")).status).toBe(ending.says);
    expect(await copyOf(name)).toBe("at 4:59");
    bridge.clock.advance(2 * secondMs);
    for (const text of ["at 5:01", "at 4:59"]) {
      expect((await client.put(text, "lock-1", collabora({ exitSave: true }))).status).toBe(ending.says);
    }
    expect(await copyOf(name)).toBe("at 4:59");

    expect(await (await alice()).read(name)).toBe("as it was");
    expect((await (await alice()).info(name)).primary_entity).toBe(versionBefore);
    expect(await readdir(bridge.spoolDir)).toEqual([]);
  });

  it("nothing of a save is read after five minutes, however long it is said to be", async () => {
    const { name, client, end } = await opened(ending);
    await end();
    bridge.clock.advance(5 * minuteMs);
    const spoolBefore = (await stat(bridge.spoolDir)).mtimeMs;
    expect((await client.put(Buffer.alloc(3 * 1024 * 1024, "x"), "lock-1")).status).toBe(ending.says);
    expect(await copyOf(name)).toBeUndefined();
    expect((await stat(bridge.spoolDir)).mtimeMs).toBe(spoolBefore);
  });

  it("no other write does anything, and the drive's lock is given back", async () => {
    const { name, client, end } = await opened(ending);
    await end();
    const tries = [
      client.lock("lock-1"),
      client.lock("lock-2"),
      client.relock("lock-1", "lock-2"),
      client.refresh("lock-1"),
      client.unlock("lock-1"),
      client.post("RENAME_FILE", { "X-WOPI-RequestedName": "mine" }),
      client.post("PUT_RELATIVE", { "X-WOPI-SuggestedTarget": `${name.replace(".txt", " ")}mine.txt` }, "mine"),
      client.post("PUT_RELATIVE", { "X-WOPI-RelativeTarget": name, "X-WOPI-OverwriteRelativeTarget": "true" }, "mine"),
      client.post("DELETE"),
      client.post(
        "ADD_ACTIVITIES",
        {},
        JSON.stringify({ Activities: [{ Type: "comment", Id: "c", Data: { ContentId: "c" } }] }),
      ),
    ];
    for (const answer of await Promise.all(tries)) expect([401, 404, 501]).toContain(answer.status);
    expect((await client.post("PUT_USER_INFO", {}, "info")).status).toBe(ending.says === 401 ? 401 : 200);
    expect((await client.check()).status).toBe(ending.says === 401 ? 401 : 200);
    await bridge.bridge.sweep();
    // Cloudreve's web UI may write: nobody holds the file.
    expect(await (await alice()).put(name, "by the owner")).toBe(0);
    expect(await beside(name)).toEqual([]);
  });
});

describe("a save that was still on its way when the right ended", () => {
  it.each(Object.entries(endings))("goes beside, not into the document: %s", async (_why, ending) => {
    const { name, client, end } = await opened(ending);
    let send: ((text: string | undefined) => void) | undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (stream) => {
        send = (text) => (text === undefined ? stream.close() : stream.enqueue(new TextEncoder().encode(text)));
      },
    });
    const answering = fetch(client.address("/contents"), {
      method: "POST",
      headers: { "X-WOPI-Override": "PUT", "X-WOPI-Lock": "lock-1" },
      body,
      duplex: "half",
    } as RequestInit);
    send?.("half and ");
    const arriving = async () => (await readdir(bridge.spoolDir)).some((file) => file.endsWith(".part"));
    await expect.poll(arriving, { timeout: 5000 }).toBe(true);
    await end();
    send?.("half");
    send?.(undefined);
    expect((await answering).status).toBe(ending.says);
    expect(await (await alice()).read(name)).toBe("as it was");
    expect(await copyOf(name)).toBe("half and half");
    expect(await readdir(bridge.spoolDir)).toEqual([]);
  });

  it("makes no new file of a Save As", async () => {
    const { name, client, end } = await opened(endings["the link was revoked"] as Ending);
    let close: (() => void) | undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (stream) => {
        stream.enqueue(new TextEncoder().encode("mine"));
        close = () => stream.close();
      },
    });
    const answering = fetch(client.address(), {
      method: "POST",
      headers: { "X-WOPI-Override": "PUT_RELATIVE", "X-WOPI-SuggestedTarget": `${name.replace(".txt", " ")}mine.txt` },
      body,
      duplex: "half",
    } as RequestInit);
    const arriving = async () => (await readdir(bridge.spoolDir)).some((file) => file.endsWith(".part"));
    await expect.poll(arriving, { timeout: 5000 }).toBe(true);
    await end();
    close?.();
    expect((await answering).status).toBe(401);
    expect(await beside(name)).toEqual([]);
  });
});

describe("a right to view from the beginning", () => {
  it("has nothing kept: when it lives, when its link is revoked, and when that was edit for a while", async () => {
    const name = `report-${++documents}.txt`;
    await (await alice()).put(name, "as it was");
    const { id, client } = await byLink(name, { permission: "view" });
    expect((await client.put("mine", "lock-1")).status).toBe(404);
    await api("PATCH", `/links/${id}`, { permission: "edit" });
    await api("PATCH", `/links/${id}`, { permission: "view" });
    expect((await client.put("mine", "lock-1", collabora({ exitSave: true }))).status).toBe(404);
    await api("DELETE", `/links/${id}`);
    expect((await client.put("mine", "lock-1")).status).toBe(401);
    expect(await beside(name)).toEqual([]);
  });
});

describe("a link that may edit again", () => {
  it("ends the five minutes, and begins them anew when it is turned to view once more", async () => {
    const name = `report-${++documents}.txt`;
    await (await alice()).put(name, "as it was");
    const { id, client } = await byLink(name);
    await client.get();
    await api("PATCH", `/links/${id}`, { permission: "view" });
    bridge.clock.advance(10 * minuteMs);
    expect((await client.put("too late", "lock-1")).status).toBe(404);
    await api("PATCH", `/links/${id}`, { permission: "edit" });
    expect((await client.lock("lock-1")).status).toBe(200);
    expect((await client.put("in time", "lock-1")).status).toBe(200);
    await api("PATCH", `/links/${id}`, { permission: "view" });
    expect((await client.put("the last", "lock-1")).status).toBe(404);
    expect(await (await alice()).read(name)).toBe("in time");
    expect(await copyOf(name)).toBe("the last");
  });
});

describe("the copy that an ended session has left", () => {
  const open = async () => {
    const document = await opened(endings["the portal ended the session"] as Ending);
    await document.end();
    await document.client.put("what was unsaved", "lock-1");
    const [copyName = ""] = await beside(document.name);
    return { ...document, copyName };
  };

  it("is never written over when a person has worked on in it, and no second one is made", async () => {
    const { name, client, copyName } = await open();
    await (await alice()).put(copyName, "what a person made of it");
    for (const text of ["again", "and again"]) expect((await client.put(text, "lock-1")).status).toBe(401);
    expect(await beside(name)).toEqual([copyName]);
    expect(await (await alice()).read(copyName)).toBe("what a person made of it");
  });

  it("is not made anew when a person has thrown it away", async () => {
    const { name, client, copyName } = await open();
    await (await alice()).remove(copyName);
    for (const text of ["again", "and again"]) expect((await client.put(text, "lock-1")).status).toBe(401);
    expect(await beside(name)).toEqual([]);
  });

  it("is found under the name that a person has given it", async () => {
    const { name, client, copyName } = await open();
    const renamed = copyName.replace("conflict", "kept");
    await (await alice()).rename(copyName, renamed);
    expect((await client.put("the last", "lock-1")).status).toBe(401);
    expect(await beside(name)).toEqual([renamed]);
    expect(await (await alice()).read(renamed)).toBe("the last");
  });

  it("is one for each session, and says nothing of another's", async () => {
    const name = `report-${++documents}.txt`;
    await (await alice()).put(name, "as it was");
    const two = await Promise.all(["Gus", "Gus"].map(() => bridge.open(name, { user: { id: "gus", name: "Gus" } })));
    for (const client of two) await bridge.endSession(client.session.id);
    for (const [index, client] of two.entries()) await client.put(`of ${index}`, "lock-1");
    for (const [index, client] of two.entries()) await client.put(`last of ${index}`, "lock-1");
    const texts = await Promise.all((await beside(name)).map(async (copy) => (await alice()).read(copy)));
    expect(texts.sort()).toEqual(["last of 0", "last of 1"]);
  });

  it("is made once the drive is back, of the newest alone, though fifty have come meanwhile", async () => {
    const { name, client, end } = await opened(endings["the portal ended the session"] as Ending);
    await end();
    await bridge.stopDrive();
    for (let round = 0; round < 50; round++) {
      bridge.clock.advance(1);
      expect((await client.put(`round ${round}`, "lock-1")).status).toBe(401);
    }
    await bridge.startDrive();
    await expect.poll(() => bridge.bridge.replay(), { timeout: 10_000 }).toBe(0);
    expect(await copyOf(name)).toBe("round 49");
    expect(await (await alice()).read(name)).toBe("as it was");
    expect(await readdir(bridge.spoolDir)).toEqual([]);
  });
});

describe("the lock of an ended session", () => {
  /** @returns a document whose lock was refreshed a minute before the end */
  async function lockedLately(ending: Ending): Promise<Opened> {
    const document = await opened(ending);
    const { client, lifeMs } = document;
    if (lifeMs === undefined) return document;
    bridge.clock.advance(lifeMs - minuteMs);
    expect((await client.lock("lock-1")).status).toBe(200);
    return { ...document, end: async () => bridge.clock.advance(minuteMs) };
  }

  it.each(Object.entries(endings))("keeps nobody off, without waiting for a sweep: %s", async (_why, ending) => {
    const { name, end } = await lockedLately(ending);
    await end();
    const other = await bridge.open(name, { user: { id: "ann", name: "Ann" } });
    expect((await other.lock("another editor's lock")).status).toBe(200);
    expect((await other.put("by Ann", "another editor's lock")).status).toBe(200);
  });

  it.each(Object.entries(endings))("stays while somebody else edits in that editor: %s", async (_why, ending) => {
    const { name, client, end } = await lockedLately(ending);
    // In a portal's own page, which is not heard of again.
    const ann = await bridge.open(name, { user: { id: "ann", name: "Ann" } });
    await ann.check();
    bridge.clock.advance(30 * secondMs);
    expect((await client.lock("lock-1")).status).toBe(200);
    await end();
    bridge.clock.advance(10 * minuteMs);
    await bridge.bridge.sweep();
    expect((await ann.getLock()).header("X-WOPI-Lock")).toBe("lock-1");
    expect((await ann.put("by both", "lock-1")).status).toBe(200);
  });
});
