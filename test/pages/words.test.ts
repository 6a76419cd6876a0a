import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { linkOptions } from "../../src/links/linkOptions.ts";
import { fill, placeholder } from "../../src/words/fill.ts";
import { languages } from "../../src/words/language.ts";
import { wordsIn } from "../../src/words/words.ts";

/** The text of each file of a room that speaks these words. */
async function sources(room: "pages" | "editorPage" | "mail"): Promise<string[]> {
  const source = fileURLToPath(new URL("../../src/", import.meta.url));
  const names = (await readdir(`${source}${room}`, { recursive: true })).filter((name) => /\.(ts|js)$/.test(name));
  // Both rooms say what is wrong with a name.
  const paths = [...names.map((name) => `${room}/${name}`), "words/nameFaults.ts"];
  return Promise.all(paths.map((path) => readFile(`${source}${path}`, "utf8")));
}

const placeholdersOf = (sentence: string): string[] => (sentence.match(placeholder) ?? []).sort();

/** Names, mere placeholders, and words that another language shares with English. */
const sameInEnglish = new Set([
  ...["zh-CN", "zh-TW", "de", "fr", "es", "ja"].map((language) => `${language} productName: Office Bridge`),
  ...["de", "fr", "es"].flatMap((language) => [`${language} between: , `, `${language} endedWith: {end} {unsaved}`]),
  ...["de", "fr"].map((language) => `${language} secondFactorCode: Code`),
  "de inFolder: in {name}",
  "de sortName: Name",
  "de newName: Name",
  "de uploads: Uploads",
  "de throughPortal: in {portal}",
  "de adminLinks: Links",
  "de details: Details",
  "fr documents: Documents",
  "fr toDocuments: Documents",
  "fr versions: Versions",
  "fr adminTitle: Administration",
  "fr restrictions: Restrictions",
  "fr noteLabel: Note",
  "es no: No",
]);

describe.each([
  { name: "the pages for people", place: "pages" as const, room: "pages" as const },
  { name: "the editor's page", place: "editorPage" as const, room: "editorPage" as const },
  { name: "mails", place: "mail" as const, room: "mail" as const },
])("words of $name", ({ place, room }) => {
  const words: Readonly<Record<string, Readonly<Record<string, string>>>> = Object.fromEntries(
    languages.map((language) => [language, wordsIn[language][place]]),
  );
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

  it("are said in each language's own words", () => {
    const same = languages
      .filter((language) => language !== "en")
      .flatMap((language) =>
        keys
          .filter((key) => words[language]?.[key] === words["en"]?.[key])
          .map((key) => `${language} ${key}: ${words["en"]?.[key]}`),
      );
    expect(same.filter((one) => !sameInEnglish.has(one))).toEqual([]);
  });

  it("are all said somewhere", async () => {
    const said = new Set(
      (await sources(room)).flatMap((text) => text.match(/(?<=(?:[wW]ords|\.pages|\.editorPage|\.mail)\.)\w+/g) ?? []),
    );
    // The pages take these from the table.
    const ofOptions = Object.values(linkOptions).flatMap((option) => [
      option.label,
      "hint" in option ? option.hint : "",
    ]);
    expect(keys.filter((key) => !said.has(key) && !ofOptions.some((word) => word === key))).toEqual([]);
  });
});

describe("the name of a button for screen readers", () => {
  it("has in it what the button shows, in every language", async () => {
    const named = /aria-label="\$\{fill\(words\.(\w+), [^`]*?\)\}"[^>]*>\$\{words\.(\w+)\}/g;
    const passedOn = /words\.(\w+), words\.(\w+NameToEdit|\w+From)\b/g;
    const pairs = (await sources("pages")).flatMap((text) => [
      ...[...text.matchAll(named)].map(([, name = "", shown = ""]) => ({ name, shown })),
      ...[...text.matchAll(passedOn)].map(([, shown = "", name = ""]) => ({ name, shown })),
    ]);
    expect(pairs.length).toBeGreaterThan(12);
    const differing = languages.flatMap((language) => {
      const words: Readonly<Record<string, string>> = wordsIn[language].pages;
      const said = (key: string): string => (words[key] ?? key).toLowerCase();
      return pairs
        .filter(({ name, shown }) => !said(name).includes(said(shown)))
        .map(({ name }) => `${language}: ${name}`);
    });
    expect(differing).toEqual([]);
  });
});

describe("a sentence with placeholders", () => {
  it("takes its values, and shows a placeholder that got none", () => {
    expect(fill("{name} saved {count} times, {name}", { name: "$&", count: 2 })).toBe("$& saved 2 times, $&");
    expect(fill("{name} saved", {})).toBe("{name} saved");
  });
});
