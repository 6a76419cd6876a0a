import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkName, fileType, joinName, nearestName, nearestRename } from "../../src/model/fileName.ts";
import { splitName } from "../../src/model/nameRules.ts";
import { randomRuns } from "../support/tier.ts";

const bytes = (text: string): number => Buffer.byteLength(text);
const printable = /^[\x20-\x7e]+$/;

/** Names as people, editors and attackers make them: much of what a rule looks at, in any order. */
const pieces = fc.constantFrom(
  ..."aZ0._-+%#&'()[]{}~`!$@,;= ",
  ...'\\/:*?"<>|',
  ..."\u0000\u0007\t\n\r\u001f\u007f\u0085\u009f",
  ..."\u00a0\u2003\u2028\u3000\ufeff\u200b\u202e\u0301\u00fc\u6587\u05e9\u0639",
  "\ud83d",
  "\ude00",
  "😀",
  "👩‍👩‍👧",
  "..",
  ".docx",
  " (2)",
  "CON",
  "lpt1",
);
const anyName = fc.oneof(
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.string({ unit: pieces, maxLength: 60 }),
  fc.string({ unit: pieces, minLength: 60, maxLength: 400 }),
  fc
    .tuple(fc.string({ unit: pieces, maxLength: 300 }), fc.constantFrom(".docx", ".ODT", ".tar.gz"))
    .map(([a, b]) => a + b),
);

describe("checkName", () => {
  it.each([
    "Report.docx",
    "no extension",
    ".hidden",
    "...docx",
    "a..b.docx",
    "Bericht Größe.odt",
    "文書 ユニコード.docx",
    "emoji 😀🏳️‍🌈.docx",
    "nfd e\u0301.docx",
    "תקציב 2026.xlsx",
    "evil\u202excod.exe",
    "100% #1 + 50%41 & 'it's' (1) [x] {y} ~`!$@,;=^.docx",
    "a%2Fb.docx",
    "console.docx",
    "com.docx",
    "com10.docx",
    "my con.docx",
    "con-1.docx",
  ])("takes %j", (name) => {
    expect(checkName(name)).toEqual({ ok: true });
  });

  it.each([
    ["ASCII", "a", 225],
    ["CJK", "文", 75],
    ["emoji", "😀", 56],
    ["letters and combining accents", "e\u0301", 75],
  ])("takes a name as long as Cloudreve can store on its disk, and not one character more: %s", (_of, one, count) => {
    expect(checkName(`${one.repeat(count)}.docx`)).toEqual({ ok: true });
    expect(checkName(`${one.repeat(count + 1)}.docx`)).toMatchObject({
      ok: false,
      reason: "the name is longer than 230 bytes",
    });
  });

  it.each([
    ["", "empty"],
    [" ", "empty"],
    ["\u3000\t", "empty"],
    [".", "relative path"],
    ["..", "relative path"],
    ["a/b.docx", "contains one of"],
    ["../a.docx", "contains one of"],
    ["a\\b.docx", "contains one of"],
    ["C:a.docx", "contains one of"],
    ["a.docx:stream", "contains one of"],
    ["a*.docx", "contains one of"],
    ["what?.docx", "contains one of"],
    ['"quoted".docx', "contains one of"],
    ["<a>.docx", "contains one of"],
    ["a|b.docx", "contains one of"],
    ["a\u0000.docx", "control"],
    ["a\nb.docx", "control"],
    ["a\r.docx", "control"],
    ["a\u007f.docx", "control"],
    ["a\u0085.docx", "control"],
    ["a\ud83d.docx", "an incomplete character"],
    ["\ude00a.docx", "an incomplete character"],
    [" a.docx", "starts with a space"],
    ["\u00a0a.docx", "starts with a space"],
    ["\ufeffa.docx", "starts with a space"],
    ["a.docx ", "ends with a dot or a space"],
    ["a.docx.", "ends with a dot or a space"],
    ["a.docx\u3000", "ends with a dot or a space"],
    ["...", "ends with a dot or a space"],
    ["con", "Windows"],
    ["CON.docx", "Windows"],
    ["nul.tar.gz", "Windows"],
    ["Aux.", "dot or a space"],
    ["nul .docx", "Windows"],
    ["COM1.docx", "Windows"],
    ["lpt9", "Windows"],
    ["com².docx", "Windows"],
    ["CONIN$.docx", "Windows"],
    ["conout$", "Windows"],
  ])("refuses %j and says why", (name, why) => {
    const verdict = checkName(name);
    expect(verdict).toMatchObject({ ok: false, reason: expect.stringContaining(why) });
  });

  it("gives reasons that fit into a header, whatever the name", () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const verdict = checkName(name);
        if (!verdict.ok) expect(verdict.reason).toMatch(printable);
      }),
      randomRuns(100),
    );
  });
});

