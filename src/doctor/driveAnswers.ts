import { z } from "zod";
import type { ContractReport } from "../cloudreve/contract/contractGuard.ts";
import { envelopeSchema, oauthRefusalSchema } from "../cloudreve/errorCodes.ts";
import type { Config } from "../config.ts";
import { isInnerName } from "./addresses.ts";
import { failed, ok, skipped, type Verdict, warning } from "./finding.ts";
import {
  type Asked,
  droppedReason,
  headerOf,
  isAnswer,
  isRedirect,
  jsonOf,
  noTlsReason,
  refusedReason,
} from "./httpProbe.ts";

/** Turns Cloudreve's answers into findings for the operator. No I/O here. */

const oauthApps = "Cloudreve: Dashboard → OAuth Apps";
const usualPort = "5212";
const skewToleratedMs = 30_000;
/** From here on tokens and proofs are refused. */
const skewRefusedMs = 300_000;
/** Why there is no answer, though somebody at that host said so. */
const hostAnswers = [refusedReason, droppedReason, noTlsReason];
const mebibyte = 1024 * 1024;

const basicSchema = z.object({ instance_id: z.string() });
const appSchema = z.object({ name: z.string(), consented_scopes: z.array(z.string()).nullish() });

/** @returns the envelope of Cloudreve's API; undefined when the answer is something else */
export function envelopeIn(asked: Asked): z.infer<typeof envelopeSchema> | undefined {
  const envelope = isAnswer(asked) ? envelopeSchema.safeParse(jsonOf(asked)) : undefined;
  return envelope?.data;
}

/** @returns the version from `/site/ping`, such as "4.14.0" */
export function versionIn(ping: Asked): string | undefined {
  const envelope = envelopeIn(ping);
  return envelope?.code === 0 && typeof envelope.data === "string" ? envelope.data : undefined;
}

export function judgeReachable(ping: Asked, url: string): Verdict {
  const change = cloudreveUrlChange(url, ping);
  if (!isAnswer(ping)) return failed(`Cloudreve does not answer at CLOUDREVE_URL ${url}: ${ping.reason}.`, change);
  const location = isRedirect(ping) ? headerOf(ping, "location") : undefined;
  if (location !== undefined) {
    const target = URL.canParse(location, url) ? new URL(location, url).origin : location;
    return failed(`CLOUDREVE_URL ${url} redirects to ${target}.`, `CLOUDREVE_URL=${target}`);
  }
  const version = versionIn(ping);
  if (version !== undefined) return ok(`Cloudreve ${version} answers at ${url}.`);
  if (envelopeIn(ping) === undefined) {
    return failed(
      `Something answers at CLOUDREVE_URL ${url}, but it is not Cloudreve's API (HTTP ${ping.status}).`,
      change,
    );
  }
  return failed(`Cloudreve at ${url} does not report its version.`, change);
}

/** Suggests Cloudreve's default port only at a host that is there, and unless that port is the one that failed. */
function cloudreveUrlChange(url: string, asked: Asked): string {
  const { hostname, port } = new URL(url);
  const isHostThere = isAnswer(asked) || hostAnswers.includes(asked.reason);
  if (port === usualPort || !isHostThere)
    return "CLOUDREVE_URL=<Cloudreve's address, as seen from the bridge> (or start Cloudreve)";
  return `CLOUDREVE_URL=http://${hostname}:${usualPort}`;
}

export function judgeVersion(version: string, usesOAuth: boolean): Verdict {
  const [, major = "0", minor = "0"] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  const number = Number(major) * 1000 + Number(minor);
  if (number < 4_000) {
    return failed(
      `Cloudreve ${version} is too old: it lacks the API the bridge needs.`,
      "upgrade Cloudreve to 4.0 or later",
    );
  }
  if (usesOAuth && number < 4_012) {
    const sentence = `Cloudreve ${version} does not support OAuth, so the bridge asks people for their password.`;
    return warning(sentence, "upgrade Cloudreve to 4.12 or later");
  }
  return ok(`Cloudreve ${version} is supported.`);
}

/** @param whose for example "Cloudreve's" @param between when the request was sent and when the answer arrived */
export function judgeClock(
  date: string | undefined,
  between: { readonly sentAtMs: number; readonly receivedAtMs: number },
  whose: string,
): Verdict {
  const theirs = Date.parse(date ?? "");
  if (Number.isNaN(theirs)) return skipped(`${whose} server does not report its time.`);
  // The header has whole seconds only.
  const skewMs = theirs + 500 - (between.sentAtMs + between.receivedAtMs) / 2;
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const sentence = `${whose} clock and the bridge's clock are ${seconds} s apart`;
  const change = "timedatectl set-ntp true (on the host whose clock is wrong)";
  if (Math.abs(skewMs) >= skewRefusedMs) return failed(`${sentence}: tokens and proofs will be rejected.`, change);
  if (Math.abs(skewMs) > skewToleratedMs) return warning(`${sentence}.`, change);
  return ok(`${sentence}.`);
}

