import { z } from "zod";
import { type NamedPerson, namedPersonSchema } from "../model/person.ts";
import { rowObject } from "../model/record.ts";
import type { Services } from "../services.ts";
import { type AccessGrant, cameThrough, newsThrough } from "./grants.ts";

const commentActions = ["added", "updated", "deleted"] as const;

const mentionSchema = rowObject({
  id: z.string(),
  /** undefined: the portal may know who that is; the bridge has not met them on this file. */
  name: z.string().exactOptional(),
});
type Mention = z.infer<typeof mentionSchema>;

export const commentSchema = rowObject({
  /** As the editor named it; sent again, it has the same. */
  activityId: z.string(),
  atMs: z.number(),
  person: namedPersonSchema,
  /** A newer bridge may know more. */
  action: z.enum(commentActions).catch("updated"),
  contentId: z.string(),
  navigationId: z.string().exactOptional(),
  mentioned: z.array(mentionSchema),
  /** Through which link its writer came. */
  linkId: z.string().exactOptional(),
});
/** That somebody has commented. What they wrote is in the document only. */
export type Comment = z.infer<typeof commentSchema>;

/** A comment as an editor reports it. */
export interface ReportedComment {
  readonly activityId: string;
  readonly action: Comment["action"];
  readonly contentId: string;
  readonly navigationId?: string;
  /** People as the editor knows them. @see EditorIds */
  readonly mentionedIds: readonly string[];
}

/** How many of a file's comments are kept, of each person, and of all its links' visitors together. */
export const keptComments = { ofFile: 50, ofPerson: 10, ofVisitors: 25 } as const;
const keptMentions = 20;

/** A visitor can appear as a new person each time, so a link is limited as well. */
const hourMs = 3_600_000;
const callsOfVisitor = { most: 60, withinMs: hourMs };
const callsOfLink = { most: 300, withinMs: hourMs };

type Needs = Pick<Services, "activity" | "links" | "allowances" | "editorIds" | "audit" | "tellPortals">;

/**
 * Records comments that an editor reports, each one once.
 * @throws tooManyAttempts when a link's visitors report too many
 */
export async function noteComments(
  services: Needs,
  grant: AccessGrant,
  reported: readonly ReportedComment[],
): Promise<void> {
  if (reported.length === 0) return;
  const { document, linkId } = grant;
  const person = { id: grant.person.id, name: grant.person.name };
  if (linkId !== undefined) {
    await services.allowances.take("comments of a visitor", `${linkId} ${person.id}`, callsOfVisitor);
    await services.allowances.take("comments through", linkId, callsOfLink);
  }
  const met = await peopleMet(services, grant);
  const comments = reported.map(({ mentionedIds, ...rest }) => ({
    ...rest,
    person,
    mentioned: mentionsOf(services, grant, mentionedIds, met),
    ...(linkId === undefined ? {} : { linkId }),
  }));
  for (const comment of await services.activity.commented(document.fileId, comments)) {
    const { action, mentioned, activityId, contentId, navigationId } = comment;
    const mentionedIds = mentioned.map(({ id }) => id);
    const through = cameThrough(grant);
    services.audit({ event: "commented", file: document.fileId, person, action, mentioned: mentionedIds, through });
    if (mentioned.length === 0 || action === "deleted") continue;
    await services.tellPortals({
      ...newsThrough(grant, grant.fileName),
      type: "mention",
      mark: JSON.stringify([person.id, activityId]),
      data: {
        action,
        content_id: contentId,
        navigation_id: navigationId ?? null,
        mentioned: mentioned.map(({ id, name = null }) => ({ id, name })),
      },
    });
  }
}

async function peopleMet({ activity, links }: Needs, { document, linkId }: AccessGrant) {
  const visits = linkId === undefined ? [] : await links.visits(linkId);
  return [...(await activity.people(document.fileId)), ...visits.map((visit) => visit.person)];
}

/** A stranger's word is not enough to have a portal call anybody: a visitor mentions people who have been here. */
function mentionsOf(
  { editorIds }: Needs,
  { ownerId, linkId }: AccessGrant,
  ids: readonly string[],
  met: readonly NamedPerson[],
): readonly Mention[] {
  const asMentioned = (id: string): readonly Mention[] => {
    const known = met.find((person) => editorIds({ person, ownerId }).userId === id);
    if (known !== undefined) return [{ id: known.id, name: known.name }];
    if (editorIds({ person: { id: ownerId, name: "" }, ownerId }).ownerId === id) return [{ id: ownerId }];
    return linkId === undefined ? [{ id }] : [];
  };
  return [...new Set(ids)].flatMap(asMentioned).slice(0, keptMentions);
}

/**
 * Pure: a file's comments, the newest first, and which of `reported` (in the order of writing) are new among them. Times
 * only rise, since open pages tell what is newer than the last they told.
 */
export function withComments(
  kept: readonly Comment[],
  reported: readonly Omit<Comment, "atMs">[],
  nowMs: number,
): { readonly comments: readonly Comment[]; readonly added: readonly Comment[] } {
  const keyOf = ({ activityId, person }: Omit<Comment, "atMs">) => JSON.stringify([person.id, activityId]);
  const known = new Set(kept.map(keyOf));
  const atMs = Math.max(nowMs, (kept[0]?.atMs ?? 0) + 1);
  const fresh: Comment[] = [];
  // Of more than can be kept, the same must be left when they are sent again.
  for (const comment of reported.slice(-keptComments.ofPerson)) {
    if (known.has(keyOf(comment))) continue;
    known.add(keyOf(comment));
    fresh.unshift({ ...comment, atMs });
  }
  const comments = withinShares([...fresh, ...kept]);
  return { comments, added: comments.filter((comment) => fresh.includes(comment)).reverse() };
}

/** Whoever comments a lot pushes out their own. */
function withinShares(newestFirst: readonly Comment[]): readonly Comment[] {
  const ofPeople = new Map<string, number>();
  let ofVisitors = 0;
  const isWithin = ({ person, linkId }: Comment): boolean => {
    const ofPerson = ofPeople.get(person.id) ?? 0;
    if (ofPerson >= keptComments.ofPerson) return false;
    if (linkId !== undefined && ofVisitors >= keptComments.ofVisitors) return false;
    ofPeople.set(person.id, ofPerson + 1);
    if (linkId !== undefined) ofVisitors++;
    return true;
  };
  return newestFirst.filter(isWithin).slice(0, keptComments.ofFile);
}
