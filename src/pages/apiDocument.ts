import { z } from "zod";

const textOrNumber = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** The part of JSON Schema that our document uses. */
export interface ApiSchema {
  readonly $ref?: string | undefined;
  readonly type?: string | readonly string[] | undefined;
  readonly description?: string | undefined;
  readonly properties?: Readonly<Record<string, ApiSchema>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly additionalProperties?: boolean | undefined;
  readonly items?: ApiSchema | undefined;
  readonly anyOf?: readonly ApiSchema[] | undefined;
  readonly oneOf?: readonly ApiSchema[] | undefined;
  readonly allOf?: readonly ApiSchema[] | undefined;
  readonly enum?: readonly z.infer<typeof textOrNumber>[] | undefined;
  readonly const?: z.infer<typeof textOrNumber> | undefined;
  readonly default?: z.infer<typeof textOrNumber> | undefined;
  readonly format?: string | undefined;
  readonly pattern?: string | undefined;
  readonly minLength?: number | undefined;
  readonly maxLength?: number | undefined;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly exclusiveMinimum?: number | undefined;
  readonly minItems?: number | undefined;
  readonly maxItems?: number | undefined;
  readonly examples?: readonly unknown[] | undefined;
}

/** Strict: a keyword that `/docs` would not show fails here, and so in its test. */
const schemaSchema: z.ZodType<ApiSchema> = z.lazy(() =>
  z.strictObject({
    $ref: z.string().optional(),
    type: z.union([z.string(), z.array(z.string())]).optional(),
    description: z.string().optional(),
    properties: z.record(z.string(), schemaSchema).optional(),
    required: z.array(z.string()).optional(),
    additionalProperties: z.boolean().optional(),
    items: schemaSchema.optional(),
    anyOf: z.array(schemaSchema).optional(),
    oneOf: z.array(schemaSchema).optional(),
    allOf: z.array(schemaSchema).optional(),
    enum: z.array(textOrNumber).optional(),
    const: textOrNumber.optional(),
    default: textOrNumber.optional(),
    format: z.string().optional(),
    pattern: z.string().optional(),
    minLength: z.number().optional(),
    maxLength: z.number().optional(),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    exclusiveMinimum: z.number().optional(),
    minItems: z.number().optional(),
    maxItems: z.number().optional(),
    examples: z.array(z.unknown()).optional(),
  }),
);

const contentSchema = z.record(z.string(), z.object({ schema: schemaSchema }));

const operationSchema = z.object({
  operationId: z.string(),
  summary: z.string(),
  description: z.string().optional(),
  tags: z.array(z.string()),
  parameters: z
    .array(
      z.object({
        name: z.string(),
        in: z.string(),
        required: z.boolean().optional(),
        description: z.string().optional(),
        schema: schemaSchema,
      }),
    )
    .default([]),
  requestBody: z.object({ content: contentSchema }).optional(),
  responses: z.record(
    z.string(),
    z.object({
      description: z.string(),
      headers: z.record(z.string(), z.object({ description: z.string(), schema: schemaSchema })).default({}),
      content: contentSchema.default({}),
    }),
  ),
});

const callsSchema = z.record(z.string(), z.record(z.string(), operationSchema));

/** The OpenAPI document of `/openapi.json`, as far as `/docs` shows it. */
export const apiDocumentSchema = z.object({
  info: z.object({ title: z.string(), description: z.string() }),
  servers: z.tuple([z.object({ url: z.string() })]),
  tags: z.array(z.object({ name: z.string(), description: z.string() })),
  paths: callsSchema,
  /** What the bridge calls, instead of the portal. */
  webhooks: callsSchema,
  components: z.object({
    schemas: z.record(z.string(), schemaSchema),
    securitySchemes: z.record(z.string(), z.object({ description: z.string() })),
  }),
});

export type ApiDocument = z.infer<typeof apiDocumentSchema>;
export type ApiOperation = z.infer<typeof operationSchema>;
