import { z } from "zod";
import { blankTypes } from "../blanks/blankDocument.ts";
import { eachOf, forbidding, optionNames, optionsInApi } from "../links/linkOptions.ts";
import { documentRights } from "../model/documentRight.ts";
import { brokenRule } from "../model/nameRules.ts";

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

const driveUri = z
  .string()
  .max(4096)
  .refine((uri) => uri.startsWith("cloudreve://"), "must start with cloudreve://")
  // What Cloudreve itself can't read as an address, it answers like a fault of its own.
  .refine(
    (uri) => /^(?!cloudreve:\/\/)|^cloudreve:\/\/([^/?#@]+@)?(my|share|shared_with_me|trash)([/?#]|$)/.test(uri),
    "must name a place in Cloudreve, such as cloudreve://my",
  )
  .refine((uri) => !/\p{Cc}/u.test(uri), "must not contain control characters")
  .refine((uri) => /^(?:[^%]|%[0-9A-Fa-f]{2})*$/.test(uri), "must write % as %25")
  // As one pattern, and a simple one: what makes clients and tests from the description has to find texts that fit.
  .meta({ pattern: "^cloudreve://(my|([^/?#@%]+@)?share|shared_with_me|trash)(/([^%]|%[0-9A-Fa-f]{2})*)?$" })
  .describe("A file's address in Cloudreve, such as cloudreve://my/Reports/2026.docx");
export const driveIdSchema = z.string().regex(/^[A-Za-z0-9]{1,64}$/, "must be a Cloudreve id");
const moment = z.iso.datetime();
/** The format of times in answers. */
export const isoTime = (ms: number): string => new Date(ms).toISOString();
const permission = z.enum(["view", "edit"]);
const linkPermission = z
  .enum(documentRights)
  .describe(
    "comment and review (suggest changes): only where the editor of the file keeps people to that. They are saved into the document, and nothing but the editor keeps people from changing more.",
  );
/** Of links and of sessions. */
export const listedAtMost = 1000;

const target = { uri: driveUri.optional(), file_id: driveIdSchema.optional() };
const eitherTarget = [{ required: ["uri"] }, { required: ["file_id"] }];
const isOneTarget = ({ uri, file_id }: { uri?: string | undefined; file_id?: string | undefined }) =>
  (uri === undefined) !== (file_id === undefined);
/** Also looked at when other fields are wrong. */
const notOneTarget = {
  message: "must have either uri or file_id",
  path: ["uri"],
  when: ({ value }: { value: unknown }) => typeof value === "object" && value !== null && !Array.isArray(value),
};

const yesOrNo = ({ about }: { about?: string }) => (about === undefined ? z.boolean() : z.boolean().describe(about));

/** Never refused: what can't be used is dropped with a warning. @see decoration.ts */
const decoration = (about: string) =>
  z
    .unknown()
    .optional()
    .meta({ type: "string", description: `${about}. What can't be used is ignored or changed, with a warning.` });

export const sessionRequestSchema = named(
  z
    .strictObject({
      ...target,
      action: z.enum(["edit", "view"]),
      scope: z
        .enum(["file", "folder"])
        .optional()
        .describe(
          "folder: through WOPI's containers the editor also lists, opens and, with action edit, creates and renames the account's other folders and files",
        ),
      version: driveIdSchema.optional().describe("An earlier version; it can only be viewed"),
      viewer_id: z
        .string()
        .min(1)
        .max(128)
        .optional()
        .describe("Which Cloudreve viewer to use, when there are several"),
      parent_uri: driveUri.optional(),
      user: z
        .strictObject({
          id: z.string().min(1).max(256).describe("The portal's own id for this person"),
          name: decoration(
            "Shown to others: at most 64 characters, none that control or turn text; without one, Guest",
          ),
          email: decoration("Shown to others where the editor does"),
          avatar_url: decoration("A picture's http or https address"),
        })
        .optional()
        .describe("The person who edits; by default the owner of the drive account"),
      lang: decoration("The editor's language in any usual spelling, such as de, de_AT or zh-Hant"),
      theme: decoration("light or dark"),
      embedded: z
        .boolean()
        .optional()
        .describe("With action view: only the document, without an editor's toolbars, where the editor can do that"),
      options: z
        .strictObject({
          ...eachOf(forbidding, (_name, facts) => yesOrNo(facts).optional()),
          watermark: z
            .string()
            .min(1)
            .max(200)
            .optional()
            .describe("Text across every page, if the editor supports it"),
          save_as: z
            .enum(["none", "new", "overwrite"])
            .optional()
            .describe(
              "What Save As can do beside the file: nothing, create new files (default), or also replace the content of existing ones",
            ),
        })
        .optional()
        .describe("What is allowed. download, print and copy are allowed by default."),
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
    version: z.string().describe("Changes whenever the content changes"),
  }),
  { id: "File", examples: [fileExample] },
);

/** What is said about one field of a request. */
const fieldMessage = z.strictObject({ field: z.string(), message: z.string() });

export const sessionSchema = named(
  z.strictObject({
    id: z.string(),
    host_page_url: z.url().describe("Address for an iframe; works once, within five minutes"),
    action_url: z.url().describe("For portals with their own host page: the address to post access_token to"),
    access_token: z.string(),
    access_token_ttl: z.number().int().describe("When the token expires, in milliseconds since 1970 (as in WOPI)"),
    expires_at: moment,
    permission,
    person: z
      .strictObject({ id: z.string(), name: z.string() })
      .describe("As editors know the person; mentions in comments name this id"),
    file: fileSchema,
    warnings: z
      .array(fieldMessage)
      .optional()
      .describe(
        "What was ignored or changed of lang, theme and the user's name, email and avatar_url, which never keep a document from opening. Left out when there is nothing to say.",
      ),
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
        person: { id: "p0c6a17e4b29d5f8813aa", name: "Ada" },
        file: fileExample,
      },
    ],
  },
);

export const sessionQuerySchema = z.strictObject({
  file_id: driveIdSchema.optional().describe("Only sessions on this document"),
});

export const sessionListSchema = named(
  z.strictObject({
    sessions: z
      .array(
        z.strictObject({
          id: z.string().describe("DELETE /api/sessions/{id} ends it"),
          file: z.strictObject({ id: z.string(), name: z.string() }).describe("As it was when the session was opened"),
          version: z.string().nullable().describe("The earlier version that it shows; null: the document itself"),
          person: z
            .strictObject({ id: z.string(), name: z.string() })
            .describe("As in the answer of POST /api/sessions"),
          permission: permission.describe("What it permits now"),
          created_at: moment,
          expires_at: moment.describe("Open pages renew it before"),
          open: z
            .strictObject({ opened_at: moment, seen_at: moment })
            .nullable()
            .describe("Since when the person has it open; null: not opened yet, or not seen in the last few minutes"),
          last_save: z
            .strictObject({
              at: moment,
              person: z.strictObject({ id: z.string(), name: z.string() }),
              version: z.string(),
            })
            .nullable()
            .describe("The document's last save through the bridge, whoever made it"),
        }),
      )
      .max(listedAtMost)
      .describe("Newest first"),
  }),
  {
    id: "SessionList",
    examples: [
      {
        sessions: [
          {
            id: "q8Zr0yK2hPf4aTnV",
            file: { id: "aB3x", name: "Report.docx" },
            version: null,
            person: { id: "p0c6a17e4b29d5f8813aa", name: "Ada" },
            permission: "edit",
            created_at: "2026-11-21T08:15:00.000Z",
            expires_at: "2026-11-21T18:15:00.000Z",
            open: { opened_at: "2026-11-21T08:15:04.000Z", seen_at: "2026-11-21T09:14:30.000Z" },
            last_save: {
              at: "2026-11-21T09:12:00.000Z",
              person: { id: "p0c6a17e4b29d5f8813aa", name: "Ada" },
              version: "kL9z",
            },
          },
        ],
      },
    ],
  },
);

const folderUri = driveUri.describe(
  "The folder's address in Cloudreve, such as cloudreve://my/Reports; by default the account's root, cloudreve://my",
);

export const folderQuerySchema = z.strictObject({
  folder: folderUri.optional(),
  next: z.string().min(1).max(4096).optional().describe("`next` of the page before"),
});

export const folderListSchema = named(
  z.strictObject({
    folder: z.strictObject({ id: z.string(), name: z.string().describe("Empty for the root"), uri: z.string() }),
    entries: z
      .array(
        z.strictObject({
          kind: z.enum(["folder", "file"]),
          id: z.string().describe("Of a file: `file_id` in POST /api/sessions and POST /api/links"),
          name: z.string(),
          uri: z.string(),
          size: z.number().int().nonnegative().nullable().describe("Bytes; null for a folder"),
          version: z.string().nullable().describe("Changes whenever the content changes; null for a folder"),
          modified_at: moment,
          can_open: z.boolean().describe("Whether Cloudreve has an editor for files of this type"),
        }),
      )
      .describe("Folders first, each by name; up to 101 on a page"),
    next: z.string().nullable().describe("For the next page; null on the last one"),
  }),
  {
    id: "FolderList",
    examples: [
      {
        folder: { id: "fO1d", name: "Reports", uri: "cloudreve://my/Reports" },
        entries: [
          {
            kind: "file",
            id: "aB3x",
            name: "Report.docx",
            uri: "cloudreve://my/Reports/Report.docx",
            size: 20480,
            version: "kL9z",
            modified_at: "2026-11-21T09:12:00.000Z",
            can_open: true,
          },
        ],
        next: null,
      },
    ],
  },
);

/** JSON Schema's patterns know no flag for it. */
const anyCase = (word: string): string => [...word].map((letter) => `[${letter}${letter.toUpperCase()}]`).join("");
const endings = blankTypes.map((type) => `.${type}`);
const wantedEnding = `must end in ${endings.slice(0, -1).join(", ")} or ${endings.at(-1)}`;

const newName = z
  .string()
  .check(({ value, issues }) => {
    const fault = brokenRule(value)?.reason.replace(/^the name /, "");
    const isOfType = endings.some((ending) => value.toLowerCase().endsWith(ending));
    const message = fault ?? (isOfType ? undefined : wantedEnding);
    if (message !== undefined) issues.push({ code: "custom", message, input: value });
  })
  .meta({ minLength: 1, pattern: `\\.(${blankTypes.map(anyCase).join("|")})$` })
  .describe(`With its extension, which says what kind of document it is: ${endings.join(", ")}`);

export const newFileSchema = named(z.strictObject({ folder: folderUri.optional(), name: newName }), {
  id: "NewFile",
  examples: [{ folder: "cloudreve://my/Reports", name: "Report.docx" }],
});

export const madeFileSchema = named(
  z.strictObject({
    file: fileSchema,
    uri: z.string(),
    open_with: z
      .strictObject({ file_id: driveIdSchema, action: z.literal("edit") })
      .describe("A body for POST /api/sessions that opens it; add the person as `user`"),
  }),
  {
    id: "MadeFile",
    examples: [
      {
        file: { id: "aB3x", name: "Report.docx", size: 2890, version: "kL9z" },
        uri: "cloudreve://my/Reports/Report.docx",
        open_with: { file_id: "aB3x", action: "edit" },
      },
    ],
  },
);

const password = z.string().min(1).max(128);
const note = z.string().max(500).describe("What the link is for; visitors see it too");
const expiresAt = z.iso.datetime({
  offset: true,
  error: "must be a date and time with a time zone, such as 2026-12-24T18:00:00Z",
});
const linkOptions = eachOf(optionNames, (_name, facts) => yesOrNo(facts));
const someLinkOptions = z
  .strictObject(linkOptions)
  .partial()
  .describe("By default download, print and copy are allowed, renaming is not, and there is no watermark");

export const linkRequestSchema = named(
  z
    .strictObject({
      ...target,
      permission: linkPermission,
      expires_at: expiresAt.optional(),
      password: password.optional(),
      note: note.optional(),
      ask_name: z.boolean().optional().describe("Whether visitors must enter a name; true by default"),
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
    permission: linkPermission.optional(),
    expires_at: expiresAt.nullable().optional(),
    password: password.nullable().optional(),
    note: note.nullable().optional(),
    ask_name: z.boolean().optional(),
    options: someLinkOptions.optional().describe("Options that are left out stay unchanged"),
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
  file: z.strictObject({ id: z.string(), name: z.string() }).describe("As it was when the link was created"),
  is_folder: z.boolean().describe("Whether `file` is a folder"),
  permission: linkPermission,
  expires_at: moment.nullable(),
  has_password: z.boolean(),
  note: z.string().nullable(),
  ask_name: z.boolean(),
  options: z.strictObject(linkOptions),
  created_at: moment,
  ended: z.strictObject({ because: z.enum(["revoked", "expired"]), at: moment }).nullable(),
  activity: z
    .array(z.strictObject({ person: personSchema, opened_at: moment, saved_at: moment.nullable() }))
    .describe("One entry per visitor, most recent first"),
  wrong_passwords: z
    .strictObject({ count: z.number().int().positive(), last_at: moment })
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
    url: z
      .url()
      .describe("The address to send to a colleague. It is returned only here; the bridge stores just a hash."),
  }),
  { id: "MadeLink", examples: [{ ...linkExample, activity: [], url: "https://bridge.example.com/l/Zk1x" }] },
);

export const linkListSchema = named(
  z.strictObject({ links: z.array(linkSchema).max(listedAtMost).describe("Newest first, including ended links") }),
  { id: "LinkList", examples: [{ links: [linkExample] }] },
);

export const fileVersionsSchema = named(
  z.strictObject({
    file: fileSchema,
    versions: z
      .array(
        z.strictObject({
          version: z.string().describe("For `version` in POST /api/sessions, which opens it to view"),
          size: z.number().int().nonnegative().describe("Bytes"),
          stored_at: moment,
          is_current: z.boolean(),
          name: z.string().nullable().describe("What the owner calls it"),
          saved_by: personSchema.nullable().describe("null: it was not saved through the bridge, or too long ago"),
          through: z
            .enum(["portal", "link", "owner"])
            .nullable()
            .describe("How that person came; owner: by signing in on the bridge's pages"),
          restored_from: z.string().nullable().describe("The version whose content this one has again"),
        }),
      )
      .describe("Newest first, as far as Cloudreve keeps them"),
    copies: z
      .array(
        z.strictObject({
          file_id: driveIdSchema,
          name: z.string().describe("As it was when the copy was made"),
          made_at: moment,
          person: personSchema,
          kind: z.enum(["conflict", "late"]).describe("late: changes that came after the link or session had ended"),
          why: z.string().describe("A code as in Problem, or `unexpected`"),
        }),
      )
      .describe("Copies put beside the document, newest first; they may have been deleted since"),
  }),
  {
    id: "FileVersions",
    examples: [
      {
        file: fileExample,
        versions: [
          {
            version: "kL9z",
            size: 48213,
            stored_at: "2026-11-21T09:12:00.000Z",
            is_current: true,
            name: null,
            saved_by: { id: "g5tQ", name: "Grace" },
            through: "link",
            restored_from: null,
          },
        ],
        copies: [
          {
            file_id: "p2Rs",
            name: "Report (conflict, Grace, 2026-11-21 08.15).docx",
            made_at: "2026-11-21T08:15:00.000Z",
            person: { id: "g5tQ", name: "Grace" },
            kind: "conflict",
            why: "changedInStorage",
          },
        ],
      },
    ],
  },
);

export const fileActivitySchema = named(
  z.strictObject({
    file: fileSchema,
    open: z
      .array(z.strictObject({ person: personSchema, permission, opened_at: moment, seen_at: moment }))
      .describe("Who has it open: one entry per session seen in the last few minutes"),
    lock: z.strictObject({ held_by: personSchema.nullable(), expires_at: moment }).nullable(),
    last_save: z.strictObject({ at: moment, person: personSchema, version: z.string() }).nullable(),
    last_failed_save: z
      .strictObject({
        at: moment,
        person: personSchema,
        why: z.string().describe("A code as in Problem, or `unexpected`"),
        kept_in: z
          .enum(["spool", "copy"])
          .nullable()
          .describe("spool: retried automatically; copy: in a copy beside the document; null: only the editor has it"),
        copy_name: z.string().nullable(),
      })
      .nullable(),
    waiting_saves: z.number().int().nonnegative().describe("Saves waiting for the drive to accept them"),
    comments: z
      .array(
        z.strictObject({
          at: moment,
          person: personSchema,
          action: z.enum(["added", "updated", "deleted"]),
          content_id: z.string().describe("The editor's id of the comment"),
          navigation_id: z.string().nullable(),
          mentioned: z
            .array(z.strictObject({ id: z.string(), name: z.string().nullable() }))
            .describe("name is null for people whom the bridge has not met at this document"),
        }),
      )
      .describe("Reported by editors that do so (Microsoft 365), newest first; the last few of each person"),
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
        comments: [
          {
            at: "2026-11-21T09:10:00.000Z",
            person: { id: "g5tQ", name: "Grace" },
            action: "added",
            content_id: "{5F1C0A8E}",
            navigation_id: null,
            mentioned: [{ id: "a1bC", name: "Ada" }],
          },
        ],
      },
    ],
  },
);

export const takeOverSchema = named(
  z.strictObject({
    taken_over: z.boolean().describe("false: the file was not locked"),
    from: personSchema.nullable().describe("Who held the lock, if still known"),
  }),
  { id: "TakeOver", examples: [{ taken_over: true, from: { id: "g5tQ", name: "Grace" } }] },
);

export const problemSchema = named(
  z.strictObject({
    type: z.literal("about:blank"),
    title: z.string(),
    status: z.number().int(),
    code: z.string().describe("Stable. title and detail are for people and may change."),
    detail: z.string().optional(),
    free_name: z.string().optional().describe("With nameTaken: a name that is free"),
    errors: z.array(fieldMessage).optional().describe("With requestInvalid: every mistake, all at once"),
  }),
  {
    id: "Problem",
    examples: [
      {
        type: "about:blank",
        title: "The request is invalid.",
        status: 422,
        code: "requestInvalid",
        detail: 'permission: must be "view" or "edit"; expires_at: must be in the future',
        errors: [
          { field: "permission", message: 'must be "view" or "edit"' },
          { field: "expires_at", message: "must be in the future" },
        ],
      },
    ],
  },
);
