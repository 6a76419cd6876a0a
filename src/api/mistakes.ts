import { z } from "zod";
import { nearest } from "./nearest.ts";

/** What is wrong with one field of a request, for whoever wrote it. */
export interface Mistake {
  readonly field: string;
  readonly message: string;
}

/** A zod issue before it has a message. */
type RawIssue = Parameters<z.core.$ZodErrorMap>[0];

const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "an object",
  array: "a list",
};

/** All mistakes in what was sent, in our own words; none when it fits. A schema's own sentences stay. */
export function mistakesIn<Schema extends z.ZodType>(
  schema: Schema,
  sent: unknown,
): { readonly value: z.output<Schema> } | { readonly mistakes: readonly Mistake[] } {
  /** Names that would have been known, by those that are not. */
  const meant = new Map<string, string | undefined>();
  const parsed = schema.safeParse(sent, {
    error: (issue) => {
      if (issue.code !== "unrecognized_keys") return sentenceFor(issue);
      const known = issue.inst instanceof z.ZodObject ? Object.keys(issue.inst.shape) : [];
      for (const key of issue.keys) meant.set(key, nearest(key, known));
      return "is not known";
    },
  });
  if (parsed.success) return { value: parsed.data };
  const mistakes = parsed.error.issues.flatMap((issue): Mistake[] => {
    const place = issue.path.map(String);
    if (issue.code !== "unrecognized_keys") return [{ field: place.join(".") || "body", message: issue.message }];
    return issue.keys.map((key) => {
      const name = meant.get(key);
      const hint = name === undefined ? "" : `; did you mean ${name}?`;
      return { field: [...place, key].join("."), message: `is not a field of this call${hint}` };
    });
  });
  return { mistakes };
}

/** Pure: what is wrong, after the name of the field. */
function sentenceFor(issue: RawIssue): string {
  if (issue.input === undefined && (issue.code === "invalid_type" || issue.code === "invalid_value")) {
    return "is missing";
  }
  switch (issue.code) {
    case "invalid_type":
      return `must be ${typeNames[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    case "too_small":
      return `must be ${bounded(issue.origin, "at least", Number(issue.minimum))}`;
    case "too_big":
      return `must be ${bounded(issue.origin, "at most", Number(issue.maximum))}`;
    default:
      return "does not have the right form";
  }
}

function bounded(origin: string, bound: "at least" | "at most", count: number): string {
  if (origin === "string" && bound === "at least" && count === 1) return "text that is not empty";
  const unit = origin === "string" ? " character" : origin === "array" ? " entry" : "";
  const plural = unit === " entry" ? " entries" : `${unit}s`;
  return `${bound} ${count}${unit === "" ? "" : count === 1 ? unit : plural}${origin === "string" ? " long" : ""}`;
}
