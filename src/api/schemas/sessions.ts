import { z } from "zod";
import { eachOf, forbidding } from "../../links/linkOptions.ts";
import {
  byTheEditor,
  documentRight,
  driveIdSchema,
  eitherTarget,
  fieldMessage,
  fileExample,
  fileSchema,
  folderUri,
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
      action: documentRight.describe(
        `What the person is to do; where that can't be, they view, with a warning. ${byTheEditor}`,
      ),
      scope: z
        .enum(["file", "folder"])
        .optional()
        .describe(
          "folder: through WOPI's containers the editor also lists, opens and, with action edit, creates and renames the account's other folders and files; not with action comment or review",
        ),
      version: driveIdSchema.optional().describe("An earlier version; it can only be viewed"),
      viewer_id: z
        .string()
        .min(1)
        .max(128)
        .optional()
        .describe("Which Cloudreve viewer to use, when there are several"),
      parent_uri: folderUri
        .optional()
        .describe("The folder that the file is opened from: passed on to Cloudreve, which has ignored it so far"),
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
        .describe("The person who opens it; by default the owner of the drive account"),
      lang: decoration(
        "Language of the editor and of the page around it, in any usual spelling, such as de, de_AT or zh-Hant; by default the browser's",
      ),
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
              "What Save As can do beside the file: nothing, create new files (default), or also replace the content of existing ones; with action comment or review always nothing",
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

const sessionId = z.string().describe("DELETE /api/sessions/{id} ends it");

export const sessionSchema = named(
  z.strictObject({
    id: sessionId,
    host_page_url: z.url().describe("Address for an iframe; works once, within five minutes"),
    action_url: z.url().describe("For portals with their own host page: the address to post access_token to"),
    access_token: z.string().describe("The same: what to post there. Whoever has it can do what the person may do"),
    access_token_ttl: z.number().int().describe("When the token expires, in milliseconds since 1970 (as in WOPI)"),
    expires_at: moment("When the session ends, unless its page renews it before"),
    permission: documentRight.describe("What the person may do: less than action where a warning says so"),
    person: personSchema.describe("As editors know the person; mentions in comments name this id"),
    file: fileSchema.describe("The document"),
    warnings: z
      .array(fieldMessage)
      .optional()
      .describe(
        "What was ignored or changed of action, lang, theme and the user's name, email and avatar_url, which never keep a document from opening. Left out when there is nothing to say.",
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
          id: sessionId,
          file: namedFile("As it was when the session was opened"),
          version: z.string().nullable().describe("The earlier version that it shows; null: the document itself"),
          person: personSchema.describe("As in the answer of POST /api/sessions"),
          permission: documentRight.describe("What it permits now"),
          created_at: moment("When it was opened by POST /api/sessions"),
          expires_at: moment("When it ends; open pages renew it before"),
          open: z
            .strictObject({
              opened_at: moment("When the page or its editor first called"),
              seen_at: moment("When it last did"),
            })
            .nullable()
            .describe("Since when the person has it open; null: not opened yet, or not seen in the last few minutes"),
          last_save: z
            .strictObject({
              at: moment("When Cloudreve confirmed it"),
              person: personSchema.describe("Who saved"),
              version: z.string().describe("The version that it made"),
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
