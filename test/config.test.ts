import { describe, expect, it } from "vitest";
import { ConfigError, printableConfig, readConfig, settingNames } from "../src/config.ts";

const secret = "a secret of at least thirty-two bytes";
const wrongWebhook = "must be NAME ADDRESS KEY, or with a second KEY; a KEY is whsec_ and 24 to 64 bytes in base64";
const wrongSmtp =
  "must be smtp://USER:PASSWORD@HOST:PORT or smtps://USER:PASSWORD@HOST:PORT, special characters of USER and PASSWORD percent-encoded";
const wrongSender = "must be an email address, or NAME <ADDRESS>";
const mustUseHttps = "must use https, except on this machine and in private networks";
const webhookKey = `whsec_${"A".repeat(32)}`;
const required = {
  BRIDGE_URL: "https://bridge.example",
  CLOUDREVE_URL: "https://drive.example",
  SECRET: secret,
};

/** What the operator reads when the settings can't be used. */
function sentencesOf(environment: Record<string, string | undefined>): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.sentences;
    throw error;
  }
  return [];
}

const sentencesWith = (settings: Record<string, string | undefined>) => sentencesOf({ ...required, ...settings });

describe("the settings", () => {
  it("need three, the others have defaults", () => {
    expect(readConfig(required)).toEqual({
      ...required,
      DISCOVERY_URLS: [],
      HOST: "127.0.0.1",
      PORT: 8080,
      STORE_URL: "file:data/bridge.db",
      SPOOL_DIR: "data/spool",
      SPOOL_DAYS: 30,
      EMBED_ORIGINS: [],
      PORTAL_KEYS: [],
      PORTAL_WEBHOOKS: [],
      ADMIN_EMAILS: [],
      PROOF_KEYS: "offered",
      GRANT_HOURS: 10,
      MAX_FILE_MB: 1024,
      STORAGE_ORIGINS: [],
      GETFILE_OFFLOAD: "none",
      TRUST_PROXY: 0,
      LOG_LEVEL: "info",
    });
  });

  it("are all read when they are given", () => {
    const config = readConfig({
      ...required,
      WOPI_URL: "http://bridge:8080",
      CLOUDREVE_PUBLIC_URL: "https://files.example/cloud",
      EDITOR_CLOUDREVE_URL: "http://cloudreve:5212",
      DISCOVERY_URLS: "http://collabora:9980/hosting/discovery, https://oo.example/hosting/discovery",
      HOST: "0.0.0.0",
      PORT: "0",
      SECRET_PREVIOUS: `previous ${secret}`,
      STORE_URL: "memory:",
      SPOOL_DIR: "/spool",
      SPOOL_MAX_MB: "50",
      SPOOL_DAYS: "7",
      EMBED_ORIGINS: "https://portal.example, https://intranet.example:8443",
      PORTAL_KEYS: "intranet:key:with:colons, wiki:another-key",
      PORTAL_WEBHOOKS: `intranet https://portal.example/hooks?of=bridge ${webhookKey} ${webhookKey}, wiki http://wiki:8099 ${webhookKey}`,
      CLOUDREVE_EMAIL: "bot@example.com",
      CLOUDREVE_PASSWORD: "pass,word ",
      ADMIN_EMAILS: "Alice@Example.com, bob@example.com",
      PRODUCT_NAME: " Papers & Co ",
      LOGO_URL: "https://static.example/logo.svg?v=2",
      SMTP_URL: "smtp://office%40example.com:p%23ss@mail.example.com",
      MAIL_FROM: "Papers & Co <office@example.com>",
      PROOF_KEYS: "required",
      GRANT_HOURS: "0.5",
      MAX_FILE_MB: "12.5",
      STORAGE_ORIGINS: "https://s3.example",
      GETFILE_OFFLOAD: "nginx",
      TRUST_PROXY: "1",
      LOG_LEVEL: "silent",
      SOMETHING_ELSE: "ignored",
    });
    expect(config).toEqual({
      ...required,
      WOPI_URL: "http://bridge:8080",
      CLOUDREVE_PUBLIC_URL: "https://files.example/cloud",
      EDITOR_CLOUDREVE_URL: "http://cloudreve:5212",
      DISCOVERY_URLS: ["http://collabora:9980/hosting/discovery", "https://oo.example/hosting/discovery"],
      HOST: "0.0.0.0",
      PORT: 0,
      SECRET_PREVIOUS: `previous ${secret}`,
      STORE_URL: "memory:",
      SPOOL_DIR: "/spool",
      SPOOL_MAX_MB: 50,
      SPOOL_DAYS: 7,
      EMBED_ORIGINS: ["https://portal.example", "https://intranet.example:8443"],
      PORTAL_KEYS: [
        { name: "intranet", key: "key:with:colons" },
        { name: "wiki", key: "another-key" },
      ],
      PORTAL_WEBHOOKS: [
        { portal: "intranet", address: "https://portal.example/hooks?of=bridge", keys: [webhookKey, webhookKey] },
        { portal: "wiki", address: "http://wiki:8099/", keys: [webhookKey] },
      ],
      CLOUDREVE_EMAIL: "bot@example.com",
      CLOUDREVE_PASSWORD: "pass,word ",
      ADMIN_EMAILS: ["alice@example.com", "bob@example.com"],
      PRODUCT_NAME: "Papers & Co",
      LOGO_URL: "https://static.example/logo.svg?v=2",
      SMTP_URL: {
        host: "mail.example.com",
        port: 587,
        isTls: false,
        mustEncrypt: true,
        account: { user: "office@example.com", password: "p#ss" },
      },
      MAIL_FROM: { address: "office@example.com", name: "Papers & Co" },
      PROOF_KEYS: "required",
      GRANT_HOURS: 0.5,
      MAX_FILE_MB: 12.5,
      STORAGE_ORIGINS: ["https://s3.example"],
      GETFILE_OFFLOAD: "nginx",
      TRUST_PROXY: 1,
      LOG_LEVEL: "silent",
    });
  });

  it("count as not given when they are empty, as compose files leave them", () => {
    const empty = Object.fromEntries(settingNames.map((name) => [name, ""]));
    expect(readConfig({ ...empty, ...required })).toEqual(readConfig(required));
    expect(readConfig({ ...required, DISCOVERY_URLS: " , ,", EMBED_ORIGINS: "," })).toEqual(readConfig(required));
  });

  it("can't be changed once they are read", () => {
    const config = readConfig(required);
    expect(() => Object.assign(config, { SECRET: "other" })).toThrow(TypeError);
  });

  it.each([
    ["https://bridge.example/", "https://bridge.example"],
    ["https://bridge.example/office//", "https://bridge.example/office"],
    [" https://bridge.example ", "https://bridge.example"],
    ["HTTPS://Bridge.Example:443", "https://bridge.example"],
    ["http://127.0.0.1:8080", "http://127.0.0.1:8080"],
    ["http://[::1]:8080", "http://[::1]:8080"],
  ])("take an address as browsers spell it, without a slash at the end: %s", (given, read) => {
    expect(readConfig({ ...required, BRIDGE_URL: given, EMBED_ORIGINS: "" }).BRIDGE_URL).toBe(read);
  });

  it("take an origin as browsers spell it, since messages are compared with it as text", () => {
    const { EMBED_ORIGINS } = readConfig({ ...required, EMBED_ORIGINS: "HTTPS://Portal.Example:443/" });
    expect(EMBED_ORIGINS).toEqual(["https://portal.example"]);
  });
});

