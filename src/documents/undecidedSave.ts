import { BridgeError } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { type AccessGrants, type EditingLife, editingEndsAtMs, lastSaveWithinMs, wopiFileId } from "./grants.ts";
import { requireSize, type SaveBody } from "./saveDocument.ts";
import { ofEndedGrant, type PlacingFacts, placingFacts, type UndecidedFacts } from "./saveFacts.ts";

/**
 * Spool first, decide later: an exit save that arrives while the store is unreachable is the only copy of somebody's
 * work.
 * @param tokenEndsAtMs end of a token we signed, whose grant can't be read now
 * @throws tokenInvalid when it ended too long ago, bodyTooLarge, and what the spool throws
 */
export async function receiveUndecided(
  { spool, limitBytes, now, replay }: Pick<Services, "spool" | "limitBytes" | "now" | "replay">,
  save: Omit<UndecidedFacts, "receivedAtMs">,
  tokenEndsAtMs: number,
  body: SaveBody,
): Promise<void> {
  const receivedAtMs = now();
  if (tokenEndsAtMs + lastSaveWithinMs <= receivedAtMs) throw new BridgeError({ kind: "tokenInvalid" });
  requireSize(body, limitBytes);
  await spool.receiveUndecided(body.bytes, { ...save, receivedAtMs }, limitBytes, body.declaredBytes);
  replay.wake();
}

/**
 * Decides whether this save may be placed, by the permissions at the time it arrived.
 * @returns undefined when it may not: its grant is unknown (by now), was for viewing only, or had ended long before
 */
export async function decideUndecided(grants: AccessGrants, save: UndecidedFacts): Promise<PlacingFacts | undefined> {
  const grant = (await grants.find(save.grantId)) ?? (await grants.findEnded(save.grantId));
  if (grant === undefined || wopiFileId(grant.document) !== save.wopiFileId) return undefined;
  const facts = placingFacts(grant, save, save.receivedAtMs);
  switch (rightWhenItCame(grant, save.receivedAtMs)) {
    case "edit":
      return facts;
    case "justEnded":
      return ofEndedGrant(facts);
    default:
      return undefined;
  }
}

export function rightWhenItCame(grant: EditingLife, receivedAtMs: number): "edit" | "justEnded" | "none" {
  const endsAtMs = editingEndsAtMs(grant);
  if (endsAtMs === undefined || receivedAtMs >= endsAtMs + lastSaveWithinMs) return "none";
  return receivedAtMs < endsAtMs ? "edit" : "justEnded";
}
