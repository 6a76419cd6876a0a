import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  contentsOf,
  hostPageFacts,
  namedDocument,
  openedAt,
  openedByPage,
  openInFolder,
  suggest,
} from "../support/namedDocument.ts";
import { portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import type { WopiClient } from "../support/wopiClient.ts";

const hourMs = 60 * 60_000;

describe("the new file of PutRelativeFile, by its pages", () => {
  let bridge: TestBridge;
  beforeAll(async () => {
    bridge = await testBridge({
      settings: { GRANT_HOURS: "10", MAX_FILE_MB: "4" },
      drive: { settings: { accessTokenTtlSeconds: 1_000_000, viewerSessionTimeoutSeconds: 1_000_000 } },
    });
  });
  afterAll(() => bridge.close());

  const openNew = (more?: Record<string, unknown>, name?: string) => openInFolder(bridge, more, name);

  it("opens once as a page to edit and once as a page to look at, which can't write", async () => {
    const { client, folder } = await openNew({ lang: "de", theme: "dark" });
    const { HostEditUrl, HostViewUrl } = namedDocument(await suggest(client, "Copy.docx"));
    const editing = await openedByPage(HostEditUrl, client);
    const looking = await openedByPage(HostViewUrl, client);
    expect(editing.src).toBe(looking.src);
    expect(editing.src).not.toBe(client.src);
    for (const url of [HostEditUrl, HostViewUrl]) expect((await fetch(url)).status).toBe(410);
    expect((await looking.check()).json()).toMatchObject({ BaseFileName: "Copy.docx", UserCanWrite: false });
    expect((await looking.get()).text).toBe("the copy");
    for (const call of [looking.put("x"), looking.put("x", "L"), looking.lock("L"), suggest(looking, "b.docx")]) {
      expect([404, 501]).toContain((await call).status);
    }
    expect((await editing.lock("E")).status).toBe(200);
    expect((await editing.put("edited", "E")).status).toBe(200);
    expect((await contentsOf(bridge, folder))["Copy.docx"]).toBe("edited");
  });

  it("posts the page's token to the editor of the open file, in its language", async () => {
    const { client } = await openNew({ lang: "de" });
    const { HostEditUrl } = namedDocument(await suggest(client, "Copy.docx"));
    const action = new URL((await hostPageFacts(HostEditUrl)).action);
    const own = new URL(client.session.action_url);
    expect(action.origin + action.pathname).toBe(own.origin + own.pathname);
    expect(action.searchParams.getAll("WOPISrc")).toHaveLength(1);
    expect(action.searchParams.get("lang")).toBe("de-DE");
  });

  describe("gives no more than the open file's token has", () => {
    const endOf = (client: WopiClient): number => decodeJwt(client.session.access_token).exp ?? Number.NaN;

    it("lives no longer, however often it is traded", async () => {
      const { client } = await openNew();
      bridge.clock.advance(9 * hourMs);
      const { Url, HostEditUrl, HostViewUrl } = namedDocument(await suggest(client, "Copy.docx"));
      const copy = openedAt(Url, client);
      const second = openedAt(namedDocument(await suggest(copy, "Second.docx")).Url, client);
      const pages = [await openedByPage(HostEditUrl, client), await openedByPage(HostViewUrl, client)];
      for (const derived of [copy, second, ...pages]) {
        expect(endOf(derived)).toBeLessThanOrEqual(endOf(client));
        expect((await derived.check()).status).toBe(200);
      }
      bridge.clock.advance(hourMs);
      for (const ended of [client, copy, second, ...pages]) expect((await ended.check()).status).toBe(401);
    });

    it("shows no page after the end", async () => {
      const { client } = await openNew();
      const { HostEditUrl } = namedDocument(await suggest(client, "Copy.docx"));
      bridge.clock.advance(10 * hourMs);
      expect((await hostPageFacts(HostEditUrl)).token).toBe("");
    });

    it("ends when the portal ends the session it came from", async () => {
      const { client, folder } = await openNew({ user: { id: "g", name: "Guest" } });
      const { Url, HostEditUrl } = namedDocument(await suggest(client, "Copy.docx"));
      const copy = openedAt(Url, client);
      const second = openedAt(namedDocument(await suggest(copy, "Second.docx")).Url, client);
      await copy.lock("C");
      const ending = await fetch(`${bridge.url}/api/sessions/${client.session.id}`, {
        method: "DELETE",
        headers: { Authorization: `Bearer ${portalKey}` },
      });
      expect(ending.status).toBe(204);
      for (const ended of [client, copy, second]) expect((await ended.check()).status).toBe(401);
      expect((await hostPageFacts(HostEditUrl)).token).toBe("");
      // What was not saved by then is kept beside the copy.
      expect((await copy.put("unsaved", "C")).status).toBe(401);
      const kept = (await bridge.alice.list(folder)).filter((name) => name.startsWith("Copy (conflict"));
      expect(kept).toHaveLength(1);
      expect(await bridge.alice.read(`${folder}/${kept[0]}`)).toBe("unsaved");
    });
  });
});
