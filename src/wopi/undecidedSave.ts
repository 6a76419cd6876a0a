import {
  type AccessGrants,
  type EditingLife,
  editingEndsAtMs,
  lastSaveWithinMs,
  wopiFileId,
} from "../documents/grants.ts";
import type { PlacingFacts, UndecidedFacts } from "../documents/saveFacts.ts";
import type { SaveSpool } from "../documents/saveSpool.ts";
import type { Editors } from "../editors/discovery.ts";
import type { TokenClaims } from "../http/accessToken.ts";
import { BridgeError } from "../model/failure.ts";
import type { Clock } from "../model/keyValueStore.ts";
import { isProven, type Proof } from "./proofKey.ts";
import { placingFacts, placingHeaders } from "./putFile.ts";
import { declaredBytes, refuseTooLarge, type WopiCall } from "./wopiCall.ts";

/** An exit save with a token of ours, whose grant nobody can look up now. */
export interface UndecidedCall extends Pick<WopiCall, "header" | "body"> {
  readonly claims: TokenClaims;
}

/**
 * Spool first, decide later: an exit save that comes while the store is away is the only copy of somebody's work.
 * @returns what takes it; what the editor is told stays the same
 */
export function keepUndecided(parts: {
  readonly spool: SaveSpool;
  readonly limitBytes: number;
  readonly now: Clock;
  /** One was kept: it is decided when the store is back. */
  readonly kept: (save: UndecidedFacts) => void;
}): (call: UndecidedCall) => Promise<void> {
  return async (call) => {
    const { grantId, fileId, expiresAtMs } = call.claims;
    const receivedAtMs = parts.now();
    if (expiresAtMs + lastSaveWithinMs <= receivedAtMs) throw new BridgeError({ kind: "tokenInvalid" });
    refuseTooLarge(call, parts.limitBytes);
    const facts = { grantId, wopiFileId: fileId, ...placingHeaders(call), receivedAtMs };
    await parts.spool.receiveUndecided(call.body, facts, parts.limitBytes, declaredBytes(call));
    parts.kept(facts);
  };
}

/**
 * May this save go anywhere, by the rights of the moment when it came?
 * @returns undefined when it may not: its grant is not known (any more), was for viewing only, or had ended long before
 */
export function decideUndecided(grants: AccessGrants): (save: UndecidedFacts) => Promise<PlacingFacts | undefined> {
  return async (save) => {
    const grant = (await grants.find(save.grantId)) ?? (await grants.findEnded(save.grantId));
    if (grant === undefined || wopiFileId(grant.document) !== save.wopiFileId) return undefined;
    const facts = placingFacts(grant, save, save.receivedAtMs);
    switch (rightWhenItCame(grant, save.receivedAtMs)) {
      case "edit":
        return facts;
      case "justEnded":
        return { ...facts, isBesideOnly: true, isOfEndedGrant: true };
      default:
        return undefined;
    }
  };
}

export function rightWhenItCame(grant: EditingLife, receivedAtMs: number): "edit" | "justEnded" | "none" {
  const endsAtMs = editingEndsAtMs(grant);
  if (endsAtMs === undefined || receivedAtMs >= endsAtMs + lastSaveWithinMs) return "none";
  return receivedAtMs < endsAtMs ? "edit" : "justEnded";
}

/**
 * Is a call signed by an editor that is known here without asking anybody? Which one it must be, only the grant tells.
 * @throws proofInvalid
 */
export function requireKnownProof(
  editors: Pick<Editors, "known">,
  proofMode: "required" | "offered" | "off",
  proof: Proof,
  nowMs: number,
): void {
  if (proofMode === "off") return;
  const known = editors.known();
  if (known.some((keys) => keys !== undefined && isProven(proof, keys, nowMs))) return;
  const maySignNothing = known.length === 0 || known.some((keys) => keys?.proofKey === undefined);
  if (proofMode === "required" || !maySignNothing) throw new BridgeError({ kind: "proofInvalid" });
}
