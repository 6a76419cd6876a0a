import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { DriveUnderTest } from "./fakeCloudreveClient.ts";

const program = fileURLToPath(new URL("./fakeCloudreveProgram.ts", import.meta.url));

it("keeps every answered save and a readable state when it is killed in the middle of others", async () => {
  const drive = new DriveUnderTest();
  const { child, port } = await startProgram(drive.dir);
  try {
    await drive.open({ dir: join(drive.dir, "unused") });
    await drive.fake.close();
    drive.fake = { ...drive.fake, url: `http://127.0.0.1:${port}` };
    drive.token = (await drive.signIn()).access_token;
    for (let round = 0; round < 20; round++) await drive.put(`/${round}.docx`, `saved ${round}`);
    // One save is half received, others are on their way when the end comes.
    const half = connect(port, "127.0.0.1");
    half.on("error", () => undefined);
    half.write(
      `PUT /api/v4/file/content?uri=${encodeURIComponent("cloudreve://my/0.docx")} HTTP/1.1\r\nHost: drive\r\n` +
        `Authorization: Bearer ${drive.token}\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n`,
    );
    await once(half, "data");
    half.write("half of it");
    const others = [..."abcdef"].map((name) => drive.put(`/${name}.docx`, name).catch(() => undefined));
    child.kill("SIGKILL");
    await once(child, "exit");
    await Promise.all(others);
  } finally {
    child.kill("SIGKILL");
  }
  expect(() => JSON.parse(readFileSync(join(drive.dir, "state.json"), "utf8"))).not.toThrow();
  await drive.open();
  const contents = await Promise.all(Array.from({ length: 20 }, (_, round) => drive.read(`/${round}.docx`)));
  expect(contents).toEqual(Array.from({ length: 20 }, (_, round) => `saved ${round}`));
  await drive.close();
});

async function startProgram(dir: string): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(process.execPath, ["--import", "tsx", program, dir], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  return { child, port: Number(line) };
}
