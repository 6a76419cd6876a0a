import express from "express";
import fc from "fast-check";
import request from "supertest";
import { describe, expect, it } from "vitest";
import { networkOf, sourceOf } from "../../src/http/requestSource.ts";
import { randomRuns } from "../support/tier.ts";

describe("where a request comes from", () => {
  it.each([
    ["203.0.113.7", "203.0.113.7"],
    ["203.0.113.7:49152", "203.0.113.7"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["::FFFF:cb00:7107", "203.0.113.7"],
    ["0:0:0:0:0:ffff:203.0.113.7", "203.0.113.7"],
    ["[::ffff:203.0.113.7]:443", "203.0.113.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"],
    ["[2001:db8:1:2::1]:443", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    [" 203.0.113.7 ", "203.0.113.7"],
  ])("of %s is %s", (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it.each([undefined, "", "unknown", "_hidden", "203.0.113", "203.0.113.256", "1:2:3", "[::1", "a".repeat(10_000)])(
    "is nothing that a text can choose: %s",
    (text) => {
      expect(networkOf(text)).toBeUndefined();
      expect(sourceOf({ ip: text, socket: { remoteAddress: "::ffff:192.0.2.1" } as never })).toBe("192.0.2.1");
    },
  );

  it("is one for all addresses of a /64, and another for the next, however they are spelt", () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    const groups = fc.array(group, { minLength: 8, maxLength: 8 }).filter(([first = 0]) => first > 0);
    const spelt = (parts: readonly number[], isLong: boolean) =>
      parts.map((part) => (isLong ? part.toString(16).padStart(4, "0").toUpperCase() : part.toString(16))).join(":");
    fc.assert(
      fc.property(groups, groups, fc.boolean(), (one, two, isLong) => {
        const neighbour = [...one.slice(0, 4), ...two.slice(4)];
        expect(networkOf(spelt(one, isLong))).toBe(networkOf(spelt(neighbour, !isLong)));
        const next = one.map((part, at) => (at === 3 ? part ^ 1 : part));
        expect(networkOf(spelt(one, isLong))).not.toBe(networkOf(spelt(next, isLong)));
      }),
      randomRuns(100),
    );
  });

  it.each([
    [0, "198.51.100.1", "127.0.0.1"],
    [1, "198.51.100.1, 203.0.113.7", "203.0.113.7"],
    [1, "2001:db8:1:2::9", "2001:db8:1:2::/64"],
    [1, "not an address", "127.0.0.1"],
    [1, "<script>", "127.0.0.1"],
    [2, "198.51.100.1, 203.0.113.7", "198.51.100.1"],
    [2, "garbage, 203.0.113.7", "127.0.0.1"],
  ])("behind %i proxies that hand on %s is %s", async (proxies, forwarded, source) => {
    const app = express().set("trust proxy", proxies);
    app.get("/", (asked, response) => void response.send(sourceOf(asked)));
    const answer = await request(app).get("/").set("X-Forwarded-For", forwarded);
    expect(answer.text).toBe(source);
  });
});
