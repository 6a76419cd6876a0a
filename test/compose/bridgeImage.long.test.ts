import { execFile, execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { builtinModules } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openDemoEditor } from "../../src/sandbox/demoEditor/demoEditor.ts";
import { openFakeCloudreve } from "../../src/sandbox/fakeCloudreve/fakeCloudreve.ts";
import { freePorts, runNode } from "../support/childProcess.ts";
import { until } from "../support/until.ts";
import { composeWith, filledIn, imageStages, onThisMachine, repository, serviceNamed } from "./composeFile.ts";

const bridge = serviceNamed(composeWith(filledIn({ SECRET: "0123456789abcdef0123456789abcdef" }, false)), "bridge");
const image = imageStages.at(-1) ?? [];
const stageNamed = (name: string) => imageStages.find(([from = ""]) => from.endsWith(` AS ${name}`)) ?? [];

/** What a stage copies out of the build context. */
const copies = (stage: readonly string[]) =>
  stage
    .filter((line) => /^COPY (?!--from)/.test(line))
    .map((line) => line.split(/\s+/).slice(1))
    .map((words) => ({ sources: words.slice(0, -1), target: words.at(-1) ?? "" }));

/** The JSON form of an instruction's command. */
const words = (stage: readonly string[], instruction: "CMD" | "HEALTHCHECK"): string[] => {
  const [line = ""] = stage.filter((one) => one.startsWith(`${instruction} `));
  return JSON.parse(line.slice(line.indexOf("["))) as string[];
};

const lines = (name: string) => readFileSync(join(repository, name), "utf8").split("\n");
const json = (name: string): unknown => JSON.parse(readFileSync(join(repository, name), "utf8"));
const packages = json("package.json") as { scripts: Record<string, string>; dependencies: Record<string, string> };
const lock = json("package-lock.json") as { packages: Record<string, { dev?: boolean }> };

