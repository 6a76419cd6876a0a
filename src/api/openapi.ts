import { z } from "zod";
import { webStatus, webTitle } from "../http/failureResponse.ts";
import type { Failure } from "../model/failure.ts";
import { type ApiRoute, isRepeatable } from "./route.ts";
import { apiSchemas } from "./schemas/named.ts";
import { problemSchema } from "./schemas/problem.ts";
import { webhookEvents } from "./schemas/webhooks.ts";

/** Failures that every route can answer with. */
const commonFailures = ["keyInvalid", "portalKeysUnreachable", "storeUnreachable", "driveFailed"] as const;

/** Of routes that take an Idempotency-Key. */
const repeatFailures = ["headerInvalid", "idempotencyKeyReused", "callUnderWay"] as const;

/** Request headers that routes refer to. */
const headers = {
  driveAccount: [
    header("X-Cloudreve-Token", "Access token of the Cloudreve user to act as; by default the configured account"),
    header(
      "X-Cloudreve-Refresh-Token",
      "Refresh token of the same user; keeps access beyond the hour that the access token lasts",
    ),
  ],
  purchaseTicket: [header("X-Cr-Purchase-Ticket", "Passed on to Cloudreve")],
  idempotencyKey: [
    header(
      "Idempotency-Key",
      "A text of your own for this request, such as a UUID. Sent again within 24 hours with the same key, body and account, the same request does nothing more and gets the same answer, with Idempotent-Replayed: true; so a session or link is made once. Failures are not remembered.",
      // Blanks around a header's value, and quotes, do not belong to the key.
      { minLength: 1, maxLength: 255, pattern: '^(?!""$)[!-~]([ -~]*[!-~])?$' },
    ),
  ],
} as const;

const challenge = {
  "WWW-Authenticate": {
    description: "Bearer; for a signed token with error_description, which says what is wrong with it",
    schema: { type: "string" },
  },
};

/** @returns the OpenAPI 3.1 document, made from the same routes and schemas that serve and check calls */
export function openApiDocument(routes: readonly ApiRoute[], bridgeUrl: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = `/api${route.path.replace(/:(\w+)/g, "{$1}")}`;
    paths[path] = { ...paths[path], [route.method]: operation(route) };
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Office bridge for Cloudreve: API for portals",
      version: "1.0.0",
      description:
        "Open Cloudreve documents in an office editor inside a portal's page, and create links that let colleagues without an account edit them. Unknown paths are answered 404 with code pathUnknown and the nearest call; a wrong method 405 with code methodNotAllowed and Allow.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: bridgeUrl }],
    security: [{ portal: [] }],
    tags: [
      { name: "sessions", description: "Documents opened for one person" },
      { name: "links", description: "Links for people without an account" },
      { name: "files", description: "Documents and folders of the drive account, and what goes on with them" },
      { name: "webhooks", description: "What the bridge posts to the portal's server, if PORTAL_WEBHOOKS says so" },
    ],
    paths,
    webhooks: Object.fromEntries(webhookEvents.map((event) => [event.type, webhook(event)])),
    components: {
      schemas: componentSchemas(),
      securitySchemes: {
        portal: {
          type: "http",
          scheme: "bearer",
          description:
            "A portal key, or a JWT signed by the portal with one of its published keys, with iss, aud, exp within the hour and a jti that is used only once",
        },
      },
    },
  };
}

function operation(route: ApiRoute): Record<string, unknown> {
  const { operationId, summary, description, tag, answer, bodySchema, answerSchema } = route;
  const parameters = [
    ...pathParameters(route),
    ...queryParameters(route),
    ...(route.headers ?? []).flatMap((name) => headers[name]),
    ...(isRepeatable(route) ? headers.idempotencyKey : []),
  ];
  return {
    operationId,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [tag],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(bodySchema === undefined ? {} : { requestBody: { required: true, content: jsonContent(bodySchema) } }),
    responses: {
      [answer.status]: {
        description: answer.description,
        ...(answerSchema === undefined ? {} : { content: jsonContent(answerSchema) }),
      },
      431: { description: "The address and the headers are longer than 16 KB together. There is no body." },
      ...refusals([...commonFailures, ...(isRepeatable(route) ? repeatFailures : []), ...route.failures]),
    },
  };
}

