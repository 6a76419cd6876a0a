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
/** Someone who opens a document, as editors and other users see them. */
export type Person = z.infer<typeof personSchema>;

/** When only id and name are needed. */
export const namedPersonSchema = rowObject({ id: z.string(), name: z.string() });
export type NamedPerson = z.infer<typeof namedPersonSchema>;
