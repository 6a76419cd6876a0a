import type { Response } from "express";
import { holderReason } from "../model/drive.ts";
import type { Failure } from "../model/failure.ts";
import { nameForHeader } from "./nameHeader.ts";

interface Statuses {
  /** For an editor's server: WOPI has no 403, and a fault of the drive is never a 401. */
  readonly wopi: number;
  /** For a person or a portal. */
  readonly web: number;
  /** One sentence for the reader; details of the failure are added where they help. */
  readonly title: string;
}

const answers: Readonly<Record<Failure["kind"], Statuses>> = {
  tokenInvalid: { wopi: 401, web: 401, title: "The access token is missing, invalid or expired." },
  keyInvalid: { wopi: 401, web: 401, title: "The portal key or token is missing or invalid." },
  portalKeysUnreachable: { wopi: 503, web: 503, title: "The portal's public keys could not be fetched." },
  proofInvalid: { wopi: 500, web: 500, title: "The request is not signed by the editor." },
  ticketInvalid: { wopi: 404, web: 410, title: "This address has already been used or has expired." },
  linkUnknown: { wopi: 404, web: 404, title: "Link not found." },
  linkEnded: { wopi: 404, web: 410, title: "This link has been revoked or has expired." },
  accessNotAsked: { wopi: 404, web: 404, title: "This visitor has not asked to edit." },
  accessAnswered: { wopi: 409, web: 409, title: "The request has been answered otherwise." },
  tooManyAttempts: { wopi: 503, web: 429, title: "Too many attempts." },
  originForeign: { wopi: 404, web: 403, title: "The request came from another site." },
  fileMissing: { wopi: 404, web: 404, title: "File not found." },
  rightMissing: { wopi: 404, web: 404, title: "You don't have permission to do this." },
  headerInvalid: { wopi: 400, web: 400, title: "A header is missing or invalid." },
  requestInvalid: { wopi: 400, web: 422, title: "The request is invalid." },
  pathUnknown: { wopi: 404, web: 404, title: "There is no such address." },
  methodNotAllowed: { wopi: 501, web: 405, title: "This address does not know this method." },
  // Only portals send such keys: for WOPI, a 409 would be about a lock.
  idempotencyKeyReused: { wopi: 400, web: 422, title: "The Idempotency-Key was used for another request." },
  callUnderWay: { wopi: 503, web: 409, title: "The first request with this Idempotency-Key is still being served." },
  noEditor: { wopi: 404, web: 422, title: "No editor can open this file." },
  notImplemented: { wopi: 501, web: 501, title: "This is not supported." },
  lockMismatch: { wopi: 409, web: 409, title: "The file is locked." },
  lockedElsewhere: { wopi: 409, web: 409, title: "The file is locked by another program." },
  changedInStorage: { wopi: 409, web: 409, title: "The file has changed in the drive." },
  bodyTooLarge: { wopi: 413, web: 422, title: "The file is too large." },
  bodyCut: { wopi: 400, web: 400, title: "The request body was cut off." },
  // For an editor this is a failed save: a 409 would ask people to choose between it and the document.
  contentInvalid: { wopi: 400, web: 422, title: "The content is empty or damaged." },
  expectedSizeExceeded: { wopi: 412, web: 412, title: "The file is larger than expected." },
  rangeInvalid: { wopi: 416, web: 416, title: "The requested range is outside the file." },
  nameTaken: { wopi: 409, web: 409, title: "That name is already taken." },
  nameIllegal: { wopi: 400, web: 422, title: "That name is not allowed." },
  folderNotEmpty: { wopi: 409, web: 409, title: "The folder is not empty." },
  // Collabora says "disk full" for a 413, which is what a full quota means.
  quotaExceeded: { wopi: 413, web: 507, title: "This account has no storage space left." },
  signInNeeded: { wopi: 503, web: 401, title: "The account needs to sign in to the drive again." },
  fileUnproven: { wopi: 503, web: 503, title: "The file may have been moved or replaced, so it was left untouched." },
  driveBusy: { wopi: 503, web: 503, title: "The drive is busy with this file." },
  tooManyCalls: { wopi: 503, web: 503, title: "Too much is open at once for this session." },
  driveUnreachable: { wopi: 503, web: 503, title: "The drive does not answer." },
  driveFailed: { wopi: 500, web: 502, title: "The drive gave an answer that helps nobody." },
  editorUnreachable: { wopi: 503, web: 503, title: "The editor does not answer." },
  storeUnreachable: { wopi: 503, web: 503, title: "The bridge does not reach its store." },
  rowUnreadable: { wopi: 500, web: 500, title: "The bridge can't read a record in its store." },
  spoolFailed: { wopi: 500, web: 500, title: "The bridge can't keep the save: its disk refuses." },
  // This passes. On 413 Collabora makes the document read-only for everyone; on this it keeps it and saves again.
  spoolFull: { wopi: 503, web: 503, title: "The bridge has no room for the save now." },
};

/** Open calls end soon, or are cut off. @see requireMovement */
const retryCallsAfterSeconds = 10;

interface WopiFailure {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly text?: string;
}

