import type { NewsItem } from "../../documents/ownersNews.ts";
import type { DriveEntry, DriveOrder } from "../../model/drive.ts";
import type { NewDocumentFacts } from "./newDocumentForm.ts";
import type { PageContext } from "./page.ts";

/** What happened to a document, or could not. */
export const toldKinds = [
  "deleted",
  "restored",
  "renamed",
  "inUse",
  "inUseBelow",
  "restoreTaken",
  "restoreGone",
] as const;
export type Told = (typeof toldKinds)[number];

export interface DocumentsFacts {
  /** Folders below the root, down to the current one, which needs no uri; empty at the root. */
  readonly crumbs: readonly { readonly name: string; readonly uri?: string }[];
  readonly entries: readonly DriveEntry[];
  readonly next?: string;
  /** Number of saves of this person's documents that are not in the drive yet; left out = none. */
  readonly waitingSaves?: number;
  /** What others did to the person's documents, the newest first. */
  readonly news?: readonly NewsItem[];
  /** Ids of documents that are being edited. */
  readonly locked?: ReadonlySet<string>;
  /** Names of those who have a document open, by its id. */
  readonly people?: ReadonlyMap<string, readonly string[]>;
  /** Left out at the root. */
  readonly folderUri?: string;
  /** Whether an editor opens files with this name. */
  readonly opens: (name: string) => boolean;
  /** With this the page asks who has these documents open. */
  readonly watch?: string;
  /** What can be created here, and how large an upload may be. */
  readonly adding?: NewDocumentFacts & { readonly limitBytes: number };
  readonly order?: DriveOrder;
  /** The entries are those opened lately. */
  readonly isRecent?: true;
  /** The entries are those with this in their names. */
  readonly search?: string;
  readonly told?: { readonly kind: Told; readonly id: string; readonly name: string } | undefined;
}

export const rootUri = "cloudreve://my";
export const usualOrder: DriveOrder = { by: "name", direction: "asc" };

/** The address of a list of documents, such as a folder. */
export function listUrl(
  { bridgeUrl }: PageContext,
  {
    folderUri,
    isRecent,
    next,
    order,
    search,
  }: Pick<DocumentsFacts, "folderUri" | "isRecent" | "next" | "order" | "search">,
): string {
  const isUsual = order === undefined || (order.by === usualOrder.by && order.direction === usualOrder.direction);
  const query = new URLSearchParams({
    ...(folderUri === undefined ? {} : { folder: folderUri }),
    ...(isRecent ? { recent: "1" } : {}),
    ...(search === undefined ? {} : { q: search }),
    ...(isUsual ? {} : { sort: order.by, order: order.direction }),
    ...(next === undefined ? {} : { next }),
  });
  return `${bridgeUrl}/?${query.toString()}`;
}
