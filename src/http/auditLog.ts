import type { Logger } from "pino";
import { z } from "zod";
import { documentRights } from "../model/documentRight.ts";

const person = z.object({ id: z.string(), name: z.string() });
const file = z.string();
/** `portal:NAME`, `link:ID`, `person:ID` */
const through = z.string();

/** Who did what to whose document: the lines of the audit log, one JSON object each. */
export const auditSchema = z.discriminatedUnion("event", [
  z.object({ event: z.literal("signedIn"), person }),
  z.object({ event: z.literal("signedOut"), person, everywhere: z.boolean() }),
  z.object({
    event: z.literal("sessionOpened"),
    grant: z.string(),
    file,
    person,
    permission: z.enum(documentRights),
    through,
  }),
  z.object({ event: z.literal("sessionEnded"), grant: z.string(), file, by: z.string() }),
  z.object({
    event: z.literal("linkMade"),
    link: z.string(),
    file,
    by: z.string(),
    permission: z.enum(documentRights),
  }),
  z.object({ event: z.literal("linkChanged"), link: z.string(), file, by: z.string() }),
  z.object({ event: z.literal("linkUsed"), link: z.string(), file, person }),
  /** from: the network address; of IPv6 the /64. */
  z.object({ event: z.literal("linkPasswordWrong"), link: z.string(), file, from: z.string() }),
  /** A visitor asked to edit; the owner answered, or took back what was granted. */
  z.object({ event: z.literal("accessAsked"), link: z.string(), file, person }),
  z.object({
    event: z.literal("accessAnswered"),
    link: z.string(),
    file,
    person,
    answer: z.enum(["grant", "refuse", "takeBack"]),
    by: z.string(),
  }),
  /** The owner had it sent by mail. To whom is not recorded. sent: to how many the mail server took it. */
  z.object({
    event: z.literal("linkMailed"),
    link: z.string(),
    file,
    by: z.string(),
    recipients: z.number(),
    sent: z.number(),
  }),
  z.object({ event: z.literal("linkRevoked"), link: z.string(), file, by: z.string() }),
  z.object({ event: z.literal("saved"), file, person, version: z.string(), link: z.string().optional() }),
  /** An earlier version's content, stored again as a new version. */
  z.object({
    event: z.literal("restored"),
    file,
    person,
    version: z.string(),
    from: z.string(),
    /** The drive did not keep the version that was current before: its owner has switched versions off. */
    replacedIsGone: z.literal(true).optional(),
  }),
  z.object({ event: z.literal("conflictCopy"), file, person, copyName: z.string(), link: z.string().optional() }),
  /** The bytes of a waiting save are gone: it was too old, or the owner (`by`: `person:ID`) or an administrator dismissed it. */
  z.object({
    event: z.literal("saveDropped"),
    file,
    person,
    why: z.enum(["tooOld", "dismissed"]),
    by: z.string().optional(),
  }),
  z.object({ event: z.literal("saveDownloaded"), file, person, by: z.string() }),
  /** Save As: the file that was made from `file`, beside it. */
  z.object({
    event: z.literal("savedAs"),
    file,
    person,
    newFile: file,
    name: z.string(),
    /** The name belonged to another file, which now has a new version. */
    overwritten: z.boolean(),
    through,
  }),
  /** A file or folder that was made in a folder: empty by an editor, with a content by its owner. */
  z.object({
    event: z.literal("created"),
    folder: z.string(),
    file,
    kind: z.enum(["file", "folder"]),
    name: z.string(),
    person,
    through,
  }),
  z.object({ event: z.literal("renamed"), file, person, from: z.string(), to: z.string(), through }),
  /** Reported by the editor. What they wrote, and where, is not recorded. */
  z.object({
    event: z.literal("commented"),
    file,
    person,
    action: z.enum(["added", "updated", "deleted"]),
    /** Ids of people. */
    mentioned: z.array(z.string()),
    through,
  }),
  z.object({ event: z.literal("deleted"), file, person, name: z.string(), through }),
  /** Taken out of the drive's trash. */
  z.object({ event: z.literal("undeleted"), file, person, name: z.string(), through }),
  z.object({ event: z.literal("lockTakenOver"), file, by: z.string(), from: person.optional() }),
]);
export type AuditEvent = z.infer<typeof auditSchema>;
export type Audit = (event: AuditEvent) => void;

/** Lines with `"stream":"audit"`, written at any log level. */
export function auditLog(logger: Logger): Audit {
  const lines = logger.child({ stream: "audit" }, { level: "info" });
  return (event) => lines.info(auditSchema.parse(event));
}
