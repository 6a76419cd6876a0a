import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { expect } from "vitest";
import { openBridge } from "../../src/bridge.ts";
import { readConfig } from "../../src/config.ts";
import { openFakeCloudreve } from "../../src/sandbox/fakeCloudreve/fakeCloudreve.ts";
import { type DriveAccountClient, driveAccount } from "./driveAccount.ts";
import { type DriveProxy, driveProxy } from "./driveProxy.ts";
import { editorForm, webPerson } from "./webPerson.ts";
import { sessionSchema, type WopiClient, wopiClient, wopiOfForm } from "./wopiClient.ts";

const portalKey = "identity-portal-key";
const hourMs = 3_600_000;

/** A Cloudreve, the fake or a real one, with an account and a WOPI viewer for docx. */
export interface IdentityServer {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  close(): Promise<void>;
}

/** A document and a secret one, each in a folder of its own below one folder. */
export interface IdentityScene {
  readonly client: WopiClient;
  readonly ours: Placed;
  readonly secret: Placed;
  readonly folder: string;
}

interface Placed {
  readonly id: string;
  readonly version: string;
  readonly text: string;
}

/** A bridge before a Cloudreve, and the owner who moves files about behind its back. */
export interface IdentityStage {
  readonly owner: DriveAccountClient;
  readonly proxy: DriveProxy;
  /**
   * Opens a new document as an editor does that loads it.
   * @param over the portal's access token came alone, and has ended since
   * @param locked under the lock id "A"
   */
  scene(given: { action: "view" | "edit"; over: boolean; locked: boolean }): Promise<IdentityScene>;
  /** The same document in the owner's own hands, who alone may delete it. */
  openAsOwner(id: string): Promise<WopiClient>;
  /** Where a file of the owner's lies, by its id. */
  at(id: string): Promise<{ path: string; name: string; size: number; primary_entity: string } | undefined>;
  textOf(id: string): Promise<string>;
  /** @returns the path below the owner's root */
  pathOf(id: string): Promise<string>;
  move(path: string, toFolder: string, copy?: boolean): Promise<void>;
  rename(path: string, name: string): Promise<void>;
  trash(path: string): Promise<void>;
  /** As the drive's page does that offers to unlock a file that somebody has open. */
  forceUnlock(path: string): Promise<void>;
  /** Whether anything holds the file, by what a rename is told. */
  isLocked(id: string): Promise<boolean>;
  /** Tries all saves that the bridge has kept. @returns how many still wait */
  replay(): Promise<number>;
  close(): Promise<void>;
}

