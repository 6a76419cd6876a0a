import { z } from "zod";
import type { ContractReport } from "../cloudreve/contract/contractGuard.ts";
import { envelopeSchema, oauthRefusalSchema } from "../cloudreve/errorCodes.ts";
import type { Config } from "../config.ts";
import { isInnerName } from "./addresses.ts";
import { failed, ok, skipped, type Verdict, warning } from "./finding.ts";
import { type Asked, headerOf, isAnswer, isRedirect, jsonOf } from "./httpProbe.ts";

/** What Cloudreve's answers mean for the operator. No I/O here. */

const oauthApps = "Cloudreve: Dashboard → OAuth Apps";
const usualPort = "5212";
const skewToleratedMs = 30_000;
/** From here on tokens and proofs are refused. */
const skewRefusedMs = 300_000;
const mebibyte = 1024 * 1024;

const basicSchema = z.object({ instance_id: z.string() });
const appSchema = z.object({ name: z.string(), consented_scopes: z.array(z.string()).nullish() });

/** @returns the envelope of Cloudreve's API; undefined when it is none */
export function envelopeIn(asked: Asked): z.infer<typeof envelopeSchema> | undefined {
  const envelope = isAnswer(asked) ? envelopeSchema.safeParse(jsonOf(asked)) : undefined;
  return envelope?.data;
}

/** @returns what `/site/ping` says, as in "4.14.0" */
export function versionIn(ping: Asked): string | undefined {
  const envelope = envelopeIn(ping);
  return envelope?.code === 0 && typeof envelope.data === "string" ? envelope.data : undefined;
}

export function judgeReachable(ping: Asked, url: string): Verdict {
  const change = cloudreveUrlChange(url);
  if (!isAnswer(ping)) return failed(`Cloudreve does not answer at CLOUDREVE_URL ${url}: ${ping.reason}.`, change);
  const location = isRedirect(ping) ? headerOf(ping, "location") : undefined;
  if (location !== undefined) {
    const target = URL.canParse(location, url) ? new URL(location, url).origin : location;
    return failed(`CLOUDREVE_URL ${url} sends its callers on to ${target}.`, `CLOUDREVE_URL=${target}`);
  }
  const version = versionIn(ping);
  if (version !== undefined) return ok(`Cloudreve ${version} answers at ${url}.`);
  if (envelopeIn(ping) === undefined) {
    return failed(`What answers at CLOUDREVE_URL ${url} is not Cloudreve's API (HTTP ${ping.status}).`, change);
  }
  return failed(`Cloudreve at ${url} does not tell its version.`, change);
}

/** The same host at Cloudreve's usual port, unless that is what does not work. */
function cloudreveUrlChange(url: string): string {
  const { hostname, port } = new URL(url);
  if (port === usualPort) return "CLOUDREVE_URL=<address at which the bridge reaches Cloudreve> (or start Cloudreve)";
  return `CLOUDREVE_URL=http://${hostname}:${usualPort}`;
}

export function judgeVersion(version: string, usesOAuth: boolean): Verdict {
  const [, major = "0", minor = "0"] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  const number = Number(major) * 1000 + Number(minor);
  if (number < 4_000) {
    return failed(`Cloudreve ${version} has none of the calls the bridge needs.`, "upgrade Cloudreve to 4.0 or later");
  }
  if (usesOAuth && number < 4_012) {
    const sentence = `Cloudreve ${version} knows no OAuth: people will be asked for their password by the bridge.`;
    return warning(sentence, "upgrade Cloudreve to 4.12 or later");
  }
  return ok(`Cloudreve ${version} has all that is needed.`);
}

