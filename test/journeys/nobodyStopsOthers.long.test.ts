import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type LinkOwner, linkOwner } from "../support/linkOwner.ts";
import { type RawConnection, rawConnection, rawStatus } from "../support/rawHttp.ts";
import { type SavingEditor, savingEditor } from "../support/savingEditor.ts";
import { until } from "../support/until.ts";
import { editorForm, webPerson } from "../support/webPerson.ts";
import { type WopiClient, wopiOfForm } from "../support/wopiClient.ts";

/** More than Cloudreve's connections of any kind ever were. */
const many = 300;
/** Does not fit into the buffers on the way: who does not read holds the whole way to the drive. */
const largeBytes = 6 * 1024 * 1024;

let editor: SavingEditor;
let owner: LinkOwner;
let open: RawConnection[] = [];
beforeAll(async () => {
  editor = await savingEditor();
  owner = await linkOwner(editor.bridge);
});
afterEach(async () => {
  editor.proxy.intercept = undefined;
  for (const { socket } of open) socket.destroy();
  open = [];
});
afterAll(() => editor.close());

/** A new document, and how a colleague without an account gets into it: each time as another person. */
async function sharedDocument(sizeBytes = largeBytes) {
  const { path, client } = await editor.openNew("x".repeat(sizeBytes));
  const link = await owner.makeLink(client.session.file.id, { ask_name: "" });
  const visit = async (): Promise<WopiClient> => {
    const person = webPerson(editor.bridge.url);
    const entered = await person.follow(await person.post(new URL(link).pathname));
    return wopiOfForm(editorForm(entered));
  };
  return { path, version: client.session.file.version, visit };
}

/** Sends the head of a call and then only what is said here, and reads nothing but the beginning. */
async function begin(
  client: WopiClient,
  method: string,
  headers: readonly string[],
  body = "",
): Promise<RawConnection> {
  const address = new URL(client.address("/contents"));
  const connection = await rawConnection(address.href);
  open.push(connection);
  const head = [`${method} ${address.pathname}${address.search} HTTP/1.1`, "Host: bridge", ...headers, "", body];
  connection.socket.write(head.join("\r\n"));
  return connection;
}

/** Asks for the document and reads no further than the head. */
async function stalledDownload(client: WopiClient): Promise<RawConnection> {
  const connection = await begin(client, "GET", []);
  connection.socket.once("data", () => connection.socket.pause());
  return connection;
}

const answered = (connections: readonly RawConnection[]): RawConnection[] =>
  connections.filter((one) => rawStatus(one.received()) !== 0);
const refused = (connections: readonly RawConnection[]): number =>
  connections.filter((one) => one.received().includes("are open at once for this session")).length;

/** Somebody else at work: what everybody else must not stop. */
async function savesGoThrough(times = 10): Promise<void> {
  const { client, path } = await editor.openAndLock("A");
  for (let save = 0; save < times; save++) {
    expect((await client.put(`save ${save}`, "A")).status).toBe(200);
    expect((await client.check()).status).toBe(200);
  }
  expect((await client.get()).text).toBe(`save ${times - 1}`);
  expect((await client.refresh("A")).status).toBe(200);
  expect((await client.unlock("A")).status).toBe(200);
  expect(await editor.bridge.alice.read(path)).toBe(`save ${times - 1}`);
}