describe("splitName", () => {
  it.each([
    ["Report.docx", "Report", ".docx"],
    ["Report.final.docx", "Report.final", ".docx"],
    [".docx", ".docx", ""],
    ["..docx", ".", ".docx"],
    ["Report", "Report", ""],
    ["", "", ""],
    ["Report.", "Report", "."],
    ["文書.odt", "文書", ".odt"],
    [`a.${"x".repeat(31)}`, "a", `.${"x".repeat(31)}`],
    [
      `A sentence. ${"And another one, longer, ".repeat(3)}`,
      `A sentence. ${"And another one, longer, ".repeat(3)}`,
      "",
    ],
  ])("%j is %j and %j", (name, stem, extension) => {
    expect(splitName(name)).toEqual({ stem, extension });
  });

  it("takes apart what can be put together again", () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const { stem, extension } = splitName(name);
        expect(stem + extension).toBe(name);
        expect(extension).toMatch(/^(\.[^.]*)?$/u);
        expect(splitName(`x${extension}`).extension).toBe(extension);
      }),
      randomRuns(100),
    );
  });
});

describe("joinName", () => {
  it("joins what fits as it is", () => {
    expect(joinName("Report", " (2).docx")).toBe("Report (2).docx");
    expect(joinName("a".repeat(225), ".docx")).toBe(`${"a".repeat(225)}.docx`);
  });

  it.each([
    ["ASCII", "a", 225],
    ["umlauts of two bytes", "ä", 112],
    ["CJK of three", "文", 75],
    ["emoji of four", "😀", 56],
  ])("cuts %s between characters", (_name, character, count) => {
    expect(joinName(character.repeat(300), ".docx")).toBe(`${character.repeat(count)}.docx`);
  });

  it("leaves no dot or blank at the end where no tail follows", () => {
    expect(joinName(`${"a".repeat(228)} .tail`, "")).toBe("a".repeat(228));
  });

  it("cuts even a tail that is too long by itself", () => {
    expect(joinName("Report", "a".repeat(300))).toBe("a".repeat(230));
  });

  it("never exceeds 230 bytes, never splits a character, and keeps the tail", () => {
    const tails = fc.string({ unit: "binary", maxLength: 400 });
    fc.assert(
      fc.property(anyName, tails, (stem, tail) => {
        const joined = joinName(stem, tail);
        expect(bytes(joined)).toBeLessThanOrEqual(230);
        if (stem.isWellFormed() && tail.isWellFormed()) expect(joined.isWellFormed()).toBe(true);
        if (bytes(tail) <= 230) expect(joined.endsWith(tail)).toBe(true);
        if (tail !== "" && bytes(stem + tail) <= 230) expect(joined).toBe(stem + tail);
      }),
      randomRuns(100),
    );
  });
});

