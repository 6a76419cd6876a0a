import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { z } from "zod";
import type { LimitedRight } from "../model/documentRight.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import { fileType } from "../model/fileName.ts";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { record, rowObject, type StoredRecord } from "../model/record.ts";
import { bareAddress } from "./actionUrl.ts";
import { editingActions } from "./bestAction.ts";
import { editorKey, keepsTo, noWatermark, suiteOf } from "./suites.ts";

const proofKeySchema = rowObject({ modulus: z.string(), exponent: z.string() });
/** A public key of the editor, base64 of big-endian numbers as in its discovery document. */
export type ProofKey = z.infer<typeof proofKeySchema>;

const discoverySchema = rowObject({
  actions: z.array(
    rowObject({
      name: z.string(),
      /** Lower case, without a dot. */
      extension: z.string(),
      urlsrc: z.string(),
    }),
  ),
  proofKey: proofKeySchema.optional(),
  oldProofKey: proofKeySchema.optional(),
  fetchedAtMs: z.number(),
});
/** The contents of an editor's discovery document. */
export type Discovery = z.infer<typeof discoverySchema>;
/** One thing that an editor does with one kind of file, and the address for it. */
export type EditorAction = Discovery["actions"][number];

const freshForMs = 12 * 3_600_000;
const retryAfterMs = 30_000;
const timeoutMs = 5_000;
const limitBytes = 4 * 1024 * 1024;

/** xml2js returns a string for an element without attributes and children. */
function elements<Shape extends z.ZodRawShape>(children: Shape) {
  const element = z.object({ $: z.record(z.string(), z.string()).default({}), ...children });
  return z.array(z.preprocess((node) => (typeof node === "string" ? {} : node), element)).default([]);
}

const documentSchema = z.object({
  "wopi-discovery": z.object({
    "net-zone": elements({ app: elements({ action: elements({}) }) }),
    "proof-key": elements({}),
  }),
});

/** Browsers use an external zone; a zone's name says nothing about the scheme of its addresses. */
const zonesByPreference = ["external-https", "external-http"];

/** @throws Error when it is not a discovery document */
export async function parseDiscovery(xml: string, fetchedAtMs: number): Promise<Discovery> {
  // Only entities can turn a small document into a huge one.
  if (/<!(DOCTYPE|ENTITY)/i.test(xml)) throw new Error("a document type is not accepted");
  const parsed = documentSchema.safeParse(await parsedXml(xml));
  if (!parsed.success) throw new Error("it is not a discovery document");
  const root = parsed.data["wopi-discovery"];
  const zones = root["net-zone"];
  const preferred = zonesByPreference.find((name) => zones.some((zone) => zone.$["name"] === name));
  const actions = zones
    .filter((zone) => preferred === undefined || zone.$["name"] === preferred)
    .flatMap((zone) => zone.app)
    .flatMap((app) => app.action)
    .map(({ $: { name = "", ext = "", urlsrc = "" } }) => ({ name, extension: ext.toLowerCase(), urlsrc }))
    .filter(({ urlsrc }) => URL.canParse(bareAddress(urlsrc)));
  const key = root["proof-key"][0]?.$ ?? {};
  return {
    actions,
    proofKey: proofKeyOf(key["modulus"], key["exponent"]),
    oldProofKey: proofKeyOf(key["oldmodulus"], key["oldexponent"]),
    fetchedAtMs,
  };
}

async function parsedXml(xml: string): Promise<unknown> {
  // Loaded when the first discovery is read.
  const { parseStringPromise } = await import("xml2js");
  try {
    return await parseStringPromise(xml);
  } catch (error) {
    throw new Error("it is not XML", { cause: error });
  }
}

function proofKeyOf(modulus: string | undefined, exponent: string | undefined): ProofKey | undefined {
  return modulus && exponent ? { modulus, exponent } : undefined;
}

