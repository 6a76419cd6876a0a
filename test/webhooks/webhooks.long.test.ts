import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { portalClient } from "../support/portalClient.ts";
import { portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { type WebhookReceiver, webhookKey, webhookReceiver } from "../support/webhookReceiver.ts";
import { editorForm, webPerson } from "../support/webPerson.ts";
import { wopiClient, wopiOfForm } from "../support/wopiClient.ts";

const otherKey = "other-portal-key";
const copySchema = z.object({ id: z.string(), name: z.string() });

describe("a portal with a webhook", () => {
  let bridge: TestBridge;
  let receiver: WebhookReceiver;
  let other: WebhookReceiver;
  const portal = portalClient(() => bridge);
  const opened = async (more: Record<string, unknown> = {}, headers: Record<string, string> = {}) => {
    const { name, uri } = await portal.newFile();
    const session = await portal.session({ uri, user: { id: "u7", name: "Ada" }, ...more }, headers);
    const editor = wopiClient(session);
    await editor.check();
    await editor.get();
    await editor.lock("A");
    return { name, uri, session, editor };
  };
  beforeAll(async () => {
    receiver = await webhookReceiver();
    other = await webhookReceiver();
    bridge = await testBridge({
      settings: {
        PORTAL_KEYS: `test:${portalKey},other:${otherKey}`,
        PORTAL_WEBHOOKS: `${receiver.setting()}, ${other.setting("other")}`,
      },
    });
  });
  afterEach(() => {
    for (const one of [receiver, other]) {
      one.events.length = 0;
      one.attempts.length = 0;
      one.instead = undefined;
    }
  });
  afterAll(async () => {
    await bridge.close();
    await receiver.close();
    await other.close();
  });

  it("is told of a save: which document and version, who, and by which session", async () => {
    const { name, session, editor } = await opened();
    expect((await editor.put("after", "A")).status).toBe(200);
    await bridge.bridge.deliver();
    const { primary_entity: version } = await bridge.alice.info(name);
    expect(receiver.events).toEqual([
      {
        id: expect.stringMatching(/^evt_[\w-]{27}$/),
        type: "saved",
        timestamp: new Date(bridge.clock.now()).toISOString(),
        data: {
          file: { id: session.file.id, name },
          person: { id: expect.stringMatching(/^p[0-9a-f]{20}$/), name: "Ada" },
          session: session.id,
          link: null,
          version,
        },
      },
    ]);
    expect(other.attempts).toEqual([]);
  });

  /** Documents of other tests are closed at some time. */
  const eventsOf = (fileId: string, of = receiver) => of.events.filter(({ data }) => data.file.id === fileId);
  const told = async (fileId: string) => {
    await bridge.bridge.deliver();
    return eventsOf(fileId).map(({ type }) => type);
  };
  /** Until the last session counts as closed. */
  const closedNow = async (fileId: string) => {
    await bridge.bridge.deliver();
    bridge.clock.advance(10_000);
    return told(fileId);
  };

  it("is told of what others save while it has the document open, but not by which session of theirs", async () => {
    const { uri, session, editor } = await opened();
    const theirs = wopiClient(
      await portal.session({ uri, user: { id: "u7", name: "Grace" } }, { Authorization: `Bearer ${otherKey}` }),
    );
    expect((await editor.put("of the first", "A")).status).toBe(200);
    await told(session.file.id);
    expect(other.attempts).toEqual([]);
    await theirs.get();
    expect((await theirs.put("of the second", "A")).status).toBe(200);
    expect(await told(session.file.id)).toEqual(["saved", "saved"]);
    expect(eventsOf(session.file.id)[1]?.data).toMatchObject({ person: { name: "Grace" }, session: null, link: null });
    expect(other.events[0]?.data).toMatchObject({ person: { name: "Grace" }, session: theirs.session.id });
    expect(other.events[0]?.id).not.toBe(eventsOf(session.file.id)[1]?.id);
  });

  it("is told of its link's visitors and their link", async () => {
    const { uri } = await portal.newFile();
    const link = await portal.json("POST", "/links", 201, { uri, permission: "edit", ask_name: false });
    const visitor = webPerson(bridge.url);
    const page = await visitor.follow(await visitor.post(new URL(String(link["url"])).pathname));
    const editor = wopiOfForm(editorForm(page));
    await editor.lock("A");
    expect((await editor.put("after", "A")).status).toBe(200);
    await bridge.bridge.deliver();
    expect(receiver.of("saved")[0]?.data).toMatchObject({ session: null, link: link["id"] });
  });

  it("is told that a save waits, and that it has got into the document after all", async () => {
    const { session, editor } = await opened();
    await bridge.stopDrive();
    expect((await editor.put("kept", "A")).status).toBe(503);
    expect(await told(session.file.id)).toEqual(["saveFailed"]);
    expect(eventsOf(session.file.id)[0]?.data).toMatchObject({ reason: "driveUnreachable", kept_in: "spool" });
    await bridge.startDrive();
    expect(await bridge.bridge.replay()).toBe(0);
    expect(await told(session.file.id)).toEqual(["saveFailed", "saved"]);
  });

  it("is told of a copy beside the document, with its id", async () => {
    const { session, editor } = await opened();
    await portal.json("DELETE", `/files/${session.file.id}/lock`, 200);
    expect((await editor.put("too late", "A")).status).toBe(409);
    expect(await told(session.file.id)).toEqual(["conflictCopy"]);
    const [event] = eventsOf(session.file.id);
    expect(event?.data).toMatchObject({ reason: "lockMismatch" });
    const { id, name } = copySchema.parse(event?.data["copy"]);
    expect(await bridge.alice.read(name)).toBe("too late");
    expect((await bridge.alice.info(name)).id).toBe(id);
  });

  it("is told of a new name, and calls the document so from then on", async () => {
    const { name, session, editor } = await opened();
    const renamed = await editor.post("RENAME_FILE", { "X-WOPI-RequestedName": `new ${name}`, "X-WOPI-Lock": "A" });
    expect(renamed.status).toBe(200);
    await editor.put("after", "A");
    expect(await told(session.file.id)).toEqual(["renamed", "saved"]);
    expect(eventsOf(session.file.id)[0]?.data).toMatchObject({ file: { name: `new ${name}` }, previous_name: name });
    expect(eventsOf(session.file.id)[1]?.data.file.name).toBe(`new ${name}`);
  });

  it("is told who is mentioned in a comment, by the ids that it knows people by", async () => {
    const { session, editor } = await opened();
    const { person } = (await (
      await bridge.postSession({ file_id: session.file.id, action: "view", user: { id: "u8", name: "Lin" } })
    ).json()) as { person: { id: string } };
    const comment = {
      Type: "comment",
      Id: "a1",
      Data: { ContentId: "c1", ContentAction: "created", People: [{ Id: person.id, Type: "WOPI", Mentioned: true }] },
    };
    const added = await editor.post("ADD_ACTIVITIES", {}, JSON.stringify({ Activities: [comment] }));
    expect(added.status).toBe(200);
    expect(await told(session.file.id)).toEqual(["mention"]);
    expect(eventsOf(session.file.id)[0]?.data).toMatchObject({
      action: "added",
      content_id: "c1",
      mentioned: [{ id: person.id }],
    });
  });

  describe("is told that it has closed a document", () => {
    it("ten seconds after its last session was ended, with the last save", async () => {
      const { session, editor, uri } = await opened();
      const second = await portal.session({ uri });
      await wopiClient(second).get();
      await editor.put("after", "A");
      await editor.unlock("A");
      await portal.end(session.id);
      expect(await closedNow(session.file.id)).toEqual(["saved"]);
      await portal.end(second.id);
      expect(await told(session.file.id)).toEqual(["saved"]);
      expect(await closedNow(session.file.id)).toEqual(["saved", "closed"]);
      const version = eventsOf(session.file.id)[0]?.data["version"];
      expect(eventsOf(session.file.id)[1]?.data).toEqual({
        file: { id: session.file.id, name: session.file.name },
        opened_at: expect.any(String),
        last_save: { at: expect.any(String), person: eventsOf(session.file.id)[0]?.data["person"], version },
      });
    });

    /** The bridge's own page around the editor. */
    const pageOf = async (url: string) => {
      const key = /"pageKey":"([^"]+)"/.exec(await (await fetch(url)).text())?.[1] ?? "";
      const post = (what: string) => fetch(`${bridge.url}/edit/${key}/${what}`, { method: "POST" });
      await post("renew");
      return { close: () => post("closed"), renew: () => post("renew") };
    };

    it("after the save with which its editor ends, which comes once the page is gone", async () => {
      const { session, editor } = await opened();
      const page = await pageOf(session.host_page_url);
      await page.close();
      expect(await closedNow(session.file.id)).toEqual([]);
      await editor.put("the last", "A", { "X-COOL-WOPI-IsExitSave": "true" });
      await editor.unlock("A");
      expect(await closedNow(session.file.id)).toEqual(["saved", "closed"]);
      const [saved, closed] = eventsOf(session.file.id);
      expect(closed?.data).toMatchObject({ last_save: { version: saved?.data["version"] } });
    });

    it("a minute after the page, when its editor has died with the lock", async () => {
      const { session } = await opened();
      const page = await pageOf(session.host_page_url);
      await page.close();
      expect(await closedNow(session.file.id)).toEqual([]);
      bridge.clock.advance(49_000);
      expect(await told(session.file.id)).toEqual([]);
      bridge.clock.advance(1_000);
      expect(await told(session.file.id)).toEqual(["closed"]);
      expect(eventsOf(session.file.id)[0]?.data["last_save"]).toBeNull();
    });

    it("not when the page is only loaded again, and not while it is there", async () => {
      const { session } = await opened();
      const page = await pageOf(session.host_page_url);
      await page.close();
      await bridge.bridge.deliver();
      bridge.clock.advance(2_000);
      await page.renew();
      bridge.clock.advance(60_000);
      expect(await closedNow(session.file.id)).toEqual([]);
      bridge.clock.advance(3 * 60_000);
      await bridge.bridge.deliver();
      bridge.clock.advance(60_000);
      expect(await told(session.file.id)).toEqual(["closed"]);
    });

    it("once, and again when it was opened again since", async () => {
      const { session, uri } = await opened();
      await portal.end(session.id);
      bridge.clock.advance(1);
      await bridge.bridge.deliver();
      bridge.clock.advance(60_000);
      expect(await closedNow(session.file.id)).toEqual(["closed"]);
      expect(await closedNow(session.file.id)).toEqual(["closed"]);
      const again = await portal.session({ uri, action: "view" });
      await wopiClient(again).get();
      await portal.end(again.id);
      expect(await closedNow(session.file.id)).toEqual(["closed", "closed"]);
      expect(eventsOf(session.file.id)[0]?.id).not.toBe(eventsOf(session.file.id)[1]?.id);
    });

    it("in a page of its own, when the editor has been silent for three minutes and holds no lock", async () => {
      const { session, editor } = await opened();
      bridge.clock.advance(5 * 60_000);
      expect(await closedNow(session.file.id)).toEqual([]);
      await editor.unlock("A");
      expect(await closedNow(session.file.id)).toEqual(["closed"]);
    });

    it("not when nobody has opened it", async () => {
      const { uri } = await portal.newFile();
      const session = await portal.session({ uri });
      await portal.end(session.id);
      expect(await closedNow(session.file.id)).toEqual([]);
    });
  });

  it("does not hear twice of the same version", async () => {
    const { editor, session } = await opened();
    for (const _time of [1, 2]) await editor.put("after", "A");
    await bridge.bridge.deliver();
    const saves = eventsOf(session.file.id);
    expect(new Set(saves.map(({ id }) => id)).size).toBe(new Set(saves.map(({ data }) => data["version"])).size);
  });

  it("keeps its key out of the log", () => {
    expect(JSON.stringify(bridge.logLines)).not.toContain(webhookKey.slice(6));
  });
});

