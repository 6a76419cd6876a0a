import { type NextFunction, type Request, type Response, Router } from "express";
import { z } from "zod";
import type { WaitingSave } from "../documents/saveSpool.ts";
import { logFacts } from "../http/requestLog.ts";
import { releaseLocks } from "../links/manageLinks.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import { conflictCopyName } from "../model/fileName.ts";
import { inTime } from "../model/inTime.ts";
import type { Services } from "../services.ts";
import { adminFacts } from "./adminFacts.ts";
import { requireOwnOrigin } from "./ownOrigin.ts";
import { type Caller, isAdministrator, type PageNeeds, pageContext, sendPage, signedInPerson } from "./pageAnswer.ts";
import { adminDone, adminPage } from "./views/adminPage.ts";
import { sendWaitingSave } from "./waitingSaves.ts";

type Needs = PageNeeds &
  Parameters<typeof adminFacts>[0] &
  Parameters<typeof releaseLocks>[0] &
  Pick<Services, "drive" | "replay" | "audit" | "saveDropped" | "note">;

/** A doctor's run, or another try to place a save, usually ends by then; otherwise it goes on, and the page says so. */
const waitMs = 8_000;
const reloadSeconds = 3;
/** This page is needed most when the drive does not answer. */
const standingWithinMs = 2_000;

/**
 * `/admin`: what an operator wants to know of a running bridge, for those named in ADMIN_EMAILS. For everybody else
 * there is no such page.
 */
export function adminRouter(services: Needs): Router {
  const router = Router();
  const { audit, bridgeUrl, doctor, links, replay, spool } = services;
  const ownOrigin = requireOwnOrigin(bridgeUrl);

  /** Others get what they get for any address that does not exist, also for posts of other sites. */
  const forAdministrator =
    (serve: (person: Caller, request: Request, response: Response) => Promise<void>) =>
    async (request: Request, response: Response, next: NextFunction): Promise<void> => {
      const person = await signedInPerson(services, request, response);
      if (person === undefined || !isAdministrator(services.config, person)) {
        next("router");
        return;
      }
      // The drive may have banned the account since: its tokens are not renewed then.
      await inTime(requireStanding(services, person), standingWithinMs, () => undefined);
      if (request.method === "POST") ownOrigin(request, response, () => undefined);
      logFacts({ person: person.id });
      await serve(person, request, response);
    };
  const by = (person: Caller): string => `administrator:${person.id}`;
  const back = (response: Response, part: string, done?: (typeof adminDone)[number]): void =>
    response.redirect(303, `${bridgeUrl}/admin${done === undefined ? "" : `?done=${done}`}#${part}`);

  /** @throws fileMissing when it has been placed or deleted meanwhile */
  const waitingSave = (request: Request): WaitingSave => {
    const save = spool.waiting().find(({ id }) => id === request.params["id"]);
    if (save === undefined) throw new BridgeError({ kind: "fileMissing" });
    return save;
  };

  router.get(
    "/admin",
    forAdministrator(async (person, request, response) => {
      const { q, done } = adminQuery.parse(request.query);
      const facts = await adminFacts(services, q);
      // Works without a script too.
      if (facts.doctor.runningSinceMs !== undefined) response.set("Refresh", String(reloadSeconds));
      const page = adminPage(await pageContext(services, request, person), { ...facts, done });
      sendPage(response, 200, page);
    }),
  );

  router.post(
    "/admin/doctor",
    forAdministrator(async (_person, _request, response) => {
      await inTime(doctor.run(), waitMs, () => undefined);
      back(response, "doctor");
    }),
  );

  router.get(
    "/admin/saves/:id/content",
    forAdministrator(async (person, request, response) => {
      const save = waitingSave(request);
      const content = await spool.read(save.id);
      if (content === undefined) throw new BridgeError({ kind: "fileMissing" });
      const { facts } = save;
      const whose = { id: facts?.personId ?? "", name: facts?.personName ?? "" };
      audit({ event: "saveDownloaded", file: facts?.document.fileId ?? "", person: whose, by: by(person) });
      const name =
        facts === undefined ? `${save.id}.bin` : conflictCopyName(facts.fileName, whose.name, save.receivedAtMs, 0);
      await sendWaitingSave(response, name, content);
    }),
  );

  router.post(
    "/admin/saves/:id/place",
    forAdministrator(async (_person, request, response) => {
      const { id } = waitingSave(request);
      // All that wait are tried: a save has its place among those of its document.
      await inTime(replay.run(), waitMs, () => undefined);
      const isThere = spool.waiting().some((save) => save.id === id);
      back(response, "saves", isThere ? "stillWaiting" : "placed");
    }),
  );

  router.post(
    "/admin/saves/:id/dismiss",
    forAdministrator(async (person, request, response) => {
      const save = waitingSave(request);
      const isDropped = await spool.drop(save.id);
      if (isDropped) services.saveDropped(save, { why: "dismissed", by: by(person) });
      back(response, "saves", isDropped ? "dismissed" : "stillWaiting");
    }),
  );

  router.post(
    "/admin/links/:id/revoke",
    forAdministrator(async (person, request, response) => {
      const link = await links.revoke(String(request.params["id"]));
      if (link !== undefined) {
        audit({ event: "linkRevoked", link: link.id, file: link.fileId, by: by(person) });
        await releaseLocks(services, link);
      }
      back(response, "links", "linkRevoked");
    }),
  );
  return router;
}

const adminQuery = z.object({
  q: z.string().trim().max(200).catch(""),
  done: z.enum(adminDone).optional().catch(undefined),
});

/** @throws signInNeeded when the drive accepts the administrator's sign-in no more; not when it can't be asked */
async function requireStanding({ drive, note }: Pick<Services, "drive" | "note">, { account }: Caller): Promise<void> {
  try {
    await drive.accountNamed(account);
  } catch (error) {
    if (failureOf(error, "signInNeeded") !== undefined) throw error;
    note(error);
  }
}
