import { z } from "zod";
import { BridgeError, type Failure, type LockHolder } from "../model/failure.ts";

/**
 * The envelope of every answer of Cloudreve's API: always HTTP 200, errors in `code`.
 * @see recordings; reference cloudreve-v4 section 2
 */
export const envelopeSchema = z.object({
  code: z.number(),
  msg: z.string().optional().default(""),
  data: z.unknown().optional(),
  /** Of a call for several files (code 40081), by their uris. */
  aggregated_error: z.record(z.string(), z.object({ code: z.number(), msg: z.string() })).nullish(),
});

export type Envelope = z.infer<typeof envelopeSchema>;

/**
 * How the OAuth endpoints refuse: HTTP 400 in almost OAuth's own format, or an envelope as everywhere else.
 * @see recordings/cloudreve/oauth-*.json
 */
export const oauthRefusalSchema = z.union([
  z
    .object({ error: z.string(), error_codes: z.array(z.number()).min(1) })
    .transform(({ error, error_codes: [code = 0] }) => ({ code, said: error })),
  envelopeSchema.transform(({ code, msg }) => ({ code, said: msg })),
]);

const lockConflictSchema = z.array(
  z.object({
    owner: z.object({ application: z.object({ type: z.string() }).optional() }).optional(),
  }),
);

const failures: Readonly<Record<number, Failure>> = {
  401: { kind: "signInNeeded" },
  // A scope that the OAuth grant lacks, and a token or renewal that is refused.
  40089: { kind: "signInNeeded" },
  40020: { kind: "signInNeeded" },
  40022: { kind: "signInNeeded" },
  40026: { kind: "signInNeeded" },
  40080: { kind: "signInNeeded" },
  40017: { kind: "signInNeeded" },
  40018: { kind: "signInNeeded" },
  // Someone else's files, and files that don't exist: callers must not learn which.
  403: { kind: "fileMissing" },
  404: { kind: "fileMissing" },
  40016: { kind: "fileMissing" },
  40069: { kind: "fileMissing" },
  40077: { kind: "fileMissing" },
  40082: { kind: "fileMissing" },
  40007: { kind: "rightMissing", right: "group" },
  409: { kind: "driveBusy" },
  40004: { kind: "nameTaken" },
  40052: { kind: "nameIllegal", reason: "Cloudreve refuses this name" },
  40049: { kind: "bodyTooLarge", limitBytes: 0 },
  40051: { kind: "quotaExceeded" },
  40076: { kind: "changedInStorage" },
};

/** Cloudreve's application types in lock owners, and the bridge's words for them. */
const holders: Readonly<Record<string, LockHolder>> = { viewer: "editor", upload: "upload", dav: "webdav" };

/** Turns an envelope with an error code into the failure it means. */
export function errorOfEnvelope(envelope: Pick<Envelope, "code" | "msg" | "data" | "aggregated_error">): BridgeError {
  // The bridge asks for one file at a time: what happened to it is what happened.
  const [ofFile] = Object.values(envelope.aggregated_error ?? {});
  if (ofFile !== undefined) return errorOfEnvelope(ofFile);
  if (envelope.code === 40073) {
    return new BridgeError({ kind: "lockedElsewhere", holder: holderOf(envelope.data) });
  }
  const known = failures[envelope.code];
  return new BridgeError(known ?? { kind: "driveFailed", code: envelope.code, said: envelope.msg });
}

/**
 * Who holds the lock, from the error data of 40073. Its `token` could open the lock, so it is deliberately not read.
 * @see recordings/cloudreve/lock-conflict-rest.json
 */
function holderOf(data: unknown): LockHolder {
  const parsed = lockConflictSchema.safeParse(data);
  const type = parsed.success ? parsed.data[0]?.owner?.application?.type : undefined;
  return (type === undefined ? undefined : holders[type]) ?? "other";
}
