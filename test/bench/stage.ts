import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../support/childProcess.ts";
import { type DriveAccountClient, driveAccount } from "../support/driveAccount.ts";
import { type Session, sessionSchema, type WopiClient, wopiClient } from "../support/wopiClient.ts";
import { ownerEmail, ownerPassword, viewerId } from "./driveFacts.ts";
import { type Program, start } from "./programs.ts";

export const portalKey = "bench-portal-key";

/** A drive that stands already, and who has documents there. */
interface GivenDrive {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  readonly viewerId: string;
}

export type DriveKind = "fake" | "stub" | "real";

export interface StageOptions {
  readonly kind: DriveKind;
  /** With "real": where it is. */
  readonly drive?: GivenDrive;
  /** Folder of the bridge's source: another one compares two states of the code. */
  readonly bridgeDir: string;
  readonly bridgeFlags?: readonly string[];
  /** Settings besides those of the stage. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Where the bridge reaches the drive, when something stands between the two. */
  readonly driveAddress?: (driveUrl: string) => Promise<string>;
}

/** A document's way into Cloudreve's own WOPI host. */
interface NativeSession {
  readonly fileId: string;
  address(below?: string): string;
}

/** The page around an editor, as a browser has it. */
export interface OpenPage {
  /** Where it asks for what it needs while it is open. */
  readonly address: string;
  readonly editor: WopiClient;
}

/** Drive, bridge, bare pipe and load generator, each a process of its own. */
export interface Stage {
  readonly kind: DriveKind;
  readonly driveUrl: string;
  readonly bridgeUrl: string;
  readonly pipeUrl: string;
  readonly viewerId: string;
  readonly bridge: Program;
  readonly pipe: Program;
  readonly load: Program;
  /** undefined when it was there before. */
  readonly drive: Program | undefined;
  readonly owner: DriveAccountClient;
  readonly storeFile: string;
  /** Puts a document there. @returns its path */
  document(name: string, sizeBytes: number): Promise<string>;
  /** Opens it at the bridge, as a portal does. @param user whom the portal names; the account itself when left out */
  open(path: string, user?: { readonly id: string; readonly name: string }): Promise<WopiClient>;
  /** As `open`, and opens the page around the editor, as the person's browser does. */
  openPage(path: string): Promise<OpenPage>;
  openNatively(path: string): Promise<NativeSession>;
  /** What the bridge's store takes on disk, its log included. */
  storeBytes(): number;
  close(): Promise<void>;
}

const notThere = { throwIfNoEntry: false } as const;
const program = (name: string): string => join(import.meta.dirname, name);

