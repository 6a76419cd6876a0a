import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatUri, isLegalName, parseUri } from "../../src/sandbox/fakeCloudreve/cloudreveUri.ts";
import { HashIds, type IdKind } from "../../src/sandbox/fakeCloudreve/hashIds.ts";
import { Timestamps } from "../../src/sandbox/fakeCloudreve/timestamps.ts";
import { totpCode } from "../../src/sandbox/fakeCloudreve/totp.ts";
import { decodeUtf7 } from "../../src/sandbox/fakeCloudreve/utf7.ts";
import { makeWopiSource } from "../../src/sandbox/fakeCloudreve/wopiSource.ts";
import { randomRuns } from "../support/tier.ts";

const kinds: IdKind[] = ["file", "entity", "user", "group", "policy", "share"];

describe("hash ids", () => {
  it("come back as the number they stand for, and never pass as an id of another kind", () => {
    const ids = new HashIds("one instance");
    fc.assert(
      fc.property(fc.nat(200_000), fc.constantFrom(...kinds), (number, kind) => {
        const word = ids.encode(kind, number);
        expect(word).toMatch(/^[A-Za-z0-9]{4,7}$/);
        expect(kinds.map((other) => ids.decode(other, word))).toEqual(
          kinds.map((other) => (other === kind ? number : undefined)),
        );
      }),
      randomRuns(100),
    );
  });

  it("are other words in another instance", () => {
    expect(new HashIds("one").encode("file", 5)).not.toBe(new HashIds("two").encode("file", 5));
  });
});

describe("cloudreve uris", () => {
  it("give back any legal names they were made of", () => {
    const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }).filter((text) => {
      return isLegalName(text) && text !== "." && text !== ".." && !/[\ud800-\udfff]/u.test(text);
    });
    fc.assert(
      fc.property(fc.array(name, { maxLength: 4 }), (names) => {
        const text = formatUri({ fs: "my", id: "", password: "" }, names);
        expect(parseUri(text)?.names).toEqual(names);
      }),
      randomRuns(100),
    );
  });

  it("resolve dots, drop a trailing slash and read a share's password", () => {
    expect(parseUri("cloudreve://abc:pw@share/a/../b/./c/")).toMatchObject({
      fs: "share",
      id: "abc",
      password: "pw",
      names: ["b", "c"],
    });
  });

  it("measure names in bytes", () => {
    expect([isLegalName("é".repeat(127)), isLegalName("é".repeat(128))]).toEqual([true, false]);
  });
});

describe("small readers and writers", () => {
  it("decode the UTF-7 of WOPI names and refuse UTF-8", () => {
    expect(decodeUtf7("+Zi9lhw- 1.docx")).toBe("是文 1.docx");
    expect(decodeUtf7("1 +- 1")).toBe("1 + 1");
    expect(decodeUtf7("Ã©tÃ©.docx")).toBeUndefined();
  });

  it("compute the one-time codes of RFC 6238", () => {
    expect(totpCode("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 59_000)).toBe("287082");
  });

  it("stamp one millisecond in a rising order, without trailing zeros", () => {
    const stamps = new Timestamps(() => 1_000);
    const made = [stamps.next(), stamps.next(), stamps.next()];
    expect([...new Set(made)].sort()).toEqual(made);
    expect(stamps.at(1_749_524_701_494)).toBe("2025-06-10T03:05:01.494Z");
    expect(stamps.at(1_749_524_700_000)).toBe("2025-06-10T03:05:00Z");
  });

  it("fall back to the view action, then to edit", () => {
    const viewer = {
      id: "v",
      type: "wopi" as const,
      display_name: "v",
      exts: ["docx"],
      wopi_actions: { docx: { edit: "http://editor.example/e?" } },
    };
    const source = makeWopiSource(viewer, "docx", "view", "http://drive.example/w");
    expect(source).toBe("http://editor.example/e?WOPISrc=http%3A%2F%2Fdrive.example%2Fw&lang=lng");
    expect(makeWopiSource(viewer, "xlsx", "view", "")).toBeUndefined();
  });
});
