import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { Ajv } from "ajv";
import { z } from "zod";

/** @returns what is wrong with the document, in words; none: it fits */
export type FitsSchema = (json: unknown) => readonly string[];

/** Their JSON schemas by name, which is a file's without its ending. @param dir a checkout of the validator */
export async function readSchemas(dir: string): Promise<ReadonlyMap<string, FitsSchema>> {
  const folder = join(dir, "src/WopiValidator.Core/JsonSchemas");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json"));
  return new Map(
    await Promise.all(
      names.map(async (name): Promise<[string, FitsSchema]> => {
        const text = await readFile(join(folder, name), "utf8");
        // Compiled when a case asks: those of other categories hold comments, and are no JSON.
        let compiled: FitsSchema | undefined;
        return [
          basename(name, ".json"),
          (json) => {
            compiled ??= compiledSchema(text.replace(/^\uFEFF/, ""));
            return compiled(json);
          },
        ];
      }),
    ),
  );
}

/** @param text a schema of draft 4, without what later drafts read otherwise */
export function compiledSchema(text: string): FitsSchema {
  const { $schema: _draft, ...schema } = z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  const ajv = new Ajv({
    strict: false,
    allErrors: true,
    formats: { uri: (value: string) => URL.canParse(value), "date-time": (value: string) => isDateTime(value) },
  });
  const validate = ajv.compile(schema);
  return (json) =>
    validate(json) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath || "/"} ${error.message}`);
}

function isDateTime(value: string): boolean {
  return /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value));
}
