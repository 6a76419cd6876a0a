import { describe, expect, it } from "vitest";
import { chooseLanguage, editorLanguage, ownKind } from "../../src/words/language.ts";

describe("the language for a person", () => {
  it.each([
    ["the first that the bridge speaks", "it-IT, it;q=0.9, zh-CN;q=0.8, en;q=0.7", "zh-CN"],
    ["the one most wanted, wherever it stands", "en;q=0.5, zh;q=0.9", "zh-CN"],
    ["the first of two wanted equally", "en, zh", "en"],
    ["traditional Chinese for Taiwan", "zh-TW", "zh-TW"],
    ["traditional Chinese for Hong Kong", "zh-HK, zh;q=0.5", "zh-TW"],
    ["traditional Chinese for its script tag", "zh-Hant;q=0.3, it", "zh-TW"],
    ["simplified Chinese where the script says so", "zh-Hans-HK", "zh-CN"],
    ["simplified Chinese elsewhere", "zh-SG", "zh-CN"],
    ["German for every region", "de-AT, en;q=0.5", "de"],
    ["French for every region", "fr-CA", "fr"],
    ["Spanish for a part of the world", "es-419", "es"],
    ["Japanese", "ja-JP, en;q=0.5", "ja"],
    ["English for every region", "en-GB", "en"],
    ["the same in any case", "ZH-cn", "zh-CN"],
    ["the same with blanks wherever they may stand", "it , \ten ; q=0.2,zh ;Q=0.9", "zh-CN"],
    ["the most wanted one, though the weight is written in capitals", "zh;Q=0.1, en;q=0.9", "en"],
    ["not one that is not wanted at all", "zh;q=0, en;q=0.1", "en"],
    ["not one that is not wanted at all, in three places", "zh;q=0.000", "en"],
    ["English when none is spoken", "it, pt;q=0.9", "en"],
    ["English when anything goes", "*", "en"],
    ["what is named before anything goes", "zh;q=0.5, *;q=0.1", "zh-CN"],
    ["English for a language that begins like Chinese", "zha, zhx-CN", "en"],
    ["English for nothing", "", "en"],
    ["English for garbage", ";;,,=;q, ;q=1,-,_", "en"],
    ["no notice of a weight that is no number", "zh;q=., en;q=0.1", "en"],
    ["no notice of other parameters", "zh;level=1;q=0.1, en;q=0.9", "en"],
  ])("is %s", (_sentence, header, language) => {
    expect(chooseLanguage([], header)).toBe(language);
  });

  it("is English when the browser says nothing", () => {
    expect(chooseLanguage([], undefined)).toBe("en");
  });

  it("is what was chosen, before what the browser wants", () => {
    expect(chooseLanguage(["zh-CN"], "en")).toBe("zh-CN");
    expect(chooseLanguage([undefined, "en"], "zh")).toBe("en");
    expect(chooseLanguage(["en", "zh-CN"], undefined)).toBe("en");
  });

  it.each(["", "it", "*", "klingon", "<script>", "constructor"])(
    "passes over a choice that the bridge does not speak: %j",
    (choice) => {
      expect(chooseLanguage([choice], "zh")).toBe("zh-CN");
    },
  );

  it("takes a choice with a region and an underscore, as editors and portals write it", () => {
    expect(chooseLanguage(["zh_TW"], "en")).toBe("zh-TW");
    expect(chooseLanguage(["de_DE.UTF-8"], "en")).toBe("de");
    expect(chooseLanguage(["en_US"], "zh")).toBe("en");
  });

  it("takes a very long list without trouble", () => {
    expect(chooseLanguage([], `${"it;q=0.9,".repeat(2000)}zh;q=0.1`)).toBe("zh-CN");
  });
});

describe("the language that the editor is told", () => {
  it.each([
    ["is the browser's first", undefined, undefined, "de, en;q=0.5", "de-DE"],
    ["keeps the browser's region", undefined, undefined, "en-GB,en;q=0.9", "en-GB"],
    ["knows scripts", undefined, undefined, "zh-Hant, zh;q=0.5", "zh-TW"],
    ["is the one asked for", "fr_CA", "zh-CN", "de", "fr-CA"],
    ["is not one that is none", "klingon!", undefined, "de", "de-DE"],
    ["follows the language switch for who reads both", undefined, "zh-CN", "en-US", "zh-CN"],
    ["follows the language switch where the browser says nothing", undefined, "zh-CN", undefined, "zh-CN"],
    ["follows the switch from one kind of Chinese to the other", undefined, "zh-CN", "zh-TW", "zh-CN"],
    ["keeps a region that the switch does not know", undefined, "zh-TW", "zh-HK", "zh-HK"],
    ["is English where a German's pages were switched to it", undefined, "en", "de-AT, en;q=0.5", "en-US"],
    ["is an Italian's own, whatever our pages were switched to", undefined, "en", "it-CH, en;q=0.5", "it-CH"],
    ["is English when nobody says anything", undefined, undefined, undefined, "en-US"],
    ["is English for garbage", undefined, undefined, ";;,*,=;q", "en-US"],
  ] as const)("%s", (_sentence, asked, kept, header, told) => {
    expect(editorLanguage(asked, kept, header)).toBe(told);
  });
});

describe("the kind of a language for times and dates", () => {
  it.each([
    ["is the reader's own", "en", ["de", "en-AU", "en-US"], "en-AU"],
    ["is the one the page is in, where the reader has none", "fr", ["de", "en-AU"], "fr"],
    ["is not the other kind of Chinese", "zh-TW", ["zh-CN", "zh-HK"], "zh-HK"],
  ] as const)("%s", (_sentence, language, spoken, kind) => {
    expect(ownKind(language, spoken)).toBe(kind);
  });
});
