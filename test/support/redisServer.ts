import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@redis/client";
import { find } from "./machine.ts";
import { until } from "./until.ts";

/** A redis-server of this test alone, on a socket in its own folder. */
export interface RedisServer {
  /** As STORE_URL wants it. */
  readonly url: string;
  readonly socketPath: string;
  /** Sends a command over a connection of its own. */
  command(...words: readonly string[]): Promise<unknown>;
  /** SIGTERM: it writes what it is set to write. */
  stop(): Promise<void>;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** The process stands still: connections are taken by the system, and nobody answers. */
  freeze(): void;
  thaw(): void;
  /** Ends it and removes its folder. */
  close(): Promise<void>;
}

/** @param durable with a log of every write, each on the disk before it is answered; @param password what it demands */
export async function redisServer({ durable = false, password = "" } = {}): Promise<RedisServer> {
  const dir = await mkdtemp(join(tmpdir(), "redis-"));
  const socketPath = join(dir, "r.sock");
  const keeping = durable ? ["--appendonly", "yes", "--appendfsync", "always"] : ["--appendonly", "no"];
  const options = ["--port", "0", "--unixsocket", socketPath, "--dir", dir, "--save", "", ...keeping];
  if (password !== "") options.push("--requirepass", password);
  let child: ChildProcess | undefined;
  const killNow = () => void child?.kill("SIGKILL");
  // A test that breaks off must not leave it behind.
  process.once("exit", killNow);

  const command: RedisServer["command"] = async (...words) => {
    const client = createClient({
      password,
      socket: { path: socketPath, tls: false, reconnectStrategy: false },
      maintNotifications: "disabled",
    });
    client.on("error", () => undefined);
    await client.connect();
    try {
      return await client.sendCommand([...words]);
    } finally {
      client.destroy();
    }
  };
  const start = async (): Promise<void> => {
    const program = find("redis-server");
    if (program === undefined) throw new Error("there is no redis-server on this machine");
    const started = spawn(program, options, { stdio: "ignore" });
    child = started;
    await until("redis-server answers", async () => {
      if (started.exitCode !== null) throw new Error(`redis-server ended with ${started.exitCode}`);
      try {
        return (await command("PING")) === "PONG";
      } catch {
        return false;
      }
    });
  };
  const end = async (signal: "SIGTERM" | "SIGKILL"): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  };
  await start();
  return {
    url: `unix:${socketPath}`,
    socketPath,
    command,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    start,
    freeze: () => void child?.kill("SIGSTOP"),
    thaw: () => void child?.kill("SIGCONT"),
    close: async () => {
      await end("SIGKILL");
      process.off("exit", killNow);
      await rm(dir, { recursive: true, force: true });
    },
  };
}
