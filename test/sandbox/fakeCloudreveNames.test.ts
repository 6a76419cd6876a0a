import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DriveUnderTest, type Envelope, type FileObject } from "./fakeCloudreveClient.ts";

let drive: DriveUnderTest;

beforeEach(async () => {
  drive = await new DriveUnderTest().open();
});

afterEach(() => drive.close());

describe("a new name", () => {
  it("is held by a short lock while it is made, so of many at once some get 40073 and all others the same file", async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => create("/new.docx")));
    const refused = answers.filter(({ code }) => code === 40073);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.data).toMatchObject([
      { path: "cloudreve://my/new.docx", owner: { application: { type: "create" } }, type: 0 },
    ]);
    const made = answers.filter(({ code }) => code === 0).map(({ data }) => data.id);
    expect(made.length + refused.length).toBe(12);
    expect(new Set(made).size).toBe(1);
  });

  it("is free again when it is made", async () => {
    const first = await create("/new.docx");
    expect((await drive.put("/new.docx", "text")).data.id).toBe(first.data.id);
  });

  it("of 244 bytes can be written, of 245 only be made", async () => {
    const [written, made] = [244, 245].map((length) => `/${"x".repeat(length - 5)}.docx`) as [string, string];
    expect((await drive.put(written, "text")).code).toBe(0);
    expect((await create(made)).code).toBe(0);
    expect(await drive.put(made, "text")).toMatchObject({ code: 50004, msg: "Failed to upload file" });
    expect((await drive.info(made)).data).toMatchObject({ size: 0, metadata: {} });
  });

  it("that can't be written is not left behind", async () => {
    const name = `/${"é".repeat(125)}.docx`;
    expect((await drive.put(name, "text")).code).toBe(50004);
    expect((await drive.info(name)).code).toBe(40016);
  });
});

function create(path: string): Promise<Envelope<FileObject>> {
  return drive.call<FileObject>("POST", "/file/create", { uri: `cloudreve://my${path}`, type: "file" });
}
