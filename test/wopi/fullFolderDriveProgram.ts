import { openFakeCloudreve } from "../../src/sandbox/fakeCloudreve/fakeCloudreve.ts";
import { driveAccount } from "../support/driveAccount.ts";
import { drivePassword } from "../support/stage.ts";

// A drive in a process of its own, so that its work is not measured, with a folder "Full" that holds so many files.
const [dir = "", count = "0"] = process.argv.slice(2);
const email = "alice@example.com";
const fake = await openFakeCloudreve({
  dir,
  port: 0,
  accounts: [{ email, password: drivePassword, nickname: "Alice" }],
  viewers: [],
  writesState: "at close",
});
const alice = await driveAccount(fake.url, email, drivePassword);
for (let made = 0; made < Number(count); made += 50) {
  await Promise.all(
    Array.from({ length: Math.min(50, Number(count) - made) }, (_, at) =>
      alice.call("POST", "/file/create", { uri: alice.uriOf(`Full/Document ${made + at}.docx`), type: "file" }),
    ),
  );
  process.stdout.write(`made ${made + 50}.\n`);
}
process.stdout.write(`drive at ${fake.url} with token ${alice.accessToken}\n`);
