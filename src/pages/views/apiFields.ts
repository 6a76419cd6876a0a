import type { ApiSchema } from "../apiDocument.ts";
import { type Html, html } from "../html.ts";
import { joined, nothing } from "./markup.ts";

/** Widest whole numbers of JSON: no limit that anybody has to know. */
const safe = Number.MAX_SAFE_INTEGER;

/** What the fields of the API's schemas are shown with. */
export interface FieldContext {
  /** Our word for it, in the page's language. */
  readonly required: Html;
  readonly schemas: Readonly<Record<string, ApiSchema>>;
  /** Names of schemas that are shown once, with links to them; others are shown where they are used. */
  readonly shared: ReadonlySet<string>;
  /** A text of the document: its code and the calls it names. */
  readonly prose: (text: string) => Html;
}

/** Name in a `$ref`. */
export function nameIn(ref: string): string {
  return ref.slice(ref.lastIndexOf("/") + 1);
}

/** @returns the fields of an object, of a list's objects, or a link to the schema that has them */
export function fieldList(context: FieldContext, schema: ApiSchema): Html {
  const own = Object.entries(schema.properties ?? {}).map(([name, field]) =>
    fieldItem(context, { name, field, isRequired: schema.required?.includes(name) ?? false }),
  );
  const choice = schema.oneOf?.flatMap(({ required = [] }) => required) ?? [];
  const inner = [schema.items, ...(schema.anyOf ?? []), ...(schema.allOf ?? []), target(context, schema)].map((part) =>
    part === undefined ? nothing : fieldList(context, part),
  );
  return html`${
    own.length === 0
      ? nothing
      : html`<ul class="fields">
${joined(own)}</ul>
`
  }${
    choice.length === 0
      ? nothing
      : html`<p>Exactly one of ${codes(choice)} is needed.</p>
`
  }${joined(inner)}`;
}

export function fieldItem(
  context: FieldContext,
  {
    name,
    field,
    isRequired,
    place,
    meaning,
  }: {
    readonly name: string;
    readonly field: ApiSchema;
    readonly isRequired: boolean;
    readonly place?: string;
    readonly meaning?: string | undefined;
  },
): Html {
  const said = meaning ?? meaningOf(field);
  const limits = limitsOf(field);
  return html`<li><code>${name}</code> <small>${typeOf(context, field)}${place === undefined ? nothing : ` · ${place}`}</small>${
    isRequired ? html` <span class="badge">${context.required}</span>` : nothing
  }
${
  said === undefined
    ? nothing
    : html`<p>${context.prose(said)}</p>
`
}${
  limits.length === 0
    ? nothing
    : html`<p><small>${joined(limits.map((limit, at) => (at === 0 ? limit : html` · ${limit}`)))}</small></p>
`
}${fieldList(context, field)}</li>
`;
}

/** `string`, `array of File`, `integer or null`. */
export function typeOf(context: FieldContext, schema: ApiSchema): Html {
  if (schema.$ref !== undefined) {
    const name = nameIn(schema.$ref);
    return context.shared.has(name) ? schemaLink(name) : html`object`;
  }
  const parts = schema.anyOf ?? schema.allOf;
  if (parts !== undefined) {
    const types = parts.map((part) => typeOf(context, part)).filter(({ text }) => text !== "");
    return joined(types.map((type, at) => (at === 0 ? type : html` or ${type}`)));
  }
  if (schema.items !== undefined) return html`array of ${typeOf(context, schema.items)}`;
  const { type = "" } = schema;
  const text = typeof type === "string" ? type : type.join(" or ");
  return schema.format === undefined ? html`${text}` : html`${text}, ${schema.format}`;
}

export function schemaLink(name: string): Html {
  return html`<a href="#object-${name}">${name}</a>`;
}

/** A schema that only one place uses is shown there. */
function target({ schemas, shared }: FieldContext, { $ref }: ApiSchema): ApiSchema | undefined {
  if ($ref === undefined || shared.has(nameIn($ref))) return undefined;
  return schemas[nameIn($ref)];
}

function meaningOf({ description, anyOf = [] }: ApiSchema): string | undefined {
  return description ?? anyOf.find((one) => one.description !== undefined)?.description;
}

/** What a value has to keep to, in the document's language. */
function limitsOf(schema: ApiSchema): Html[] {
  const { minimum, maximum, exclusiveMinimum, pattern, format } = schema;
  const range = (least: number | undefined, most: number | undefined, unit: string): Html[] => {
    if (least === undefined && most === undefined) return [];
    if (most === undefined) return [html`At least ${least ?? 0}${unit}`];
    return [least === undefined ? html`At most ${most}${unit}` : html`${least} to ${most}${unit}`];
  };
  return [
    ...(schema.enum === undefined ? [] : [html`One of ${codes(schema.enum)}`]),
    ...(schema.const === undefined ? [] : [html`Always ${codes([schema.const])}`]),
    ...(schema.default === undefined ? [] : [html`By default ${codes([schema.default])}`]),
    ...range(schema.minLength, schema.maxLength, " characters"),
    ...range(minimum === -safe ? undefined : minimum, maximum === safe ? undefined : maximum, ""),
    ...(exclusiveMinimum === undefined ? [] : [html`More than ${exclusiveMinimum}`]),
    ...range(schema.minItems, schema.maxItems, " items"),
    // A format says it already, for people.
    ...(pattern === undefined || format !== undefined ? [] : [html`Form <code>${pattern}</code>`]),
    ...[...(schema.anyOf ?? []), ...(schema.items === undefined ? [] : [schema.items])].flatMap(limitsOf),
  ];
}

function codes(values: readonly (string | number | boolean | null)[]): Html {
  return joined(values.map((value, at) => html`${at === 0 ? "" : ", "}<code>${String(value)}</code>`));
}