export async function openStage({ kind, drive: given, bridgeDir, ...options }: StageOptions): Promise<Stage> {
  const dir = await mkdtemp(join(tmpdir(), "bench-"));
  const storeFile = join(dir, "bridge.db");
  const started: Program[] = [];
  const keep = async (starting: Promise<Program>): Promise<Program> => {
    const one = await starting;
    started.push(one);
    return one;
  };
  const close = async (): Promise<void> => {
    await Promise.all(started.map((one) => one.end()));
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const drive =
      kind === "real"
        ? undefined
        : await keep(
            start(program(kind === "fake" ? "fakeDriveProgram.ts" : "stubDriveProgram.ts"), {
              args: [join(dir, "drive")],
              ready: /port (\d+)\n/,
            }),
          );
    const place = given ?? {
      url: `http://127.0.0.1:${drive?.said}`,
      email: ownerEmail,
      password: ownerPassword,
      viewerId,
    };
    const pipe = await keep(start(program("pipeProgram.ts"), { args: [place.url], ready: /port (\d+)\n/ }));
    const load = await keep(start(program("loadProgram.ts"), { ready: /(ready)\n/ }));
    const [port = 0] = await freePorts(1);
    const bridgeUrl = `http://127.0.0.1:${port}`;
    const bridge = await keep(
      start("src/main.ts", {
        cwd: bridgeDir,
        // As `npm start` does.
        nodeFlags: ["--max-semi-space-size=4", ...(options.bridgeFlags ?? [])],
        environment: {
          BRIDGE_URL: bridgeUrl,
          PORT: String(port),
          CLOUDREVE_URL: (await options.driveAddress?.(place.url)) ?? place.url,
          CLOUDREVE_EMAIL: place.email,
          CLOUDREVE_PASSWORD: place.password,
          SECRET: randomBytes(32).toString("hex"),
          STORE_URL: `file:${storeFile}`,
          SPOOL_DIR: join(dir, "spool"),
          PORTAL_KEYS: `bench:${portalKey}`,
          ...options.environment,
        },
        ready: /(listening on)/,
      }),
    );
    const owner = await driveAccount(place.url, place.email, place.password);
    // A folder of its own, as somebody else's documents may be there.
    const folder = `bench-${randomBytes(4).toString("hex")}`;
    const session = async (path: string, user?: { readonly id: string; readonly name: string }): Promise<Session> => {
      const answered = await fetch(`${bridgeUrl}/api/sessions`, {
        method: "POST",
        headers: { Authorization: `Bearer ${portalKey}`, "Content-Type": "application/json" },
        body: JSON.stringify({ uri: owner.uriOf(path), action: "edit", viewer_id: place.viewerId, user }),
      });
      const text = await answered.text();
      if (answered.status !== 201) throw new Error(`POST /api/sessions: ${answered.status} ${text}`);
      return sessionSchema.parse(JSON.parse(text));
    };
    return {
      kind,
      driveUrl: place.url,
      bridgeUrl,
      pipeUrl: `http://127.0.0.1:${pipe.said}`,
      viewerId: place.viewerId,
      bridge,
      pipe,
      load,
      drive,
      owner,
      storeFile,
      document: async (name, sizeBytes) => {
        const path = `${folder}/${name}.docx`;
        const code = await owner.put(
          path,
          sizeBytes > 1024 * 1024 ? Buffer.alloc(sizeBytes, name) : randomBytes(sizeBytes),
        );
        if (code !== 0) throw new Error(`the drive does not take ${path}: ${code}`);
        return path;
      },
      open: async (path, user) => wopiClient(await session(path, user)),
      openPage: async (path) => {
        const opened = await session(path);
        const html = await (await fetch(opened.host_page_url)).text();
        const [, key] = /"pageKey":"([\w-]+)"/.exec(html) ?? [];
        if (key === undefined) throw new Error("the host page names no key");
        return { address: `${bridgeUrl}/edit/${key}`, editor: wopiClient(opened) };
      },
      openNatively: async (path) => {
        const asked = { uri: owner.uriOf(path), viewer_id: place.viewerId, preferred_action: "edit" };
        const { code, data } = await owner.call("PUT", "/file/viewerSession", asked);
        if (code !== 0) throw new Error(`PUT /file/viewerSession: ${code}`);
        const token = encodeURIComponent((data as { session: { access_token: string } }).session.access_token);
        const { id } = await owner.info(path);
        return {
          fileId: id,
          address: (below = "") => `${place.url}/api/v4/file/wopi/${id}${below}?access_token=${token}`,
        };
      },
      storeBytes: () =>
        ["", "-wal"].reduce((total, end) => total + (statSync(`${storeFile}${end}`, notThere)?.size ?? 0), 0),
      close: async () => {
        if (kind === "real") await owner.remove(folder);
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Does it for all, a few at a time. */
export async function forAll<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>) {
  const atOnce = 8;
  const results: Result[] = [];
  for (let first = 0; first < items.length; first += atOnce) {
    results.push(...(await Promise.all(items.slice(first, first + atOnce).map(work))));
  }
  return results;
}

/** 0, 1, 2, … */
export const countTo = (count: number): number[] => Array.from({ length: count }, (_item, index) => index);
