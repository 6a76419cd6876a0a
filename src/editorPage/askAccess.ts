import { json, type RequestHandler } from "express";
import { z } from "zod";
import { type AccessGrant, newsThrough, rightOf } from "../documents/grants.ts";
import { logFacts } from "../http/requestLog.ts";
import { sourceOf } from "../http/requestSource.ts";
import { askingFromOnePlace, mayAskFor, standingOf } from "../links/visitorRights.ts";
import { BridgeError } from "../model/failure.ts";
import { cleanName } from "../model/personName.ts";
import type { Services } from "../services.ts";
import type { AccessStanding, AskedAccess } from "./pageMessages.ts";

type Needs = Pick<
  Services,
  "grants" | "links" | "visitorRights" | "allowances" | "audit" | "tellPortals" | "mailRequest" | "now"
>;

const askSchema = z.object({ name: z.string().max(1024).optional() });

/**
 * `POST /edit/KEY/ask`, by the page of a link's visitor: asks the owner to let this visitor edit. The page's key stands
 * for the visitor's cookie. A visitor whom nobody asked for a name gives one now.
 */
export function askAccess(services: Needs): RequestHandler<{ key: string }>[] {
  return [
    json({ limit: "4kb" }),
    async (request, response) => {
      const { grant, ended } = await services.grants.behindPageKey(request.params.key);
      const link = grant.linkId === undefined ? undefined : await services.links.find(grant.linkId);
      const isAbout = grant.document.version === undefined && rightOf(grant) !== "edit";
      if (ended !== undefined || link === undefined || !mayAskFor(link) || !isAbout) {
        throw new BridgeError({ kind: "ticketInvalid" });
      }
      const name = grant.person.isNameless
        ? cleanName(askSchema.safeParse(request.body).data?.name)
        : grant.person.name;
      if (name === undefined) {
        throw new BridgeError({ kind: "requestInvalid", issues: [{ field: "name", message: "is required" }] });
      }
      await services.allowances.take("requests to edit", `${link.id} ${sourceOf(request)}`, askingFromOnePlace);
      const person = { id: grant.person.id, name };
      const { right, isNew } = await services.visitorRights.ask(link.id, person);
      if (isNew) {
        const { fileId } = grant.document;
        services.audit({ event: "accessAsked", link: link.id, file: fileId, person });
        const news = newsThrough({ ...grant, person }, grant.fileName);
        void services.tellPortals({ type: "accessAsked", data: {}, ...news, mark: `${person.id} ${right.askedAtMs}` });
        // Never waited for: the request stands on the owner's pages.
        void services.mailRequest(link, person);
      }
      logFacts({ grant: grant.id, link: link.id });
      response.json({ access: standingOf(right, services.now()) } satisfies AskedAccess);
    },
  ];
}

/** Where a visitor's request to edit stands; undefined for somebody who can't ask. */
export async function accessOf(
  { links, visitorRights, now }: Pick<Services, "links" | "visitorRights" | "now">,
  grant: AccessGrant,
): Promise<AccessStanding | undefined> {
  if (grant.linkId === undefined || rightOf(grant) === "edit") return undefined;
  const link = await links.find(grant.linkId);
  if (link === undefined) return undefined;
  const { entry, mayEdit } = await visitorRights.forVisitor(link, grant.person.id);
  return mayEdit ? "granted" : standingOf(entry, now());
}
