import { stat } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { hashPassword, isPassword } from "../../src/links/linkPassword.ts";

describe("a link's password", () => {
  it("is known again, and no other is taken for it", async () => {
    const hash = await hashPassword("correct horse");
    expect(await isPassword("correct horse", hash)).toBe(true);
    for (const other of ["", "correct", "Correct horse", "correct horse battery", "correct  horse"]) {
      expect(await isPassword(other, hash)).toBe(false);
    }
  });

  it("is kept with a salt: the same one twice is two hashes, and stands in neither", async () => {
    const [one, two] = await Promise.all([hashPassword("secret"), hashPassword("secret")]);
    expect(one).not.toBe(two);
    expect(one).toMatch(/^scrypt\$[A-Za-z0-9_-]{22}\$[A-Za-z0-9_-]{43}$/);
    expect(one).not.toContain("secret");
  });

  it.each([
    ["an accent composed by another keyboard", "Caf\u00e9", "Cafe\u0301"],
    ["blanks that came along when it was copied", "Café 报告", "  Café 报告\n"],
  ])("stays the same with %s", async (_name, set, typed) => {
    expect(await isPassword(typed, await hashPassword(set))).toBe(true);
  });

  it.each(["报告 🔑", "x".repeat(10_000), "\ud800", "$$$"])("can be anything: %#", async (password) => {
    expect(await isPassword(password, await hashPassword(password))).toBe(true);
  });

  it.each(["", "scrypt", "scrypt$$", "scrypt$c2FsdA$", "scrypt$c2FsdA$c2hvcnQ", "plain text"])(
    "is never right against a record that is none: %j",
    async (hash) => {
      for (const password of ["", "x", hash]) expect(await isPassword(password, hash)).toBe(false);
    },
  );
});

describe("a crowd with passwords", () => {
  it("leaves the disk a thread and waits for memory: two are looked at, at a time", async () => {
    const hash = await hashPassword("correct horse");
    let done = 0;
    const crowd = Array.from({ length: 8 }, async (_, at) => {
      const isRight = await isPassword(at % 2 === 0 ? "correct horse" : "wrong", hash);
      done += 1;
      return isRight;
    });
    // Node does file system work and scrypt in the same four threads.
    await stat(".");
    expect(done).toBe(0);
    expect(await Promise.all(crowd)).toEqual([true, false, true, false, true, false, true, false]);
  });
});
