import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DriveAccountClient, driveAccount } from "../support/driveAccount.ts";
import { linkOwner } from "../support/linkOwner.ts";
import { openAsOwner } from "../support/namedDocument.ts";
import { drivePassword, portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { editorForm, webPerson } from "../support/webPerson.ts";
import { type WopiAnswer, type WopiClient, wopiOfForm } from "../support/wopiClient.ts";
import { askBootstrapper, callAt, folderSession, reachedFrom } from "./folderSession.ts";

const hourMs = 3_600_000;
let bridge: TestBridge;

beforeEach(async () => {
  bridge = await testBridge({ pause: async () => undefined });
  for (const [path, text] of [
    ["Work/Report.docx", "the report"],
    ["Work/Taken.docx", "somebody's"],
    ["Work/Deep/Below.docx", "below"],
    ["Secrets/Salaries.docx", "nobody's business"],
  ] as const) {
    expect(await bridge.alice.put(path, text)).toBe(0);
  }
  const empty = { uri: bridge.alice.uriOf("Work/Empty"), type: "folder" };
  expect((await bridge.alice.call("POST", "/file/create", empty)).code).toBe(0);
  expect(await bridge.bob.put("Bobs/Own.docx", "bob's")).toBe(0);
});
afterEach(() => bridge.close());

/** Signs in anew: the clock moves by hours, and a sign-in of the drive lives for one. */
const atDrive = (name: "alice" | "bob"): Promise<DriveAccountClient> =>
  driveAccount(bridge.drive.url, `${name}@example.com`, drivePassword);

/** Everything in both drives, trash included: names, ids, versions and sizes. */
async function everything(): Promise<string[]> {
  const lines: string[] = [];
  for (const name of ["alice", "bob"] as const) {
    const account = await atDrive(name);
    const look = async (uri: string, path: string): Promise<void> => {
      const { data } = await account.call("GET", `/file?uri=${encodeURIComponent(uri)}&page_size=1000`);
      const { files } = data as {
        files: { type: number; id: string; name: string; size: number; primary_entity: string; path: string }[];
      };
      for (const file of files) {
        lines.push([name, `${path}${file.name}`, file.id, file.size, file.primary_entity].join(" "));
        if (file.type === 1 && !uri.includes("trash")) await look(file.path, `${path}${file.name}/`);
      }
    };
    await look("cloudreve://my", "/");
    await look("cloudreve://trash", "trash/");
  }
  return lines.sort();
}

/** The resources of alice's that every operation is tried on, by the id that the drive knows. */
async function ids(): Promise<Record<"report" | "work" | "empty", string>> {
  const alice = await atDrive("alice");
  const of = async (path: string) => (await alice.info(path)).id;
  return { report: await of("Work/Report.docx"), work: await of("Work"), empty: await of("Work/Empty") };
}

interface Tokens {
  readonly file: string;
  /** For the folder Work; where there is none, the file's is tried. */
  readonly folder?: string;
  /** For the folder Empty. */
  readonly empty?: string;
  readonly ecosystem?: string;
}

const tokenOf = (url: string): string => new URL(url).searchParams.get("access_token") ?? "";

const bare: Tokens = { file: "" };

async function reachOf(client: Pick<WopiClient, "address">): Promise<Tokens> {
  const reached = await reachedFrom(client.address());
  return {
    file: tokenOf(client.address()),
    folder: tokenOf(await reached.folder("Work")),
    empty: tokenOf(await reached.folder("Work/Empty")),
    ecosystem: tokenOf(reached.ecosystem),
  };
}

async function appOf(accessToken: string): Promise<Tokens> {
  const app = await folderSession(bridge, accessToken);
  return {
    file: tokenOf(await app.file("Work/Report.docx")),
    folder: tokenOf(await app.folder("Work")),
    empty: tokenOf(await app.folder("Work/Empty")),
    ecosystem: tokenOf(app.bootstrap.EcosystemUrl),
  };
}

const person = { user: { id: "ann", name: "Ann" } };
const portal = (more: Record<string, unknown> = {}) => bridge.open("Work/Report.docx", { ...person, ...more });
const portalWithReach = (more: Record<string, unknown> = {}) => portal({ scope: "folder", ...more });

async function api(method: string, path: string, body: unknown): Promise<Record<string, unknown>> {
  const answered = await fetch(`${bridge.url}/api${path}`, {
    method,
    headers: { Authorization: `Bearer ${portalKey}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answered.ok) throw new Error(`${method} ${path}: ${answered.status} ${await answered.text()}`);
  return (await answered.json()) as Record<string, unknown>;
}

async function visitor(permission: "view" | "edit"): Promise<{ linkId: string; client: WopiClient }> {
  const { id, url } = await api("POST", "/links", { uri: bridge.alice.uriOf("Work/Report.docx"), permission });
  const guest = webPerson(bridge.url);
  const page = await guest.follow(await guest.post(String(url), { name: "Gus" }));
  return { linkId: String(id), client: wopiOfForm(editorForm(page)) };
}

async function signOutEverywhere(): Promise<void> {
  const { person: alice } = await linkOwner(bridge);
  expect((await alice.post("/signout", { everywhere: "1" })).status).toBe(303);
}

/** What the holder of a token may do, as far as folders go. */
type Rights = "all" | "write" | "rename" | "read" | "own file" | "none";

const holders: readonly (readonly [who: string, rights: Rights, tokens: () => Promise<Tokens>])[] = [
  ["the owner by an app", "all", () => appOf(bridge.alice.accessToken)],
  ["a portal's person who edits, with folders", "write", async () => reachOf(await portalWithReach())],
  [
    "a portal's person who may overwrite, with folders",
    "write",
    async () => reachOf(await portalWithReach({ options: { save_as: "overwrite" } })),
  ],
  [
    "a portal's person without Save As, with folders",
    "rename",
    async () => reachOf(await portalWithReach({ options: { save_as: "none" } })),
  ],
  ["a portal's person who views, with folders", "read", async () => reachOf(await portalWithReach({ action: "view" }))],
  [
    "the owner on the bridge's pages",
    "own file",
    async () => ({ file: tokenOf((await openAsOwner(bridge, "Work/Report.docx")).address()) }),
  ],
  ["a portal's person who edits", "own file", async () => ({ file: tokenOf((await portal()).address()) })],
  [
    "a portal's person who views an old version, asked for with folders",
    "none",
    async () => {
      const { primary_entity: version } = await bridge.alice.info("Work/Report.docx");
      expect(await bridge.alice.put("Work/Report.docx", "a later version")).toBe(0);
      return { file: tokenOf((await portalWithReach({ version })).address()) };
    },
  ],
  ["a visitor who edits", "own file", async () => ({ file: tokenOf((await visitor("edit")).client.address()) })],
  ["a visitor who views", "own file", async () => ({ file: tokenOf((await visitor("view")).client.address()) })],
  [
    "a visitor whose link has become view-only",
    "own file",
    async () => {
      const { linkId, client } = await visitor("edit");
      await api("PATCH", `/links/${linkId}`, { permission: "view" });
      return { file: tokenOf(client.address()) };
    },
  ],
  [
    "a portal's session that was ended",
    "none",
    async () => {
      const client = await portalWithReach();
      const tokens = await reachOf(client);
      await bridge.endSession(client.session.id);
      return tokens;
    },
  ],
  [
    "a portal's session that was ended, by a file opened through it",
    "none",
    async () => {
      const client = await portalWithReach();
      const child = await (await reachedFrom(client.address())).file("Work/Report.docx");
      expect((await callAt(child)).status).toBe(200);
      const tokens = await reachOf({ address: () => child });
      await bridge.endSession(client.session.id);
      return tokens;
    },
  ],
  [
    "a portal's session that has expired",
    "none",
    async () => {
      const tokens = await reachOf(await portalWithReach());
      bridge.clock.advance(11 * hourMs);
      return tokens;
    },
  ],
  [
    "an app whose token of the drive has expired",
    "none",
    async () => {
      const tokens = await appOf(bridge.alice.accessToken);
      bridge.clock.advance(2 * hourMs);
      return tokens;
    },
  ],
  [
    "an app whose owner has signed out everywhere",
    "none",
    async () => {
      const tokens = await appOf(bridge.alice.accessToken);
      await signOutEverywhere();
      return tokens;
    },
  ],
  [
    "an app with tokens for other things",
    "none",
    async () => {
      const app = await folderSession(bridge, bridge.alice.accessToken);
      const secrets = tokenOf(await app.folder("Secrets"));
      return {
        file: tokenOf(await app.file("Secrets/Salaries.docx")),
        folder: secrets,
        empty: secrets,
        ecosystem: secrets,
      };
    },
  ],
  [
    "an app that swaps its own tokens",
    "none",
    async () => {
      const { file, folder = "", ecosystem = "" } = await appOf(bridge.alice.accessToken);
      return { file: folder, folder: ecosystem, empty: ecosystem, ecosystem: file };
    },
  ],
  [
    "an app with tokens of its own making",
    "none",
    async () => {
      const { file, folder = "", ecosystem = "" } = await appOf(bridge.alice.accessToken);
      const forged = (token: string, change: (claims: Record<string, unknown>) => object) => {
        const [head, body = "", signature] = token.split(".");
        const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as Record<string, unknown>;
        return [head, Buffer.from(JSON.stringify(change(claims))).toString("base64url"), signature].join(".");
      };
      const unsigned = (token: string) =>
        `${Buffer.from('{"alg":"none"}').toString("base64url")}.${token.split(".")[1]}.`;
      return {
        file: unsigned(file),
        folder: forged(folder, (claims) => ({ ...claims, exp: Number(claims["exp"]) + 60 })),
        empty: forged(folder, (claims) => claims),
        ecosystem: unsigned(ecosystem),
      };
    },
  ],
  [
    "bob by an app of his",
    "none",
    async () => {
      const app = await folderSession(bridge, bridge.bob.accessToken);
      const folder = tokenOf(await app.folder("Bobs"));
      const ecosystem = tokenOf(app.bootstrap.EcosystemUrl);
      return { file: tokenOf(await app.file("Bobs/Own.docx")), folder, empty: folder, ecosystem: `${ecosystem}x` };
    },
  ],
  ["somebody without a token", "none", async () => bare],
];

type Call = (at: Awaited<ReturnType<typeof ids>>, tokens: Tokens) => Promise<WopiAnswer>;
const onFile =
  (below: string): Call =>
  ({ report }, { file }) =>
    callAt(`${bridge.url}/wopi/files/${report}?access_token=${file}`, { below });
const onFolder =
  (what: "work" | "empty", options: Parameters<typeof callAt>[1]): Call =>
  (at, tokens) => {
    const token = (what === "work" ? tokens.folder : tokens.empty) ?? tokens.file;
    return callAt(`${bridge.url}/wopi/containers/${at[what]}?access_token=${token}`, options);
  };
const onEcosystem =
  (options: (at: Awaited<ReturnType<typeof ids>>) => Parameters<typeof callAt>[1]): Call =>
  (at, { ecosystem, file }) =>
    callAt(`${bridge.url}/wopi/ecosystem?access_token=${ecosystem ?? file}`, options(at));
const suggested = { "X-WOPI-SuggestedTarget": "New.docx" };
const taken = { "X-WOPI-RelativeTarget": "Taken.docx", "X-WOPI-OverwriteRelativeTarget": "true" };

/** Status by right; `writes` = the drive may differ afterwards. */
const reads = { all: 200, write: 200, rename: 200, read: 200, "own file": 401, none: 401 };
const ofFile = { ...reads, "own file": 501 };
const creates = { ...reads, rename: 404, read: 404 };
const renames = { ...reads, read: 404 };
/** No link for an app whose owner has not signed in here: it would end with the app's token. */
const shares = { ...reads, all: 503, write: 501, rename: 501, read: 501 };
const deletes = { ...reads, write: 404, rename: 404, read: 404 };

const operations: readonly (readonly [name: string, says: Record<Rights, number>, writes: boolean, call: Call])[] = [
  ["EnumerateAncestors of a file", ofFile, false, onFile("/ancestry")],
  ["GetEcosystem of a file", ofFile, false, onFile("/ecosystem_pointer")],
  ["CheckContainerInfo", reads, false, onFolder("work", {})],
  ["EnumerateChildren", reads, false, onFolder("work", { below: "/children" })],
  ["EnumerateAncestors of a folder", reads, false, onFolder("work", { below: "/ancestry" })],
  ["GetEcosystem of a folder", reads, false, onFolder("work", { below: "/ecosystem_pointer" })],
  ["CheckEcosystem", reads, false, onEcosystem(() => ({}))],
  ["GetRootContainer", reads, false, onEcosystem(() => ({ below: "/root_container_pointer" }))],
  [
    "GetFileWopiSrc",
    reads,
    false,
    onEcosystem(({ report }) => ({
      override: "GET_WOPI_SRC_WITH_ACCESS_TOKEN",
      headers: { "X-WOPI-HostNativeFileName": report },
    })),
  ],
  ["CreateChildFile", creates, true, onFolder("work", { override: "CREATE_CHILD_FILE", headers: suggested })],
  [
    "CreateChildFile that overwrites",
    creates,
    true,
    onFolder("work", { override: "CREATE_CHILD_FILE", headers: taken }),
  ],
  [
    "CreateChildContainer",
    creates,
    true,
    onFolder("work", { override: "CREATE_CHILD_CONTAINER", headers: { "X-WOPI-SuggestedTarget": "More" } }),
  ],
  [
    "RenameContainer",
    renames,
    true,
    onFolder("work", { override: "RENAME_CONTAINER", headers: { "X-WOPI-RequestedName": "Renamed" } }),
  ],
  [
    "GetShareUrl of a folder",
    shares,
    false,
    onFolder("work", { override: "GET_SHARE_URL", headers: { "X-WOPI-UrlType": "ReadWrite" } }),
  ],
  ["DeleteContainer", deletes, true, onFolder("empty", { override: "DELETE_CONTAINER" })],
];

describe.each(holders)("%s", (_who, rights, tokensOf) => {
  it("does with folders what the token is for, and nothing else", async () => {
    const tokens = await tokensOf();
    const at = await ids();
    for (const [name, says, writes, call] of operations) {
      const before = await everything();
      const answered = await call(at, tokens);
      expect([name, answered.status]).toEqual([name, says[rights]]);
      const after = await everything();
      if (answered.status === 200 && writes) expect(after, name).not.toEqual(before);
      else expect(after, name).toEqual(before);
      if (answered.status === 200) continue;
      // A refusal tells nothing of what lies there.
      expect(answered.text).toBe("");
      const told = JSON.stringify([...answered.headers]);
      for (const secret of ["Work", "Report", "Taken", "Secrets"]) expect(told).not.toContain(secret);
    }
  });

  it("gets nothing from the bootstrapper for a token of ours", async () => {
    const tokens = await tokensOf();
    for (const token of [tokens.file, tokens.folder, tokens.ecosystem]) {
      if (token === undefined) continue;
      const { status, text } = await askBootstrapper(bridge.url, { Authorization: `Bearer ${token}` });
      expect([status, text]).toEqual([401, ""]);
    }
  });
});

/** When a token ends, as it says itself. */
const endOf = (url: string): number =>
  Number((JSON.parse(Buffer.from(tokenOf(url).split(".")[1] ?? "", "base64url").toString()) as { exp: number }).exp);

interface Found {
  readonly url: string;
  readonly mayWrite: boolean;
  readonly endsAt: number;
}

/** All that a token leads to, by every call that gives out an address; each with the token that it came from. */
async function traded(first: string): Promise<readonly (readonly [from: Found, to: Found])[]> {
  const trades: (readonly [Found, Found])[] = [];
  const seen = new Set<string>();
  const look = async (url: string): Promise<Found> => {
    const answered = await callAt(url);
    const facts = answered.status === 200 ? answered.json() : {};
    const flags = ["UserCanWrite", "UserCanRename", "UserCanCreateChildFile", "UserCanDelete", "SupportsDeleteFile"];
    return { url, endsAt: endOf(url), mayWrite: flags.some((flag) => facts[flag] === true) };
  };
  const given = async (url: string): Promise<string[]> => {
    const isFile = url.includes("/wopi/files/");
    const name = { "X-WOPI-SuggestedTarget": "Trade.docx" };
    const answers = [
      ...(await Promise.all(
        ["/ancestry", "/ecosystem_pointer", "/children", "/root_container_pointer"].map((below) =>
          callAt(url, { below }),
        ),
      )),
      await callAt(url, { override: "CREATE_CHILD_FILE", headers: name }),
      await callAt(url, { override: "CREATE_CHILD_CONTAINER", headers: { "X-WOPI-SuggestedTarget": "Trade" } }),
      ...(isFile ? [await callAt(url, { override: "PUT_RELATIVE", headers: name })] : []),
    ];
    const texts = answers.filter(({ status }) => status === 200).map(({ text }) => text);
    const pages = texts.flatMap((text) =>
      [...text.matchAll(/"(http[^"]*\/edit\/[^"]+)"/g)].map(([, page]) => page ?? ""),
    );
    const opened = await Promise.all(
      pages.map(async (page) => wopiOfForm(editorForm(await webPerson(bridge.url).get(page))).address()),
    );
    return [
      ...texts.flatMap((text) => [...text.matchAll(/"(http[^"]*\/wopi\/[^"]+)"/g)].map(([, at]) => at ?? "")),
      ...opened,
    ];
  };
  const todo = [await look(first)];
  for (let from = todo.shift(); from !== undefined && trades.length < 600; from = todo.shift()) {
    for (const url of await given(from.url)) {
      const to = await look(url);
      trades.push([from, to]);
      // One of a kind: the same resource by the same session, with the same rights.
      const [, body = ""] = tokenOf(url).split(".");
      const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as { sub: string; f: string };
      const key = `${claims.f} ${claims.sub.split(".")[0]} ${to.mayWrite}`;
      if (seen.has(key)) continue;
      seen.add(key);
      todo.push(to);
    }
  }
  return trades;
}

describe("whatever a token is traded for", () => {
  it.each([
    ["a session to edit", {}],
    ["a session that may overwrite", { options: { save_as: "overwrite" } }],
    ["a session without Save As", { options: { save_as: "none" } }],
    ["a session to view", { action: "view" }],
  ])("%s leads to nothing that allows more, lasts longer, or outlives the session", async (_what, more) => {
    const client = await portalWithReach(more);
    const trades = await traded(client.address());
    expect(trades.length).toBeGreaterThan(10);
    for (const [from, to] of trades) {
      expect(to.endsAt).toBeLessThanOrEqual(from.endsAt);
      if (to.mayWrite && from.url.includes("/wopi/files/"))
        expect(from.mayWrite, `${from.url} to ${to.url}`).toBe(true);
      expect(new URL(to.url).origin).toBe(bridge.url);
    }
    if ("action" in more) expect(trades.filter(([, { mayWrite }]) => mayWrite)).toEqual([]);
    await bridge.endSession(client.session.id);
    for (const url of new Set(trades.map(([, to]) => to.url))) expect((await callAt(url)).status).toBe(401);
  });

  it("an old token of a session that has been renewed leads to none that lasts longer than itself", async () => {
    const client = await portalWithReach();
    const page = await webPerson(bridge.url).get(client.session.host_page_url);
    const key = /"pageKey":"([^"]+)"|\/edit\/([\w-]{20,})\/renew/.exec(page.text);
    const reached = await reachedFrom(client.address());
    const root = reached.root.Url;
    bridge.clock.advance(9 * hourMs);
    const renewed = await fetch(`${bridge.url}/edit/${key?.[1] ?? key?.[2]}/renew`, { method: "POST" });
    expect(renewed.status).toBe(200);
    const { ChildContainers } = (await callAt(root, { below: "/children" })).json() as {
      ChildContainers: { Url: string }[];
    };
    for (const { Url } of ChildContainers) expect(endOf(Url)).toBeLessThanOrEqual(endOf(root));
  });
});