/** As Docker reads .dockerignore: the last rule that names a path or a folder above it decides. */
const rules = lines(".dockerignore")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => ({ keeps: line.startsWith("!"), pattern: line.replace(/^!/, "").replace(/^\//, "") }));
function isIgnored(path: string): boolean {
  const parts = path.split("/");
  const above = parts.map((_part, index) => parts.slice(0, index + 1).join("/"));
  const matches = (pattern: string) => {
    const expression = pattern.replace(/[.+^$()|[\]{}]/g, "\\$&").replaceAll("*", "[^/]*");
    return above.some((folder) => new RegExp(`^${expression}$`).test(folder));
  };
  return rules.reduce((ignored, { keeps, pattern }) => (matches(pattern) ? !keeps : ignored), false);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

const withoutComments = (source: string) => source.replace(/^\s*(\/\/|\/?\*).*$/gm, "");

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "bridge-image-"));
  cleanUp.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A stage's folder with what it copies out of the build context, and the packages. */
function unpacked(stage: readonly string[], withDevelopment: boolean): string {
  const app = join(temporaryFolder(), "app");
  for (const { sources, target } of copies(stage)) {
    for (const source of sources) {
      const to = join(app, target, target.endsWith("/") ? source : "");
      cpSync(join(repository, source), to, {
        recursive: true,
        filter: (path) => !isIgnored(path.slice(repository.length).replace(/^\//, "")),
      });
    }
  }
  for (const [place, { dev }] of Object.entries(lock.packages)) {
    if (!/^node_modules\/(@[^/]+\/)?[^/]+$/.test(place) || (dev === true && !withDevelopment)) continue;
    if (!existsSync(join(repository, place))) continue;
    mkdirSync(dirname(join(app, place)), { recursive: true });
    symlinkSync(join(repository, place), join(app, place));
  }
  return app;
}

/** The image's /app, put together by hand: built as the Dockerfile builds it, and without the packages for development. */
function unpackedImage(): string {
  const build = unpacked(stageNamed("build"), true);
  execFileSync("npm", ["run", "--silent", "build"], { cwd: build });
  const app = unpacked(image, false);
  cpSync(join(build, "dist"), join(app, "dist"), { recursive: true });
  return app;
}

describe("the image of the bridge", () => {
  it("copies only what exists, and what reaches the build", () => {
    const sources = imageStages.flatMap((stage) => copies(stage).flatMap(({ sources: some }) => some));
    expect(sources).toContain("src");
    for (const source of sources) {
      expect([source, existsSync(join(repository, source)), isIgnored(source)]).toEqual([source, true, false]);
    }
  });

  it("is built without secrets, data, tests, packages, history and sandbox", () => {
    const kept = ["src/main.ts", "src/editorPage/browser/embed.ts"];
    const left = [".env", "data/bridge.db", "sandbox-data/secret", "node_modules/zod/index.js", ".git/HEAD"];
    left.push("test/config.test.ts", "src/sandbox/main.ts", "README.md", "collabora-compose.yml");
    for (const path of kept) expect([path, isIgnored(path)]).toEqual([path, false]);
    for (const path of left) expect([path, isIgnored(path)]).toEqual([path, true]);
  });

  it("takes over what was built and the packages it runs with, without those for development", () => {
    const taken = image.flatMap((line) => /^COPY --from=(\S+) (\S+)/.exec(line)?.slice(1, 3).join(" ") ?? []);
    expect(taken).toEqual(["dependencies /app/node_modules", "build /app/dist"]);
    expect(stageNamed("dependencies")).toContain("RUN npm ci --omit=dev");
    expect(stageNamed("build")).toContain("RUN npm run build");
    expect(copies(image)).toEqual([{ sources: ["package.json"], target: "./" }]);
  });

  it("is of the Node release that .nvmrc names", () => {
    const [version = ""] = lines(".nvmrc");
    for (const [from] of imageStages) expect(from).toMatch(new RegExp(`^FROM node:${version}\\.`));
  });

  it("runs as somebody who is not root", () => {
    const command = image.findIndex((line) => line.startsWith("CMD "));
    const user = image.findIndex((line) => line.startsWith("USER "));
    expect(image[user]).toBe("USER node");
    expect(user).toBeLessThan(command);
  });

  it("starts the bridge as npm start does", () => {
    expect(words(image, "CMD").join(" ")).toBe(packages.scripts["start"]);
  });

  it("listens on the port that compose opens", () => {
    expect(image).toContain(`EXPOSE ${bridge.environment["PORT"]}`);
    expect(bridge.ports).toEqual([expect.stringMatching(new RegExp(`:${bridge.environment["PORT"]}$`))]);
  });

  it("has every package that the source asks for, without those for development", () => {
    const asked = filesBelow(join(repository, "src"))
      // The bundler runs where the source does, and never there.
      .filter((path) => path.endsWith(".ts") && !path.includes("/sandbox/") && !path.endsWith("/pages/bundle.ts"))
      .flatMap((path) => [
        ...withoutComments(readFileSync(path, "utf8")).matchAll(
          /(?:^\s*(?:import|export)\s(?:[^"';]*?\sfrom\s)?|\bimport\(\s*|\brequire(?:\.resolve)?\(\s*)"([^"\n]+)"/gm,
        ),
      ])
      .map(([, name = ""]) => name)
      .filter((name) => !/^(\.|\/|node:|https?:)/.test(name) && !builtinModules.includes(name))
      .map((name) => /^(@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name);
    expect(asked).toEqual(expect.arrayContaining(["express", "zod", "libsql", "@redis/client", "@picocss/pico"]));
    for (const name of new Set(asked)) {
      expect([name, Object.hasOwn(packages.dependencies, name)]).toEqual([name, true]);
      expect([name, lock.packages[`node_modules/${name}`]?.dev]).toEqual([name, undefined]);
    }
    for (const name of ["tsx", "typescript", "esbuild"]) expect(lock.packages[`node_modules/${name}`]?.dev).toBe(true);
  });

  it("runs: healthy once it is up, unhealthy once it has stopped, and writes to its volume only", async () => {
    const app = unpackedImage();
    const data = temporaryFolder();
    const editor = await openDemoEditor({ port: 0 });
    cleanUp.push(() => editor.close());
    const drive = await openFakeCloudreve({
      dir: temporaryFolder(),
      port: 0,
      accounts: [{ email: "alice@example.com", password: "a-password", nickname: "Alice" }],
      viewers: [],
    });
    cleanUp.push(() => drive.close());
    const [port] = await freePorts(1);
    const places = { PORT: String(port), CLOUDREVE_URL: drive.url, DISCOVERY_URLS: editor.discoveryUrl };
    const before = filesBelow(join(app, "dist"));
    const environment = { ...onThisMachine(bridge, data, places), NODE_ENV: "production" };
    const running = runNode(words(image, "CMD").slice(1), environment, app);
    cleanUp.push(() => running.end("SIGKILL"));
    const health = () => exitCodeOf(words(image, "HEALTHCHECK"), String(port));

    await running.printed("listening on");
    await until("the container is healthy", async () => (await health()) === 0, 20_000);
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
    expect(await ready.json()).toMatchObject({ store: true, drive: true });
    for (const path of ["/signin", "/embed.js", "/openapi.json"]) {
      expect([path, (await fetch(`http://127.0.0.1:${port}${path}`)).status]).toEqual([path, 200]);
    }
    const page = await (await fetch(`http://127.0.0.1:${port}/signin`)).text();
    for (const [, path] of page.matchAll(/(?:src|href)="[^"]*(\/assets\/[^"]*)"/g)) {
      expect([path, (await fetch(`http://127.0.0.1:${port}${path}`)).status]).toEqual([path, 200]);
    }
    expect(readdirSync(app).toSorted()).toEqual(["dist", "node_modules", "package.json"]);
    expect(filesBelow(join(app, "dist"))).toEqual(before);
    expect(readdirSync(data)).toEqual(expect.arrayContaining(["bridge.db", "spool"]));

    expect(await running.end("SIGTERM")).toBe(0);
    expect(await health()).toBe(1);
  });
});

/** Runs the healthcheck as Docker would, in a container with another port. */
function exitCodeOf([program, ...words]: readonly string[], port: string): Promise<number> {
  if (program !== "node") throw new Error(`not a healthcheck by node: ${program}`);
  return new Promise((resolve) => {
    const child = execFile(process.execPath, words, { timeout: 5_000, env: { PORT: port } });
    child.once("exit", (code) => resolve(code ?? -1));
  });
}
