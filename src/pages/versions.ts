import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { type Request, type Response, Router, urlencoded } from "express";
import { z } from "zod";
import { type DocumentRequest, openDocument } from "../documents/openSession.ts";
import { restoreVersion } from "../documents/restoreVersion.ts";
import { comparedAtMost, type DifferenceRow, differenceOf, isTextName, textIn } from "../documents/textDifference.ts";
import { type CopyMade, longestVersionName } from "../documents/versionRecord.ts";
import { hungUp } from "../http/hungUp.ts";
import { logFacts, logFailure } from "../http/requestLog.ts";
import type { DriveFile, DriveVersion } from "../model/drive.ts";
import { BridgeError, failureOf, onFailure } from "../model/failure.ts";
import { FileMutex } from "../model/fileMutex.ts";
import { isOfficeName, officeReadAtMost, officeTextOf } from "../officeText/officeText.ts";
import type { Services } from "../services.ts";
import { type OpenedPageNeeds, openPage } from "./openedPage.ts";
import { fileIdIn, requireOwnOrigin } from "./ownOrigin.ts";
import { type Caller, editorLanguageOf, forPerson, type PageNeeds, pageContext, sendPage } from "./pageAnswer.ts";
import { type ComparedSide, type CompareFacts, comparePage, type WhyFrames } from "./views/comparePage.ts";
import type { ListedCopy } from "./views/copyRows.ts";
import { type NotRestored, type VersionsFacts, versionsPage } from "./views/versionsPage.ts";

type Needs = PageNeeds &
  Parameters<typeof openDocument>[0] &
  Parameters<typeof restoreVersion>[0] &
  OpenedPageNeeds &
  Pick<Services, "versionRecord" | "locks" | "openCalls">;

const versionId = z.string().regex(/^[A-Za-z0-9]{1,64}$/);
const restoreForm = z.object({ version: versionId, current: versionId });
const nameForm = z.object({
  version: versionId,
  name: z
    .string()
    .max(4 * longestVersionName)
    .transform((name) => [...name.replace(/\s+/g, " ").trim()].slice(0, longestVersionName).join("")),
});

