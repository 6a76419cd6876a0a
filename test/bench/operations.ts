import type { WopiClient } from "../support/wopiClient.ts";
import type { Call } from "./load.ts";
import { countTo, forAll, portalKey, type Stage } from "./stage.ts";

/** The calls of each worker, at the bridge and straight to the drive. */
export interface Prepared {
  readonly ours: readonly (readonly Call[])[];
  readonly drive: readonly (readonly Call[])[];
  /** Gives back what was locked. */
  after(): Promise<void>;
}

/** Something an editor or a portal asks for, and the nearest thing that the drive itself offers. */
export interface Operation {
  readonly name: string;
  readonly concurrency: number;
  /** Which drives it is measured on. */
  readonly drives: readonly Stage["kind"][];
  /** Against Cloudreve's own WOPI host, on "real". */
  readonly target?: { readonly isMet: (ratio: number) => boolean; readonly says: string };
  prepare(stage: Stage, concurrency: number): Promise<Prepared>;
}

const kilobyte = 1024;
const megabyte = 1024 * 1024;
const lockId = "bench-lock";
const nothing = async (): Promise<void> => undefined;

const get = (url: string, headers: Record<string, string> = {}): Call => ({ method: "GET", url, headers, expect: 200 });
const lockCall = (url: string, override: string, id = lockId): Call => ({
  method: "POST",
  url,
  headers: { "X-WOPI-Override": override, "X-WOPI-Lock": id },
  expect: 200,
});
const putCall = (url: string, bodyBytes: number, id = lockId): Call => ({
  method: "POST",
  url,
  headers: { "X-WOPI-Override": "PUT", "X-WOPI-Lock": id, "Content-Type": "application/octet-stream" },
  bodyBytes,
  expect: 200,
});

export async function lockOrFail(editor: WopiClient): Promise<void> {
  const { status } = await editor.lock(lockId);
  if (status !== 200) throw new Error(`LOCK: ${status}`);
}

/** A document of its own for each worker, since calls on one file take turns. */
async function documents(stage: Stage, name: string, count: number, sizeBytes: number): Promise<string[]> {
  return forAll(countTo(count), (index) => stage.document(`${name}-${index}`, sizeBytes));
}

function checkFileInfo(isLocked: boolean): Operation {
  const state = isLocked ? "locked" : "unlocked";
  return {
    name: `CheckFileInfo ${state}`,
    concurrency: 8,
    drives: isLocked ? ["fake", "stub", "real"] : ["fake"],
    ...(isLocked
      ? { target: { isMet: (ratio: number) => ratio >= 2, says: "at least 2 times the calls a second" } }
      : {}),
    prepare: async (stage, concurrency) => {
      const paths = await documents(stage, `check-${state}`, concurrency, 10 * kilobyte);
      const editors = await forAll(paths, (path) => stage.open(path));
      if (isLocked) await forAll(editors, lockOrFail);
      const bearer = { Authorization: `Bearer ${stage.owner.accessToken}` };
      return {
        ours: editors.map((editor) => [get(editor.address())]),
        drive: await forAll(paths, async (path) => {
          const native = await stage.openNatively(path);
          const info = `${stage.driveUrl}/api/v4/file/info?id=${native.fileId}`;
          return [stage.kind === "real" ? get(native.address()) : get(info, bearer)];
        }),
        after: async () => void (isLocked && (await forAll(editors, (editor) => editor.unlock(lockId)))),
      };
    },
  };
}

const lockCycle: Operation = {
  name: "Lock cycle",
  concurrency: 8,
  drives: ["fake", "stub", "real"],
  prepare: async (stage, concurrency) => {
    const cycle = (address: string, id: string) =>
      ["LOCK", "REFRESH_LOCK", "UNLOCK"].map((override) => lockCall(address, override, id));
    const ours = await documents(stage, "lock", concurrency, kilobyte);
    const natives = await documents(stage, "lock-native", concurrency, kilobyte);
    return {
      ours: await forAll(ours, async (path) => cycle((await stage.open(path)).address(), lockId)),
      // All lock ids of Cloudreve's are in one table: each must be another one.
      drive: await forAll(natives, async (path) => cycle((await stage.openNatively(path)).address(), `native ${path}`)),
      after: nothing,
    };
  },
};

function getFile(label: string, sizeBytes: number, concurrency: number, more: Partial<Operation>): Operation {
  return {
    name: `GetFile ${label}`,
    concurrency,
    drives: ["fake", "stub"],
    ...more,
    prepare: async (stage, count) => {
      const [path = ""] = await documents(stage, `get-${label}`.replace(" ", "-"), 1, sizeBytes);
      const editor = await stage.open(path);
      const native = await stage.openNatively(path);
      return {
        ours: countTo(count).map(() => [get(editor.address("/contents"))]),
        drive: countTo(count).map(() => [get(native.address("/contents"))]),
        after: nothing,
      };
    },
  };
}

