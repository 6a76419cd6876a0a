import type { TestBridge, TestBridgeOptions } from "./testBridge.ts";
import { collabora, type WopiAnswer, type WopiClient } from "./wopiClient.ts";

export const lockId = "cool-lock5f3a9c01";
/** What a stranger stores where a scenario has one. */
export const theirs = "what somebody else has written meanwhile";

/** An editor that has a document open and is about to save. */
export interface OpenEditor {
  readonly client: WopiClient;
  readonly timestamp: string;
}

/** A kind of save, from the opened document to the answer. */
export interface SaveScenario {
  readonly name: string;
  readonly options?: TestBridgeOptions;
  /** Nobody is left to hear the answer: the bytes are the bridge's to place. */
  readonly isExitSave: boolean;
  /** Somebody else's version stands in the document. */
  readonly isForeign?: boolean;
  /** The user has been asked, and wants it overwritten. */
  readonly overwrites?: boolean;
  /** The text to save; no two documents get the same. */
  text(number: number): string;
  /** Once all documents of a round are open. */
  readonly allOpen?: (bridge: TestBridge, paths: readonly string[], editors: readonly OpenEditor[]) => Promise<void>;
  /** Right before each save; of such a scenario a document is opened only when it is its turn. */
  readonly before?: (bridge: TestBridge) => void;
  /** False for a session that a reader began: Lock is never sent then. */
  readonly locks?: boolean;
  /** Each fault comes once only. */
  readonly isBrief?: boolean;
  save(editor: OpenEditor, text: string, headers: Readonly<Record<string, string>>): Promise<WopiAnswer>;
}

/** Works on all items, so many at a time. */
export async function inParallel<Item>(
  items: readonly Item[],
  lanes: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const lane = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** What editors do before a first save: facts, bytes, lock. */
export async function openAndLock(
  bridge: Pick<TestBridge, "open">,
  path: string,
  { locks = true }: Pick<SaveScenario, "locks">,
): Promise<OpenEditor> {
  const client = await bridge.open(path);
  const info = await client.check();
  const steps = [info.status, (await client.get()).status, locks ? (await client.lock(lockId)).status : 200];
  if (steps.some((status) => status !== 200)) throw new Error(`opening ${path} was answered ${steps.join(", ")}`);
  return { client, timestamp: String(info.json()["LastModifiedTime"]) };
}

const longLives = { accessTokenTtlSeconds: 1_000_000, viewerSessionTimeoutSeconds: 1_000_000 };
const longOptions: TestBridgeOptions = { settings: { GRANT_HOURS: "200" }, drive: { settings: longLives } };
const shortText = (number: number): string => `the text of save ${number}`;
const plainSave: SaveScenario["save"] = ({ client, timestamp }, text, headers) =>
  client.put(text, lockId, { ...collabora({ timestamp }), ...headers });
const exitSave: SaveScenario["save"] = ({ client, timestamp }, text, headers) =>
  client.put(text, lockId, { ...collabora({ timestamp, exitSave: true }), ...headers });

async function strangerWrites(bridge: TestBridge, paths: readonly string[]): Promise<void> {
  bridge.drive.forgetLocks();
  for (const path of paths) {
    const code = await bridge.alice.put(path, theirs);
    if (code !== 0) throw new Error(`the stranger could not write: ${code}`);
  }
}

export const scenarios = {
  plain: { name: "a plain save", isExitSave: false, text: shortText, save: plainSave },
  late: {
    name: "a late save, its lock run out",
    options: longOptions,
    isExitSave: false,
    text: shortText,
    allOpen: async ({ clock }) => clock.advance(31 * 60_000),
    save: plainSave,
  },
  readerFirst: {
    name: "a save of an editor that never locked",
    isExitSave: false,
    locks: false,
    text: shortText,
    save: plainSave,
  },
  forgotten: {
    name: "a save after the drive forgot its locks",
    isExitSave: false,
    text: shortText,
    allOpen: async ({ drive }) => drive.forgetLocks(),
    save: plainSave,
  },
  renewal: {
    name: "a save that needs a fresh token",
    options: { settings: { GRANT_HOURS: "200" }, drive: { settings: { ...longLives, accessTokenTtlSeconds: 600 } } },
    isExitSave: false,
    text: shortText,
    before: ({ clock }) => clock.advance(10 * 60_000),
    save: plainSave,
  },
  overwrite: {
    name: "an Overwrite",
    isExitSave: false,
    isForeign: true,
    overwrites: true,
    isBrief: true,
    text: shortText,
    allOpen: strangerWrites,
    save: ({ client }, text, headers) => client.put(text, lockId, { ...collabora({}), ...headers }),
  },
  conflict: {
    name: "an exit save that ends as a conflict copy",
    isExitSave: true,
    isForeign: true,
    text: shortText,
    allOpen: strangerWrites,
    save: exitSave,
  },
  revoked: {
    name: "a save whose grant has ended",
    isExitSave: true,
    isForeign: true,
    isBrief: true,
    text: shortText,
    allOpen: async (bridge, paths, editors) => {
      await strangerWrites(bridge, paths);
      for (const { client } of editors) await bridge.endSession(client.session.id);
    },
    save: plainSave,
  },
  large: {
    name: "a large save",
    options: { drive: { settings: { maxEditSizeBytes: 1_000, chunkSizeBytes: 2_000 } } },
    isExitSave: false,
    // Shorter from save to save: what is known to be too large does not try the short way any more.
    text: (number) => `${number} `.padEnd(3_900 - number, "large "),
    save: plainSave,
  },
  largeConflict: {
    name: "a large exit save that ends as a conflict copy",
    options: { drive: { settings: { maxEditSizeBytes: 1_000, chunkSizeBytes: 2_000 } } },
    isExitSave: true,
    isForeign: true,
    isBrief: true,
    text: (number) => `${number} `.padEnd(3_900 - number, "large "),
    allOpen: strangerWrites,
    save: exitSave,
  },
} as const satisfies Record<string, SaveScenario>;

/** What a person does who is told of a conflict and closes the document: the same bytes, as an exit save. */
export async function leave(editor: OpenEditor, text: string): Promise<WopiAnswer> {
  return exitSave(editor, text, {});
}
