import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { languages } from "../../src/pages/language.ts";
import { fill, placeholder } from "../../src/pages/words/fill.ts";
import { pageWords } from "../../src/pages/words/pageWords.ts";

type Words = Readonly<Record<string, Readonly<Record<string, string>>>>;

const host = fileURLToPath(new URL("../../src/host/", import.meta.url));

async function wordsOfHostPage(): Promise<Words> {
  const path = `${host}words/hostPageWords.ts`;
  if (!existsSync(path)) return {};
  const { hostPageWords } = (await import(path)) as { hostPageWords: Words };
  return hostPageWords;
}

/** The text of each file in src/host that speaks these words. */
async function sources(isOfHostPage: boolean): Promise<string[]> {
  const names = await readdir(host, { recursive: true });
  const paths = names.filter((name) => /\.(ts|js)$/.test(name) && /(^|\/)hostPage\w*\./.test(name) === isOfHostPage);
  return Promise.all(paths.map((path) => readFile(`${host}${path}`, "utf8")));
}

const placeholdersOf = (sentence: string): string[] => (sentence.match(placeholder) ?? []).sort();

describe.each([
  { name: "the pages for people", words: pageWords as Words, isOfHostPage: false },
  { name: "the host page", words: await wordsOfHostPage(), isOfHostPage: true },
])("words of $name", ({ words, isOfHostPage }) => {
  const all = Object.entries(words).flatMap(([language, strings]) =>
    Object.entries(strings).map(([key, sentence]) => ({ language, key, sentence })),
  );
  const keys = [...new Set(all.map(({ key }) => key))];

  it("are there in every language, and none is empty", () => {
    const missing = languages.flatMap((language) =>
      keys.filter((key) => (words[language]?.[key] ?? "").trim() === "").map((key) => `${language}: ${key}`),
    );
    expect(missing).toEqual([]);
    expect(all.length).toBe(keys.length * Object.keys(words).length);
  });

  it("name the same values in every language", () => {
    const differing = keys.filter((key) => {
      const named = languages.map((language) => placeholdersOf(words[language]?.[key] ?? "").join());
      return new Set(named).size > 1;
    });
    expect(differing).toEqual([]);
  });

  it("are all said somewhere", async () => {
    const said = new Set(
      (await sources(isOfHostPage)).flatMap((text) => text.match(/(?<=[wW]ords(\[\w+\])?\.)\w+/g) ?? []),
    );
    expect(keys.filter((key) => !said.has(key))).toEqual([]);
  });
});

describe("a sentence with placeholders", () => {
  it("takes its values, and shows a placeholder that got none", () => {
    expect(fill("{name} saved {count} times, {name}", { name: "$&", count: 2 })).toBe("$& saved 2 times, $&");
    expect(fill("{name} saved", {})).toBe("{name} saved");
  });
});
