import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { afterEach, describe, expect, it } from "vitest";
import { put } from "../../src/model/keyValueStore.ts";
import { giveEnds, rowLives, withRowLives } from "../../src/model/rowLives.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { setClock } from "../support/clock.ts";
import { linkOwner } from "../support/linkOwner.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { watchedStore } from "../support/watchedStore.ts";
import { editorForm, webPerson } from "../support/webPerson.ts";
import { wopiOfForm } from "../support/wopiClient.ts";

const dayMs = 24 * 3_600_000;
/** Where a kind stands in the source: `record(store, "kind"`, or the beginning of a key. */
const keyKinds = /(?:ecord\([\w.]+, "([A-Za-z]+)"|`([A-Za-z]+):\$\{|"([A-Za-z]+):")/g;
const lasting = Object.entries(rowLives).flatMap(([kind, life]) =>
  typeof life === "number" ? [[kind, life] as const] : [],
);

describe("a row that is written without an end", () => {
  it.each(lasting)("%s: lives for %i days from its last use, read or written", async (kind, days) => {
    const clock = setClock();
    const store = withRowLives(openMemoryStore(clock.now), clock.now);
    await put(store, `${kind}:x`, "one");
    for (let at = 0; at < 4; at++) {
      clock.advance((days - 1) * dayMs);
      expect(await store.get(`${kind}:x`)).toBe("one");
    }
    await put(store, `${kind}:x`, "two");
    clock.advance(days * dayMs + 1);
    expect(await store.get(`${kind}:x`)).toBeUndefined();
  });

  it.each(lasting)("%s: is moved once a day, however often it is read", async (kind) => {
    const clock = setClock();
    const watched = watchedStore(openMemoryStore(clock.now));
    const store = withRowLives(watched, clock.now);
    await put(store, `${kind}:x`, "one");
    for (let hour = 0; hour < 48; hour++) {
      for (let at = 0; at < 5; at++) await store.get(`${kind}:x`);
      clock.advance(3_600_000);
    }
    expect(watched.swaps.length).toBe(1 + 2);
  });

  it("loses nothing to a change at the moment its end is moved", async () => {
    const clock = setClock();
    const watched = watchedStore(openMemoryStore(clock.now));
    const store = withRowLives(watched, clock.now);
    await put(store, "copies:x", "one");
    watched.beforeNextSwap(() => put(store, "copies:x", "two"));
    await store.get("copies:x");
    expect(await store.get("copies:x")).toBe("two");
  });
});

describe("a row with an end of its own", () => {
  it("keeps it, whatever its kind and however often it is read", async () => {
    for (const kind of [
      ...Object.keys(rowLives).filter((name) => rowLives[name as keyof typeof rowLives] === "own"),
      "new",
    ]) {
      const clock = setClock();
      const store = withRowLives(openMemoryStore(clock.now), clock.now);
      await put(store, `${kind}:x`, "one", clock.now() + 1_000);
      clock.advance(999);
      expect(await store.get(`${kind}:x`)).toBe("one");
      clock.advance(1);
      expect(await store.get(`${kind}:x`)).toBeUndefined();
    }
  });
});

describe("rows that an earlier bridge left without an end", () => {
  it("are given one, once", async () => {
    const clock = setClock();
    const old = openMemoryStore(clock.now);
    const kinds = [...lasting.map(([kind]) => kind), "credential"];
    for (const kind of kinds) await put(old, `${kind}:x`, "one");
    await put(old, "link:x", "one");
    const store = withRowLives(old, clock.now);
    await giveEnds(store, clock.now);
    clock.advance(100 * dayMs);
    await giveEnds(store, clock.now);
    clock.advance(101 * dayMs);
    const left = async (): Promise<string[]> => {
      const keys: string[] = [];
      for await (const [key] of old.list("")) keys.push(key);
      return keys;
    };
    const longer = ["copiesMade:x", "ownersMail:x", "toldVersion:x", "versionNames:x", "versionSaves:x"];
    expect(await left()).toEqual([...longer, "endsGiven:all", "link:x"].toSorted());
    clock.advance(rowLives.versionSaves * dayMs);
    expect(await left()).toEqual(["endsGiven:all", "link:x", "toldVersion:x"]);
    clock.advance(rowLives.toldVersion * dayMs);
    expect(await left()).toEqual(["endsGiven:all", "link:x"]);
  });
});

describe("the kinds of rows", () => {
  it("are all listed with their ends", () => {
    const names = readdirSync("src", { recursive: true, encoding: "utf8" }).filter(
      (name) => name.endsWith(".ts") && !name.startsWith("sandbox") && !name.startsWith("doctor"),
    );
    const kinds = names.flatMap((name) =>
      [...readFileSync(join("src", name), "utf8").matchAll(keyKinds)].map(
        ([, kind, template, text]) => kind ?? template ?? text ?? "",
      ),
    );
    // Names of accounts, makers and turns, schemes of addresses, and what stands before every key in Redis.
    const notRows = new Set([
      "account",
      "administrator",
      "bridge",
      "http",
      "file",
      "https",
      "jwt",
      "login",
      "memory",
      "person",
      "portal",
      "smtps",
      "user",
    ]);
    const found = [...new Set(kinds)].filter((kind) => !notRows.has(kind));
    expect(found.toSorted()).toEqual(
      Object.keys(rowLives)
        .filter((kind) => kind !== "endsGiven")
        .toSorted(),
    );
  });
});

let bridge: TestBridge;
afterEach(() => bridge?.close());

interface Row {
  readonly key: string;
  readonly endsAtMs: number | null;
}

function rowsOf(on: TestBridge): Row[] {
  const database = new Database(join(on.dir, "bridge.db"));
  const rows = database.prepare("SELECT key, expiresAtMs AS endsAtMs FROM entry").all() as Row[];
  database.close();
  return rows;
}

const kindOf = ({ key }: Row) => key.slice(0, key.indexOf(":"));

describe("the store of a bridge that people have used", () => {
  it("holds nothing without an end but what belongs to a link without one, and after the link's end nothing at all", async () => {
    bridge = await testBridge({ store: "file" });
    const owner = await linkOwner(bridge);
    await bridge.alice.put("plan.txt", "first");
    const { id } = await bridge.alice.info("plan.txt");
    const url = await owner.makeLink(id, { password: "correct horse" });
    await webPerson(bridge.url).post(url, { name: "Eve", password: "wrong" });
    const colleague = webPerson(bridge.url);
    const page = await colleague.follow(await colleague.post(url, { name: "Ann", password: "correct horse" }));
    const editor = wopiOfForm(editorForm(page));
    await editor.check();
    await editor.get();
    await editor.lock("lock-1");
    await editor.post("PUT_USER_INFO", {}, "settings");
    expect((await editor.put("second", "lock-1")).status).toBe(200);
    await editor.unlock("lock-1");
    await bridge.alice.put("budget.txt", "shared from the editor");
    const opened = await owner.person.get(`/open?file_id=${(await bridge.alice.info("budget.txt")).id}`);
    const own = wopiOfForm(editorForm(await owner.person.follow(opened)));
    const shared = await own.post("GET_SHARE_URL", { "X-WOPI-UrlType": "ReadOnly" });
    const { ShareUrl } = shared.json() as { ShareUrl: string };
    const reader = await colleague.follow(await colleague.post(ShareUrl, { name: "Ann" }));
    const pageKey = /"pageKey":"([^"]*)"/.exec(reader.text)?.[1];
    expect((await fetch(`${bridge.url}/edit/${pageKey}/ask`, { method: "POST" })).status).toBe(200);

    const endless = rowsOf(bridge).filter(({ endsAtMs }) => endsAtMs === null);
    const ofLinks = Object.keys(rowLives).filter((kind) => rowLives[kind as keyof typeof rowLives] === "link");
    expect([...new Set(endless.map(kindOf))].toSorted()).toEqual(ofLinks.toSorted());
    expect(rowsOf(bridge).map(kindOf)).toEqual(
      expect.arrayContaining(["versions", "copies", "linkUserInfo", "credential"]),
    );

    await owner.change("plan.txt", { expires_in: "7" });
    await owner.change("budget.txt", { expires_in: "7" });
    expect(rowsOf(bridge).filter(({ endsAtMs }) => endsAtMs === null)).toEqual([]);
    await owner.change("plan.txt", { expires_in: "" });
    expect(
      new Set(
        rowsOf(bridge)
          .filter(({ endsAtMs }) => endsAtMs === null)
          .map(kindOf),
      ).size,
    ).toBeGreaterThan(4);
    bridge.clock.advance(8 * dayMs);
    await owner.person.get("/links");
    expect((await webPerson(bridge.url).get(url)).status).toBe(200);
    await owner.revoke("plan.txt");
    expect(rowsOf(bridge).filter(({ endsAtMs }) => endsAtMs === null)).toEqual([]);
    expect((await webPerson(bridge.url).get(url)).status).toBe(410);
    bridge.clock.advance(201 * dayMs);
    // Who saved which version is the owner's to see, and ends later.
    expect(
      rowsOf(bridge)
        .filter(({ endsAtMs }) => Number(endsAtMs) > bridge.clock.now())
        .map(kindOf),
    ).toEqual(["versionSaves"]);
    bridge.clock.advance(rowLives.versionSaves * dayMs);
    expect(await bridge.storedText()).toBe("");
  });
});
