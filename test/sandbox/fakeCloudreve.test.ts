import { once } from "node:events";
import { readdirSync } from "node:fs";
import { request as openRequest } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DriveUnderTest, type FileObject } from "./fakeCloudreveClient.ts";

let drive: DriveUnderTest;

beforeEach(async () => {
  drive = await new DriveUnderTest().open();
});

afterEach(() => drive.close());

describe("a save", () => {
  it("gives a new version id even when the bytes are the same", async () => {
    const first = await drive.put("/a.docx", "same");
    const second = await drive.put("/a.docx", "same");
    expect(second.data.id).toBe(first.data.id);
    expect(second.data.primary_entity).not.toBe(first.data.primary_entity);
  });

  it("empties the document when the body comes without a length, and says it went well", async () => {
    await drive.put("/a.docx", "precious");
    const uri = encodeURIComponent("cloudreve://my/a.docx");
    const response = await fetch(`${drive.fake.url}/api/v4/file/content?uri=${uri}`, {
      method: "PUT",
      headers: { Authorization: `Bearer ${drive.token}` },
      body: Readable.toWeb(Readable.from(["new text"])) as ReadableStream,
      duplex: "half",
    } as RequestInit);
    expect(await response.json()).toMatchObject({ code: 0, data: { size: 0 } });
    expect(await drive.read("/a.docx")).toBe("");
  });

  it("leaves the old version and no lock when the connection breaks midway", async () => {
    await drive.put("/a.docx", "old");
    await breakOffPut("/a.docx");
    expect((await untilFree("/a.docx", "newer")).code).toBe(0);
    expect((await drive.info("/a.docx", true)).data.extended_info?.entities).toHaveLength(2);
  });

  it("leaves no trace of a new document when the connection breaks midway", async () => {
    await breakOffPut("/new.docx");
    await until(async () => (await drive.info("/new.docx")).code === 40016);
  });

  it("shows a new document as an empty placeholder while it is being received", async () => {
    const socket = await halfPut("/new.docx");
    expect((await drive.info("/new.docx")).data).toMatchObject({ size: 0, name: "new.docx" });
    socket.destroy();
  });

  it("lets one of six simultaneous saves with one previous version win", async () => {
    const { data } = await drive.put("/a.docx", "old");
    const saves = await Promise.all([..."123456"].map((body) => drive.put("/a.docx", body, data.primary_entity)));
    const codes = saves.map(({ code }) => code);
    expect(codes.filter((code) => code === 0)).toHaveLength(1);
    expect(codes.filter((code) => code !== 0 && code !== 40073 && code !== 40076)).toEqual([]);
    expect((await drive.put("/a.docx", "late", data.primary_entity)).code).toBe(40076);
  });

  it("keeps ten versions and drops the oldest with their bytes", async () => {
    for (let round = 0; round < 13; round++) await drive.put("/a.docx", "x".repeat(round));
    const sizes = (await drive.info("/a.docx", true)).data.extended_info?.entities.map(({ size }) => size);
    expect(sizes).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
    expect(readdirSync(join(drive.dir, "files", "alice@example.com"))).toHaveLength(10);
  });

  it("reads a body over the edit limit to its end before it refuses it", async () => {
    drive.fake.settings.maxEditSizeBytes = 1000;
    const socket = connect(drive.fake.port, "127.0.0.1");
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk.toString();
    });
    socket.write(`${putHead("/big.docx", 2000)}${"x".repeat(1999)}`);
    // Another whole exchange goes by without an answer to the first.
    await drive.info("/big.docx");
    expect(received).toBe("");
    socket.write("x");
    await once(socket, "data");
    expect(received).toContain('"code":40049');
    socket.destroy();
  });

  it("refuses a long native save at once and closes on its sender", async () => {
    await drive.put("/a.docx", "old");
    const editor = await drive.openSession("/a.docx");
    drive.fake.settings.maxEditSizeBytes = 1000;
    const socket = connect(drive.fake.port, "127.0.0.1");
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk.toString();
    });
    const { pathname, search } = new URL(editor.url("/contents"));
    socket.write(`POST ${pathname}${search} HTTP/1.1\r\nHost: drive\r\nContent-Length: 100000000\r\n\r\nonly this`);
    await once(socket, "close");
    expect(received).toMatch(/^HTTP\/1\.1 413 [\s\S]*Connection: close/);
  });

  it("takes a hundred megabytes without holding them in memory", async () => {
    drive.fake.settings.maxEditSizeBytes = 200_000_000;
    const chunk = Buffer.alloc(1_000_000, "x");
    let highestBytes = 0;
    function* chunks(): Generator<Buffer> {
      for (let sent = 0; sent < 100; sent++) {
        highestBytes = Math.max(highestBytes, process.memoryUsage().arrayBuffers);
        yield chunk;
      }
    }
    const beforeBytes = process.memoryUsage().arrayBuffers;
    await sendStream("/big.docx", Readable.from(chunks()), 100_000_000);
    expect((await drive.info("/big.docx")).data.size).toBe(100_000_000);
    expect(highestBytes - beforeBytes).toBeLessThan(40_000_000);
  });
});

