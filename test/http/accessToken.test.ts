import { jwtVerify, SignJWT, UnsecuredJWT } from "jose";
import { describe, expect, it } from "vitest";
import { AccessTokens, deriveKey } from "../../src/http/accessToken.ts";
import { failureOf } from "../../src/model/failure.ts";
import { setClock } from "../support/clock.ts";

const secret = "a secret of at least thirty-two bytes";
const otherSecret = "another secret of thirty-two bytes and more";
const startMs = Date.parse("2026-11-21T08:15:00Z");
const hourMs = 3_600_000;
const claims = { grantId: "g7", fileId: "f1", expiresAtMs: startMs + hourMs };

function freshTokens(...secrets: readonly string[]) {
  const clock = setClock(startMs);
  return { clock, tokens: new AccessTokens(secrets.length === 0 ? [secret] : secrets, clock.now) };
}

async function expectRefused(tokens: AccessTokens, token: string): Promise<void> {
  const error = await tokens.verify(token).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(failureOf(error, "tokenInvalid")).toBeDefined();
}

/** A token as ours is, but for what is changed. */
function forged(change: {
  f?: unknown;
  iss?: string;
  sub?: string;
  alg?: string;
  key?: Uint8Array;
  endless?: boolean;
}) {
  const token = new SignJWT({ f: "f" in change ? change.f : "f1" })
    .setProtectedHeader({ alg: change.alg ?? "HS256" })
    .setIssuer(change.iss ?? "bridge")
    .setSubject(change.sub ?? "g7");
  if (!change.endless) token.setExpirationTime((startMs + hourMs) / 1000);
  return token.sign(change.key ?? deriveKey(secret, "access token"));
}

describe("an access token", () => {
  it("says which grant, which file and until when", async () => {
    const { tokens } = freshTokens();
    expect(await tokens.verify(await tokens.sign(claims))).toEqual(claims);
  });

  it("says nothing else, and what it says is no secret of the drive", async () => {
    const { tokens } = freshTokens();
    const payload = (await tokens.sign(claims)).split(".")[1] ?? "";
    expect(Object.keys(JSON.parse(Buffer.from(payload, "base64url").toString())).sort()).toEqual([
      "exp",
      "f",
      "iss",
      "sub",
    ]);
  });

  it("is short and needs no escaping in an address", async () => {
    const { tokens } = freshTokens();
    const token = await tokens.sign({ ...claims, grantId: "x".repeat(16), fileId: "y".repeat(12) });
    expect(token).toMatch(/^[A-Za-z0-9._-]+$/);
    expect(token.length).toBeLessThan(250);
  });

  it("is good for every instance with the same secret", async () => {
    const token = await freshTokens().tokens.sign(claims);
    expect((await freshTokens().tokens.verify(token)).grantId).toBe("g7");
  });

  it("never lives longer than the grant, not even by a fraction of a second", async () => {
    const { tokens } = freshTokens();
    const verified = await tokens.verify(await tokens.sign({ ...claims, expiresAtMs: startMs + hourMs + 999 }));
    expect(verified.expiresAtMs).toBe(startMs + hourMs);
  });

  it("is a JWT like any other to a library, character for character", async () => {
    const { tokens } = freshTokens();
    const token = await tokens.sign({ ...claims, editor: "https://office.example.com" });
    const key = deriveKey(secret, "access token");
    const { payload, protectedHeader } = await jwtVerify(token, key, { currentDate: new Date(startMs) });
    expect(token).toBe(await new SignJWT(payload).setProtectedHeader(protectedHeader).sign(key));
    expect(payload).toEqual({
      f: "f1",
      e: "https://office.example.com",
      iss: "bridge",
      sub: "g7",
      exp: (startMs + hourMs) / 1000,
    });
  });

  it("is read as it was written, also with letters of other scripts", async () => {
    const { tokens } = freshTokens();
    const strange = { ...claims, fileId: "ä€𝄞", editor: "https://büro.example" };
    expect(await tokens.verify(await tokens.sign(strange))).toEqual(strange);
  });

  it("ends with its expiry by the clock", async () => {
    const { clock, tokens } = freshTokens();
    const token = await tokens.sign(claims);
    clock.advance(hourMs - 1);
    await tokens.verify(token);
    clock.advance(1);
    await expectRefused(tokens, token);
  });
});

