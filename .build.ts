import { execFileSync } from "node:child_process";
import { cpSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "./src/pages/bundle.ts";

// `npm run build`: what production runs, as JavaScript in `dist`, folder for folder as in `src`.
const root = fileURLToPath(new URL(".", import.meta.url));
const dist = join(root, "dist");

rmSync(dist, { recursive: true, force: true });
execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", ".tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});
for (const room of ["editorPage/browser", "pages/browser"]) {
  cpSync(join(root, "src", room), join(dist, room), {
    recursive: true,
    filter: (path) => !/(?<!\.d)\.ts$|\.(json|md)$/.test(path),
  });
}
for (const [place, script] of bundle()) writeFileSync(join(dist, place), script);
