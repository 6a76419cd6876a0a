import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { z } from "zod";
import { testBridge } from "../support/testBridge.ts";

const key = "the operator's own key";
const dashboardFile = new URL("../../grafana-dashboard.json", import.meta.url);
const place = z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() });
const dashboardSchema = z.object({
  panels: z.array(
    z.object({ title: z.string(), gridPos: place, targets: z.array(z.object({ expr: z.string() })).min(1) }),
  ),
});

it("the Grafana dashboard names only metrics that the bridge has", async () => {
  const bridge = await testBridge({ settings: { METRICS_KEY: key } });
  const answered = await fetch(`${bridge.url}/metrics`, { headers: { Authorization: `Bearer ${key}` } });
  const text = await answered.text();
  await bridge.close();
  const known = new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = ""]) => name));
  const { panels } = dashboardSchema.parse(JSON.parse(readFileSync(dashboardFile, "utf8")));
  const named = panels
    .flatMap(({ targets }) => targets)
    .flatMap(({ expr }) => expr.match(/\b(bridge|process|nodejs)_[a-z0-9_]+/g) ?? [])
    .map((name) => (known.has(name) ? name : name.replace(/_(bucket|count|sum)$/, "")));
  expect(named.filter((name) => !known.has(name))).toEqual([]);
  expect([...new Set(panels.map(({ title }) => title))]).toHaveLength(panels.length);
});