describe("the mail server in the settings", () => {
  const read = (SMTP_URL: string, MAIL_FROM = "office@example.com") => readConfig({ ...required, SMTP_URL, MAIL_FROM });

  it.each([
    ["smtp://mail.example.com", { port: 587, isTls: false, mustEncrypt: true }],
    ["smtps://mail.example.com/", { port: 465, isTls: true, mustEncrypt: true }],
    ["smtp://mail:25", { host: "mail", port: 25, mustEncrypt: false }],
    ["smtp://192.168.1.2:25", { host: "192.168.1.2", mustEncrypt: false }],
    ["smtp://[::1]:25", { host: "::1", mustEncrypt: false }],
  ])("is only spoken to in clear where nobody else listens: %s", (url, server) => {
    expect(read(url).SMTP_URL).toMatchObject(server);
  });

  it.each([
    ["office@example.com", { address: "office@example.com" }],
    ["<office@example.com>", { address: "office@example.com" }],
    ['"Papers, Inc." <office@example.com>', { address: "office@example.com", name: "Papers, Inc." }],
    ["文档 <office@example.com>", { address: "office@example.com", name: "文档" }],
  ])("sends mails that come from %s", (from, sender) => {
    expect(read("smtp://mail", from).MAIL_FROM).toEqual(sender);
  });
});

