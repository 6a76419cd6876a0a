import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parseStringPromise } from "xml2js";
import type { HostCall } from "./demoEditorHost.ts";
import { demoSession } from "./demoEditorSession.ts";

const demo = demoSession({ signs: true });

interface ProofKey {
  modulus: string;
  exponent: string;
  value: string;
  oldmodulus: string;
  oldexponent: string;
  oldvalue: string;
}

interface Discovery {
  "net-zone": { app: { $: { name: string }; action: { $: Record<string, string> }[] }[] }[];
  "proof-key"?: { $: ProofKey }[];
}

async function discovery(): Promise<Discovery> {
  const xml = await (await fetch(demo.editor.discoveryUrl)).text();
  return ((await parseStringPromise(xml)) as { "wopi-discovery": Discovery })["wopi-discovery"];
}

async function proofKey(): Promise<ProofKey> {
  const element = (await discovery())["proof-key"]?.[0];
  if (element === undefined) throw new Error("no proof-key");
  return element.$;
}

function publicKey(modulus: string, exponent: string): KeyObject {
  const base64url = (text: string) => Buffer.from(text, "base64").toString("base64url");
  return createPublicKey({ key: { kty: "RSA", n: base64url(modulus), e: base64url(exponent) }, format: "jwk" });
}

function isSigned(call: HostCall, header: "x-wopi-proof" | "x-wopi-proofold", key: KeyObject): boolean {
  const withLength = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const moment = Buffer.alloc(8);
  moment.writeBigUInt64BE(BigInt(String(call.headers["x-wopi-timestamp"])));
  const signed = Buffer.concat([
    withLength(Buffer.from(call.token)),
    withLength(Buffer.from(`${demo.host.origin}${call.target}`.toUpperCase())),
    withLength(moment),
  ]);
  return verify("RSA-SHA256", signed, key, Buffer.from(String(call.headers[header]), "base64"));
}

describe("discovery", () => {
  it("offers edit and view for text, documents and workbooks, without placeholders", async () => {
    const [app] = (await discovery())["net-zone"][0]?.app ?? [];
    const actions = app?.action.map(({ $ }) => $) ?? [];
    expect(actions.filter(({ name }) => name === "edit").map(({ ext }) => ext)).toEqual([
      "txt",
      "md",
      "csv",
      "json",
      "html",
      "wopitest",
      "docx",
      "xlsx",
    ]);
    expect(actions).toContainEqual({ name: "view", ext: "md", urlsrc: `${demo.editor.url}/editor/view?` });
    expect(actions.every(({ urlsrc }) => urlsrc?.startsWith(demo.editor.url) && !urlsrc.includes("<"))).toBe(true);
  });

  it("names the origin browsers use", async () => {
    await demo.restartEditor({ publicUrl: "https://editor.example/" });
    const local = `http://127.0.0.1:${demo.editor.port}/hosting/discovery`;
    expect(demo.editor.discoveryUrl).toBe("https://editor.example/hosting/discovery");
    expect(await (await fetch(local)).text()).toContain('urlsrc="https://editor.example/editor/edit?"');
  });

  it("tells its capabilities as JSON", async () => {
    const answer = await fetch(`${demo.editor.url}/hosting/capabilities`);
    expect(await answer.json()).toMatchObject({ productName: "Demo editor", "convert-to": { available: false } });
  });
});

describe("proofs", () => {
  it("verify with the published key on every call, contents and token in need of escaping included", async () => {
    const page = await demo.open("ann+/= &ä", { ttl: "1795000000000" });
    await page.typeAndSave("changed");
    const { modulus, exponent } = await proofKey();
    const key = publicKey(modulus, exponent);
    expect(demo.host.calls.length).toBe(4);
    for (const call of demo.host.calls) {
      expect(isSigned(call, "x-wopi-proof", key)).toBe(true);
      expect(isSigned(call, "x-wopi-proofold", key)).toBe(true);
    }
  });

  it("carry the editor's clock in ticks since year one", async () => {
    await demo.open("ann");
    const ticks = BigInt(String(demo.host.last("LOCK").headers["x-wopi-timestamp"]));
    expect(Number((ticks - 621_355_968_000_000_000n) / 10_000n)).toBe(demo.nowMs);
  });

  it("are made with both keys after a rotation, and discovery names both", async () => {
    demo.editor.rotateProofKeys();
    const before = await proofKey();
    demo.editor.rotateProofKeys();
    const after = await proofKey();
    expect(after.oldmodulus).toBe(before.modulus);
    expect(after.modulus).not.toBe(before.modulus);
    await demo.open("ann");
    const call = demo.host.last("CheckFileInfo");
    expect(isSigned(call, "x-wopi-proof", publicKey(after.modulus, after.exponent))).toBe(true);
    expect(isSigned(call, "x-wopi-proofold", publicKey(before.modulus, before.exponent))).toBe(true);
    expect(isSigned(call, "x-wopi-proof", publicKey(before.modulus, before.exponent))).toBe(false);
  });

  it("come with a key blob that names the same key", async () => {
    const { value, modulus, exponent } = await proofKey();
    const blob = Buffer.from(value, "base64");
    expect(blob.subarray(0, 8).toString("hex")).toBe("0602000000a40000");
    expect(blob.subarray(8, 12).toString()).toBe("RSA1");
    expect(blob.readUInt32LE(12)).toBe(2048);
    expect(blob.readUInt32LE(16)).toBe(Buffer.from(exponent, "base64").readUIntBE(0, 3));
    expect(Buffer.from(blob.subarray(20)).reverse().toString("base64")).toBe(modulus);
  });

  it("are absent, key and headers, when the editor does not sign", async () => {
    await demo.restartEditor({ signs: false });
    await demo.open("ann");
    expect((await discovery())["proof-key"]).toBeUndefined();
    expect(Object.keys(demo.host.last("LOCK").headers).filter((name) => name.includes("proof"))).toEqual([]);
  });
});
