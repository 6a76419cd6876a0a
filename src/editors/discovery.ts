import axios from "axios";
import { parseStringPromise } from "xml2js";
import { z } from "zod";
import { BridgeError } from "../model/failure.ts";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { put } from "../model/keyValueStore.ts";

/** A public key of the editor, base64 of big-endian numbers as in its discovery document. */
export interface ProofKey {
  readonly modulus: string;
  readonly exponent: string;
}

export interface EditorAction {
  readonly name: string;
  /** Lower case, without a dot. */
  readonly extension: string;
  readonly urlsrc: string;
}

/** What an editor's discovery document says. */
export interface Discovery {
  readonly actions: readonly EditorAction[];
  readonly proofKey: ProofKey | undefined;
  readonly oldProofKey: ProofKey | undefined;
  readonly fetchedAtMs: number;
}

const freshForMs = 12 * 3_600_000;
const retryAfterMs = 30_000;
const timeoutMs = 5_000;
const limitBytes = 4 * 1024 * 1024;

const attributes = z.record(z.string(), z.string());
const documentSchema = z.object({
  "wopi-discovery": z.object({
    "net-zone": z.array(
      z.object({
        app: z
          .array(
            z.object({
              $: attributes,
              action: z
                .array(z.object({ $: attributes }))
                .optional()
                .default([]),
            }),
          )
          .optional()
          .default([]),
      }),
    ),
    "proof-key": z.array(z.object({ $: attributes })).optional(),
  }),
});

/** @throws Error when it is not a discovery document */
export async function parseDiscovery(xml: string, fetchedAtMs: number): Promise<Discovery> {
  // Entities are the one way a small document becomes a huge one.
  if (/<!(DOCTYPE|ENTITY)/i.test(xml)) throw new Error("a document type is not accepted");
  const root = documentSchema.parse(await parseStringPromise(xml))["wopi-discovery"];
  const actions = root["net-zone"]
    .flatMap((zone) => zone.app)
    .flatMap((app) => app.action)
    .map(({ $: { name = "", ext = "", urlsrc = "" } }) => ({ name, extension: ext.toLowerCase(), urlsrc }))
    .filter(({ urlsrc }) => URL.canParse(urlsrc.replace(/<[^>]*>/g, "")));
  const key = root["proof-key"]?.[0]?.$ ?? {};
  return {
    actions,
    proofKey: proofKeyOf(key["modulus"], key["exponent"]),
    oldProofKey: proofKeyOf(key["oldmodulus"], key["oldexponent"]),
    fetchedAtMs,
  };
}

function proofKeyOf(modulus: string | undefined, exponent: string | undefined): ProofKey | undefined {
  return modulus && exponent ? { modulus, exponent } : undefined;
}

/** The discovery of one editor: fetched when asked for, kept in the store, the last good copy used when it is away. */
export class EditorDiscovery {
  readonly url: string;
  readonly #store: KeyValueStore;
  readonly #now: Clock;
  #known: Discovery | undefined;
  #underWay: Promise<Discovery> | undefined;
  #triedAtMs = Number.NEGATIVE_INFINITY;

  constructor(url: string, store: KeyValueStore, now: Clock) {
    this.url = url;
    this.#store = store;
    this.#now = now;
  }

  /** @throws editorUnreachable when it never could be read */
  async current(): Promise<Discovery> {
    this.#known ??= await this.#stored();
    const known = this.#known;
    if (known !== undefined && this.#now() - known.fetchedAtMs < freshForMs) return known;
    return this.#fetch(known, known === undefined ? 0 : retryAfterMs);
  }

  /** Reads it again, as after a failed proof; at most every half minute. */
  async refreshed(): Promise<Discovery> {
    return this.#fetch(await this.current(), retryAfterMs);
  }

  async #fetch(known: Discovery | undefined, notBeforeMs: number): Promise<Discovery> {
    if (known !== undefined && this.#now() - this.#triedAtMs < notBeforeMs) return known;
    this.#underWay ??= this.#download(known).finally(() => {
      this.#underWay = undefined;
    });
    try {
      return await this.#underWay;
    } catch (error) {
      if (known !== undefined) return known;
      const said = error instanceof Error ? error.message : "unknown reason";
      throw new BridgeError({ kind: "editorUnreachable", said: `${this.url} could not be read (${said}).` });
    }
  }

  async #download(known: Discovery | undefined): Promise<Discovery> {
    this.#triedAtMs = this.#now();
    const answer = await axios.get<string>(this.url, {
      adapter: "http",
      responseType: "text",
      proxy: false,
      maxRedirects: 3,
      maxContentLength: limitBytes,
      timeout: timeoutMs,
      signal: AbortSignal.timeout(timeoutMs),
    });
    const fresh = await parseDiscovery(answer.data, this.#now());
    // An editor that once offered keys does not lose them by a document without: that would switch the check off.
    const kept: Discovery =
      fresh.proofKey === undefined && known?.proofKey !== undefined
        ? { ...fresh, proofKey: known.proofKey, oldProofKey: known.oldProofKey }
        : fresh;
    this.#known = kept;
    await put(this.#store, `discovery:${this.url}`, JSON.stringify(kept));
    return kept;
  }

  async #stored(): Promise<Discovery | undefined> {
    const raw = await this.#store.get(`discovery:${this.url}`);
    return raw === undefined ? undefined : (JSON.parse(raw) as Discovery);
  }
}

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
   * The discovery that holds for an action URL: with one editor configured its own, with several the one whose
   * actions are of that origin.
   * @returns undefined when no configured editor is of that origin
   */
  async behind(actionUrl: string): Promise<EditorDiscovery | undefined> {
    const { origin } = new URL(actionUrl);
    for (const discovery of this.#discoveries) {
      const { actions } = await discovery.current();
      if (actions.some(({ urlsrc }) => new URL(urlsrc.replace(/<[^>]*>/g, "")).origin === origin)) return discovery;
    }
    return undefined;
  }

  /** @returns one entry per editor: whether its discovery can be had */
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
