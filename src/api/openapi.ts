import { z } from "zod";
import { webStatus, webTitle } from "../http/failureResponse.ts";
import type { Failure } from "../model/failure.ts";
import type { ApiRoute } from "./route.ts";
import { apiSchemas, problemSchema } from "./schemas.ts";

/** Failures that every route can answer with. */
const commonFailures = ["keyInvalid", "portalKeysUnreachable", "storeUnreachable", "driveFailed"] as const;

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
} as const;

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
        "Open Cloudreve documents in an office editor inside a portal's page, and create links that let colleagues without an account edit them.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: bridgeUrl }],
    security: [{ portal: [] }],
    tags: [
      { name: "sessions", description: "Documents opened for one person" },
      { name: "links", description: "Links for people without an account" },
      { name: "files", description: "Activity and locks of files" },
    ],
    paths,
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
    ...(route.path.includes(":id") ? [{ name: "id", in: "path", required: true, schema: { type: "string" } }] : []),
    ...(route.headers ?? []).flatMap((name) => headers[name]),
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
      ...refusals([...commonFailures, ...route.failures]),
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

function header(name: string, description: string) {
  return { name, in: "header", description, schema: { type: "string" } };
}