describe("a download", () => {
  it("breaks off when the version was recorded longer than it is", async () => {
    const uri = encodeURIComponent("cloudreve://my/lie.docx");
    await fetch(`${drive.fake.url}/api/v4/file/content?uri=${uri}`, {
      method: "PUT",
      headers: { Authorization: `Bearer ${drive.token}`, "X-Expected-Entity-Length": "20" },
      body: Readable.toWeb(Readable.from(["ten  bytes"])) as ReadableStream,
      duplex: "half",
    } as RequestInit);
    const response = await fetch(await drive.downloadUrl("/lie.docx"));
    expect(response.headers.get("Content-Length")).toBe("20");
    await expect(response.text()).rejects.toThrow();
  });

  it("answers 200 with JSON and no ETag once its time is over", async () => {
    await drive.put("/a.docx", "text");
    const url = await drive.downloadUrl("/a.docx");
    drive.nowMs += 3_602_000;
    const response = await fetch(url);
    expect([response.status, response.headers.get("ETag")]).toEqual([200, null]);
    expect(await response.json()).toMatchObject({ code: 40005 });
  });

  it("gets the same URL until ten minutes before its end", async () => {
    await drive.put("/a.docx", "text");
    const first = await drive.downloadUrl("/a.docx");
    drive.nowMs += 2_999_000;
    expect(await drive.downloadUrl("/a.docx")).toBe(first);
    drive.nowMs += 2000;
    drive.token = (await drive.signIn()).access_token;
    expect(await drive.downloadUrl("/a.docx")).not.toBe(first);
  });
});

describe("the tree", () => {
  it("gives a copy its own file id and the very same version", async () => {
    const { data } = await drive.put("/a.docx", "text");
    await drive.call("POST", "/file/create", { uri: "cloudreve://my/d", type: "folder" });
    await drive.call("POST", "/file/move", { uris: ["cloudreve://my/a.docx"], dst: "cloudreve://my/d", copy: true });
    const copy = (await drive.info("/d/a.docx")).data;
    expect(copy.id).not.toBe(data.id);
    expect(copy.primary_entity).toBe(data.primary_entity);
    await drive.call("DELETE", "/file", { uris: ["cloudreve://my/a.docx"], skip_soft_delete: true });
    expect(await drive.read("/d/a.docx")).toBe("text");
  });

  it("loses documents older than the last folder when folders fill a page", async () => {
    await drive.put("/p/old.docx", "x");
    for (const name of ["f1", "f2"]) {
      await drive.call("POST", "/file/create", { uri: `cloudreve://my/p/${name}`, type: "folder" });
    }
    await drive.put("/p/new.docx", "x");
    expect(await listPages(2)).toEqual([["f1", "f2"], ["new.docx"]]);
    expect(await listPages(3)).toEqual([["f1", "f2", "old.docx"], ["new.docx"]]);
  });

  it("keeps a deleted document in the trash, and its way back by id", async () => {
    const { data } = await drive.put("/a.docx", "text");
    await drive.call("DELETE", "/file", { uris: ["cloudreve://my/a.docx"] });
    expect((await drive.info("/a.docx")).code).toBe(40016);
    expect((await drive.call<{ path: string }>("GET", `/file/info?id=${data.id}`)).data.path).toMatch(
      /^cloudreve:\/\/trash\//,
    );
  });
});

