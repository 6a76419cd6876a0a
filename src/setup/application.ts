import { byHand, found, type Step } from "./step.ts";

/** Is the bridge an OAuth application of Cloudreve's? No I/O here. */

/** As Cloudreve's dashboard knows it; its secret is never shown. */
export interface Application {
  readonly id: number;
  /** What Cloudreve calls the client id. */
  readonly guid: string;
  readonly name: string;
  readonly homepageUrl: string;
  readonly redirectUris: readonly string[];
  readonly scopes: readonly string[];
  /** Cloudreve's own settings of it, handed back as they are. */
  readonly props: Readonly<Record<string, unknown>>;
  readonly isEnabled: boolean;
  /** Cloudreve brings it itself; not ours to touch. */
  readonly isSystem: boolean;
}

/** Without an id: a new one. Without a secret: the one it has. */
export type ApplicationChange = Omit<Application, "id" | "isSystem"> & {
  readonly id?: number;
  readonly secret?: string;
  /** What must stand in the bridge's settings from then on; undefined = it stands there already. */
  readonly settings?: { readonly OAUTH_CLIENT_ID: string; readonly OAUTH_CLIENT_SECRET: string };
};

export interface WantedApplication {
  readonly bridgeUrl: string;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  /** From the bridge's settings; undefined = not set. */
  readonly client: { readonly id: string; readonly secret: string } | undefined;
  /** Used if a new one is registered, or a new secret is asked for. */
  readonly fresh: { readonly id: string; readonly secret: string };
  readonly wantsNewSecret: boolean;
}

export const oauthApps = "Cloudreve: Dashboard → OAuth Apps";

/** @param applications all that Cloudreve has, its own included */
export function judgeApplication(
  applications: readonly Application[],
  wanted: WantedApplication,
): Step<ApplicationChange> {
  const ours = applications.filter(({ isSystem }) => !isSystem);
  const { client } = wanted;
  if (client !== undefined) {
    const known = ours.find(({ guid }) => guid === client.id);
    return known === undefined ? registration(wanted, client) : correction(known, wanted);
  }
  const known = ours.find(({ redirectUris }) => redirectUris.includes(wanted.redirectUri));
  if (known === undefined) return registration(wanted, undefined);
  if (wanted.wantsNewSecret) return correction(known, wanted);
  return byHand(
    `Cloudreve has the OAuth application "${known.name}" for this bridge already, but OAUTH_CLIENT_ID is not set, and Cloudreve shows its secret to nobody.`,
    `put OAUTH_CLIENT_ID=${known.guid} and its OAUTH_CLIENT_SECRET into .env; if the secret is lost, run setup again with --new-secret`,
  );
}

/** @param client what the settings name already; it is registered under that id, so that no setting changes */
function registration(wanted: WantedApplication, client: WantedApplication["client"]): Step<ApplicationChange> {
  const { id, secret } = client ?? wanted.fresh;
  return {
    is: "change",
    sentence:
      client === undefined
        ? "Cloudreve has no OAuth application for this bridge, so people can't sign in through Cloudreve's pages."
        : "Cloudreve has no OAuth application with the id in OAUTH_CLIENT_ID.",
    question: `Register the application "Office bridge" with the redirect address ${wanted.redirectUri}?`,
    change: {
      guid: id,
      secret,
      name: "Office bridge",
      homepageUrl: wanted.bridgeUrl,
      redirectUris: [wanted.redirectUri],
      scopes: wanted.scopes,
      props: {},
      isEnabled: true,
      ...(client === undefined ? { settings: { OAUTH_CLIENT_ID: id, OAUTH_CLIENT_SECRET: secret } } : {}),
    },
  };
}

function correction(known: Application, wanted: WantedApplication): Step<ApplicationChange> {
  const missingScopes = wanted.scopes.filter((scope) => !known.scopes.includes(scope));
  const lacksAddress = !known.redirectUris.includes(wanted.redirectUri);
  const lacks = [
    ...(known.isEnabled ? [] : ["it is disabled"]),
    ...(lacksAddress ? [`it lacks the redirect address ${wanted.redirectUri}`] : []),
    ...(missingScopes.length > 0 ? [`it lacks the scopes ${missingScopes.join(" ")}`] : []),
    ...(wanted.wantsNewSecret
      ? ["it is to get a new secret, and whatever uses the old one can't sign in any more"]
      : []),
  ];
  const name = `Cloudreve has the OAuth application "${known.name}"`;
  if (lacks.length === 0) return found(`${name} with this bridge's redirect address and all its scopes.`);
  const { id: _fresh, secret } = wanted.fresh;
  return {
    is: "change",
    sentence: `${name}, but ${lacks.join("; ")}.`,
    question: "Change it?",
    change: {
      ...known,
      redirectUris: lacksAddress ? [...known.redirectUris, wanted.redirectUri] : known.redirectUris,
      scopes: [...known.scopes, ...missingScopes],
      isEnabled: true,
      ...(wanted.wantsNewSecret
        ? { secret, settings: { OAUTH_CLIENT_ID: known.guid, OAUTH_CLIENT_SECRET: secret } }
        : {}),
    },
  };
}
