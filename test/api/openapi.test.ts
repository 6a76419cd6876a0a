import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { z } from "zod";
import { fileSchema, personSchema } from "../../src/api/schemas/fields.ts";
import {
  fileActivitySchema,
  fileVersionsSchema,
  folderListSchema,
  madeFileSchema,
  newFileSchema,
  takeOverSchema,
} from "../../src/api/schemas/files.ts";
import {
  accessAnswerSchema,
  accessRequestListSchema,
  accessRequestSchema,
  linkChangesSchema,
  linkListSchema,
  linkRequestSchema,
  linkSchema,
  madeLinkSchema,
} from "../../src/api/schemas/links.ts";
import { apiSchemas } from "../../src/api/schemas/named.ts";
import { problemSchema } from "../../src/api/schemas/problem.ts";
import { sessionListSchema, sessionRequestSchema, sessionSchema } from "../../src/api/schemas/sessions.ts";
import { webhookEvents } from "../../src/api/schemas/webhooks.ts";
import { eventData } from "../../src/webhooks/payload.ts";
import { portalClient } from "../support/portalClient.ts";
import { portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";

interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly webhooks: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, ObjectSchema>> };
}
interface ObjectSchema {
  readonly examples?: unknown[];
  readonly properties?: Readonly<Record<string, { description?: string }>>;
}
interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { name: string; in: string; description?: string }[];
  readonly requestBody?: unknown;
  readonly responses: Readonly<Record<string, Answer>>;
}
interface Answer {
  readonly description: string;
  readonly content?: Readonly<Record<string, { schema: Record<string, unknown> }>>;
}

const expected = [
  "post /api/sessions",
  "get /api/sessions",
  "delete /api/sessions/{id}",
  "post /api/links",
  "get /api/links",
  "get /api/links/{id}",
  "patch /api/links/{id}",
  "delete /api/links/{id}",
  "get /api/links/{id}/requests",
  "post /api/links/{id}/requests/{person_id}",
  "get /api/files",
  "post /api/files",
  "get /api/files/{id}/activity",
  "get /api/files/{id}/versions",
  "delete /api/files/{id}/lock",
];

