/** Who the bytes belong to: none of these may use up the room of everybody else. */
export interface RoomHolder {
  readonly fileId: string;
  readonly grantId: string;
  /** Where the permission came from: a link, a portal, a person. */
  readonly origin: string;
}

/** The room that one save uses, or will use once its body is complete. */
export interface RoomTaken {
  readonly holder: RoomHolder;
  /** Saves of one series each contain all earlier ones: a new one will replace those that are kept. */
  readonly seriesKey: string | undefined;
  readonly isKept: boolean;
  /** Reserved before the bytes arrive. */
  readonly reservedBytes: number;
  readonly writtenBytes: number;
}

export interface RoomWish {
  readonly holder: RoomHolder;
  readonly seriesKey: string | undefined;
  /** In addition to what was reserved before. */
  readonly bytes: number;
}

/** The current state of the disk that the spool is on. */
export interface SpoolDisk {
  readonly sizeBytes: number;
  readonly freeBytes: number;
}

const mostLeftFreeBytes = 64 * 1024 * 1024;
/**
 * The part of the room that one grant, file or origin may use; the rest is for others. The file has a share too: even
 * when half-sent bodies for one file use all that a link may have, there is still room for the owner's largest save of
 * that file.
 */
const shares = { grantId: 1 / 4, fileId: 3 / 4, origin: 1 / 2 } as const;

/** The largest part of the room that a single save can use. */
export const largestSaveShare = shares.grantId;

/** Bytes that the spool leaves free, for the store on the same disk and for other programs. */
export function leftFreeBytes({ sizeBytes }: Pick<SpoolDisk, "sizeBytes">): number {
  return Math.min(mostLeftFreeBytes, Math.floor(sizeBytes / 8));
}

/** All that the spool may hold: what it has written, and what it could still write. */
export function roomBytes(taken: Iterable<RoomTaken>, disk: SpoolDisk, maxBytes: number): number {
  let writtenBytes = 0;
  for (const one of taken) writtenBytes += one.writtenBytes;
  return roomOf(writtenBytes, disk, maxBytes);
}

/** Is there room for this many more bytes? Bodies being received count with their final size. */
export function hasRoom(taken: Iterable<RoomTaken>, wish: RoomWish, disk: SpoolDisk, maxBytes: number): boolean {
  const { holder, seriesKey, bytes } = wish;
  let writtenBytes = 0;
  let all = bytes;
  const own = { grantId: bytes, fileId: bytes, origin: bytes };
  // Thousands may wait: one pass.
  for (const one of taken) {
    writtenBytes += one.writtenBytes;
    all += one.reservedBytes;
    // Kept saves of the same series are removed once this save is stored, so they must not keep it out.
    if (seriesKey !== undefined && one.seriesKey === seriesKey && one.isKept) continue;
    if (one.holder.grantId === holder.grantId) own.grantId += one.reservedBytes;
    if (one.holder.fileId === holder.fileId) own.fileId += one.reservedBytes;
    if (one.holder.origin === holder.origin) own.origin += one.reservedBytes;
  }
  const room = roomOf(writtenBytes, disk, maxBytes);
  return all <= room && (["grantId", "fileId", "origin"] as const).every((by) => own[by] <= room * shares[by]);
}

function roomOf(writtenBytes: number, disk: SpoolDisk, maxBytes: number): number {
  return Math.min(maxBytes, writtenBytes + Math.max(0, disk.freeBytes - leftFreeBytes(disk)));
}

/** For all saves together: when hundreds arrive at once, most are sent on from their files. */
const memoryBudgetBytes = 8 * 1024 * 1024;
/** The part of it that half-sent bodies of one link or portal may use. */
const memoryShare = 1 / 2;

/** The memory that bodies use, by the origin of their permission. */
export class MemoryRoom {
  readonly #takenBytes = new Map<string, number>();
  #totalBytes = 0;

  /** @param bytes a negative number gives room back @returns whether there is room */
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
