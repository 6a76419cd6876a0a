import { z } from "zod";
import { eachOf, optionNames, optionsInApi } from "../../links/linkOptions.ts";
import {
  byTheEditor,
  documentRight,
  eitherTarget,
  isOneTarget,
  listedAtMost,
  moment,
  namedFile,
  notOneTarget,
  personSchema,
  target,
  yesOrNo,
} from "./fields.ts";
import { named } from "./named.ts";

const permission = documentRight.describe(`What every visitor may do. ${byTheEditor}`);
const password = z
  .string()
  .min(1)
  .max(128)
  .describe("Visitors have to enter it before they are told anything; the bridge stores just a hash");
const note = z.string().max(500).describe("What the link is for; visitors see it too");
const expiresAt = z.iso
  .datetime({
    offset: true,
    error: "must be a date and time with a time zone, such as 2026-12-24T18:00:00Z",
  })
  .describe("When the link ends; without it, when it is revoked");
const askName = z.boolean().describe("Whether visitors must enter a name; true by default");
const linkOptions = eachOf(optionNames, (_name, facts) => yesOrNo(facts));
const someLinkOptions = z.strictObject(linkOptions).partial();

export const linkRequestSchema = named(
  z
    .strictObject({
      ...target,
      permission,
      expires_at: expiresAt.optional(),
      password: password.optional(),
      note: note.optional(),
      ask_name: askName.optional(),
      options: someLinkOptions
        .optional()
        .describe("By default download, print and copy are allowed, renaming is not, and there is no watermark"),
    })
    .refine(isOneTarget, notOneTarget),
  {
    id: "LinkRequest",
    oneOf: eitherTarget,
    examples: [
      { file_id: "aB3x", permission: "edit", expires_at: "2026-12-24T18:00:00+01:00", note: "Please add your part" },
    ],
  },
);

export const linkChangesSchema = named(
  z.strictObject({
    permission: permission.optional(),
    expires_at: expiresAt.nullable().optional().describe("When the link ends; null: when it is revoked"),
    password: password
      .nullable()
      .optional()
      .describe("What visitors must enter; null: nothing. Another one ends what single visitors were allowed"),
    note: note.nullable().optional().describe("What the link is for; null or nothing: no note"),
    ask_name: askName.optional(),
    options: someLinkOptions.optional().describe("Options that are left out stay unchanged"),
  }),
  { id: "LinkChanges", examples: [{ permission: "view", password: null }] },
);
export type LinkChangesRequest = z.output<typeof linkChangesSchema>;

const linkFields = {
  id: z.string().describe("For the calls that are about it; it is no part of its address"),
  file: namedFile("What it leads to, as it was when the link was created"),
  is_folder: z.boolean().describe("Whether `file` is a folder"),
  permission,
  expires_at: z.iso.datetime().nullable().describe("When it ends, or has ended; null: when it is revoked"),
  has_password: z.boolean().describe("Whether visitors have to enter one"),
  note: z.string().nullable().describe("What the link is for; visitors see it too"),
  ask_name: z.boolean().describe("Whether visitors must enter a name"),
  options: z.strictObject(linkOptions).describe("What visitors may do besides"),
  created_at: moment("When it was made"),
  ended: z
    .strictObject({
      because: z.enum(["revoked", "expired"]).describe("What ended it"),
      at: moment("When"),
    })
    .nullable()
    .describe("null while the link works"),
  activity: z
    .array(
      z.strictObject({
        person: personSchema.describe("The visitor, by one browser of theirs"),
        opened_at: moment("When they last opened it"),
        saved_at: z.iso.datetime().nullable().describe("When they last saved; null: they have not saved"),
      }),
    )
    .describe("One entry per visitor, most recent first"),
  wrong_passwords: z
    .strictObject({
      count: z.number().int().positive().describe("How many"),
      last_at: moment("When the last one was entered"),
    })
    .nullable()
    .describe("Wrong attempts since the password was set; many of them suggest that someone is guessing"),
};
const linkExample = {
  id: "m2Xq7Lr9sWbA",
  file: { id: "aB3x", name: "Report.docx" },
  is_folder: false,
  permission: "edit",
  expires_at: "2026-12-24T17:00:00.000Z",
  has_password: false,
  note: "Please add your part",
  ask_name: true,
  options: optionsInApi([]),
  created_at: "2026-11-21T08:15:00.000Z",
  ended: null,
  activity: [
    {
      person: { id: "g5tQ", name: "Grace" },
      opened_at: "2026-11-21T09:00:00.000Z",
      saved_at: "2026-11-21T09:12:00.000Z",
    },
  ],
  wrong_passwords: null,
};

export const linkSchema = named(z.strictObject(linkFields), { id: "Link", examples: [linkExample] });
export type LinkAnswer = z.output<typeof linkSchema>;

export const madeLinkSchema = named(
  z.strictObject({
    ...linkFields,
    url: z.url().describe("The address to send to a colleague. Portals get it only here."),
  }),
  { id: "MadeLink", examples: [{ ...linkExample, activity: [], url: "https://bridge.example.com/l/Zk1x" }] },
);

export const linkListSchema = named(
  z.strictObject({ links: z.array(linkSchema).max(listedAtMost).describe("Newest first, including ended links") }),
  { id: "LinkList", examples: [{ links: [linkExample] }] },
);

const accessRequestFields = {
  person: personSchema.describe("The visitor; the id is the {person_id} of the call that answers"),
  state: z
    .enum(["asked", "allowed", "refused", "ended"])
    .describe(
      "asked: waits for an answer; allowed: may edit; ended: was allowed to, until that was taken back, or the link's permission or password changed",
    ),
  asked_at: moment("When they last asked"),
  answered_at: z.iso.datetime().nullable().describe("When that was last answered; null while it waits"),
};
const accessRequestExample = {
  person: { id: "g5tQ", name: "Grace" },
  state: "asked",
  asked_at: "2026-11-21T09:05:00.000Z",
  answered_at: null,
};

export const accessRequestSchema = named(z.strictObject(accessRequestFields), {
  id: "AccessRequest",
  examples: [{ ...accessRequestExample, state: "allowed", answered_at: "2026-11-21T09:06:00.000Z" }],
});

export const accessRequestListSchema = named(
  z.strictObject({
    requests: z
      .array(accessRequestSchema)
      .describe("One of each visitor who asked, those that wait first; nobody has to ask while the link lets all edit"),
  }),
  { id: "AccessRequestList", examples: [{ requests: [accessRequestExample] }] },
);

export const accessAnswerSchema = named(
  z.strictObject({
    answer: z
      .enum(["allow", "refuse", "take_back"])
      .describe(
        "allow: this visitor alone may edit through the link; refuse: they may ask again after an hour; take_back ends what was allowed",
      ),
  }),
  { id: "AccessAnswer", examples: [{ answer: "allow" }] },
);
