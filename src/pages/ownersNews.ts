import { Router, urlencoded } from "express";
import { z } from "zod";
import type { Services } from "../services.ts";
import { requireOwnOrigin } from "./ownOrigin.ts";
import { forPerson, type PageNeeds } from "./pageAnswer.ts";

/** `POST /news/dismiss`: the owner has read the news above the list of documents. */
export function ownersNewsRouter(services: PageNeeds & Pick<Services, "ownersNews">): Router {
  const router = Router();
  router.post(
    "/news/dismiss",
    requireOwnOrigin(services.bridgeUrl),
    urlencoded({ extended: false, limit: "16kb" }),
    forPerson(services, async (person, request, response) => {
      const until = z.coerce.number().int().min(0).safeParse(request.body?.until).data;
      if (until !== undefined) await services.ownersNews.dismiss(person.id, until);
      response.redirect(303, `${services.bridgeUrl}/`);
    }),
  );
  return router;
}