describe("an event that a portal does not take for three days", () => {
  it("is given up, and the log and the metrics say so; a portal that signs JWTs has a webhook too", async () => {
    const receiver = await webhookReceiver();
    const issuer = "https://portal.example.com";
    const metricsKey = "the operator's own key";
    const bridge = await testBridge({
      settings: {
        METRICS_KEY: metricsKey,
        PORTAL_JWKS_URL: `${issuer}/keys`,
        PORTAL_ISSUER: issuer,
        PORTAL_AUDIENCE: "bridge",
        PORTAL_WEBHOOKS: `${receiver.setting()}, ${receiver.setting(`jwt:${issuer}`)}`,
      },
    });
    const metrics = async () =>
      (await fetch(`${bridge.url}/metrics`, { headers: { Authorization: `Bearer ${metricsKey}` } })).text();
    const { uri } = await portalClient(() => bridge).newFile();
    const editor = wopiClient(await portalClient(() => bridge).session({ uri }));
    await editor.lock("A");
    await editor.put("taken", "A");
    await bridge.bridge.deliver();
    receiver.instead = (_request, response) => response.writeHead(503).end();
    await editor.put("not taken", "A");
    expect(await bridge.bridge.deliver()).toBe(1);
    bridge.clock.advance(60_000);
    await bridge.bridge.deliver();
    expect(await metrics()).toMatch(/^bridge_webhook_events 1$/m);
    expect(await metrics()).toMatch(/^bridge_webhook_oldest_seconds 60$/m);
    bridge.clock.advance(3 * 24 * 3_600_000);
    expect(await bridge.bridge.deliver()).toBe(0);
    const givenUp = bridge.logLines.findLast(({ dropped }) => dropped !== undefined);
    expect(givenUp).toMatchObject({ portal: "test", dropped: 1, why: "too old" });
    expect(await metrics()).toMatch(/^bridge_webhooks_total\{portal="test",outcome="dropped"\} 1$/m);
    expect(await metrics()).toMatch(/^bridge_webhooks_total\{portal="test",outcome="delivered"\} 1$/m);
    expect(await metrics()).toMatch(/^bridge_webhook_events 0$/m);
    await bridge.close();
    await receiver.close();
  });
});
