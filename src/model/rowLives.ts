import { type Clock, type KeyValueStore, put } from "./keyValueStore.ts";
import { OldestOutMap } from "./oldestOutMap.ts";

const dayMs = 24 * 3_600_000;

/**
 * Every kind of row in the store, named by the part of its key before the first colon, and when it ends:
 * - `own`: the code that writes it sets the end
 * - `link`: thirty days after the end of its link; never, if the link has no end
 * - `never`: a single row
 * - a number: days after the last use
 */
export const rowLives = {
  /** Half an hour from the last refresh. */
  lock: "own",
  takenOver: "own",
  shield: "own",
  turn: "own",
  /** Four rows for all bridges: when the last sweep, and the last look for portals, began, and what each has counted. */
  sweep: "own",
  /** An hour beyond the session. */
  grant: "own",
  page: "own",
  ticket: "own",
  /** As long as the session can be renewed, unless a list finds that it has ended. */
  portalSession: "own",
  activity: "own",
  conflict: "own",
  upload: "own",
  viewerSession: "own",
  /** Fourteen days from the last use. */
  personSession: "own",
  /** Renewed with the account's tokens, which links cause daily. */
  credential: "own",
  signInUsed: "own",
  attempts: "own",
  allowance: "own",
  lastCopy: "own",
  /** As long as the longest session. */
  newFile: "own",
  linkUserInfo: "own",
  /** Ten minutes: as long as the page that follows is looked at. */
  mailReport: "own",
  signOut: "own",
  jti: "own",
  doctorCall: "own",
  /** A day from its answer. */
  idempotentCall: "own",
  /** Three days from its newest event. */
  webhook: "own",
  /** Thirty days from the portal's last answer. */
  webhookState: "own",
  /** As long as the longest session; earlier when its portals have closed the document. */
  portalDocument: "own",
  link: "link",
  linkMaker: "link",
  linkOwner: "link",
  linkAccount: "link",
  linkSecretOf: "link",
  linkSecret: "link",
  linkAddress: "link",
  linkVisits: "link",
  linkGuesses: "link",
  linkRights: "link",
  linkAsked: "link",
  /** Longer than any session, and longer than a save waits in the spool: a late save's base version must be known. */
  versions: 90,
  copies: 90,
  discovery: 90,
  /** A person's list; it is no use to somebody who has not been here for so long. */
  recent: 90,
  ownersNews: 90,
  /** Two years: who saved a version, and what the owner calls it, is asked as long as the drive keeps the version. */
  versionSaves: 730,
  versionNames: 730,
  copiesMade: 730,
  /** The editor keeps its old copies for ever; ten years are long enough. */
  toldVersion: 3650,
  /** As long: links outlive their owners' visits, and who wants no mails must not get them again. */
  ownersMail: 730,
  /** As long as a browser remembers a visitor. */
  userInfo: 180,
  /** Marks that rows from older versions have been given an end. */
  endsGiven: "never",
} as const satisfies Record<string, "own" | "link" | "never" | number>;

/** Counted from the last renewal: longer than Cloudreve's refresh tokens live. */
export const credentialLifeMs = 200 * dayMs;
/** One process extends a row's life at most this often, since each time is a write. */
const renewEveryMs = dayMs;
const rememberedRenewals = 10_000;

/** @returns how long a row of this kind lives after its last use; undefined when its end is set elsewhere */
function lifeMsOf(key: string): number | undefined {
  const life = lives.get(key.slice(0, key.indexOf(":")));
  return typeof life === "number" ? life * dayMs : undefined;
}

const lives: ReadonlyMap<string, string | number> = new Map(Object.entries(rowLives));

/** The same store, but rows written without an end get one, and each use extends it. @see rowLives */
export function withRowLives(store: KeyValueStore, now: Clock): KeyValueStore {
  const renewedAtMs = new OldestOutMap<string, number>(rememberedRenewals);
  const isDue = (key: string): boolean => {
    const atMs = renewedAtMs.get(key);
    return atMs === undefined || Math.abs(now() - atMs) >= renewEveryMs;
  };
  return {
    get: async (key) => {
      const value = await store.get(key);
      const lifeMs = lifeMsOf(key);
      if (value === undefined || lifeMs === undefined || !isDue(key)) return value;
      // If this fails, someone else just changed the row and set its end.
      await store.swap(key, value, value, now() + lifeMs);
      renewedAtMs.set(key, now());
      return value;
    },
    swap: async (key, expected, next, expiresAtMs) => {
      const lifeMs = next === undefined || expiresAtMs !== undefined ? undefined : lifeMsOf(key);
      if (lifeMs === undefined) return store.swap(key, expected, next, expiresAtMs);
      return store.swap(key, expected, next, now() + lifeMs);
    },
    list: (prefix) => store.list(prefix),
    close: () => store.close(),
  };
}

/** Gives an end to rows that an older version wrote without one; runs once per store. */
export async function giveEnds(store: KeyValueStore, now: Clock): Promise<void> {
  if ((await store.get(endsGivenKey)) !== undefined) return;
  let looked = 0;
  for (const kind of [...Object.keys(rowLives).filter((name) => lifeMsOf(`${name}:`) !== undefined), "credential"]) {
    for await (const [key, value] of store.list(`${kind}:`)) {
      await store.swap(key, value, value, now() + (lifeMsOf(key) ?? credentialLifeMs));
      if (++looked % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }
  await put(store, endsGivenKey, "yes");
}

const endsGivenKey = "endsGiven:all";
