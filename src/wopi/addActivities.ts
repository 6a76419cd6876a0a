import { z } from "zod";
import { noteComments, type ReportedComment } from "../documents/comments.ts";
import { BridgeError } from "../model/failure.ts";
import { jsonIn } from "../model/jsonIn.ts";
import type { Services } from "../services.ts";
import { requireThere } from "./putUserInfo.ts";
import { requireEdit, smallBody, type WopiOperation } from "./wopiCall.ts";

const limitBytes = 512 * 1024;
const activitiesAtMost = 100;

/** WOPI: content and navigation ids have up to 1024 characters. The ids of activities are GUIDs. */
const longId = z.string().max(1024);
const peopleSchema = z
  .array(
    z.object({
      Id: longId,
      /** Whose id it is: `WOPI` is ours. Microsoft's cases call it Provider, with the host's name after it. */
      Type: z.string().max(256).nullish(),
      Provider: z.string().max(256).nullish(),
      Mentioned: z.boolean().nullish(),
      InThread: z.boolean().nullish(),
      RepliedTo: z.boolean().nullish(),
    }),
  )
  .max(100)
  .nullish();
type People = z.output<typeof peopleSchema>;

const activitySchema = z.object({ Type: z.string().max(256), Id: z.string().min(1).max(256) });
const commentSchema = z.object({
  Data: z.object({
    ContentId: longId,
    ContentAction: z.string().max(256).nullish(),
    NavigationId: longId.nullish(),
    People: peopleSchema,
  }),
  People: peopleSchema,
});

/**
 * What people did in the document, as Microsoft 365 reports it. Comments are recorded for whoever the session belongs to, at
 * our time; other types are answered with 3, as the protocol asks. Commenting takes permission to edit.
 * @see WOPI AddActivities
 */
export function addActivities(services: Parameters<typeof noteComments>[0] & Pick<Services, "drive">): WopiOperation {
  return async (call) => {
    requireEdit(call);
    const activities = activitiesIn(await smallBody(call.body, limitBytes));
    await requireThere(services.drive, call.grant.document);
    await noteComments(
      services,
      call.grant,
      activities.flatMap(({ comment }) => comment ?? []),
    );
    return {
      json: {
        ActivityResponses: activities.map(({ id, comment }) =>
          comment === undefined
            ? { Id: id, Status: 3, Message: "This type of activity is not supported" }
            : { Id: id, Status: 0, Message: "" },
        ),
      },
    };
  };
}

interface ReportedActivity {
  readonly id: string;
  /** undefined: it is of another type */
  readonly comment: ReportedComment | undefined;
}

/** @throws requestInvalid, bodyTooLarge */
function activitiesIn(body: Buffer): readonly ReportedActivity[] {
  const { Activities: all } = checked(z.object({ Activities: z.array(z.unknown()) }), jsonIn(textOf(body)));
  if (all.length > activitiesAtMost) throw new BridgeError({ kind: "bodyTooLarge", limitBytes });
  return all.map((activity) => {
    const { Type: type, Id: id } = checked(activitySchema, activity);
    return { id, comment: type.toLowerCase() === "comment" ? reportedComment(id, activity) : undefined };
  });
}

/** @throws requestInvalid */
function reportedComment(activityId: string, activity: unknown): ReportedComment {
  const { Data: data, People: people } = checked(commentSchema, activity);
  return {
    activityId,
    action: actionOf(data.ContentAction ?? ""),
    contentId: data.ContentId,
    ...(data.NavigationId == null ? {} : { navigationId: data.NavigationId }),
    mentionedIds: [...mentionedIn(people), ...mentionedIn(data.People)],
  };
}

/** `created` in Microsoft's cases, `Add` in its documentation. */
function actionOf(said: string): ReportedComment["action"] {
  if (/^(add|create)/i.test(said)) return "added";
  return /^delete/i.test(said) ? "deleted" : "updated";
}

/** Every id that the bridge gives to an editor is like this. */
const personIdPattern = /^[A-Za-z0-9_-]{1,64}$/;

/** @returns the ids that can be ours. People who only take part in a thread are not mentioned. */
function mentionedIn(people: People): string[] {
  const isOurs = ({ Type: type, Provider: provider }: NonNullable<People>[number]) =>
    /^wopi\b/i.test(type ?? provider ?? "WOPI");
  const isMentioned = ({ Mentioned, InThread, RepliedTo }: NonNullable<People>[number]) =>
    Mentioned ?? (InThread == null && RepliedTo == null);
  return (people ?? [])
    .filter((person) => isOurs(person) && isMentioned(person) && personIdPattern.test(person.Id))
    .map(({ Id: id }) => id);
}

/** @returns undefined when it is not UTF-8 */
function textOf(body: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    return undefined;
  }
}

/** @throws requestInvalid; what was sent is not repeated */
function checked<Value>(schema: z.ZodType<Value>, sent: unknown): Value {
  const parsed = schema.safeParse(sent);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => ({ field: path.join("."), message }));
  throw new BridgeError({ kind: "requestInvalid", issues });
}
