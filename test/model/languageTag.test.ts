import { describe, expect, it } from "vitest";
import { languageTag } from "../../src/model/languageTag.ts";

describe("a person's language", () => {
  it.each([
    ["de", "de-DE"],
    ["de-DE", "de-DE"],
    ["de_DE", "de-DE"],
    ["de_AT.UTF-8", "de-AT"],
    ["de_DE@euro", "de-DE"],
    [" DE-at ", "de-AT"],
    ["en", "en-US"],
    ["en-gb", "en-GB"],
    ["pt-br", "pt-BR"],
    ["pt_PT", "pt-PT"],
    ["zh", "zh-CN"],
    ["zh-Hans", "zh-CN"],
    ["zh-Hant", "zh-TW"],
    ["zh-hant-hk", "zh-HK"],
    ["zh_TW", "zh-TW"],
    ["sr-Latn", "sr-Latn-RS"],
    ["sr", "sr-RS"],
    ["fil", "fil-PH"],
    ["es-419", "es-419"],
    ["iw", "he-IL"],
    ["de-CH-1996", "de-CH"],
    ["ja-u-ca-japanese", "ja-JP"],
  ])("%s is told editors as %s", (spelling, tag) => {
    expect(languageTag(spelling)).toBe(tag);
  });

  it.each(["", " ", "C", "POSIX", "*", "und", "German", "de--DE", "12", "de-D\u0000", "<script>", "a".repeat(5000)])(
    "%j is none",
    (text) => {
      expect(languageTag(text)).toBeUndefined();
    },
  );
});
