import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const src = join(root, "src");

/** Every folder below `src`, as its README names it: `pages/views`. */
const rooms = readdirSync(src, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => relative(src, join(entry.parentPath, entry.name)))
  .sort();

const readmes = new Map(rooms.map((room) => [room, readmeOf(room)]));

function readmeOf(room: string): string {
  const path = join(src, room, "README.md");
  return existsSync(path) ? readFileSync(path, "utf8").trimEnd() : "";
}

const quoted = (text: string): string[] => [...text.matchAll(/`([^`\n]+)`/g)].map(([, one = ""]) => one);

/** Paths in backticks; an address of the bridge, such as `/embed.js`, begins with a slash. */
const filesNamedIn = (text: string): string[] =>
  quoted(text).filter((one) => /^[\w.][\w./-]*(\.(ts|js|css|html|svg|md|json)|\/)$|^(src|test)\/[\w./-]+$/.test(one));

/** The folders named after a bold label, which may go on in the next lines. */
const roomsAfter = (label: string, readme: string): string[] => {
  const [, rest = ""] = readme.split(`**${label}:**`);
  return quoted(rest.split(/\n(?=\n|\*\*)/)[0] ?? "").filter((one) => rooms.includes(one));
};

/** The folders that the files of a folder import from. */
function importsOf(room: string): string[] {
  const files = readdirSync(join(src, room)).filter((name) => /\.[jt]s$/.test(name));
  const froms = files.flatMap((name) => {
    const text = readFileSync(join(src, room, name), "utf8");
    return [...text.matchAll(/(?:from|import\() ?"(\.[^"]+)"/g)].map(([, path = ""]) => path);
  });
  const targets = froms.map((path) => relative(src, dirname(join(src, room, path))));
  return [...new Set(targets)].filter((target) => target !== room && rooms.includes(target));
}

describe("the README of each folder in src", () => {
  it.each(rooms)("%s: is there and has at most 20 lines", (room) => {
    const readme = readmes.get(room) ?? "";
    expect(readme).toMatch(new RegExp(`^# ${room}: .`));
    expect(readme.split("\n").length).toBeLessThanOrEqual(20);
  });

  it.each(rooms)("%s: names only files that exist", (room) => {
    const isThere = (path: string): boolean => existsSync(join(src, room, path)) || existsSync(join(root, path));
    expect(filesNamedIn(readmes.get(room) ?? "").filter((path) => !isThere(path))).toEqual([]);
  });

  it.each(rooms)("%s: names every folder that it imports from", (room) => {
    expect(roomsAfter("May import", readmes.get(room) ?? "")).toEqual(expect.arrayContaining(importsOf(room)));
  });

  it.each(rooms)("%s: names the folders that may import it, as they say themselves", (room) => {
    const importers = rooms.filter((other) => roomsAfter("May import", readmes.get(other) ?? "").includes(room));
    expect(roomsAfter("Imported by", readmes.get(room) ?? "").sort()).toEqual(importers);
  });
});
