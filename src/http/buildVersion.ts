import { readFileSync } from "node:fs";
import { z } from "zod";

/** Lies beside `src` and beside `dist`. */
const packageFile = new URL("../../package.json", import.meta.url);

/** The version of this build, as its package tells it: "0.1.0". */
export const buildVersion = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(packageFile, "utf8"))).version;
