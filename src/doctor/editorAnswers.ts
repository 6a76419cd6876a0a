import { z } from "zod";
import type { Config } from "../config.ts";
import { bareAddress } from "../editors/actionUrl.ts";
import type { Discovery } from "../editors/discovery.ts";
import { type Suite, suiteOf } from "../editors/suites.ts";
import { isInnerName } from "./addresses.ts";
import { failed, ok, skipped, type Verdict, warning } from "./finding.ts";
import { refusalOf } from "./framing.ts";
import { type Asked, headerOf, isAnswer, jsonOf } from "./httpProbe.ts";
import { originOf } from "./viewerAnswers.ts";

/** What the answers of an editor's server mean for the operator. No I/O here. */

type SuiteName = Suite["name"];

const capabilitiesSchema = z.object({
  productName: z.string().optional(),
  productVersion: z.string().optional(),
  hasWopiAccessCheck: z.boolean().optional(),
});
export type Capabilities = z.infer<typeof capabilitiesSchema>;

const discoveryPath = "/hosting/discovery";

/** @returns the address that editors serve discovery at, on the same server */
function usualDiscovery(url: string): string {
  return `${new URL(url).origin}${discoveryPath}`;
}

/**
 * @param all what DISCOVERY_URLS names, this one among them
 * @param problem why the text is no discovery document; undefined = it is one
 */
export function judgeDiscovery(
  asked: Asked,
  url: string,
  all: readonly string[],
  problem: string | undefined,
): Verdict {
  const change =
    usualDiscovery(url) === url
      ? "DISCOVERY_URLS=<address of the editor as the bridge reaches it>/hosting/discovery (or start the editor)"
      : `DISCOVERY_URLS=${all.map((one) => (one === url ? usualDiscovery(url) : one)).join(",")}`;
  if (!isAnswer(asked)) return failed(`No editor answers at ${url}: ${asked.reason}.`, change);
  if (asked.status !== 200) return failed(`${url} answers with HTTP ${asked.status}, no discovery document.`, change);
  if (problem !== undefined) return failed(`${url} is no discovery document: ${problem}.`, change);
  return ok(`The editor's discovery is read from ${url}.`);
}

/** The action that the host page would post to: of a document everybody knows, else the first there is. */
export function probedAction({ actions }: Discovery): string | undefined {
  const edits = actions.filter(({ name }) => name === "edit");
  return (edits.find(({ extension }) => extension === "docx") ?? edits[0] ?? actions[0])?.urlsrc;
}

/** @param urlsrc may hold placeholders in angle brackets */
export function suiteBehind(urlsrc: string): SuiteName {
  return suiteOf(bareAddress(urlsrc)).name;
}

/** Whether browsers of the bridge's pages will find and accept the address that the editor gives of itself. */
export function judgeActionOrigin(urlsrc: string | undefined, { BRIDGE_URL }: Config): Verdict {
  const origin = originOf(urlsrc ?? "");
  if (urlsrc === undefined || origin === undefined) {
    return failed(
      "The editor's discovery offers no action at all.",
      "DISCOVERY_URLS=<address of an office editor>/hosting/discovery",
    );
  }
  const isCollabora = suiteBehind(urlsrc) === "collabora";
  const { protocol, hostname } = new URL(origin);
  const bridge = new URL(BRIDGE_URL);
  if (bridge.protocol === "https:" && protocol === "http:") {
    return failed(
      `The editor says that browsers find it at ${origin}: they block http in a page of the https BRIDGE_URL.`,
      isCollabora
        ? "Collabora: extra_params=--o:ssl.enable=false --o:ssl.termination=true (behind an https proxy)"
        : `the editor's public address: ${origin.replace(/^http:/, "https:")}`,
    );
  }
  if (isInnerName(hostname, bridge.hostname)) {
    return failed(
      `The editor says that browsers find it at ${origin}, a name of this network only.`,
      isCollabora
        ? "Collabora: server_name=<public host of the editor>"
        : "the editor's public address: <scheme and host that browsers use>",
    );
  }
  return ok(`Browsers are sent to the editor at ${origin}.`);
}

