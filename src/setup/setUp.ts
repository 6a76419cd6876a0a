import { randomBytes, randomUUID } from "node:crypto";
import { z } from "zod";
import { CloudreveClient } from "../cloudreve/client.ts";
import { hasOAuth, oauthScopes } from "../cloudreve/signIn.ts";
import type { Config } from "../config.ts";
import { judgeApplication, oauthApps } from "./application.ts";
import { Dashboard, Refused } from "./dashboard.ts";
import { settingLines } from "./envFile.ts";
import { SetupEnded, signInAsAdministrator } from "./signIn.ts";
import { byHand, found, type Step } from "./step.ts";
import type { Terminal } from "./terminal.ts";
import { fileApps, judgeFileApp, judgeImport, type Viewer, type ViewerChange } from "./viewers.ts";

type SetupConfig = Pick<
  Config,
  "BRIDGE_URL" | "CLOUDREVE_URL" | "DISCOVERY_URLS" | "OAUTH_CLIENT_ID" | "OAUTH_CLIENT_SECRET"
>;

export interface SetupOptions {
  /** Every question is answered with yes. */
  readonly yes: boolean;
  /** The OAuth application gets a new secret. */
  readonly newSecret: boolean;
  /** Puts settings into `.env`; undefined = there is no such file here, so they are printed. @throws Error */
  readonly writeSettings: ((settings: Readonly<Record<string, string>>) => Promise<void>) | undefined;
}

/** How setup ended: `done` also when the operator left something as it was. */
export type SetupOutcome = "done" | "somethingByHand";

/** Does in Cloudreve's dashboard what the README's installation asks for. @throws SetupEnded */
export async function setUp(config: SetupConfig, terminal: Terminal, options: SetupOptions): Promise<SetupOutcome> {
  const client = new CloudreveClient(config.CLOUDREVE_URL);
  const version = await versionOf(client, config);
  terminal.say(`Cloudreve ${version} answers at ${config.CLOUDREVE_URL}.`);
  const tokens = await signInAsAdministrator(client, terminal);
  try {
    return await new Setup(config, terminal, options, new Dashboard(client, tokens.accessToken)).run(version);
  } catch (error) {
    if (error instanceof Refused && error.code === 403) {
      throw new SetupEnded("This account is not an administrator of Cloudreve, so it may not change its dashboard.");
    }
    throw error;
  } finally {
    const json = { refresh_token: tokens.refreshToken };
    await client.exchange({ method: "DELETE", path: "/session/token", json }).catch(() => undefined);
  }
}

async function versionOf(client: CloudreveClient, { CLOUDREVE_URL }: SetupConfig): Promise<string> {
  try {
    return await client.api(z.string(), { method: "GET", path: "/site/ping" });
  } catch {
    throw new SetupEnded(
      `Cloudreve does not answer at CLOUDREVE_URL ${CLOUDREVE_URL}. Start it, or correct the setting; the doctor tells more.`,
    );
  }
}

class Setup {
  readonly #config: SetupConfig;
  readonly #terminal: Terminal;
  readonly #options: SetupOptions;
  readonly #dashboard: Dashboard;
  #outcome: SetupOutcome = "done";

  constructor(config: SetupConfig, terminal: Terminal, options: SetupOptions, dashboard: Dashboard) {
    this.#config = config;
    this.#terminal = terminal;
    this.#options = options;
    this.#dashboard = dashboard;
  }

  async run(version: string): Promise<SetupOutcome> {
    await this.#application(version);
    await this.#editors();
    const bridge = this.#config.BRIDGE_URL;
    await this.#fileApp({ id: randomUUID(), name: "Edit with others", url: `${bridge}/open?file_id={$id}` });
    await this.#fileApp({ id: randomUUID(), name: "Share for editing", url: `${bridge}/share?file_id={$id}` });
    this.#terminal.say("Done. The doctor checks everything else.");
    return this.#outcome;
  }

