import { describe, expect, it } from "vitest";
import { selected } from "./jsonPath.ts";
import type { SavedState } from "./requests.ts";
import { compiledSchema } from "./schemas.ts";
import { type Answer, unknownValidator, wrongAnswers } from "./validators.ts";
import { parsedXml } from "./xml.ts";

const answer = (more: Partial<Answer> | object = {}): Answer => ({
  status: 200,
  headers: {},
  body: Buffer.from(""),
  isText: true,
  ...more,
});
const json = (value: unknown) => answer({ body: Buffer.from(JSON.stringify(value)) });
const kept: SavedState = new Map<string, string | undefined>([
  ["Version", "v2"],
  ["Nothing", undefined],
]);

const fitsPerson = compiledSchema(
  JSON.stringify({
    $schema: "http://json-schema.org/draft-04/schema#",
    type: "object",
    required: ["Name"],
    properties: {
      Name: { type: "string" },
      Secret: { not: {} },
      Page: { oneOf: [{ type: "string", format: "uri" }, { type: "string", maxLength: 0 }, { type: "null" }] },
      Born: { type: "string", format: "date-time" },
    },
  }),
);

async function wrong(xml: string, answered: Answer): Promise<readonly string[]> {
  return wrongAnswers([await parsedXml(xml)], answered, {
    resources: new Map([["Letter", Buffer.from("Dear all")]]),
    schemas: new Map([["Person", fitsPerson]]),
    saved: kept,
  });
}

describe("a property of a JSON answer", () => {
  it.each<[string, unknown, boolean]>([
    ['<StringProperty Name="P" />', undefined, true],
    ['<StringProperty Name="P" IsRequired="true" />', undefined, false],
    ['<StringProperty Name="P" IsRequired="true" />', "", false],
    ['<StringProperty Name="P" IsRequired="true" />', "x", true],
    ['<StringProperty Name="P" ExpectedValue="x" />', "x", true],
    ['<StringProperty Name="P" ExpectedValue="x" />', "X", false],
    ['<StringProperty Name="P" ExpectedValue="x" IgnoreCase="true" />', "X", true],
    ['<StringProperty Name="P" ExpectedValue="x" ExpectedStateKey="Version" />', "v2", true],
    ['<StringProperty Name="P" ExpectedValue="x" ExpectedStateKey="Version" />', "x", false],
    ['<StringProperty Name="P" ExpectedValue="x" ExpectedStateKey="Nothing" />', "x", true],
    ['<StringProperty Name="P" ExpectedStateKey="Other" />', "x", true],
    ['<StringProperty Name="P" EndsWith=".odt" />', "a.odt", true],
    ['<StringProperty Name="P" EndsWith=".odt" />', "a.ODT", false],
    ['<StringProperty Name="P" EndsWith=".odt" IgnoreCase="true" />', "a.ODT", true],
    ['<BooleanProperty Name="P" ExpectedValue="true" />', true, true],
    ['<BooleanProperty Name="P" ExpectedValue="true" />', false, false],
    ['<BooleanProperty Name="P" ExpectedValue="false" IsRequired="true" />', false, true],
    ['<BooleanProperty Name="P" ExpectedValue="true" IsRequired="true" />', undefined, false],
    ['<IntegerProperty Name="P" ExpectedValue="0" />', 0, true],
    ['<IntegerProperty Name="P" ExpectedValue="0" />', 3, false],
    ['<LongProperty Name="P" IsRequired="true" />', 5_000_000_000, true],
    ['<LongProperty Name="AccessTokenExpiry" />', 12, true],
    ['<AbsoluteUrlProperty Name="P" />', "https://a/b", true],
    ['<AbsoluteUrlProperty Name="P" />', "a/b", false],
    ['<AbsoluteUrlProperty Name="P" MustIncludeAccessToken="true" />', "https://a/b?access_token=t", true],
    ['<AbsoluteUrlProperty Name="P" MustIncludeAccessToken="true" />', "https://a/b", false],
    ['<ArrayProperty Name="P" ContainsValue="One" IsRequired="true" />', ["one", "two"], true],
    ['<ArrayProperty Name="P" ContainsValue="Three" />', ["one"], false],
    ['<ArrayProperty Name="P" IsRequired="true" />', [], false],
    ['<StringRegexProperty Name="P" ExpectedValue="^a+$" />', "aa", true],
    ['<StringRegexProperty Name="P" ExpectedValue="^a+$" />', "ab", false],
    ['<StringRegexProperty Name="P" ExpectedValue="^a+$" ShouldMatch="false" />', "aa", false],
    ['<StringRegexProperty Name="P" ExpectedValue="^a+$" ShouldMatch="false" />', undefined, true],
    ['<StringRegexProperty Name="P" ExpectedValue="^a+$" ShouldMatch="false" />', "", false],
  ])("%s of %j is right: %s", async (property, value, isRight) => {
    const xml = `<JsonResponseContentValidator>${property}</JsonResponseContentValidator>`;
    expect((await wrong(xml, json({ P: value }))).length === 0).toBe(isRight);
  });

  it("that is a moment lies in these years, in milliseconds", async () => {
    const xml =
      '<JsonResponseContentValidator><LongProperty Name="AccessTokenExpiry" /></JsonResponseContentValidator>';
    expect(await wrong(xml, json({ AccessTokenExpiry: Date.now() + 1000 }))).toEqual([]);
    expect(await wrong(xml, json({ AccessTokenExpiry: 1_700_000_000 }))).toHaveLength(1);
  });

  it("is told with what was expected and what came", async () => {
    const xml =
      '<JsonResponseContentValidator><StringProperty Name="A.B" ExpectedValue="x" /></JsonResponseContentValidator>';
    expect(await wrong(xml, json({ A: { B: "y" } }))).toEqual(["JsonResponseContentValidator: A.B: expected x, got y"]);
  });
});