function putFile(label: string, sizeBytes: number, concurrency: number, more: Partial<Operation>): Operation {
  return {
    name: `PutFile ${label}`,
    concurrency,
    drives: ["fake", "stub"],
    ...more,
    prepare: async (stage, count) => {
      const name = `put-${label}`.replace(" ", "-");
      const editors = await forAll(await documents(stage, name, count, kilobyte), (path) => stage.open(path));
      await forAll(editors, lockOrFail);
      await forAll(editors, (editor) => editor.get());
      const natives = await forAll(await documents(stage, `${name}-native`, count, kilobyte), async (path) => {
        const native = await stage.openNatively(path);
        const locked = await stage.owner.native(native.fileId, tokenIn(native.address()), "LOCK", `native ${path}`);
        if (locked !== 200) throw new Error(`native LOCK: ${locked}`);
        return { native, id: `native ${path}` };
      });
      return {
        ours: editors.map((editor) => [putCall(editor.address("/contents"), sizeBytes)]),
        drive: natives.map(({ native, id }) => [putCall(native.address("/contents"), sizeBytes, id)]),
        after: async () => {
          await forAll(editors, (editor) => editor.unlock(lockId));
          await forAll(natives, ({ native, id }) =>
            stage.owner.native(native.fileId, tokenIn(native.address()), "UNLOCK", id),
          );
        },
      };
    },
  };
}

const tokenIn = (address: string): string => new URL(address).searchParams.get("access_token") ?? "";

const openSession: Operation = {
  name: "POST /api/sessions",
  concurrency: 8,
  drives: ["fake"],
  prepare: async (stage, concurrency) => {
    const paths = await documents(stage, "open", concurrency, 10 * kilobyte);
    const json = { "Content-Type": "application/json" };
    return {
      ours: paths.map((path) => [
        {
          method: "POST",
          url: `${stage.bridgeUrl}/api/sessions`,
          headers: { ...json, Authorization: `Bearer ${portalKey}` },
          text: JSON.stringify({ uri: stage.owner.uriOf(path), action: "edit" }),
          expect: 201,
        },
      ]),
      drive: paths.map((path) => [
        {
          method: "PUT",
          url: `${stage.driveUrl}/api/v4/file/viewerSession`,
          headers: { ...json, Authorization: `Bearer ${stage.owner.accessToken}` },
          text: JSON.stringify({ uri: stage.owner.uriOf(path), viewer_id: stage.viewerId, preferred_action: "edit" }),
          expect: 200,
        },
      ]),
      after: nothing,
    };
  },
};

/** What an open page asks again and again. @see polling.ts of the host page */
const pageStatus: Operation = {
  name: "Page status",
  concurrency: 8,
  drives: ["fake"],
  prepare: async (stage, concurrency) => {
    const paths = await documents(stage, "status", concurrency, 10 * kilobyte);
    const pages = await forAll(paths, async (path) => {
      const page = await stage.openPage(path);
      await lockOrFail(page.editor);
      return page;
    });
    const bearer = { Authorization: `Bearer ${stage.owner.accessToken}` };
    return {
      ours: pages.map(({ address }) => [get(`${address}/status`)]),
      drive: paths.map((path) => [
        get(`${stage.driveUrl}/api/v4/file/info?uri=${encodeURIComponent(stage.owner.uriOf(path))}`, bearer),
      ]),
      after: async () => void (await forAll(pages, ({ editor }) => editor.unlock(lockId))),
    };
  },
};

export const operations: readonly Operation[] = [
  checkFileInfo(false),
  checkFileInfo(true),
  lockCycle,
  openSession,
  pageStatus,
  getFile("10 KB", 10 * kilobyte, 8, { drives: ["fake"] }),
  getFile("10 MB", 10 * megabyte, 2, {
    drives: ["fake", "stub", "real"],
    target: { isMet: (ratio) => ratio >= 0.8, says: "at least 0.8 of the calls a second" },
  }),
  getFile("100 MB", 100 * megabyte, 1, {}),
  putFile("10 KB", 10 * kilobyte, 4, { drives: ["fake"] }),
  putFile("1 MB", megabyte, 4, {
    drives: ["fake", "stub", "real"],
    target: { isMet: (ratio) => ratio >= 1 / 1.5, says: "at most 1.5 times the time" },
  }),
  putFile("50 MB", 50 * megabyte, 1, {}),
];
