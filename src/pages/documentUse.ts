import { z } from "zod";
import type { DriveEntry } from "../model/drive.ts";
import type { Services } from "../services.ts";
import type { DocumentsFacts } from "./views/documentsFacts.ts";

/** Somebody who leaves a list open longer than this reloads it. */
const watchedForMs = 12 * 3_600_000;
const purpose = "list";
const watchedSchema = z.object({ person: z.string(), files: z.array(z.string()) });

export type Use = Required<Pick<DocumentsFacts, "locked" | "people">>;

/** @returns which files somebody edits, and who has them open */
export async function useOf(
  { locks, activity }: Pick<Services, "locks" | "activity">,
  fileIds: readonly string[],
): Promise<Use> {
  const held = await Promise.all(fileIds.map((id) => locks.current(id)));
  const open = await Promise.all(fileIds.map((id) => activity.of(id)));
  const names = open.map(({ sessions }) => [...new Set(sessions.map(({ person }) => person.name))]);
  return {
    locked: new Set(fileIds.filter((_id, at) => held[at] !== undefined)),
    people: new Map(fileIds.map((id, at) => [id, names[at] ?? []])),
  };
}

export const filesIn = (entries: readonly DriveEntry[]): readonly string[] =>
  entries.filter(({ kind }) => kind === "file").map(({ id }) => id);

/** The page of a list keeps this, and asks with it who has these files open: nobody else's can be asked for. */
export function watchOf(
  { cookies }: Pick<Services, "cookies">,
  personId: string,
  fileIds: readonly string[],
): Promise<string> {
  return cookies.statement(purpose, { person: personId, files: fileIds }, watchedForMs);
}

/** @returns undefined when it was not made for this person, or too long ago */
export async function watchedFiles(
  { cookies }: Pick<Services, "cookies">,
  personId: string,
  watch: string,
): Promise<readonly string[] | undefined> {
  const watched = await cookies.verified(purpose, watch, watchedSchema);
  return watched?.person === personId ? watched.files : undefined;
}
