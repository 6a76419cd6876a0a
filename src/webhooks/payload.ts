import { z } from "zod";

const file = z
  .strictObject({
    id: z.string().describe("Its id in Cloudreve"),
    name: z.string().describe("The name that the bridge knows last"),
  })
  .describe("The document");
const person = z
  .strictObject({
    id: z.string().describe("The same for the same person"),
    name: z.string().describe("As others see it"),
  })
  .describe("Who did it, under the id that `person` has in the answer of POST /api/sessions");
const through = {
  session: z
    .string()
    .nullable()
    .describe("The session of this portal that it came through; null when it came through another portal or a link"),
  link: z.string().nullable().describe("The link of this portal that it came through"),
};
const version = z.string().describe("The version now stored");
const moment = z.iso.datetime();

/** What a portal is told with each type of event. Names are in snake case, as in the API. */
export const eventData = {
  saved: z.strictObject({ file, person, ...through, version }),
  closed: z.strictObject({
    file,
    opened_at: moment.describe("When this portal's first session was seen on the document"),
    last_save: z
      .strictObject({ at: moment.describe("When Cloudreve confirmed it"), person, version })
      .nullable()
      .describe("The newest save since then, whoever saved; null when nothing was saved"),
  }),
  saveFailed: z.strictObject({
    file,
    person,
    ...through,
    reason: z
      .string()
      .describe("Why: a code as in Problem, `unexpected`; of a kept save that was removed: `tooOld`, `dismissed`"),
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
    reason: z.string().describe("Why the save could not go into the document: a code as in Problem, or `unexpected`"),
    copy: z
      .strictObject({
        id: z.string().nullable().describe("Its id in Cloudreve; null when that is not known"),
        name: z.string().describe("Its name"),
      })
      .describe("The new file beside the document"),
  }),
  renamed: z.strictObject({ file, person, ...through, previous_name: z.string().describe("Its name before") }),
  accessAsked: z.strictObject({
    file,
    person: person.describe("The visitor; with data.link, POST /api/links/{id}/requests/{person_id} answers"),
    ...through,
  }),
  mention: z.strictObject({
    file,
    person: person.describe("Who wrote the comment"),
    ...through,
    action: z.enum(["added", "updated"]).describe("What they did with it"),
    content_id: z.string().describe("The editor's id of the comment"),
    navigation_id: z.string().nullable().describe("Where it is, in the editor's own form"),
    mentioned: z
      .array(
        z.strictObject({
          id: z.string().describe("As in `person`"),
          name: z.string().nullable().describe("null for people whom the bridge has not met at this document"),
        }),
      )
      .describe("Whom it mentions"),
  }),
} as const;

export type EventType = keyof typeof eventData;
export type EventData<Type extends EventType> = z.input<(typeof eventData)[Type]>;
