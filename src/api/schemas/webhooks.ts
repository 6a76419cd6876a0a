import { z } from "zod";
import { type EventData, type EventType, eventData } from "../../webhooks/payload.ts";
import { named } from "./named.ts";

const example = {
  file: { id: "aB3x", name: "Report.docx" },
  person: { id: "p0c6a17e4b29d5f8813aa", name: "Ada" },
  session: "q8Zr0yK2hPf4aTnV",
  link: null,
};

/** One event of each type, as a portal's server receives it. */
export const webhookEvents = [
  event("saved", "Cloudreve has confirmed a save of the document", { ...example, version: "kL9z" }),
  event("closed", "The last session of this portal on the document has closed", {
    file: example.file,
    opened_at: "2026-11-21T09:00:00.000Z",
    last_save: { at: "2026-11-21T09:12:00.000Z", person: example.person, version: "kL9z" },
  }),
  event("saveFailed", "A save did not get into the document, and is in no copy either", {
    ...example,
    reason: "driveUnreachable",
    kept_in: "spool",
  }),
  event("conflictCopy", "A save became a file beside the document", {
    ...example,
    reason: "changedInStorage",
    copy: { id: "cD4y", name: "Report (conflict, Ada, 2026-11-21 09.12).docx" },
  }),
  event("renamed", "The document was renamed through an editor", { ...example, previous_name: "Draft.docx" }),
  event("accessAsked", "A visitor of a link that lets them view or comment asks to edit", {
    ...example,
    session: null,
    link: "m2Xq7Lr9sWbA",
  }),
  event("mention", "Somebody was mentioned in a comment, in an editor that reports it (Microsoft 365)", {
    ...example,
    action: "added",
    content_id: "{5F1C0A8E}",
    navigation_id: null,
    mentioned: [{ id: "a1bC", name: "Grace" }],
  }),
] as const;

function event<Type extends EventType>(type: Type, summary: string, data: EventData<Type>) {
  const schema = named(
    z.strictObject({
      type: z.literal(type).describe(summary),
      timestamp: z.iso.datetime().describe("When it happened"),
      data: eventData[type].describe("What happened, to which document"),
    }),
    {
      id: `${type.slice(0, 1).toUpperCase()}${type.slice(1)}Event`,
      examples: [{ type, timestamp: "2026-11-21T09:12:00.000Z", data }],
    },
  );
  return { type, summary, schema };
}