/** One editor's discovery: fetched on demand and stored; the last good copy is used while the editor is down. */
export class EditorDiscovery {
  readonly url: string;
  readonly #kept: StoredRecord<Discovery>;
  readonly #now: Clock;
  #known: Discovery | undefined;
  #underWay: Promise<Discovery> | undefined;
  #triedAtMs = Number.NEGATIVE_INFINITY;

  constructor(url: string, store: KeyValueStore, now: Clock) {
    this.url = url;
    this.#kept = record(store, "discovery", discoverySchema);
    this.#now = now;
  }

  /** What is in memory, without asking the editor or the store. */
  get known(): Discovery | undefined {
    return this.#known;
  }

  /** @throws editorUnreachable when it could never be read */
  async current(): Promise<Discovery> {
    const known = await this.#remembered();
    if (known !== undefined && this.#now() - known.fetchedAtMs < freshForMs) return known;
    return this.#fetch(known, known === undefined ? 0 : retryAfterMs);
  }

  /** Reads it again, for example after a failed proof; at most every half minute. */
  async refreshed(): Promise<Discovery> {
    const known = await this.current();
    // A read in progress is newer than what is known.
    return this.#fetch(known, this.#underWay === undefined ? retryAfterMs : 0);
  }

  /** Reads it again now, also when a copy is known. @throws editorUnreachable when it can't be read now */
  async look(): Promise<Discovery> {
    return this.#read(await this.#remembered());
  }

  async #remembered(): Promise<Discovery | undefined> {
    this.#known ??= await this.#kept.get(this.url);
    return this.#known;
  }

  async #fetch(known: Discovery | undefined, notBeforeMs: number): Promise<Discovery> {
    if (known === undefined) return this.#read(known);
    if (this.#now() - this.#triedAtMs < notBeforeMs) return known;
    return this.#read(known).catch(() => known);
  }

  async #read(known: Discovery | undefined): Promise<Discovery> {
    this.#underWay ??= this.#download(known).finally(() => {
      this.#underWay = undefined;
    });
    try {
      return await this.#underWay;
    } catch (error) {
      const said = error instanceof Error ? error.message : "unknown reason";
      throw new BridgeError({ kind: "editorUnreachable", said: `${this.url} could not be read (${said}).` });
    }
  }

  async #download(known: Discovery | undefined): Promise<Discovery> {
    this.#triedAtMs = this.#now();
    const { default: axios } = await import("axios");
    const answer = await axios.get<string>(this.url, {
      adapter: "http",
      // A connection kept from the last reading is dead when the editor was restarted since.
      httpAgent: new HttpAgent(),
      httpsAgent: new HttpsAgent(),
      responseType: "text",
      proxy: false,
      maxRedirects: 3,
      maxContentLength: limitBytes,
      timeout: timeoutMs,
      signal: AbortSignal.timeout(timeoutMs),
    });
    const fresh = await parseDiscovery(answer.data, this.#now());
    // An editor that once offered keys keeps them, even if a later document has none: that would switch the check off.
    const kept: Discovery =
      fresh.proofKey === undefined && known?.proofKey !== undefined
        ? { ...fresh, proofKey: known.proofKey, oldProofKey: known.oldProofKey }
        : fresh;
    this.#known = kept;
    await this.#kept.put(this.url, kept);
    return kept;
  }
}

class NotThisEditor extends Error {}

/** All configured editors. */
export class Editors {
  readonly #discoveries: readonly EditorDiscovery[];

  constructor(discoveries: readonly EditorDiscovery[]) {
    this.#discoveries = discoveries;
  }

  get areConfigured(): boolean {
    return this.#discoveries.length > 0;
  }

