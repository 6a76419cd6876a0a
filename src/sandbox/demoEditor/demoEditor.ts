import { discoveryXml } from "./discoveryDocument.ts";
import { EditorServer } from "./editorServer.ts";
import { OpenDocuments } from "./openDocuments.ts";
import { ProofKeys } from "./proofKeys.ts";
import { WopiClient } from "./wopiClient.ts";

export interface DemoEditorOptions {
  /** Default 127.0.0.1. */
  host?: string;
  /** 0 = any free one. */
  port: number;
  /** Origin browsers use; default http://host:port. */
  publicUrl?: string;
  /** Milliseconds since 1970; everything the editor does by the clock follows it. */
  now?: () => number;
  /** Default 15 minutes. */
  lockRefreshMs?: number;
  /** Default 30 s after the last key; in any case every 5 minutes of typing. */
  autosaveIdleMs?: number;
  /** Default true: proof keys in discovery, proof headers on each call. */
  signs?: boolean;
  /** Default COOL; LOOL behaves as the editor of 2020 where the two differ. */
  headerSpelling?: "COOL" | "LOOL";
  /** Origins of hosts it may call; default: this machine's loopback only. */
  wopiHosts?: string[];
}

export interface DemoEditor {
  url: string;
  discoveryUrl: string;
  port: number;
  /** Ends as an editor's shutdown does: what is unsaved is saved, every lock given back. */
  close(): Promise<void>;
  /** Ends without any goodbye. */
  kill(): Promise<void>;
  /** The current proof key becomes the old one. */
  rotateProofKeys(): void;
}

// Fine enough for tests that move the clock; every decision is made by options.now.
const tickMs = 100;

/** Starts a small real WOPI client for plain text, with shared editing, beside the bridge. */
export async function openDemoEditor(options: DemoEditorOptions): Promise<DemoEditor> {
  const { host = "127.0.0.1", now = Date.now, headerSpelling = "COOL" } = options;
  const proofKeys = options.signs === false ? undefined : new ProofKeys();
  const client = new WopiClient({
    now,
    userAgent: `${headerSpelling}WSD WOPI Agent demo`,
    ...(proofKeys === undefined ? {} : { proofKeys }),
    ...(options.wopiHosts === undefined ? {} : { allowedOrigins: options.wopiHosts }),
  });
  const documents = new OpenDocuments({
    client,
    now,
    headerSpelling,
    lockRefreshMs: options.lockRefreshMs ?? 15 * 60_000,
    autosaveIdleMs: options.autosaveIdleMs ?? 30_000,
  });
  let publicUrl = "";
  const server = new EditorServer({
    documents,
    discovery: () => discoveryXml(publicUrl, proofKeys?.published()),
    checkAccess: (address) => client.checkAccess(address),
  });
  const port = await server.listen(options.port, host);
  publicUrl = (options.publicUrl ?? `http://${host}:${port}`).replace(/\/+$/, "");
  const ticking = setInterval(() => documents.tick(), tickMs);

  return {
    url: publicUrl,
    discoveryUrl: `${publicUrl}/hosting/discovery`,
    port,
    close: async () => {
      clearInterval(ticking);
      await documents.shutDown();
      await server.hangUp();
      await server.close();
    },
    kill: async () => {
      clearInterval(ticking);
      documents.forgetAll();
      client.abortAll();
      await server.close();
    },
    rotateProofKeys: () => proofKeys?.rotate(),
  };
}
