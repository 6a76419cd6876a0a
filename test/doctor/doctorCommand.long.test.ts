import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { readConfig } from "../../src/config.ts";
import { examine } from "../../src/doctor/examine.ts";
import { type DoctorStage, doctorCommand, doctorStage } from "./doctorStage.ts";

let stage: DoctorStage;
beforeAll(async () => {
  stage = await doctorStage();
});
afterAll(() => stage.close());
beforeEach(() => stage.useEditor(stage.editor.url));

const reportSchema = z.array(
  z.strictObject({
    check: z.string(),
    arrow: z.enum(["bridge", "drive", "editor", "browser"]),
    outcome: z.enum(["ok", "warning", "failed", "skipped"]),
    sentence: z.string(),
    change: z.string().optional(),
  }),
);

describe("the doctor as a command", () => {
  it("gives the same as an array with --json", async () => {
    const { code, output } = await doctorCommand(stage.settings, { args: ["--json"] });
    const findings = reportSchema.parse(JSON.parse(output));
    expect(findings.map(({ check }) => check)).toEqual(
      (await examine(readConfig(stage.settings))).map(({ check }) => check),
    );
    expect(code).toBe(0);
  });

  it("prints contradictions among the settings as sentences and ends with 1", async () => {
    const { code, output } = await doctorCommand({ ...stage.settings, SECRET: "short", CLOUDREVE_PASSWORD: "" });
    expect(code).toBe(1);
    expect(output).toContain("SECRET must be at least 32 bytes long.");
    expect(output).toContain("CLOUDREVE_EMAIL and CLOUDREVE_PASSWORD must be set together.");
  });

  it("reads its settings from a file .env", async () => {
    const cwd = await stage.newDir();
    await mkdir(cwd);
    const lines = Object.entries({ ...stage.settings, CLOUDREVE_PASSWORD: "not-the-password" });
    await writeFile(join(cwd, ".env"), lines.map(([name, value]) => `${name}=${value}\n`).join(""));
    const { code, output } = await doctorCommand({}, { args: ["--json"], cwd });
    expect(code).toBe(1);
    const findings = reportSchema.parse(JSON.parse(output));
    expect(findings.filter(({ outcome }) => outcome === "failed")).toEqual([
      {
        check: "sign-in",
        arrow: "drive",
        outcome: "failed",
        sentence: "Cloudreve rejects the password of alice@example.com.",
        change: "CLOUDREVE_PASSWORD=<the password of alice@example.com>",
      },
    ]);
  });
});
