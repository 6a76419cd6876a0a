import { drivePassword, type TestBridge, type TestBridgeOptions, testBridge } from "./testBridge.ts";
import { type WebAnswer, type WebPerson, webPerson } from "./webPerson.ts";

export const oauthClient = {
  clientId: "6f1c8f0e-58a5-4f0b-9c63-0a7d2f1b7e11",
  clientSecret: "the bridge's own secret",
  scopes: ["openid", "profile", "email", "offline_access", "Files.Read", "Files.Write"],
};

/** A bridge that is registered as an OAuth application in the drive. */
export function testBridgeWithOauth(options: Pick<TestBridgeOptions, "store" | "settings"> = {}): Promise<TestBridge> {
  return testBridge({
    ...options,
    settings: {
      ...options.settings,
      OAUTH_CLIENT_ID: oauthClient.clientId,
      OAUTH_CLIENT_SECRET: oauthClient.clientSecret,
    },
    driveFor: (url) => ({
      oauthClients: [{ ...oauthClient, name: "Office bridge", redirectUris: [`${url}/signin/callback`] }],
    }),
  });
}

/**
 * Alice at the drive's own page, where the bridge has sent her: types e-mail and password, and decides.
 * @returns where the drive sends her browser
 */
export async function decideAtDrive(sent: WebAnswer, decision: "allow" | "deny"): Promise<string> {
  const page = sent.location ?? "";
  const atDrive = webPerson(page);
  await atDrive.post(page, { email: "alice@example.com", password: drivePassword, decision: "sign-in" });
  return (await atDrive.post(page, { decision })).location ?? "";
}

/** Alice signs in by the drive's pages. */
export async function signInByOauth(person: WebPerson): Promise<void> {
  const back = await person.get(await decideAtDrive(await person.get("/signin/oauth"), "allow"));
  if (back.status !== 303) throw new Error(`not signed in: ${back.status}`);
}
