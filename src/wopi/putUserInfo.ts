import { z } from "zod";
import { type AccessGrant, isOwners } from "../documents/grants.ts";
import type { DriveDocument, DriveFiles } from "../model/drive.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import type { KeyValueStore } from "../model/keyValueStore.ts";
import { record } from "../model/record.ts";
import type { Services } from "../services.ts";
import { smallBody, type WopiOperation } from "./wopiCall.ts";

const limitBytes = 1024;
const dayMs = 24 * 3_600_000;
/** Counted from the last text; after that, the person has to set the editor up again. */
const keptForMs = { visitors: 30 * dayMs, others: 180 * dayMs };
/** A visitor can appear as a new person each time: only the latest of each link are stored. */
const visitorsAtMost = 100;

/**
 * Stores a text of the editor's for this person, on any file; CheckFileInfo returns it as UserInfo. An empty text is
 * deleted. The texts of a link's visitors, who are known only through the link, are stored with the link.
 * @see WOPI PutUserInfo
 */
export function putUserInfo(services: Pick<Services, "store" | "drive" | "now">): WopiOperation {
  return async (call) => {
    const bytes = await smallBody(call.body, limitBytes);
    if (bytes.some((byte) => byte > 127)) {
      throw new BridgeError({ kind: "headerInvalid", header: "body", reason: "not ASCII" });
    }
    await requireThere(services.drive, call.grant.document);
    const text = bytes.length === 0 ? undefined : bytes.toString("latin1");
    if (call.grant.linkId === undefined) await keepOwn(services, call.grant, text);
    else await keepVisitors(services, call.grant.linkId, call.grant.person.id, text);
    return {};
  };
}

/** @throws fileMissing; a drive that can't be reached is no reason to refuse */
export async function requireThere(drive: DriveFiles, document: DriveDocument): Promise<void> {
  try {
    await drive.stat(document);
  } catch (error) {
    if (failureOf(error, "fileMissing") !== undefined) throw error;
  }
}

const textSchema = z.string();
/** By id, the latest last. */
const textsSchema = z.array(z.tuple([z.string(), z.string()]));
const ownTexts = (store: KeyValueStore) => record(store, "userInfo", textSchema);
const visitorsTexts = (store: KeyValueStore) => record(store, "linkUserInfo", textsSchema);

async function keepOwn(
  { store, now }: Pick<Services, "store" | "now">,
  grant: AccessGrant,
  text: string | undefined,
): Promise<void> {
  if (text === undefined) await ownTexts(store).remove(ownId(grant));
  else await ownTexts(store).put(ownId(grant), text, now() + keptForMs.others);
}

async function keepVisitors(
  { store, now }: Pick<Services, "store" | "now">,
  linkId: string,
  personId: string,
  text: string | undefined,
): Promise<void> {
  const change = (known: [string, string][] = []): [string, string][] | undefined => {
    const others = known.filter(([id]) => id !== personId);
    const texts = text === undefined ? others : [...others, [personId, text] satisfies [string, string]];
    return texts.length === 0 ? undefined : texts.slice(-visitorsAtMost);
  };
  await visitorsTexts(store).update(linkId, change, now() + keptForMs.visitors);
}

/** @returns undefined when nothing is stored for this person */
export async function userInfo(store: KeyValueStore, grant: AccessGrant): Promise<string | undefined> {
  if (grant.linkId === undefined) return ownTexts(store).get(ownId(grant));
  const texts = await visitorsTexts(store).get(grant.linkId);
  return texts?.find(([id]) => id === grant.person.id)?.[1];
}

/** A portal that names no user must not read what the owner's editor has stored: both have the owner's id. */
function ownId(grant: AccessGrant): string {
  const { person, ownerId, issuedTo } = grant;
  return person.id === ownerId && !isOwners(grant) ? `${issuedTo}:${person.id}` : person.id;
}
