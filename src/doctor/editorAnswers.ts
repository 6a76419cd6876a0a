import { z } from "zod";
import type { Config } from "../config.ts";
import { bareAddress } from "../editors/actionUrl.ts";
import type { Discovery } from "../editors/discovery.ts";
import { type Suite, suiteOf } from "../editors/suites.ts";
import { addressLine, isInnerName } from "./addresses.ts";
import { failed, ok, skipped, type Verdict, warning } from "./finding.ts";
import { refusalOf } from "./framing.ts";
import { type Asked, headerOf, isAnswer, jsonOf } from "./httpProbe.ts";
import { originOf } from "./viewerAnswers.ts";

/** Turns the answers of an editor's server into findings for the operator. No I/O here. */

type SuiteName = Suite["name"];

const capabilitiesSchema = z.object({
  productName: z.string().optional(),
  productVersion: z.string().optional(),
  hasWopiAccessCheck: z.boolean().optional(),
});
export type Capabilities = z.infer<typeof capabilitiesSchema>;

const discoveryPath = "/hosting/discovery";

/** @returns the usual discovery address on the same server */
function usualDiscovery(url: string): string {
  return `${new URL(url).origin}${discoveryPath}`;
}

/**
 * @param all every address in DISCOVERY_URLS, including this one
 * @param problem why the text is not a discovery document; undefined = it is one
 */
export function judgeDiscovery(
  asked: Asked,
  url: string,
  all: readonly string[],
  problem: string | undefined,
): Verdict {
  const change =
    usualDiscovery(url) === url || !isAnswer(asked)
      ? "DISCOVERY_URLS=<the editor's address, as seen from the bridge>/hosting/discovery (or start the editor)"
      : `DISCOVERY_URLS=${all.map((one) => (one === url ? usualDiscovery(url) : one)).join(",")}`;
  if (!isAnswer(asked)) return failed(`No editor answers at ${url}: ${asked.reason}.`, change);
  if (asked.status !== 200)
    return failed(`${url} returns HTTP ${asked.status} instead of a discovery document.`, change);
  if (problem !== undefined) return failed(`${url} is not a valid discovery document: ${problem}.`, change);
  return ok(`The editor's discovery document at ${url} is valid.`);
}

/** The action the host page would post to: for a Word document if there is one, else the first. */
export function probedAction({ actions }: Discovery): string | undefined {
  const edits = actions.filter(({ name }) => name === "edit");
  return (edits.find(({ extension }) => extension === "docx") ?? edits[0] ?? actions[0])?.urlsrc;
}

/** @param urlsrc may hold placeholders in angle brackets */
export function suiteBehind(urlsrc: string): SuiteName {
  return suiteOf(bareAddress(urlsrc)).name;
}

/** Will browsers on the bridge's pages find and accept the address that the editor gives for itself? */
export function judgeActionOrigin(urlsrc: string | undefined, { BRIDGE_URL }: Config): Verdict {
  const origin = originOf(urlsrc ?? "");
  if (urlsrc === undefined || origin === undefined) {
    return failed(
      "The editor's discovery document lists no actions.",
      "DISCOVERY_URLS=<address of an office editor>/hosting/discovery",
    );
  }
  const isCollabora = suiteBehind(urlsrc) === "collabora";
  const { protocol, hostname } = new URL(origin);
  const bridge = new URL(BRIDGE_URL);
  if (bridge.protocol === "https:" && protocol === "http:") {
    return failed(
      `The editor gives browsers the address ${origin}: browsers block http inside an https page, and BRIDGE_URL is https.`,
      isCollabora
        ? "Collabora: extra_params=--o:ssl.enable=false --o:ssl.termination=true (behind an https proxy)"
        : `the editor's public address: ${origin.replace(/^http:/, "https:")}`,
    );
  }
  if (isInnerName(hostname, bridge.hostname)) {
    return failed(
      `The editor gives browsers the address ${origin}, which works only inside this network.`,
      isCollabora
        ? "Collabora: server_name=<public host of the editor>"
        : "the editor's public address: <scheme and host that browsers use>",
    );
  }
  return ok(`Browsers are sent to the editor at ${origin}.`);
}

