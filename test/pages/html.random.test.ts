import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Html, html, jsonForScript } from "../../src/pages/html.ts";
import { randomRuns } from "../support/tier.ts";

describe("the page template", () => {
  it("leaves what the page's author wrote as it is", () => {
    expect(html` <p class="a">it's & so on</p>\n`.text).toBe(` <p class="a">it's & so on</p>\n`);
  });

  it("escapes each value, in text and in attributes", () => {
    const name = `<script>alert("x" & 'y')</script>`;
    expect(html`<p title="${name}">${name}</p>`.text).toBe(
      '<p title="&lt;script&gt;alert(&quot;x&quot; &amp; &#39;y&#39;)&lt;/script&gt;">' +
        "&lt;script&gt;alert(&quot;x&quot; &amp; &#39;y&#39;)&lt;/script&gt;</p>",
    );
  });

  it("escapes once: what looks escaped already is shown as it was written", () => {
    expect(html`${"&amp;"}`.text).toBe("&amp;amp;");
  });

  it("puts HTML into HTML without escaping it again", () => {
    expect(html`<ul>${html`<li>${"a<b"}</li>`}</ul>`.text).toBe("<ul><li>a&lt;b</li></ul>");
    expect(html`${new Html("<br>")}`.text).toBe("<br>");
  });

  it("takes numbers, zero and the empty text too", () => {
    expect(html`${0}|${1732176900000}|${""}|`.text).toBe("0|1732176900000||");
  });

  it("is not fooled by an object that looks like HTML of ours", () => {
    const lookalike = { text: "<script>", toString: () => "<script>" } as unknown as Html;
    expect(html`${lookalike}`.text).toBe("&lt;script&gt;");
  });

  it("lets no value begin a tag, end an attribute or open an entity", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."<>\"'&;amplt#3x/ é\0") }), (value) => {
        const { text } = html`${value}`;
        expect(text).not.toMatch(/[<>"']/);
        expect(text.replace(/&(amp|lt|gt|quot|#39);/g, "")).not.toContain("&");
      }),
      randomRuns(100),
    );
  });
});

describe("data for a script", () => {
  it("comes out as it went in", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(jsonForScript(value).text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      randomRuns(100),
    );
  });

  it.each(["</script><script>alert(1)</script>", "<!-- <script>", "</ScRiPt >", "<![CDATA["])(
    "can't end the script it stands in: %s",
    (text) => {
      const { text: json } = jsonForScript({ fileName: text, [text]: 1 });
      expect(json).not.toContain("<");
      expect(JSON.parse(json)).toEqual({ fileName: text, [text]: 1 });
    },
  );

  it("is not escaped a second time in a page", () => {
    expect(html`<script type="application/json">${jsonForScript({ a: "b" })}</script>`.text).toBe(
      '<script type="application/json">{"a":"b"}</script>',
    );
  });
});