  /**
   * The discovery for an action URL: the one with an action at the same origin.
   * @returns undefined when no configured editor has that origin
   * @throws editorUnreachable when it may belong to an editor that could never be read
   */
  async behind(actionUrl: string): Promise<EditorDiscovery | undefined> {
    const { origin } = new URL(actionUrl);
    const asked = this.#discoveries.map(async (discovery) => {
      const { actions } = await discovery.current();
      if (actions.some(({ urlsrc }) => new URL(bareAddress(urlsrc)).origin === origin)) return discovery;
      throw new NotThisEditor();
    });
    try {
      // One editor that is down must not affect documents of the others.
      return await Promise.any(asked);
    } catch (error) {
      const reasons: unknown[] = error instanceof AggregateError ? error.errors : [error];
      const serious = reasons.find((reason) => !(reason instanceof NotThisEditor));
      if (serious !== undefined) throw serious;
      return undefined;
    }
  }

  /** The discovery whose keys sign a grant's calls. With a single editor it is that one, whatever it lists by now. */
  async signerOf(actionUrl: string): Promise<EditorDiscovery | undefined> {
    const [first, ...others] = this.#discoveries;
    return others.length === 0 ? first : this.behind(actionUrl);
  }

  /** @returns a sentence when all editors known to open such a file ignore a watermark; makes no calls */
  whyNoWatermark(fileName: string): string | undefined {
    const extension = fileName.slice(fileName.lastIndexOf(".") + 1).toLowerCase();
    const suites = this.known()
      .flatMap((known) => known?.actions ?? [])
      .filter((offer) => offer.extension === extension)
      .map(({ urlsrc }) => suiteOf(bareAddress(urlsrc)));
    return suites.length > 0 && suites.every(({ ignoresWatermark }) => ignoresWatermark) ? noWatermark : undefined;
  }

  /**
   * Whether every configured editor that changes such files keeps people to this right in them.
   * @param fileName undefined: whether any of them does, in any file
   */
  async keepTo(right: LimitedRight, fileName: string | undefined): Promise<boolean> {
    // An editor that could never be read opens nothing either.
    const known = await Promise.all(this.#discoveries.map((discovery) => discovery.current().catch(() => undefined)));
    const offers = known
      .flatMap((discovery) => discovery?.actions ?? [])
      .filter(({ name }) => editingActions.has(name))
      .map(({ extension, urlsrc }) => ({ extension, url: bareAddress(urlsrc) }));
    if (fileName === undefined) return offers.some(({ extension, url }) => keepsTo(url, right, `any.${extension}`));
    const asked = offers.filter(({ extension }) => extension === fileType(fileName));
    return asked.length > 0 && asked.every(({ url }) => keepsTo(url, right, fileName));
  }

  /**
   * What the editor behind a grant offers today, at the same origin and as the same suite: the grant's tokens and
   * restrictions are for that one. For documents that are open already, which must not fail because of a discovery.
   * @returns nothing when it is not configured or could never be read
   */
  async offersOf(actionUrl: string): Promise<readonly EditorAction[]> {
    try {
      const editor = await this.signerOf(actionUrl);
      const { actions } = (await editor?.current()) ?? { actions: [] };
      return actions.filter(({ urlsrc }) => editorKey(bareAddress(urlsrc)) === editorKey(actionUrl));
    } catch (error) {
      if (failureOf(error, "editorUnreachable") === undefined) throw error;
      return [];
    }
  }

  /**
   * Reads every discovery again: an editor that was upgraded has other addresses, and its old ones answer 404.
   * @returns the failures of those that can't be read now
   */
  async look(): Promise<readonly unknown[]> {
    const looks = await Promise.allSettled(this.#discoveries.map((discovery) => discovery.look()));
    return looks.flatMap((look) => (look.status === "rejected" ? [look.reason] : []));
  }

  /** @returns what is in memory, one entry per editor */
  known(): readonly (Discovery | undefined)[] {
    return this.#discoveries.map((discovery) => discovery.known);
  }

  /** @returns one entry per editor: whether its discovery can be read */
  async states(): Promise<{ url: string; ok: boolean }[]> {
    return Promise.all(
      this.#discoveries.map(async (discovery) => {
        try {
          await discovery.current();
          return { url: discovery.url, ok: true };
        } catch {
          return { url: discovery.url, ok: false };
        }
      }),
    );
  }
}