describe("a guest who reads nothing of three hundred downloads", () => {
  it("does not stop anybody else's saves, locks and loading; over his share he is told to come later", async () => {
    const { visit } = await sharedDocument();
    const guest = await visit();
    const downloads = await Promise.all(Array.from({ length: many }, () => stalledDownload(guest)));
    await until("all are answered", () => answered(downloads).length === many, 20_000);
    await savesGoThrough();
    expect(refused(downloads)).toBe(many - 8);
    const one = downloads.find((connection) => rawStatus(connection.received()) === 503)?.received() ?? "";
    expect(one).toMatch(/\r\nRetry-After: 10\r\n/);
    expect(one).toMatch(/Too many downloads are open at once/);
  });

  it("does not either when he comes as another person for each, and the link's other visitors still save", async () => {
    const { visit, version } = await sharedDocument(10);
    const visitors: WopiClient[] = [];
    for (let person = 0; person < 40; person++) visitors.push(await visit());
    // As if none of them read on, without hundreds of large documents on the way.
    editor.proxy.intercept = (request, response) => {
      if (request.url?.includes("/file/content/") !== true) return false;
      response.writeHead(200, { ETag: `"${version}"`, "Content-Length": "10000000" }).write("x");
      return true;
    };
    const downloads = await Promise.all(
      visitors.flatMap((visitor) => Array.from({ length: 8 }, () => stalledDownload(visitor))),
    );
    await until("what is too much is refused", () => refused(downloads) === 320 - 256, 20_000);
    editor.proxy.intercept = undefined;
    await savesGoThrough(3);
    const late = await visit();
    expect((await late.check()).status).toBe(200);
    expect((await late.lock("B")).status).toBe(200);
    expect((await late.put("a colleague's", "B")).status).toBe(200);
    expect((await late.unlock("B")).status).toBe(200);
    expect(refused(downloads)).toBe(320 - 256);
  }, 60_000);

  it("has his share back as soon as he hangs up", async () => {
    const { visit } = await sharedDocument();
    const guest = await visit();
    const downloads = await Promise.all(Array.from({ length: 20 }, () => stalledDownload(guest)));
    await until("all are answered", () => answered(downloads).length === 20, 10_000);
    expect((await guest.get()).status).toBe(503);
    for (const { socket } of downloads) socket.destroy();
    await until("his share is free", async () => (await guest.get()).status === 200);
  });
});

describe("a guest who sends half of three hundred saves", () => {
  it("does not stop anybody else's, and over his share he is told to come later", async () => {
    const { visit } = await sharedDocument(10);
    const guest = await visit();
    const half = ["X-WOPI-Override: PUT", "X-WOPI-Lock: G", "Content-Length: 1000000"];
    const uploads = await Promise.all(
      Array.from({ length: many }, () => begin(guest, "POST", half, "x".repeat(1_000))),
    );
    await until("what is too much is refused", () => refused(uploads) === many - 8, 20_000);
    await savesGoThrough();
    expect(answered(uploads)).toHaveLength(many - 8);
  });

  it("does not either when he comes as another person for each: the link's other visitors still save", async () => {
    const { visit } = await sharedDocument(10);
    const half = ["X-WOPI-Override: PUT", "X-WOPI-Lock: G", "Content-Length: 1000000"];
    for (let person = 0; person < 12; person++) {
      const guest = await visit();
      await Promise.all(Array.from({ length: 8 }, () => begin(guest, "POST", half, "x".repeat(1_000))));
    }
    const late = await visit();
    expect((await late.lock("B")).status).toBe(200);
    // Bodies that have only begun are no stalled ones.
    await until("they are a second old", async () => (await late.put("first", "B")).status === 200);
    for (let save = 0; save < 3; save++) expect((await late.put(`save ${save}`, "B")).status).toBe(200);
    expect((await late.unlock("B")).status).toBe(200);
  }, 60_000);
});

describe("fifty people at one document, behind one editor's server", () => {
  it("are refused nothing when all come, load, save beside and look again at the same moment", async () => {
    const { visit } = await sharedDocument(50_000);
    const people: WopiClient[] = [];
    for (let person = 0; person < 50; person++) people.push(await visit());
    const all = async (call: (client: WopiClient) => Promise<{ status: number }>) =>
      (await Promise.all(people.map(call))).map(({ status }) => status);
    const fine = people.map(() => 200);
    expect(await all((client) => client.check())).toEqual(fine);
    expect(await all((client) => client.get())).toEqual(fine);
    expect(await all((client) => client.lock("S"))).toEqual(fine);
    expect(await all((client) => client.put("one copy, whoever's token", "S"))).toEqual(fine);
    expect(await all((client) => client.refresh("S"))).toEqual(fine);
    const [first] = people;
    // One server for all of them may do all of it with one person's token.
    const withOne = await Promise.all([
      ...Array.from({ length: 20 }, () => first?.check()),
      ...Array.from({ length: 5 }, () => first?.get()),
      ...Array.from({ length: 5 }, () => first?.refresh("S")),
      ...Array.from({ length: 5 }, (_, index) => first?.put(`save ${index}`, "S")),
    ]);
    expect(withOne.map((answer) => answer?.status)).toEqual(withOne.map(() => 200));
    expect((await first?.unlock("S"))?.status).toBe(200);
  }, 60_000);
});

