import { fileURLToPath } from "node:url";
import { type BuildOptions, buildSync } from "esbuild";

/** Entries of the browser scripts, below `src`. Other sites import a module; our own pages load plain scripts. */
const entries: Readonly<Record<string, BuildOptions["format"]>> = {
  "pages/browser/pages.ts": "iife",
  "editorPage/browser/hostPage.ts": "iife",
  "editorPage/browser/failedPage.ts": "iife",
  "editorPage/browser/embed.ts": "esm",
};

const src = fileURLToPath(new URL("../", import.meta.url));

/**
 * The browser scripts, each in one file, by their path below `src` (and later below `dist`). Needs only the sources: it
 * runs at build, and at start when nothing is built.
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
