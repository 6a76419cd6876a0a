import { randomUUID } from "node:crypto";
import { type Call, Fields, type Route, readFields, sendData } from "./call.ts";
import { DriveError, invalidParameter } from "./driveError.ts";
import type { OauthClientProps, OauthClientRecord } from "./driveState.ts";
import { randomLetters } from "./randomLetters.ts";

const api = "/api/v4/admin/oauthClient";

/** Where an administrator registers applications; the two that Cloudreve brings itself are not here. */
export const oauthAdminRoutes: readonly Route[] = [
  { method: "POST", path: api, run: list },
  { method: "PUT", path: api, run: register },
  { method: "GET", path: `${api}/:number`, run: (call) => sendClient(call, findByNumber(call, numberOf(call))) },
  { method: "PUT", path: `${api}/:number`, run: change },
  { method: "DELETE", path: `${api}/:number`, run: remove },
];

async function list(call: Call): Promise<void> {
  const fields = await readFields(call);
  const name = new Fields(fields.record("searches")).optionalText("name");
  const [page, pageSize] = [fields.number("page") ?? 1, fields.number("page_size") ?? 10];
  const found = present(call).filter((client) => client.name.includes(name));
  const ordered = fields.optionalText("order_direction") === "desc" ? found.reverse() : found;
  sendData(call, {
    clients: ordered.slice((page - 1) * pageSize, page * pageSize).map(shown),
    pagination: { page: page - 1, page_size: pageSize, total_items: found.length },
  });
}

async function register(call: Call): Promise<void> {
  const { state, stamps } = call.drive;
  const wanted = await readClient(call);
  if (wanted.has("id")) throw new DriveError(40001, "ID must be 0 for creating new OAuth client");
  const guid = wanted.optionalText("guid") || randomUUID();
  // The ids of removed ones count.
  if ([...state.oauthClients.values()].some((client) => client.guid === guid)) {
    throw new DriveError(50001, "Failed to create OAuth client");
  }
  const createdAt = stamps.next();
  const client: OauthClientRecord = {
    number: state.nextNumber("oauthClient"),
    guid,
    createdAt,
    updatedAt: createdAt,
    secret: wanted.optionalText("secret") || randomLetters(32),
    isRemoved: false,
    ...changeable(wanted),
  };
  state.oauthClients.set(client.number, client);
  await state.save();
  sendClient(call, client);
}

async function change(call: Call): Promise<void> {
  const wanted = await readClient(call);
  if (!wanted.has("id")) throw new DriveError(40001, "ID is required");
  // The number in the body counts, not the one in the path.
  const client = findByNumber(call, wanted.number("id") ?? 0);
  Object.assign(client, changeable(wanted), {
    updatedAt: call.drive.stamps.next(),
    secret: wanted.optionalText("secret") || client.secret,
  });
  await call.drive.state.save();
  sendClient(call, client);
}

async function remove(call: Call): Promise<void> {
  findByNumber(call, numberOf(call)).isRemoved = true;
  await call.drive.state.save();
  sendData(call);
}

async function readClient(call: Call): Promise<Fields> {
  const fields = await readFields(call);
  if (!fields.has("client")) throw invalidParameter("Client cannot be empty");
  return new Fields(fields.record("client"));
}

function changeable(
  wanted: Fields,
): Pick<OauthClientRecord, "name" | "homepageUrl" | "redirectUris" | "scopes" | "props" | "isEnabled"> {
  return {
    name: wanted.optionalText("name"),
    homepageUrl: wanted.optionalText("homepage_url"),
    redirectUris: wanted.has("redirect_uris") ? wanted.texts("redirect_uris", "RedirectUris") : [],
    scopes: wanted.has("scopes") ? wanted.texts("scopes", "Scopes") : [],
    props: readProps(new Fields(wanted.record("props"))),
    isEnabled: wanted.flag("is_enabled"),
  };
}

function readProps(wanted: Fields): OauthClientProps {
  const [description, icon] = [wanted.optionalText("description"), wanted.optionalText("icon")];
  const ttlSeconds = wanted.number("refresh_token_ttl") ?? 0;
  return {
    ...(description === "" ? {} : { description }),
    ...(icon === "" ? {} : { icon }),
    ...(ttlSeconds === 0 ? {} : { refresh_token_ttl: ttlSeconds }),
  };
}

function numberOf(call: Call): number {
  const number = Number(call.params.get("number"));
  if (!Number.isInteger(number)) throw invalidParameter("Parameter error");
  return number;
}

function findByNumber(call: Call, number: number): OauthClientRecord {
  const client = present(call).find((candidate) => candidate.number === number);
  if (!client) throw new DriveError(404, "OAuth client not found");
  return client;
}

function present(call: Call): OauthClientRecord[] {
  return [...call.drive.state.oauthClients.values()].filter((client) => !client.isRemoved);
}

function sendClient(call: Call, client: OauthClientRecord): void {
  const grants = call.drive.state.oauthGrants.filter((grant) => grant.clientNumber === client.number);
  const total = grants.filter((grant) => !grant.isRevoked).length;
  sendData(call, { ...shown(client), ...(total > 0 ? { total_grants: total } : {}) });
}

// The secret is never shown.
function shown(client: OauthClientRecord): Record<string, unknown> {
  return {
    id: client.number,
    created_at: client.createdAt,
    updated_at: client.updatedAt,
    guid: client.guid,
    name: client.name,
    ...(client.homepageUrl === "" ? {} : { homepage_url: client.homepageUrl }),
    redirect_uris: client.redirectUris,
    scopes: client.scopes,
    props: client.props,
    ...(client.isEnabled ? { is_enabled: true } : {}),
    edges: {},
    is_system: false,
  };
}