/** @param reads the document as read twice, a moment apart */
export function judgeProofKey(
  reads: readonly Discovery[],
  mode: Config["PROOF_KEYS"],
  suite: SuiteName | undefined,
): Verdict {
  if (mode === "off") return skipped("PROOF_KEYS is off: editors need not sign.");
  const keys = reads.map(({ proofKey }) => proofKey?.modulus);
  if (keys.every((key) => key === undefined)) {
    const sentence = "The editor shows no proof key: its calls can't be told from those of others who have a token.";
    const change =
      suite === "collabora"
        ? "docker compose exec collabora coolconfig generate-proof-key (then restart it)"
        : suite === "onlyoffice"
          ? "ONLYOFFICE local.json: wopi.privateKey, wopi.publicKey (generate a key pair)"
          : "the editor's settings: a proof key";
    return mode === "required"
      ? failed(`${sentence} With PROOF_KEYS=required nothing opens.`, change)
      : warning(sentence, change);
  }
  if (new Set(keys).size > 1) {
    return failed(
      "The editor shows another proof key at each read: several servers with keys of their own answer there.",
      suite === "collabora"
        ? "Collabora: the same /etc/coolwsd/proof_key in every server"
        : "the editor's settings: one proof key for all its servers",
    );
  }
  return ok("The editor shows a proof key, the same at two reads.");
}

/** @returns undefined when there are none */
export function capabilitiesIn(asked: Asked): Capabilities | undefined {
  return isAnswer(asked) && asked.status === 200 ? capabilitiesSchema.safeParse(jsonOf(asked)).data : undefined;
}

export function judgeCapabilities(capabilities: Capabilities | undefined, suite: SuiteName | undefined): Verdict {
  if (capabilities !== undefined) {
    const { productName = "an editor", productVersion = "without a version" } = capabilities;
    return ok(`The editor is ${productName} ${productVersion}.`);
  }
  if (suite !== "collabora") return skipped("The editor does not tell its capabilities; not every one does.");
  return warning(
    "Collabora does not tell its capabilities: something in between hands on /hosting/discovery only.",
    "proxy of the editor: hand on /hosting/capabilities too",
  );
}

/** @param page the answer to the host page's own post */
export function judgeFraming(page: Asked, origin: string, suite: SuiteName, config: Config): Verdict {
  if (!isAnswer(page)) {
    return failed(
      `The editor's page at ${origin} does not answer: ${page.reason}.`,
      suite === "collabora" ? "Collabora: server_name=<public host of the editor>" : "the editor's public address",
    );
  }
  if (page.status === 403) {
    return failed(
      "The editor's page refuses the bridge as a WOPI host.",
      suite === "collabora"
        ? `Collabora: aliasgroup1=${new URL(config.WOPI_URL ?? config.BRIDGE_URL).origin}`
        : `the editor's list of WOPI hosts: ${new URL(config.WOPI_URL ?? config.BRIDGE_URL).origin}`,
    );
  }
  if (page.status >= 500 || page.status === 404) {
    return failed(
      `The editor's page at ${origin} answers with HTTP ${page.status}.`,
      `proxy of the editor: hand on ${suite === "collabora" ? "/browser" : "the path of its pages"}`,
    );
  }
  const framed = {
    origin,
    policy: headerOf(page, "content-security-policy"),
    frameOptions: headerOf(page, "x-frame-options"),
  };
  const ancestors = [new URL(config.BRIDGE_URL).origin, ...config.EMBED_ORIGINS];
  for (const ancestor of ancestors) {
    const refusal = refusalOf(framed, ancestor);
    if (refusal === undefined) continue;
    return failed(
      `The editor's page does not let itself be framed by ${ancestor}: ${refusal}.`,
      suite === "collabora"
        ? `Collabora: extra_params=--o:net.frame_ancestors="${ancestors.join(" ")}"`
        : `the editor's frame-ancestors: ${ancestors.join(" ")}`,
    );
  }
  return ok(`The editor's page lets itself be framed by ${ancestors.join(", ")}.`);
}
