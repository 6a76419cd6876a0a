import { type Config, readConfig } from "../../src/config.ts";
import type { Answer } from "../../src/doctor/httpProbe.ts";

/** An HTTP answer as the doctor reads it. */
export function answer(status: number, headers: Answer["headers"] = {}, body: unknown = ""): Answer {
  return { status, headers, text: typeof body === "string" ? body : JSON.stringify(body) };
}

/** Settings of a bridge in production, plus these. */
export function config(more: Readonly<Record<string, string>> = {}): Config {
  return readConfig({
    BRIDGE_URL: "https://office.example.org",
    CLOUDREVE_URL: "http://cloudreve:5212",
    SECRET: "a secret of at least thirty-two bytes",
    ...more,
  });
}