  async #application(version: string): Promise<void> {
    const title = "OAuth application";
    if (!hasOAuth(version)) {
      this.#show(title, found(`Cloudreve ${version} has none: people sign in with email and password.`));
      return;
    }
    const step = judgeApplication(await this.#dashboard.applications(), this.#wantedApplication());
    const how = `${oauthApps} → new application, redirect address ${this.#redirectUri}, scopes ${oauthScopes}`;
    await this.#take(title, step, how, async (change) => {
      await this.#dashboard.saveApplication(change);
      if (change.settings !== undefined) await this.#handOut(change.settings);
    });
  }

  get #redirectUri(): string {
    return `${this.#config.BRIDGE_URL}/signin/callback`;
  }

  #wantedApplication(): Parameters<typeof judgeApplication>[1] {
    const { BRIDGE_URL: bridgeUrl, OAUTH_CLIENT_ID: id, OAUTH_CLIENT_SECRET: secret } = this.#config;
    return {
      bridgeUrl,
      redirectUri: this.#redirectUri,
      scopes: oauthScopes.split(" "),
      client: id === undefined || secret === undefined ? undefined : { id, secret },
      fresh: { id: randomUUID(), secret: randomBytes(32).toString("base64url") },
      wantsNewSecret: this.#options.newSecret,
    };
  }

  /** Cloudreve shows the secret to nobody, so this is the only moment to write it down. */
  async #handOut(settings: Readonly<Record<string, string>>): Promise<void> {
    const { writeSettings } = this.#options;
    const isWanted = writeSettings !== undefined && (await this.#agrees("Write its id and secret into .env?"));
    try {
      if (writeSettings !== undefined && isWanted) {
        await writeSettings(settings);
        this.#terminal.say("  Written into .env. Start the bridge again, so that it reads them.");
        return;
      }
    } catch (error) {
      this.#terminal.say(`  .env could not be written (${error instanceof Error ? error.message : "unknown reason"}).`);
    }
    this.#terminal.say("  Put these lines into .env (they are shown only now), and start the bridge again:");
    this.#terminal.say(settingLines(settings));
  }

  async #editors(): Promise<void> {
    const urls = this.#config.DISCOVERY_URLS;
    if (urls.length === 0) {
      const sentence = "DISCOVERY_URLS is not set, so setup does not know the editor.";
      this.#show("editor", byHand(sentence, `set it, or ${fileApps} → import WOPI`));
      return;
    }
    const imported: Viewer[] = [];
    const readable: string[] = [];
    for (const url of urls) {
      try {
        imported.push(...(await this.#dashboard.editorAt(url)));
        readable.push(url);
      } catch (error) {
        if (!(error instanceof Refused) || error.code === 403) throw error;
        const sentence = `Cloudreve can't read the editor's discovery at ${url}: ${error.message}.`;
        this.#show("editor", byHand(sentence, "start the editor; Cloudreve's server must reach that address"));
      }
    }
    if (readable.length === 0) return;
    const step = judgeImport(await this.#dashboard.viewerGroups(), imported, readable.join(" and "));
    await this.#changeViewers("editor", step, `${fileApps} → import WOPI: ${readable.join(", ")}`);
  }

  async #fileApp(app: { readonly id: string; readonly name: string; readonly url: string }): Promise<void> {
    const step = judgeFileApp(await this.#dashboard.viewerGroups(), app);
    await this.#changeViewers("file app", step, `${fileApps} → add a custom app with the address ${app.url}`);
  }

  #changeViewers(title: string, step: Step<ViewerChange>, how: string): Promise<void> {
    return this.#take(title, step, how, async (change) => {
      await this.#dashboard.saveViewerGroups(change(await this.#dashboard.viewerGroups()));
    });
  }

  /** Tells what is there; asks before a change. @param how to do it by hand, should Cloudreve refuse */
  async #take<Change>(
    title: string,
    step: Step<Change>,
    how: string,
    run: (change: Change) => Promise<void>,
  ): Promise<void> {
    this.#show(title, step);
    if (step.is !== "change") return;
    if (!(await this.#agrees(step.question))) {
      this.#terminal.say("  Left as it is.");
      return;
    }
    try {
      await run(step.change);
      this.#terminal.say("  Done.");
    } catch (error) {
      // What is unreachable now is unreachable for the next step too.
      if (!(error instanceof Refused)) throw error;
      this.#show(title, byHand(`${error.message}.`, how));
    }
  }

  async #agrees(question: string): Promise<boolean> {
    if (this.#options.yes) {
      this.#terminal.say(`  ${question} Yes (--yes).`);
      return true;
    }
    const answer = await this.#terminal.ask(`  ${question} [y/N] `);
    if (answer === undefined) throw new SetupEnded("Cancelled.");
    return /^\s*y(es)?\s*$/i.test(answer);
  }

  #show(title: string, step: Step<unknown>): void {
    const symbol = { found: "ok", change: "->", byHand: "!!" }[step.is];
    this.#terminal.say(`${symbol} ${title}: ${step.sentence}`);
    if (step.is !== "byHand") return;
    this.#outcome = "somethingByHand";
    this.#terminal.say(`   by hand: ${step.how}`);
  }
}
