import { describe } from "vitest";
import { driveContract } from "../cloudreve/drive.contract.ts";

function setting(name: string): string {
  const value = process.env[name];
  if (value) return value;
  throw new Error(
    `${name} is not set: these tests need a real Cloudreve, named by CLOUDREVE_URL, CLOUDREVE_EMAIL and CLOUDREVE_PASSWORD.`,
  );
}

describe("a real Cloudreve, with a WOPI viewer for docx set up", () => {
  driveContract(async () => ({
    url: setting("CLOUDREVE_URL"),
    email: setting("CLOUDREVE_EMAIL"),
    password: setting("CLOUDREVE_PASSWORD"),
    close: async () => undefined,
  }));
});