/** @param whose as in "Cloudreve's" @param between when the question left and when the answer was there */
export function judgeClock(
  date: string | undefined,
  between: { readonly sentAtMs: number; readonly receivedAtMs: number },
  whose: string,
): Verdict {
  const theirs = Date.parse(date ?? "");
  if (Number.isNaN(theirs)) return skipped(`${whose} server tells no time.`);
  // The header drops the part of a second.
  const skewMs = theirs + 500 - (between.sentAtMs + between.receivedAtMs) / 2;
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const sentence = `${whose} clock and the bridge's are ${seconds} s apart`;
  const change = "timedatectl set-ntp true (on whichever host is wrong)";
  if (Math.abs(skewMs) >= skewRefusedMs) return failed(`${sentence}: tokens and proofs will be refused.`, change);
  if (Math.abs(skewMs) > skewToleratedMs) return warning(`${sentence}.`, change);
  return ok(`${sentence}.`);
}

/** @param own and `published`: answers of `/site/config/basic` at the two addresses */
export function judgePublicUrl(
  own: Asked,
  published: Asked,
  { CLOUDREVE_PUBLIC_URL: url, CLOUDREVE_URL, BRIDGE_URL }: Config,
): Verdict {
  const change = "CLOUDREVE_PUBLIC_URL=<address of the same Cloudreve for browsers>";
  if (url === undefined || url === CLOUDREVE_URL) {
    return isInnerName(new URL(CLOUDREVE_URL).hostname, new URL(BRIDGE_URL).hostname)
      ? failed(`Browsers are sent to Cloudreve at ${CLOUDREVE_URL}, a name of this network only.`, change)
      : ok(`Browsers are sent to Cloudreve at ${CLOUDREVE_URL} too.`);
  }
  if (!isAnswer(published))
    return failed(`Nothing answers at CLOUDREVE_PUBLIC_URL ${url}: ${published.reason}.`, change);
  const instances = [own, published].map((asked) => basicSchema.safeParse(envelopeIn(asked)?.data).data?.instance_id);
  if (instances[1] === undefined) {
    return failed(`What answers at CLOUDREVE_PUBLIC_URL ${url} is not Cloudreve (HTTP ${published.status}).`, change);
  }
  if (instances[0] === instances[1]) return ok(`CLOUDREVE_PUBLIC_URL ${url} is the same Cloudreve.`);
  return failed(`CLOUDREVE_PUBLIC_URL ${url} is another Cloudreve than CLOUDREVE_URL.`, change);
}

/** @param signIn answer of `POST /session/token` */
export function judgeSignIn(signIn: Asked, email: string): Verdict {
  const envelope = envelopeIn(signIn);
  switch (envelope?.code) {
    case 0:
      return ok(`Cloudreve signs ${email} in.`);
    case 203:
      return failed(
        `The account ${email} has a second factor, which no machine can give.`,
        "CLOUDREVE_EMAIL=<an account without a second factor>",
      );
    case 40_026:
      return failed(
        "Cloudreve asks for a captcha at sign-in.",
        "Cloudreve: Dashboard → Settings → Captcha: off for login",
      );
    case 40_017:
    case 40_018:
      return failed(`The account ${email} is banned or not activated.`, "CLOUDREVE_EMAIL=<an active account>");
    case 40_080:
    case 40_001:
      return failed(
        `Cloudreve does not accept the password of ${email}.`,
        `CLOUDREVE_PASSWORD=<the password of ${email}>`,
      );
    default:
      return failed(
        `Cloudreve answers the sign-in of ${email} with ${envelope === undefined ? "no envelope" : `code ${envelope.code}`}.`,
        "CLOUDREVE_EMAIL=<an account that can sign in at Cloudreve's own page>",
      );
  }
}

/** @param app answer of `GET /session/oauth/app/ID`, which an application that is switched off has not either */
export function judgeOAuthClient(app: Asked): Verdict {
  const envelope = envelopeIn(app);
  const known = appSchema.safeParse(envelope?.data);
  if (envelope?.code === 0 && known.success)
    return ok(`Cloudreve knows the OAuth application as "${known.data.name}".`);
  if (envelope?.code === 404) {
    const sentence = "Cloudreve knows no OAuth application of this id, or it is switched off.";
    return failed(sentence, `OAUTH_CLIENT_ID=<the id shown in ${oauthApps}>`);
  }
  return warning("Cloudreve does not tell whether it knows the OAuth application.");
}

