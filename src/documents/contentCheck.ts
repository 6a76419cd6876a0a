import type { Readable } from "node:stream";
import type { Bytes, DriveContent, DriveDocument, DriveFile, DriveFiles } from "../model/drive.ts";
import { BridgeError, failureOf, isConflict } from "../model/failure.ts";
import { fileType } from "../model/fileName.ts";
import type { SpooledSave } from "./saveSpool.ts";

/** Readers accept a PDF whose header is anywhere in here; the other containers begin with the first byte. */
const lookedAtBytes = 1024;

type Container = "zip" | "ole" | "pdf";

const marks: Readonly<Record<Container, (start: Buffer) => boolean>> = {
  zip: (start) => start.subarray(0, 4).equals(Buffer.from("PK\u0003\u0004", "latin1")),
  ole: (start) => start.subarray(0, 8).equals(Buffer.from("d0cf11e0a1b11ae1", "hex")),
  pdf: (start) => start.includes("%PDF-"),
};

/** With a password, Office's own zip formats are OLE files; OpenDocument stays a zip. */
const formats: readonly { readonly types: string; readonly containers: readonly Container[] }[] = [
  {
    types: "docx docm dotx dotm xlsx xlsm xlsb xltx xltm pptx pptm ppsx ppsm potx potm vsdx vsdm vssx vstx",
    containers: ["zip", "ole"],
  },
  { types: "odt ods odp odg odf odm ott ots otp otg sxw sxc sxi epub", containers: ["zip"] },
  { types: "doc dot xls xlt ppt pps pot vsd", containers: ["ole"] },
  { types: "pdf", containers: ["pdf"] },
];

const containersOf = new Map(formats.flatMap(({ types, containers }) => types.split(" ").map((t) => [t, containers])));

type Verdict = "meant" | "empty" | "damaged" | "unknown";

interface Content {
  readonly sizeBytes: number;
  /** Its first bytes; undefined = not read. */
  readonly start: Buffer | undefined;
}

/**
 * Can somebody have meant these bytes to be the document? `empty` and `damaged`: no, by the format that the name says.
 * Formats of text may hold anything, and so may a file that is empty or not of its format already.
 * @param stored what would be replaced; undefined = not looked at
 * @returns `unknown` when that depends on what has not been read
 */
export function judgeContent(fileName: string, body: Content, stored: Content | undefined): Verdict {
  const containers = containersOf.get(fileType(fileName) ?? "");
  const isOf = (start: Buffer) => containers?.some((container) => marks[container](start)) ?? true;
  if (containers === undefined || stored?.sizeBytes === 0) return "meant";
  if (body.sizeBytes === 0) return stored === undefined ? "unknown" : "empty";
  if (body.start === undefined) return "unknown";
  if (isOf(body.start)) return "meant";
  if (stored?.start === undefined) return "unknown";
  return isOf(stored.start) ? "damaged" : "meant";
}

/** Whether losing these bytes loses nothing, whatever is stored. */
export function isWorthless(fileName: string, sizeBytes: number): boolean {
  return sizeBytes === 0 && containersOf.has(fileType(fileName) ?? "");
}

/**
 * Requires that the bytes can be meant to replace what is stored. The drive is read only when they look wrong.
 * @returns whether it was: what the caller knew of lock and version may be outdated by then
 * @throws contentInvalid, and what the drive throws
 */
export async function requireMeant(
  drive: DriveFiles,
  document: DriveDocument,
  stored: DriveFile,
  save: Bytes,
): Promise<boolean> {
  const { name, sizeBytes } = stored;
  let verdict = judgeContent(name, unread(save), unread(stored));
  const body = verdict === "unknown" ? await contentOf(save) : undefined;
  if (body !== undefined) verdict = judgeContent(name, body, unread(stored));
  const isDriveRead = body !== undefined && verdict === "unknown";
  if (isDriveRead) {
    const start = await storedStart(drive, document, stored);
    verdict = judgeContent(name, body, { sizeBytes, start });
  }
  requireVerdict(verdict);
  return isDriveRead;
}

/**
 * As `requireMeant`, before bytes go beside the document. In doubt they are worth it: when the document is gone, or the
 * drive does not tell.
 * @throws contentInvalid, and nothing else
 */
export async function requireWorthACopy(drive: DriveFiles, save: SpooledSave): Promise<void> {
  const { document, fileName } = save.facts;
  if (isWorthless(fileName, save.sizeBytes)) requireVerdict("empty");
  if (judgeContent(fileName, await contentOf(save), undefined) === "meant") return;
  try {
    await requireMeant(drive, document, await drive.stat(document), save);
  } catch (error) {
    if (failureOf(error, "contentInvalid") !== undefined) throw error;
  }
}

function requireVerdict(verdict: Verdict): void {
  if (verdict === "empty" || verdict === "damaged") throw new BridgeError({ kind: "contentInvalid", found: verdict });
}

const unread = ({ sizeBytes }: { readonly sizeBytes: number }): Content => ({ sizeBytes, start: undefined });

async function contentOf(bytes: Bytes): Promise<Content> {
  const { sizeBytes } = bytes;
  if (sizeBytes === 0) return { sizeBytes, start: Buffer.alloc(0) };
  return { sizeBytes, start: await startOf(bytes.open(0, Math.min(lookedAtBytes, sizeBytes))) };
}

/** @throws driveBusy when another version was stored meanwhile, driveUnreachable, and what the drive throws */
async function storedStart(drive: DriveFiles, document: DriveDocument, file: DriveFile): Promise<Buffer> {
  const { body, version } = await readStart(drive, document, file);
  if (version !== file.version) {
    body.destroy();
    throw new BridgeError({ kind: "driveBusy" });
  }
  try {
    return await startOf(body);
  } catch (error) {
    throw new BridgeError({ kind: "driveUnreachable" }, { cause: error });
  }
}

async function readStart(drive: DriveFiles, document: DriveDocument, file: DriveFile): Promise<DriveContent> {
  try {
    return await drive.read(document, file, `bytes=0-${lookedAtBytes - 1}`, new AbortController().signal);
  } catch (error) {
    // A conflict about reading is none about the save: a caller that confused them would discard the bytes.
    if (isConflict(error)) throw new BridgeError({ kind: "driveBusy" }, { cause: error });
    throw error;
  }
}

/** Reads no more than is needed: the source may ignore a range. */
async function startOf(source: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    sizeBytes += chunk.length;
    if (sizeBytes >= lookedAtBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, lookedAtBytes);
}
