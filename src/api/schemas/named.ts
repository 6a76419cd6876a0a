import { z } from "zod";

/** The schemas in the OpenAPI document: the same ones check requests and type answers. */
export const apiSchemas = z.registry<{ id: string }>();

interface SchemaFacts {
  /** Its component name in the OpenAPI document. */
  readonly id: string;
  readonly examples: readonly unknown[];
  /** A rule that zod checks with a function, written as JSON Schema. */
  readonly oneOf?: readonly unknown[];
}

/** Gives a schema its name in the OpenAPI document. */
export function named<Schema extends z.ZodType>(schema: Schema, { id, ...facts }: SchemaFacts): Schema {
  const known = schema.meta({ ...facts });
  apiSchemas.add(known, { id });
  return known;
}
