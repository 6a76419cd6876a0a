import { z } from "zod";

const file = z
  .strictObject({ id: z.string(), name: z.string() })
  .describe("The document, under the name that the bridge knows last");
const person = z
  .strictObject({ id: z.string(), name: z.string() })
  .describe("Who did it, under the id that `person` has in the answer of POST /api/sessions");
const through = {
  session: z
    .string()
    .nullable()
    .describe("The session of this portal that it came through; null when it came through another portal or a link"),
  link: z.string().nullable().describe("The link of this portal that it came through"),
};
const reason = z.string().describe("A code as in Problem, or `unexpected`");
const moment = z.iso.datetime();

/** What a portal is told with each type of event. Names are in snake case, as in the API. */
export const eventData = {
  saved: z.strictObject({ file, person, ...through, version: z.string().describe("The version now stored") }),
  closed: z.strictObject({
    file,
    opened_at: moment.describe("When this portal's first session was seen on the document"),
    last_save: z
      .strictObject({ at: moment, person, version: z.string() })
      .nullable()
      .describe("The newest save since then, whoever saved; null when nothing was saved"),
  }),
  saveFailed: z.strictObject({
    file,
    person,
    ...through,
    reason: reason.describe(
      "A code as in Problem, `unexpected`; of a kept save that was removed: `tooOld`, `dismissed`",
    ),
    kept_in: z
      .enum(["spool"])
      .nullable()
      .describe(
        "spool: retried automatically, and told again as `saved`; null: at most the editor still has the bytes",
      ),
  }),
  conflictCopy: z.strictObject({
    file,
    person,
    ...through,
    reason: reason.describe("Why the save could not go into the document: a code as in Problem, or `unexpected`"),
    copy: z.strictObject({ id: z.string().nullable(), name: z.string() }).describe("The new file beside the document"),
  }),
  renamed: z.strictObject({ file, person, ...through, previous_name: z.string() }),
  accessAsked: z.strictObject({
    file,
    person: person.describe("The visitor who asks to edit"),
    ...through,
  }),
  mention: z.strictObject({
    file,
    person: person.describe("Who wrote the comment"),
    ...through,
    action: z.enum(["added", "updated"]),
    content_id: z.string().describe("The editor's id of the comment"),
    navigation_id: z.string().nullable(),
    mentioned: z
      .array(z.strictObject({ id: z.string(), name: z.string().nullable() }))
      .describe("name is null for people whom the bridge has not met at this document"),
  }),
} as const;

export type EventType = keyof typeof eventData;
export type EventData<Type extends EventType> = z.input<(typeof eventData)[Type]>;
