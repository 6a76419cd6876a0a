import { z } from "zod";
import { blankTypes } from "../../blanks/blankDocument.ts";
import { brokenRule } from "../../model/nameRules.ts";
import {
  documentRight,
  driveIdSchema,
  failureCode,
  fileExample,
  fileSchema,
  folderUri,
  moment,
  personSchema,
} from "./fields.ts";
import { named } from "./named.ts";

export const folderQuerySchema = z.strictObject({
  folder: folderUri.optional(),
  next: z.string().min(1).max(4096).optional().describe("`next` of the page before"),
});

export const folderListSchema = named(
  z.strictObject({
    folder: z
      .strictObject({
        id: z.string().describe("`file_id` in POST /api/links, for a link to the folder"),
        name: z.string().describe("Empty for the root"),
        uri: z.string().describe("Its address in Cloudreve"),
      })
      .describe("The folder that was asked for"),
    entries: z
      .array(
        z.strictObject({
          kind: z.enum(["folder", "file"]).describe("Which of the two it is"),
          id: z.string().describe("Of a file: `file_id` in POST /api/sessions and POST /api/links"),
          name: z.string().describe("With its extension"),
          uri: z.string().describe("Its address in Cloudreve; of a folder: `folder` in GET /api/files"),
          size: z.number().int().nonnegative().nullable().describe("Bytes; null for a folder"),
          version: z.string().nullable().describe("Changes whenever the content changes; null for a folder"),
          modified_at: moment("When it was last changed"),
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
    file: fileSchema.describe("The new document"),
    uri: z.string().describe("Its address in Cloudreve"),
    open_with: z
      .strictObject({
        file_id: driveIdSchema.describe("The document's id"),
        action: z.literal("edit").describe("To begin with it"),
      })
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

export const fileVersionsSchema = named(
  z.strictObject({
    file: fileSchema.describe("The document as it is now"),
    versions: z
      .array(
        z.strictObject({
          version: z.string().describe("For `version` in POST /api/sessions, which opens it to view"),
          size: z.number().int().nonnegative().describe("Bytes"),
          stored_at: moment("When Cloudreve stored it"),
          is_current: z.boolean().describe("Whether it is the document as it is now"),
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
          file_id: driveIdSchema.describe("The copy's id in Cloudreve"),
          name: z.string().describe("As it was when the copy was made"),
          made_at: moment("When it was made"),
          person: personSchema.describe("Whose changes are in it"),
          kind: z.enum(["conflict", "late"]).describe("late: changes that came after the link or session had ended"),
          why: failureCode("Why they did not go into the document"),
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
    file: fileSchema.describe("The document as it is now"),
    open: z
      .array(
        z.strictObject({
          person: personSchema.describe("Who has it open"),
          permission: documentRight.describe("What the session permits now"),
          opened_at: moment("When the page or its editor first called"),
          seen_at: moment("When it last did"),
        }),
      )
      .describe("Who has it open: one entry per session seen in the last few minutes"),
    lock: z
      .strictObject({
        held_by: personSchema.nullable().describe("Whose session has locked it; null: it ended too long ago"),
        expires_at: moment("When it ends, unless the editor refreshes it"),
      })
      .nullable()
      .describe("null: nobody has it locked"),
    last_save: z
      .strictObject({
        at: moment("When Cloudreve confirmed it"),
        person: personSchema.describe("Who saved"),
        version: z.string().describe("The version that it made"),
      })
      .nullable()
      .describe("null: none through the bridge, or long ago"),
    last_failed_save: z
      .strictObject({
        at: moment("When it failed"),
        person: personSchema.describe("Who saved"),
        why: failureCode("Why it failed"),
        kept_in: z
          .enum(["spool", "copy"])
          .nullable()
          .describe("spool: retried automatically; copy: in a copy beside the document; null: only the editor has it"),
        copy_name: z.string().nullable().describe("The name of that copy"),
      })
      .nullable()
      .describe("null: none failed, or long ago"),
    waiting_saves: z.number().int().nonnegative().describe("Saves waiting for the drive to accept them"),
    comments: z
      .array(
        z.strictObject({
          at: moment("When the editor reported it"),
          person: personSchema.describe("Who commented"),
          action: z.enum(["added", "updated", "deleted"]).describe("What they did with the comment"),
          content_id: z.string().describe("The editor's id of the comment"),
          navigation_id: z.string().nullable().describe("Where the comment is, in the editor's own form"),
          mentioned: z
            .array(
              z.strictObject({
                id: z.string().describe("As editors know the person"),
                name: z.string().nullable().describe("null for people whom the bridge has not met at this document"),
              }),
            )
            .describe("People whom the comment mentions"),
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
