import { afterEach, expect, it } from "vitest";
import { linkOwner } from "../support/linkOwner.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { webPerson } from "../support/webPerson.ts";

let bridge: TestBridge;

afterEach(() => bridge.close());

it("A link opens 300 times in ten minutes from one network, then asks to wait, and opens from others all the while", async () => {
  bridge = await testBridge({ settings: { TRUST_PROXY: "1" } });
  await bridge.alice.put("popular.txt", "text");
  const owner = await linkOwner(bridge);
  const url = await owner.makeLink((await bridge.alice.info("popular.txt")).id);
  const visit = async (from: string, name: string) =>
    (await webPerson(bridge.url).post(url, { name }, { "X-Forwarded-For": from })).status;
  const statuses: number[] = [];
  for (let count = 0; count <= 300; count++) statuses.push(await visit("192.0.2.1", `Guest ${count}`));
  expect(statuses.slice(0, 300).every((status) => status === 303)).toBe(true);
  expect(statuses[300]).toBe(429);
  expect(await visit("192.0.2.2", "Elsewhere")).toBe(303);
  bridge.clock.advance(10 * 60_000);
  expect(await visit("192.0.2.1", "Later")).toBe(303);
});
