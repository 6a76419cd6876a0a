import { z } from "zod";
import { type CloudreveClient, dataOf } from "../cloudreve/client.ts";
import type { Envelope } from "../cloudreve/errorCodes.ts";
import { jsonIn } from "../model/jsonIn.ts";
import type { Application, ApplicationChange } from "./application.ts";
import { groupSchema, type Viewer, type ViewerGroup } from "./viewers.ts";

const applicationSchema = z
  .object({
    id: z.number(),
    guid: z.string(),
    name: z.string(),
    homepage_url: z.string().default(""),
    redirect_uris: z.array(z.string()).nullish(),
    scopes: z.array(z.string()).nullish(),
    props: z.record(z.string(), z.unknown()).nullish(),
    is_enabled: z.boolean().default(false),
    is_system: z.boolean().default(false),
  })
  .transform(
    (client): Application => ({
      id: client.id,
      guid: client.guid,
      name: client.name,
      homepageUrl: client.homepage_url,
      redirectUris: client.redirect_uris ?? [],
      scopes: client.scopes ?? [],
      props: client.props ?? {},
      isEnabled: client.is_enabled,
      isSystem: client.is_system,
    }),
  );
const applicationsSchema = z.object({
  clients: z.array(applicationSchema).nullish(),
  pagination: z.object({ total_items: z.number().default(0) }),
});
const settingSchema = z.object({ file_viewers: z.string() });
const pageSize = 50;
const pagesRead = 20;

/** Cloudreve refused a call of its dashboard. */
export class Refused extends Error {
  readonly code: number;

  constructor({ code, msg }: Envelope) {
    super(`Cloudreve answered code ${code}${msg === "" ? "" : `, "${msg}"`}`);
    this.code = code;
  }
}

/**
 * What Cloudreve's dashboard does, by its own calls.
 * @see recordings/cloudreve/oauth-register.json, admin-viewers.json
 */
export class Dashboard {
  readonly #client: CloudreveClient;
  readonly #accessToken: string;

  constructor(client: CloudreveClient, accessToken: string) {
    this.#client = client;
    this.#accessToken = accessToken;
  }

  /** @throws Refused, with code 403 for who is no administrator */
  async applications(): Promise<readonly Application[]> {
    const found: Application[] = [];
    for (let page = 1; page <= pagesRead; page++) {
      const json = {
        page,
        page_size: pageSize,
        order_by: "",
        order_direction: "desc",
        conditions: {},
        searches: {},
      };
      const { clients, pagination } = await this.#call(applicationsSchema, "POST", "/admin/oauthClient", { json });
      found.push(...(clients ?? []));
      if (found.length >= pagination.total_items || (clients ?? []).length === 0) break;
    }
    return found;
  }

  /** @throws Refused */
  async saveApplication({ id, secret, ...wanted }: ApplicationChange): Promise<void> {
    const client = {
      ...(id === undefined ? {} : { id }),
      guid: wanted.guid,
      ...(secret === undefined ? {} : { secret }),
      name: wanted.name,
      homepage_url: wanted.homepageUrl,
      redirect_uris: wanted.redirectUris,
      scopes: wanted.scopes,
      props: wanted.props,
      is_enabled: wanted.isEnabled,
    };
    const path = id === undefined ? "/admin/oauthClient" : `/admin/oauthClient/${id}`;
    await this.#call(z.unknown(), "PUT", path, { json: { client } });
  }

  /** @throws Refused */
  async viewerGroups(): Promise<readonly ViewerGroup[]> {
    const json = { keys: ["file_viewers"] };
    const { file_viewers: setting } = await this.#call(settingSchema, "POST", "/admin/settings", { json });
    return z.array(groupSchema).parse(jsonIn(setting));
  }

  /** @throws Refused */
  async saveViewerGroups(groups: readonly ViewerGroup[]): Promise<void> {
    const json = { settings: { file_viewers: JSON.stringify(groups) } };
    await this.#call(z.unknown(), "PATCH", "/admin/settings", { json });
  }

  /** Cloudreve itself reads the address, and stores nothing. @throws Refused when there is no discovery document */
  async editorAt(discoveryUrl: string): Promise<readonly Viewer[]> {
    const query = { endpoint: discoveryUrl };
    return (await this.#call(groupSchema, "GET", "/admin/tool/wopi", { query })).viewers ?? [];
  }

  async #call<Schema extends z.ZodType>(
    schema: Schema,
    method: "GET" | "POST" | "PUT" | "PATCH",
    path: string,
    more: { readonly json?: unknown; readonly query?: Readonly<Record<string, string>> },
  ): Promise<z.output<Schema>> {
    const answer = await this.#client.exchange({ method, path, ...more, accessToken: this.#accessToken });
    if (answer.code !== 0) throw new Refused(answer);
    return dataOf(schema, answer);
  }
}
