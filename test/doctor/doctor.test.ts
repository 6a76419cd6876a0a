import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";
import { examine } from "../../src/doctor/examine.ts";
import type { Finding } from "../../src/doctor/finding.ts";
import { driveAccount } from "../support/driveAccount.ts";
import {
  type DoctorStage,
  doctorCommand,
  doctorStage,
  type Lies,
  lyingProxy,
  oauthSecret,
  password,
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

function found(changed: Settings = {}): Promise<Finding[]> {
  return examine(readConfig({ ...stage.settings, ...changed }));
}

const failures = (findings: readonly Finding[]) => findings.filter(({ outcome }) => outcome === "failed");
const named = (findings: readonly Finding[], check: string) => findings.find((finding) => finding.check === check);

describe("the doctor, where everything is right", () => {
  it("finds nothing wrong", async () => {
    const findings = await found();
    expect(findings.filter(({ outcome }) => outcome === "failed" || outcome === "warning")).toEqual([]);
    expect(findings.filter(({ outcome }) => outcome === "ok").length).toBeGreaterThan(20);
  });

  it("ends as a command with 0 and tells line by line what it tried", async () => {
    const { code, output } = await doctorCommand(stage.settings);
    expect(output).toContain("ok Cloudreve: Cloudreve 4.14.0 answers");
    expect(output).toContain("0 failed (!!)");
    expect(code).toBe(0);
  });

  it("opens a document for its address where the account may not read Cloudreve's settings", async () => {
    const bob = await driveAccount(stage.drive.url, "bob@example.com", password);
    await bob.put("notes.txt", "Hello");
    const findings = await found({ CLOUDREVE_EMAIL: "bob@example.com" });
    expect(failures(findings)).toEqual([]);
    expect(named(findings, "viewers' editor")).toMatchObject({ outcome: "ok" });
    expect(named(findings, "largest document")).toMatchObject({ outcome: "skipped" });
  });

  it("signs out of Cloudreve what it has signed in", async () => {
    const refreshTokens: string[] = [];
    const url = await proxy(stage.drive.url, {
      text: (text) => {
        refreshTokens.push(...(/"refresh_token":"([^"]+)"/.exec(text)?.slice(1) ?? []));
        return text;
      },
    });
    await found({ CLOUDREVE_URL: url });
    expect(refreshTokens).toHaveLength(2);
    for (const refresh_token of refreshTokens) {
      const answer = await fetch(`${stage.drive.url}/api/v4/session/token/refresh`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ refresh_token }),
      });
      expect(await answer.json()).toMatchObject({ code: 40_020 });
    }
  });

  it("tells whose save waits in the spool", async () => {
    const spool = await stage.newDir();
    await mkdir(spool);
    const facts = {
      grantId: "grant",
      document: { account: "person:1", fileId: "file" },
      personName: "Bob",
      editor: "editor",
      fileName: "report.docx",
      receivedAtMs: Date.UTC(2026, 10, 20, 9),
    };
    await writeFile(join(spool, `${"0".repeat(24)}-5-${"0".repeat(64)}.save`), `${JSON.stringify(facts)}\nbytes`);
    expect(named(await found({ SPOOL_DIR: spool }), "spool content")).toMatchObject({
      outcome: "warning",
      sentence: '1 save is not yet in Cloudreve: "report.docx" by Bob since 2026-11-20T09:00Z.',
    });
  });

  it("leaves a save that the bridge is receiving where it is", async () => {
    const part = join(stage.settings["SPOOL_DIR"] ?? "", "0123456789abcdef.part");
    await writeFile(part, "half a document");
    await found();
    expect(await readFile(part, "utf8")).toBe("half a document");
    await rm(part);
  });

  it("tells whether editors can read straight from Cloudreve", async () => {
    const check = "editor reads from Cloudreve";
    expect(named(await found(), check)).toMatchObject({ outcome: "skipped" });
    const [same, page] = await Promise.all([
      found({ EDITOR_CLOUDREVE_URL: stage.drive.url }),
      found({ EDITOR_CLOUDREVE_URL: stage.editor.url }),
    ]);
    expect(named(same, check)).toMatchObject({ outcome: "ok", arrow: "editor" });
    expect(failures(page)).toEqual([]);
    expect(named(page, check)).toMatchObject({ outcome: "warning", change: expect.stringMatching(/^EDITOR_/) });
  });

  it("names a proxy that keeps whole saves before it hands them on", async () => {
    const url = await proxy(stage.settings["BRIDGE_URL"], { keepsBodies: true });
    const findings = await found({ WOPI_URL: url, MAX_FILE_MB: "4" });
    expect(failures(findings)).toEqual([]);
    expect(named(findings, "proxy buffering")).toMatchObject({
      outcome: "warning",
      change: "nginx in front of WOPI_URL: proxy_request_buffering off;",
    });
  });
});

describe("the doctor as a command", () => {
  it("ends with 1 when one check fails, and prints no secret", async () => {
    const { code, output } = await doctorCommand({
      ...stage.settings,
      OAUTH_CLIENT_SECRET: "another-secret-0123456789",
      STORE_URL: "redis://:store-password@127.0.0.1:1",
      PORTAL_KEYS: "portal:portal-key-0123",
    });
    expect(code).toBe(1);
    expect(output).toContain("change: OAUTH_CLIENT_SECRET=");
    for (const secret of [
      password,
      oauthSecret,
      "another-secret",
      "store-password",
      "portal-key-0123",
      "thirty-two bytes",
    ]) {
      expect(output).not.toContain(secret);
    }
  });
});
