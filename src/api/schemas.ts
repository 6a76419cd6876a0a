import { z } from "zod";
import { BridgeError } from "../model/failure.ts";

/** The schemas that the OpenAPI document names: the very ones that check requests and type answers. */
export const apiSchemas = z.registry<{ id: string }>();

interface SchemaFacts {
  /** Its name among the components of the OpenAPI document. */
  readonly id: string;
  readonly examples: readonly unknown[];
  /** What JSON Schema can say of a rule that zod checks by a function. */
  readonly oneOf?: readonly unknown[];
}

function named<Schema extends z.ZodType>(schema: Schema, { id, ...facts }: SchemaFacts): Schema {
  const known = schema.meta({ ...facts });
  apiSchemas.add(known, { id });
  return known;
}

const driveUri = z
  .string()
  .max(4096)
  .regex(/^cloudreve:\/\//, "must begin with cloudreve://")
  .describe("Cloudreve's address of a file, as in cloudreve://my/Reports/2026.docx");
export const driveIdSchema = z.string().regex(/^[A-Za-z0-9]{1,64}$/, "must be an id of Cloudreve's");
const moment = z.iso.datetime();
/** How answers tell a moment. */
export const isoTime = (ms: number): string => new Date(ms).toISOString();
const permission = z.enum(["view", "edit"]);

const target = { uri: driveUri.optional(), file_id: driveIdSchema.optional() };
const eitherTarget = [{ required: ["uri"] }, { required: ["file_id"] }];
const isOneTarget = ({ uri, file_id }: { uri?: string | undefined; file_id?: string | undefined }) =>
  (uri === undefined) !== (file_id === undefined);
const notOneTarget = { message: "give either uri or file_id", path: ["uri"] };

export const sessionRequestSchema = named(
  z
    .strictObject({
      ...target,
      action: z.enum(["edit", "view"]),
      version: driveIdSchema.optional().describe("An old version, which can only be looked at"),
      viewer_id: z.string().min(1).max(128).optional().describe("Which of Cloudreve's viewers, when several fit"),
      parent_uri: driveUri.optional(),
      user: z
        .strictObject({
          id: z.string().min(1).max(256).describe("The portal's own id of the person"),
          name: z.string().min(1).max(128),
          email: z.email().optional(),
          avatar_url: z.url({ protocol: /^https?$/ }).optional(),
        })
        .optional()
        .describe("Who edits; the person behind the drive account when left out"),
      lang: z
        .string()
        .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, "must be a language tag such as de or zh-CN")
        .optional(),
      theme: z.enum(["light", "dark"]).optional(),
      options: z
        .strictObject({
          download: z.boolean().optional(),
          print: z.boolean().optional(),
          copy: z.boolean().optional(),
          watermark: z.string().min(1).max(200).optional().describe("Text over every page, where the editor can"),
          save_as: z
            .enum(["none", "new", "overwrite"])
            .optional()
            .describe(
              "What Save As may make beside the file: nothing, new files only (when left out), or also another version of one that is there",
            ),
        })
        .optional()
        .describe("What is allowed; download, print and copy are when left out"),
    })
    .refine(isOneTarget, notOneTarget),
  {
    id: "SessionRequest",
    oneOf: eitherTarget,
    examples: [{ uri: "cloudreve://my/Report.docx", action: "edit", user: { id: "u17", name: "Ada" }, lang: "de" }],
  },
);
export type SessionRequest = z.output<typeof sessionRequestSchema>;

const fileExample = { id: "aB3x", name: "Report.docx", size: 20480, version: "kL9z" };

export const fileSchema = named(
  z.strictObject({
    id: z.string(),
    name: z.string(),
    size: z.number().int().nonnegative().describe("Bytes"),
    version: z.string().describe("Another word with each change of content"),
  }),
  { id: "File", examples: [fileExample] },
);

export const sessionSchema = named(
  z.strictObject({
    id: z.string(),
    host_page_url: z.url().describe("For an iframe: good once, for five minutes"),
    action_url: z.url().describe("For portals with a host page of their own: where access_token is posted to"),
    access_token: z.string(),
    access_token_ttl: z
      .number()
      .int()
      .describe("When the token ends: a moment, milliseconds since 1970, as WOPI has it"),
    expires_at: moment,
    permission,
    file: fileSchema,
  }),
  {
    id: "Session",
    examples: [
      {
        id: "q8Zr0yK2hPf4aTnV",
        host_page_url: "https://bridge.example.com/edit/Vt3k0e",
        action_url:
          "https://office.example.com/browser/1/cool.html?WOPISrc=https%3A%2F%2Fbridge.example.com%2Fwopi%2Ffiles%2FaB3x",
        access_token: "eyJhbGciOiJIUzI1NiJ9.eyJmIjoiYUIzeCJ9.c2lnbmF0dXJl",
        access_token_ttl: 1795250100000,
        expires_at: "2026-11-21T18:15:00.000Z",
        permission: "edit",
        file: fileExample,
      },
    ],
  },
);

const password = z.string().min(1).max(128);
const note = z.string().max(500).describe("What the link is for; the visitor reads it too");
const expiresAt = z.iso.datetime({
  offset: true,
  error: "must be a date and time with a zone, as 2026-12-24T18:00:00Z",
});
const linkOptions = {
  download: z.boolean(),
  print: z.boolean(),
  copy: z.boolean(),
  watermark: z.boolean().describe("The visitor's name over every page, where the editor can"),
  rename: z.boolean().describe("Whether a visitor who edits may rename the file"),
};
const someLinkOptions = z
  .strictObject(linkOptions)
  .partial()
  .describe("download, print and copy are allowed when left out, renaming is not, and a watermark is not drawn");

