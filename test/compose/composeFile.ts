import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { z } from "zod";

export const repository = fileURLToPath(new URL("../../", import.meta.url));
const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");

const condition = z.object({ condition: z.string(), required: z.boolean().default(true) });
const service = z.object({
  image: z.string(),
  profiles: z.array(z.string()).default([]),
  build: z.string().optional(),
  env_file: z.string().optional(),
  environment: z.record(z.string(), z.string()).default({}),
  entrypoint: z.array(z.string()).default([]),
  command: z.array(z.string()).default([]),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  tmpfs: z.array(z.string()).default([]),
  configs: z.array(z.object({ source: z.string(), target: z.string() })).default([]),
  networks: z.array(z.string()).default(["default"]),
  depends_on: z.record(z.string(), condition).default({}),
  init: z.boolean().default(false),
  read_only: z.boolean().default(false),
  cap_drop: z.array(z.string()).default([]),
  cap_add: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  stop_grace_period: z.string().default("10s"),
  restart: z.string().optional(),
});
const composeFile = z.object({
  services: z.record(z.string(), service),
  configs: z.record(
    z.string(),
    // Compose reads a file as it is: no variable is filled in there.
    z.union([
      z.object({ content: z.string() }),
      z.object({ file: z.string() }).transform(({ file }) => ({ content: read(file) })),
    ]),
  ),
  networks: z.record(z.string(), z.object({ internal: z.boolean().default(false) })),
  volumes: z.record(z.string(), z.object({})),
});
export type ComposeFile = z.output<typeof composeFile>;
export type Service = z.output<typeof service>;

const text = read("collabora-compose.yml");

/** The file as Compose gives it to its schema: merged, variables still in it. */
export const composeDocument: unknown = parse(text, { merge: true });

/** The Dockerfile that the bridge's image is built from, by its stages: the instructions of each, one a line. */
export const imageStages: readonly (readonly string[])[] = read("Dockerfile")
  .split(/^(?=FROM )/m)
  .map((stage) => stage.split("\n").filter((line) => /^[A-Z]+ /.test(line)));

/** `${NAME}`, `${NAME:-default}`, `${NAME:?sentence}`, `$$`, as the file uses them. */
const variable = /\$\$|\$\{([A-Z_a-z][A-Z_a-z0-9]*)(?::(-|\?)([^}]*))?\}/g;

/** The variables that Compose fills in, and which of them it has a default for. */
export const interpolated: ReadonlyMap<string, { hasDefault: boolean }> = new Map(
  [...text.matchAll(variable)].flatMap(([, name, operator]) =>
    name === undefined ? [] : [[name, { hasDefault: operator === "-" }] as const],
  ),
);

/** @throws Error as Compose does, when a variable without a default has no value */
function interpolate(value: unknown, values: Readonly<Record<string, string>>): unknown {
  if (typeof value === "string") {
    return value.replaceAll(variable, (whole, name?: string, operator?: string, rest = "") => {
      if (name === undefined) return whole.slice(1);
      if (values[name]) return values[name];
      if (operator !== "-") throw new Error(`${name} is not set: ${rest}`);
      return rest;
    });
  }
  if (Array.isArray(value)) return value.map((item) => interpolate(item, values));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, interpolate(item, values)]));
}

/** The file with a `.env` of these values, which a service with `env_file` gets too, below its own `environment`. */
export function composeWith(values: Readonly<Record<string, string>>): ComposeFile {
  const file = composeFile.parse(interpolate(composeDocument, values));
  for (const one of Object.values(file.services)) {
    if (one.env_file === ".env") one.environment = { ...values, ...one.environment };
  }
  return file;
}

interface EnvLine {
  readonly name: string;
  readonly value: string;
  readonly isCommentedOut: boolean;
}

export const envExample: readonly EnvLine[] = [...read(".env.example").matchAll(/^(#?)([A-Z_]+)=(.*)$/gm)].map(
  ([, sign, name = "", value = ""]) => ({ name, value, isCommentedOut: sign === "#" }),
);

/** `.env.example` as it is when the operator has filled in what it asks for. */
export function filledIn(values: Readonly<Record<string, string>>, withComments: boolean): Record<string, string> {
  const lines = envExample.filter(({ isCommentedOut }) => withComments || !isCommentedOut);
  return { ...Object.fromEntries(lines.map(({ name, value }) => [name, value])), ...values };
}

/**
 * A bridge's environment as compose gives it to the container, for a process of this machine.
 * @param places what stands here for the addresses within compose's network
 * @param data folder in place of the volume /data
 */
export function onThisMachine(
  { environment }: Service,
  data: string,
  places: Readonly<{ PORT: string; CLOUDREVE_URL: string; DISCOVERY_URLS: string; STORE_URL?: string }>,
): Record<string, string> {
  const moved = Object.entries(environment).map(([name, value]) => [name, value.replace("/data/", `${data}/`)]);
  return { ...Object.fromEntries(moved), HOST: "127.0.0.1", ...places };
}

/** The service's parts; @throws Error when the file has no such service */
export function serviceNamed(file: ComposeFile, name: string): Service {
  const found = file.services[name];
  if (found === undefined) throw new Error(`no service ${name}`);
  return found;
}