/** As Standard Webhooks has it. */
function webhook({ type, summary, schema }: (typeof webhookEvents)[number]): Record<string, unknown> {
  const signed = [
    header("webhook-id", "The event's id, the same in every attempt: ignore ids that you know"),
    header(
      "webhook-timestamp",
      "When this attempt was sent, in seconds since 1970: refuse what is older than some minutes",
    ),
    header(
      "webhook-signature",
      "v1, and the base64 of HMAC-SHA256 over webhook-id, webhook-timestamp and the body, joined by dots; with two keys two of them, separated by a space",
    ),
  ];
  return {
    post: {
      operationId: `on${type.slice(0, 1).toUpperCase()}${type.slice(1)}`,
      summary,
      tags: ["webhooks"],
      security: [],
      parameters: signed.map((parameter) => ({ ...parameter, required: true })),
      requestBody: { required: true, content: jsonContent(schema) },
      responses: {
        "2XX": { description: "Taken. Answer within 10 seconds; the body is not read." },
        default: { description: "Not taken: the event is sent again, with growing pauses, for three days" },
      },
    },
  };
}

/** One response per status, with its codes. */
function refusals(kinds: readonly Failure["kind"][]): Record<string, unknown> {
  const byStatus = new Map<number, Failure["kind"][]>();
  for (const kind of new Set(kinds)) byStatus.set(webStatus(kind), [...(byStatus.get(webStatus(kind)) ?? []), kind]);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      {
        ...(status === 401 ? { headers: challenge } : {}),
        description: codes.map((code) => `${code}: ${webTitle(code)}`).join("\n"),
        content: {
          "application/problem+json": {
            schema: { allOf: [reference(problemSchema), { properties: { code: { enum: codes } } }] },
          },
        },
      },
    ]),
  );
}

function pathParameters({ path, tag }: ApiRoute): Record<string, unknown>[] {
  const meanings: Readonly<Record<string, string>> = {
    id: `The ${tag.slice(0, -1)}'s id`,
    person_id: "The visitor's id, as in the list of requests and in the event accessAsked",
  };
  return [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    description: meanings[name],
    schema: { type: "string" },
  }));
}

/** Which of them are needed, and their forms, are in the schema that checks them. */
function queryParameters({ querySchema }: ApiRoute): Record<string, unknown>[] {
  return Object.entries<z.ZodType>(querySchema?.shape ?? {}).map(([name, field]) => {
    const { $schema: _dialect, description, ...schema } = z.toJSONSchema(field, { io: "input" });
    return {
      name,
      in: "query",
      ...(field.safeParse(undefined).success ? {} : { required: true }),
      ...(description === undefined ? {} : { description }),
      schema,
    };
  });
}

function componentSchemas(): Record<string, unknown> {
  const { schemas } = z.toJSONSchema(apiSchemas, { uri: addressOf, io: "input" });
  // Inside an OpenAPI document, $id and $schema are not needed.
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $id: _address, $schema: _dialect, ...schema }]) => [name, schema]),
  );
}

function jsonContent(schema: z.ZodType): Record<string, unknown> {
  return { "application/json": { schema: reference(schema) } };
}

/** @throws TypeError for a schema without a name, which would be missing from the document */
function reference(schema: z.ZodType): { $ref: string } {
  const id = apiSchemas.get(schema)?.id;
  if (id === undefined) throw new TypeError("a schema of the API needs a name");
  return { $ref: addressOf(id) };
}

function addressOf(id: string): string {
  return `#/components/schemas/${id}`;
}

function header(name: string, description: string, form: Readonly<Record<string, unknown>> = {}) {
  return { name, in: "header", description, schema: { type: "string", ...form } };
}