/** `/versions`: what a document was, for its owner. */
export function versionPagesRouter(services: Needs): Router {
  const router = Router();
  const form = [requireOwnOrigin(services.bridgeUrl), urlencoded({ extended: false, limit: "16kb" })];
  const comparisons = new FileMutex();

  const showPage = async (
    person: Caller,
    request: Request,
    response: Response,
    status: number,
    more: Pick<VersionsFacts, "done" | "notRestored">,
  ): Promise<void> => {
    const fileId = fileIdIn(request.params["id"]);
    const facts = await versionFacts(services, person, fileId);
    const context = { ...(await pageContext(services, request, person)), path: `/versions/${fileId}` };
    sendPage(response, status, versionsPage(context, { ...facts, ...more }));
  };

  router.get(
    "/versions/:id",
    forPerson(services, async (person, request, response) => {
      const done = z.enum(["restored", "replacedGone", "named"]).safeParse(request.query["done"]).data;
      await showPage(person, request, response, 200, { done });
    }),
  );

  router.get(
    "/versions/:id/open",
    forPerson(services, async (person, request, response) => {
      const { file, version } = await versionAsked(services, person, request);
      const asked: DocumentRequest = {
        target: { fileId: file.id },
        action: "view",
        version: version.version,
        account: { named: person.account },
        user: undefined,
        restrictions: {},
        saveAs: "none",
        mayRename: false,
        language: await editorLanguageOf(services.cookies, request),
        theme: undefined,
        // Two beside each other have no room for toolbars.
        isEmbedded: request.query["bare"] !== undefined,
        issuedTo: `person:${person.id}`,
        generation: person.generation,
      };
      const opened = await openDocument(services, asked);
      logFacts({ grant: opened.grant.id, file: file.id, person: person.id });
      await openPage(services, request, response, opened, `/versions/${file.id}/open?version=${version.version}`);
    }),
  );

  router.get(
    "/versions/:id/content",
    forPerson(services, async (person, request, response) => {
      const { file, version } = await versionAsked(services, person, request);
      logFacts({ file: file.id, person: person.id });
      await sendVersion(services, person, response, file, version);
    }),
  );

  router.get(
    "/versions/:id/copies/:copy/content",
    forPerson(services, async (person, request, response) => {
      const copyId = fileIdIn(request.params["copy"]);
      const copies = await services.versionRecord.copiesOf(fileIdIn(request.params["id"]));
      if (copies.every((copy) => copy.copyId !== copyId)) throw new BridgeError({ kind: "fileMissing" });
      const { file, versions } = await services.drive.versions(person.account, copyId);
      const version = versions.find((one) => one.version === file.version);
      if (version === undefined) throw new BridgeError({ kind: "fileMissing" });
      logFacts({ file: copyId, person: person.id });
      await sendVersion(services, person, response, file, version);
    }),
  );

  router.get(
    "/versions/:id/compare",
    forPerson(services, async (person, request, response) => {
      const facts = await compareFacts(services, comparisons, person, request, hungUp(response));
      logFacts({ file: facts.file.id, person: person.id });
      sendPage(response, 200, comparePage(await pageContext(services, request, person), facts));
    }),
  );

  router.post(
    "/versions/:id/restore",
    ...form,
    forPerson(services, async (person, request, response) => {
      const fileId = fileIdIn(request.params["id"]);
      const sent = restoreForm.safeParse(request.body);
      if (!sent.success) throw new BridgeError({ kind: "fileMissing" });
      const { version, current: currentVersion } = sent.data;
      logFacts({ file: fileId, person: person.id });
      try {
        const { isReplacedKept } = await restoreVersion(services, person, { fileId, version, currentVersion });
        const done = isReplacedKept ? "restored" : "replacedGone";
        response.redirect(303, `${services.bridgeUrl}/versions/${fileId}?done=${done}`);
      } catch (error) {
        const notRestored = await whyNotRestored(services, fileId, error);
        if (notRestored === undefined) throw error;
        logFailure(error);
        await showPage(person, request, response, notRestored.why === "notDone" ? 502 : 409, { notRestored });
      }
    }),
  );

  router.post(
    "/versions/:id/name",
    ...form,
    forPerson(services, async (person, request, response) => {
      const sent = nameForm.safeParse(request.body);
      if (!sent.success) throw new BridgeError({ kind: "fileMissing" });
      const { version, name } = sent.data;
      const { file } = await versionOf(services, person, fileIdIn(request.params["id"]), version);
      await services.versionRecord.name(file.id, version, name);
      logFacts({ file: file.id, person: person.id });
      response.redirect(303, `${services.bridgeUrl}/versions/${file.id}?done=named`);
    }),
  );
  return router;
}

async function versionFacts(services: Needs, person: Caller, fileId: string): Promise<VersionsFacts> {
  const { drive, versionRecord, locks } = services;
  const [{ file, versions }, saves, names, copies, lock, openable] = await Promise.all([
    drive.versions(person.account, fileId),
    versionRecord.saves(fileId),
    versionRecord.names(fileId),
    versionRecord.copiesOf(fileId),
    locks.current(fileId),
    drive.openable(person.account),
  ]);
  return {
    file,
    versions: versions.map((version) => {
      const name = names.get(version.version);
      const save = saves.get(version.version);
      return { ...version, ...(name === undefined ? {} : { name }), ...(save === undefined ? {} : { save }) };
    }),
    copies: await Promise.all(copies.map((copy) => withPresence(services, person.account, copy))),
    ...(lock === undefined ? {} : { editedBy: await editorOf(services, lock.grantId) }),
    canOpen: openable.has(extensionOf(file.name)),
  };
}