describe("a mistake in the settings", () => {
  it.each([
    ["SMTP_URL", "http://mail", wrongSmtp],
    ["SMTP_URL", "mail.example.com", wrongSmtp],
    ["SMTP_URL", "smtp://", wrongSmtp],
    ["SMTP_URL", "smtp://a:b@", wrongSmtp],
    ["SMTP_URL", "smtp://mail:99999", wrongSmtp],
    ["SMTP_URL", "smtp://mail/inbox", wrongSmtp],
    ["SMTP_URL", "smtp://user:50%@mail", wrongSmtp],
    ["SMTP_URL", "smtp://user@mail", "must have a user name and a password, or neither"],
    ["MAIL_FROM", "office", wrongSender],
    ["MAIL_FROM", "office@example.com, eve@example.com", wrongSender],
    ["MAIL_FROM", "a\r\nBcc: <office@example.com>", wrongSender],
    ["MAIL_FROM", "<a@b@c>", wrongSender],
    ["BRIDGE_URL", "bridge.example", "must be an http(s) address"],
    ["BRIDGE_URL", "ftp://bridge.example", "must be an http(s) address"],
    ["BRIDGE_URL", "https://bridge.example?x=1", "must not have a query or fragment"],
    ["BRIDGE_URL", "https://bridge.example/?", "must not have a query or fragment"],
    ["BRIDGE_URL", "https://bridge.example/#a", "must not have a query or fragment"],
    ["CLOUDREVE_URL", "https://user:word@drive.example", "must not contain a user name or password"],
    ["WOPI_URL", "localhost:8080", "must be an http(s) address"],
    ["CLOUDREVE_PUBLIC_URL", "/cloud", "must be an http(s) address"],
    ["DISCOVERY_URLS", "https://a.example,nonsense", "must be an http(s) address"],
    ["EMBED_ORIGINS", "https://portal.example/page", "must be an origin (scheme, host and port, no path)"],
    ["EMBED_ORIGINS", "*", "must be an http(s) address"],
    ["ADMIN_EMAILS", "alice@example.com, bob", "must be email addresses, comma-separated"],
    ["PRODUCT_NAME", "n".repeat(61), "must have at most 60 characters"],
    ["LOGO_URL", "logo.svg", "must be an http(s) address of a picture"],
    ["LOGO_URL", "javascript:alert(1)", "must be an http(s) address of a picture"],
    ["LOGO_URL", "https://user:word@static.example/logo.svg", "must not contain a user name or password"],
    ["LOGO_URL", "https://[::1]/logo.svg", "must have a host name, not an IPv6 address"],
    ["STORAGE_ORIGINS", "https://s3.example/bucket", "must be an origin (scheme, host and port, no path)"],
    ["PORT", "65536", "must be a whole number from 0 to 65535"],
    ["PORT", "80.5", "must be a whole number from 0 to 65535"],
    ["PORT", "-1", "must be a whole number from 0 to 65535"],
    ["PORT", "http", "must be a whole number from 0 to 65535"],
    ["TRUST_PROXY", "true", "must be a whole number from 0 to 10"],
    ["GRANT_HOURS", "0", "must be a number from 0.01 to 240"],
    ["GRANT_HOURS", "1e3", "must be a number from 0.01 to 240"],
    ["MAX_FILE_MB", "Infinity", "must be a number from 0.001 to 1000000"],
    ["PORTAL_KEYS", "just-a-key", "must be name:key"],
    ["PORTAL_KEYS", "intranet:", "must be name:key"],
    ["PORTAL_WEBHOOKS", "intranet https://portal.example", wrongWebhook],
    ["PORTAL_WEBHOOKS", "intranet https://portal.example secret", wrongWebhook],
    ["PORTAL_WEBHOOKS", "intranet https://portal.example whsec_c2hvcnQ=", wrongWebhook],
    ["PORTAL_WEBHOOKS", `intranet ftp://portal.example ${webhookKey}`, "needs an http(s) address"],
    ["PORTAL_WEBHOOKS", `intranet http://portal.example ${webhookKey}`, mustUseHttps],
    ["PORTAL_WEBHOOKS", `intranet http://8.8.8.8 ${webhookKey}`, mustUseHttps],
    ["PORTAL_WEBHOOKS", `intranet http://[2001:db8::1] ${webhookKey}`, mustUseHttps],
    [
      "PORTAL_WEBHOOKS",
      `intranet https://u:p@portal.example ${webhookKey}`,
      "must not contain a user name or password",
    ],
    ["PROOF_KEYS", "on", "must be one of required, offered, off"],
    ["LOG_LEVEL", "verbose", "must be one of trace, debug, info, warn, error, silent"],
    ["STORE_URL", "postgres://db/bridge", "must be file:PATH, redis://HOST:PORT, unix:/SOCKET or memory:"],
    ["STORE_URL", "file:", "must be file:PATH, redis://HOST:PORT, unix:/SOCKET or memory:"],
    [
      "STORE_URL",
      "file://data/bridge.db",
      "must not have // before a relative path; write file:data/bridge.db or file:/data/bridge.db",
    ],
    ["STORE_URL", "data/bridge.db", "must be file:PATH, redis://HOST:PORT, unix:/SOCKET or memory:"],
    ["SECRET", "x".repeat(31), "must be at least 32 bytes long"],
    ["SECRET_PREVIOUS", "short", "must be at least 32 bytes long"],
  ])("is one plain sentence with the setting's name: %s=%s", (name, value, mistake) => {
    expect(sentencesWith({ [name]: value })).toEqual([`${name} ${mistake}.`]);
  });

  it("is a missing setting too", () => {
    expect(sentencesOf({})).toEqual(["BRIDGE_URL is missing.", "CLOUDREVE_URL is missing.", "SECRET is missing."]);
  });

  it("counts a secret in bytes", () => {
    expect(sentencesWith({ SECRET: "密".repeat(11) })).toEqual([]);
    expect(sentencesWith({ SECRET: "密".repeat(10) })).toHaveLength(1);
  });

  it("comes with all the others and with the contradictions, in one list", () => {
    expect(
      sentencesOf({
        BRIDGE_URL: "https://bridge.example",
        CLOUDREVE_URL: "drive",
        DISCOVERY_URLS: "http://office.example/hosting/discovery",
        PORT: "many",
        STORE_URL: "mysql:",
        CLOUDREVE_EMAIL: "bot@example.com",
      }),
    ).toEqual([
      "CLOUDREVE_URL must be an http(s) address.",
      "PORT must be a whole number from 0 to 65535.",
      "SECRET is missing.",
      "STORE_URL must be file:PATH, redis://HOST:PORT, unix:/SOCKET or memory:.",
      "DISCOVERY_URLS contains http://office.example/hosting/discovery, but browsers block an http editor inside an https page, and BRIDGE_URL is https.",
      "CLOUDREVE_EMAIL and CLOUDREVE_PASSWORD must be set together.",
    ]);
  });

  it("is told once, though two entries of a list share it", () => {
    expect(sentencesWith({ DISCOVERY_URLS: "a,b,c" })).toEqual(["DISCOVERY_URLS must be an http(s) address."]);
  });

  it("is no contradiction as well", () => {
    expect(sentencesWith({ DISCOVERY_URLS: "nonsense", PROOF_KEYS: "required" })).toEqual([
      "DISCOVERY_URLS must be an http(s) address.",
    ]);
  });

  it("never shows a secret", () => {
    const sentences = sentencesOf({
      SECRET: "hunter2-short",
      SECRET_PREVIOUS: "hunter2-old",
      PORTAL_KEYS: "hunter2",
      PORTAL_WEBHOOKS: "wiki http://wiki:1 hunter2",
      CLOUDREVE_PASSWORD: "hunter2-password",
      SMTP_URL: "smtp://office:hunter2#@mail",
    });
    expect(sentences.length).toBeGreaterThan(4);
    expect(sentences.join("\n")).not.toContain("hunter2");
  });
});