export async function fakeIdentityServer(settings: { maxEditSizeBytes?: number } = {}): Promise<IdentityServer> {
  const dir = await mkdtemp(join(tmpdir(), "identity-drive-"));
  const account = { email: "owner@example.com", password: "owner-password", nickname: "Owner" };
  const address = { view: "http://127.0.0.1:9/view?", edit: "http://127.0.0.1:9/edit?" };
  const drive = await openFakeCloudreve({
    dir,
    port: 0,
    accounts: [account],
    settings,
    viewers: [{ id: "editor", type: "wopi", display_name: "Editor", exts: ["docx"], wopi_actions: { docx: address } }],
  });
  return {
    url: drive.url,
    ...account,
    close: async () => {
      await drive.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export async function identityStage(server: IdentityServer): Promise<IdentityStage> {
  const dir = await mkdtemp(join(tmpdir(), "identity-"));
  const root = `bridge-identity-${randomBytes(5).toString("hex")}`;
  const proxy = await driveProxy(server.url);
  const owner = await driveAccount(server.url, server.email, server.password);
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  // The bridge's clock alone moves: what it takes for ended lives on in the drive.
  let aheadMs = 0;
  const config = readConfig({
    BRIDGE_URL: url,
    CLOUDREVE_URL: proxy.url,
    CLOUDREVE_EMAIL: server.email,
    CLOUDREVE_PASSWORD: server.password,
    SECRET: "a secret of at least thirty-two bytes",
    STORE_URL: "memory:",
    SPOOL_DIR: join(dir, "spool"),
    PORTAL_KEYS: `test:${portalKey}`,
  });
  const bridge = await openBridge(config, {
    now: () => Date.now() + aheadMs,
    logger: pino({ level: "silent" }, { write: () => undefined }),
    pause: async () => undefined,
  });
  listener.on("request", bridge.app);
  let scenes = 0;

  const done = async (method: string, path: string, body: unknown): Promise<void> => {
    const { code, msg } = await owner.call(method, path, body);
    expect({ code, msg: code === 0 ? "" : msg }, `${method} ${path}`).toEqual({ code: 0, msg: "" });
  };
  const at: IdentityStage["at"] = async (id) => {
    const { code, data } = await owner.call("GET", `/file/info?id=${id}`);
    const file = data as { path: string; name: string; size: number; primary_entity: string };
    return code === 0 && file.path.startsWith("cloudreve://my/") ? file : undefined;
  };
  const pathOf: IdentityStage["pathOf"] = async (id) => {
    const file = await at(id);
    if (file === undefined) throw new Error("the file is not among the owner's any more");
    return file.path.slice("cloudreve://my/".length).split("/").map(decodeURIComponent).join("/");
  };
  const placed = async (path: string, text: string): Promise<Placed> => {
    expect(await owner.put(path, text)).toBe(0);
    const { id, primary_entity: version } = await owner.info(path);
    return { id, version, text };
  };
  return {
    owner,
    proxy,
    scene: async ({ action, over, locked }) => {
      aheadMs = 0;
      const folder = `${root}/${++scenes}`;
      const ours = await placed(`${folder}/a/Report.docx`, `our own text ${scenes}`);
      const secret = await placed(`${folder}/b/Report.docx`, `TOP SECRET, of another length, ${scenes}`);
      const answered = await fetch(`${url}/api/sessions`, {
        method: "POST",
        headers: {
          Authorization: `Bearer ${portalKey}`,
          "Content-Type": "application/json",
          ...(over ? { "X-Cloudreve-Token": owner.accessToken } : {}),
        },
        body: JSON.stringify({ uri: owner.uriOf(`${folder}/a/Report.docx`), action }),
      });
      const session: unknown = await answered.json();
      expect(answered.status, JSON.stringify(session)).toBe(201);
      const client = wopiClient(sessionSchema.parse(session));
      if (over) aheadMs = 2 * hourMs;
      expect((await client.check()).json()["Version"]).toBe(ours.version);
      expect((await client.get()).text).toBe(ours.text);
      if (locked) expect((await client.lock("A")).status).toBe(200);
      return { client, ours, secret, folder };
    },
    openAsOwner: async (id) => {
      const person = webPerson(url);
      const { email, password } = server;
      expect((await person.post("/signin/password", { email, password, return_to: "/" })).status).toBe(303);
      return wopiOfForm(editorForm(await person.follow(await person.get(`/open?file_id=${id}`))));
    },
    at,
    pathOf,
    textOf: async (id) => owner.read(await pathOf(id)),
    move: (path, toFolder, copy = false) =>
      done("POST", "/file/move", { uris: [owner.uriOf(path)], dst: owner.uriOf(toFolder), copy }),
    rename: async (path, name) => {
      expect(await owner.rename(path, name), `rename of ${path}`).toBe(0);
    },
    trash: (path) => done("DELETE", "/file", { uris: [owner.uriOf(path)], skip_soft_delete: false }),
    forceUnlock: async (path) => {
      const refused = await owner.call("POST", "/file/rename", { uri: owner.uriOf(path), new_name: "unlock.docx" });
      expect(refused.code).toBe(40073);
      const tokens = (refused.data as { token: string }[]).map(({ token }) => token);
      await done("DELETE", "/file/lock", { tokens });
    },
    isLocked: async (id) => {
      const path = await pathOf(id);
      const name = path.slice(path.lastIndexOf("/") + 1);
      const code = await owner.rename(path, `probe-${name}`);
      expect([0, 40073]).toContain(code);
      if (code === 0) expect(await owner.rename(`${path.slice(0, -name.length)}probe-${name}`, name)).toBe(0);
      return code !== 0;
    },
    replay: () => bridge.replay(),
    close: async () => {
      await new Promise<void>((resolve) => {
        listener.close(() => resolve());
        listener.closeAllConnections();
      });
      await bridge.close();
      await owner.remove(root);
      await proxy.close();
      await server.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