describe("an upload session", () => {
  it("compares the previous version when it begins", async () => {
    const { data } = await drive.put("/a.docx", "one");
    await drive.put("/a.docx", "two");
    expect((await startUpload("/a.docx", 3, data.primary_entity)).code).toBe(40076);
    expect((await startUpload("/a.docx", 3, "no id at all")).code).toBe(40001);
    const { primary_entity } = (await drive.info("/a.docx")).data;
    expect((await startUpload("/a.docx", 3, primary_entity)).code).toBe(0);
    expect((await drive.info("/a.docx")).data.metadata).toHaveProperty("sys:upload_session_id");
    expect((await drive.put("/a.docx", "three")).code).toBe(40073);
  });

  it("is known after a restart but has lost its lock", async () => {
    const { data } = await startUpload("/a.docx", 3);
    await drive.restart();
    expect(await sendChunk(data.session_id, 0, "abc")).toMatchObject({ code: 40073, msg: "Lock expired" });
    expect((await drive.put("/a.docx", "free")).code).toBe(0);
    expect((await drive.info("/a.docx")).data.metadata).toEqual({});
  });

  it("puts its chunks together in any order", async () => {
    drive.fake.settings.chunkSizeBytes = 4;
    const { data } = await startUpload("/a.docx", 6);
    expect(await sendChunk(data.session_id, 1, "56")).toMatchObject({ code: 0 });
    expect(await sendChunk(data.session_id, 0, "1234")).toMatchObject({ code: 0 });
    expect(await drive.read("/a.docx")).toBe("123456");
  });
});

describe("times", () => {
  it("are told in the zone of the server, and keep the one they were written in", async () => {
    drive.fake.settings.utcOffsetMinutes = 480;
    const { data } = await drive.put("/a.docx", "text");
    expect(data.updated_at).toMatch(/^2026-11-21T16:00:00\.\d+\+08:00$/);
    drive.fake.settings.utcOffsetMinutes = 0;
    const editor = await drive.openSession("/a.docx");
    expect(await (await editor.check()).json()).toMatchObject({ LastModifiedTime: "2026-11-21T16:00:00+08:00" });
    expect((await drive.put("/a.docx", "text")).data.updated_at).toMatch(/Z$/);
  });
});

function startUpload(path: string, size: number, previous = "") {
  return drive.call<{ session_id: string }>("PUT", "/file/upload", {
    uri: `cloudreve://my${path}`,
    size,
    previous,
    entity_type: "version",
  });
}

async function sendChunk(session: string, index: number, body: string): Promise<unknown> {
  const response = await fetch(`${drive.fake.url}/api/v4/file/upload/${session}/${index}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${drive.token}` },
    body,
  });
  return response.json();
}

async function listPages(pageSize: number): Promise<string[][]> {
  const pages: string[][] = [];
  let token = "";
  do {
    const uri = encodeURIComponent("cloudreve://my/p");
    const path = `/file?uri=${uri}&page_size=${pageSize}&next_page_token=${token}`;
    const { data } = await drive.call<{ files: FileObject[]; pagination: { next_token?: string } }>("GET", path);
    pages.push(data.files.map(({ name }) => name));
    token = data.pagination.next_token ?? "";
  } while (token !== "");
  return pages;
}

function putHead(path: string, announcedBytes: number, more = ""): string {
  const uri = encodeURIComponent(`cloudreve://my${path}`);
  return (
    `PUT /api/v4/file/content?uri=${uri} HTTP/1.1\r\nHost: drive\r\nAuthorization: Bearer ${drive.token}\r\n` +
    `Content-Length: ${announcedBytes}\r\n${more}\r\n`
  );
}

/** Sends the head of a PUT and a few bytes; the drive has begun with it when this resolves. */
async function halfPut(path: string) {
  const socket = connect(drive.fake.port, "127.0.0.1");
  socket.write(putHead(path, 1000, "Expect: 100-continue\r\n"));
  await once(socket, "data");
  socket.write("a few");
  return socket;
}

async function breakOffPut(path: string): Promise<void> {
  (await halfPut(path)).destroy();
}

async function untilFree(path: string, body: string) {
  let answer = await drive.put(path, body);
  await until(async () => {
    if (answer.code === 40073) answer = await drive.put(path, body);
    return answer.code !== 40073;
  });
  return answer;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + 5000;
  while (!(await isSo())) if (Date.now() > deadlineMs) throw new Error("it never came to be");
}

async function sendStream(path: string, body: Readable, lengthBytes: number): Promise<void> {
  const uri = encodeURIComponent(`cloudreve://my${path}`);
  const outgoing = openRequest(`${drive.fake.url}/api/v4/file/content?uri=${uri}`, {
    method: "PUT",
    headers: { Authorization: `Bearer ${drive.token}`, "Content-Length": lengthBytes },
  });
  body.pipe(outgoing);
  const [response] = await once(outgoing, "response");
  response.resume();
  await once(response, "end");
}
