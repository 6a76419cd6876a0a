import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Bytes, DriveFile, DriveVersion } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";
import type { NamedPerson } from "../model/person.ts";
import type { Services } from "../services.ts";
import { sha256OfBody } from "./storedContent.ts";

type Needs = Pick<Services, "drive" | "locks" | "content" | "versionRecord" | "activity" | "audit">;

interface RestoreRequest {
  readonly fileId: string;
  /** The version whose content is wanted. */
  readonly version: string;
  /** What was current when the person decided. */
  readonly currentVersion: string;
}

interface RestoredDocument {
  readonly file: DriveFile;
  /** Whether the drive still has the version that was current before: not if its owner has switched versions off. */
  readonly isReplacedKept: boolean;
}

/**
 * Stores the content of an earlier version as a new one. Cloudreve could also make the old one current, but an item
 * version must never come back: editors keep copies by it, and the next saves would push out what was just restored.
 * @returns the document as it is then; the same for the second of two equal requests
 * @throws lockMismatch while somebody edits it, lockedElsewhere, changedInStorage, fileMissing when the drive no longer
 *   has the version, quotaExceeded, driveFailed when the drive says that it was done and it was not
 */
export async function restoreVersion(
  services: Needs,
  person: NamedPerson & { readonly account: string },
  { fileId, version, currentVersion }: RestoreRequest,
): Promise<RestoredDocument> {
  const { drive, locks, content, versionRecord } = services;
  const { account } = person;
  return locks.exclusively(fileId, async (lock) => {
    await lock.requireNone();
    const { file, versions } = await drive.versions(account, fileId);
    const wanted = versions.find((one) => one.version === version);
    if (wanted === undefined) throw new BridgeError({ kind: "fileMissing" });
    if (version === file.version) return { file, isReplacedKept: true };
    if (file.version !== currentVersion) {
      const saves = await versionRecord.saves(fileId);
      // A second click: the first one has done it.
      if (saves.get(file.version)?.restoredFrom === version) return { file, isReplacedKept: true };
      throw new BridgeError({ kind: "changedInStorage" });
    }
    // An expired WOPI lock may still be held in the drive.
    await lock.releaseInDrive();
    const reading = new VersionReading((one, range, signal) => drive.readVersion(account, file, one, range, signal));
    // Before anything is written: what can't be read can't be restored.
    const sha256 = await reading.sha256(wanted);
    lock.requireLease();
    const written = await reading.lend(wanted, (bytes) =>
      drive.write({ account, fileId }, file, bytes, { previousVersion: file.version }),
    );
    const after = await drive.versions(account, fileId);
    const stored = after.versions.find((one) => one.version === after.file.version);
    const isDone =
      stored !== undefined &&
      stored.version === written.version &&
      stored.version !== file.version &&
      (await reading.sha256(stored)) === sha256;
    if (!isDone) throw new BridgeError({ kind: "driveFailed", code: 200, said: "the version was not restored" });
    const isReplacedKept = after.versions.some((one) => one.version === file.version);
    await Promise.all([
      content.stored(after.file, sha256),
      versionRecord.restored(fileId, stored.version, version, person),
      services.activity.saved(fileId, person, stored.version),
    ]);
    services.audit({
      event: "restored",
      file: fileId,
      person: { id: person.id, name: person.name },
      version: stored.version,
      from: version,
      ...(isReplacedKept ? {} : { replacedIsGone: true }),
    });
    return { file: after.file, isReplacedKept };
  });
}

type ReadVersion = (
  version: DriveVersion,
  range: string | undefined,
  signal: AbortSignal,
) => Promise<{ readonly body: Readable }>;

/** Reads versions of one file, as often as a write needs them. */
class VersionReading {
  readonly #read: ReadVersion;

  constructor(read: ReadVersion) {
    this.#read = read;
  }

  /** @returns base64 of the SHA-256 @throws driveUnreachable when the bytes stop */
  async sha256(version: DriveVersion): Promise<string> {
    const { body } = await this.#read(version, undefined, new AbortController().signal);
    return sha256OfBody(body);
  }

  /** Does the work with the version's bytes; reads that it has begun end with it. */
  async lend<Result>(version: DriveVersion, work: (bytes: Bytes) => Promise<Result>): Promise<Result> {
    const hangUp = new AbortController();
    const opened: PassThrough[] = [];
    const open = (first = 0, lengthBytes?: number): Readable => {
      const through = new PassThrough();
      // A write may have ended before its bytes do: then nobody listens any more.
      through.on("error", () => undefined);
      opened.push(through);
      this.#read(version, rangeOf(first, lengthBytes), hangUp.signal)
        .then(({ body }) => pipeline(body, through))
        .catch((error: unknown) => through.destroy(error instanceof Error ? error : undefined));
      return through;
    };
    try {
      return await work({ sizeBytes: version.sizeBytes, open });
    } finally {
      hangUp.abort();
      for (const through of opened) through.destroy();
    }
  }
}

function rangeOf(first: number, lengthBytes: number | undefined): string | undefined {
  if (lengthBytes !== undefined) return `bytes=${first}-${first + lengthBytes - 1}`;
  return first === 0 ? undefined : `bytes=${first}-`;
}