/** Whether a copy is still there, and under which name: a person may have deleted or renamed it. */
export async function withPresence(
  { drive }: Pick<Services, "drive">,
  account: string,
  copy: CopyMade,
): Promise<ListedCopy> {
  return onFailure(
    "fileMissing",
    async () => ({ ...copy, name: (await drive.find(account, { fileId: copy.copyId })).name, isGone: false }),
    () => ({ ...copy, isGone: true }),
  );
}

/** @returns empty when the grant ended too long ago */
async function editorOf({ grants }: Needs, grantId: string): Promise<string> {
  const grant = (await grants.find(grantId)) ?? (await grants.findEnded(grantId));
  return grant?.person.name ?? "";
}

function versionAsked(services: Needs, person: Caller, request: Request) {
  const version = versionId.safeParse(request.query["version"]).data;
  return versionOf(services, person, fileIdIn(request.params["id"]), version);
}

/** @throws fileMissing when it is no version of this file, or the file is somebody else's */
async function versionOf({ drive }: Needs, person: Caller, fileId: string, version: string | undefined) {
  const { file, versions } = await drive.versions(person.account, fileId);
  const found = versions.find((one) => one.version === version);
  if (found === undefined) throw new BridgeError({ kind: "fileMissing" });
  return { file, version: found };
}

/** What is compared: two versions (`from`, `to`; by default the current one and the one before), or a copy with the document (`copy`). */
async function compareFacts(
  services: Needs,
  comparisons: FileMutex,
  person: Caller,
  request: Request,
  signal: AbortSignal,
): Promise<CompareFacts> {
  const { drive, versionRecord } = services;
  const fileId = fileIdIn(request.params["id"]);
  const { file, versions } = await drive.versions(person.account, fileId);
  const names = await versionRecord.names(fileId);
  const sideOf = (of: DriveFile, { version, storedAt }: DriveVersion): ComparedSide => {
    const name = names.get(version);
    const isCopy = of.id !== fileId;
    return {
      fileId: of.id,
      version,
      storedAt,
      ...(name === undefined || isCopy ? {} : { name }),
      isCurrent: version === of.version,
      ...(isCopy ? { copyName: of.name } : {}),
    };
  };
  const wished = (value: unknown, among: readonly DriveVersion[]): DriveVersion => {
    const found = among.find(({ version }) => version === value);
    if (found === undefined) throw new BridgeError({ kind: "fileMissing" });
    return found;
  };
  const { to = file.version, copy } = request.query;
  const earlier = copy === undefined ? versions.find(({ version }) => version !== to)?.version : undefined;
  const { from = earlier ?? file.version } = request.query;
  const before = { file, version: wished(from, versions) };
  let after = { file, version: wished(to, versions) };
  if (copy !== undefined) {
    const copyId = fileIdIn(copy);
    const copies = await versionRecord.copiesOf(fileId);
    if (copies.every((one) => one.copyId !== copyId)) throw new BridgeError({ kind: "fileMissing" });
    const found = await drive.versions(person.account, copyId);
    after = { file: found.file, version: wished(found.file.version, found.versions) };
  }
  return {
    file,
    before: sideOf(before.file, before.version),
    after: sideOf(after.file, after.version),
    versions: versions.map((version) => sideOf(file, version)),
    shown: await shownOf(services, comparisons, person, [before, after], request.query["as"] === "documents", signal),
  };
}

interface Side {
  readonly file: DriveFile;
  readonly version: DriveVersion;
}