/** @param reads the document, read twice a moment apart */
export function judgeProofKey(
  reads: readonly Discovery[],
  mode: Config["PROOF_KEYS"],
  suite: SuiteName | undefined,
): Verdict {
  if (mode === "off") return skipped("PROOF_KEYS is off: editors don't have to sign their calls.");
  const keys = reads.map(({ proofKey }) => proofKey?.modulus);
  if (keys.every((key) => key === undefined)) {
    const sentence = "The editor has no proof key, so anyone with a token could pose as the editor.";
    const change =
      suite === "collabora"
        ? "docker compose exec collabora coolconfig generate-proof-key (then restart it)"
        : suite === "onlyoffice"
          ? "ONLYOFFICE local.json: wopi.privateKey, wopi.publicKey (generate a key pair)"
          : "the editor's settings: a proof key";
    return mode === "required"
      ? failed(`${sentence} With PROOF_KEYS=required, no document opens.`, change)
      : warning(sentence, change);
  }
  if (new Set(keys).size > 1) {
    return failed(
      "The editor's proof key changes between requests: several servers with different keys answer there.",
      suite === "collabora"
        ? "Collabora: the same /etc/coolwsd/proof_key in every server"
        : "the editor's settings: one proof key for all its servers",
    );
  }
  return ok("The editor has a proof key, and it stays the same.");
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
  if (suite !== "collabora") return skipped("This editor does not publish its capabilities; not all do.");
  return warning(
    "Collabora's capabilities can't be read: a proxy passes on /hosting/discovery only.",
    "proxy in front of the editor: pass on /hosting/capabilities too",
  );
}

/** An editor's page, as browsers are sent to it. */
interface EditorPage {
  readonly origin: string;
  readonly suite: SuiteName;
  /** As in its capabilities. */
  readonly version: string | undefined;
}

/** @param page the answer to a post like the host page's */
export function judgeFraming(page: Asked, { origin, suite, version }: EditorPage, config: Config): Verdict {
  if (!isAnswer(page)) {
    return failed(`The editor's page at ${origin} does not answer: ${page.reason}.`, addressLine(page, origin, suite));
  }
  if (page.status === 403) {
    return failed(
      "The editor does not allow the bridge as a WOPI host.",
      suite === "collabora"
        ? `Collabora: aliasgroup1=${new URL(config.WOPI_URL ?? config.BRIDGE_URL).origin}`
        : `the editor's list of WOPI hosts: ${new URL(config.WOPI_URL ?? config.BRIDGE_URL).origin}`,
    );
  }
  if (page.status >= 500 || page.status === 404) {
    return failed(
      `The editor's page at ${origin} returns HTTP ${page.status}.`,
      `proxy in front of the editor: pass on ${suite === "collabora" ? "/browser" : "the path of its pages"}`,
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
      `The editor's page can't be embedded in ${ancestor}: ${refusal}.`,
      suite === "collabora"
        ? ancestorsLine(ancestors, version)
        : `the editor's frame-ancestors: ${ancestors.join(" ")}`,
    );
  }
  return ok(`The editor's page can be embedded in ${ancestors.join(", ")}.`);
}

/** Since 22.05 Collabora takes a whole policy; the image splits `extra_params` at spaces, but not its command. */
function ancestorsLine(ancestors: readonly string[], version: string | undefined): string {
  const [year = 22, month = 5] = (version ?? "").split(".").filter(Boolean).map(Number);
  const takesPolicy = year > 22 || (year === 22 && month >= 5);
  return takesPolicy
    ? `Collabora: command: --o:net.content_security_policy=frame-ancestors ${ancestors.join(" ")};`
    : `Collabora: extra_params=--o:net.frame_ancestors="${ancestors.join(" ")}"`;
}
