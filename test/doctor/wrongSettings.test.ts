import { writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";
import { examine } from "../../src/doctor/examine.ts";
import { textReport } from "../../src/doctor/report.ts";
import { openDemoEditor } from "../../src/sandbox/demoEditor/demoEditor.ts";
import { freePorts } from "../support/childProcess.ts";
import {
  type DoctorStage,
  doctorStage,
  type Lies,
  lyingProxy,
  openDrive,
  registerClient,
  type Settings,
} from "./doctorStage.ts";

let stage: DoctorStage;
beforeAll(async () => {
  stage = await doctorStage();
});
afterAll(() => stage.close());
beforeEach(() => stage.useEditor(stage.editor.url));

async function proxy(target: string | undefined, lies: Lies | ((ownUrl: string) => Lies)): Promise<string> {
  const { url, close } = await lyingProxy(target, lies);
  stage.alsoEnd(close);
  return url;
}

const htmlPage = () =>
  proxy(undefined, {
    answer: () => ({ status: 200, headers: { "Content-Type": "text/html" }, text: "<html>Hi</html>" }),
  });

const freeUrl = async () => `http://127.0.0.1:${(await freePorts(1))[0]}`;

const withoutOAuth: Settings = { OAUTH_CLIENT_ID: "", OAUTH_CLIENT_SECRET: "" };

interface WrongSetting {
  readonly sentence: string;
  /** @returns the settings that are wrong */
  readonly arrange: () => Promise<Settings>;
  /** All checks that fail, and the line that the last of them names. */
  readonly failed: readonly string[];
  readonly change: RegExp;
}

const wrongSettings: readonly WrongSetting[] = [
  {
    sentence: "CLOUDREVE_URL with a port where nothing listens",
    arrange: async () => ({ CLOUDREVE_URL: await freeUrl() }),
    failed: ["Cloudreve"],
    change: /^CLOUDREVE_URL=http:\/\/127\.0\.0\.1:5212$/,
  },
  {
    sentence: "CLOUDREVE_URL of a web page that is no Cloudreve",
    arrange: async () => ({ CLOUDREVE_URL: await htmlPage() }),
    failed: ["Cloudreve"],
    change: /^CLOUDREVE_URL=/,
  },
  {
    sentence: "CLOUDREVE_URL of a proxy that sends its callers on",
    arrange: async () => ({
      CLOUDREVE_URL: await proxy(undefined, {
        answer: ({ url }) => ({ status: 301, headers: { Location: `${stage.drive.url}${url}` } }),
      }),
    }),
    failed: ["Cloudreve"],
    change: /^CLOUDREVE_URL=http:\/\/127\.0\.0\.1:\d+$/,
  },
  {
    sentence: "a wrong CLOUDREVE_PASSWORD",
    arrange: async () => ({ CLOUDREVE_PASSWORD: "not-the-password" }),
    failed: ["sign-in"],
    change: /^CLOUDREVE_PASSWORD=<the password of alice@example\.com>$/,
  },
  {
    sentence: "SMTP_URL with a port where nothing listens",
    arrange: async () => ({
      SMTP_URL: (await freeUrl()).replace("http:", "smtp:"),
      MAIL_FROM: "office@example.com",
    }),
    failed: ["mail"],
    change: /^SMTP_URL=<host and port that the bridge reaches>$/,
  },
  {
    sentence: "an OAUTH_CLIENT_ID that Cloudreve does not know",
    arrange: async () => ({ OAUTH_CLIENT_ID: "00000000-3c0e-4b5e-9b6d-7f2a4c9e1b30" }),
    failed: ["OAuth application"],
    change: /^OAUTH_CLIENT_ID=/,
  },
  {
    sentence: "a wrong OAUTH_CLIENT_SECRET",
    arrange: async () => ({ OAUTH_CLIENT_SECRET: "another-secret-0123456789" }),
    failed: ["OAuth secret"],
    change: /^OAUTH_CLIENT_SECRET=/,
  },
  {
    sentence: "an OAuth application without the bridge's redirect address",
    arrange: async () => {
      const id = "11111111-3c0e-4b5e-9b6d-7f2a4c9e1b30";
      await registerClient(stage.drive, id, "https://old.example.org/signin/callback");
      return { OAUTH_CLIENT_ID: id };
    },
    failed: ["OAuth redirect"],
    change: /Redirect URIs: http:\/\/127\.0\.0\.1:\d+\/signin\/callback$/,
  },
  {
    sentence: "an OAuth application without the scope to write files",
    arrange: async () => {
      const id = "22222222-3c0e-4b5e-9b6d-7f2a4c9e1b30";
      const redirectUri = `${stage.settings["BRIDGE_URL"]}/signin/callback`;
      await registerClient(stage.drive, id, redirectUri, [
        "openid",
        "profile",
        "email",
        "offline_access",
        "Files.Read",
      ]);
      return { OAUTH_CLIENT_ID: id };
    },
    failed: ["OAuth scopes"],
    change: /Scopes: openid profile email offline_access Files\.Read Files\.Write$/,
  },
  {
    sentence: "CLOUDREVE_PUBLIC_URL of another Cloudreve",
    arrange: async () => {
      const other = await openDrive(await stage.newDir());
      stage.alsoEnd(() => other.close());
      return { CLOUDREVE_PUBLIC_URL: other.url };
    },
    failed: ["public address"],
    change: /^CLOUDREVE_PUBLIC_URL=/,
  },
  {
    sentence: "a Cloudreve whose clock is ten minutes ahead",
    arrange: async () => {
      const date = new Date(Date.now() + 600_000).toUTCString();
      return { CLOUDREVE_URL: await proxy(stage.drive.url, { headers: (headers) => ({ ...headers, date }) }) };
    },
    failed: ["clock"],
    change: /^timedatectl set-ntp true/,
  },
  {
    sentence: "no viewer for pptx, which the editor edits",
    arrange: async () => ({
      DISCOVERY_URLS: `${await proxy(stage.editor.url, { text: (text) => text.replaceAll('ext="txt"', 'ext="pptx"') })}/hosting/discovery`,
    }),
    failed: ["viewer for pptx"],
    change: /^Cloudreve: Dashboard → File system → File apps/,
  },
  {
    sentence: "DISCOVERY_URLS with a wrong path",
    arrange: async () => ({ DISCOVERY_URLS: `${stage.editor.url}/discovery` }),
    failed: ["discovery"],
    change: /^DISCOVERY_URLS=http:\/\/127\.0\.0\.1:\d+\/hosting\/discovery$/,
  },
  {
    sentence: "DISCOVERY_URLS of another editor than Cloudreve's viewer opens",
    arrange: async () => {
      const other = await openDemoEditor({ port: 0 });
      stage.alsoEnd(() => other.kill());
      return { DISCOVERY_URLS: other.discoveryUrl };
    },
    failed: ["viewers' editor"],
    change: /^DISCOVERY_URLS=http:\/\/127\.0\.0\.1:\d+\/hosting\/discovery$/,
  },
  {
    sentence: "an https BRIDGE_URL with an http editor",
    arrange: async () => ({
      ...withoutOAuth,
      BRIDGE_URL: (stage.settings["BRIDGE_URL"] ?? "").replace("http:", "https:"),
      WOPI_URL: stage.settings["BRIDGE_URL"] ?? "",
    }),
    // Nothing speaks TLS there either.
    failed: ["bridge's address", "editor's address"],
    change: /^the editor's public address: https:\/\/127/,
  },
  {
    sentence: "an editor without a proof key while PROOF_KEYS is required",
    arrange: async () => {
      const unsigned = await openDemoEditor({ port: 0, signs: false });
      stage.alsoEnd(() => unsigned.kill());
      stage.useEditor(unsigned.url);
      return { DISCOVERY_URLS: unsigned.discoveryUrl, PROOF_KEYS: "required" };
    },
    failed: ["proof key"],
    change: /proof key$/,
  },
  {
    sentence: "two editors with keys of their own behind one address",
    arrange: async () => {
      let reads = 0;
      const url = await proxy(stage.editor.url, {
        text: (text) => text.replace(/ modulus="[^"]*"/, ` modulus="${reads++ === 0 ? "AAAA" : "BBBB"}"`),
      });
      return { DISCOVERY_URLS: `${url}/hosting/discovery` };
    },
    failed: ["proof key"],
    change: /one proof key for all its servers$/,
  },
  {
    sentence: "an editor whose frame-ancestors refuse the bridge",
    arrange: async () => {
      const url = await proxy(stage.editor.url, (ownUrl) => ({
        text: (text) => text.replaceAll(stage.editor.url, ownUrl),
        headers: (headers, { method }) =>
          method === "POST"
            ? { ...headers, "content-security-policy": "frame-ancestors https://office.example.org" }
            : headers,
      }));
      stage.useEditor(url);
      return { DISCOVERY_URLS: `${url}/hosting/discovery` };
    },
    failed: ["editor in a frame"],
    change: /^the editor's frame-ancestors: http:\/\/127\.0\.0\.1:\d+$/,
  },
  {
    sentence: "an editor that may not call the bridge",
    arrange: async () => {
      const strict = await openDemoEditor({ port: 0, wopiHosts: ["http://office.example.org"] });
      stage.alsoEnd(() => strict.kill());
      stage.useEditor(strict.url);
      return { DISCOVERY_URLS: strict.discoveryUrl };
    },
    failed: ["editor in a frame", "editor reaches the bridge"],
    change: /aliasgroup1=http:\/\/127\.0\.0\.1:\d+$/,
  },
  {
    sentence: "WOPI_URL of a proxy that sends everybody to a sign-in",
    arrange: async () => ({
      WOPI_URL: await proxy(stage.settings["BRIDGE_URL"], {
        answer: () => ({ status: 302, headers: { Location: "https://login.example.org/?rd=secret" } }),
      }),
    }),
    failed: ["WOPI address"],
    change: /^WOPI_URL=http:\/\/127\.0\.0\.1:\d+ /,
  },
  {
    sentence: "WOPI_URL of a proxy that limits bodies",
    arrange: async () => ({
      WOPI_URL: await proxy(stage.settings["BRIDGE_URL"], {
        answer: ({ headers }) => (Number(headers["content-length"] ?? 0) > 1024 * 1024 ? { status: 413 } : undefined),
      }),
    }),
    failed: ["largest save"],
    change: /client_max_body_size 1024m/,
  },
  {
    sentence: "BRIDGE_URL of another server",
    arrange: async () => ({
      ...withoutOAuth,
      BRIDGE_URL: await htmlPage(),
      WOPI_URL: stage.settings["BRIDGE_URL"] ?? "",
    }),
    failed: ["bridge's address"],
    change: /^BRIDGE_URL=http:\/\/127\.0\.0\.1:\d+ /,
  },
  {
    sentence: "no bridge at all",
    arrange: async () => {
      const url = await freeUrl();
      return { ...withoutOAuth, BRIDGE_URL: url, PORT: new URL(url).port };
    },
    failed: ["editor reaches the bridge", "WOPI address", "bridge's address"],
    change: /^start the bridge: npm start$/,
  },
  {
    sentence: "a SECRET that the running bridge does not have",
    arrange: async () => ({ SECRET: "another secret of at least thirty-two" }),
    failed: ["secret"],
    change: /^SECRET=/,
  },
  {
    sentence: "a proxy that forbids framing the bridge",
    arrange: async () => ({
      ...withoutOAuth,
      BRIDGE_URL: await proxy(stage.settings["BRIDGE_URL"], {
        headers: (headers) => ({ ...headers, "x-frame-options": "SAMEORIGIN" }),
      }),
    }),
    failed: ["page headers"],
    change: /remove add_header X-Frame-Options$/,
  },
  {
    sentence: "a proxy that adds a policy of its own to the bridge's",
    arrange: async () => ({
      ...withoutOAuth,
      BRIDGE_URL: await proxy(stage.settings["BRIDGE_URL"], {
        headers: ({ "content-security-policy": policy, ...headers }) => ({
          ...headers,
          ...(policy === undefined ? {} : { "content-security-policy": `${policy}, default-src 'self'` }),
        }),
      }),
    }),
    failed: ["page headers"],
    change: /remove add_header Content-Security-Policy$/,
  },
  {
    sentence: "a store that can't be written",
    arrange: async () => {
      await writeFile(join(stage.dir, "no-folder"), "");
      return { STORE_URL: `file:${join(stage.dir, "no-folder", "bridge.db")}` };
    },
    failed: ["store"],
    change: /^STORE_URL=file:/,
  },
  {
    sentence: "a spool that can't be written",
    arrange: async () => {
      await writeFile(join(stage.dir, "no-spool"), "");
      return { SPOOL_DIR: join(stage.dir, "no-spool", "spool") };
    },
    failed: ["spool"],
    change: /^SPOOL_DIR=/,
  },
];

/** What the doctor waits seconds for in vain; none of these touches what others share, so all wait at the same time. */
const silentServers: readonly WrongSetting[] = [
  {
    sentence: "a Cloudreve that takes calls and never answers",
    arrange: async () => {
      const silent = createServer();
      await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
      stage.alsoEnd(async () => silent.close());
      return { CLOUDREVE_URL: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` };
    },
    failed: ["Cloudreve"],
    change: /^CLOUDREVE_URL=/,
  },
  {
    sentence: "a Redis that is not there",
    arrange: async () => ({ STORE_URL: `redis://:store-password@127.0.0.1:${new URL(await freeUrl()).port}` }),
    failed: ["store"],
    change: /^STORE_URL=redis:/,
  },
];

describe("the doctor names the line to change", () => {
  const isNamed = async ({ arrange, failed, change }: WrongSetting): Promise<void> => {
    const findings = await examine(readConfig({ ...stage.settings, ...(await arrange()) }));
    const wrong = findings.filter(({ outcome }) => outcome === "failed");
    expect(wrong.map(({ check }) => check).sort(), textReport(wrong)).toEqual([...failed].sort());
    expect(wrong.find(({ check }) => check === failed.at(-1))?.change).toMatch(change);
  };
  it.each(wrongSettings)("for $sentence", isNamed);
  it.concurrent.each(silentServers)("for $sentence", isNamed);
});