/** @param own and `published`: answers of `/site/config/basic` at the two addresses */
export function judgePublicUrl(
  own: Asked,
  published: Asked,
  { CLOUDREVE_PUBLIC_URL: url, CLOUDREVE_URL, BRIDGE_URL }: Config,
): Verdict {
  const change = "CLOUDREVE_PUBLIC_URL=<address of the same Cloudreve, as seen from browsers>";
  if (url === undefined || url === CLOUDREVE_URL) {
    return isInnerName(new URL(CLOUDREVE_URL).hostname, new URL(BRIDGE_URL).hostname)
      ? failed(`Browsers are sent to Cloudreve at ${CLOUDREVE_URL}, which works only inside this network.`, change)
      : ok(`Browsers are sent to Cloudreve at ${CLOUDREVE_URL} as well.`);
  }
  if (!isAnswer(published))
    return failed(`Nothing answers at CLOUDREVE_PUBLIC_URL ${url}: ${published.reason}.`, change);
  const instance = instanceIn(published);
  if (instance === undefined) {
    return failed(
      `Something answers at CLOUDREVE_PUBLIC_URL ${url}, but it is not Cloudreve (HTTP ${published.status}).`,
      change,
    );
  }
  if (instance === instanceIn(own)) return ok(`CLOUDREVE_PUBLIC_URL ${url} leads to the same Cloudreve.`);
  return failed(`CLOUDREVE_PUBLIC_URL ${url} leads to a different Cloudreve than CLOUDREVE_URL.`, change);
}

/**
 * What does not lead to the document from here too is never given to an editor.
 * @param editors answer of `/site/config/basic` at EDITOR_CLOUDREVE_URL; undefined = not set
 */
export function judgeEditorsUrl(
  own: Asked,
  editors: Asked | undefined,
  { EDITOR_CLOUDREVE_URL: url }: Config,
): Verdict {
  if (editors === undefined || url === undefined) {
    return skipped("EDITOR_CLOUDREVE_URL is not set: editors read documents through the bridge.");
  }
  const unused = (why: string): Verdict =>
    warning(
      `${why}, so editors read documents through the bridge.`,
      "EDITOR_CLOUDREVE_URL=<address of the same Cloudreve, as seen from the editor's server and the bridge> (or remove it)",
    );
  if (!isAnswer(editors)) return unused(`Nothing answers at EDITOR_CLOUDREVE_URL ${url} from here: ${editors.reason}`);
  const instance = instanceIn(editors);
  if (instance === undefined) {
    return unused(`What answers at EDITOR_CLOUDREVE_URL ${url} is not Cloudreve (HTTP ${editors.status})`);
  }
  if (instance !== instanceIn(own)) {
    return unused(`EDITOR_CLOUDREVE_URL ${url} leads to a different Cloudreve than CLOUDREVE_URL`);
  }
  return ok(`EDITOR_CLOUDREVE_URL ${url} leads to the same Cloudreve, seen from here.`);
}

function instanceIn(basic: Asked): string | undefined {
  return basicSchema.safeParse(envelopeIn(basic)?.data).data?.instance_id;
}

/** @param signIn answer of `POST /session/token` */
export function judgeSignIn(signIn: Asked, email: string): Verdict {
  const envelope = envelopeIn(signIn);
  switch (envelope?.code) {
    case 0:
      return ok(`The bridge can sign in as ${email}.`);
    case 203:
      return failed(
        `The account ${email} uses two-factor sign-in, which the bridge can't complete.`,
        "CLOUDREVE_EMAIL=<an account without two-factor sign-in>",
      );
    case 40_026:
      return failed(
        "Cloudreve asks for a captcha at sign-in.",
        "Cloudreve: Dashboard → Settings → Captcha: off for login",
      );
    case 40_017:
    case 40_018:
      return failed(`The account ${email} is banned or not yet activated.`, "CLOUDREVE_EMAIL=<an active account>");
    case 40_080:
    case 40_001:
      return failed(`Cloudreve rejects the password of ${email}.`, `CLOUDREVE_PASSWORD=<the password of ${email}>`);
    default:
      return failed(
        `Signing in as ${email} failed: Cloudreve returned ${envelope === undefined ? "an unexpected response" : `code ${envelope.code}`}.`,
        "CLOUDREVE_EMAIL=<an account that can sign in on Cloudreve's own page>",
      );
  }
}

