import { cpus, loadavg } from "node:os";
import { chaos, figuresOf, seeded } from "../support/rollingChaos.ts";
import { rollingStage } from "../support/rollingStage.ts";

// `npx tsx test/journeys/rollingLong.ts [SECONDS] [EDITORS] [SEED]`: the long form of rolling.redis.long.test.ts.
const [seconds = "120", editors = "50", seed = String(Date.now() % 1_000_000)] = process.argv.slice(2);
const random = seeded(Number(seed));
const load = () => `load ${loadavg()[0]?.toFixed(1)} on ${cpus().length} cores`;

process.stdout.write(`seed ${seed}, ${load()}\n`);
const stage = await rollingStage({ editors: Number(editors), pauseMs: 300, random });
try {
  let counts = { bridgeKills: 0, redisKills: 0, restarts: 0 };
  await stage.editDuring(async () => {
    counts = await chaos(stage, random, Number(seconds) * 1_000, ["kill", "killRedis", "roll"]);
  });
  process.stdout.write(`${figuresOf(stage, counts)}${load()}\n`);
  const wrong = await stage.verdict();
  process.stdout.write(
    wrong.length === 0 ? "nothing lost, no two holders, no false conflict\n" : `${wrong.join("\n")}\n`,
  );
  process.exitCode = wrong.length === 0 ? 0 : 1;
} finally {
  await stage.close();
}
