import { fileURLToPath } from "node:url";
import { type BuildOptions, buildSync } from "esbuild";

/** Entry of each script for browsers, below `src`. What another page imports is a module; our own pages load scripts. */
const entries: Readonly<Record<string, BuildOptions["format"]>> = {
  "pages/browser/pages.ts": "iife",
  "editorPage/browser/hostPage.ts": "iife",
  "editorPage/browser/embed.ts": "esm",
};

const src = fileURLToPath(new URL("../", import.meta.url));

/**
 * The scripts for browsers, each whole, by their place below `src` and then below `dist`. Runs from the sources alone:
 * at build, and at start where nothing is built.
 */
export function bundle(): Map<string, Uint8Array> {
  return new Map(
    Object.entries(entries).map(([entry, format]) => {
      const { outputFiles } = buildSync({
        absWorkingDir: src,
        entryPoints: [entry],
        bundle: true,
        ...(format === undefined ? {} : { format }),
        target: "es2022",
        charset: "utf8",
        tsconfigRaw: { compilerOptions: { strict: true } },
        write: false,
      });
      return [entry.replace(/\.ts$/, ".js"), outputFiles[0]?.contents ?? new Uint8Array()];
    }),
  );
}
