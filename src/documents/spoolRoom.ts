/** Whose bytes they are: none of these may take the room of all. */
export interface RoomHolder {
  readonly fileId: string;
  readonly grantId: string;
  /** What the right came from: a link, a portal, a person. */
  readonly origin: string;
}

/** What one save takes up, or will once its body is whole. */
export interface RoomTaken {
  readonly holder: RoomHolder;
  /** Saves that each hold all before them: of those that are kept, a newer one is about to take the place. */
  readonly seriesKey: string | undefined;
  readonly isKept: boolean;
  /** Counted before the bytes come. */
  readonly reservedBytes: number;
  readonly writtenBytes: number;
}

export interface RoomWish {
  readonly holder: RoomHolder;
  readonly seriesKey: string | undefined;
  /** On top of what has been reserved before. */
  readonly bytes: number;
}

/** The disk that the spool lies on, as it is now. */
export interface SpoolDisk {
  readonly sizeBytes: number;
  readonly freeBytes: number;
}

const mostLeftFreeBytes = 64 * 1024 * 1024;
/**
 * The part of the room that may be one's; what is left is for the others. On one file too: when all that a link may
 * have is half-sent bodies for a file, its owner's largest save of that file has its place still.
 */
const shares = { grantId: 1 / 4, fileId: 3 / 4, origin: 1 / 2 } as const;

/** The largest part of the room that a single save can have. */
export const largestSaveShare = shares.grantId;

/** What the spool leaves free, for the store on the same disk and whatever else writes there, bytes. */
export function leftFreeBytes({ sizeBytes }: Pick<SpoolDisk, "sizeBytes">): number {
  return Math.min(mostLeftFreeBytes, Math.floor(sizeBytes / 8));
}

/** All that the spool may hold: what it has written, and what it could still write. */
export function roomBytes(taken: Iterable<RoomTaken>, disk: SpoolDisk, maxBytes: number): number {
  const writtenBytes = sum(taken, (one) => one.writtenBytes);
  return Math.min(maxBytes, writtenBytes + Math.max(0, disk.freeBytes - leftFreeBytes(disk)));
}

/** Is there room for so many bytes more? Bodies being received count by what they are to become. */
export function hasRoom(taken: readonly RoomTaken[], wish: RoomWish, disk: SpoolDisk, maxBytes: number): boolean {
  const room = roomBytes(taken, disk, maxBytes);
  if (sum(taken, (one) => one.reservedBytes) + wish.bytes > room) return false;
  return (["grantId", "fileId", "origin"] as const).every((by) => {
    // What is kept of the same series gives way once this save is there: it must not keep it out.
    const isOwn = ({ holder, isKept, seriesKey }: RoomTaken) =>
      holder[by] === wish.holder[by] && !(isKept && seriesKey !== undefined && seriesKey === wish.seriesKey);
    return sum(taken, (one) => (isOwn(one) ? one.reservedBytes : 0)) + wish.bytes <= room * shares[by];
  });
}

function sum(taken: Iterable<RoomTaken>, bytes: (one: RoomTaken) => number): number {
  let total = 0;
  for (const one of taken) total += bytes(one);
  return total;
}

/** For all saves together: when hundreds come at once, most are sent on from their files. */
const memoryBudgetBytes = 8 * 1024 * 1024;
/** The part of it that half-sent bodies of one link or portal can hold. */
const memoryShare = 1 / 2;

/** What bodies take up in memory, by the origin of their rights. */
export class MemoryRoom {
  readonly #takenBytes = new Map<string, number>();
  #totalBytes = 0;

  /** @param bytes negative gives back @returns whether there is room */
  take(origin: string, bytes: number): boolean {
    const ownBytes = (this.#takenBytes.get(origin) ?? 0) + bytes;
    const isTooMuch = this.#totalBytes + bytes > memoryBudgetBytes || ownBytes > memoryBudgetBytes * memoryShare;
    if (bytes > 0 && isTooMuch) return false;
    this.#totalBytes += bytes;
    if (ownBytes === 0) this.#takenBytes.delete(origin);
    else this.#takenBytes.set(origin, ownBytes);
    return true;
  }
}
