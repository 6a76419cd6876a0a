import { Router } from "express";
import { takeOverDocument } from "../documents/lockDocument.ts";
import { logFacts } from "../http/requestLog.ts";
import type { Services } from "../services.ts";
import { fileIdIn, requireOwnOrigin } from "./ownOrigin.ts";
import { forPerson, type PageNeeds, pageContext, sendPage } from "./pageAnswer.ts";
import { takeOverPage } from "./views/takeOverPage.ts";

type Needs = PageNeeds & Pick<Services, "drive" | "grants" | "locks" | "audit" | "note">;

/** `/takeover`: an owner ends the lock of a document, whoever holds it. */
export function takeOverPagesRouter(services: Needs): Router {
  const router = Router();

  router.get(
    "/takeover",
    forPerson(services, async (person, request, response) => {
      const file = await services.drive.find(person.account, { fileId: fileIdIn(request.query["file_id"]) });
      const lock = await services.locks.current(file.id);
      const heldBy = lock === undefined ? undefined : ((await personBehind(services, lock.grantId))?.name ?? "");
      const facts = { file, heldBy, isDone: request.query["done"] === "1" };
      sendPage(response, 200, takeOverPage(await pageContext(services, request, person), facts));
    }),
  );

  router.post(
    "/takeover/:id",
    requireOwnOrigin(services.bridgeUrl),
    forPerson(services, async (person, request, response) => {
      const file = await services.drive.find(person.account, { fileId: fileIdIn(request.params["id"]) });
      const lock = await takeOverDocument(services, file.id);
      logFacts({ file: file.id, person: person.id });
      if (lock !== undefined) {
        const from = await personBehind(services, lock.grantId);
        const by = `person:${person.id}`;
        services.audit({ event: "lockTakenOver", file: file.id, by, ...(from === undefined ? {} : { from }) });
      }
      response.redirect(303, `${services.bridgeUrl}/takeover?file_id=${file.id}&done=1`);
    }),
  );
  return router;
}

/** @returns undefined when the grant ended too long ago */
async function personBehind({ grants }: Needs, grantId: string): Promise<{ id: string; name: string } | undefined> {
  const grant = (await grants.find(grantId)) ?? (await grants.findEnded(grantId));
  return grant === undefined ? undefined : { id: grant.person.id, name: grant.person.name };
}
