import type { EditorAction } from "../editors/discovery.ts";
import { type OpeningAddress, openingAddress } from "../editors/openingAddress.ts";
import type { DriveFile } from "../model/drive.ts";
import type { Services } from "../services.ts";
import { type AccessGrant, mayConvert } from "./grants.ts";
import { wopiSrc } from "./openSession.ts";

type Needs = Pick<Services, "editors" | "grants" | "wopiUrl">;

/** What is known of whoever looks, once their browser asks. */
export interface Reader {
  readonly isPhone: boolean;
  /** What their browser speaks, for where nobody has chosen a language; undefined = it does not say. */
  readonly language: string | undefined;
}

/**
 * Chooses the address of a grant again, for a page that is about to be shown: from today's discovery, and for
 * whoever asks, who is not known when a portal opens the session. The grant keeps what is chosen.
 * @returns undefined when there is nothing better than the grant's own address
 */
export async function addressForPage(
  services: Needs,
  grant: AccessGrant,
  file: DriveFile,
  reader: Reader,
): Promise<OpeningAddress | undefined> {
  const actions = await services.editors.offersOf(grant.actionUrl);
  const address = addressToday(services, grant, actions, file, reader);
  if (address !== undefined && address.actionUrl !== grant.actionUrl) {
    await services.grants.moved(grant.id, address.actionUrl);
  }
  return address;
}

/**
 * For an open page whose editor did not come up: reads the editor's discovery again.
 * @returns undefined when the editor has no other address now
 */
export async function freshAddress(
  services: Needs & Pick<Services, "drive">,
  grant: AccessGrant,
  reader: Reader,
): Promise<string | undefined> {
  const editor = await services.editors.signerOf(grant.actionUrl);
  if (editor === undefined) return undefined;
  await editor.refreshed();
  const file = await services.drive.stat(grant.document);
  const address = await addressForPage(services, grant, file, reader);
  return address === undefined || address.actionUrl === grant.actionUrl ? undefined : address.actionUrl;
}

/** Whether an editor could change the document, if the person may; true where no discovery tells. */
export async function canBeEdited(services: Needs, grant: AccessGrant, file: DriveFile): Promise<boolean> {
  const actions = await services.editors.offersOf(grant.actionUrl);
  const address = addressToday(services, { ...grant, permission: "edit" }, actions, file, {
    isPhone: false,
    language: undefined,
  });
  return address === undefined || address.permission === "edit";
}

function addressToday(
  { wopiUrl }: Needs,
  grant: AccessGrant,
  actions: readonly EditorAction[],
  file: DriveFile,
  reader: Reader,
): OpeningAddress | undefined {
  const { opening, permission, document } = grant;
  if (opening === undefined) return undefined;
  return openingAddress(actions, {
    fileName: file.name,
    sizeBytes: file.sizeBytes,
    permission,
    isPhone: reader.isPhone,
    isEmbedded: opening.isEmbedded,
    maySaveAs: mayConvert(grant),
    wopiSrc: wopiSrc(wopiUrl, document),
    language: opening.language ?? reader.language,
    theme: opening.theme,
  });
}
