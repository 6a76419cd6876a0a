import { z } from "zod";
import { editorKey } from "../editors/suites.ts";
import type { SaveBaseline } from "./contentRecord.ts";
import type { AccessGrant } from "./grants.ts";
import type { RoomHolder } from "./spoolRoom.ts";

/** The first line of a `.save` file. Its keys never change: older and newer bridges read each other's files. */
const placingLineSchema = z.object({
  grantId: z.string(),
  grantIssuedAtMs: z.number().optional(),
  document: z.object({ account: z.string(), fileId: z.string() }),
  /** The drive's id of the file's owner. */
  ownerId: z.string().optional(),
  personName: z.string(),
  personId: z.string().optional(),
  /** The link that the person came through. */
  linkId: z.string().optional(),
  /** Who gave the right: `portal:NAME`, `link:ID`, `person:ID`. */
  origin: z.string().optional(),
  editor: z.string(),
  fileName: z.string(),
  /** Folder that the file was last seen in: a copy goes there when the file is gone. */
  folderUri: z.string().optional(),
  requestLockId: z.string().optional(),
  timestamp: z.string().optional(),
  receivedAtMs: z.number(),
  /** The baseline. */
  stand: z
    .object({
      /** The load id. */
      copyId: z.string(),
      order: z.number(),
      baseVersion: z.string().optional(),
      lock: z.string().optional(),
    })
    .transform(({ copyId, ...base }) => ({ loadId: copyId, ...base }))
    .optional(),
  /** The sender may no longer edit the document, or the bytes are another file's: they go beside it. */
  isBesideOnly: z.boolean().optional(),
  isLastOfGrant: z.boolean().optional(),
});

/** What is needed to place the bytes of a save after the process that received them is gone. */
export type PlacingFacts = Omit<z.infer<typeof placingLineSchema>, "stand" | "isLastOfGrant"> & {
  /** undefined when it is not a save of the document itself, as in Save As. */
  readonly baseline?: SaveBaseline | undefined;
  /** Its grant has ended: it replaces what that grant has left beside the document before. */
  readonly isOfEndedGrant?: boolean | undefined;
};

const undecidedLineSchema = z.object({
  grantId: z.string(),
  /** The last segment of WOPISrc. */
  wopiFileId: z.string(),
  requestLockId: z.string().optional(),
  timestamp: z.string().optional(),
  receivedAtMs: z.number(),
});

/** What an exit save tells about itself when the bridge can't check whether it is allowed. */
export type UndecidedFacts = z.infer<typeof undecidedLineSchema>;

/** What the first line of a file in the spool says about its save. */
export type SaveHead =
  | { readonly is: "placing"; readonly facts: PlacingFacts }
  | { readonly is: "undecided"; readonly facts: UndecidedFacts }
  | { readonly is: "unread" };

/** @returns the line without its line end */
export function firstLineOf(head: Exclude<SaveHead, { is: "unread" }>): string {
  if (head.is === "undecided") return JSON.stringify(head.facts);
  const { baseline, isOfEndedGrant: isLastOfGrant, ...facts } = head.facts;
  const stand = baseline && (({ loadId, ...base }) => ({ copyId: loadId, ...base }))(baseline);
  return JSON.stringify({ ...facts, stand, isLastOfGrant } satisfies z.input<typeof placingLineSchema>);
}

/** @returns "unread" for a line that can't be parsed */
export function headIn(line: string, is: "placing" | "undecided"): SaveHead {
  try {
    const json: unknown = JSON.parse(line);
    if (is === "undecided") return { is, facts: undecidedLineSchema.parse(json) };
    const { stand: baseline, isLastOfGrant: isOfEndedGrant, ...facts } = placingLineSchema.parse(json);
    return { is, facts: { ...facts, baseline, isOfEndedGrant } };
  } catch {
    return { is: "unread" };
  }
}

/** The facts of a save that arrives now, under this grant. */
export function placingFacts(
  grant: AccessGrant,
  { requestLockId, timestamp }: Pick<PlacingFacts, "requestLockId" | "timestamp">,
  receivedAtMs: number,
): PlacingFacts {
  return {
    grantId: grant.id,
    grantIssuedAtMs: grant.issuedAtMs,
    document: { account: grant.document.account, fileId: grant.document.fileId },
    ownerId: grant.ownerId,
    personName: grant.person.name,
    personId: grant.person.id,
    ...(grant.linkId === undefined ? {} : { linkId: grant.linkId }),
    origin: grant.issuedTo,
    editor: editorKey(grant.actionUrl),
    fileName: grant.fileName,
    ...(requestLockId === undefined ? {} : { requestLockId }),
    ...(timestamp === undefined ? {} : { timestamp }),
    receivedAtMs,
  };
}

/** As the last save of an ended grant: of several that wait, only the newest is placed, and beside the document. */
export function ofEndedGrant({ baseline: _baseline, ...facts }: PlacingFacts): PlacingFacts {
  return { ...facts, isBesideOnly: true, isOfEndedGrant: true };
}

/** @returns a key shared by saves whose newest contains all the others; undefined for a save without a series */
export function seriesKey({ document, editor, baseline, grantId, isOfEndedGrant }: PlacingFacts): string | undefined {
  if (isOfEndedGrant === true) return `beside ${grantId} ${document.fileId}`;
  return baseline === undefined ? undefined : `${document.fileId} ${editor} ${baseline.loadId} ${baseline.lock ?? ""}`;
}

/** Which of two saves of one series is later: the one with the larger number. */
export function saveOrder({ baseline, receivedAtMs }: PlacingFacts): number {
  return baseline?.order ?? receivedAtMs;
}

/** `seriesKey` of any save in the spool. */
export function seriesKeyOf(head: SaveHead): string | undefined {
  if (head.is === "undecided") return `undecided ${head.facts.grantId} ${head.facts.wopiFileId}`;
  return head.is === "unread" ? undefined : seriesKey(head.facts);
}

export function orderOf(head: SaveHead): number {
  if (head.is === "unread") return 0;
  return head.is === "placing" ? saveOrder(head.facts) : head.facts.receivedAtMs;
}

export function holderOf(head: SaveHead): RoomHolder {
  switch (head.is) {
    case "placing": {
      const { document, grantId, origin, linkId } = head.facts;
      return { fileId: document.fileId, grantId, origin: origin ?? linkId ?? grantId };
    }
    case "undecided":
      return { fileId: head.facts.wopiFileId, grantId: head.facts.grantId, origin: "undecided" };
    default:
      return { fileId: "unread", grantId: "unread", origin: "unread" };
  }
}
