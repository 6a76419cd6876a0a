import { randomBytes } from "node:crypto";
import { type Request, Router, urlencoded } from "express";
import { z } from "zod";
import { logFacts } from "../http/requestLog.ts";
import { type EditLink, linkEnd } from "../links/links.ts";
import { addressOf, linkOf } from "../links/manageLinks.ts";
import { longestMessage, mailLink } from "../mail/linkMail.ts";
import { BridgeError } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { requireOwnOrigin } from "./ownOrigin.ts";
import { type Caller, forPerson, languageOf, type PageNeeds } from "./pageAnswer.ts";
import type { LinkFacts } from "./views/linkPage.ts";
import type { LinksFacts } from "./views/linksPage.ts";

type Needs = PageNeeds &
  Parameters<typeof linkOf>[0] &
  Parameters<typeof mailLink>[0] &
  Pick<Services, "mailServer" | "mailReports" | "ownersMail">;

const formIdSchema = z.string().regex(/^[\w-]{16}$/);
const mailForm = z.object({
  form: formIdSchema,
  to: z.string().max(8_000),
  // Browsers count a line break as one character but send two.
  message: z
    .string()
    .transform((text) => text.replaceAll("\r\n", "\n").trim())
    .pipe(z.string().max(longestMessage)),
});

/** Links sent by mail, and whether an owner is told of requests by mail. Only where a mail server is set up. */
export function linkMailRouter(services: Needs): Router {
  const router = Router();
  const form = [requireOwnOrigin(services.bridgeUrl), urlencoded({ extended: false, limit: "64kb" })];

  router.post(
    "/links/:id/mail",
    ...form,
    forPerson(services, async (person, request, response) => {
      const { mailServer } = services;
      const link = await linkOf(services, `person:${person.id}`, String(request.params["id"]));
      const url = await addressOf(services, link);
      const sent = mailForm.safeParse(request.body).data;
      const canBeSent = mailServer !== undefined && url !== undefined && linkEnd(link, services.now()) === undefined;
      if (!canBeSent || sent === undefined) {
        response.redirect(303, `${services.bridgeUrl}/links/${link.id}?late=1`);
        return;
      }
      const language = await languageOf(services.cookies, request);
      await services.ownersMail.remember(person, language);
      await mailLink(services, mailServer, person, { link, url, formId: sent.form, language, ...sent });
      logFacts({ link: link.id, person: person.id });
      response.redirect(303, `${services.bridgeUrl}/links/${link.id}?mail=${sent.form}#mail`);
    }),
  );

  router.post(
    "/request-mails",
    ...form,
    forPerson(services, async (person, request, response) => {
      const wanted = z.object({ wanted: z.enum(["yes", "no"]) }).safeParse(request.body).data?.wanted;
      if (services.mailServer === undefined) throw new BridgeError({ kind: "fileMissing" });
      if (wanted !== undefined) await services.ownersMail.switchRequestMails(person.id, wanted === "no");
      response.redirect(303, `${services.bridgeUrl}/links#request-mails`);
    }),
  );
  return router;
}

/** The form on a link's page, and what became of the last one; undefined where nothing can be mailed. */
export async function mailFactsOf(
  services: Pick<Services, "mailServer" | "mailReports" | "ownersMail" | "cookies">,
  person: Caller,
  request: Request,
  link: EditLink,
): Promise<LinkFacts["mail"]> {
  if (services.mailServer === undefined) return undefined;
  const { email } = await services.ownersMail.remember(person, await languageOf(services.cookies, request));
  const formId = formIdSchema.safeParse(request.query["mail"]).data;
  const report = formId === undefined ? undefined : await services.mailReports.of(person.id, formId);
  return {
    formId: randomBytes(12).toString("base64url"),
    ...(email === undefined ? {} : { replyTo: email }),
    ...(report?.linkId === link.id ? { report } : {}),
  };
}

/** Whether an owner is told of requests by mail; undefined where nobody is. */
export async function requestMailsOf(
  services: Pick<Services, "mailServer" | "ownersMail" | "cookies">,
  person: Caller,
  request: Request,
): Promise<LinksFacts["requestMails"]> {
  if (services.mailServer === undefined) return undefined;
  const { email, isOff } = await services.ownersMail.remember(person, await languageOf(services.cookies, request));
  return email === undefined ? undefined : { email, isOff };
}
