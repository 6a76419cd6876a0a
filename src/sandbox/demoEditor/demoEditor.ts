import { randomBytes } from "node:crypto";
import { pageAddress } from "./addresses.ts";
import { discoveryActions } from "./discoveryActions.ts";
import { capabilities, discoveryXml } from "./discoveryDocument.ts";
import { EditorServer } from "./editorServer.ts";
import { type GuiseName, guises, type HeaderSpelling } from "./guises.ts";
import { KeptCopies } from "./keptCopies.ts";
import { answerLoad } from "./loadMessage.ts";
import { OpenDocuments } from "./openDocuments.ts";
import type { PageConfig } from "./pageConfig.ts";
import { ProofKeys } from "./proofKeys.ts";
import { StoredFile } from "./storedFile.ts";
import { WopiClient } from "./wopiClient.ts";

export interface DemoEditorOptions {
  /** Whose habits it has, good and bad; default plain: Collabora's protocol at its kindest, at an address of its own. */
  guise?: GuiseName;
  /** Default 127.0.0.1. */
  host?: string;
  /** 0 = any free one. */
  port: number;
  /** Origin browsers use; default http://host:port. */
  publicUrl?: string;
  /** Milliseconds since 1970; everything the editor does by the clock follows it. */
  now?: () => number;
  /** Default 15 minutes, as onlyoffice 10. */
  lockRefreshMs?: number;
  /** From the last person's leaving to the last save; default 0, as onlyoffice 5 s. */
  exitDelayMs?: number;
  /** Default 30 s after the last key; in any case every 5 minutes of typing. */
  autosaveIdleMs?: number;
  /** Default true: proof keys in discovery, proof headers on each call. */
  signs?: boolean;
  /** Default the guise's: COOL, or LOOL for ONLYOFFICE. A plain editor with LOOL behaves as Collabora did in 2020. */
  headerSpelling?: HeaderSpelling;
  /** Default the guise's; older Collabora names no start of its server. */
  namesServer?: boolean;
  /** Collabora has been seen doing both when another lock holds the file; default readOnly. */
  afterRefusedLock?: "readOnly" | "writable";
  /** Origins of hosts it may call; default: this machine's loopback only. */
  wopiHosts?: string[];
}

export interface DemoEditor {
  url: string;
  discoveryUrl: string;
  port: number;
  /** What discovery offers for each extension: addresses by the action's name. */
  actions(): Record<string, Record<string, string>>;
  /** Documents that are open, those included whose last save is still to come. */
  readonly documentCount: number;
  /** What a real editor would have written into its log. */
  readonly warnings: readonly string[];
  /** The configurations of the pages sent so far; as onlyoffice only. */
  readonly pageConfigs: readonly PageConfig[];
  /** Ends as an editor's shutdown does: what is unsaved is saved, every lock given back. */
  close(): Promise<void>;
  /** Ends without any goodbye. */
  kill(): Promise<void>;
  /** Ends without any goodbye, to be started again. */
  crash(): Promise<void>;
  /** Starts after a crash, at the same address, as another server that knows nothing of the one before. */
  restart(): Promise<void>;
  /** Ends well and starts as the next release, at addresses with another hash. */
  upgrade(): Promise<void>;
  /** The current proof key becomes the old one. */
  rotateProofKeys(): void;
}

/** One run of the editor's server, from start to end. */
interface Run {
  port: number;
  documentCount(): number;
  close(): Promise<void>;
  kill(): Promise<void>;
}

// Fine enough for tests that move the clock; every decision is made by options.now.
const tickMs = 100;

/** Starts a small real WOPI client for plain text, with shared editing, beside the bridge. */
export async function openDemoEditor(options: DemoEditorOptions): Promise<DemoEditor> {
  const { host = "127.0.0.1", now = Date.now } = options;
  const chosen = guises[options.guise ?? "plain"];
  const guise = {
    ...chosen,
    spelling: options.headerSpelling ?? chosen.spelling,
    namesServer: options.namesServer ?? chosen.namesServer,
  };
  const proofKeys = options.signs === false ? undefined : new ProofKeys();
  const kept = new KeptCopies();
  const warnings: string[] = [];
  const pageConfigs: PageConfig[] = [];
  let publicUrl = "";
  let release = randomHash();
  const actions = () => discoveryActions(guise.name, publicUrl, release);

  async function start(port: number): Promise<Run> {
    const serverId = randomHash();
    const client = new WopiClient({
      now,
      userAgent: `${guise.spelling}WSD WOPI Agent demo`,
      sendsBearer: guise.sendsBearer,
      ...(proofKeys === undefined ? {} : { proofKeys }),
      ...(options.wopiHosts === undefined ? {} : { allowedOrigins: options.wopiHosts }),
    });
    const warn = (sentence: string): void => void warnings.push(sentence);
    const documents = new OpenDocuments({
      client,
      now,
      guise,
      kept,
      warn,
      lockRefreshMs: options.lockRefreshMs ?? guise.lockRefreshMs,
      exitDelayMs: options.exitDelayMs ?? guise.exitDelayMs,
      autosaveIdleMs: options.autosaveIdleMs ?? 30_000,
      afterRefusedLock: options.afterRefusedLock ?? "readOnly",
    });
    const server = new EditorServer({
      documents,
      guise,
      discovery: () => discoveryXml(publicUrl, actions(), proofKeys?.published()),
      capabilities: () => capabilities(guise.namesServer ? serverId : undefined),
      pageAddress: (path) => pageAddress(guise.name, path, release),
      checkAccess: (address) => client.checkAccess(address),
      load: (text) =>
        answerLoad(text, {
          mayCall: (wopiSrc) => client.mayCall(wopiSrc),
          file: new StoredFile({ client, guise, lockId: "", warn }),
        }),
      onPageConfig: (config) => void pageConfigs.push(config),
    });
    const listening = await server.listen(port, host);
    const ticking = setInterval(() => documents.tick(), tickMs);
    return {
      port: listening,
      documentCount: () => documents.count,
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
    };
  }

  let run = await start(options.port);
  const { port } = run;
  publicUrl = (options.publicUrl ?? `http://${host}:${port}`).replace(/\/+$/, "");

  return {
    url: publicUrl,
    discoveryUrl: `${publicUrl}/hosting/discovery`,
    port,
    actions: () => {
      const byExtension: Record<string, Record<string, string>> = {};
      for (const { extension, name, urlsrc } of actions())
        byExtension[extension] = { ...byExtension[extension], [name]: urlsrc };
      return byExtension;
    },
    get documentCount() {
      return run.documentCount();
    },
    warnings,
    pageConfigs,
    close: () => run.close(),
    kill: () => run.kill(),
    crash: () => run.kill(),
    restart: async () => {
      run = await start(port);
    },
    upgrade: async () => {
      await run.close();
      release = randomHash();
      run = await start(port);
    },
    rotateProofKeys: () => proofKeys?.rotate(),
  };
}

function randomHash(): string {
  return randomBytes(5).toString("hex");
}
