import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decorationOf } from "../../src/api/decoration.ts";
import { portalClient } from "../support/portalClient.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { sessionSchema, wopiClient } from "../support/wopiClient.ts";

const nobodysTexts: readonly unknown[] = [7, true, {}, { name: "Ann" }, [], ["de"], { toString: "x" }];

describe("a portal's decoration", () => {
  it.each([
    ["de_DE", "de-DE"],
    ["de-AT", "de-AT"],
    ["zh-Hant", "zh-TW"],
    [" pt-br ", "pt-BR"],
    [null, undefined],
    [undefined, undefined],
  ])("takes a language in any usual spelling: %j", (lang, language) => {
    expect(decorationOf({ lang })).toMatchObject({ language, warnings: [] });
  });

  it.each(["", "German", "<script>", "C", "de\u0000", "x".repeat(60_000), `${".".repeat(60_000)}\nx`, ...nobodysTexts])(
    "drops what is no language: %#",
    (lang) => {
      expect(decorationOf({ lang })).toMatchObject({
        language: undefined,
        warnings: [{ field: "lang", message: "was ignored: it is not a language tag such as de or zh-CN" }],
      });
    },
  );

  it.each([
    ["dark", "dark"],
    ["light", "light"],
    [" Dark ", "dark"],
    [null, undefined],
  ])("takes a theme, whatever its case: %j", (sent, theme) => {
    expect(decorationOf({ theme: sent })).toMatchObject({ theme, warnings: [] });
  });

  it.each(["", "blue", "dark light", ...nobodysTexts])("drops what is no theme: %j", (theme) => {
    expect(decorationOf({ theme })).toMatchObject({
      theme: undefined,
      warnings: [{ field: "theme", message: "was ignored: it is not light or dark" }],
    });
  });

  it.each([
    ["ann@example.com", "ann@example.com"],
    [" ann@example.com\n", "ann@example.com"],
    [null, undefined],
  ])("takes an email address: %j", (sent, email) => {
    const { person, warnings } = decorationOf({ user: { name: "Ann", email: sent } });
    expect(person).toEqual({ name: "Ann", ...(email === undefined ? {} : { email }) });
    expect(warnings).toEqual([]);
  });

  it.each(["", "nobody", "a@b", "a@example.com, b@example.com", `${"x".repeat(60_000)}@example.com`, ...nobodysTexts])(
    "drops what is no email address: %#",
    (email) => {
      expect(decorationOf({ user: { name: "Ann", email } })).toMatchObject({
        person: { name: "Ann" },
        warnings: [{ field: "user.email", message: "was ignored: it is not an email address" }],
      });
    },
  );

  it.each([
    ["https://portal.example/u.png", "https://portal.example/u.png"],
    [" http://portal.example/a\nb.png ", "http://portal.example/ab.png"],
    [null, undefined],
  ])("takes a picture's address: %j", (sent, avatarUrl) => {
    const { person, warnings } = decorationOf({ user: { name: "Ann", avatar_url: sent } });
    expect(person).toEqual({ name: "Ann", ...(avatarUrl === undefined ? {} : { avatarUrl }) });
    expect(warnings).toEqual([]);
  });

  it.each([
    ...["", "/u.png", "javascript:alert(1)", "data:image/png;base64,AA==", "java\nscript:alert(1)", "https://"],
    `https://portal.example/${"x".repeat(60_000)}`,
    ...nobodysTexts,
  ])("drops what is no picture's address: %#", (avatar_url) => {
    const { person, warnings } = decorationOf({ user: { name: "Ann", avatar_url } });
    expect(person).toEqual({ name: "Ann" });
    expect(warnings).toEqual([
      {
        field: "user.avatar_url",
        message: "was ignored: it is not an http or https address of at most 4096 characters",
      },
    ]);
  });

  it.each([
    ["Zoë Müller-O’Brien", "Zoë Müller-O’Brien"],
    ["  Ann ", "Ann"],
    ["\uFEFFAnn\n", "Ann"],
  ])("shows a name as it is, without the blanks around it: %j", (sent, name) => {
    expect(decorationOf({ user: { name: sent } })).toMatchObject({ person: { name }, warnings: [] });
  });

  it.each([
    ["x".repeat(65), "x".repeat(64)],
    ["😀".repeat(10_000), "😀".repeat(64)],
    ["An\u0000n\r\nLee", "An n Lee"],
    ["Ann\u202Excod.exe", "Ann xcod.exe"],
  ])("cuts or cleans a name, and says what became of it: %#", (sent, name) => {
    const { person, warnings } = decorationOf({ user: { name: sent } });
    expect(person).toEqual({ name });
    expect(warnings).toEqual([{ field: "user.name", message: expect.stringContaining(name) }]);
  });

  it.each([
    [undefined, "is missing"],
    [null, "is missing"],
    ["", "nothing of it can be seen"],
    ["\u0000\u202E", "nothing of it can be seen"],
    ["\u200D", "nothing of it can be seen"],
    ...nobodysTexts.map((sent) => [sent, "it is not text"]),
  ])("calls somebody without a name Guest: %j", (name, why) => {
    const { person, warnings } = decorationOf({ user: { name } });
    expect(person).toEqual({ name: "Guest", isNameless: true });
    expect(warnings).toEqual([{ field: "user.name", message: expect.stringContaining(String(why)) }]);
  });

  it("says nothing of a person whom the portal does not name", () => {
    expect(decorationOf({})).toEqual({ person: undefined, language: undefined, theme: undefined, warnings: [] });
  });
});