describe("nearestName", () => {
  it.each([
    ["Report.docx", 0, "Report.docx"],
    ["Report.docx", 1, "Report (2).docx"],
    ["Report.docx", 9, "Report (10).docx"],
    ["Report", 1, "Report (2)"],
    ["Report (2).docx", 1, "Report (2) (2).docx"],
    [".docx", 0, ".docx"],
    ["a/b\\c.docx", 0, "a_b_c.docx"],
    ["../../etc/passwd", 0, ".._.._etc_passwd"],
    ['a:*?"<>|b.docx', 0, "a_______b.docx"],
    ["a\u0000b\n.docx", 0, "a_b_.docx"],
    ["  Report.docx  ", 0, "Report.docx"],
    ["Report.docx.", 0, "Report.docx"],
    ["Report.docx.", 1, "Report (2).docx"],
    ["Report.docx . .", 2, "Report (3).docx"],
    ["Report.", 0, "Report"],
    ["con.docx", 0, "_con.docx"],
    ["NUL", 0, "_NUL"],
    ["con.docx", 1, "con (2).docx"],
    ["half \ud83d.docx", 0, "half \ufffd.docx"],
    ["", 0, "Document"],
    ["", 1, "Document (2)"],
    ["..", 0, "Document"],
    [" . ", 1, "Document (2)"],
  ])("%j, attempt %i, is %j", (suggested, attempt, expected) => {
    expect(nearestName(suggested, attempt)).toBe(expected);
  });

  it("cuts what is too long and leaves room for the number", () => {
    expect(nearestName(`${"文".repeat(200)}.docx`, 0)).toBe(`${"文".repeat(75)}.docx`);
    expect(nearestName(`${"文".repeat(200)}.docx`, 1)).toBe(`${"文".repeat(73)} (2).docx`);
  });

  it("is still a name when only blanks are left of what was cut", () => {
    const name = nearestName(`.${" ".repeat(300)}x`, 0);
    expect(checkName(name)).toEqual({ ok: true });
  });

  it("is always a name that may be used", () => {
    fc.assert(
      fc.property(anyName, fc.nat({ max: 10_000 }), (suggested, attempt) => {
        expect(checkName(nearestName(suggested, attempt))).toEqual({ ok: true });
      }),
      randomRuns(2_000),
    );
  });

  it("keeps a good name as it is", () => {
    fc.assert(
      fc.property(anyName, (name) => {
        fc.pre(checkName(name).ok);
        expect(nearestName(name, 0)).toBe(name);
      }),
      randomRuns(100),
    );
  });

  it("keeps the extension, whatever else it changes", () => {
    const stems = fc.string({ unit: pieces, minLength: 1, maxLength: 400 });
    const extensions = fc.constantFrom(".docx", ".ODT", ".p", ".文書");
    fc.assert(
      fc.property(stems, extensions, fc.nat({ max: 100 }), (stem, extension, attempt) => {
        // What is only a dot and an extension has no stem: a leading dot begins none.
        fc.pre(/[^\s]/u.test(stem));
        expect(splitName(nearestName(`${stem}${extension}`, attempt)).extension).toBe(extension);
      }),
      randomRuns(1_000),
    );
  });

  it("gives another name at each attempt", () => {
    fc.assert(
      fc.property(anyName, (suggested) => {
        const names = [0, 1, 2, 3, 9, 10, 98, 99, 100].map((attempt) => nearestName(suggested, attempt));
        expect(new Set(names).size).toBe(names.length);
      }),
      randomRuns(1_000),
    );
  });

  it("gives another name even where the cut has left something like a number at the end", () => {
    const suggested = `${"a".repeat(221)} (2)${"b".repeat(50)}.docx`;
    expect(nearestName(suggested, 0)).toBe(`${"a".repeat(221)} (2).docx`);
    const names = Array.from({ length: 12 }, (_, attempt) => nearestName(suggested, attempt));
    expect(new Set(names).size).toBe(12);
    for (const name of names) expect(checkName(name)).toEqual({ ok: true });
  });
});

describe("nearestRename", () => {
  const extension = fc.constantFrom("", ".docx", ".ODT");

  it("gives a name that may be used and has the extension, or none when nothing of the wanted one is left", () => {
    fc.assert(
      fc.property(anyName, extension, fc.nat(60), (stem, end, attempt) => {
        const name = nearestRename(stem, end, attempt);
        if (name === undefined) return /^[\s.]*$/u.test(stem);
        return checkName(name).ok && name.endsWith(end) && name !== end;
      }),
      randomRuns(100),
    );
  });

  it("leaves a stem that may be used as it is, and never gives one name twice", () => {
    fc.assert(
      fc.property(anyName, extension, (stem, end) => {
        const names = Array.from({ length: 12 }, (_, attempt) => nearestRename(stem, end, attempt));
        fc.pre(names[0] !== undefined);
        if (checkName(stem).ok && checkName(`${stem}${end}`).ok) expect(names[0]).toBe(`${stem}${end}`);
        expect(new Set(names).size).toBe(names.length);
      }),
      randomRuns(100),
    );
  });

  it("does not take its time with what is far longer than any name", () => {
    const startedAtMs = performance.now();
    for (const text of [" ".repeat(200_000), `${"a ".repeat(100_000)}x`, `${". ".repeat(100_000)}x`]) {
      nearestRename(`x${text}x`, ".docx", 1);
      nearestName(`x${text}x.docx`, 1);
    }
    expect(performance.now() - startedAtMs).toBeLessThan(1_000);
  });
});

describe("fileType", () => {
  it.each([
    ["Report.DOCX", "docx"],
    ["a.tar.gz", "gz"],
    [".docx", undefined],
    ["Report", undefined],
    ["Report.", undefined],
    [`Report.${"x".repeat(40)}`, undefined],
  ])("of %s is %s", (name, type) => {
    expect(fileType(name)).toBe(type);
  });
});