/** @returns what the account has allowed the application before; undefined = nothing, or not told */
export function consentedScopes(app: Asked): readonly string[] | undefined {
  return appSchema.safeParse(envelopeIn(app)?.data).data?.consented_scopes ?? undefined;
}

/**
 * What Cloudreve says to a consent that it refuses at the last moment, for its missing `openid`: by then it has
 * compared redirect address and scopes, and nothing has been granted.
 */
export function judgeOAuthTerms(
  consent: Asked,
  redirectUri: string,
  scopes: string,
): { readonly redirect: Verdict; readonly scopes: Verdict } {
  const said = envelopeIn(consent)?.msg ?? "";
  const isRedirectOk = ok(`Its redirect address ${redirectUri} is registered.`);
  if (/redirect/i.test(said)) {
    return {
      redirect: failed(
        `The OAuth application does not know the redirect address ${redirectUri}: nobody can sign in.`,
        `${oauthApps} → Redirect URIs: ${redirectUri}`,
      ),
      scopes: skipped("Scopes are compared after the redirect address only."),
    };
  }
  if (/invalid scope/i.test(said)) {
    return {
      redirect: isRedirectOk,
      scopes: failed(
        "The OAuth application lacks one of the scopes that the bridge asks for.",
        `${oauthApps} → Scopes: ${scopes}`,
      ),
    };
  }
  if (/openid/i.test(said))
    return { redirect: isRedirectOk, scopes: ok("It has all scopes that the bridge asks for.") };
  const untold = skipped("Cloudreve's answer does not tell.");
  return { redirect: untold, scopes: untold };
}

/** @param exchange answer of `POST /session/oauth/token` to a code that is good */
export function judgeOAuthSecret(exchange: Asked): Verdict {
  if (!isAnswer(exchange)) return warning(`Cloudreve's token endpoint does not answer: ${exchange.reason}.`);
  const json = jsonOf(exchange);
  if (exchange.status === 200 && z.object({ access_token: z.string() }).safeParse(json).success) {
    return ok("The OAuth application's secret is right: Cloudreve gave tokens for a code.");
  }
  const { said = "nothing" } = oauthRefusalSchema.safeParse(json).data ?? {};
  if (/secret/i.test(said)) {
    return failed(
      "Cloudreve does not accept OAUTH_CLIENT_SECRET.",
      `OAUTH_CLIENT_SECRET=<the secret shown in ${oauthApps}>`,
    );
  }
  return warning(`Cloudreve gave no tokens for a code that it had just made; it said: ${said}.`);
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

/** @param maxEditSize Cloudreve's setting, bytes; undefined = the account is no administrator */
export function judgeEditSize(maxEditSize: string | undefined, maxFileMb: number): Verdict {
  const limitBytes = Number(maxEditSize);
  if (maxEditSize === undefined || !(limitBytes > 0)) {
    return skipped(
      "Only an administrator may read Cloudreve's maxEditSize. Larger saves go through its upload session, so it limits what can be opened, not what is saved.",
    );
  }
  const limitMb = Math.floor((limitBytes / mebibyte) * 10) / 10;
  if (maxFileMb * mebibyte >= limitBytes) {
    return ok(
      `Cloudreve opens documents up to ${limitMb} MiB; one that grows is saved up to MAX_FILE_MB ${maxFileMb}.`,
    );
  }
  return warning(
    `Cloudreve opens documents up to ${limitMb} MiB, but the bridge saves only up to MAX_FILE_MB ${maxFileMb}.`,
    `MAX_FILE_MB=${Math.ceil(limitMb)}`,
  );
}
