import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type IncomingMessage, request as send } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePorts, type RunningCommand, run, runNode } from "../support/childProcess.ts";
import { type DriveProxy, driveProxy } from "../support/driveProxy.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { until } from "../support/until.ts";
import { callAt, folderSession, type Pointer } from "./folderSession.ts";

const mebibyte = 1024 * 1024;

describe("a folder with ten thousand files", () => {
  const files = 10_000;
  let dir: string;
  let drive: RunningCommand;
  let bridge: RunningCommand;
  let full: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "full-folder-"));
    drive = runNode(["--import", "tsx", "test/wopi/fullFolderDriveProgram.ts", join(dir, "drive"), String(files)], {});
    for (let made = 2_000; made <= files; made += 2_000) await drive.printed(`made ${made}.`);
    await drive.printed("with token");
    const [, driveUrl = "", token = ""] = /drive at (\S+) with token (\S+)/.exec(drive.output()) ?? [];
    const [port = 0] = await freePorts(1);
    const url = `http://127.0.0.1:${port}`;
    bridge = run("test/wopi/watchedBridgeProgram.ts", {
      BRIDGE_URL: url,
      PORT: String(port),
      CLOUDREVE_URL: driveUrl,
      SECRET: "a secret of at least thirty-two bytes",
      STORE_URL: "memory:",
      SPOOL_DIR: join(dir, "spool"),
    });
    await bridge.printed("listening on");
    full = await (await folderSession({ url }, token)).folder("Full");
  }, 180_000);
  afterAll(async () => {
    await drive.end("SIGKILL");
    await bridge.end("SIGKILL");
    await rm(dir, { recursive: true, force: true });
  });

  let told = 0;
  const watched = async (): Promise<{ blockedMs: number; grownBytes: number }> => {
    const word = `watched ${++told}: `;
    bridge.signal("SIGUSR2");
    await bridge.printed(word);
    const line = bridge.output().slice(bridge.output().lastIndexOf(word) + word.length);
    return JSON.parse(line.slice(0, line.indexOf("}") + 1)) as { blockedMs: number; grownBytes: number };
  };

  it("is listed completely; the bridge is never blocked for 50 ms, and its memory stays as it is", async () => {
    const rounds: { blockedMs: number; grownBytes: number }[] = [];
    for (let round = 0; round < 5; round++) {
      await watched();
      const { status, text } = await callAt(full, { below: "/children" });
      rounds.push(await watched());
      expect(status).toBe(200);
      const { ChildFiles, ChildContainers } = JSON.parse(text) as Record<string, Pointer[]>;
      expect([ChildContainers, new Set(ChildFiles?.map(({ Name }) => Name)).size]).toEqual([[], files]);
    }
    // The best round: what blocks the bridge does so in each, a busy machine and a process that has just started do not.
    expect(Math.min(...rounds.map(({ blockedMs }) => blockedMs))).toBeLessThan(50);
    expect(Math.min(...rounds.map(({ grownBytes }) => grownBytes))).toBeLessThan(16 * mebibyte);
  }, 120_000);
});

describe("a folder without end", () => {
  let bridge: TestBridge;
  let proxy: DriveProxy;
  let url: string;
  let pages = 0;
  let onPage: (page: number) => "page" | "cut" | "error" | "gone" = () => "page";
  beforeAll(async () => {
    bridge = await testBridge({
      driveAddress: async (driveUrl) => {
        proxy = await driveProxy(driveUrl);
        return proxy.url;
      },
      pause: async () => undefined,
    });
    await bridge.alice.put("Endless/one.docx", "one");
    url = await (await folderSession(bridge, bridge.alice.accessToken)).folder("Endless");
    const { data } = await bridge.alice.call("GET", `/file?uri=${encodeURIComponent(bridge.alice.uriOf("Endless"))}`);
    const listed = data as { files: object[]; pagination: object };
    const [file] = listed.files;
    proxy.intercept = (request, response) => {
      const isList =
        request.method === "GET" && request.url?.startsWith("/api/v4/file?") && request.url.includes("Endless");
      if (!isList) return false;
      pages++;
      const what = onPage(pages);
      if (what === "cut") return response.destroy() !== undefined;
      const answer =
        what === "page"
          ? {
              code: 0,
              data: {
                ...listed,
                files: Array.from({ length: 100 }, (_, at) => ({ ...file, id: `x${at}`, name: `${pages} ${at}.docx` })),
                pagination: { ...listed.pagination, next_token: `next-${pages}` },
              },
              msg: "",
            }
          : { code: what === "gone" ? 40016 : 50001, msg: what === "gone" ? "Path not exist" : "db" };
      response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(answer));
      return true;
    };
  });
  afterAll(async () => {
    await bridge.close();
    await proxy.close();
  });

  async function begun(): Promise<IncomingMessage> {
    pages = 0;
    const [address = "", query = ""] = url.split("?");
    const request = send(`${address}/children?${query}`).end();
    const [answer] = (await once(request, "response")) as [IncomingMessage];
    return answer;
  }
  /** How many pages the drive is asked for, once it is asked for no more. */
  async function settled(): Promise<number> {
    for (let before = -1; before !== pages; ) {
      before = pages;
      await new Promise((resolve) => setTimeout(resolve, 300));
      // Of an endless folder that is read on, this many would be exceeded.
      if (pages > 5_000) throw new Error("the drive is asked without end");
    }
    return pages;
  }

  it("is not read further than somebody who reads slowly takes it", async () => {
    onPage = () => "page";
    const answer = await begun();
    const asked = await settled();
    answer.resume();
    await until("the rest is asked for", () => pages > asked + 20, 10_000);
    answer.destroy();
    await settled();
  });

  it("is not read further once somebody has hung up, and that is no failure", async () => {
    onPage = () => "page";
    const answer = await begun();
    answer.destroy();
    const asked = await settled();
    expect(asked).toBeLessThan(5_000);
    expect(bridge.logLines.filter(({ failure }) => failure === "unexpected")).toEqual([]);
  });

  it.each(["cut", "error", "gone"] as const)(
    "ends in the middle of its JSON when the drive's answer is: %s",
    async (what) => {
      onPage = (page) => (page < 4 ? "page" : what);
      const answer = await begun();
      expect(answer.statusCode).toBe(200);
      let text = "";
      const end = new Promise<string>((resolve) => {
        answer.on("error", () => resolve("cut"));
        answer.on("end", () => resolve("complete"));
      });
      answer.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      expect(await end).toBe("cut");
      expect(text).toContain('"Name":"3 99.docx"');
      expect(() => JSON.parse(text) as unknown).toThrow();
    },
  );

  it.each([
    ["cut", 503],
    ["error", 500],
    ["gone", 404],
  ] as const)("is refused when the drive's first answer is: %s", async (what, status) => {
    onPage = () => what;
    expect((await callAt(url, { below: "/children" })).status).toBe(status);
  });
});
