import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nameForHeader, nameFromHeader } from "../../src/http/nameHeader.ts";
import { failureOf } from "../../src/model/failure.ts";
import { randomRuns } from "../support/tier.ts";

const header = "X-WOPI-SuggestedTarget";
const decode = (value: string): string => nameFromHeader(header, value);
const failureFrom = (value: string) => {
  try {
    return { decoded: decode(value) };
  } catch (error) {
    return failureOf(error, "headerInvalid");
  }
};

describe("a name from a header", () => {
  it.each([
    // RFC 2152's own examples.
    ["A+ImIDkQ.", "A≢Α."],
    ["Hi Mom -+Jjo--!", "Hi Mom -☺-!"],
    ["+ZeVnLIqe-", "日本語"],
    ["Item 3 is +AKM-1.", "Item 3 is £1."],
    // What an editor was seen to send.
    ["Bericht Gr+APYA3w-e.odt", "Bericht Größe.odt"],
    ["+APw.odt", "ü.odt"],
    ["a+-b +ACY c.docx", "a+b & c.docx"],
    // Harmless characters, shifted all the same.
    ["a+AF8-b.docx", "a_b.docx"],
    ["+AGEAYgBj-.docx", "abc.docx"],
    ["+AC0-.docx", "-.docx"],
    ["+-", "+"],
    ["+-+-", "++"],
    ["C+-+-.docx", "C++.docx"],
    ["a+--b", "a+-b"],
    ["1+-1", "1+1"],
    // Beyond the first plane, and more than one run.
    ["+2D3eAA-.docx", "😀.docx"],
    ["+2Dzf82WH/g8-x", "🏳文️x"],
    ["+2D3eAA-+2D3eAA-", "😀😀"],
    ["x+APw-y+APY-z", "xüyöz"],
    // A run ends without a minus at whatever is not of base64, and at the end.
    ["+APw b.odt", "ü b.odt"],
    ["+APw_b", "ü_b"],
    ["b+APw", "bü"],
    ["+APw--", "ü-"],
    ["+2D3eAA.docx", "😀.docx"],
    // A base64 alphabet of its own: the slash belongs to it, IMAP's comma does not.
    ["+/////w.", "\uffff\uffff."],
    ["+AD8,b", "?,b"],
    // Not shifted at all.
    ["plain.docx", "plain.docx"],
    ["100% #1 = [x] {y} ~`!$@^&*|<>;_.docx", "100% #1 = [x] {y} ~`!$@^&*|<>;_.docx"],
    ["a%2Bb%20c.docx", "a%2Bb%20c.docx"],
    ["", ""],
    // IMAP's variant is another encoding: an ampersand is an ampersand.
    ["Gr&APYA3w-e.odt", "Gr&APYA3w-e.odt"],
    ["&-", "&-"],
    // Decoded for what it is; whether it may be a name is asked elsewhere.
    ["+AC8-etc+AFw-x", "/etc\\x"],
    ["+AAA-", "\u0000"],
    ["+AA0ACg-", "\r\n"],
    ["+2D0-x", "\ud83dx"],
    ["+/v8-x", "\ufeffx"],
    ["a+/v8-x", "a\ufeffx"],
  ])("%j is %j", (value, name) => {
    expect(decode(value)).toBe(name);
  });

  it.each([
    ["a plus sign that begins nothing", "a+"],
    ["a plus sign before a blank", "a + b.docx"],
    ["a plus sign before a dot", "c+.docx"],
    ["plus signs that were not encoded", "C++.docx"],
    ["base64 of less than a byte", "+A-.docx"],
    ["base64 of one byte", "+AA-.docx"],
    ["base64 of a byte too much", "+APwA-.docx"],
    ["base64 of a character too much", "+APwAA-.docx"],
    ["bits left over that are not zero", "+APx-.docx"],
    ["a run that the next one continues", "+APw+APY-.docx"],
    ["raw UTF-8, as Node reads it", Buffer.from("Größe.odt").toString("latin1")],
    ["raw Latin-1", "Gr\u00f6\u00dfe.odt"],
    ["a control character", "a\u0007b.docx"],
    ["a tab", "a\tb.docx"],
  ])("is refused when it holds %s", (_what, value) => {
    expect(failureFrom(value)).toEqual({ kind: "headerInvalid", header, reason: "not UTF-7" });
  });

  it("is refused or decoded, whatever an editor sends, and never anything else", () => {
    const values = fc.string({ unit: fc.constantFrom(..."+-AQg/PwDe&,.=_ \u00fc\u0000"), maxLength: 40 });
    fc.assert(
      fc.property(values, (value) => {
        const outcome = failureFrom(value);
        expect(outcome).toBeDefined();
        if (outcome !== undefined && "decoded" in outcome)
          expect(decode(nameForHeader(outcome.decoded))).toBe(outcome.decoded);
      }),
      randomRuns(2_000),
    );
  });
});

describe("a name for a header", () => {
  it.each([
    ["plain (1), it's: a-b/c?.docx", "plain (1), it's: a-b/c?.docx"],
    ["+", "+-"],
    ["a+b.docx", "a+-b.docx"],
    ["ü.odt", "+APw-.odt"],
    ["a_b", "a+AF8-b"],
    ["😀", "+2D3eAA-"],
    ["a\r\nSet-Cookie: x", "a+AA0ACg-Set-Cookie: x"],
  ])("%j is sent as %j", (name, value) => {
    expect(nameForHeader(name)).toBe(value);
  });

  it("is printable ASCII and nothing else, and comes back as what it was", () => {
    const names = fc.oneof(
      fc.string({ unit: "binary", maxLength: 100 }),
      fc.string({ unit: "binary-ascii", maxLength: 100 }),
      fc.string({ unit: fc.constantFrom(..."+-_&/a=Z9\u0000\n\u00fc\u6587\ufeff\u202e", "\ud83d", "\ude00", "😀") }),
      fc.uint16Array({ maxLength: 60 }).map((units) => String.fromCharCode(...units)),
    );
    fc.assert(
      fc.property(names, (name) => {
        const value = nameForHeader(name);
        expect(value).toMatch(/^[\x20-\x7e]*$/);
        expect(decode(value)).toBe(name);
      }),
      randomRuns(2_000),
    );
  });
});
