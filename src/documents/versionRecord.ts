import { z } from "zod";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { type NamedPerson, namedPersonSchema } from "../model/person.ts";
import { record, rowObject, type StoredRecord } from "../model/record.ts";
import { cameThrough } from "./grants.ts";
import type { PlacingFacts } from "./saveFacts.ts";

const savedVersionSchema = rowObject({
  version: z.string(),
  atMs: z.number(),
  person: namedPersonSchema,
  /** The link that the person came through. */
  linkId: z.string().exactOptional(),
  /** Who gave the right: `portal:NAME`, `link:ID`, `person:ID`; undefined = not known. */
  through: z.string().exactOptional(),
  /** The version whose content this one has again. */
  restoredFrom: z.string().exactOptional(),
});
/** Who stored a version through the bridge. The drive names the owner for each of them. */
export type SavedVersion = z.infer<typeof savedVersionSchema>;

const namedVersionSchema = rowObject({ version: z.string(), name: z.string() });

const copyMadeSchema = rowObject({
  copyId: z.string(),
  name: z.string(),
  /** The document that it is a copy of. */
  fileId: z.string(),
  /** The kind of a failure, or "unexpected"; a newer bridge may have stored one that is unknown here. */
  why: z.string(),
  /** Of changes that came after the end of the link or session, not of a conflict. */
  isLate: z.literal(true).exactOptional(),
  atMs: z.number(),
  person: namedPersonSchema,
  linkId: z.string().exactOptional(),
});
/** A copy that the bridge has put beside a document. */
export type CopyMade = z.infer<typeof copyMadeSchema>;

/** Each save writes the whole row, and Cloudreve keeps ten versions unless its user has chosen another number. */
const keptSaves = 50;
const keptNames = 200;
const keptCopies = 50;
/** In characters. */
export const longestVersionName = 80;

/** Per file: who saved which version, what the owner calls versions, and the copies made beside it. */
export class VersionRecord {
  readonly #saves: StoredRecord<SavedVersion[]>;
  readonly #names: StoredRecord<z.infer<typeof namedVersionSchema>[]>;
  /** By `file:ID` of the document, and by `link:ID` of the link they came through. */
  readonly #copies: StoredRecord<CopyMade[]>;
  readonly #now: Clock;

  constructor(store: KeyValueStore, now: Clock) {
    this.#saves = record(store, "versionSaves", z.array(savedVersionSchema));
    this.#names = record(store, "versionNames", z.array(namedVersionSchema));
    this.#copies = record(store, "copiesMade", z.array(copyMadeSchema));
    this.#now = now;
  }

  /** Records that a save is stored as a version. */
  async saved(fileId: string, version: string, by: PlacingFacts): Promise<void> {
    const { linkId, origin } = by;
    await this.#noteSave(fileId, {
      version,
      atMs: this.#now(),
      person: personOf(by),
      ...(linkId === undefined ? {} : { linkId }),
      ...(origin === undefined ? {} : { through: cameThrough({ issuedTo: origin }) }),
    });
  }

  /** Records who has added the document, as its first version. @param through as in `SavedVersion` */
  async added(fileId: string, version: string, { id, name }: NamedPerson, through: string): Promise<void> {
    await this.#noteSave(fileId, { version, atMs: this.#now(), person: { id, name }, through });
  }

  /** Records that the owner has stored an earlier content again. */
  async restored(fileId: string, version: string, restoredFrom: string, person: NamedPerson): Promise<void> {
    const { id, name } = person;
    await this.#noteSave(fileId, {
      version,
      atMs: this.#now(),
      person: { id, name },
      through: `person:${id}`,
      restoredFrom,
    });
  }

  async #noteSave(fileId: string, save: SavedVersion): Promise<void> {
    await this.#saves.update(fileId, (known = []) => {
      return [save, ...known.filter(({ version }) => version !== save.version)].slice(0, keptSaves);
    });
  }

  /** @returns by version */
  async saves(fileId: string): Promise<ReadonlyMap<string, SavedVersion>> {
    return new Map(((await this.#saves.get(fileId)) ?? []).map((save) => [save.version, save]));
  }

  /** @param name empty = none any more */
  async name(fileId: string, version: string, name: string): Promise<void> {
    await this.#names.update(fileId, (known = []) => {
      const others = known.filter((one) => one.version !== version);
      return (name === "" ? others : [{ version, name }, ...others]).slice(0, keptNames);
    });
  }

  /** @returns names by version */
  async names(fileId: string): Promise<ReadonlyMap<string, string>> {
    return new Map(((await this.#names.get(fileId)) ?? []).map(({ version, name }) => [version, name]));
  }

  /** Records a copy; one that is written again, as that of an ended session is, stays one. */
  async copied(
    by: PlacingFacts,
    copy: { readonly id: string; readonly name: string },
    why: CopyMade["why"],
  ): Promise<void> {
    const { linkId } = by;
    const made: CopyMade = {
      copyId: copy.id,
      name: copy.name,
      fileId: by.document.fileId,
      why,
      ...(by.isOfEndedGrant === true ? { isLate: true } : {}),
      atMs: this.#now(),
      person: personOf(by),
      ...(linkId === undefined ? {} : { linkId }),
    };
    const add = (id: string) =>
      this.#copies.update(id, (known = []) => {
        return [made, ...known.filter(({ copyId }) => copyId !== made.copyId)].slice(0, keptCopies);
      });
    await Promise.all([add(`file:${made.fileId}`), linkId !== undefined && add(`link:${linkId}`)]);
  }

  /** @returns copies of a document, the newest first; a person may have deleted them since */
  async copiesOf(fileId: string): Promise<readonly CopyMade[]> {
    return (await this.#copies.get(`file:${fileId}`)) ?? [];
  }

  /** @returns copies of what came through a link, as `copiesOf` */
  async copiesThrough(linkId: string): Promise<readonly CopyMade[]> {
    return (await this.#copies.get(`link:${linkId}`)) ?? [];
  }
}

function personOf({ personId, personName }: PlacingFacts): NamedPerson {
  return { id: personId ?? "", name: personName };
}
