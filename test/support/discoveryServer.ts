import { createSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

interface KeyPair {
  readonly privateKey: KeyObject;
  readonly modulus: string;
  readonly exponent: string;
}

/** An editor's server: its discovery document, its keys, and what it signs with them. */
export interface DiscoveryServer {
  /** Address of the discovery document. */
  readonly url: string;
  /** How often the document has been read. */
  readonly reads: () => number;
  /** A new current key; the one before becomes the old one. */
  rotate(): void;
  /** Whether the document shows keys, and whether it can be had at all. */
  show(what: "keys" | "noKeys" | "nothing"): void;
  /** Headers that prove a request; `with` says which key makes which header. */
  proof(request: SignedRequest, keys?: { proof?: "current" | "old"; proofOld?: "current" | "old" }): ProofHeaders;
  close(): Promise<void>;
}

interface SignedRequest {
  readonly accessToken: string;
  /** Complete address as the editor requested it. */
  readonly url: string;
  readonly atMs: number;
}
type ProofHeaders = Record<"X-WOPI-Proof" | "X-WOPI-ProofOld" | "X-WOPI-TimeStamp", string>;

const usualActions = ["view docx", "edit docx", "view_comment pdf"];

/** @param editorUrl where its actions point to @param actions each a name and an extension */
export async function discoveryServer(editorUrl: string, actions = usualActions): Promise<DiscoveryServer> {
  let keys = { current: newKey(), old: newKey() };
  let shown: "keys" | "noKeys" | "nothing" = "keys";
  let reads = 0;
  const server = createServer((_request, response) => {
    reads++;
    if (shown === "nothing") response.writeHead(503).end();
    else
      response
        .writeHead(200, { "Content-Type": "text/xml" })
        .end(document(editorUrl, actions, shown === "keys" ? keys : undefined));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hosting/discovery`,
    reads: () => reads,
    rotate: () => {
      keys = { current: newKey(), old: keys.current };
    },
    show: (what) => {
      shown = what;
    },
    proof: (request, { proof = "current", proofOld = "old" } = {}) => {
      const ticks = BigInt(request.atMs) * 10_000n + 621_355_968_000_000_000n;
      const signed = signedBytes(request, ticks);
      return {
        "X-WOPI-Proof": createSign("RSA-SHA256").update(signed).sign(keys[proof].privateKey, "base64"),
        "X-WOPI-ProofOld": createSign("RSA-SHA256").update(signed).sign(keys[proofOld].privateKey, "base64"),
        "X-WOPI-TimeStamp": ticks.toString(),
      };
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function newKey(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const { n = "", e = "" } = publicKey.export({ format: "jwk" });
  const base64 = (text: string) => Buffer.from(text, "base64url").toString("base64");
  return { privateKey, modulus: base64(n), exponent: base64(e) };
}

function document(
  editorUrl: string,
  actions: readonly string[],
  keys: { current: KeyPair; old: KeyPair } | undefined,
): string {
  const elements = actions.map((action) => {
    const [name, extension] = action.split(" ");
    return `<action name="${name}" ext="${extension}" urlsrc="${editorUrl}/${name}?"/>`;
  });
  const key =
    keys === undefined
      ? ""
      : `<proof-key value="" modulus="${keys.current.modulus}" exponent="${keys.current.exponent}" oldvalue="" oldmodulus="${keys.old.modulus}" oldexponent="${keys.old.exponent}"/>`;
  return `<?xml version="1.0" encoding="utf-8"?><wopi-discovery><net-zone name="external-http"><app name="writer">${elements.join("")}</app></net-zone>${key}</wopi-discovery>`;
}

/** Written down from the specification once more: the bridge's own code must not be what checks it. */
function signedBytes({ accessToken, url }: SignedRequest, ticks: bigint): Buffer {
  const token = Buffer.from(accessToken);
  const address = Buffer.from(url.toUpperCase());
  const bytes = Buffer.alloc(4 + token.length + 4 + address.length + 4 + 8);
  let at = bytes.writeUInt32BE(token.length, 0);
  at += token.copy(bytes, at);
  at = bytes.writeUInt32BE(address.length, at);
  at += address.copy(bytes, at);
  at = bytes.writeUInt32BE(8, at);
  bytes.writeBigUInt64BE(ticks, at);
  return bytes;
}