export const linkRequestSchema = named(
  z
    .strictObject({
      ...target,
      permission,
      expires_at: expiresAt.optional(),
      password: password.optional(),
      note: note.optional(),
      ask_name: z.boolean().optional().describe("Whether a visitor must give a name; true when left out"),
      options: someLinkOptions.optional(),
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
    expires_at: expiresAt.nullable().optional(),
    password: password.nullable().optional(),
    note: note.nullable().optional(),
    ask_name: z.boolean().optional(),
    options: someLinkOptions.optional().describe("What is left out stays as it is"),
  }),
  { id: "LinkChanges", examples: [{ permission: "view", password: null }] },
);
export type LinkChangesRequest = z.output<typeof linkChangesSchema>;

export const personSchema = named(z.strictObject({ id: z.string(), name: z.string() }), {
  id: "Person",
  examples: [{ id: "g5tQ", name: "Grace" }],
});

const linkFields = {
  id: z.string(),
  file: z.strictObject({ id: z.string(), name: z.string() }).describe("As it was when the link was made"),
  permission,
  expires_at: moment.nullable(),
  has_password: z.boolean(),
  note: z.string().nullable(),
  ask_name: z.boolean(),
  options: z.strictObject(linkOptions),
  created_at: moment,
  ended: z.strictObject({ because: z.enum(["revoked", "expired"]), at: moment }).nullable(),
  activity: z
    .array(z.strictObject({ person: personSchema, opened_at: moment, saved_at: moment.nullable() }))
    .describe("One entry for each visitor, the latest first"),
  wrong_passwords: z
    .strictObject({ count: z.number().int().positive(), last_at: moment })
    .nullable()
    .describe("Tried since the password was set: many of them say that somebody is guessing it"),
};
const linkExample = {
  id: "m2Xq7Lr9sWbA",
  file: { id: "aB3x", name: "Report.docx" },
  permission: "edit",
  expires_at: "2026-12-24T17:00:00.000Z",
  has_password: false,
  note: "Please add your part",
  ask_name: true,
  options: { download: true, print: true, copy: true, watermark: false, rename: false },
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
    url: z.url().describe("What to send to a colleague: told only here, it is kept as a hash"),
  }),
  { id: "MadeLink", examples: [{ ...linkExample, activity: [], url: "https://bridge.example.com/l/Zk1x" }] },
);

export const listedLinksAtMost = 1000;

export const linkListSchema = named(
  z.strictObject({ links: z.array(linkSchema).max(listedLinksAtMost).describe("Newest first, ended ones too") }),
  { id: "LinkList", examples: [{ links: [linkExample] }] },
);

export const fileActivitySchema = named(
  z.strictObject({
    file: fileSchema,
    open: z
      .array(z.strictObject({ person: personSchema, permission, opened_at: moment, seen_at: moment }))
      .describe("Who has it open: one entry for each session heard of in the last minutes"),
    lock: z.strictObject({ held_by: personSchema.nullable(), expires_at: moment }).nullable(),
    last_save: z.strictObject({ at: moment, person: personSchema, version: z.string() }).nullable(),
    last_failed_save: z
      .strictObject({
        at: moment,
        person: personSchema,
        why: z.string().describe("A code as in Problem, or unexpected"),
        kept_in: z
          .enum(["spool", "copy"])
          .nullable()
          .describe("spool: tried again by itself; copy: beside the document; null: the editor alone has it"),
        copy_name: z.string().nullable(),
      })
      .nullable(),
    waiting_saves: z.number().int().nonnegative().describe("Saves that wait for the drive to take them again"),
  }),
  {
    id: "FileActivity",
    examples: [
      {
        file: fileExample,
        open: [
          {
            person: { id: "g5tQ", name: "Grace" },
            permission: "edit",
            opened_at: "2026-11-21T09:00:00.000Z",
            seen_at: "2026-11-21T09:14:30.000Z",
          },
        ],
        lock: { held_by: { id: "g5tQ", name: "Grace" }, expires_at: "2026-11-21T09:44:30.000Z" },
        last_save: { at: "2026-11-21T09:12:00.000Z", person: { id: "g5tQ", name: "Grace" }, version: "kL9z" },
        last_failed_save: null,
        waiting_saves: 0,
      },
    ],
  },
);

export const takeOverSchema = named(
  z.strictObject({
    taken_over: z.boolean().describe("false: nobody held a lock"),
    from: personSchema.nullable().describe("Who held it, where that is still known"),
  }),
  { id: "TakeOver", examples: [{ taken_over: true, from: { id: "g5tQ", name: "Grace" } }] },
);

export const problemSchema = named(
  z.strictObject({
    type: z.literal("about:blank"),
    title: z.string(),
    status: z.number().int(),
    code: z.string().describe("Stable; title and detail are for people"),
    detail: z.string().optional(),
    errors: z
      .array(z.strictObject({ field: z.string(), message: z.string() }))
      .optional()
      .describe("With requestInvalid: every field that is wrong"),
  }),
  {
    id: "Problem",
    examples: [
      {
        type: "about:blank",
        title: "The request is not as it should be.",
        status: 422,
        code: "requestInvalid",
        detail: 'permission: Invalid option: expected one of "view"|"edit"',
        errors: [{ field: "permission", message: 'Invalid option: expected one of "view"|"edit"' }],
      },
    ],
  },
);

/** @throws requestInvalid, naming each field */
export function checked<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  throw new BridgeError({
    kind: "requestInvalid",
    issues: parsed.error.issues.map((issue) => ({
      field:
        [...issue.path, ...(issue.code === "unrecognized_keys" ? [issue.keys.join(", ")] : [])].join(".") || "body",
      message: issue.message,
    })),
  });
}
