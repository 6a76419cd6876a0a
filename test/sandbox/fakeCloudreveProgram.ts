import { openFakeCloudreve } from "../../src/sandbox/fakeCloudreve/fakeCloudreve.ts";
import { DriveUnderTest } from "./fakeCloudreveClient.ts";

// A drive in a process of its own, so that a test can kill it.
const [dir = ""] = process.argv.slice(2);
const { now: _testClock, ...options } = new DriveUnderTest().options();
const fake = await openFakeCloudreve({ ...options, dir });
process.stdout.write(`${fake.port}\n`);
