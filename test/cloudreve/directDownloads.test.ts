import { createHash, randomBytes } from "node:crypto";
import { createServer, get, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BytePath, type Transmission } from "../../src/cloudreve/bytePath.ts";
import { plainHead } from "../../src/cloudreve/directDownloads.ts";
import { until } from "../support/until.ts";

/** A drive that writes to its connections whatever a test says; and a bridge that hands its documents on. */
let drive: ReturnType<typeof createTcpServer>;
let bridge: Server;
let driveUrl = "";
let bridgePort = 0;
let connections: Socket[];
let asked: string[];
let say: (socket: Socket, request: string) => void;
let path: BytePath;

const call = (more: Partial<Transmission> = {}): Transmission => ({
  purpose: "download",
  method: "GET",
  url: `${driveUrl}document`,
  headers: {},
  ...more,
});
const headOf = (lengthBytes: number): string =>
  `HTTP/1.1 200 OK\r\nETag: "v"\r\nContent-Length: ${lengthBytes}\r\n\r\n`;
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
const port = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

beforeEach(async () => {
  connections = [];
  asked = [];
  path = new BytePath({ answerWithinMs: 2_000, answerStallMs: 2_000 });
  drive = createTcpServer((socket) => {
    connections.push(socket);
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      asked.push(bytes.toString("latin1"));
      say(socket, bytes.toString("latin1"));
    });
  });
  bridge = createServer((_request, response) => {
    path
      .send(call())
      .then(async ({ headers, body }) => {
        response.writeHead(200, { "Content-Length": headers["content-length"] ?? "" });
        await body.sendTo(response);
      })
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => drive.listen(0, "127.0.0.1", resolve));
  await new Promise<void>((resolve) => bridge.listen(0, "127.0.0.1", resolve));
  driveUrl = `http://127.0.0.1:${port(drive)}/`;
  bridgePort = port(bridge);
});
afterEach(() => {
  for (const socket of connections) socket.destroy();
  bridge.closeAllConnections();
  bridge.close();
  drive.close();
});

const download = async (): Promise<Buffer> => {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ host: "127.0.0.1", port: bridgePort, agent: false }, resolve).once("error", reject);
  });
  return buffer(answer);
};

describe("a document that is handed on from socket to socket", () => {
  it.each([0, 1, 131_072, 131_073, 5_000_000])(
    "is the same, byte by byte, when it has %i of them",
    async (sizeBytes) => {
      const bytes = randomBytes(sizeBytes);
      say = (socket) => {
        socket.write(headOf(sizeBytes));
        socket.write(bytes);
      };
      const copies = await Promise.all([download(), download(), download()]);
      expect(copies.map(sha256)).toEqual([sha256(bytes), sha256(bytes), sha256(bytes)]);
    },
  );

  it("may come in any pieces, its headers too", async () => {
    const bytes = randomBytes(1_000);
    say = (socket) => {
      const all = Buffer.concat([Buffer.from(headOf(bytes.length)), bytes]);
      socket.setNoDelay(true);
      const from = (at: number): void => {
        if (at < all.length) socket.write(all.subarray(at, at + 7), () => setImmediate(from, at + 7));
      };
      from(0);
    };
    expect(sha256(await download())).toBe(sha256(bytes));
  });

  it("comes over one connection again and again, and never mixes with the one before", async () => {
    const documents = Array.from({ length: 20 }, () => randomBytes(300_000));
    let next = 0;
    say = (socket) => {
      const bytes = documents[next++] ?? Buffer.alloc(0);
      socket.write(headOf(bytes.length));
      socket.write(bytes);
    };
    for (const bytes of documents) expect(sha256(await download())).toBe(sha256(bytes));
    expect(connections).toHaveLength(1);
  });

  it("keeps its connection until the last of it has been written", async () => {
    const documents = ["first", "other"];
    say = (socket) => void socket.write(`${headOf(5)}${documents.shift()}`);
    const written: Buffer[] = [];
    const waiting: (() => void)[] = [];
    const socket = new Writable({
      write: (bytes: Buffer, _encoding, done) => {
        written.push(bytes);
        waiting.push(done);
      },
    });
    const response = Object.assign(new Writable(), { socket, flushHeaders: () => undefined });
    const sending = (await path.send(call())).body.sendTo(response);
    expect((await buffer((await path.send(call())).body)).toString()).toBe("other");
    expect(Buffer.concat(written).toString()).toBe("first");
    for (const done of waiting) done();
    await sending;
    expect(connections).toHaveLength(2);
  });

  it("waits for a reader who is slow, and holds up no others", async () => {
    const bytes = randomBytes(20_000_000);
    say = (socket) => {
      socket.write(headOf(bytes.length));
      socket.write(bytes);
    };
    const slow = connect(bridgePort, "127.0.0.1");
    const chunks: Buffer[] = [];
    slow.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await until("it has begun", () => asked.length === 1);
    const other = await download();
    expect(sha256(other)).toBe(sha256(bytes));
    slow.on("data", (chunk: Buffer) => chunks.push(chunk));
    await until("it is there", () => chunks.reduce((sum, { length }) => sum + length, 0) > bytes.length, 20_000);
    slow.destroy();
    const all = Buffer.concat(chunks);
    expect(sha256(all.subarray(all.indexOf("\r\n\r\n") + 4))).toBe(sha256(bytes));
  });

  it("is cut off for its reader when the drive breaks off, or sends more than it announced", async () => {
    say = (socket) => {
      socket.end(`${headOf(1_000)}half`);
    };
    await expect(download()).rejects.toThrow();
    say = (socket) => {
      socket.write(`${headOf(4)}whole, and more`);
    };
    await expect(download()).rejects.toThrow();
  });

  it("is no longer fetched when its reader has gone", async () => {
    say = (socket) => {
      socket.write(headOf(50_000_000));
      socket.write(Buffer.alloc(10_000_000));
    };
    const reader = connect(bridgePort, "127.0.0.1");
    reader.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    reader.once("data", () => reader.destroy());
    await until("the drive hears of it", () => connections[0]?.destroyed === true);
  });
});

