import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parseSuite } from "./cases.ts";
import { answerTo } from "./http.ts";
import { groupText, totalText } from "./report.ts";
import { type GroupResult, runSuite } from "./run.ts";
import { readSchemas } from "./schemas.ts";
import { openSessions } from "./sessions.ts";
import { openStage } from "./stage.ts";

const usage = `npm run test:validator -- DIR [options]
  DIR              a checkout of Microsoft's WOPI validator
  --category NAME  OfficeOnline (default), OfficeNativeClient, WopiCoauth or All; WopiCore belongs to each
  --group TEXT     groups whose name holds it
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { category: { type: "string", default: "OfficeOnline" }, group: { type: "string", default: "" } },
});
const [dir] = positionals;
if (dir === undefined) {
  process.stderr.write(usage);
  process.exit(2);
}
process.exit((await isAllPassed(dir)) ? 0 : 1);

/** @returns whether the run came to its end and nothing failed */
async function isAllPassed(checkout: string): Promise<boolean> {
  const suite = await parseSuite(await readFile(join(checkout, "TestCases.xml"), "utf8"), values.category);
  const groups = suite.groups.filter(({ name }) => name.includes(values.group));
  const schemas = await readSchemas(checkout);
  const stage = await openStage();
  let isStopped = false;
  // A real drive must not keep what the run has put there.
  process.once("SIGINT", () => {
    isStopped = true;
  });
  try {
    const means = { schemas, sign: stage.sign, send: answerTo, now: Date.now };
    const results: GroupResult[] = [];
    for await (const group of runSuite({ ...suite, groups }, await openSessions(stage), means)) {
      results.push(group);
      process.stdout.write(groupText(group));
      if (isStopped) break;
    }
    process.stdout.write(totalText(results));
    return !isStopped && results.every((group) => group.results.every(({ outcome }) => outcome !== "failed"));
  } finally {
    await stage.close();
  }
}
