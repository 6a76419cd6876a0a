import type { Activity, OpenSession } from "../documents/activity.ts";
import type { AccessGrant } from "../documents/grants.ts";
import type { Services } from "../services.ts";
import type { PresentPerson } from "./pageMessages.ts";

/**
 * Who has the document open, as one session may know it, oneself first. Everybody counts once. A link's visitor learns
 * the names of others by giving one, as links ask for it that their owner has made so; the others only learn how many
 * there are. A browser that crashed is gone from it when its session counts as closed.
 * @see seenWithinMs
 */
export function peopleIn(
  { editorIds }: Pick<Services, "editorIds">,
  grant: AccessGrant,
  { sessions }: Pick<Activity, "sessions">,
): readonly PresentPerson[] {
  const { linkId, ownerId, person } = grant;
  const isMe = (session: OpenSession) => session.grantId === grant.id || session.person.id === person.id;
  const mayKnowNames = linkId === undefined || person.isNameless !== true;
  const isOwner = person.id === ownerId;
  const people = new Map<string, PresentPerson>();
  for (const session of sessions) {
    const is_me = isMe(session);
    const key = is_me ? person.id : session.person.id || session.grantId;
    const known = people.get(key);
    const since = Math.min(session.openedAtMs, known?.since ?? Number.POSITIVE_INFINITY);
    people.set(key, {
      id: linkId === undefined ? editorIds({ person: { id: session.person.id, name: "" }, ownerId }).userId : null,
      name: is_me || mayKnowNames ? session.person.name : null,
      is_me,
      permission: known?.permission === "edit" ? "edit" : session.permission,
      since,
      ...(isOwner && session.isVisitor === true ? { by_link: true as const } : {}),
    });
  }
  return [...people.values()].sort((a, b) => Number(b.is_me) - Number(a.is_me) || a.since - b.since);
}