describe("an answer that is no plain body", () => {
  const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n4\r\nial!\r\n0\r\n\r\n";

  it("is asked for once more, in the usual way", async () => {
    say = (socket) => void socket.write(chunked);
    const { body } = await path.send(call());
    expect((await buffer(body)).toString()).toBe("partial!");
    expect(asked).toHaveLength(2);
  });

  it.each([
    ["a length twice", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2"],
    ["a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: +5"],
    ["no length", "HTTP/1.1 200 OK\r\nETag: x"],
    ["a length, and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked"],
    ["news before the answer", "HTTP/1.1 103 Early Hints\r\nContent-Length: 5"],
    ["no body", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5"],
    ["an older protocol", "HTTP/1.0 200 OK\r\nContent-Length: 5"],
    ["a folded line", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n folded"],
    ["a space in a name", "HTTP/1.1 200 OK\r\nContent-Length : 5"],
  ])("is recognized by %s", (_name, head) => {
    expect(plainHead(head)).toBeUndefined();
  });
});

describe("a connection that was idle", () => {
  const whole = (socket: Socket): void => void socket.write(`${headOf(5)}whole`);

  it("and is dead by now is replaced", async () => {
    say = whole;
    await download();
    connections[0]?.resetAndDestroy();
    expect((await download()).toString()).toBe("whole");
    let calls = 0;
    say = (socket) => {
      if (++calls === 1) socket.resetAndDestroy();
      else whole(socket);
    };
    expect((await download()).toString()).toBe("whole");
    expect(calls).toBe(2);
  });

  it("and spoke without being asked is used no more", async () => {
    say = whole;
    await download();
    connections[0]?.write(`${headOf(5)}wrong`);
    await until("it is closed", () => connections[0]?.destroyed === true);
    expect((await download()).toString()).toBe("whole");
  });
});

it("asks for a part once, whatever is answered", async () => {
  say = (socket) => void socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n");
  const { body } = await path.send(call({ headers: { Range: "bytes=0-0" } }));
  expect((await buffer(body)).toString()).toBe("{}");
  expect(asked).toHaveLength(1);
});

it("sends no header that would become two", async () => {
  say = () => undefined;
  const headers = { traceparent: "00-1\r\nX-Evil: 1" };
  await expect(path.send(call({ headers }))).rejects.toMatchObject({ code: "ERR_INVALID_CHAR" });
  expect(asked).toEqual([]);
});