describe("a thousand lock calls behind a save that takes long", () => {
  it("are forgotten with those who have hung up: the next in line has the turn at once", async () => {
    const { client } = await editor.openAndLock("A");
    let store: () => void = () => {};
    editor.proxy.intercept = async (request) => {
      if (request.headers["x-wopi-override"] === "PUT") await new Promise<void>((resolve) => (store = resolve));
      return false;
    };
    const slow = client.put("slow", "A");
    await until("the save is at the drive", () => store.name !== "");
    const asked = editor.proxy.seen.length;
    for (let round = 0; round < 40; round++) {
      const locks = await Promise.all(
        Array.from({ length: 25 }, async () => {
          const address = new URL(client.address());
          const connection = await rawConnection(address.href);
          const lines = [`POST ${address.pathname}${address.search} HTTP/1.1`, "Host: b", "X-WOPI-Override: LOCK"];
          connection.socket.write([...lines, "X-WOPI-Lock: A", "Content-Length: 0", "", ""].join("\r\n"));
          return connection;
        }),
      );
      await new Promise((resolve) => setImmediate(resolve));
      for (const { socket } of locks) socket.destroy();
    }
    store();
    expect((await slow).status).toBe(200);
    expect((await client.refresh("A")).status).toBe(200);
    // Of the thousand, the drive was asked for few that were just being heard.
    const overrides = editor.proxy.seen.slice(asked).filter(({ headers }) => headers["x-wopi-override"] === "LOCK");
    expect(overrides.length).toBeLessThan(100);
    expect((await client.unlock("A")).status).toBe(200);
  }, 60_000);
});

describe("a drive that swallows a save", () => {
  it("frees the file's turn within half a minute: the next save goes in, and the swallowed one is not lost", async () => {
    const { client, path } = await editor.openAndLock("A");
    let swallowed = 0;
    editor.proxy.intercept = (request) => {
      if (request.headers["x-wopi-override"] !== "PUT" || swallowed > 0) return false;
      swallowed++;
      request.resume();
      return true;
    };
    const startedAtMs = performance.now();
    const first = client.put("the first's", "A");
    await until("it is swallowed", () => swallowed === 1);
    const second = client.put("the second's", "A");
    const third = client.refresh("A");
    expect((await first).status).toBe(503);
    expect(performance.now() - startedAtMs).toBeLessThan(30_000);
    expect((await second).status).toBe(200);
    expect((await third).status).toBe(200);
    expect(performance.now() - startedAtMs).toBeLessThan(30_000);
    expect(await editor.bridge.alice.read(path)).toBe("the second's");
    expect(await editor.bridge.bridge.replay()).toBe(0);
    // It is in the second one's, which was saved later from the same copy.
    expect(await editor.bridge.alice.read(path)).toBe("the second's");
  }, 60_000);

  it("and never lets go of it again: it waits in the spool, and goes in when the drive is well", async () => {
    const { client, path } = await editor.openAndLock("A");
    editor.proxy.intercept = (request) => {
      if (request.headers["x-wopi-override"] !== "PUT") return false;
      request.resume();
      return true;
    };
    const answer = await client.put("only here", "A");
    expect(answer.status).toBe(503);
    editor.proxy.intercept = undefined;
    expect(await editor.bridge.bridge.replay()).toBe(0);
    expect(await editor.bridge.alice.read(path)).toBe("only here");
  }, 60_000);
});