describe("after the secret was changed", () => {
  it("tokens of the one before are still read", async () => {
    const old = await freshTokens(secret).tokens.sign(claims);
    expect(await freshTokens(otherSecret, secret).tokens.verify(old)).toEqual(claims);
  });

  it("new ones are signed by the new secret", async () => {
    const token = await freshTokens(otherSecret, secret).tokens.sign(claims);
    expect(await freshTokens(otherSecret).tokens.verify(token)).toEqual(claims);
    await expectRefused(freshTokens(secret).tokens, token);
  });

  it("tokens of the one before end as they would have", async () => {
    const old = await freshTokens(secret).tokens.sign(claims);
    const { clock, tokens } = freshTokens(otherSecret, secret);
    clock.advance(hourMs);
    await expectRefused(tokens, old);
  });

  it("tokens of a secret that is gone altogether are refused", async () => {
    const token = await freshTokens(secret).tokens.sign(claims);
    await expectRefused(freshTokens(otherSecret).tokens, token);
  });
});

describe("a token that is not ours", () => {
  it("is refused when a character of it was changed, wherever", async () => {
    const { tokens } = freshTokens();
    const token = await tokens.sign(claims);
    for (let at = 0; at < token.length - 1; at += 7) {
      const swapped = token[at] === "A" ? "B" : "A";
      await expectRefused(tokens, `${token.slice(0, at)}${swapped}${token.slice(at + 1)}`);
    }
  });

  it("is refused when its claims were exchanged under the old signature", async () => {
    const { tokens } = freshTokens();
    const [head, , signature] = (await tokens.sign(claims)).split(".");
    const [, other] = (await tokens.sign({ ...claims, fileId: "f2" })).split(".");
    await expectRefused(tokens, `${head}.${other}.${signature}`);
  });

  it("is refused when its signature is cut off, longer, or written otherwise", async () => {
    const { tokens } = freshTokens();
    const token = await tokens.sign(claims);
    const head = token.slice(0, token.lastIndexOf(".") + 1);
    for (const other of [
      head,
      head.slice(0, -1),
      token.slice(0, -1),
      `${token}A`,
      `${token}=`,
      `${token}.`,
      `${head}é`,
    ]) {
      await expectRefused(tokens, other);
    }
  });

  it.each(["", "x", "..", "a.b.c", "null", "Bearer x", "é", `${"x".repeat(10_000)}.y.z`])(
    "is refused: %s",
    async (token) => {
      await expectRefused(freshTokens().tokens, token);
    },
  );

  it("is refused when it claims to need no signature", async () => {
    const token = new UnsecuredJWT({ f: "f1" })
      .setIssuer("bridge")
      .setSubject("g7")
      .setExpirationTime((startMs + hourMs) / 1000)
      .encode();
    await expectRefused(freshTokens().tokens, token);
  });

  it.each([
    ["by another algorithm", { alg: "HS512" }],
    ["with the key of another purpose", { key: deriveKey(secret, "seal") }],
    ["with the secret itself", { key: new TextEncoder().encode(secret) }],
    ["by another issuer", { iss: "portal" }],
    ["for no file", { f: undefined }],
    ["for a file that is no text", { f: 1 }],
    ["without an end", { endless: true }],
  ])("is refused when it is signed %s", async (_name, change) => {
    await expectRefused(freshTokens().tokens, await forged(change));
  });

  it("is told from ours by that one change alone", async () => {
    expect(await freshTokens().tokens.verify(await forged({}))).toEqual(claims);
  });
});

describe("keys derived from the secret", () => {
  it("are 32 bytes, the same each time, and different for each purpose and each secret", () => {
    const key = deriveKey(secret, "access token");
    expect(key).toHaveLength(32);
    expect(deriveKey(secret, "access token")).toEqual(key);
    expect(deriveKey(secret, "seal")).not.toEqual(key);
    expect(deriveKey(otherSecret, "access token")).not.toEqual(key);
  });
});