/** @param app answer of `GET /session/oauth/app/ID`; Cloudreve also answers 404 for a disabled application */
export function judgeOAuthClient(app: Asked): Verdict {
  const envelope = envelopeIn(app);
  const known = appSchema.safeParse(envelope?.data);
  if (envelope?.code === 0 && known.success) return ok(`Cloudreve has the OAuth application as "${known.data.name}".`);
  if (envelope?.code === 404) {
    const sentence = "Cloudreve has no OAuth application with this id, or it is disabled.";
    return failed(sentence, `OAUTH_CLIENT_ID=<the id shown in ${oauthApps}>`);
  }
  return warning("Could not find out whether Cloudreve has the OAuth application.");
}

/** @returns the scopes the account has already granted; undefined = none, or unknown */
export function consentedScopes(app: Asked): readonly string[] | undefined {
  return appSchema.safeParse(envelopeIn(app)?.data).data?.consented_scopes ?? undefined;
}

/**
 * Reads the refusal of a consent request that leaves out `openid`. Cloudreve checks redirect address and scopes first,
 * and grants nothing.
 */
export function judgeOAuthTerms(
  consent: Asked,
  redirectUri: string,
  scopes: string,
): { readonly redirect: Verdict; readonly scopes: Verdict } {
  const said = envelopeIn(consent)?.msg ?? "";
  const isRedirectOk = ok(`The redirect address ${redirectUri} is registered.`);
  if (/redirect/i.test(said)) {
    return {
      redirect: failed(
        `The redirect address ${redirectUri} is not registered in the OAuth application, so nobody can sign in.`,
        `${oauthApps} → Redirect URIs: ${redirectUri}`,
      ),
      scopes: skipped("Checked once the redirect address is right."),
    };
  }
  if (/invalid scope/i.test(said)) {
    return {
      redirect: isRedirectOk,
      scopes: failed("The OAuth application lacks a scope that the bridge needs.", `${oauthApps} → Scopes: ${scopes}`),
    };
  }
  if (/openid/i.test(said))
    return { redirect: isRedirectOk, scopes: ok("The OAuth application has all the scopes the bridge needs.") };
  const untold = skipped("Cloudreve's answer does not say.");
  return { redirect: untold, scopes: untold };
}

/** @param exchange answer of `POST /session/oauth/token` to a valid code */
export function judgeOAuthSecret(exchange: Asked): Verdict {
  if (!isAnswer(exchange)) return warning(`Cloudreve's token endpoint does not answer: ${exchange.reason}.`);
  const json = jsonOf(exchange);
  if (exchange.status === 200 && z.object({ access_token: z.string() }).safeParse(json).success) {
    return ok("The OAuth application's secret is correct.");
  }
  const { said = "no reason given" } = oauthRefusalSchema.safeParse(json).data ?? {};
  if (/secret/i.test(said)) {
    return failed("Cloudreve rejects OAUTH_CLIENT_SECRET.", `OAUTH_CLIENT_SECRET=<the secret shown in ${oauthApps}>`);
  }
  return warning(`Cloudreve did not accept a code it had just issued (${said}).`);
}

/** @param report of the contract guard, which every running bridge asks each hour */
export function judgeContract(report: ContractReport): Verdict {
  const changed = report.filter(({ state }) => state === "changed");
  if (changed.length > 0) {
    const which = changed.map(({ call, said }) => `${call} (${said})`).join(", ");
    return warning(
      `Cloudreve answers otherwise than this bridge expects: ${which}.`,
      "upgrade the bridge, or go back to the Cloudreve of before",
    );
  }
  const count = report.filter(({ state }) => state === "unchanged").length;
  if (count === 0) return skipped("None of the calls that the bridge makes could be tried.");
  return ok(
    count === report.length
      ? `Cloudreve answers all ${count} calls that were tried as the bridge expects.`
      : `Cloudreve answers ${count} of ${report.length} calls as the bridge expects; the others could not be tried.`,
  );
}

/** @param maxEditSize Cloudreve's setting, bytes; undefined = the account is not an administrator */
export function judgeEditSize(maxEditSize: string | undefined, maxFileMb: number): Verdict {
  const limitBytes = Number(maxEditSize);
  if (maxEditSize === undefined || !(limitBytes > 0)) {
    return skipped(
      "Only an administrator can read Cloudreve's maxEditSize. It limits which documents can be opened, not saves: larger saves go through an upload session.",
    );
  }
  const limitMb = Math.floor((limitBytes / mebibyte) * 10) / 10;
  if (maxFileMb * mebibyte >= limitBytes) {
    return ok(
      `Cloudreve opens documents up to ${limitMb} MB; the bridge saves them up to MAX_FILE_MB (${maxFileMb} MB).`,
    );
  }
  return warning(
    `Cloudreve opens documents up to ${limitMb} MB, but the bridge saves only up to MAX_FILE_MB (${maxFileMb} MB).`,
    `MAX_FILE_MB=${Math.ceil(limitMb)}`,
  );
}
