import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Response, Router } from "express";
import type { PlacingFacts } from "../documents/saveFacts.ts";
import type { SaveSpool, WaitingSave } from "../documents/saveSpool.ts";
import { logFacts, logFailure } from "../http/requestLog.ts";
import { BridgeError } from "../model/failure.ts";
import { conflictCopyName } from "../model/fileName.ts";
import type { SignedInPerson } from "../model/personSessions.ts";
import type { Services } from "../services.ts";
import { requireOwnOrigin } from "./ownOrigin.ts";
import { forPerson, type PageNeeds, pageContext, sendPage } from "./pageAnswer.ts";
import { waitingSavesPage } from "./views/waitingSavesPage.ts";

type Needs = PageNeeds & Pick<Services, "spool" | "saveLifetimeMs" | "audit" | "saveDropped">;

type OwnSave = WaitingSave & { readonly facts: PlacingFacts };

/** Saves of a person's own documents that are not in the drive yet, the oldest first. */
export function savesOf(spool: SaveSpool, person: Pick<SignedInPerson, "id" | "account">): readonly OwnSave[] {
  return spool.waiting().filter((save): save is OwnSave => save.facts !== undefined && isOwn(save.facts, person));
}

function isOwn({ ownerId, document }: PlacingFacts, { id, account }: Pick<SignedInPerson, "id" | "account">): boolean {
  return ownerId === undefined ? document.account === account : ownerId === id;
}

/** `/saves`: the waiting saves of a person's documents, to download or dismiss. */
export function waitingSavePagesRouter(services: Needs): Router {
  const router = Router();
  const { spool, audit } = services;

  /** @throws fileMissing when it is gone, or belongs to someone else */
  const own = (person: SignedInPerson, id: unknown): OwnSave => {
    const save = savesOf(spool, person).find((one) => one.id === id);
    if (save === undefined) throw new BridgeError({ kind: "fileMissing" });
    return save;
  };
  const auditFacts = ({ facts }: OwnSave) => ({
    file: facts.document.fileId,
    person: { id: facts.personId ?? "", name: facts.personName },
  });

  router.get(
    "/saves",
    forPerson(services, async (person, request, response) => {
      const saves = savesOf(spool, person).map(({ id, facts, receivedAtMs, sizeBytes, isBroken }) => ({
        id,
        fileName: facts.fileName,
        personName: facts.personName,
        receivedAtMs,
        endsAtMs: receivedAtMs + services.saveLifetimeMs,
        sizeBytes,
        isBroken,
      }));
      const facts = { saves, dismissed: request.query["dismissed"] === "1" };
      sendPage(response, 200, waitingSavesPage(await pageContext(services, request, person), facts));
    }),
  );

  router.get(
    "/saves/:id/content",
    forPerson(services, async (person, request, response) => {
      const save = own(person, request.params["id"]);
      const content = await spool.read(save.id);
      if (content === undefined) throw new BridgeError({ kind: "fileMissing" });
      const by = `person:${person.id}`;
      logFacts({ file: save.facts.document.fileId, person: person.id });
      audit({ event: "saveDownloaded", ...auditFacts(save), by });
      const { fileName, personName } = save.facts;
      await sendWaitingSave(response, conflictCopyName(fileName, personName, save.receivedAtMs, 0), content);
    }),
  );

  router.post(
    "/saves/:id/dismiss",
    requireOwnOrigin(services.bridgeUrl),
    forPerson(services, async (person, request, response) => {
      const save = own(person, request.params["id"]);
      // If it was placed meanwhile, it is in the drive, which is just as good.
      if (await spool.drop(save.id)) services.saveDropped(save, { why: "dismissed", by: `person:${person.id}` });
      logFacts({ file: save.facts.document.fileId, person: person.id });
      response.redirect(303, `${services.bridgeUrl}/saves?dismissed=1`);
    }),
  );
  return router;
}

/** A waiting save's bytes as a download. */
export async function sendWaitingSave(
  response: Response,
  name: string,
  { body, sizeBytes }: { readonly body: Readable; readonly sizeBytes: number },
): Promise<void> {
  response.attachment(name);
  // Another person's content: browsers must not show it as a page.
  response.type("application/octet-stream");
  response.set({ "Content-Length": String(sizeBytes), "Content-Security-Policy": "sandbox" });
  try {
    await pipeline(body, response);
  } catch (error) {
    // Half of it has been sent: nothing may be added to it.
    logFailure(error);
    response.destroy();
  }
}