describe("a validator", () => {
  it.each<[string, Partial<Answer>, boolean]>([
    ['<ResponseCodeValidator ExpectedCode="409" />', { status: 409 }, true],
    ['<ResponseCodeValidator ExpectedCode="409" />', { status: 200 }, false],
    ['<ResponseHeaderValidator Header="X-Thing" />', {}, true],
    ['<ResponseHeaderValidator Header="X-Thing" IsRequired="true" />', {}, false],
    ['<ResponseHeaderValidator Header="X-Thing" ExpectedValue="a" />', { headers: { "x-thing": "A" } }, true],
    ['<ResponseHeaderValidator Header="X-Thing" ExpectedValue="a" />', { headers: { "x-thing": "b" } }, false],
    [
      '<ResponseHeaderValidator Header="X-Thing" ExpectedStateKey="Version" ShouldMatch="false" />',
      { headers: { "x-thing": "v2" } },
      false,
    ],
    ['<LockMismatchValidator ExpectedLock="A" />', { status: 409, headers: { "x-wopi-lock": "A" } }, true],
    ['<LockMismatchValidator ExpectedLock="A" />', { status: 409 }, false],
    ['<LockMismatchValidator ExpectedLock="" />', { status: 409 }, true],
    ['<LockMismatchValidator ExpectedLock="" />', { status: 409, headers: { "x-wopi-lock": "A" } }, false],
    ['<LockMismatchValidator ExpectedLock="A" />', { headers: { "x-wopi-lock": "A" } }, false],
    [
      '<ResponseContentValidator ExpectedResourceId="Letter" />',
      { body: Buffer.from("Dear all"), isText: false },
      true,
    ],
    ['<ResponseContentValidator ExpectedResourceId="Letter" />', { body: Buffer.from("Dear al") }, false],
    ['<JsonResponseContentValidator ShouldExist="false" />', {}, true],
    ['<JsonResponseContentValidator ShouldExist="false" />', { body: Buffer.from("{}") }, false],
    ["<JsonResponseContentValidator />", { body: Buffer.from("<html>") }, false],
    ["<JsonResponseContentValidator />", { body: Buffer.from("{}"), isText: false }, false],
    ["<JsonResponseContentValidator />", {}, false],
  ])("%s of %j is content: %s", async (xml, answered, isRight) => {
    expect((await wrong(xml, answer(answered))).length === 0).toBe(isRight);
  });

  it("Or is content with one of several, and names all when there is none", async () => {
    const xml = '<Or><ResponseCodeValidator ExpectedCode="401" /><ResponseCodeValidator ExpectedCode="404" /></Or>';
    expect(await wrong(xml, answer({ status: 404 }))).toEqual([]);
    expect((await wrong(xml, answer()))[0]).toContain("expected status 401, got 200, and not");
  });

  it.each<[unknown, boolean]>([
    [{ Name: "Ada" }, true],
    [{}, false],
    [{ Name: "Ada", Secret: 1 }, false],
    [{ Name: "Ada", Page: "" }, true],
    [{ Name: "Ada", Page: null }, true],
    [{ Name: "Ada", Page: "https://a/" }, true],
    [{ Name: "Ada", Page: "a" }, false],
    [{ Name: "Ada", Born: "2001-02-03T04:05:06.1234567Z" }, true],
    [{ Name: "Ada", Born: "yesterday" }, false],
  ])("of a schema reads draft 4 with its formats: %j %s", async (value, isRight) => {
    expect((await wrong('<JsonSchemaValidator Schema="Person" />', json(value))).length === 0).toBe(isRight);
  });

  it("of an answer that a case says nothing of wants 200, and every answer the length it announces", () => {
    const expectations = { resources: new Map(), schemas: new Map(), saved: kept };
    expect(wrongAnswers(undefined, answer(), expectations)).toEqual([]);
    expect(wrongAnswers(undefined, answer({ status: 404 }), expectations)).toEqual(["expected status 200, got 404"]);
    expect(wrongAnswers([], answer({ headers: { "content-length": "5" } }), expectations)).toHaveLength(1);
  });

  it.each([
    ['<ResponseCodeValidator ExpectedCode="1" />', undefined],
    ["<FramesValidator />", "FramesValidator"],
    ['<Or><ResponseHeaderValidator Header="A" Comparator="&lt;" /></Or>', "Comparator of ResponseHeaderValidator"],
    [
      '<JsonResponseContentValidator><ArrayLengthProperty Name="P" /></JsonResponseContentValidator>',
      "ArrayLengthProperty",
    ],
  ])("that this engine cannot judge is named: %s", async (xml, unknown) => {
    expect(unknownValidator(await parsedXml(xml))).toBe(unknown);
  });
});

describe("a path into JSON", () => {
  const value = { A: { B: "b" }, L: [{ U: 1 }, { U: 2 }], "": 0 };
  it.each([
    ["A.B", "b"],
    ["L[0].U", 1],
    ["L[-1:].U", 2],
    ["L[5].U", undefined],
    ["A.C.D", undefined],
    ["L.length", undefined],
    ["A.constructor", undefined],
  ])("%s leads to %j", (path, found) => {
    expect(selected(value, path)).toBe(found);
  });

  it.each(["L[?(@.U)]", "L[*]"])("%s is not understood", (path) => {
    expect(() => selected(value, path)).toThrow("is not understood");
  });
});
