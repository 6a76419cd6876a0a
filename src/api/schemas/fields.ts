import { z } from "zod";
import { documentRights } from "../../model/documentRight.ts";
import { named } from "./named.ts";

/** The format of times in answers. */
export const isoTime = (ms: number): string => new Date(ms).toISOString();
export const moment = (about: string) => z.iso.datetime().describe(about);

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
  .meta({ pattern: "^cloudreve://(my|([^/?#@%]+@)?share|shared_with_me|trash)(/([^%]|%[0-9A-Fa-f]{2})*)?$" });

export const driveIdSchema = z.string().regex(/^[A-Za-z0-9]{1,64}$/, "must be a Cloudreve id");

export const folderUri = driveUri.describe(
  "The folder's address in Cloudreve, such as cloudreve://my/Reports; by default the account's root, cloudreve://my",
);

/** Of links and of sessions. */
export const listedAtMost = 1000;

/** Which file, or for a link which folder, a request is about. */
export const target = {
  uri: driveUri.optional().describe("Its address in Cloudreve, such as cloudreve://my/Reports/2026.docx"),
  file_id: driveIdSchema.optional().describe("Its id in Cloudreve, which stays when it is renamed or moved"),
};
export const eitherTarget = [{ required: ["uri"] }, { required: ["file_id"] }];
export const isOneTarget = ({ uri, file_id }: { uri?: string | undefined; file_id?: string | undefined }) =>
  (uri === undefined) !== (file_id === undefined);
/** Also looked at when other fields are wrong. */
export const notOneTarget = {
  message: "must have either uri or file_id",
  path: ["uri"],
  when: ({ value }: { value: unknown }) => typeof value === "object" && value !== null && !Array.isArray(value),
};

/** comment and review are only as strong as the editor. */
export const documentRight = z.enum(documentRights);
export const byTheEditor =
  "comment and review (suggest changes): only where the editor of the file keeps people to that. They are saved into the document, and nothing but the editor keeps people from changing more.";

export const yesOrNo = ({ about }: { about: string }) => z.boolean().describe(about);

export const personSchema = named(
  z.strictObject({
    id: z.string().describe("The same for the same person"),
    name: z.string().describe("As others see it"),
  }),
  { id: "Person", examples: [{ id: "g5tQ", name: "Grace" }] },
);

/** A file or folder that may have another name by now. */
export const namedFile = (about: string) =>
  z
    .strictObject({ id: z.string().describe("Its id in Cloudreve"), name: z.string().describe("Its name then") })
    .describe(about);

export const fileExample = { id: "aB3x", name: "Report.docx", size: 20480, version: "kL9z" };

export const fileSchema = named(
  z.strictObject({
    id: z.string().describe("Its id in Cloudreve, which stays when it is renamed or moved"),
    name: z.string().describe("With its extension"),
    size: z.number().int().nonnegative().describe("Bytes"),
    version: z.string().describe("Changes whenever the content changes"),
  }),
  { id: "File", examples: [fileExample] },
);

/** What is said about one field of a request. */
export const fieldMessage = z.strictObject({
  field: z.string().describe("Its name, with dots where it is inside another: `user.name`"),
  message: z.string().describe("What is wrong with it, or was done with it, after its name"),
});

export const failureCode = (about: string) => z.string().describe(`${about}: a code as in Problem, or \`unexpected\``);