describe("a contradiction in the settings", () => {
  it.each([
    ["http://office.example/hosting/discovery", true],
    ["https://a.example/hosting/discovery,http://b.example/hosting/discovery", true],
    ["https://office.example/hosting/discovery", false],
    ["http://collabora:9980/hosting/discovery", false],
    ["http://localhost:9980/hosting/discovery", false],
    ["http://127.0.0.1:9980/hosting/discovery", false],
  ])("is an http editor beside an https bridge, unless it stands inside: %s", (DISCOVERY_URLS, isContradiction) => {
    expect(sentencesWith({ DISCOVERY_URLS })).toEqual(
      isContradiction ? [expect.stringMatching(/^DISCOVERY_URLS contains http:\/\/\S+, but browsers block .+\.$/)] : [],
    );
    expect(sentencesWith({ DISCOVERY_URLS, BRIDGE_URL: "http://bridge.example" })).toEqual([]);
  });

  it.each(["http://[::1]:9980/hosting/discovery", "https://[2001:db8::1]/hosting/discovery"])(
    "is an editor at an IPv6 address, which no browser shows inside a page: %s",
    (DISCOVERY_URLS) => {
      const said = [expect.stringMatching(/^DISCOVERY_URLS contains http.+IPv6.+such as localhost\.$/)];
      expect(sentencesWith({ DISCOVERY_URLS })).toEqual(said);
      expect(sentencesWith({ DISCOVERY_URLS, BRIDGE_URL: "http://bridge.example" })).toEqual(said);
    },
  );

  it("is an http editor beside an https bridge in capitals", () => {
    const DISCOVERY_URLS = "HTTP://office.example/hosting/discovery";
    expect(sentencesWith({ DISCOVERY_URLS, BRIDGE_URL: "HTTPS://bridge.example" })).toHaveLength(1);
  });

  it.each([{ CLOUDREVE_EMAIL: "bot@example.com" }, { CLOUDREVE_PASSWORD: "password" }])(
    "is a drive account of which one half is missing",
    (half) => {
      expect(sentencesWith(half)).toEqual(["CLOUDREVE_EMAIL and CLOUDREVE_PASSWORD must be set together."]);
    },
  );

  it.each([{ SMTP_URL: "smtp://mail" }, { MAIL_FROM: "office@example.com" }])("is half a mail server: %j", (half) => {
    expect(sentencesWith(half)).toEqual(["SMTP_URL and MAIL_FROM must be set together."]);
  });

  it("is a proof that is required of editors whose keys nobody knows", () => {
    expect(sentencesWith({ PROOF_KEYS: "required" })).toEqual([
      "PROOF_KEYS=required needs DISCOVERY_URLS, where the editors' keys are published.",
    ]);
    expect(sentencesWith({ PROOF_KEYS: "offered" })).toEqual([]);
  });

  it.each([
    ["wiki:key-number-1,wiki:key-number-2", "PORTAL_KEYS lists a portal twice."],
    ["wiki:key-number-1,blog:key-number-1", "PORTAL_KEYS uses the same key for two portals."],
    ["wiki:short", "PORTAL_KEYS contains a key shorter than 8 characters."],
  ])("is a list of portal keys that can't be told apart or are too short: %s", (PORTAL_KEYS, sentence) => {
    expect(sentencesWith({ PORTAL_KEYS })).toEqual([sentence]);
  });

  it.each([
    [
      "blog http://blog:1",
      "PORTAL_WEBHOOKS names blog, which is no name in PORTAL_KEYS and not jwt: with PORTAL_ISSUER behind it.",
    ],
    [
      "jwt:https://p.example http://p:1",
      "PORTAL_WEBHOOKS names jwt:https://p.example, which is no name in PORTAL_KEYS and not jwt: with PORTAL_ISSUER behind it.",
    ],
  ])("is a webhook of a portal that there is not: %s", (webhook, sentence) => {
    const settings = { PORTAL_KEYS: "wiki:key-number-1", PORTAL_WEBHOOKS: `${webhook} ${webhookKey}` };
    expect(sentencesWith(settings)).toEqual([sentence]);
    const jwt = { PORTAL_JWKS_URL: "https://p.example/keys", PORTAL_ISSUER: "https://p.example", PORTAL_AUDIENCE: "a" };
    expect(sentencesWith({ ...settings, ...jwt, PORTAL_KEYS: "blog:key-number-1" })).toEqual([]);
    const twice = `wiki http://w:1 ${webhookKey}, wiki http://w:2 ${webhookKey}`;
    expect(sentencesWith({ ...settings, PORTAL_WEBHOOKS: twice })).toEqual(["PORTAL_WEBHOOKS lists a portal twice."]);
  });

  it("is an error that reads as its sentences", () => {
    const error = new ConfigError(["One.", "Two."]);
    expect(error.message).toBe("One.\nTwo.");
    expect(error.name).toBe("ConfigError");
  });
});

