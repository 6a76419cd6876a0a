import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestBridge, testBridge } from "../support/testBridge.ts";

/** Code points that `html` escapes, as the page's reader sees them. */
const plain = (text: string): string =>
  text
    .replace(/<[^>]*>/g, "")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, "&");

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly { name: string; description?: string }[];
  readonly responses: Readonly<Record<string, { description: string }>>;
}

describe("/docs", () => {
  let bridge: TestBridge;
  let page: string;
  let document: {
    paths: Record<string, Record<string, Operation>>;
    webhooks: Record<string, Record<string, Operation>>;
    components: { schemas: Record<string, object> };
  };
  beforeAll(async () => {
    bridge = await testBridge();
    document = await (await fetch(`${bridge.url}/openapi.json`)).json();
    page = await (await fetch(`${bridge.url}/docs`, { headers: { "Accept-Language": "en" } })).text();
  });
  afterAll(() => bridge.close());

  it("shows each call and event with its parameters, every status and what it means", () => {
    for (const [path, byMethod] of Object.entries({ ...document.paths, ...document.webhooks })) {
      for (const [method, { operationId, summary, description = "", ...operation }] of Object.entries(byMethod)) {
        const part = page.split(`<article aria-labelledby="${operationId}">`)[1]?.split("</article>")[0] ?? "";
        const text = plain(part);
        const said = [summary, description, `${method.toUpperCase()} ${path}`];
        for (const one of operation.parameters ?? []) said.push(one.name, one.description ?? "-");
        for (const [status, answer] of Object.entries(operation.responses)) {
          expect(part, `${operationId} ${status}`).toContain(`<dt><code>${status}</code></dt>`);
          // A code stands before what it means, without the colon.
          said.push(...answer.description.split("\n").map((line) => line.replace(/^([a-z]+[A-Z]\w*): /, "$1 ")));
        }
        for (const one of said) expect(text, operationId).toContain(one.replaceAll("`", ""));
        expect(page.split(`href="#${operationId}"`).length, operationId).toBeGreaterThan(1);
      }
    }
  });

  it("shows every field of every object, with what is said of it", () => {
    const text = plain(page);
    const visit = (value: unknown, isFields: boolean): void => {
      if (typeof value !== "object" || value === null) return;
      for (const [key, inner] of Object.entries(value)) {
        if (isFields) expect(page).toContain(`<li><code>${key}</code>`);
        else if (key === "description") expect(text).toContain(String(inner).replaceAll("`", ""));
        else if (key === "enum") for (const one of inner) expect(page).toContain(`<code>${one}</code>`);
        if (isFields || key !== "examples") visit(inner, !isFields && key === "properties");
      }
    };
    for (const schema of Object.values(document.components.schemas)) visit(schema, false);
  });

  it("links to nothing that is not on the page, and shows what is shared once", () => {
    const targets = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id ?? "");
    expect(targets.filter((id) => page.split(` id="${id}"`).length !== 2)).toEqual([]);
    expect(page).toContain(`<h3 id="object-Problem">`);
    expect(page.match(/<li><code>free_name<\/code>/g)).toHaveLength(1);
  });

  it("has a curl line to paste for each call, at this bridge's address", () => {
    const text = plain(page);
    expect(text.match(/curl /g)).toHaveLength(Object.values(document.paths).flatMap((one) => Object.keys(one)).length);
    expect(text).toContain(`curl -X DELETE '${bridge.url}/api/links/ID' \\\n  -H 'Authorization: Bearer YOUR-KEY'`);
    expect(text).toContain(`"permission": "view",\n  "password": null\n}'`);
  });
});