/** @param asDocuments in two editors, though their text could be compared */
async function shownOf(
  services: Needs,
  comparisons: FileMutex,
  person: Caller,
  sides: readonly [Side, Side],
  asDocuments: boolean,
  signal: AbortSignal,
): Promise<CompareFacts["shown"]> {
  const { drive } = services;
  if (sides.every(({ file }) => isTextName(file.name))) {
    if (sides.some(({ version }) => version.sizeBytes > comparedAtMost)) return { as: "nothing", why: "tooLarge" };
    const texts = await Promise.all(
      sides.map(async ({ file, version }) => {
        const { body } = await drive.readVersion(person.account, file, version, undefined, signal);
        return textIn(await buffer(body));
      }),
    );
    const [before, after] = texts;
    if (before !== undefined && after !== undefined) {
      const rows = await differenceOf(before, after);
      return rows === undefined ? { as: "nothing", why: "tooDifferent" } : { as: "rows", rows, of: "all" };
    }
  }
  let why: WhyFrames = "otherType";
  if (asDocuments) why = "asked";
  else if (sides.every(({ file }) => isOfficeName(file.name))) {
    // Memory and time for one document's parts at a time, however many comparisons a person asks for.
    const found = await comparisons.run(person.account, () => officeRows(services, person, sides, signal), signal);
    if (typeof found !== "string") return { as: "rows", rows: found, of: "text" };
    why = found;
  }
  const openable = await drive.openable(person.account);
  return sides.every(({ file }) => openable.has(extensionOf(file.name)))
    ? { as: "frames", why }
    : { as: "nothing", why: "noEditor" };
}

/** @returns why there are none */
async function officeRows(
  { drive }: Needs,
  { account }: Caller,
  sides: readonly [Side, Side],
  signal: AbortSignal,
): Promise<readonly DifferenceRow[] | "unreadable" | "tooLarge" | "tooDifferent"> {
  if (sides.some(({ version }) => version.sizeBytes > officeReadAtMost)) return "tooLarge";
  const textOf = async ({ file, version }: Side) => {
    const { body } = await drive.readVersion(account, file, version, undefined, signal);
    return officeTextOf(file.name, body, comparedAtMost);
  };
  const before = await textOf(sides[0]);
  if ("why" in before) return before.why;
  const after = await textOf(sides[1]);
  if ("why" in after) return after.why;
  return (await differenceOf(before.text, after.text)) ?? "tooDifferent";
}

const extensionOf = (name: string): string => name.slice(name.lastIndexOf(".") + 1).toLowerCase();

async function sendVersion(
  { drive }: Needs,
  person: Caller,
  response: Response,
  file: DriveFile,
  version: DriveVersion,
): Promise<void> {
  const content = await drive.readVersion(person.account, file, version, undefined, hungUp(response));
  // Another person's content: browsers must not show it as a page.
  response.attachment(version.version === file.version ? file.name : datedName(file.name, version.storedAt));
  response.type("application/octet-stream");
  response.set({ "Content-Length": String(content.lengthBytes), "Content-Security-Policy": "sandbox" });
  try {
    await pipeline(content.body, response);
  } catch (error) {
    // Half of it has been sent: nothing may be added to it.
    logFailure(error);
    response.destroy();
  }
}

/** `Report.docx` → `Report (2026-11-21 08.15).docx` */
function datedName(name: string, storedAt: string): string {
  const dot = name.lastIndexOf(".");
  const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  return `${stem} (${storedAt.slice(0, 16).replace("T", " ").replace(":", ".")})${extension}`;
}

/** @returns what the page says; undefined for a failure that has a page of its own */
async function whyNotRestored(services: Needs, fileId: string, error: unknown): Promise<NotRestored | undefined> {
  const { locks } = services;
  if (failureOf(error, "lockMismatch") !== undefined) {
    const lock = await locks.current(fileId);
    return { why: "edited", by: lock === undefined ? "" : await editorOf(services, lock.grantId) };
  }
  const held = failureOf(error, "lockedElsewhere");
  if (held !== undefined) return { why: "locked", holder: held.holder };
  if (failureOf(error, "changedInStorage") !== undefined) return { why: "changed" };
  if (failureOf(error, "quotaExceeded") !== undefined || failureOf(error, "bodyTooLarge") !== undefined) {
    return { why: "noRoom" };
  }
  if (failureOf(error, "fileMissing") !== undefined) return { why: "gone" };
  return failureOf(error, "driveFailed") === undefined ? undefined : { why: "notDone" };
}