describe("a session with odd decoration", () => {
  let bridge: TestBridge;
  const portal = portalClient(() => bridge);
  beforeAll(async () => {
    bridge = await testBridge();
  });
  afterAll(() => bridge.close());

  const open = async (more: Record<string, unknown>) => {
    const { uri } = await portal.newFile();
    const answer = await portal.json("POST", "/sessions", 201, { uri, action: "edit", ...more });
    const session = sessionSchema.parse(answer);
    const editor = wopiClient(session);
    const fields = (answer["warnings"] as { field: string }[] | undefined)?.map(({ field }) => field);
    return { session, editor, fields, facts: (await editor.check()).json() };
  };
  const user = { id: "u", name: "Ann" };

  it.each<[string, Record<string, unknown>, object]>([
    ["lang", { lang: "Klingon!" }, {}],
    ["lang", { lang: ["de"] }, {}],
    ["theme", { theme: { dark: true } }, {}],
    ["user.email", { user: { ...user, email: 7 } }, { UserFriendlyName: "Ann" }],
    ["user.avatar_url", { user: { ...user, avatar_url: "javascript:alert(1)" } }, { UserFriendlyName: "Ann" }],
    ["user.name", { user: { ...user, name: "x".repeat(10_000) } }, { UserFriendlyName: "x".repeat(64) }],
    ["user.name", { user: { ...user, name: "An\u0000n\u202E" } }, { UserFriendlyName: "An n", IsAnonymousUser: false }],
    ["user.name", { user: { id: "u", name: "\u0007" } }, { UserFriendlyName: "Guest", IsAnonymousUser: true }],
    ["user.name", { user: { id: "u" } }, { UserFriendlyName: "Guest", IsAnonymousUser: true }],
  ])("opens, and a warning names %s: %#", async (field, more, shown) => {
    const { editor, fields, facts } = await open(more);
    expect(fields).toEqual([field]);
    expect(facts).toMatchObject({ ...shown, UserCanWrite: true });
    expect(facts).not.toHaveProperty("UserExtraInfo");
    expect((await editor.lock("A")).status).toBe(200);
    expect((await editor.put("after", "A")).status).toBe(200);
  });

  it("hears of every oddity at once", async () => {
    const odd = { lang: "", theme: "blue", user: { id: "u", name: 7, email: "x", avatar_url: "x" } };
    const { fields } = await open(odd);
    expect([...(fields ?? [])].sort()).toEqual(["lang", "theme", "user.avatar_url", "user.email", "user.name"]);
  });

  it("has no warnings when all is well, and the language as editors know it", async () => {
    const { session, fields } = await open({ lang: "de_AT", theme: "dark", user });
    expect(fields).toBeUndefined();
    expect(new URL(session.action_url).searchParams.get("lang")).toBe("de-AT");
  });

  it("tells two people without a name apart", async () => {
    const [one, two] = await Promise.all([open({ user: { id: "a" } }), open({ user: { id: "b" } })]);
    expect(one.facts["UserId"]).not.toBe(two.facts["UserId"]);
  });

  it("is still refused where a right, a restriction, a file or an id is wrong", async () => {
    const uri = "cloudreve://my/a.docx";
    const odd = { lang: 7, user: { id: 7, name: 7 }, options: { print: "no" }, action: "fly", embedded: "yes" };
    const { errors } = await portal.refused({ uri, version: 7, ...odd }, 422);
    expect(errors?.map(({ field }) => field).sort()).toEqual([
      ...["action", "embedded", "options.print", "user.id", "version"],
    ]);
  });

  it("may be as long as a request, and no longer", async () => {
    const { uri } = await portal.newFile();
    for (const more of [{ lang: "x".repeat(10_000_000) }, { user: { ...user, name: "x".repeat(10_000_000) } }]) {
      const { errors } = await portal.refused({ uri, action: "edit", ...more }, 422);
      expect(errors).toEqual([{ field: "body", message: "is too long" }]);
    }
  });
});
