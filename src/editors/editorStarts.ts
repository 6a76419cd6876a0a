import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { z } from "zod";
import type { Editors } from "./discovery.ts";
import { suiteOf } from "./suites.ts";

const capabilitiesSchema = z.object({ serverId: z.string().min(1).max(200) });
const timeoutMs = 2_000;
const limitBytes = 256 * 1024;
/** Behind a load balancer, another server may answer although the first one lives. */
const asksBeforeEnded = 4;
const rememberedIds = 20;

/** Which start of an editor's server is running: newer Collabora names another `serverId` at each. */
export class EditorStarts {
  readonly #editors: Editors;
  /** Ids by the address that named them, in the order they came up. */
  readonly #named = new Map<string, string[]>();
  /** Addresses at which an earlier id came up again: several servers answer there, and an id proves nothing. */
  readonly #shared = new Set<string>();
  // A connection that is kept open always leads to the same server.
  readonly #httpAgent = new HttpAgent({ keepAlive: false });
  readonly #httpsAgent = new HttpsAgent({ keepAlive: false });

  constructor(editors: Editors) {
    this.#editors = editors;
  }

  /** @returns the running server's id; undefined when it names none, does not answer, or several servers share the address */
  async current(actionUrl: string): Promise<string | undefined> {
    const address = await this.#addressOf(actionUrl);
    if (address === undefined) return undefined;
    const serverId = await this.#ask(address);
    return this.#shared.has(address.origin) ? undefined : serverId;
  }

  /** Whether the server that named this id has ended. No answer, or different ones, prove nothing. */
  async hasEnded(actionUrl: string, serverId: string): Promise<boolean> {
    const seen = new Set<string>();
    for (let asked = 0; asked < asksBeforeEnded; asked++) {
      const current = await this.current(actionUrl);
      if (current === undefined || current === serverId) return false;
      seen.add(current);
    }
    return seen.size === 1;
  }

  /** The editor's server is asked at its discovery's address: browsers' address of it may not lead there. */
  async #addressOf(actionUrl: string): Promise<URL | undefined> {
    if (!suiteOf(actionUrl).locksByOpening) return undefined;
    const discovery = await this.#editors.behind(actionUrl).catch(() => undefined);
    if (discovery === undefined) return undefined;
    const address = new URL("capabilities", discovery.url);
    // Load balancers for Collabora send a document to its server by this parameter.
    const wopiSrc = new URL(actionUrl).searchParams.get("WOPISrc");
    if (wopiSrc !== null) address.searchParams.set("WOPISrc", wopiSrc);
    return address;
  }

  async #ask(address: URL): Promise<string | undefined> {
    try {
      const { default: axios } = await import("axios");
      const answer = await axios.get<unknown>(address.href, {
        adapter: "http",
        proxy: false,
        maxRedirects: 0,
        maxContentLength: limitBytes,
        timeout: timeoutMs,
        signal: AbortSignal.timeout(timeoutMs),
        httpAgent: this.#httpAgent,
        httpsAgent: this.#httpsAgent,
      });
      const serverId = capabilitiesSchema.safeParse(answer.data).data?.serverId;
      if (serverId !== undefined) this.#note(address.origin, serverId);
      return serverId;
    } catch {
      // An editor that does not answer tells nothing; whoever asks has other signs.
      return undefined;
    }
  }

  #note(origin: string, serverId: string): void {
    const ids = this.#named.get(origin) ?? [];
    if (ids.at(-1) === serverId) return;
    if (ids.includes(serverId)) this.#shared.add(origin);
    this.#named.set(origin, [...ids, serverId].slice(-rememberedIds));
  }
}
