import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserScript } from "../../src/pages/browserScript.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const tsc = join(root, "node_modules/typescript/bin/tsc");
const run = promisify(execFile);
let dir: string;
const example = (path: string) => readFile(join(root, "examples", path), "utf8");

/** Types of a framework, as far as an example uses it: it is not installed here. */
const frameworks = {
  react: `export function useEffect(work: () => (() => void) | void, of: readonly unknown[]): void;
export function useRef<Value>(value: Value): { current: Value };
export function useRef<Value>(value: Value | null): { current: Value | null };
export namespace JSX { interface IntrinsicElements { div: object } interface Element {} }`,
  vue: `export function onMounted(work: () => void): void;
export function onBeforeUnmount(work: () => void): void;
export function ref<Value>(): { value: Value | undefined };
declare global {
  function defineProps<Props>(): Props;
  function defineEmits<Events extends Record<string, unknown[]>>():
    <Name extends keyof Events>(name: Name, ...details: Events[Name]) => void;
  function defineExpose(exposed: object): void;
}`,
};

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "embed-package-"));
  const { stdout } = await run("npm", ["pack", "--silent", "--pack-destination", dir], {
    cwd: join(root, "packages/embed"),
  });
  await writeFile(join(dir, "package.json"), '{ "private": true, "type": "module" }');
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", `./${stdout.trim()}`], { cwd: dir });
  for (const [name, types] of Object.entries(frameworks)) {
    await mkdir(join(dir, "node_modules", name), { recursive: true });
    await writeFile(
      join(dir, "node_modules", name, "package.json"),
      JSON.stringify({
        name,
        exports: { ".": { types: "./index.d.ts" }, "./jsx-runtime": { types: "./jsx-runtime.d.ts" } },
      }),
    );
    await writeFile(join(dir, "node_modules", name, "index.d.ts"), types);
  }
  await writeFile(join(dir, "node_modules/react/jsx-runtime.d.ts"), 'export { JSX } from "./index.d.ts";');
  await symlink(join(root, "node_modules/typescript"), join(dir, "node_modules/typescript"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** @returns what the compiler says, nothing when all fits */
async function mistakesIn(name: string, text: string): Promise<string> {
  await writeFile(join(dir, name), text);
  const options = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext"];
  const { stdout } = await run(process.execPath, [tsc, ...options, "--jsx", "react-jsx", name], {
    cwd: dir,
  }).catch((error: { stdout: string }) => error);
  return stdout;
}

describe("embed.js as a package", () => {
  it("is the very script that a bridge serves", async () => {
    const installed = join(dir, "node_modules/cloudreve-office-embed");
    expect(await readFile(join(installed, "embed.js"))).toEqual(browserScript("editorPage/browser/embed.js"));
  });

  it("can be imported, on a server too", async () => {
    const text = 'import { openDocument } from "cloudreve-office-embed"; console.log(typeof openDocument);';
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", text], { cwd: dir });
    expect(stdout).toBe("function\n");
  });

  it("brings its types", async () => {
    const use = (event: string) => `import { openDocument } from "cloudreve-office-embed";
const opened = openDocument(document.body, { hostPageUrl: "https://a.example", on: { ${event}: ({ by }) => by.trim() } });
export const isClosed: Promise<boolean> = opened.close();`;
    expect(await mistakesIn("right.ts", use("saved"))).toBe("");
    expect(await mistakesIn("wrong.ts", use("savd"))).toContain("savd");
  });

  it("fits the example for React", async () => {
    const text = await example("react/OfficeDocument.tsx");
    expect(await mistakesIn("OfficeDocument.tsx", text)).toBe("");
  });

  it("fits the example for Vue", async () => {
    const [, script = ""] =
      /<script setup lang="ts">\n(.*?)<\/script>/s.exec(await example("vue/OfficeDocument.vue")) ?? [];
    await transform(script, { loader: "ts" });
    expect(await mistakesIn("vue.ts", script)).toBe("");
  });
});
