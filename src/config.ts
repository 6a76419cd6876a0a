import { z } from "zod";
import { isMailAddress, plainEmail } from "./model/emailAddress.ts";
import { keyBytes } from "./webhooks/signature.ts";

/** The bridge's settings, checked; made once at start and never changed. */
export type Config = Readonly<z.output<typeof configSchema>>;

/** Everything wrong with the settings, one sentence each, for the operator. */
export class ConfigError extends Error {
  readonly sentences: readonly string[];

  constructor(sentences: readonly string[]) {
    super(sentences.join("\n"));
    this.name = "ConfigError";
    this.sentences = sentences;
  }
}

const isHttpAddress = (value: string) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);

/** Normalized the way browsers do it, because origins are compared as text; no slash at the end. */
const httpAddress = z
  .string()
  .trim()
  .refine(isHttpAddress, { error: "must be an http(s) address", abort: true })
  .refine((value) => !/[?#]/.test(value), "must not have a query or fragment")
  .refine((value) => !/^[^/]*\/\/[^/]*@/.test(value), "must not contain a user name or password")
  .transform((value) => new URL(value).href.replace(/\/+$/, ""));

const origin = httpAddress.refine(
  (value) => new URL(value).pathname === "/",
  "must be an origin (scheme, host and port, no path)",
);

const secret = z.string().refine((value) => Buffer.byteLength(value) >= 32, "must be at least 32 bytes long");

function listOf<Item extends z.ZodType<unknown, string>>(item: Item) {
  return z
    .string()
    .transform((value) =>
      value
        .split(",")
        .map((part) => part.trim())
        .filter((part) => part !== ""),
    )
    .pipe(z.array(item));
}

/** In clear only to where nobody else listens: this machine, a private network, a name that only the operator's DNS knows. */
function isOwnNetwork(hostname: string): boolean {
  if (hostname.startsWith("[")) return /^\[(::1\]|f[cd][0-9a-f]{2}:)/.test(hostname);
  return (
    !hostname.includes(".") ||
    /\.(local|internal|lan|home\.arpa|localhost)$/.test(hostname) ||
    /^(127|10)\.\d+\.\d+\.\d+$|^192\.168\.\d+\.\d+$|^172\.(1[6-9]|2\d|3[01])\.\d+\.\d+$/.test(hostname)
  );
}

/** With path and query as they are. */
const logoAddress = z
  .string()
  .trim()
  .refine(isHttpAddress, { error: "must be an http(s) address of a picture", abort: true })
  .refine((value) => !/^[^/]*\/\/[^/]*@/.test(value), "must not contain a user name or password")
  // A policy that names what may be shown can't name an IPv6 address.
  .refine((value) => !new URL(value).hostname.startsWith("["), "must have a host name, not an IPv6 address")
  .transform((value) => new URL(value).href);

/** With path and query as they are. */
const webhookAddress = z
  .string()
  .refine(isHttpAddress, { error: "needs an http(s) address", abort: true })
  .refine((value) => !value.includes("#"), "must not have a fragment")
  .refine((value) => !/^[^/]*\/\/[^/]*@/.test(value), "must not contain a user name or password")
  .refine(
    (value) => new URL(value).protocol === "https:" || isOwnNetwork(new URL(value).hostname),
    "must use https, except on this machine and in private networks",
  )
  .transform((value) => new URL(value).href);

/** `NAME ADDRESS KEY [KEY]` */
const portalWebhook = z
  .string()
  .transform((value) => value.split(/\s+/))
  .pipe(
    z
      .tuple([z.string(), webhookAddress], z.string())
      .refine(
        ([, , ...keys]) => keys.length >= 1 && keys.length <= 2 && keys.every((key) => keyBytes(key) !== undefined),
        "must be NAME ADDRESS KEY, or with a second KEY; a KEY is whsec_ and 24 to 64 bytes in base64",
      ),
  )
  .transform(([portal, address, ...keys]) => ({ portal, address, keys }));

/** `name:key,…` */
const portalKey = z
  .string()
  .regex(/^[A-Za-z0-9_.-]+:.+$/, "must be name:key")
  .transform((value) => ({ name: value.slice(0, value.indexOf(":")), key: value.slice(value.indexOf(":") + 1) }));

const emailAddress = z
  .string()
  .regex(/^[^\s@]+@[^\s@]+$/, "must be email addresses, comma-separated")
  .transform(plainEmail);

const smtpForm =
  "must be smtp://USER:PASSWORD@HOST:PORT or smtps://USER:PASSWORD@HOST:PORT, special characters of USER and PASSWORD percent-encoded";

/** Without encryption only where nobody else listens. @see isOwnNetwork */
const smtpAddress = z
  .string()
  .trim()
  .refine((value) => /^smtps?:\/\/[^/?#]+\/?$/i.test(value) && URL.canParse(value), { error: smtpForm, abort: true })
  .transform((value) => new URL(value))
  .refine(({ hostname, port }) => hostname !== "" && port !== "0", { error: smtpForm, abort: true })
  .refine(({ username, password }) => isPercentEncoded(username) && isPercentEncoded(password), {
    error: smtpForm,
    abort: true,
  })
  .refine(
    ({ username, password }) => (username === "") === (password === ""),
    "must have a user name and a password, or neither",
  )
  .transform(({ protocol, hostname, port, username, password }) => {
    const isTls = protocol === "smtps:";
    return {
      host: hostname.replace(/^\[(.*)\]$/, "$1"),
      port: port === "" ? (isTls ? 465 : 587) : Number(port),
      isTls,
      mustEncrypt: !isOwnNetwork(hostname),
      ...(username === ""
        ? {}
        : { account: { user: decodeURIComponent(username), password: decodeURIComponent(password) } }),
    };
  });

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** `office@example.com` or `Example Office <office@example.com>` */
const mailSender = z
  .string()
  .trim()
  .transform((value) => /^(?:"?([^"<>\p{Cc}]*?)"?\s*<([^<>]*)>|([^<>]*))$/u.exec(value))
  .refine((found) => found !== null && isMailAddress(found[2] ?? found[3] ?? ""), {
    error: "must be an email address, or NAME <ADDRESS>",
    abort: true,
  })
  .transform((found) => ({
    address: found?.[2] ?? found?.[3] ?? "",
    ...(found?.[1] === undefined || found[1] === "" ? {} : { name: found[1] }),
  }));

function numberText(kind: "whole number" | "number", minimum: number, maximum: number) {
  const pattern = kind === "number" ? /^\d+(\.\d+)?$/ : /^\d+$/;
  return z
    .string()
    .trim()
    .refine(
      (value) => pattern.test(value) && Number(value) >= minimum && Number(value) <= maximum,
      `must be a ${kind} from ${minimum} to ${maximum}`,
    )
    .transform(Number);
}

function oneOf<const Words extends readonly string[]>(...words: Words) {
  return z.enum(words, `must be one of ${words.join(", ")}`);
}

const configSchema = z.object({
  BRIDGE_URL: httpAddress.describe("Where browsers reach the bridge"),
  WOPI_URL: httpAddress.optional().describe("Where the editor's server reaches the bridge; default BRIDGE_URL"),
  CLOUDREVE_URL: httpAddress.describe("Where the bridge reaches Cloudreve"),
  CLOUDREVE_PUBLIC_URL: httpAddress.optional().describe("Where browsers reach Cloudreve; default CLOUDREVE_URL"),
  EDITOR_CLOUDREVE_URL: httpAddress
    .optional()
    .describe(
      "Where the editor's server, and the bridge, reach Cloudreve to read documents straight from it; default never",
    ),
  DISCOVERY_URLS: listOf(httpAddress).default([]).describe("Discovery addresses of the editors, comma-separated"),
  HOST: z.string().min(1).default("127.0.0.1").describe("Address to listen on"),
  PORT: numberText("whole number", 0, 65_535).default(8080).describe("Port to listen on"),
  SECRET: secret.describe("Signs tokens and encrypts credentials; at least 32 bytes"),
  SECRET_PREVIOUS: secret.optional().describe("The previous SECRET, still accepted"),
  STORE_URL: z
    .string()
    .regex(
      /^(memory:|file:.+|rediss?:\/\/.+|unix:\/.+)$/,
      "must be file:PATH, redis://HOST:PORT, unix:/SOCKET or memory:",
    )
    // Otherwise the first folder would be read as a host name, or as a folder at the root.
    .refine(
      (value) => !/^file:\/\/[^/]/.test(value),
      "must not have // before a relative path; write file:data/bridge.db or file:/data/bridge.db",
    )
    .default("file:data/bridge.db")
    .describe("Where the bridge remembers locks and sessions"),
  SPOOL_DIR: z.string().min(1).default("data/spool").describe("Folder that keeps saves until the drive has them"),
  SPOOL_MAX_MB: numberText("number", 0.001, 100_000_000)
    .optional()
    .describe("Space for all saves in SPOOL_DIR, MB; default 8 times MAX_FILE_MB"),
  SPOOL_DAYS: numberText("number", 1, 3650).default(30).describe("How long a save may wait in SPOOL_DIR, days"),
  EMBED_ORIGINS: listOf(origin).default([]).describe("Portals that may embed documents, comma-separated"),
  PORTAL_KEYS: listOf(portalKey).default([]).describe("name:key of the portals, comma-separated"),
  PORTAL_WEBHOOKS: listOf(portalWebhook)
    .default([])
    .describe("NAME ADDRESS KEY of portals that hear of events, comma-separated"),
  PORTAL_JWKS_URL: httpAddress
    .optional()
    .describe("Address of a portal's public keys, if it signs JWTs instead of sending a key"),
  PORTAL_ISSUER: z.string().min(1).optional().describe("`iss` of those JWTs"),
  PORTAL_AUDIENCE: z.string().min(1).optional().describe("`aud` of those JWTs"),
  OAUTH_CLIENT_ID: z.string().min(1).optional().describe("Id of the bridge's OAuth application in Cloudreve"),
  OAUTH_CLIENT_SECRET: z.string().min(1).optional().describe("Its secret"),
  CLOUDREVE_EMAIL: z.string().optional().describe("Cloudreve account used for portals"),
  CLOUDREVE_PASSWORD: z.string().optional().describe("Its password"),
  ADMIN_EMAILS: listOf(emailAddress)
    .default([])
    .describe("Cloudreve accounts that may see the bridge's page /admin, by email, comma-separated"),
  PRODUCT_NAME: z
    .string()
    .trim()
    .max(60, "must have at most 60 characters")
    .optional()
    .describe("What pages call the bridge, in every language; default Office Bridge, or its translation"),
  LOGO_URL: logoAddress.optional().describe("Address of a picture that pages show as their logo"),
  SMTP_URL: smtpAddress.optional().describe("Mail server that takes the bridge's mails; default none, and no mails"),
  MAIL_FROM: mailSender.optional().describe("Address, or NAME <ADDRESS>, that those mails come from"),
  PROOF_KEYS: oneOf("required", "offered", "off").default("offered").describe("Whether editors must sign their calls"),
  GRANT_HOURS: numberText("number", 0.01, 240).default(10).describe("How long a session lasts, hours"),
  MAX_FILE_MB: numberText("number", 0.001, 1_000_000).default(1024).describe("Largest save accepted, MB"),
  STORAGE_ORIGINS: listOf(origin).default([]).describe("Storage origins allowed in download addresses"),
  GETFILE_OFFLOAD: oneOf("none", "nginx")
    .default("none")
    .describe("Whether an nginx in front, configured for it, fetches documents from Cloudreve itself"),
  TRUST_PROXY: numberText("whole number", 0, 10)
    .default(0)
    .describe("Number of proxies in front whose X-Forwarded-* headers are trusted"),
  METRICS_KEY: z.string().min(16, "must be at least 16 characters long").optional().describe("Key for /metrics"),
  LOG_LEVEL: oneOf("trace", "debug", "info", "warn", "error", "silent").default("info").describe("Log level"),
});

/** Space for all saves in the spool, bytes. */
export function spoolMaxBytes({ SPOOL_MAX_MB, MAX_FILE_MB }: Pick<Config, "SPOOL_MAX_MB" | "MAX_FILE_MB">): number {
  return Math.floor((SPOOL_MAX_MB ?? 8 * MAX_FILE_MB) * 1024 * 1024);
}

/** The settings' names, for the check against the README's table. */
export const settingNames: readonly string[] = Object.keys(configSchema.shape);

/** Settings that are printed as `***`. */
const secretNames = new Set<keyof Config>([
  "STORE_URL",
  "SECRET",
  "SECRET_PREVIOUS",
  "PORTAL_KEYS",
  "PORTAL_WEBHOOKS",
  "OAUTH_CLIENT_SECRET",
  "CLOUDREVE_PASSWORD",
  "SMTP_URL",
  "MAIL_FROM",
  "METRICS_KEY",
]);

/**
 * Reads the settings from an environment.
 * @throws ConfigError with every mistake and contradiction, one sentence each
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    settingNames.map((name) => [name, environment[name]]).filter(([, value]) => value !== undefined && value !== ""),
  );
  const parsed = configSchema.safeParse(given);
  const issues = parsed.error?.issues ?? [];
  const mistakes = issues.map(({ path, message }) => {
    const name = String(path[0]);
    return given[name] === undefined ? `${name} is missing.` : `${name} ${message}.`;
  });
  const wrong = new Set(issues.map(({ path }) => String(path[0])));
  const sentences = [...new Set(mistakes), ...contradictionsIn(soundSettings(given, wrong))];
  if (!parsed.success || sentences.length > 0) throw new ConfigError(sentences);
  return Object.freeze(parsed.data);
}

type Settings = z.output<typeof configSchema>;

/** @returns the settings that are valid by themselves, so that contradictions can be reported in the same list */
function soundSettings(given: Readonly<Record<string, string | undefined>>, wrong: ReadonlySet<string>) {
  const without = (all: object) => Object.fromEntries(Object.entries(all).filter(([name]) => !wrong.has(name)));
  return without(configSchema.partial().parse(without(given))) as Partial<Settings>;
}

function contradictionsIn(config: Partial<Settings>): string[] {
  const sentences: string[] = [];
  const isHttps = (url: string | undefined) => url?.startsWith("https:") === true;
  for (const url of config.DISCOVERY_URLS ?? []) {
    if (isHttps(config.BRIDGE_URL) && !isHttps(url) && !isLocal(url)) {
      sentences.push(
        `DISCOVERY_URLS contains ${url}, but browsers block an http editor inside an https page, and BRIDGE_URL is https.`,
      );
    }
    // Editors name their addresses by the host that discovery was asked at, and our page's policy can't name these.
    if (new URL(url).hostname.startsWith("[")) {
      sentences.push(
        `DISCOVERY_URLS contains ${url}, but browsers can't show an editor at an IPv6 address inside a page: give it a host name, such as localhost.`,
      );
    }
  }
  if (isHttps(config.BRIDGE_URL) && config.LOGO_URL !== undefined && !isHttps(config.LOGO_URL)) {
    sentences.push("LOGO_URL must use https, as BRIDGE_URL does: browsers block an http picture inside an https page.");
  }
  if ((config.CLOUDREVE_EMAIL === undefined) !== (config.CLOUDREVE_PASSWORD === undefined)) {
    sentences.push("CLOUDREVE_EMAIL and CLOUDREVE_PASSWORD must be set together.");
  }
  if ((config.OAUTH_CLIENT_ID === undefined) !== (config.OAUTH_CLIENT_SECRET === undefined)) {
    sentences.push("OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET must be set together.");
  }
  if ((config.SMTP_URL === undefined) !== (config.MAIL_FROM === undefined)) {
    sentences.push("SMTP_URL and MAIL_FROM must be set together.");
  }
  const jwt = [config.PORTAL_JWKS_URL, config.PORTAL_ISSUER, config.PORTAL_AUDIENCE];
  if (jwt.some((part) => part === undefined) && jwt.some((part) => part !== undefined)) {
    sentences.push("PORTAL_JWKS_URL, PORTAL_ISSUER and PORTAL_AUDIENCE must be set together: all three or none.");
  }
  if (config.PROOF_KEYS === "required" && config.DISCOVERY_URLS?.length === 0) {
    sentences.push("PROOF_KEYS=required needs DISCOVERY_URLS, where the editors' keys are published.");
  }
  const { SPOOL_MAX_MB: spoolMaxMb, MAX_FILE_MB: maxFileMb } = config;
  if (spoolMaxMb !== undefined && maxFileMb !== undefined && spoolMaxMb < 4 * maxFileMb) {
    sentences.push(
      `SPOOL_MAX_MB must be at least 4 times MAX_FILE_MB (${maxFileMb}): one session may use a quarter of the spool, so the largest save would never fit.`,
    );
  }
  const portals = config.PORTAL_KEYS ?? [];
  const webhooks = config.PORTAL_WEBHOOKS ?? [];
  const issuer = config.PORTAL_ISSUER === undefined ? [] : [`jwt:${config.PORTAL_ISSUER}`];
  const known = new Set([...portals.map(({ name }) => name), ...issuer]);
  const unknown = webhooks.filter(({ portal }) => config.PORTAL_KEYS !== undefined && !known.has(portal));
  for (const { portal } of unknown) {
    sentences.push(
      `PORTAL_WEBHOOKS names ${portal}, which is no name in PORTAL_KEYS and not jwt: with PORTAL_ISSUER behind it.`,
    );
  }
  if (new Set(webhooks.map(({ portal }) => portal)).size < webhooks.length) {
    sentences.push("PORTAL_WEBHOOKS lists a portal twice.");
  }
  if (new Set(portals.map(({ name }) => name)).size < portals.length)
    sentences.push("PORTAL_KEYS lists a portal twice.");
  if (new Set(portals.map(({ key }) => key)).size < portals.length)
    sentences.push("PORTAL_KEYS uses the same key for two portals.");
  if (portals.some(({ key }) => key.length < 8)) {
    sentences.push("PORTAL_KEYS contains a key shorter than 8 characters.");
  }
  return sentences;
}

/** A name without a dot is a compose service: the bridge reads discovery there, browsers don't go there. */
function isLocal(url: string): boolean {
  const { hostname } = new URL(url);
  return !hostname.includes(".") || hostname === "127.0.0.1";
}

/** Shorter strings would match any text. Cloudreve's passwords have at least four characters. */
const leastSecret = 4;

/** @returns every secret in the settings, as written there; for an address, its password */
export function secretsOf(config: Config): string[] {
  const secretsIn = (name: keyof Config): string[] => {
    const value = config[name];
    if (name === "STORE_URL")
      return URL.canParse(config.STORE_URL) ? [decoded(new URL(config.STORE_URL).password)] : [];
    if (name === "SMTP_URL") return config.SMTP_URL?.account === undefined ? [] : [config.SMTP_URL.account.password];
    if (typeof value === "string") return [value];
    return Array.isArray(value) ? value.flatMap(secretsInItem) : [];
  };
  return [...secretNames].flatMap(secretsIn).filter(({ length }) => length >= leastSecret);
}

/** A webhook's query may be what its portal knows the bridge by. */
function secretsInItem(one: string | Config["PORTAL_KEYS"][number] | Config["PORTAL_WEBHOOKS"][number]): string[] {
  if (typeof one === "string") return [];
  return "key" in one ? [one.key] : [...one.keys, new URL(one.address).search.slice(1)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @returns the settings in effect, secrets hidden; unset ones are shown as unset */
export function printableConfig(config: Config): Readonly<Record<string, unknown>> {
  const isSet = (value: unknown) => value !== undefined && !(Array.isArray(value) && value.length === 0);
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => [
      name,
      secretNames.has(name as keyof Config) && isSet(value) ? "***" : value,
    ]),
  );
}