describe("the settings as they are printed", () => {
  it("hide every secret and show the rest", () => {
    const printed = printableConfig(
      readConfig({
        ...required,
        SECRET: "hunter2 hunter2 hunter2 hunter2 hunter2",
        SECRET_PREVIOUS: "hunter2 before hunter2 before hunter2",
        PORTAL_KEYS: "wiki:hunter2-key",
        PORTAL_WEBHOOKS: `wiki https://wiki.example/?hunter2 ${webhookKey}`,
        CLOUDREVE_EMAIL: "bot@example.com",
        CLOUDREVE_PASSWORD: "hunter2",
        SMTP_URL: "smtp://office:hunter2@mail",
        MAIL_FROM: "office@example.com",
      }),
    );
    expect(JSON.stringify(printed)).not.toContain("hunter2");
    expect(printed).toMatchObject({
      SECRET: "***",
      SECRET_PREVIOUS: "***",
      PORTAL_KEYS: "***",
      PORTAL_WEBHOOKS: "***",
      CLOUDREVE_PASSWORD: "***",
      SMTP_URL: "***",
      MAIL_FROM: "***",
      CLOUDREVE_EMAIL: "bot@example.com",
      BRIDGE_URL: "https://bridge.example",
      PORT: 8080,
    });
  });

  it("show which secrets are not set", () => {
    const printed = printableConfig(readConfig(required));
    expect(printed).toMatchObject({ SECRET: "***", PORTAL_KEYS: [] });
    expect(printed["CLOUDREVE_PASSWORD"]).toBeUndefined();
  });
});