/** What an editor hears: status, the lock headers WOPI requires, and Collabora's code for a change by someone else. */
export function wopiFailure(failure: Failure): WopiFailure {
  const status = answers[failure.kind].wopi;
  switch (failure.kind) {
    case "lockMismatch": {
      const isFree = failure.currentLockId === "";
      const reason = isFree ? "The file is not locked" : "The file is locked by another session";
      return { status, headers: { "X-WOPI-Lock": failure.currentLockId, "X-WOPI-LockFailureReason": reason } };
    }
    case "lockedElsewhere":
      return {
        status,
        headers: {
          // Anyone with the drive's lock token could use it, so editors learn only that there is a lock.
          "X-WOPI-Lock": "",
          "X-WOPI-LockedByOtherInterface": "true",
          "X-WOPI-LockFailureReason": holderReason[failure.holder],
        },
      };
    case "changedInStorage":
      return {
        status,
        headers: {
          "X-WOPI-Lock": failure.currentLockId ?? "",
          "X-WOPI-LockFailureReason": "The file has changed in the drive",
        },
        json: { COOLStatusCode: 1010, LOOLStatusCode: 1010 },
      };
    case "nameTaken": {
      const { freeName } = failure;
      const free = freeName === undefined ? {} : { "X-WOPI-ValidRelativeTarget": nameForHeader(freeName) };
      // WOPI requires the lock header on every 409; here no lock is involved.
      return { status, headers: { "X-WOPI-Lock": "", ...free } };
    }
    case "folderNotEmpty":
      return { status, headers: { "X-WOPI-Lock": "" } };
    case "nameIllegal":
      return { status, headers: { "X-WOPI-InvalidFileNameError": failure.reason } };
    case "tooManyAttempts": {
      const minutes = Math.ceil(failure.retryAfterSeconds / 60);
      return {
        status,
        headers: {
          "Retry-After": String(failure.retryAfterSeconds),
          "X-WOPI-ServerError": `Too many attempts. Try again in ${minutes} min`,
        },
      };
    }
    case "contentInvalid": {
      const what = failure.found === "empty" ? "is empty" : "is not a file of this type";
      return { status, headers: {}, text: `What the editor sent ${what}. The document was left as it is.\n` };
    }
    case "rangeInvalid":
      return { status, headers: { "Content-Range": `bytes */${failure.sizeBytes}` } };
    case "tooManyCalls":
      return {
        status,
        headers: { "Retry-After": String(retryCallsAfterSeconds) },
        text: `Too many ${failure.of} are open at once for this session.\n`,
      };
    default:
      return { status, headers: {} };
  }
}

export function writeWopiFailure(response: Response, failure: Failure): void {
  const { status, headers, json, text } = wopiFailure(failure);
  response.status(status).set(headers);
  if (json !== undefined) response.json(json);
  else if (text !== undefined) response.type("text/plain").send(text);
  else response.end();
}

/** Answers a portal: RFC 9457 problem details with the failure's kind as a stable `code`. */
export function writeProblem(response: Response, failure: Failure): void {
  const { web, title } = answers[failure.kind];
  response.status(web).type("application/problem+json");
  if (web === 401) response.set("WWW-Authenticate", challengeOf(failure));
  if (failure.kind === "methodNotAllowed") response.set("Allow", failure.allowed.join(", "));
  if (failure.kind === "callUnderWay") response.set("Retry-After", "1");
  if (failure.kind === "tooManyAttempts") response.set("Retry-After", String(failure.retryAfterSeconds));
  const detail = detailOf(failure);
  response.send(
    JSON.stringify({
      type: "about:blank",
      title,
      status: web,
      code: failure.kind,
      ...(detail === undefined ? {} : { detail }),
      ...(failure.kind === "requestInvalid" ? { errors: failure.issues } : {}),
      ...(failure.kind === "nameTaken" && failure.freeName !== undefined ? { free_name: failure.freeName } : {}),
    }),
  );
}

/** RFC 6750: whoever sent no token hears of no error in it. */
function challengeOf(failure: Failure): string {
  if (failure.kind !== "keyInvalid" || failure.reason === undefined) return "Bearer";
  return `Bearer error="invalid_token", error_description="${failure.reason}"`;
}

/** The sentence that people and portals read for a kind of failure. */
export function webTitle(kind: Failure["kind"]): string {
  return answers[kind].title;
}

export function webStatus(kind: Failure["kind"]): number {
  return answers[kind].web;
}

function detailOf(failure: Failure): string | undefined {
  switch (failure.kind) {
    case "requestInvalid":
      return failure.issues.map(({ field, message }) => `${field}: ${message}`).join("; ");
    case "keyInvalid":
      return failure.reason;
    case "headerInvalid":
      return `${failure.header} ${failure.reason}`;
    case "pathUnknown": {
      const meant = failure.nearest.length === 0 ? "" : `Did you mean ${failure.nearest.join(" or ")}? `;
      return `${meant}All calls are in /openapi.json.`;
    }
    case "accessAnswered":
      return `It is ${failure.state}.`;
    case "methodNotAllowed":
      return `Allowed are ${failure.allowed.join(", ")}.`;
    case "noEditor":
      return failure.sentence;
    case "nameIllegal":
      return failure.reason;
    case "lockedElsewhere":
      return `${holderReason[failure.holder]}.`;
    case "editorUnreachable":
      return failure.said;
    default:
      return undefined;
  }
}
