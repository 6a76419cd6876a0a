import { z } from "zod";
import { rowObject } from "./record.ts";

export const personSchema = rowObject({
  id: z.string(),
  name: z.string(),
  email: z.string().exactOptional(),
  avatarUrl: z.string().exactOptional(),
  /** A visitor who gave no name. */
  isNameless: z.literal(true).exactOptional(),
});
/** Somebody who opens a document, as editors and colleagues are told. */
export type Person = z.infer<typeof personSchema>;

/** Of whom no more is told. */
export const namedPersonSchema = rowObject({ id: z.string(), name: z.string() });
