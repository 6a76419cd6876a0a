import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type LinkOwner, linkOwner } from "../support/linkOwner.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import type { WopiClient } from "../support/wopiClient.ts";

let bridge: TestBridge;
let alice: LinkOwner;
let ann: WopiClient;
let id: string;

beforeEach(async () => {
  bridge = await testBridge({ pause: async () => undefined });
  await bridge.alice.put("Plan.txt", "first\n");
  alice = await linkOwner(bridge);
  ann = await bridge.open("Plan.txt", { user: { id: "ann", name: "Ann" } });
  id = ann.session.file.id;
});
afterEach(() => bridge.close());

const audited = () => bridge.logLines.filter(({ event }) => event === "lockTakenOver");

describe("the owner of a document that somebody else edits", () => {
  it("sees who it is, takes over, and what the other saves late is in a copy", async () => {
    expect((await alice.person.get("/")).text).not.toContain("/takeover");
    await ann.lock("A");
    expect((await alice.person.get("/")).text).toContain(`/takeover?file_id=${id}`);
    expect((await alice.person.get(`/takeover?file_id=${id}`)).text).toContain("Ann");
    const done = await alice.person.follow(await alice.person.post(`/takeover/${id}`));
    expect(done.text).toContain("You have taken over");
    expect(audited()).toMatchObject([{ file: id, from: { name: "Ann" } }]);
    expect(String(audited()[0]?.["by"])).toMatch(/^person:/);
    expect(await bridge.alice.put("Plan.txt", "the owner's\n")).toBe(0);
    expect((await ann.put("late\n", "A")).status).toBe(409);
    expect(await bridge.alice.read("Plan.txt")).toBe("the owner's\n");
    expect(await bridge.alice.list()).toHaveLength(2);
  });

  it("alone may do so, and only from the bridge's own pages", async () => {
    await ann.lock("A");
    const bob = await linkOwner(bridge, "bob@example.com");
    expect((await bob.person.get(`/takeover?file_id=${id}`)).status).toBe(404);
    expect((await bob.person.post(`/takeover/${id}`)).status).toBe(404);
    const foreign = await alice.person.post(`/takeover/${id}`, {}, { Origin: "https://evil.example" });
    expect(foreign.status).toBe(403);
    const guest = await fetch(`${bridge.url}/takeover/${id}`, {
      method: "POST",
      redirect: "manual",
      headers: { Origin: bridge.url },
    });
    expect(guest.headers.get("Location")).toContain("/signin");
    expect((await ann.getLock()).header("X-WOPI-Lock")).toBe("A");
    expect(audited()).toEqual([]);
  });

  it("is told when nobody edits it, and can open it", async () => {
    const page = await alice.person.get(`/takeover?file_id=${id}`);
    expect(page.text).toContain(`/open?file_id=${id}`);
    expect((await alice.person.post(`/takeover/${id}`)).status).toBe(303);
    expect(audited()).toEqual([]);
  });
});