describe("the OpenAPI document", () => {
  let bridge: TestBridge;
  let document: OpenApi;
  const portal = portalClient(() => bridge);
  const operations = () =>
    Object.entries(document.paths).flatMap(([path, byMethod]) =>
      Object.entries(byMethod).map(([method, operation]) => ({ path, method, operation })),
    );
  beforeAll(async () => {
    bridge = await testBridge();
    document = (await (await fetch(`${bridge.url}/openapi.json`)).json()) as OpenApi;
  });
  afterAll(() => bridge.close());

  it("is there for anybody, pages of other origins too", async () => {
    const answered = await fetch(`${bridge.url}/openapi.json`, { headers: { Origin: "https://portal.example.com" } });
    expect(answered.status).toBe(200);
    expect(answered.headers.get("content-type")).toMatch(/^application\/json/);
    expect(answered.headers.get("access-control-allow-origin")).toBe("*");
    expect(answered.headers.get("access-control-allow-credentials")).toBeNull();
  });

  it("is valid OpenAPI 3.1", async () => {
    const { valid, errors } = await new Validator().validate(document as unknown as Record<string, unknown>);
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
    expect(document.openapi).toMatch(/^3\.1\./);
  });

  it("holds every call of the API, and no other", () => {
    expect(
      operations()
        .map(({ path, method }) => `${method} ${path}`)
        .sort(),
    ).toEqual([...expected].sort());
  });

  it("holds calls that are all there: without a key each is 401, where an unknown one is 404", async () => {
    for (const { path, method } of operations()) {
      const answered = await fetch(`${bridge.url}${path.replace(/\{\w+\}/g, "x")}`, { method: method.toUpperCase() });
      expect(answered.status, `${method} ${path}`).toBe(401);
    }
    expect((await fetch(`${bridge.url}/api/nothing`)).status).toBe(404);
  });

  it("knows every schema it points to, and every one is pointed to", () => {
    const text = JSON.stringify(document);
    const names = new Set([...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name));
    expect([...names].sort()).toEqual(Object.keys(document.components.schemas).sort());
    expect(text).not.toMatch(/"\$(id|schema|defs)"/);
  });

  it("gives examples that its own schemas take", () => {
    const byName = schemas.map((schema) => [apiSchemas.get(schema)?.id ?? "", schema] as const);
    expect(byName.map(([name]) => name).sort()).toEqual(Object.keys(document.components.schemas).sort());
    for (const [name, schema] of byName) {
      const examples = document.components.schemas[name]?.examples ?? [];
      expect(examples.length, name).toBeGreaterThan(0);
      for (const example of examples) expect(schema.safeParse(example).error, name).toBeUndefined();
    }
  });

  it("says what each call needs and what it is refused with", () => {
    for (const { path, method, operation } of operations()) {
      const at = `${method} ${path}`;
      expect(operation.responses["401"]?.description, at).toContain("keyInvalid");
      expect(path.includes("{id}"), at).toBe(operation.parameters?.some((one) => one.in === "path") ?? false);
      expect(["post", "patch"].includes(method), at).toBe(operation.requestBody !== undefined);
    }
    for (const field of ["lang", "theme"]) {
      expect(document.components.schemas["SessionRequest"]?.properties?.[field], field).toEqual({
        type: "string",
        description: expect.stringContaining("with a warning"),
      });
    }
    expect(document.components.schemas["Session"]?.properties?.["warnings"]?.description).toContain(
      "ignored or changed",
    );
    const headers = document.paths["/api/sessions"]?.["post"]?.parameters?.map(({ name }) => name);
    const ofAccount = ["X-Cloudreve-Token", "X-Cloudreve-Refresh-Token"];
    expect(headers).toEqual([...ofAccount, "X-Cr-Purchase-Ticket", "Idempotency-Key"]);
  });

  it("says of every field and parameter what it means", () => {
    const silent: string[] = [];
    const visit = (value: unknown, at: string): void => {
      if (typeof value !== "object" || value === null) return;
      const { properties = {}, examples: _examples, ...others } = value as ObjectSchema;
      for (const [name, field] of Object.entries(properties)) {
        if (!field.description) silent.push(`${at}.${name}`);
        visit(field, `${at}.${name}`);
      }
      for (const inner of Object.values(others)) visit(inner, at);
    };
    for (const [name, schema] of Object.entries(document.components.schemas)) visit(schema, name);
    const calls = [...Object.values(document.paths), ...Object.values(document.webhooks)].flatMap(
      Object.values<Operation>,
    );
    for (const { operationId, parameters = [] } of calls) {
      for (const { name, description } of parameters) if (!description) silent.push(`${operationId} ${name}`);
    }
    expect(silent).toEqual([]);
  });

  it("says which calls can be sent again without harm, and how they are refused", () => {
    for (const { path, method, operation } of operations()) {
      const takesKey = operation.parameters?.some(({ name }) => name === "Idempotency-Key") === true;
      expect(takesKey, path).toBe(method === "post");
      expect(operation.responses["409"]?.description.includes("callUnderWay") === true, path).toBe(method === "post");
    }
  });

  it("says of keys and new names what it refuses, so that a generated client sends no other", () => {
    const text = JSON.stringify(document.paths["/api/files"]?.["post"]?.parameters);
    const key = JSON.parse(text).find(({ name }: { name: string }) => name === "Idempotency-Key").schema;
    expect(["", '""', " ", "é", "a".repeat(256)].filter((value) => fits(key, value))).toEqual([]);
    expect(["k", '"k"', "a b"].filter((value) => fits(key, value))).toHaveLength(3);
    const name = document.components.schemas["NewFile"]?.properties?.["name"] ?? {};
    expect(["", "a", "a.exe"].filter((value) => fits(name, value))).toEqual([]);
    expect(["a.docx", "A.Xlsx", "b.MD"].filter((value) => fits(name, value))).toHaveLength(3);
  });

  it("tells of the limit of addresses and headers, which the server keeps before any call", async () => {
    for (const { path, method, operation } of operations()) {
      expect(operation.responses["431"], `${method} ${path}`).toBeDefined();
    }
    expect((await portal.call("GET", `/files?next=${"x".repeat(20_000)}`)).status).toBe(431);
  });

  it("describes each event that the bridge posts to a portal's server", () => {
    const events = Object.entries(document.webhooks);
    expect(events.map(([name]) => name)).toEqual(Object.keys(eventData));
    for (const [name, { post }] of events) {
      expect(post?.parameters?.map((one) => one.name)).toEqual([
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
      ]);
      expect(JSON.stringify(post?.requestBody), name).toMatch(/"#\/components\/schemas\/\w+Event"/);
      expect(post?.responses["2XX"]).toBeDefined();
    }
  });

  it("holds nothing of this bridge but its address", () => {
    const text = JSON.stringify(document);
    for (const secret of [portalKey, "alice@example.com", bridge.drive.url, bridge.dir]) {
      expect(text).not.toContain(secret);
    }
  });

  describe("is true:", () => {
    const answers = async <Schema extends z.ZodType>(
      schema: Schema,
      status: number,
      ...[method, path, body]: [string, string, unknown?]
    ): Promise<z.output<Schema>> => schema.parse(await portal.json(method, path, status, body));

    it("what the bridge answers has the shape that is said", async () => {
      const { name, uri } = await portal.newFile();
      const { id } = await bridge.alice.info(name);
      await answers(sessionSchema, 201, "POST", "/sessions", { uri, action: "edit" });
      const odd = await answers(sessionSchema, 201, "POST", "/sessions", { uri, action: "edit", theme: "blue" });
      expect(odd.warnings).toHaveLength(1);
      const client = await bridge.open(name);
      await client.get();
      await client.lock("A");
      await client.put("after", "A");
      const link = await answers(madeLinkSchema, 201, "POST", "/links", { uri, permission: "edit", note: "n" });
      await answers(linkSchema, 200, "GET", `/links/${link.id}`);
      await answers(linkSchema, 200, "PATCH", `/links/${link.id}`, { permission: "view" });
      await answers(accessRequestListSchema, 200, "GET", `/links/${link.id}/requests`);
      await portal.call("DELETE", `/links/${link.id}`);
      await answers(linkListSchema, 200, "GET", "/links");
      await answers(folderListSchema, 200, "GET", "/files");
      await answers(madeFileSchema, 201, "POST", "/files", { name: "New.docx" });
      await answers(sessionListSchema, 200, "GET", `/sessions?file_id=${id}`);
      const activity = await answers(fileActivitySchema, 200, "GET", `/files/${id}/activity`);
      await answers(fileVersionsSchema, 200, "GET", `/files/${id}/versions`);
      expect(activity.lock).not.toBeNull();
      expect(activity.last_save).not.toBeNull();
      await answers(takeOverSchema, 200, "DELETE", `/files/${id}/lock`);
    });

    it.each<[number, string, string, unknown?, Record<string, string>?]>([
      [401, "GET", "/links", undefined, { Authorization: "" }],
      [401, "POST", "/sessions", { uri: "cloudreve://my/a.docx", action: "view" }, { "X-Cloudreve-Token": "no" }],
      [422, "POST", "/sessions", { action: "fly" }],
      [422, "POST", "/links", "{bad"],
      [404, "POST", "/sessions", { uri: "cloudreve://my/nothing.docx", action: "view" }],
      [404, "POST", "/links", { file_id: "nothing", permission: "view" }],
      [404, "PATCH", "/links/nothing", { note: "x" }],
      [404, "GET", "/links/nothing/requests"],
      [404, "POST", "/links/nothing/requests/g1", { answer: "allow" }],
      [422, "POST", "/links/nothing/requests/g1", { answer: "grant" }],
      [404, "GET", "/files/nothing/activity"],
      [404, "GET", "/files?folder=cloudreve://my/none"],
      [404, "POST", "/files", { folder: "cloudreve://my/none", name: "a.docx" }],
      [422, "POST", "/files", { name: "a.exe" }],
      [422, "GET", "/sessions?file_id=."],
      [404, "DELETE", "/files/nothing/lock"],
      [404, "DELETE", "/sessions/nothing"],
    ])("a refusal is among those that are said: %i %s %s", async (status, method, path, body, headers) => {
      const answered = await portal.call(method, path, body, headers);
      expect(answered.status).toBe(status);
      const { code } = problemSchema.parse(await answered.json());
      const documented =
        document.paths[
          `/api${path
            .replace(/nothing/, "{id}")
            .replace("/g1", "/{person_id}")
            .replace(/\?.*/, "")}`
        ]?.[method.toLowerCase()];
      expect(documented?.responses[status]?.description).toContain(`${code}: `);
      expect(JSON.stringify(documented?.responses[status]?.content)).toContain(`"${code}"`);
    });
  });
});

function fits(schema: object, value: string): boolean {
  return new Ajv2020({ strict: false }).validate(schema, value);
}

const schemas: readonly z.ZodType[] = [
  ...[sessionRequestSchema, sessionSchema, fileSchema, personSchema, problemSchema],
  ...[linkRequestSchema, linkChangesSchema, linkSchema, madeLinkSchema, linkListSchema],
  ...[accessRequestSchema, accessRequestListSchema, accessAnswerSchema],
  ...[fileActivitySchema, fileVersionsSchema, takeOverSchema],
  ...[folderListSchema, newFileSchema, madeFileSchema, sessionListSchema],
  ...webhookEvents.map(({ schema }) => schema),
];
