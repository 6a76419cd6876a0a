// Who has the document open, as portals and people are told.
import type { HostPageWords } from "../../words/words.ts";
import type { PresentPerson } from "../pageMessages.ts";
import type { DocumentEvents } from "./embedTypes.d.ts";
import { fill } from "./statusLine.ts";

export type Told = DocumentEvents["presence"]["people"];

/** What a portal is told of them. */
export function presence(people: readonly PresentPerson[]): Told {
  return people.map(({ id, name, is_me, permission, since }) => ({
    id,
    name,
    own: is_me,
    permission,
    since: new Date(since).toISOString(),
  }));
}

/** One line of the list. */
export function personInWords(
  { name, is_me, permission, since }: PresentPerson,
  words: HostPageWords,
  time: (ms: number) => string,
): string {
  const shown = name ?? words.somebody;
  return fill(permission === "edit" ? words.personEditing : words.personViewing, {
    person: is_me ? fill(words.personYou, { person: shown }) : shown,
    time: time(since),
  });
}
